"""The picture of a search: each trial's score against each of its settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backlit.inspect.plots.style import COLOURS, figure, given, label, picture
from backlit.tuning.space import Choice, Interval, Space

COLUMNS = 3
ROOM = 0.6  # of a value's width, over which its trials are spread
LONGEST = 14  # characters of a value beneath its column
WORST = 0.9  # quantile of the scores beyond which those of bad trials are drawn at the edge


@picture
def draw(
    lines: Sequence[Mapping[str, Any]], space: Space, mattered: Mapping[str, float], score: str, smaller: bool
) -> Any:
    """A panel for each setting, those that mattered first; the farther a trial came, the larger and darker it is.

    Parameters
    ----------
    lines : list of dict
        The trials, as `rows` has them.
    space : dict
    mattered : dict of setting to share
    score : str
        What trials were ranked by.
    smaller : bool
        Whether less of it is better.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [*mattered, *(name for name in space if name not in mattered)]
    across = min(COLUMNS, len(names))
    down = math.ceil(len(names) / across)
    chart, axes = figure(down, across, width=3.4 * across + 0.6, height=2.6 * down + 0.9)
    panels = np.reshape(axes, -1)
    scores = np.array([math.nan if line["score"] is None else line["score"] for line in lines], float)
    floor, ceiling = _limits(scores, smaller)
    for name, axis in zip(names, panels, strict=False):
        _panel(axis, name, space[name], lines, np.clip(scores, floor, ceiling), floor if not smaller else ceiling)
        share = f": {mattered[name]:.0%} of the differences" if name in mattered else ""
        axis.set_title(label(f"{name}{share}") if share else given(name), fontsize=9, loc="left")
    for axis in panels[len(names) :]:
        axis.set_visible(False)
    for axis in panels[::across]:
        axis.set_ylabel(label(f"{score} ({'less' if smaller else 'more'} is better)"), fontsize=8)
    gone = sum(line["ended"] == "diverged" for line in lines)
    note = f"; × diverged ({gone})" if gone else ""
    chart.suptitle(label(f"{len(lines)} trials; the larger, the farther it came; ringed: the best{note}"), fontsize=10)
    return chart


def _limits(scores: np.ndarray, smaller: bool) -> tuple[float, float]:
    """What is drawn: the worst tenth would push all others together."""
    known = scores[np.isfinite(scores)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    edge = float(np.quantile(known, WORST if smaller else 1 - WORST))
    return (low, edge if edge > low else high) if smaller else (edge if edge < high else low, high)


def _panel(
    axis: Any,
    name: str,
    dimension: Interval | Choice,
    lines: Sequence[Mapping[str, Any]],
    scores: np.ndarray,
    worst: float,
) -> None:
    values = [line["settings"][name] for line in lines]
    if isinstance(dimension, Choice):
        known = [*dimension.values, *(value for value in values if value not in dimension.values)]
        known = list(dict.fromkeys(known))
        spread = (np.random.default_rng(0).random(len(values)) - 0.5) * ROOM
        places = np.array([known.index(value) for value in values]) + spread
        axis.set_xticks(
            range(len(known)), [given(_short(value)) for value in known], fontsize=7, rotation=20, ha="right"
        )
        axis.set_xlim(-0.6, len(known) - 0.4)
    else:
        places = np.array(values, float)
        if dimension.log:
            axis.set_xscale("log")
    rungs = np.array([line["rung"] for line in lines])
    known_scores = np.isfinite(scores)
    size = 14 + 26 * np.maximum(rungs - 1, 0)
    shade = (rungs / max(1, rungs.max())) if len(rungs) else rungs
    axis.scatter(
        places[known_scores], scores[known_scores], s=size[known_scores], color=COLOURS[0],
        alpha=np.clip(0.25 + 0.7 * shade[known_scores] ** 2, 0, 1), linewidths=0,
    )  # fmt: skip
    if (~known_scores).any():
        axis.scatter(places[~known_scores], np.full((~known_scores).sum(), worst), s=24, color=COLOURS[1], marker="x")
    if lines and known_scores[0]:
        axis.scatter(places[:1], scores[:1], s=size[:1] + 70, facecolors="none", edgecolors=COLOURS[1], linewidths=1.4)
    axis.tick_params(labelsize=7)
    axis.grid(visible=True, alpha=0.25)


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
