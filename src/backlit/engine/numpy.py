"""The NumPy engine: every operation at once, on arrays that can be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from backlit.graph import tree
from backlit.graph.kernels import numpy as kernels

P = ParamSpec("P")
R = TypeVar("R")


class NumpyEngine:
    """Runs programs as they are written."""

    name = "numpy"
    devices = 1

    def put(self, value: Any, dtype: Any = None) -> np.ndarray:
        """The value as a NumPy array, copied only if its type differs."""
        return np.asarray(value, dtype=dtype)

    def put_shared(self, value: Any, axis: int) -> np.ndarray:
        """As `put`: there is one process."""
        return self.put(value)

    def take_rows(self, array: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """``array[rows]`` along the first axis."""
        return array[rows]

    def stack(self, arrays: list[np.ndarray]) -> np.ndarray:
        """Arrays of one shape along a new first axis."""
        return np.stack(arrays)

    def share(self, array: np.ndarray, axis: int = 0) -> np.ndarray:
        """The array itself: there is one device."""
        return array

    def everywhere(self, arrays: Any) -> Any:
        """The arrays themselves."""
        return arrays

    def alone(self) -> NumpyEngine:
        """The engine itself: there is one device."""
        return self

    def told(self, arrays: Any) -> Any:
        """The arrays themselves."""
        return arrays

    def divided(self, arrays: Any) -> Any:
        """The arrays themselves."""
        return arrays

    def put_divided(self, value: Any, dtype: Any = None, ahead: int = 0) -> np.ndarray:
        """As `put`: there is one device."""
        return self.put(value, dtype)

    def fetch(self, arrays: Any) -> Any:
        """The arrays themselves."""
        return tree.map(np.asarray, arrays)

    def compile(self, f: Callable[P, R]) -> Callable[P, R]:
        """`f` itself."""
        return f

    def scan(self, f: Callable[..., Any], carry: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
        """``carry, y = f(carry, x)`` along the first axis of `xs`, or back; the last carry and the stacked ys."""
        return kernels.scan(f, carry, xs, reverse)

    def loop(self, f: Callable[..., Any], carry: Any, count: Any, length: int) -> tuple[Any, Any]:
        """``carry, y = f(carry, i)`` for i in 0 … count - 1; the ys stacked (here just as many as there are)."""
        return kernels.repeat(f, carry, range(int(count)))

    def map(self, f: Callable[..., Any], mapped: Any) -> Any:
        """``f(part)`` for each part along the first axis of `mapped`; the results stacked."""
        leaves, structure = tree.flatten(mapped)
        parts = [f(tree.unflatten(structure, [leaf[i] for leaf in leaves])) for i in range(len(leaves[0]))]
        return tree.map(lambda *results: np.stack(results), *parts)
