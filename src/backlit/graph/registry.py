"""The registry of Backlit's own operations: each with the valid inputs that its tests are generated from.

`primitive` declares an operation with its derivative, `composite` a function made of operations; both refuse one that
doesn't say how it is tested.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, TypeVar

import numpy as np

from backlit.graph.op import Operation, P, Result_co, Rules, operation
from backlit.graph.tensor import FUNCTIONS

Function = TypeVar("Function", bound=Callable[..., Any])


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


@dataclass(frozen=True)
class Entry:
    """One line of the registry that the tests run through."""

    name: str
    function: Callable[..., Any]
    samples: tuple[Sample, ...]
    torch: Callable[..., Any] | str | None = None
    order: int = 2


REGISTRY: dict[str, Entry] = {}


def _register(name: str, function: Callable[..., Any], samples: tuple[Sample, ...], torch: Any, order: int) -> None:
    if not samples:
        raise TypeError(f"operation {name} must say how it is tested: samples=(sample(...), ...)")
    if not function.__doc__ and sys.flags.optimize < 2:  # python -OO leaves them out
        raise TypeError(f"operation {name} needs a docstring: formula, shapes, convention at kinks")
    other = REGISTRY[name].function if name in REGISTRY else function
    if (other.__module__, other.__qualname__) != (function.__module__, function.__qualname__):
        raise TypeError(f"operation {name} is declared twice")  # the same one again is its file run a second time
    REGISTRY[name] = Entry(name, function, samples, torch, order)
    FUNCTIONS[name] = function


def primitive(
    *,
    vjp: Rules,
    samples: tuple[Sample, ...],
    torch: Any = None,
    order: int = 2,
    shapes: str = "",
    gate: str = "",
    name: str | None = None,
) -> Callable[[Callable[Concatenate[Any, P], Result_co]], Operation[P, Result_co]]:
    """Declare one of Backlit's own operations: `operation` plus how it is tested.

    `samples` are valid inputs; `torch` is the equal function of PyTorch, as a dotted name under ``torch``
    or a callable of tensors and settings that gets the module first; `order` is the highest derivative that is checked.
    """

    def declare(forward: Callable[Concatenate[Any, P], Result_co]) -> Operation[P, Result_co]:
        function = operation(vjp=vjp, shapes=shapes, gate=gate, name=name)(forward)
        _register(name or forward.__name__, function, samples, torch, order)
        return function

    return declare


def composite(
    *, samples: tuple[Sample, ...], torch: Any = None, order: int = 2, name: str | None = None
) -> Callable[[Function], Function]:
    """Register a function made of other operations, to be tested like them."""

    def declare(function: Function) -> Function:
        _register(name or function.__name__, function, samples, torch, order)
        return function

    return declare
