"""Derivatives held against finite differences."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backlit.errors import GradientError, ZeroGradientWarning
from backlit.graph import tree
from backlit.graph.backward import is_float
from backlit.graph.derivatives import value_and_grad
from backlit.graph.tensor import value_of

Leaves = list[np.ndarray]
Scalar = Callable[[Any], Any]  # of a list of arrays or Tensors

_DIRECTIONS = 3
_FEW = 256  # so many elements are looked at one by one


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    argnums: int | Sequence[int] | None = None,
    eps: float = 6e-6,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> float:
    """Hold `f`'s derivatives against central differences, and say where they differ.

    Along a few random directions v, ``(φ(x + εv) - φ(x - εv)) / 2ε`` must equal ``∇φ·v``, where φ is `f`'s result
    weighted with random numbers. Two evaluations a direction do, however many numbers x has. For order 2 the
    same is asked of ``∇φ·u`` with a random u.

    Parameters
    ----------
    f : callable
        Of arrays or trees of arrays; returns an array of any shape, or a tree of arrays.
    *args
        Where to check. Real numbers are cast to float64, for in float32 differences would show rounding alone;
        whole numbers (labels, indices) are left as they are. Stay away from kinks by more than `eps`.
    order : int
        Highest derivative that is checked.
    argnums : int or sequence of int, optional
        Which arguments to vary; all if left out.
    eps : float
        Step of the differences, relative to the largest number of an array where that is below 1.
    tolerance : float
        Largest relative error that passes.
    seed : int
        Of the directions.

    Returns
    -------
    float
        The largest relative error found.

    Raises
    ------
    GradientError
        If a derivative is wrong: the message names order, argument and element, both values, and their relative
        difference. Also if `f` isn't finite there, or isn't a function of its arguments alone.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> error = bl.check_gradients(lambda x: bl.ops.tanh(x) ** 2, np.array([0.5, -1.0]))
    >>> error < 1e-6
    True
    """
    name = getattr(f, "__name__", type(f).__name__)
    problem = _Problem(f, args, argnums, seed, name)
    rng = np.random.default_rng(seed)
    scalar: Scalar = problem.weighted
    worst = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroGradientWarning)  # a zero is compared like any other number
        for n in range(1, order + 1):
            worst = max(worst, _check_order(scalar, problem, n, rng, eps, tolerance))
            scalar = _along(scalar, [rng.normal(size=x.shape) for x in problem.point])
    return worst


class _Problem:
    """A function of any arguments and results as one number of a list of float64 arrays."""

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], argnums: int | Sequence[int] | None, seed: int, name: str
    ) -> None:
        self.name = name
        self._f = f
        self._seed = seed
        self._leaves, self._structure = tree.flatten(args)
        checked_positions = range(len(args)) if argnums is None else (argnums,) if isinstance(argnums, int) else argnums
        paths = tree.paths(args)
        self._places = [
            i
            for i, leaf in enumerate(self._leaves)
            if int(paths[i].split("/")[0]) in checked_positions
            and (isinstance(leaf, float) or (hasattr(leaf, "dtype") and is_float(leaf.dtype)))
        ]
        if not self._places:
            raise GradientError(f"check_gradients: no argument of {name} that is checked holds real numbers")
        self.paths = [paths[i] for i in self._places]
        self.point: Leaves = [np.array(value_of(self._leaves[i]), dtype=np.float64) for i in self._places]
        self._weights: list[np.ndarray] | None = None
        first, second = float(value_of(self.weighted(self.point))), float(value_of(self.weighted(self.point)))
        if not math.isfinite(first):
            raise GradientError(
                f"check_gradients: {name} isn't finite at these arguments (its weighted result is {first}); "
                "backlit.debug_nans tells which operation made the first NaN or infinity"
            )
        if first != second:
            raise GradientError(
                f"check_gradients: {name} returned different results for the same arguments; fix its random numbers"
            )

    def weighted(self, point: Any) -> Any:
        """The results times random weights, summed: a mistake in any of them shows."""
        leaves = list(self._leaves)
        for place, value in zip(self._places, point, strict=True):
            leaves[place] = value
        results = [
            result if hasattr(result, "dtype") else np.asarray(result, dtype=np.float64)
            for result in tree.leaves(self._f(*tree.unflatten(self._structure, leaves)))
        ]
        results = [result for result in results if is_float(result.dtype)]
        if not results:
            raise GradientError(f"check_gradients: {self.name} returned no real numbers, so it has no derivative")
        if self._weights is None:
            rng = np.random.default_rng(self._seed + 1)
            self._weights = [rng.uniform(0.5, 1.5, result.shape) for result in results]
        total = 0.0
        for result, weight in zip(results, self._weights, strict=True):
            total = total + (result * weight).sum()
        return total


def _along(scalar: Scalar, direction: Leaves) -> Scalar:
    """The derivative of `scalar` along a direction, as a function that can be differentiated again."""

    def derivative(point: Any) -> Any:
        _, gradient = value_and_grad(scalar)(point)
        return sum([(part * v).sum() for part, v in zip(gradient, direction, strict=True)])

    return derivative


def _difference(scalar: Scalar, point: Leaves, direction: Leaves, eps: float) -> tuple[float, float]:
    """The central difference along a direction, and what rounding may add to it."""
    ahead = float(value_of(scalar([x + eps * v for x, v in zip(point, direction, strict=True)])))
    behind = float(value_of(scalar([x - eps * v for x, v in zip(point, direction, strict=True)])))
    return (ahead - behind) / (2 * eps), 4 * sys.float_info.epsilon * max(abs(ahead), abs(behind)) / eps


def _check_order(
    scalar: Scalar, problem: _Problem, order: int, rng: np.random.Generator, eps: float, tolerance: float
) -> float:
    point = problem.point
    gradient = [np.asarray(part) for part in value_and_grad(scalar)(point)[1]]
    # Steps no longer than the numbers themselves, so that log(1e-8) isn't asked about negative numbers.
    scales = [min(1.0, float(np.abs(x).max(initial=0.0)) or 1.0) for x in point]
    length = math.sqrt(sum(float(((part * scale) ** 2).sum()) for part, scale in zip(gradient, scales, strict=True)))
    worst = 0.0
    for _ in range(_DIRECTIONS):
        direction = [rng.normal(size=x.shape) * scale for x, scale in zip(point, scales, strict=True)]
        expected, noise = _difference(scalar, point, direction, eps)
        got = sum(float((part * v).sum()) for part, v in zip(gradient, direction, strict=True))
        # ∇φ·v varies like the gradient's length, and may be 0 by chance: errors are relative to that length.
        scale = max(length, abs(expected))
        excess = abs(got - expected) - noise
        if not excess <= tolerance * scale:
            raise _mistake(scalar, problem, order, gradient, scales, eps, tolerance)
        worst = max(worst, excess / scale if scale > 0 else 0.0)
    return worst


def _mistake(
    scalar: Scalar,
    problem: _Problem,
    order: int,
    gradient: Leaves,
    scales: list[float],
    eps: float,
    tolerance: float,
) -> GradientError:
    """The element at which the derivative is most wrong: halves of the elements are tried, then the last few singly."""
    point = problem.point
    elements = [(leaf, i) for leaf, x in enumerate(point) for i in range(x.size)]

    def error(some: list[tuple[int, int]]) -> tuple[float, float, float]:
        direction = [np.zeros_like(x) for x in point]
        for leaf, i in some:
            direction[leaf].reshape(-1)[i] = scales[leaf] if len(some) == 1 else scales[leaf] * rng.normal()
        expected, noise = _difference(scalar, point, direction, eps)
        got = sum(float((part * v).sum()) for part, v in zip(gradient, direction, strict=True))
        size = abs(got - expected) - noise
        return (size if math.isfinite(size) else math.inf), expected, got

    rng = np.random.default_rng(0)
    while len(elements) > _FEW:
        half = len(elements) // 2
        elements = max(elements[:half], elements[half:], key=lambda part: error(part)[0])
    leaf, i = max(elements, key=lambda element: error([element])[0])
    _, expected, got = error([(leaf, i)])
    expected, got = expected / scales[leaf], got / scales[leaf]
    index = [int(k) for k in np.unravel_index(i, point[leaf].shape)]
    relative = abs(got - expected) / max(abs(expected), abs(got), 1e-300)
    return GradientError(
        f"check_gradients: the derivative of order {order} of {problem.name} is wrong; worst at "
        f"argument {problem.paths[leaf]}{index or ''}: expected {expected:.10g} by finite differences, got {got:.10g}, "
        f"relative error {relative:.2g} (tolerance {tolerance:.2g}). Correct the operation's vjp; or, if this is "
        f"a kink (relu at 0, max at a tie), check elsewhere"
    )
