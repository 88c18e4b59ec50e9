"""Operations that move, repeat or drop elements without changing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backlit.errors import ShapeError
from backlit.graph.op import operation
from backlit.graph.registry import composite, primitive, sample

_ROUTES = "routes each gradient back to the element that it came from"
_SAME = "All shapes must be equal."


@primitive(vjp=(lambda g, y, x: g,), samples=(sample((2, 3)),), torch="clone", gate="passes the gradient on")
def identity(xp: Any, x: Any) -> Any:
    """The same value, as a node of its own."""
    return x


@primitive(
    vjp=(None,),
    samples=(sample((2, 3)),),
    order=0,
    torch=lambda torch, x: x.detach(),
    gate="stops the gradient on purpose",
)
def stop_gradient(xp: Any, x: Any) -> Any:
    """The same value as a constant: no gradient goes further back."""
    return x


@primitive(
    vjp=(lambda g, y, x, dtype: g,),
    samples=(sample((2, 3), dtype="float64"),),
    torch=lambda torch, x, dtype: x.to(getattr(torch, dtype)),
    gate="passes the gradient on, in the input's type",
)
def astype(xp: Any, x: Any, *, dtype: Any) -> Any:
    """The same numbers in another type; the gradient comes back in the input's own."""
    try:
        return xp.asarray(x).astype(dtype)
    except TypeError as error:
        raise TypeError(f"astype: {error}") from error


@primitive(
    vjp=(lambda g, y, x, shape: g.reshape(x.shape),),
    samples=(sample((2, 6), shape=(3, 4)), sample((2, 3, 4), shape=(-1, 4)), sample((1,), shape=())),
    torch=lambda torch, x, shape: x.reshape(shape),
    shapes="The number of elements must stay the same; one size may be -1.",
    gate=_ROUTES,
)
def reshape(xp: Any, x: Any, *, shape: int | tuple[int, ...]) -> Any:
    """The same elements, in the same order, in another shape; one size may be -1.

    >>> import numpy as np
    >>> reshape(np.arange(4.0), shape=(2, 2)).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    if isinstance(shape, tuple) and shape.count(-1) > 1:
        raise ShapeError(f"reshape: can't work on shape={shape}: only one size may be -1")
    return xp.reshape(x, shape)


def _transpose_rule(g: Any, y: Any, x: Any, axes: Sequence[int] | None = None) -> Any:
    if axes is None:
        return transpose(g)
    order = [a % len(axes) for a in axes]
    return transpose(g, axes=tuple(order.index(i) for i in range(len(order))))


@primitive(
    vjp=(_transpose_rule,),
    samples=(sample((2, 3)), sample((2, 3, 4)), sample((2, 3, 4), axes=(2, 0, 1)), sample((2, 3, 4), axes=(0, -1, 1))),
    torch=lambda torch, x, axes=None: x.permute(axes or tuple(reversed(range(x.ndim)))),
    shapes="Each axis must be named once.",
    gate=_ROUTES,
)
def transpose(xp: Any, x: Any, *, axes: Sequence[int] | None = None) -> Any:
    """Axes in another order: axis i of the result is axis ``axes[i]`` of x; all reversed if left out."""
    return xp.transpose(x, axes)


@primitive(
    vjp=(lambda g, y, x: g.mT,),
    samples=(sample((2, 3)), sample((5, 2, 3))),
    torch=lambda torch, x: x.mT,
    shapes="At least two axes are needed.",
    gate=_ROUTES,
)
def matrix_transpose(xp: Any, x: Any) -> Any:
    """The last two axes swapped: (..., n, m) -> (..., m, n)."""
    return x.mT


@primitive(
    vjp=(lambda g, y, x, axis=None: g.reshape(x.shape),),
    samples=(sample((1, 3, 1)), sample((1, 3, 1), axis=0), sample((1, 3, 1), axis=(0, -1))),
    torch=lambda torch, x, axis=None: torch.squeeze(x) if axis is None else torch.squeeze(x, axis),
    shapes="Only axes of size 1 can be dropped.",
    gate=_ROUTES,
)
def squeeze(xp: Any, x: Any, *, axis: int | tuple[int, ...] | None = None) -> Any:
    """Axes of size 1 dropped: those named, or all of them."""
    return xp.squeeze(x, axis=axis)


@primitive(
    vjp=(lambda g, y, x, axis: g.reshape(x.shape),),
    samples=(sample((3,), axis=0), sample((2, 3), axis=-1)),
    torch=lambda torch, x, axis: torch.unsqueeze(x, axis),
    shapes="The axis must be from -ndim - 1 to ndim.",
    gate=_ROUTES,
)
def expand_dims(xp: Any, x: Any, *, axis: int | tuple[int, ...]) -> Any:
    """A new axis of size 1 at this place of the result's shape."""
    return xp.expand_dims(x, axis=axis)


@primitive(
    vjp=(lambda g, y, x, shape: g,),  # the backward pass sums over what was repeated
    samples=(sample((3,), shape=(2, 3)), sample((2, 1), shape=(4, 2, 3)), sample((), shape=(2,))),
    torch=lambda torch, x, shape: torch.broadcast_to(x, shape),
    shapes="Shapes are matched from the right: a size must be equal, or 1 and then repeated.",
    gate="adds up: a copied element gets the sum of its copies' gradients",
)
def broadcast_to(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """Elements repeated along axes of size 1, and along new axes in front, to reach a shape."""
    return xp.broadcast_to(x, shape)


def _pad_rule(g: Any, y: Any, x: Any, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
    return g[tuple(slice(before, before + size) for (before, _), size in zip(widths, x.shape, strict=True))]


@primitive(
    vjp=(_pad_rule,),
    samples=(sample((2, 3), widths=((1, 0), (2, 1))), sample((3,), widths=((0, 2),), value=5.0)),
    torch=lambda torch, x, widths, value=0.0: torch.nn.functional.pad(
        x, [w for pair in reversed(widths) for w in pair], value=value
    ),
    shapes="widths needs a pair (before, after) for each axis.",
    gate="routes each gradient back to its element; what arrives at the border is dropped",
)
def pad(xp: Any, x: Any, *, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
    """A border of a constant around x: ``widths[i] = (before, after)`` along axis i.

    >>> import numpy as np
    >>> pad(np.array([1.0, 2.0]), widths=((1, 2),)).tolist()
    [0.0, 1.0, 2.0, 0.0, 0.0]
    """
    return xp.pad(x, tuple(tuple(pair) for pair in widths), constant_values=value)


def _flip_rule(g: Any, y: Any, x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    return flip(g, axis=axis)


@primitive(
    vjp=(_flip_rule,),
    samples=(sample((2, 3)), sample((2, 3), axis=1), sample((2, 3, 2), axis=(0, -1))),
    torch=lambda torch, x, axis=None: torch.flip(
        x, tuple(range(x.ndim)) if axis is None else ((axis,) if isinstance(axis, int) else axis)
    ),
    gate=_ROUTES,
)
def flip(xp: Any, x: Any, *, axis: int | tuple[int, ...] | None = None) -> Any:
    """Elements in reverse order along axes (all, if none is given)."""
    return xp.flip(x, axis=axis)


def _require_arrays(name: str, arrays: Sequence[Any]) -> None:
    if not len(arrays):
        raise ShapeError(f"{name}: can't work on shape of no array: give at least one")


def _concatenate_rule(i: int, g: Any, y: Any, *arrays: Any, axis: int = 0) -> Any:
    axis %= len(y.shape)
    start = 0
    for x in arrays[:i]:
        start += x.shape[axis]
    return g[(slice(None),) * axis + (slice(start, start + arrays[i].shape[axis]),)]


@operation(
    name="concatenate", vjp=_concatenate_rule, gate=_ROUTES, shapes="All sizes but those along the axis must be equal."
)
def _concatenate(xp: Any, *arrays: Any, axis: int = 0) -> Any:
    return xp.concatenate(arrays, axis=axis)


@composite(
    samples=(
        sample((2, 3), (4, 3), sequence=True),
        sample((2, 3), (2, 1), (2, 2), sequence=True, axis=-1),
    ),
    torch=lambda torch, arrays, axis=0: torch.cat(arrays, dim=axis),
)
def concatenate(arrays: Sequence[Any], *, axis: int = 0) -> Any:
    """Arrays joined along an axis that they have.

    >>> import numpy as np
    >>> concatenate([np.array([1.0]), np.array([2.0, 3.0])]).tolist()
    [1.0, 2.0, 3.0]
    """
    _require_arrays("concatenate", arrays)
    return _concatenate(*arrays, axis=axis)


def _stack_rule(i: int, g: Any, y: Any, *arrays: Any, axis: int = 0) -> Any:
    return g[(slice(None),) * (axis % len(y.shape)) + (i,)]


@operation(name="stack", vjp=_stack_rule, gate=_ROUTES, shapes=_SAME)
def _stack(xp: Any, *arrays: Any, axis: int = 0) -> Any:
    return xp.stack(arrays, axis=axis)


@composite(
    samples=(sample((2, 3), (2, 3), sequence=True), sample((2,), (2,), (2,), sequence=True, axis=-1)),
    torch=lambda torch, arrays, axis=0: torch.stack(arrays, dim=axis),
)
def stack(arrays: Sequence[Any], *, axis: int = 0) -> Any:
    """Arrays of one shape put together along a new axis."""
    _require_arrays("stack", arrays)
    return _stack(*arrays, axis=axis)


@composite(
    samples=(sample((6, 2), sections=3), sample((2, 5), sections=(1, 4), axis=-1)),
    torch=lambda torch, x, sections, axis=0: torch.tensor_split(x, sections, dim=axis),
)
def split(x: Any, *, sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Parts of x along an axis: so many equal ones, or cut before the given places.

    >>> import numpy as np
    >>> [part.tolist() for part in split(np.arange(4.0), sections=(1,))]
    [[0.0], [1.0, 2.0, 3.0]]
    """
    axis %= len(x.shape)
    size = x.shape[axis]
    if isinstance(sections, int):
        if sections < 1 or size % sections:
            raise ShapeError(f"split: axis {axis} of shape {tuple(x.shape)} can't be cut into {sections} equal parts")
        cuts = list(range(size // sections, size, size // sections)) if size else [0] * (sections - 1)
    else:
        cuts = list(sections)
    front = (slice(None),) * axis
    return [x[(*front, slice(start, stop))] for start, stop in zip([0, *cuts], [*cuts, size], strict=True)]
