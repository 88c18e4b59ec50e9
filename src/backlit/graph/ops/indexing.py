"""Elements picked out by place, and put back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.errors import ShapeError
from backlit.graph.op import namespace, operation
from backlit.graph.registry import Draw, composite, integers, primitive, sample
from backlit.graph.tensor import Tensor, value_of

_PICKS = "routes each gradient back to the element that was picked; one picked twice gets the sum"
_INDEX = "The index must lie inside the shape, and index arrays must broadcast."
_TWICE = np.array([2, 0, 2, 1])


def _is_array(part: Any) -> bool:
    return hasattr(part, "shape") and part.shape != ()


def _index(name: str, index: Any) -> Any:
    """An index as the graph keeps it: no Tensors, no lists, and no arrays that their owner could still change."""
    if index is None or index is ... or type(index) is int or isinstance(index, slice):
        return index
    if isinstance(index, tuple):
        return tuple([_index(name, part) for part in index])
    if isinstance(index, Tensor):
        index = index.value
    elif isinstance(index, list):
        index = np.asarray(index, dtype=None if index else int)
    if getattr(index, "dtype", np.dtype(type(index))).kind not in "iub":
        raise ShapeError(
            f"{name}: can't work on index={index!r}: only integers, slices, None, ... and arrays of integers or "
            "booleans are indices"
        )
    if isinstance(index, np.ndarray) and index.flags.writeable:
        return index.copy()
    return index


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _positions(shape: tuple[int, ...], index: Any) -> np.ndarray:
    """Places, in the flattened array, of the elements that an index picks."""
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and len(shape) == 2:  # rows: the table may be large
        return np.where(index < 0, index + shape[0], index)[..., None] * shape[1] + np.arange(shape[1])
    return np.arange(math.prod(shape)).reshape(shape)[index]


def _check_places(shape: tuple[int, ...], index: Any) -> None:
    """Refuse places outside, as NumPy does; a compiled program would take the nearest one inside without a word.

    Only what is known while a program is compiled can be looked at: numbers, slices and constant arrays.

    Raises
    ------
    IndexError
    """
    if all(isinstance(part, (np.ndarray, np.generic)) or not hasattr(part, "shape") for part in _parts(index)):
        np.broadcast_to(np.int8(0), shape)[index]  # takes no memory of its own for the elements


def _add_at(xp: Any, x: Any, index: Any, updates: Any) -> Any:
    """x, which may be overwritten, with the updates added at the index."""
    if xp is not np:
        return xp.asarray(x).at[index].add(updates)
    if not any(_is_array(part) for part in _parts(index)):
        x[index] += updates
        return x
    # NumPy adds quickly only at places in one dimension.
    positions = _positions(x.shape, index)
    flat = x.reshape(-1)
    np.add.at(flat, positions.reshape(-1), np.broadcast_to(updates, positions.shape).reshape(-1))
    return x


def _getitem_rule(g: Any, y: Any, x: Any, index: Any) -> Any:
    return scatter(g, shape=x.shape, index=index)


@operation(
    name="getitem",
    vjp=(_getitem_rule,),
    shapes=_INDEX,
    gate=_PICKS,
)
def _getitem(xp: Any, x: Any, *, index: Any) -> Any:
    if xp is np and type(index) not in (int, slice):
        xp = namespace(*[part for part in _parts(index) if _is_array(part)])  # a traced index into a constant
        return xp.asarray(x)[index]
    if xp is not np:
        _check_places(x.shape, index)
    return x[index]


def _torch_index(torch: Any, x: Any, index: Any) -> Any:
    places = torch.arange(x.numel()).reshape(x.shape).numpy()[index]
    return x.reshape(-1)[torch.as_tensor(places)]


@composite(
    samples=(
        sample((3, 4), index=1),
        sample((3, 4), index=(slice(None), slice(1, None, 2))),
        sample((3, 4), index=(..., None, -1)),
        sample((3, 4), index=_TWICE),
        sample((3, 4), index=(_TWICE, np.array([1, 1, 1, 0]))),
        sample((3, 4, 2), index=(slice(None), _TWICE)),
        sample((3,), index=np.array([True, False, True])),
    ),
    torch=_torch_index,
)
def getitem(x: Any, *, index: Any) -> Any:
    """``x[index]``: whole numbers, slices, None, ``...``, arrays of places or of booleans, as in NumPy.

    Where an element is picked more than once its gradients add up.

    Raises
    ------
    ShapeError
        If the index doesn't fit the shape. Of places that a compiled program computes this can't be seen: there, and
        only there, one outside counts as the nearest inside. Run the function without `compile` to have them checked.

    >>> import numpy as np
    >>> getitem(np.array([1.0, 2.0, 3.0]), index=[2, 0]).tolist()
    [3.0, 1.0]
    """
    return _getitem(x, index=_index("getitem", index))


@operation(
    name="scatter",
    vjp=(lambda g, y, updates, shape, index: _getitem(g, index=index),),
    shapes=_INDEX,
    gate="picks the gradients at the places where the updates went",
)
def _scatter(xp: Any, updates: Any, *, shape: tuple[int, ...], index: Any) -> Any:
    if xp is np:
        xp = namespace(*[part for part in _parts(index) if _is_array(part)])
    if xp is not np:
        _check_places(shape, index)
    return _add_at(xp, xp.zeros(shape, dtype=updates.dtype), index, updates)


@composite(
    samples=(
        sample((4,), shape=(3, 4), index=1),
        sample((4, 2), shape=(3, 2), index=_TWICE),
        sample((3, 4), shape=(3, 2), index=(slice(None), np.array([1, 1, 0, 1]))),
    ),
)
def scatter(updates: Any, *, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of a shape with the updates added at an index: the derivative of `getitem`.

    >>> import numpy as np
    >>> scatter(np.array([1.0, 2.0, 4.0]), shape=(3,), index=[0, 2, 2]).tolist()
    [1.0, 0.0, 6.0]
    """
    return _scatter(updates, shape=tuple(shape), index=_index("scatter", index))


@operation(
    name="scatter_add",
    vjp=(lambda g, y, x, updates, index: g, lambda g, y, x, updates, index: _getitem(g, index=index)),
    shapes=_INDEX + " The updates must broadcast against x[index].",
    gate="distributes: x gets the upstream gradient as it is, the updates that at their places",
)
def _scatter_add(xp: Any, x: Any, updates: Any, *, index: Any) -> Any:
    if xp is np:
        xp = namespace(*[part for part in _parts(index) if _is_array(part)])
    if xp is not np:
        _check_places(x.shape, index)
    wide = xp.result_type(x, updates)
    return _add_at(xp, np.array(x, dtype=wide) if xp is np else xp.asarray(x, dtype=wide), index, updates)


@composite(
    samples=(
        sample((3, 4), (4,), index=1),
        sample((3, 2), (4, 2), index=_TWICE),
        sample((3, 2), (), index=(slice(None), 0)),
    ),
)
def scatter_add(x: Any, updates: Any, *, index: Any) -> Any:
    """A copy of x with the updates added at an index; where a place occurs twice, both are added.

    >>> import numpy as np
    >>> scatter_add(np.zeros(3), np.array([1.0, 2.0, 4.0]), index=[0, 2, 2]).tolist()
    [1.0, 0.0, 6.0]
    """
    return _scatter_add(x, updates, index=_index("scatter_add", index))


def _whole(name: str, indices: Any) -> None:
    dtype = getattr(indices, "dtype", None)
    if dtype is not None and dtype.kind not in "iu":
        raise TypeError(f"{name}: indices must be whole numbers, got dtype {dtype}; use astype")


@primitive(
    vjp=(
        lambda g, y, x, indices, axis=0: scatter(
            g, shape=x.shape, index=(slice(None),) * (axis % len(x.shape)) + (value_of(indices),)
        ),
        None,
    ),
    samples=(
        sample((5, 3), integers(5, 4)),
        sample((5, 3), integers(5, 2, 2)),
        sample((2, 5), integers(5, 4), axis=-1),
        sample((5,), integers(5)),
    ),
    torch=lambda torch, x, indices, axis=0: torch.index_select(x, axis, indices.reshape(-1)).reshape(
        (*x.shape[: axis % x.ndim], *indices.shape, *x.shape[axis % x.ndim + 1 :])
    ),
    shapes="Indices must be from -n to n - 1, where n is the size of the axis.",
    gate=_PICKS,
)
def take(xp: Any, x: Any, indices: Any, *, axis: int = 0) -> Any:
    """Slices of x at places along an axis, as rows of a table: ``y[i…, :] = x[indices[i…], :]``.

    A place outside raises an error; one that a compiled program computed gives NaN (of whole numbers, the least or
    greatest there is).

    >>> import numpy as np
    >>> take(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, 1]).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    _whole("take", indices)
    if xp is not np and isinstance(indices, np.ndarray | int):
        _check_places(x.shape[axis:][:1], indices)
    return xp.take(x, indices, axis=axis)


def _along(indices: Any, axis: int) -> tuple[Any, ...]:
    """The index arrays that `take_along_axis` stands for."""
    ndim = len(indices.shape)
    grids = [np.arange(n).reshape((-1,) + (1,) * (ndim - 1 - i)) for i, n in enumerate(indices.shape)]
    return tuple([indices if i == axis % ndim else grid for i, grid in enumerate(grids)])


@primitive(
    vjp=(
        lambda g, y, x, indices, axis=-1: scatter(g, shape=x.shape, index=_along(value_of(indices), axis)),
        None,
    ),
    samples=(
        sample((3, 4), integers(4, 3, 2)),
        sample((3, 4), integers(3, 5, 4), axis=0),
        sample((3,), Draw((2,), make=lambda rng: np.array([1, 1]))),
    ),
    torch=lambda torch, x, indices, axis=-1: torch.take_along_dim(x, indices, dim=axis),
    shapes="x and the indices need as many axes, and equal sizes in all but the one along which is taken.",
    gate=_PICKS,
)
def take_along_axis(xp: Any, x: Any, indices: Any, *, axis: int = -1) -> Any:
    """Along an axis, for each line its own places: ``y[i, j] = x[i, indices[i, j]]`` for the last of two axes.

    >>> import numpy as np
    >>> take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0], [1]])).tolist()
    [[1.0], [4.0]]
    """
    _whole("take_along_axis", indices)
    if len(x.shape) != len(indices.shape):
        raise ShapeError(
            f"take_along_axis: x has shape {tuple(x.shape)}, the indices {tuple(indices.shape)}: "
            "they need as many axes; use expand_dims"
        )
    if xp is not np and isinstance(indices, np.ndarray):
        _check_places(x.shape, _along(indices, axis))
    return xp.take_along_axis(x, indices, axis=axis)
