"""Metrics of rows that come block by block: from sums where they are made of sums, else from a sample of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.nn.metrics import Metric
from backlit.nn.shapes import rows_at, rows_of
from backlit.train.scores import HeadMetric, by_loss
from backlit.train.streamed.sharing import of_all

SAMPLE = 16_384  # rows from which metrics are measured that aren't made of sums
_STREAM = 0x7A11  # apart from the seeds of shuffles


class Tally:
    """The metrics of one network's outputs over all blocks of an epoch.

    Parameters
    ----------
    table : dict of name to metric
        Those that come from the loss are left out.
    seed : tuple of int
        Of the choice of rows, for metrics that need some side by side.
    """

    def __init__(self, table: Mapping[str, Any], seed: tuple[int, ...] = (0,)) -> None:
        measured = {name: metric for name, metric in table.items() if not by_loss(metric)}
        self._summed = {name: metric for name, metric in measured.items() if is_summed(metric)}
        self._others = {name: metric for name, metric in measured.items() if name not in self._summed}
        self.sums: dict[str, Any] = {}
        self._sample = Sample(SAMPLE, (*seed, _STREAM))

    def add(self, outputs: Any, targets: Any, weights: Any) -> None:
        """Count some rows: outputs and targets in the targets' own unit, and the weight of each row for each head."""
        for name, metric in self._summed.items():
            own, out, goal, weight = _of_head(metric, outputs, targets, weights)
            sums = own.sums(own.read(out, goal, weight))
            self.sums[name] = own.added(self.sums[name], sums) if name in self.sums else sums
        if self._others:
            self._sample.add({"outputs": outputs, "targets": targets, "weights": weights})

    def of_all(self) -> None:
        """Count the rows of all processes, in the same order at each."""
        told = of_all({name: {key: np.asarray(part) for key, part in sums.items()} for name, sums in self.sums.items()})
        self.sums = {}
        for sums_of_one in told:
            for name, sums in (sums_of_one or {}).items():
                metric = self._summed[name]
                own = metric.metric if isinstance(metric, HeadMetric) else metric
                self.sums[name] = own.added(self.sums[name], sums) if name in self.sums else sums
        if self._others:
            self._sample.of_all()

    def figures(self) -> dict[str, float]:
        """Each metric of all rows that were counted; NaN where none had any weight."""
        made = {}
        for name, metric in self._summed.items():
            own, sums = metric.metric if isinstance(metric, HeadMetric) else metric, self.sums.get(name)
            made[name] = float(own.of_sums(sums)) if sums is not None and sums["weight"] > 0 else float("nan")
        for name, metric in self._others.items():
            rows = self._sample.rows()
            made[name] = float("nan") if rows is None else float(metric(**rows))
        return made


def is_summed(metric: Any) -> bool:
    """Whether a metric can be had from sums over blocks."""
    own = metric.metric if isinstance(metric, HeadMetric) else metric
    return isinstance(own, Metric) and own.summed


def rounded(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Which metrics of streams are a little off: those "by_histogram", and those "by_sample" of the rows."""
    told: dict[str, list[str]] = {"by_histogram": [], "by_sample": []}
    for name, metric in table.items():
        own = metric.metric if isinstance(metric, HeadMetric) else metric
        if by_loss(metric):
            continue
        if not is_summed(metric):
            told["by_sample"].append(name)
        elif own.rounded:
            told["by_histogram"].append(name)
    return {how: tuple(names) for how, names in told.items() if names}


def _of_head(metric: Any, outputs: Any, targets: Any, weights: Any) -> tuple[Metric, Any, Any, Any]:
    if not isinstance(metric, HeadMetric):
        return metric, outputs, targets, weights
    own = weights[metric.head] if isinstance(weights, Mapping) else weights
    return metric.metric, outputs[metric.head], targets[metric.head], own


class Sample:
    """Some of the rows that come by, each as likely as any other: those with the least of random keys.

    Parameters
    ----------
    size : int
        Rows that are kept, at most.
    seed : tuple of int

    Examples
    --------
    >>> sample = Sample(2, (0,))
    >>> for start in (0, 10, 20):
    ...     sample.add({"x": np.arange(start, start + 10)})
    >>> len(sample.rows()["x"])
    2
    """

    def __init__(self, size: int, seed: tuple[int, ...]) -> None:
        self.size = size
        self._random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))
        self._keys = np.zeros(0)
        self._parts: list[Any] = []

    def chosen(self, count: int) -> np.ndarray:
        """Which of `count` rows that come next are kept, for now."""
        keys = self._random.random(count)
        limit = np.partition(self._keys, self.size - 1)[self.size - 1] if len(self._keys) >= self.size else 2.0
        places = np.flatnonzero(keys < limit)
        if len(places) > self.size:
            places = places[np.sort(np.argpartition(keys[places], self.size)[: self.size])]
        self._keys = np.concatenate([self._keys, keys[places]])
        return places

    def add(self, rows: Any) -> None:
        """Let a tree of arrays with rows first come by."""
        places = self.chosen(rows_of(rows))
        if len(places):
            self._parts.append(rows_at(rows, places))
        if len(self._keys) > 4 * self.size:
            self._shrink()

    def least(self) -> np.ndarray:
        """Which rows of all that were chosen are kept in the end."""
        return np.sort(np.argsort(self._keys, kind="stable")[: self.size])

    def _shrink(self) -> None:
        kept = self.least()
        whole = tree.map(lambda *parts: np.concatenate(parts), *self._parts)
        self._parts, self._keys = [rows_at(whole, kept)], self._keys[kept]

    def of_all(self) -> None:
        """Choose among the rows that all processes kept: those with the least keys."""
        rows = self.rows()
        told = of_all(None if rows is None else {"keys": self._keys, "rows": rows})
        kept = [one for one in told if one is not None]
        self._parts = [one["rows"] for one in kept]
        self._keys = np.concatenate([np.zeros(0), *(one["keys"] for one in kept)])

    def rows(self) -> Any:
        """The rows that were kept, in their order; None if none came by."""
        if not self._parts:
            return None
        self._shrink()
        return self._parts[0]
