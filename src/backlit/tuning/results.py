"""What a search found, as a table: every trial, and which settings mattered."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backlit.train.search import Search
from backlit.train.search.trial import Trial
from backlit.tuning.space import Choice, Interval, Space

GROUPS = 4  # that a range is cut into, to see whether its parts differ
FEWEST = 8  # trials, with less nothing is said of what mattered


def rows(search: Search) -> list[dict[str, Any]]:
    """A line for each trial, the best first; `score` is that of its best epoch, None if it diverged or has none."""
    levels = search.levels()
    return [_row(search, trial, place, levels[trial.number]) for place, trial in enumerate(search.ranked(), start=1)]


def _row(search: Search, trial: Trial, place: int, level: int) -> dict[str, Any]:
    monitor = search.monitor
    cost, early = trial.cost(monitor), search.cost_at(trial, search.rungs[0].epochs)
    return {
        "place": place,
        "trial": trial.number,
        "settings": dict(trial.settings),
        "score": monitor.value(cost) if math.isfinite(cost) else None,
        "first": monitor.value(early) if math.isfinite(early) else None,
        "epochs": trial.epoch,
        "best_epoch": trial.best_epoch(monitor) or None,
        "rung": level + 1 if trial.history and math.isfinite(cost) else 0,
        "ended": trial.ended,
    }


def as_csv(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """The table as a CSV file's content, a column for each setting."""
    names = list(dict.fromkeys(name for line in lines for name in line["settings"]))
    columns = [name for name in (lines[0] if lines else {}) if name != "settings"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *names])
    for line in lines:
        own = [line["settings"].get(name, "") for name in names]
        writer.writerow(["" if line[name] is None else line[name] for name in columns] + own)
    return text.getvalue().encode("utf-8")


def mattered(search: Search, space: Space) -> dict[str, float]:
    """By setting, the share of the differences between trials at the first rung that goes with it; the greatest first.

    ``1 − (1 − η²)(n − 1) / (n − k)`` of the trials' ranks, with η² the share between the k groups of a setting's values
    (a range is cut into four): the adjusted correlation ratio, which is 0 on average for what doesn't matter. Each
    setting is looked at alone. Empty with fewer than eight trials.

    References
    ----------
    T. L. Kelley, "An Unbiased Correlation Ratio Measure", PNAS 21, 1935.
    """
    first = search.rungs[0].epochs
    trials = [trial for trial in search.trials.values() if trial.history or trial.ended]
    if len(trials) < FEWEST:
        return {}
    costs = np.array([search.cost_at(trial, first) for trial in trials])
    finite = costs[np.isfinite(costs)]
    ranks = _ranks(np.where(np.isfinite(costs), costs, (finite.max() if finite.size else 0.0) + 1.0))
    shares = {
        name: _explained(ranks, _groups([trial.settings[name] for trial in trials], dimension))
        for name, dimension in space.items()
    }
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 0; equal values share the mean of their places."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((last - counts + last - 1) / 2)[codes], np.float64)


def _groups(values: Sequence[Any], dimension: Interval | Choice) -> np.ndarray:
    """Which group each value is of."""
    if isinstance(dimension, Choice):
        known = list(dimension.values)
        return np.array([known.index(value) if value in known else len(known) for value in values])
    places = _ranks(np.array(values, np.float64))
    return np.minimum((places * GROUPS / len(places)).astype(int), GROUPS - 1)


def _explained(ranks: np.ndarray, groups: np.ndarray) -> float:
    codes = np.unique(groups, return_inverse=True)[1]
    kinds, count = codes.max() + 1, len(ranks)
    whole = float(((ranks - ranks.mean()) ** 2).sum())
    if kinds < 2 or kinds >= count or not whole:
        return 0.0
    means = np.bincount(codes, ranks) / np.bincount(codes)
    inside = float(((ranks - means[codes]) ** 2).sum())
    return max(0.0, 1 - inside / whole * (count - 1) / (count - kinds))
