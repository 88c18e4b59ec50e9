"""Forecasts as matrices: beside pandas' smoothing and recursions written out."""

import numpy as np
import pandas
import pytest

from backlit.data.series.methods import methods, smoothing


def test_exponential_smoothing_is_that_of_pandas(rng):
    past = rng.normal(size=20)
    for level in (0.1, 0.5, 0.95):
        expected = pandas.Series(past).ewm(alpha=level, adjust=False).mean().iloc[-1]
        assert past @ smoothing(20, 3, level) == pytest.approx([expected] * 3)


def test_a_fading_trend_and_a_season_are_holts_and_winters(rng):
    past, a, b, phi, g, m = rng.normal(size=17), 0.3, 0.2, 0.9, 0.4, 5
    level = past[:m].mean()
    season = list(past[:m] - level)
    trend = (past[m : 2 * m].mean() - level) / m
    level += trend * (m - 1) / 2
    for t in range(m, 17):
        before = level
        level = a * (past[t] - season[t % m]) + (1 - a) * (before + phi * trend)
        trend = b * (level - before) + (1 - b) * phi * trend
        season[t % m] = g * (past[t] - level) + (1 - g) * season[t % m]
    ahead = [level + trend * sum(phi ** (i + 1) for i in range(k + 1)) + season[(17 + k) % m] for k in range(7)]
    assert past @ smoothing(17, 7, a, b, phi, m, g) == pytest.approx(ahead)


@pytest.mark.parametrize(("window", "season"), [(1, None), (4, None), (24, 7), (24, 12), (5, 7)])
def test_all_methods_go_on_with_a_constant_and_move_with_the_level(window, season, rng):
    found = methods(window, 3, season)
    for name, weight in found.items():
        assert weight.shape == (window, 3)
        assert weight.sum(axis=0) == pytest.approx([1] * 3), name
    past = np.tile(rng.normal(size=season or 1), window)[:window]
    for name in ("last season", "two seasons"):
        if name in found:
            assert past @ found[name] == pytest.approx(np.roll(past[:season], -(window % season))[:3])
    assert ("last season" in found) == bool(season and season <= window)
