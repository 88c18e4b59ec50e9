"""A learning rate: a number, or a schedule, which is a function of the number of updates done."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from backlit.graph.op import namespace
from backlit.settings import Hyperparameters, nonnegative


@dataclass(frozen=True, repr=False)
class Schedule(Hyperparameters):
    """Base of schedules: ``schedule(step)`` is the learning rate after `step` updates.

    Subclass it as a frozen dataclass with a method ``at(xp, t)``: the rate after t updates, t in floating point, `xp`
    being NumPy or JAX's namespace. Anything else that maps a step to a rate, such as a plain function, will do for an
    optimizer, too.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> schedule = optim.Cosine(0.1, steps=4)
    >>> schedule(0), round(schedule(2), 6)
    (0.1, 0.05)
    >>> schedule(np.arange(5)).round(3).tolist()
    [0.1, 0.085, 0.05, 0.015, 0.0]
    """

    family: ClassVar[str] = "schedule"
    numbers: ClassVar[tuple[str, ...]] = ()  # fields that `at` takes as arrays, too: see `train.numbers`

    @property
    def highest(self) -> float | None:
        """The greatest rate of all; None where it isn't known beforehand."""
        return None

    def at(self, xp: ModuleType, t: Any) -> Any:
        """The rate after t updates."""
        raise NotImplementedError(f"{type(self).__name__} must define at(self, xp, t)")

    def __call__(self, step: Any) -> Any:
        """The rate as a float for a Python integer, else in an array of the step's shape."""
        if isinstance(step, (int, float)):
            return float(self.at(np, float(step)))
        return self.at(namespace(step), step * 1.0)


def rate_at(learning_rate: Any, xp: ModuleType, t: Any) -> Any:
    """A fixed rate, or a schedule's after t updates."""
    if isinstance(learning_rate, Schedule):
        return learning_rate.at(xp, t)
    return learning_rate(t) if callable(learning_rate) else learning_rate


def highest(learning_rate: Any) -> float | None:
    """The greatest rate of a schedule, or a fixed one; None of any other function."""
    if isinstance(learning_rate, Schedule):
        return learning_rate.highest
    return None if callable(learning_rate) else float(learning_rate)


@dataclass(frozen=True, repr=False)
class FromStart(Schedule, abstract=True):
    """Base of the schedules whose first rate is the greatest."""

    numbers: ClassVar[tuple[str, ...]] = ("start",)

    start: float = nonnegative()

    @property
    def highest(self) -> float:
        return self.start
