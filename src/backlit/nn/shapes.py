"""What goes into a network and comes out of it: one array with rows first, or several by name.

Both are trees of arrays: ``tree.map(f, arrays)`` does for each what it does for one, so that whoever handles arrays
needn't ask which they are. Their shapes are a tuple, or `Shapes` of tuples by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from backlit.errors import InputError, ShapeError, shown
from backlit.graph import tree
from backlit.nn.context import Shape

T = TypeVar("T")


class Shapes(dict[str, Shape]):
    """Shapes of one example, by name, of a network of several inputs or outputs; they don't change, and have a hash.

    Examples
    --------
    >>> shapes = Shapes({"image": (8, 8, 1), "meta": (5,)})
    >>> shapes["meta"], shapes == {"meta": (5,), "image": (8, 8, 1)}, size_of(shapes)
    ((5,), True, 69)
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("the shapes of a network don't change: build another")

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self) -> Any:
        return type(self), (dict(self),)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name}: {shape}' for name, shape in self.items())}}}"


def each(f: Callable[[Shape], T], shape: Shape | Shapes) -> T | dict[str, T]:
    """``f(shape)``, or that of each shape by its name.

    >>> each(len, (4, 3)), each(len, Shapes({"a": (4, 3), "b": (2,)}))
    (2, {'a': 2, 'b': 1})
    """
    return {name: f(one) for name, one in shape.items()} if isinstance(shape, Shapes) else f(shape)


def size_of(shape: Shape | Shapes) -> int:
    """How many numbers an example has."""
    return sum(map(math.prod, shape.values())) if isinstance(shape, Shapes) else math.prod(shape)


def shape_of(arrays: Any) -> Any:
    """The shape of one example of arrays with rows first."""
    if isinstance(arrays, Mapping):
        return Shapes({name: tuple(array.shape[1:]) for name, array in arrays.items()})
    return tuple(arrays.shape[1:])


def rows_of(arrays: Any) -> int:
    """How many rows arrays have."""
    return len(tree.leaves(arrays)[0])


def rows_at(arrays: Any, places: Any) -> Any:
    """Some of the rows: ``arrays[places]``, of each array by itself.

    >>> rows_at({"a": np.arange(3), "b": np.zeros((3, 1))}, [2])["a"].tolist()
    [2]
    """
    return tree.map(lambda array: array[places], arrays)


def with_shape(arrays: Any, shape: Shape | Shapes) -> Any:
    """Arrays of examples in any order of axes in front, (rows, ...) of this shape.

    >>> with_shape(np.zeros((2, 5, 3)), (3,)).shape
    (10, 3)
    """
    if isinstance(shape, Shapes):
        return {name: arrays[name].reshape(-1, *one) for name, one in shape.items()}
    return arrays.reshape(-1, *shape)


def example_shape(input_shape: Any) -> Any:
    """The shape of one example, whose sizes must be whole numbers above zero; a dict of shapes as `Shapes`.

    Raises
    ------
    ShapeError
        If it is none.
    """
    if isinstance(input_shape, Mapping):
        if not input_shape:
            raise ShapeError("input_shape names no input: give a shape for each, {'image': (8, 8, 1), 'meta': (5,)}")
        return Shapes({name: _one_shape(shape, f"input_shape of {name!r}:") for name, shape in input_shape.items()})
    return _one_shape(input_shape, "input_shape")


def _one_shape(given: Any, what: str) -> Shape:
    shape = tuple(given) if isinstance(given, (tuple, list, np.ndarray)) else (given,)
    if any(not isinstance(size, (int, np.integer)) or size < 1 for size in shape):
        raise ShapeError(f"{what} {shape} must hold whole numbers of at least 1 (leave out the batch axis)")
    return tuple(map(int, shape))


def named(given: Any, names: tuple[str, ...], what: str, kind: str) -> dict[str, Any]:
    """What was given by name, in the order of `names`: all of them, and no others.

    Parameters
    ----------
    given : mapping
    names : tuple of str
    what, kind : str
        How messages call it, "x", and one of its parts, "input".

    Raises
    ------
    InputError
        If it isn't by name, or names are missing or unknown; they are listed.

    Examples
    --------
    >>> named({"meta": 2, "image": 1}, ("image", "meta"), "x", "input")
    {'image': 1, 'meta': 2}
    """
    listed = ", ".join(map(repr, names))
    if not isinstance(given, Mapping):
        got = f"an array of shape {given.shape}" if hasattr(given, "shape") else shown(given)
        raise InputError(f"{what} must be a dict of the network's {kind}s {listed}, {{{names[0]!r}: ...}}, got {got}")
    missing, extra = [name for name in names if name not in given], [str(name) for name in given if name not in names]
    if missing or extra:
        told = [f"missing {', '.join(map(repr, missing))}"] if missing else []
        told += [f"unknown {', '.join(map(repr, extra))}"] if extra else []
        raise InputError(f"{what}: {'; '.join(told)}; the network's {kind}s are {listed}")
    return {name: given[name] for name in names}
