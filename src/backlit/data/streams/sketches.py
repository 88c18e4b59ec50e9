"""What can be told of values that pass by once, in bounded memory: moments, quantiles, counts of different values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

WHOLE = 2**64  # how many values a hash can have


class Moments:
    """Count, mean, sum of squared deviations, least and greatest of numbers, merged without cancellation.

    Two parts are joined by ``mean = mean₁ + δ n₂/n`` and ``m2 = m2₁ + m2₂ + δ² n₁n₂/n`` with ``δ = mean₂ − mean₁``
    (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).

    Examples
    --------
    >>> seen = Moments()
    >>> for block in ([1.0, 2.0], [3.0, 6.0]):
    ...     seen.add(np.array(block))
    >>> seen.count, seen.mean, seen.deviation, seen.low, seen.high
    (4, 3.0, 1.8708286933869707, 1.0, 6.0)
    """

    def __init__(self) -> None:
        self.count, self.mean, self.m2 = 0, 0.0, 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, values: np.ndarray) -> None:
        """Some more numbers (rows,), none missing."""
        if not len(values):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(values.mean())
            away = values - mean
            np.square(away, out=away)
            self.merge(len(values), mean, float(away.sum()))  # in pairs; a product would wake BLAS's threads
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))

    def merge(self, count: int, mean: float, m2: float) -> None:
        """Another part, told by its count, mean and sum of squared deviations."""
        if not count:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            both, apart = self.count + count, np.float64(mean) - self.mean
            self.mean = float(self.mean + apart * (count / both))
            self.m2 = float(self.m2 + m2 + apart * apart * (self.count * (count / both)))
        self.count = both

    @property
    def deviation(self) -> float:
        """The standard deviation, of all values that passed by."""
        return float(np.sqrt(self.m2 / self.count)) if self.count else 0.0

    def filled(self, gaps: int, value: float) -> tuple[float, float]:
        """Mean and standard deviation with so many more values, all the same."""
        joined = Moments()
        joined.merge(self.count, self.mean, self.m2)
        joined.merge(gaps, value, 0.0)
        return joined.mean, joined.deviation


class Quantiles:
    """Quantiles of numbers: exact up to ``2 × size`` of them, then from runs that are halved as they grow.

    Values wait until there are `size`; sorted, they make a run. Two runs of one level become one of the next, of which
    every other value is kept and stands for two (Munro and Paterson, "Selection and sorting with limited storage",
    1980).
    One such step moves no rank by more than the weight of a value, so of n values no rank is off by more than
    ``n × levels / (2 × size)``, and as a rule by far less, since odd and even places take turns.

    Parameters
    ----------
    size : int
        Of a run.

    Examples
    --------
    >>> seen = Quantiles(size=500)
    >>> for start in range(0, 100_000, 1000):
    ...     seen.add(np.arange(start, start + 1000.0))
    >>> bool(abs(seen.at([0.5])[0] - 50_000) < seen.error * 100_000)
    True
    """

    def __init__(self, size: int = 1 << 14) -> None:
        self.size = size
        self.count = 0
        self._waiting: list[np.ndarray] = []
        self._few = 0
        self._runs: list[np.ndarray | None] = []
        self._odd: list[bool] = []

    def add(self, values: np.ndarray) -> None:
        """Some more numbers (rows,), none missing."""
        if not len(values):
            return
        self._waiting.append(np.array(values, np.float64))  # a copy: blocks are gone soon
        self._few += len(values)
        self.count += len(values)
        if self._few > 2 * self.size:
            waiting = np.concatenate(self._waiting)
            whole = len(waiting) // self.size * self.size
            for start in range(0, whole, self.size):
                self._push(0, np.sort(waiting[start : start + self.size]))
            self._waiting, self._few = [waiting[whole:]], len(waiting) - whole

    def _push(self, level: int, run: np.ndarray) -> None:
        while level < len(self._runs):
            other = self._runs[level]
            if other is None:
                self._runs[level] = run
                return
            both = np.concatenate([other, run])
            both.sort()
            self._runs[level] = None
            run = both[int(self._odd[level]) :: 2]
            self._odd[level] = not self._odd[level]
            level += 1
        self._runs.append(run)
        self._odd.append(False)

    @property
    def error(self) -> float:
        """The share of all values by which the rank of a quantile is off at most."""
        return max(len(self._runs) - 1, 0) / (2 * self.size)

    def at(self, shares: Any) -> np.ndarray:
        """Quantiles at shares from 0 to 1, between two values in proportion; NaN if there were none."""
        shares = np.asarray(shares, np.float64)
        if not self.count:
            return np.full(shares.shape, np.nan)
        values = np.concatenate([*self._waiting, *(run for run in self._runs if run is not None)])
        if not self._runs:
            with np.errstate(over="ignore", invalid="ignore"):
                exact: np.ndarray = np.quantile(values, shares)
            return exact
        weights = np.concatenate(
            [
                np.ones(self._few),
                *(np.full(len(run), 2.0**level) for level, run in enumerate(self._runs) if run is not None),
            ]
        )
        order = np.argsort(values, kind="stable")
        ends = np.cumsum(weights[order])
        # A value of weight w stands for w neighbours, the middle one of which is itself.
        middles = ends - (weights[order] + 1) / 2
        scaled: np.ndarray = np.interp(shares * (ends[-1] - 1), middles, values[order])
        return scaled


class Distinct:
    """How many values differ: exact up to `size`, then from the `size` least of their hashes.

    The k-th least of many hashes, as a share h of all that there may be, tells ``(k − 1) / h`` values; the relative
    standard error is ``1 / √(k − 2)`` (Bar-Yossef and others, "Counting distinct elements in a data stream", 2002).

    Examples
    --------
    >>> seen = Distinct()
    >>> seen.add(np.array([5, 7, 5], np.uint64))
    >>> seen.estimate, seen.is_exact
    (2, True)
    """

    def __init__(self, size: int = 4096) -> None:
        self.size = size
        self._least = np.empty(0, np.uint64)

    def add(self, hashes: np.ndarray) -> None:
        """Hashes of some more values, uint64 (rows,)."""
        if len(self._least) == self.size:
            hashes = hashes[hashes < self._least[-1]]
        if len(hashes):
            self._least = np.unique(np.concatenate([self._least, hashes]))[: self.size]

    @property
    def is_exact(self) -> bool:
        """Whether the number is no estimate."""
        return len(self._least) < self.size

    @property
    def estimate(self) -> int:
        """How many values differ, about."""
        if self.is_exact:
            return len(self._least)
        return int((self.size - 1) / (float(self._least[-1]) / WHOLE))


class Counts:
    """How often each value occurs: exact up to `most` different ones, then those that are many.

    Where there are more, all counts are lowered by that of the first that finds no room (Misra and Gries, "Finding
    repeated elements", 1982): no count is too high, and none is more than `error` too low, which is at most
    ``rows / (most + 1)``.

    Parameters
    ----------
    most : int
        Different values that are kept.
    room : int
        Characters of all of them.

    Examples
    --------
    >>> seen = Counts(most=2)
    >>> seen.add({"a": 5, "b": 3, "c": 1})
    >>> seen.counts, seen.error
    ({'a': 4, 'b': 2}, 1)
    """

    def __init__(self, most: int = 50_000, room: int = 1 << 24) -> None:
        self.most, self.room = most, room
        self.counts: dict[Any, int] = {}
        self.error = 0

    def add(self, counts: Mapping[Any, int]) -> None:
        """Some more values, each with how often it occurs."""
        own = self.counts
        for value, count in counts.items():
            own[value] = own.get(value, 0) + count
        most = self.most
        if len(own) > 1000 and (size := sum(len(value) for value in own if isinstance(value, str))) > self.room:
            most = min(most, max(1, int(len(own) * (self.room / size))))
        if len(own) > most:
            amounts = np.fromiter(own.values(), np.int64, len(own))
            lowered = int(np.partition(amounts, len(amounts) - most - 1)[len(amounts) - most - 1])
            self.counts = {value: count - lowered for value, count in own.items() if count > lowered}
            self.error += lowered

    @property
    def is_exact(self) -> bool:
        """Whether all values are here, with how often they occur."""
        return not self.error
