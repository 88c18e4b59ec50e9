"""Learning-rate schedules: the rate as a function of the number of updates done."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from types import ModuleType
from typing import Any, ClassVar

from backlit.optim.plateau import ReduceOnPlateau
from backlit.optim.rate import FromStart, Schedule, highest, rate_at
from backlit.settings import RATE, count, nonnegative, option, positive

__all__ = [
    "Constant", "Cosine", "Exponential", "InverseTime", "OneCycle", "ReduceOnPlateau", "Schedule", "Step", "WarmUp",
]  # fmt: skip


@dataclass(frozen=True, repr=False)
class Constant(FromStart):
    """A rate that stays as it is: ``η(t) = η₀``.

    Parameters
    ----------
    start : float
        η₀ ≥ 0.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    def at(self, xp: ModuleType, t: Any) -> Any:
        return self.start + 0.0 * t


@dataclass(frozen=True, repr=False)
class Step(FromStart):
    """``η(t) = η₀ γ^⌊t / s⌋``: the rate falls by the factor γ after every s updates.

    Parameters
    ----------
    start : float
        η₀ ≥ 0.
    every : int
        s, in updates (not epochs).
    factor : float
        γ > 0.

    Examples
    --------
    >>> schedule = Step(0.8, every=100, factor=0.5)
    >>> schedule(99), schedule(100), schedule(250)
    (0.8, 0.4, 0.2)
    """

    every: int = count()
    factor: float = positive(0.1)

    def at(self, xp: ModuleType, t: Any) -> Any:
        return self.start * self.factor ** xp.floor(t / self.every)


@dataclass(frozen=True, repr=False)
class Exponential(FromStart):
    """``η(t) = η₀ γ^(t / s)``: the same fall as `Step`, without its jumps.

    Parameters
    ----------
    start : float
        η₀ ≥ 0.
    factor : float
        γ > 0.
    every : int
        s, in updates.

    Examples
    --------
    >>> schedule = Exponential(0.8, factor=0.5, every=100)
    >>> schedule(0), schedule(200)
    (0.8, 0.2)
    """

    factor: float = positive()
    every: int = count(1)

    def at(self, xp: ModuleType, t: Any) -> Any:
        return self.start * self.factor ** (t / self.every)


@dataclass(frozen=True, repr=False)
class InverseTime(Schedule):
    """``η(t) = η₀ / (1 + k t)``; η₀ may itself be a schedule.

    Parameters
    ----------
    start : float or schedule
        η₀ ≥ 0.
    decay : float
        k ≥ 0.

    Examples
    --------
    >>> InverseTime(0.5, decay=0.01)(100)
    0.25
    """

    numbers: ClassVar[tuple[str, ...]] = ("start", "decay")

    start: float | Callable[[Any], Any] = field(metadata=RATE)
    decay: float = nonnegative()

    @property
    def highest(self) -> float | None:
        return highest(self.start)

    def at(self, xp: ModuleType, t: Any) -> Any:
        return rate_at(self.start, xp, t) / (1.0 + self.decay * t)


@dataclass(frozen=True, repr=False)
class Cosine(FromStart):
    """``η(t) = η₁ + (η₀ − η₁) (1 + cos(π t / T)) / 2`` for T updates, and η₁ from then on.

    Parameters
    ----------
    start, end : float
        η₀ and η₁, ≥ 0.
    steps : int
        T, in updates: epochs times batches in an epoch.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017 (without restarts).

    Examples
    --------
    >>> schedule = Cosine(0.1, steps=1000, end=0.001)
    >>> schedule(0), schedule(1000), schedule(5000)
    (0.1, 0.001, 0.001)
    """

    numbers: ClassVar[tuple[str, ...]] = ("start", "end")

    steps: int = count()
    end: float = nonnegative(0.0)

    def at(self, xp: ModuleType, t: Any) -> Any:
        share = xp.minimum(t / self.steps, 1.0)
        return self.end + (self.start - self.end) * (1.0 + xp.cos(math.pi * share)) / 2.0


@dataclass(frozen=True, repr=False)
class WarmUp(Schedule):
    """``η(t) = then(0) (f + (1 − f) t / n)`` for n updates, and ``then(t − n)`` after them.

    Parameters
    ----------
    then : float or schedule
        What follows the warm-up.
    steps : int
        n.
    share : float
        f, the share of the rate that the first update gets.

    References
    ----------
    P. Goyal et al., "Accurate, Large Minibatch SGD", arXiv 1706.02677, 2017, section 2.2.

    Examples
    --------
    >>> schedule = WarmUp(Cosine(0.1, steps=900), steps=100, share=0.0)
    >>> schedule(0), schedule(50), schedule(100), schedule(1000)
    (0.0, 0.05, 0.1, 0.0)
    """

    numbers: ClassVar[tuple[str, ...]] = ("then",)

    then: float | Callable[[Any], Any] = field(metadata=RATE)
    steps: int = count()
    share: float = option(0.01, high=1.0)

    @property
    def highest(self) -> float | None:
        return highest(self.then)

    def at(self, xp: ModuleType, t: Any) -> Any:
        ramp = self.share + (1.0 - self.share) * xp.minimum(t / self.steps, 1.0)
        return ramp * rate_at(self.then, xp, xp.maximum(t - self.steps, 0.0))


@dataclass(frozen=True, repr=False)
class OneCycle(Schedule):
    """Up to `peak`, and down to far below the start, in one cycle of T updates.

    Parameters
    ----------
    peak : float
        The highest rate; the start is ``peak / start_divisor``, the end ``start / end_divisor``.
    steps : int
        T; afterwards the rate stays at the end's.
    rise : float
        Share of T in which the rate goes up.
    start_divisor, end_divisor : float
        See `peak`.
    anneal : "cosine" or "linear"
        Along which line it goes.
    three_phase : bool
        Down to the start in as many updates as up, and only then on to the end.

    Notes
    -----
    Momentum stays as it is; PyTorch's schedule with ``cycle_momentum=False`` gives the same rates.

    References
    ----------
    L. Smith, N. Topin, "Super-Convergence", arXiv 1708.07120, 2017.

    Examples
    --------
    >>> schedule = OneCycle(1.0, steps=101, rise=0.5, start_divisor=10, end_divisor=10)
    >>> round(schedule(0), 6), round(schedule(49.5), 6), round(schedule(100), 6)
    (0.1, 1.0, 0.01)
    """

    numbers: ClassVar[tuple[str, ...]] = ("peak",)

    peak: float = nonnegative()
    steps: int = count(low=2)
    rise: float = option(0.3, high=1.0)
    start_divisor: float = positive(25.0)
    end_divisor: float = positive(1e4)
    anneal: str = option("cosine", names=("cosine", "linear"))
    three_phase: bool = False

    @property
    def highest(self) -> float:
        return self.peak

    def __post_init__(self) -> None:
        super().__post_init__()
        ends = [end for end, _ in self._corners()]
        if any(a >= b for a, b in pairwise(ends)):
            raise self._refuse(
                "rise",
                f"leaves no update for one of the phases: rise={self.rise:g} of {self.steps} steps"
                f"{' and three phases' if self.three_phase else ''}; choose another rise or more steps",
            )

    def _corners(self) -> list[tuple[float, float]]:
        """Update and rate at the ends of the phases."""
        start = self.peak / self.start_divisor
        top = self.rise * self.steps - 1
        corners = [(0.0, start), (top, self.peak)]
        if self.three_phase:
            corners.append((2 * self.rise * self.steps - 2, start))
        return [*corners, (self.steps - 1.0, start / self.end_divisor)]

    def at(self, xp: ModuleType, t: Any) -> Any:
        corners = self._corners()
        value: Any = corners[0][1]
        for (begin, low), (end, high) in pairwise(corners):
            share = xp.clip((t - begin) / (end - begin), 0.0, 1.0)
            if self.anneal == "cosine":
                share = (1.0 - xp.cos(math.pi * share)) / 2.0
            value = value + (high - low) * share
        return value
