"""Pooling as layers: fewer numbers for a line or picture, channel by channel; channels last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import ShapeError
from backlit.graph.ops.linalg import einsum
from backlit.graph.ops.pooling import avg_pool, max_pool, pooling_window
from backlit.graph.window import Padding, borders, per_axis
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes

_SHAPES = {1: "(size, channels)", 2: "(height, width, channels)"}


@dataclass(frozen=True, repr=False)
class _Pooling(Layer):
    """What pooling by windows has in common."""

    axes: ClassVar[int]
    way: ClassVar[Any]

    size: int | tuple[int, ...]
    stride: int | tuple[int, ...] | None = None
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        name = type(self).__name__
        size = per_axis(name, "size", self.size, self.axes)
        stride = size if self.stride is None else per_axis(name, "stride", self.stride, self.axes)
        borders(name, self.padding, size, size, stride)
        for setting in ("size", "stride", "padding"):  # lists, as from JSON, can't be hashed
            value = getattr(self, setting)
            if isinstance(value, (list, tuple)):
                frozen = tuple([tuple(item) if isinstance(item, (list, tuple)) else item for item in value])
                object.__setattr__(self, setting, frozen)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        require_axes(self, input_shape, self.axes + 1, _SHAPES[self.axes])
        windows = pooling_window(str(self), input_shape[:-1], self.size, self.stride, self.padding)
        return {}, (*windows.positions(input_shape[:-1]), input_shape[-1])

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        require_axes(self, tuple(x.shape[1:]), self.axes + 1, _SHAPES[self.axes])
        return type(self).way(x, size=self.size, stride=self.stride, padding=self.padding)


@dataclass(frozen=True, repr=False)
class MaxPool1d(_Pooling):
    """The greatest number of each window: (batch, size, channels) -> (batch, positions, channels).

    Parameters as of `MaxPool2d`.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.MaxPool1d(2)({}, np.array([[[1.0], [5.0], [2.0], [3.0]]])).tolist()
    [[[5.0], [3.0]]]
    """

    axes: ClassVar[int] = 1
    way: ClassVar[Any] = staticmethod(max_pool)


@dataclass(frozen=True, repr=False)
class MaxPool2d(_Pooling):
    """The greatest number of each window: (batch, height, width, channels) -> (batch, rows, columns, channels).

    ``rows = ⌊(height + padding - size) / stride⌋ + 1``. The gradient goes to the greatest number; those that tie share
    it evenly.

    Parameters
    ----------
    size : int or (int, int)
        Height and width of the window.
    stride : int or (int, int), optional
        Step from one window to the next; the window's size if left out, so that they don't overlap.
    padding : as of `Conv2d`
        Border that never is the greatest; below the window's size.

    Raises
    ------
    ShapeError
        If the inputs have other axes, or the window is larger than the picture with its border.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.MaxPool2d(2).output_shape((28, 28, 8)), bl.MaxPool2d(3, stride=2, padding=1).output_shape((28, 28, 8))
    ((14, 14, 8), (14, 14, 8))
    """

    axes: ClassVar[int] = 2
    way: ClassVar[Any] = staticmethod(max_pool)


@dataclass(frozen=True, repr=False)
class AvgPool1d(_Pooling):
    """The mean of each window: (batch, size, channels) -> (batch, positions, channels).

    Parameters as of `AvgPool2d`.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.AvgPool1d(2)({}, np.array([[[1.0], [5.0], [2.0], [3.0]]])).tolist()
    [[[3.0], [2.5]]]
    """

    axes: ClassVar[int] = 1
    way: ClassVar[Any] = staticmethod(avg_pool)


@dataclass(frozen=True, repr=False)
class AvgPool2d(_Pooling):
    """The mean of each window: (batch, height, width, channels) -> (batch, rows, columns, channels).

    Parameters, sizes and errors as of `MaxPool2d`. A border doesn't count: the mean is over the numbers that are there
    (PyTorch's ``count_include_pad=False``).

    Examples
    --------
    >>> import backlit as bl
    >>> bl.AvgPool2d((2, 4)).output_shape((28, 28, 8))
    (14, 7, 8)
    """

    axes: ClassVar[int] = 2
    way: ClassVar[Any] = staticmethod(avg_pool)


def _require_places(layer: Layer, shape: Shape) -> None:
    if len(shape) < 2:
        raise ShapeError(f"{layer} needs inputs of shape (..., channels) with axes before the last, got {shape}")


@dataclass(frozen=True, repr=False)
class GlobalAvgPool(Layer):
    """The mean of each channel over all places: (batch, ..., channels) -> (batch, channels).

    Within `Masked`, over the time steps that aren't padding.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.GlobalAvgPool().output_shape((7, 7, 64))
    (64,)

    References
    ----------
    Lin, Chen, Yan: Network In Network, ICLR 2014 (arXiv:1312.4400).
    """

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        _require_places(self, input_shape)
        return {}, input_shape[-1:]

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        if ctx.time_mask is None:
            return x.mean(axis=tuple(range(1, len(x.shape) - 1)))
        return ctx.hide(x).sum(axis=1) / ctx.time_mask.sum(axis=1)[:, None].astype(x.dtype)


@dataclass(frozen=True, repr=False)
class GlobalMaxPool(Layer):
    """The greatest number of each channel over all places: (batch, ..., channels) -> (batch, channels).

    Within `Masked`, over the time steps that aren't padding.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.GlobalMaxPool().output_shape((7, 7, 64))
    (64,)
    """

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        _require_places(self, input_shape)
        return {}, input_shape[-1:]

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        return ctx.hide(x, -np.inf).max(axis=tuple(range(1, len(x.shape) - 1)))


@dataclass(frozen=True, repr=False)
class AdaptiveAvgPool2d(Layer):
    """Means over a grid of a given size: (batch, height, width, channels) -> (batch, rows, columns, channels).

    Row i is the mean of rows ``⌊i · height / rows⌋`` to below ``⌈(i + 1) · height / rows⌉``, and columns alike;
    so pictures of any size give one size of output.

    Parameters
    ----------
    rows, columns : int
        Of the output; as many columns as rows, if left out.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.AdaptiveAvgPool2d(4).output_shape((7, 9, 64))
    (4, 4, 64)
    """

    rows: int = whole()
    columns: int | None = whole(None)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        require_axes(self, input_shape, 3, _SHAPES[2])
        return {}, (self.rows, self.columns or self.rows, input_shape[-1])

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        require_axes(self, tuple(x.shape[1:]), 3, _SHAPES[2])
        by_row = _bins(x.shape[1], self.rows).astype(x.dtype)
        by_column = _bins(x.shape[2], self.columns or self.rows).astype(x.dtype)
        return einsum("rh,cw,bhwk->brck", by_row, by_column, x)


def _bins(size: int, count: int) -> np.ndarray:
    """The matrix of means over `count` bins that cover so many places: (count, size)."""
    matrix = np.zeros((count, size))
    for i in range(count):
        start, stop = i * size // count, -(-(i + 1) * size // count)
        matrix[i, start:stop] = 1.0 / (stop - start)
    return matrix
