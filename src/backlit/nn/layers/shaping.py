"""Layers that change shapes and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, ShapeError
from backlit.graph.ops.indexing import getitem
from backlit.graph.ops.shape import transpose
from backlit.nn.context import Context, Params, Shape
from backlit.nn.hyperparameters import whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    """Each example's numbers in one row: (batch, a, b, ...) -> (batch, a · b · ...).

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Flatten().output_shape((8, 8, 3))
    (192,)
    """

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        return {}, (math.prod(input_shape),)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return x.reshape((x.shape[0], math.prod(x.shape[1:])))


@dataclass(frozen=True, repr=False)
class Reshape(Layer):
    """Each example in another shape: (batch, ...) -> (batch, *shape).

    Parameters
    ----------
    shape : tuple of int
        Sizes without the batch axis; one may be -1, for whatever is left.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Reshape((8, -1)).output_shape((64,))
    (8, 8)
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = tuple(self.shape) if isinstance(self.shape, (tuple, list)) else (self.shape,)
        if any(isinstance(n, bool) or not isinstance(n, int) or (n < 1 and n != -1) for n in shape) or (
            shape.count(-1) > 1
        ):
            raise InputError(
                f"Reshape: shape must hold whole numbers of at least 1, one of them may be -1, got {shape}"
            )
        object.__setattr__(self, "shape", shape)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        size = math.prod(input_shape)
        known = math.prod(n for n in self.shape if n != -1)
        if size % known or (-1 not in self.shape and size != known):
            raise ShapeError(f"{self}: inputs of shape {input_shape} have {size} numbers, which don't fit {self.shape}")
        return {}, tuple(size // known if n == -1 else n for n in self.shape)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return x.reshape((x.shape[0], *self.output_shape(tuple(x.shape[1:]))))


@dataclass(frozen=True, repr=False)
class Permute(Layer):
    """The axes of each example in another order: (batch, a, b, ...) -> (batch, b, a, ...).

    Parameters
    ----------
    axes : tuple of int
        Which axis of the inputs stands at each place; axes of an example count from 1, since the batch is axis 0.

    Raises
    ------
    ShapeError
        If the inputs have another number of axes.

    Examples
    --------
    Channels that come first are put last:

    >>> import backlit as bl
    >>> bl.Permute((2, 3, 1)).output_shape((3, 32, 40))
    (32, 40, 3)
    """

    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        axes = tuple(self.axes) if isinstance(self.axes, (tuple, list)) else (self.axes,)
        numbers = all(isinstance(axis, int) and not isinstance(axis, bool) for axis in axes)
        if not axes or not numbers or sorted(axes) != list(range(1, len(axes) + 1)):
            raise InputError(f"Permute: axes must hold each number from 1 to that of axes once, got {self.axes!r}")
        object.__setattr__(self, "axes", axes)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        require_axes(self, input_shape, len(self.axes), _axes(len(self.axes)))
        return {}, tuple(input_shape[axis - 1] for axis in self.axes)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        require_axes(self, tuple(x.shape[1:]), len(self.axes), _axes(len(self.axes)))
        return transpose(x, axes=(0, *self.axes))


def _axes(count: int) -> str:
    """Shapes of so many axes in a message: "(a, b)"."""
    return f"({', '.join('abcdefgh'[:count])})"


@dataclass(frozen=True, repr=False)
class Select(Layer):
    """One place along an axis, which goes: the last time step, (batch, time, features) -> (batch, features).

    Parameters
    ----------
    index : int
        Which place; -1 is the last.
    axis : int
        Along which axis; those of an example count from 1, since the batch is axis 0.

    Raises
    ------
    ShapeError
        If the inputs have no such axis, or the axis no such place.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.Select(-1)({}, np.array([[[1, 2], [3, 4], [5, 6]]])).tolist()
    [[5, 6]]
    """

    index: int = -1
    axis: int = whole(1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.index, bool) or not isinstance(self.index, int):
            raise InputError(f"Select: index must be a whole number, got {self.index!r}")

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        if self.axis > len(input_shape) or not -input_shape[self.axis - 1] <= self.index < input_shape[self.axis - 1]:
            raise ShapeError(f"{self} needs inputs with a place {self.index} along axis {self.axis}, got {input_shape}")
        return {}, (*input_shape[: self.axis - 1], *input_shape[self.axis :])

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        self.output_shape(tuple(x.shape[1:]))
        return getitem(x, index=(*[slice(None)] * self.axis, self.index))
