"""Batch normalisation as one operation, with its derivative in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import sqrt, square
from backlit.graph.registry import Draw, primitive, sample
from backlit.graph.tensor import value_of


def statistics(x: Any, mask: Any) -> tuple[Any, Any, Any]:
    """Mean and variance of each size of x's last axis over rows that count, and how many numbers each is made of."""
    axes = tuple(range(len(x.shape) - 1))
    counts = _by_row(x, mask)
    number = namespace(value_of(x)).maximum(counts.sum() * math.prod(x.shape[1:-1]), 1.0)
    mean = (x * counts).sum(axis=axes) / number
    return mean, (square(x - mean) * counts).sum(axis=axes) / number, number


def _by_row(x: Any, mask: Any) -> Any:
    return mask.astype(x.dtype).reshape((-1,) + (1,) * (len(x.shape) - 1))


def _normalized(x: Any, mask: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """(x - mean) / √(variance + epsilon), the quotient's inverse, and the number."""
    mean, variance, number = statistics(x, mask)
    inverse = 1.0 / sqrt(variance + epsilon)
    return (x - mean) * inverse, inverse, number


def _by_x(g: Any, y: Any, x: Any, scale: Any, bias: Any, mask: Any, *, epsilon: float) -> Any:
    axes = tuple(range(len(x.shape) - 1))
    normal, inverse, number = _normalized(x, mask, epsilon)
    through = g.sum(axis=axes) / number + normal * ((g * normal).sum(axis=axes) / number)  # mean and variance
    return (g - through * _by_row(x, mask)) * (scale * inverse)


def _by_scale(g: Any, y: Any, x: Any, scale: Any, bias: Any, mask: Any, *, epsilon: float) -> Any:
    return (g * _normalized(x, mask, epsilon)[0]).sum(axis=tuple(range(len(x.shape) - 1)))


def _by_bias(g: Any, y: Any, x: Any, scale: Any, bias: Any, mask: Any, *, epsilon: float) -> Any:
    return g.sum(axis=tuple(range(len(x.shape) - 1)))


def _torch(torch: Any, x: Any, scale: Any, bias: Any, mask: Any, epsilon: float) -> Any:
    """PyTorch's knows no mask; so its mean and variance of the rows that count."""
    rows = x[mask].reshape(-1, x.shape[-1])
    variance, mean = torch.var_mean(rows, dim=0, correction=0)
    return (x - mean) / torch.sqrt(variance + epsilon) * scale + bias


def _rows(*values: bool) -> Draw:
    return Draw((len(values),), kind="bool", make=lambda rng: np.array(values))


@primitive(
    vjp=(_by_x, _by_scale, _by_bias, None),
    samples=(
        sample((4, 3), (3,), (3,), _rows(True, True, True, True), epsilon=1e-3),
        sample((4, 2, 3), (3,), (3,), _rows(True, False, True, True), epsilon=1e-3),
    ),
    torch=_torch,
    gate="takes out of the upstream gradient its mean, and its part along the normalised numbers",
)
def batch_norm(xp: Any, x: Any, scale: Any, bias: Any, mask: Any, *, epsilon: float) -> Any:
    """``(x - mean) / √(variance + epsilon) · scale + bias``, statistics for each size of the last axis.

    Its derivative in closed form, with x̂ for the normalised numbers and n of them:
    ``∂L/∂x = scale / √(variance + epsilon) · (g - Σ g / n - x̂ · Σ (g x̂) / n)``.

    Parameters
    ----------
    x : (rows, ..., features)
    scale, bias : (features,)
    mask : boolean array (rows,)
        Rows that count in mean and variance; the others are normalised by them, too.
    epsilon : float
        Keeps the quotient finite where all numbers are equal.

    References
    ----------
    Ioffe, Szegedy: Batch Normalization, ICML 2015 (arXiv:1502.03167).

    >>> import numpy as np
    >>> x, one = np.array([[1.0], [3.0]]), np.ones(1)
    >>> batch_norm(x, one, 0.0 * one, np.array([True, True]), epsilon=1e-5).round(3).tolist()
    [[-1.0], [1.0]]
    """
    return _normalized(x, mask, epsilon)[0] * scale + bias
