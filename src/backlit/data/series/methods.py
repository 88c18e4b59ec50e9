"""Forecasts that need no network, as matrices: each is a weighted sum of the window's values.

A matrix (window, horizon) turns past values, seen from the last one, into what comes next, seen from it too. What is
learned from data are but the few that `tasks.combined` picks, and how much it makes of each.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Rates of exponential smoothing that are tried: of the level, of the trend, of the season; and how a trend fades.
LEVELS = (0.1, 0.2, 0.35, 0.5, 0.7)
TRENDS = tuple(
    (level, trend, fading) for level in (0.3, 0.6, 0.95) for trend in (0.05, 0.2, 0.5) for fading in (0.8, 0.95)
)
SEASONS = tuple((level, season) for level in (0.05, 0.2, 0.5, 0.9) for season in (0.05, 0.2, 0.5))
SLOW = (0.05, 0.95)  # a seasonal series' trend


def methods(window: int, horizon: int, season: int | None) -> dict[str, np.ndarray]:
    """All that a window is long enough for, by name.

    Examples
    --------
    >>> found = methods(4, 2, None)
    >>> past = np.array([0.0, 1.0, 2.0, 3.0])
    >>> (past - past[-1]) @ found["last value"] + past[-1], (past - past[-1]) @ found["drift of 3"] + past[-1]
    (array([3., 3.]), array([4., 5.]))
    """
    found = dict(_simple(window, horizon, season))
    found |= {f"smoothing {level}": smoothing(window, horizon, level) for level in LEVELS}
    found |= {
        f"smoothing {level} {trend} {fading}": smoothing(window, horizon, level, trend, fading)
        for level, trend, fading in TRENDS
    }
    if season and 1 < season <= window // 2:
        for level, again in SEASONS:
            name = f"smoothing {level} season {again}"
            found[name] = smoothing(window, horizon, level, season=season, again=again)
            found[f"{name} trend"] = smoothing(window, horizon, level, *SLOW, season=season, again=again)
    return found


def _simple(window: int, horizon: int, season: int | None) -> Iterator[tuple[str, np.ndarray]]:
    """The last value, the window's mean, straight lines, and last season."""
    last = np.zeros((window, horizon))
    last[-1] = 1
    ahead = np.arange(1, horizon + 1)
    yield "last value", last
    yield "mean", np.full((window, horizon), 1 / window)
    for back in sorted({back for back in (4, 8, window - 1) if 0 < back < window}):
        line = last.copy()
        line[-1] += ahead / back
        line[-1 - back] -= ahead / back
        yield f"drift of {back}", line
    if season is None or not 1 < season <= window:
        return
    again = np.zeros((window, horizon))
    again[window - season + np.arange(horizon) % season, np.arange(horizon)] = 1
    yield "last season", again
    if season < window:
        moved = again + last
        moved[window - 1 - season] -= 1
        yield "last season, moved", moved
    if 2 * season <= window:
        before = np.roll(again, -season, axis=0)
        yield "two seasons", (again + before) / 2


def smoothing(
    window: int,
    horizon: int,
    level: float,
    trend: float | None = None,
    fading: float = 1.0,
    season: int = 0,
    again: float = 0.0,
) -> np.ndarray:
    """Exponential smoothing over the window, with a fading trend and an additive season if wanted: (window, horizon).

    With rates α (level), β (trend), γ (again), fading φ and season m, and e the value less its season
    (J. Durbin's state form of Holt and Winters; Hyndman et al., "Forecasting with exponential smoothing", 2008)::

        l ← α (y − s) + (1 − α)(l + φ b)    b ← β (l − l₋₁) + (1 − β) φ b    s ← γ (y − l) + (1 − γ) s
        forecast k steps ahead: l + (φ + … + φᵏ) b + s

    Each state is kept as the weights of the window's values in it, since all are sums of these.
    """
    values = np.eye(window)
    state, slope, start = values[0], np.zeros(window), 1
    seasons: list[np.ndarray] = []
    if season:
        start = season
        state = values[:season].mean(axis=0)
        seasons = [value - state for value in values[:season]]
        if trend is not None:
            slope = (values[season : 2 * season].mean(axis=0) - state) / season
            state = state + slope * (season - 1) / 2
    elif trend is not None:
        few = min(window, 4) - 1
        slope = (values[few] - values[0]) / max(few, 1)
    for step in range(start, window):
        now = seasons[step % season] if season else 0.0
        moved = level * (values[step] - now) + (1 - level) * (state + fading * slope)
        if trend is not None:
            slope = trend * (moved - state) + (1 - trend) * fading * slope
        if season:
            seasons[step % season] = again * (values[step] - moved) + (1 - again) * now
        state = moved
    reach = np.cumsum(fading ** np.arange(1, horizon + 1))
    ahead = [state + far * slope for far in reach]
    if season:
        ahead = [value + seasons[(window + k) % season] for k, value in enumerate(ahead)]
    return np.array(ahead).T
