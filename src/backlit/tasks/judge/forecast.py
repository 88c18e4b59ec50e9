"""Judgement of forecasts: beside forecasts that need no network, over all and by step ahead."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.series import SeriesPreparation, Windows
from backlit.languages import Template, join
from backlit.tasks.judge.scores import LEVEL
from backlit.train.intervals import Intervals
from backlit.train.judgement import Coverage, Judgement

NETWORK = "network"
LAST = Template("same as the last value", "마지막 값 그대로").say()
LINEAR = Template("linear (ridge)", "선형 회귀(ridge)").say()
SMOOTHED = Template("exponential smoothing", "지수평활").say()
WEIGHED = Template("simple forecasts, weighed", "단순 예측의 가중 평균").say()
OTHERS = {"smoothing": SMOOTHED, "ridge": LINEAR}
LAST_SEASON = {
    "day": Template("same as yesterday", "어제와 같게"),
    "week": Template("same as last week", "지난주와 같게"),
    "month": Template("same as last month", "지난달과 같게"),
    "year": Template("same as last year", "작년과 같게"),
}
LAST_CYCLE = Template("same as last {cycle}", "지난 {cycle}{과/와} 같게")
COMPARED = Template("{score} {own:.4g}, {other:.4g}", "{score} {own:.4g}, {other:.4g}")
NO_BETTER = Template(
    "no better than {name!r} ({compared}): the network adds nothing to it here",
    "‘{name}’보다 낫지 않습니다({compared}). 여기서는 신경망이 보탠 것이 없습니다.",
)


def judge_windows(run: Any, windows: Windows, intervals: Intervals | None = None) -> Judgement:
    """Errors of a run on windows, in the target's unit, and those of forecasts that need no network.

    Parameters
    ----------
    run : Run
    windows : Windows
    intervals : Intervals, optional
        Their coverage is counted; by default the run's own.

    Returns
    -------
    Judgement
        With "scores" (mae, rmse and, of several series, scaled_mae: the mean of errors by each series' scale),
        "baseline" (the best of the others), "rivals" (scores of each), "steps" (a dict for each step ahead: its number,
        mae and rmse of each forecast), "intervals" and "warnings".
    """
    preparation: SeriesPreparation = run.preparation
    outputs, truth = run.targets.decode(run.outputs(windows)), windows.future
    forecasts = {NETWORK: preparation.absolute(windows, outputs), **rivals(preparation, windows)}
    errors = {name: values - truth for name, values in forecasts.items()}
    scale = preparation.scale(windows) if preparation.series is not None else None
    others = {name: _scores(error, scale) for name, error in errors.items()}
    scores = others.pop(NETWORK)
    best = min(others, key=lambda name: others[name]["mae"])
    intervals = intervals or run.intervals
    return Judgement(
        task="regression",
        rows=len(windows),
        scores=scores,
        baseline={"what": best, **others[best]},
        rivals=others,
        steps=tuple(
            {"step": i + 1, **{name: _scores(error[:, i : i + 1]) for name, error in errors.items()}}
            for i in range(windows.horizon)
        ),
        intervals=None if intervals is None else _coverage(preparation, windows, outputs, intervals),
        warnings=tuple(_disappointments(scores, others)),
    )


def _coverage(preparation: SeriesPreparation, windows: Windows, outputs: np.ndarray, intervals: Intervals) -> Coverage:
    """How often intervals hold the truth, step by step; their width is the median over the windows."""
    low, high = (preparation.absolute(windows, bound) for bound in intervals.around(outputs, LEVEL))
    half = np.median((high - low) / 2, axis=0)
    inside = (low <= windows.future) & (windows.future <= high)
    widths = tuple(float(width) if np.isfinite(width) else None for width in half)
    return Coverage(LEVEL, widths, tuple(inside.mean(axis=0).tolist()))


def rivals(preparation: SeriesPreparation, windows: Windows) -> dict[str, np.ndarray]:
    """Forecasts (rows, horizon) that need no network, by name; last season's only where all windows have one."""
    spacing = preparation.spacing
    forecasts: dict[str, np.ndarray] = {}
    again = windows.again(spacing.season) if spacing.season and spacing.season > 1 else None
    if again is not None:
        forecasts[LAST_SEASON.get(spacing.cycle, LAST_CYCLE).say(cycle=spacing.cycle)] = again
    forecasts[LAST] = np.repeat(windows.past[:, -1:], windows.horizon, axis=1)
    for name in preparation.rivals:
        forecasts[OTHERS[name]] = preparation.rival(windows, name)
    forecasts[WEIGHED if preparation.rivals else LINEAR] = preparation.linear(windows)
    return forecasts


def _scores(errors: np.ndarray, scale: np.ndarray | None = None) -> dict[str, float]:
    scores = {"mae": float(np.abs(errors).mean()), "rmse": float(np.sqrt(np.mean(errors**2)))}
    return scores if scale is None else scores | {"scaled_mae": float(np.abs(errors / scale).mean())}


def _disappointments(scores: dict[str, float], others: dict[str, dict[str, float]]) -> list[str]:
    """Which forecasts do as well without a network."""
    warnings: list[str] = []
    for name, other in others.items():
        worse = [score for score in scores if scores[score] >= other[score]]
        if worse:
            compared = [COMPARED.say(score=score, own=scores[score], other=other[score]) for score in worse]
            warnings.append(NO_BETTER.say(name=name, compared=join("; ", compared)))
    return warnings
