"""The direct minimum: linear least squares and ridge regression in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph import tree
from backlit.optim.transform import State, Transform, Tree


class Linear(NamedTuple):
    """Weights of ``y = x W + b``, named and shaped as a `Linear` layer's parameters."""

    weight: np.ndarray
    bias: np.ndarray


def least_squares(x: Any, y: Any) -> Linear:
    """The minimum of ``‖x W + b − y‖²``.

    If columns of x depend on each other, many W are equally good; this is the one of smallest norm.

    Parameters
    ----------
    x : array (n, d)
        Inputs.
    y : array (n,) or (n, k)
        Targets.

    Returns
    -------
    weight : array (d, k)
    bias : array (k,)
        In float32 if x is, else in float64; computed in float64 from the singular values of the centred x.

    Raises
    ------
    ShapeError
        If x isn't a matrix or the rows don't agree.
    InputError
        If there are no rows, or numbers that are NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> weight, bias = least_squares(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
    >>> weight.round(6).tolist(), bias.round(6).tolist()
    ([[2.0]], [1.0])
    """
    return _solve("least_squares", x, y, 0.0)


def ridge(x: Any, y: Any, alpha: float = 1.0, *, sample_weight: Any = None, intercept: bool = True) -> Linear:
    """The minimum of ``Σ ωᵢ ‖xᵢ W + b − yᵢ‖² + α ‖W‖²``; the bias isn't penalised.

    Parameters
    ----------
    x : array (n, d)
        Inputs.
    y : array (n,) or (n, k)
        Targets.
    alpha : float
        α ≥ 0; 0 gives `least_squares`.
    sample_weight : array (n,), optional
        ω ≥ 0; 1 if left out.
    intercept : bool
        Whether there is a b; otherwise it is 0.

    Returns
    -------
    weight : array (d, k)
    bias : array (k,)
        In float32 if x is, else in float64; computed in float64 from the singular values of the centred x.

    Raises
    ------
    ShapeError
        If x isn't a matrix or the rows don't agree.
    InputError
        If there are no rows, numbers that are NaN or infinite, or alpha is negative.

    References
    ----------
    A. Hoerl, R. Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12, 1970.

    Examples
    --------
    >>> import numpy as np
    >>> weight, bias = ridge(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]), alpha=2.0)
    >>> weight.round(6).tolist(), bias.round(6).tolist()
    ([[1.0]], [2.0])
    """
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float, np.number)) or not 0 <= alpha < np.inf:
        raise InputError(f"ridge: alpha must be a number in [0, ∞), got {alpha!r}")
    return _solve("ridge", x, y, float(alpha), sample_weight, intercept)


def _solve(name: str, x: Any, y: Any, alpha: float, sample_weight: Any = None, intercept: bool = True) -> Linear:
    try:
        x, y = np.asarray(x), np.asarray(y)
    except ValueError as error:
        raise ShapeError(f"{name}: rows of x, and of y, must have equally many numbers ({error})") from error
    if x.ndim != 2 or y.ndim not in (1, 2) or len(x) != len(y):
        raise ShapeError(f"{name}: needs x of shape (n, d) and y of shape (n,) or (n, k), got {x.shape} and {y.shape}")
    if not x.size:
        raise InputError(f"{name}: x of shape {x.shape} holds no numbers")
    for what, array in (("x", x), ("y", y)):
        if array.dtype.kind not in "fiub":
            raise InputError(f"{name}: {what} must hold real numbers, got type {array.dtype}")
        if not np.isfinite(array).all():
            raise InputError(f"{name}: {what} holds NaN or infinite values; fill them in or leave the rows out")
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    inputs, targets = x.astype(np.float64), y.reshape(len(y), -1).astype(np.float64)
    roots = np.ones((len(y), 1)) if sample_weight is None else _roots(name, sample_weight, len(y))
    shares = roots**2 / (roots**2).sum() if intercept else np.zeros_like(roots)
    x_mean, y_mean = (shares * inputs).sum(axis=0), (shares * targets).sum(axis=0)
    u, s, vt = np.linalg.svd(roots * (inputs - x_mean), full_matrices=False)
    # Singular values that are zero but for rounding belong to directions in which x doesn't vary.
    real = s > np.finfo(np.float64).eps * max(x.shape) * s.max(initial=0.0)
    factor = np.zeros_like(s)
    factor[real] = s[real] / (s[real] ** 2 + alpha)
    weight = vt.T @ (factor[:, None] * (u.T @ (roots * (targets - y_mean))))
    bias = y_mean - x_mean @ weight
    return Linear(weight.astype(dtype), bias.astype(dtype))


def _roots(name: str, sample_weight: Any, rows: int) -> np.ndarray:
    """The weights' roots (n, 1): what rows are multiplied by so that their squares are weighed."""
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (rows,):
        raise ShapeError(f"{name}: sample_weight must have shape ({rows},), got {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise InputError(f"{name}: sample_weight must hold finite numbers of at least 0, one of them above")
    roots: np.ndarray = np.sqrt(weights)[:, None]
    return roots


@dataclass(frozen=True, repr=False)
class LeastSquares(Transform):
    """The closed form as an optimizer: `fit` begins, and ends, at the minimum of a linear network's squared error.

    With a penalty `L2` that is ridge regression. Of networks with hidden layers, and of other losses, no closed form is
    known; `fit` refuses them.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> run = bl.fit(bl.Linear(1), x, [1.0, 3.0, 5.0], optimizer="least_squares")
    >>> run.stopped, run.network.params["weight"].round(4).tolist()
    ('closed form', [[2.0]])
    """

    exact: ClassVar[bool] = True

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        return tree.map(lambda g: 0 * g, gradients), state
