"""Descriptions of valid inputs, from which the tests of the operations are generated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Draw:
    """Numbers of one input: uniform in [low, high), spread so that no two are equal (no ties by chance)."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    kind: str = "float"  # "float", "int" or "bool"
    make: Callable[[np.random.Generator], np.ndarray] | None = None

    def array(self, rng: np.random.Generator) -> np.ndarray:
        """A float64, int64 or bool array of this description."""
        if self.make is not None:
            return self.make(rng)
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high), self.shape)
        if self.kind == "bool":
            return rng.random(self.shape) < 0.5
        size = int(np.prod(self.shape))
        steps = (rng.permutation(size) + rng.uniform(0.2, 0.8, size)) / max(size, 1)
        return (self.low + (self.high - self.low) * steps).reshape(self.shape)


@dataclass(frozen=True)
class Sample:
    """One call of an operation: its array inputs and its settings.

    `sequence`: the inputs are passed as one list; `leading`: settings that are passed before them.
    """

    inputs: tuple[Draw, ...]
    static: dict[str, Any]
    sequence: bool = False
    leading: tuple[Any, ...] = ()

    def call(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """The function at these inputs."""
        return function(*self.leading, *([list(inputs)] if self.sequence else inputs), **self.static)


def sample(
    *inputs: Draw | tuple[int, ...], sequence: bool = False, leading: tuple[Any, ...] = (), **static: Any
) -> Sample:
    """A sample; a bare shape stands for uniform numbers in [-2, 2)."""
    return Sample(tuple(x if isinstance(x, Draw) else Draw(x) for x in inputs), static, sequence, leading)


def positive(*shape: int) -> Draw:
    """Uniform in [0.3, 3)."""
    return Draw(shape, 0.3, 3.0)


def between(low: float, high: float, *shape: int) -> Draw:
    """Uniform in [low, high)."""
    return Draw(shape, low, high)


def integers(high: int, *shape: int) -> Draw:
    """Whole numbers from 0 to high - 1."""
    return Draw(shape, 0, high, "int")


def booleans(*shape: int) -> Draw:
    """True or False."""
    return Draw(shape, kind="bool")
