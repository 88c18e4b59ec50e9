"""Operations that make one number of many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.elementwise import exp
from backlit.graph.ops.shape import broadcast_to, concatenate, flip, transpose
from backlit.graph.registry import primitive, sample
from backlit.graph.tensor import Array, value_of

Axis = int | tuple[int, ...] | None

_AXES = (
    sample((2, 3)),
    sample((2, 3), axis=0),
    sample((2, 3), axis=-1, keepdims=True),
    sample((2, 3, 4), axis=(0, 2)),
    sample(()),
)
_SPREAD = _AXES[:-1]
_AXIS_RULE = "An axis must be a number from -ndim to ndim - 1, or a tuple of such, each named once."


def _normal(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The reduced axes, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(a % ndim for a in ((axis,) if isinstance(axis, int) else axis)))


def _count(x: Any, axis: Axis) -> int:
    """How many numbers each result is made of."""
    return math.prod(x.shape[a] for a in _normal(axis, len(x.shape)))


def _with_axes(reduced: Any, x: Any, axis: Axis) -> Any:
    """A reduced array with its axes back, of size 1, so that it broadcasts against x; one number does so as it is."""
    if reduced.shape == ():
        return reduced
    axes = _normal(axis, len(x.shape))
    shape = tuple([1 if i in axes else size for i, size in enumerate(x.shape)])
    return reduced if reduced.shape == shape else reduced.reshape(shape)


def _torch_axes(name: str) -> Any:
    """PyTorch's function of this name with its words for the settings."""

    def call(torch: Any, x: Any, axis: Axis = None, keepdims: bool = False, **rest: Any) -> Any:
        return getattr(torch, name)(x, dim=_normal(axis, x.ndim), keepdim=keepdims, **rest)

    return call


def _repeated(g: Any, x: Any) -> Any:
    """A gradient of axes of size 1, or none, repeated to the shape of x."""
    if isinstance(g, np.generic) and x.size < 1 << 14:  # writing a few thousand numbers is quicker than making a view
        full = np.empty(x.shape, dtype=g.dtype)
        full.fill(g)
        return full
    return broadcast_to(g, shape=x.shape)


def _sum_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _repeated(_with_axes(g, x, axis), x)


@primitive(
    vjp=(_sum_rule,),
    samples=_AXES,
    torch=_torch_axes("sum"),
    shapes=_AXIS_RULE,
    gate="distributes: every element gets the upstream gradient as it is",
)
def sum(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over axes (all, if none is given).

    >>> import numpy as np
    >>> sum(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
    [4.0, 6.0]
    """
    return x.sum(axis=axis, keepdims=keepdims) if type(x) is np.ndarray else xp.sum(x, axis=axis, keepdims=keepdims)


def _mean_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _repeated(_with_axes(g / _count(x, axis), x, axis), x)


@primitive(
    vjp=(_mean_rule,),
    samples=_AXES,
    torch=_torch_axes("mean"),
    shapes=_AXIS_RULE,
    gate="distributes: every element gets the upstream gradient divided by their number",
)
def mean(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Mean over axes: ``y = Σ x / n``."""
    return xp.mean(x, axis=axis, keepdims=keepdims)


def _var_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    factor = 2.0 / (_count(x, axis) - correction)
    return _with_axes(g * factor, x, axis) * (x - mean(x, axis=axis, keepdims=True))


@primitive(
    vjp=(_var_rule,),
    samples=(*_SPREAD, sample((3, 4), axis=1, correction=1)),
    torch=lambda torch, x, correction=0, **rest: _torch_axes("var")(torch, x, correction=correction, **rest),
    shapes=_AXIS_RULE,
    gate="scales: every element gets upstream · 2 (x - mean) / n",
)
def var(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Variance over axes: ``y = Σ (x - mean)² / (n - correction)``; correction 1 is the sample's unbiased estimate."""
    return xp.var(x, axis=axis, keepdims=keepdims, correction=correction)


def _std_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    spread = where(value_of(y) == 0, 1.0, y) * (_count(x, axis) - correction)
    return _with_axes(g / spread, x, axis) * (x - mean(x, axis=axis, keepdims=True))


@primitive(
    vjp=(_std_rule,),
    samples=(*_SPREAD, sample((3, 4), axis=1, correction=1)),
    torch=lambda torch, x, correction=0, **rest: _torch_axes("std")(torch, x, correction=correction, **rest),
    shapes=_AXIS_RULE,
    gate="scales: every element gets upstream · (x - mean) / (n · y)",
)
def std(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Standard deviation over axes: the square root of `var`. Where it is 0, its derivative is taken as 0."""
    return xp.std(x, axis=axis, keepdims=keepdims, correction=correction)


def _extreme_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    is_extreme = value_of(x) == _with_axes(value_of(y), x, axis)
    ties = is_extreme.sum(axis=axis, keepdims=True, dtype=g.dtype)
    return _with_axes(g, x, axis) / ties * is_extreme


@primitive(
    vjp=(_extreme_rule,),
    samples=_AXES,
    torch=_torch_axes("amax"),
    shapes=_AXIS_RULE,
    gate="routes: the greatest element gets the upstream gradient, the others nothing (equal shares at a tie)",
)
def max(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The greatest over axes. Elements that tie share the gradient evenly."""
    return xp.max(x, axis=axis, keepdims=keepdims)


@primitive(
    vjp=(_extreme_rule,),
    samples=_AXES,
    torch=_torch_axes("amin"),
    shapes=_AXIS_RULE,
    gate="routes: the smallest element gets the upstream gradient, the others nothing (equal shares at a tie)",
)
def min(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest over axes. Elements that tie share the gradient evenly."""
    return xp.min(x, axis=axis, keepdims=keepdims)


def _others(x: Any) -> Any:
    """For each element the product of all others along the first axis, without dividing (an element may be 0).

    Pairs are multiplied, the problem solved for the products, and each element of a pair takes the other in.
    """
    n = x.shape[0]
    if n == 1:
        return namespace(value_of(x)).ones(x.shape, dtype=x.dtype)
    half = n // 2
    first, second, rest = x[:half], x[half : 2 * half], x[2 * half :]
    above = _others(concatenate([first * second, rest], axis=0))
    return concatenate([above[:half] * second, above[:half] * first, above[half:]], axis=0)


def _prod_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    axes = _normal(axis, len(x.shape))
    order = axes + tuple(i for i in range(len(x.shape)) if i not in axes)
    moved = transpose(x, axes=order)
    if _count(x, axis) == 0:
        return broadcast_to(_with_axes(g, x, axis), shape=x.shape)
    others = _others(moved.reshape((_count(x, axis), *moved.shape[len(axes) :]))).reshape(moved.shape)
    return _with_axes(g, x, axis) * transpose(others, axes=tuple(order.index(i) for i in range(len(order))))


@primitive(
    vjp=(_prod_rule,),
    samples=(*_AXES, sample((7, 2), axis=0)),
    torch=lambda torch, x, axis=None, keepdims=False: _torch_prod(torch, x, axis, keepdims),
    shapes=_AXIS_RULE,
    gate="swaps: every element gets the upstream gradient times the product of all others",
)
def prod(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over axes. The derivative by an element is the product of all others, right also where some are 0.

    >>> import numpy as np, backlit as bl
    >>> bl.grad(bl.ops.prod)(np.array([0.0, 2.0, 3.0])).tolist()
    [6.0, 0.0, 0.0]
    """
    return xp.prod(x, axis=axis, keepdims=keepdims)


def _torch_prod(torch: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    for a in reversed(_normal(axis, x.ndim)):
        x = torch.prod(x, dim=a, keepdim=keepdims)
    return x


def _cumsum_rule(g: Any, y: Any, x: Any, axis: int = -1) -> Any:
    return flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis)


@primitive(
    vjp=(_cumsum_rule,),
    samples=(sample((5,)), sample((3, 4)), sample((3, 4), axis=0)),
    torch=lambda torch, x, axis=-1: torch.cumsum(x, dim=axis),
    shapes=_AXIS_RULE,
    gate="distributes: every element gets the upstream gradients of all sums that it is part of",
)
def cumsum(xp: Any, x: Any, *, axis: int = -1) -> Any:
    """Running sum along an axis (the last, if none is given): ``yᵢ = x₀ + … + xᵢ``; of whole numbers in 64 bits."""
    if not isinstance(axis, int):
        raise TypeError(f"cumsum: axis must be one whole number, got {axis!r}; reshape to (-1,) to sum over all")
    dtype = xp.sum(x[:0]).dtype if x.dtype.kind in "iub" else None
    return xp.cumsum(x, axis=axis, dtype=dtype)


def _logsumexp_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    y = where(namespace(value_of(y)).isfinite(value_of(y)), y, 0.0)  # all inputs -infinity: their shares are 0
    return _with_axes(g, x, axis) * exp(x - _with_axes(y, x, axis))


@primitive(
    vjp=(_logsumexp_rule,),
    samples=_AXES,
    torch=_torch_axes("logsumexp"),
    shapes=_AXIS_RULE,
    gate="shares: every element gets its softmax share of the upstream gradient",
)
def logsumexp(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smooth maximum over axes: ``y = ln Σ eˣ``, finite for every finite x.

    >>> import numpy as np
    >>> logsumexp(np.array([1e4, 1e4])).round(6).tolist()
    10000.693147
    """
    top = xp.max(x, axis=axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0.0)
    y = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else xp.squeeze(y, axis=_normal(axis, len(x.shape)))


def _norm_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _with_axes(g / where(value_of(y) == 0, 1.0, y), x, axis) * x


@primitive(
    vjp=(_norm_rule,),
    samples=_SPREAD,
    torch=lambda torch, x, axis=None, keepdims=False: torch.linalg.vector_norm(x, dim=axis, keepdim=keepdims),
    shapes=_AXIS_RULE,
    gate="scales: every element gets the upstream gradient times x / y, its part of the direction",
)
def norm(xp: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Euclidean length over axes: ``y = √Σ x²``. Where it is 0, its derivative is taken as 0."""
    return xp.sqrt(xp.sum(x * x, axis=axis, keepdims=keepdims))


def argmax(x: Any, *, axis: int | None = None) -> Array:
    """Place of the greatest (the first of them), as a plain array of whole numbers: it has no derivative."""
    return namespace(value_of(x)).argmax(value_of(x), axis=axis)


def argmin(x: Any, *, axis: int | None = None) -> Array:
    """Place of the smallest (the first of them), as a plain array of whole numbers: it has no derivative."""
    return namespace(value_of(x)).argmin(value_of(x), axis=axis)
