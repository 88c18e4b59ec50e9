"""Judgement of forecasts: beside last season, the last value and a linear forecast, over all and by step ahead."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.series import SeriesPreparation, Windows
from backlit.tasks.judge.scores import LEVEL

NETWORK, LAST, LINEAR = "network", "same as the last value", "linear (ridge)"


def judge_windows(run: Any, windows: Windows) -> dict[str, Any]:
    """Errors of a run on windows, in the target's unit, and those of forecasts that need no network; as plain data.

    Returns
    -------
    dict
        "task", "rows", "scores" (mae, rmse and, of several series, scaled_mae: the mean of errors by each series'
        scale), "baseline" (the best of the others), "rivals" (scores of each), "steps" (a dict for each step ahead:
        its number, mae and rmse of each forecast), "intervals" and "warnings".
    """
    preparation: SeriesPreparation = run.preparation
    truth, predicted = windows.future, run.predict(windows)
    forecasts = {NETWORK: predicted, **rivals(preparation, windows)}
    errors = {name: values - truth for name, values in forecasts.items()}
    scale = preparation.scale(windows) if preparation.series is not None else None
    scored = {name: _scores(error, scale) for name, error in errors.items()}
    scores = scored.pop(NETWORK)
    best = min(scored, key=lambda name: scored[name]["mae"])
    steps = [
        {"step": i + 1, **{name: _scores(error[:, i : i + 1]) for name, error in errors.items()}}
        for i in range(windows.horizon)
    ]
    found = {
        "task": "regression",
        "rows": len(windows),
        "scores": scores,
        "baseline": {"what": best, **scored[best]},
        "rivals": scored,
        "steps": steps,
        "warnings": _disappointments(scores, scored),
    }
    if run.intervals is not None:
        low, high = run.predict_interval(windows, LEVEL)
        half = np.median((high - low) / 2, axis=0)
        found["intervals"] = {
            "level": LEVEL,
            "half_width": [float(q) if np.isfinite(q) else None for q in half],
            "coverage": ((low <= truth) & (truth <= high)).mean(axis=0).tolist(),
        }
    return found


def rivals(preparation: SeriesPreparation, windows: Windows) -> dict[str, np.ndarray]:
    """Forecasts (rows, horizon) that need no network, by name; last season's only where all windows have one."""
    spacing, found = preparation.spacing, {}
    again = windows.again(spacing.season) if spacing.season and spacing.season > 1 else None
    if again is not None:
        found["same as yesterday" if spacing.cycle == "day" else f"same as last {spacing.cycle}"] = again
    found[LAST] = np.repeat(windows.past[:, -1:], windows.horizon, axis=1)
    found[LINEAR] = preparation.linear(windows)
    return found


def _scores(errors: np.ndarray, scale: np.ndarray | None = None) -> dict[str, float]:
    found = {"mae": float(np.abs(errors).mean()), "rmse": float(np.sqrt(np.mean(errors**2)))}
    return found if scale is None else found | {"scaled_mae": float(np.abs(errors / scale).mean())}


def _disappointments(scores: dict[str, float], others: dict[str, dict[str, float]]) -> list[str]:
    """Which forecasts do as well without a network."""
    found = []
    for name, other in others.items():
        worse = [score for score in scores if scores[score] >= other[score]]
        if worse:
            told = "; ".join(f"{score} {scores[score]:.4g}, {other[score]:.4g}" for score in worse)
            found.append(f"no better than {name!r} ({told}): the network adds nothing to it here")
    return found
