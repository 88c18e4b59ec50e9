"""Convolution as layers. Channels come last, as features do in every layer: (batch, height, width, channels)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import ShapeError
from backlit.graph.ops.convolution import conv, conv_transpose, transposed
from backlit.graph.window import Padding, Sizes, borders, per_axis, window
from backlit.nn import initializers
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import option, whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes

_SHAPES = {1: "(size, channels)", 2: "(height, width, channels)"}


@dataclass(frozen=True, repr=False)
class _Convolution(Layer):
    """What all convolutions have: settings, weight, bias."""

    axes: ClassVar[int]  # along which the kernel moves
    transposed: ClassVar[bool] = False

    channels: int = whole()
    kernel: int | tuple[int, ...] = option()
    stride: int | tuple[int, ...] = 1
    padding: Padding = "valid"
    dilation: int | tuple[int, ...] = 1
    groups: int = whole(1)
    bias: bool = True
    weight_init: str = "kaiming"
    bias_init: str = "zeros"

    def __post_init__(self) -> None:
        name = type(self).__name__
        super().__post_init__()
        sizes = per_axis(name, "kernel", self.kernel, self.axes)
        steps = per_axis(name, "stride", self.stride, self.axes)
        per_axis(name, "dilation", self.dilation, self.axes)
        borders(name, self.padding, sizes, sizes, steps)
        for setting in ("kernel", "stride", "padding", "dilation"):  # lists, as from JSON, can't be hashed
            object.__setattr__(self, setting, _tuples(getattr(self, setting)))
        initializers.get(self.weight_init)
        initializers.get(self.bias_init)

    @property
    def _kernel(self) -> Sizes:
        return per_axis(type(self).__name__, "kernel", self.kernel, self.axes)

    def _check(self, input_shape: Shape) -> None:
        """Refuse inputs of other axes, and channels that can't be split into the groups."""
        require_axes(self, input_shape, self.axes + 1, _SHAPES[self.axes] + _REMEDY)
        for count, what in ((input_shape[-1], "the inputs'"), (self.channels, "its own")):
            if count % self.groups:
                raise ShapeError(
                    f"{self} can't split {what} {count} channels into {self.groups} equal groups (inputs of shape "
                    f"{input_shape}); choose groups that divide both numbers of channels"
                )

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        shape = self.output_shape(input_shape)
        inputs, kernel = input_shape[-1], self._kernel
        # Each output is a sum over the kernel and one group's inputs: the fan-in.
        drawn = initializers.get(self.weight_init)(key.child("weight"), (*kernel, inputs // self.groups, self.channels))
        if self.transposed and self.groups > 1:  # groups of outputs become groups of inputs
            parts = np.split(drawn, self.groups, axis=-1)
            drawn = np.concatenate(parts, axis=-2)
        params: Params = {"weight": np.moveaxis(drawn, -2 if self.transposed else -1, 0).copy()}
        if self.bias:
            params["bias"] = initializers.get(self.bias_init)(key.child("bias"), (self.channels,))
        return params, shape

    def output_shape(self, input_shape: Shape) -> Shape:
        self._check(input_shape)
        sizes = input_shape[:-1]
        windows = window(str(self), sizes, self._kernel, self.stride, self.padding, self.dilation, self.groups)
        return (*windows.positions(sizes), self.channels)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        self._check(tuple(x.shape[1:]))
        x = ctx.hide(x)
        weight = params["weight"]
        y = conv(x, weight, stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups)
        return y + params["bias"] if self.bias else y

    def cost(self, input_shape: Shape) -> int:
        positions = input_shape if self.transposed else self.output_shape(input_shape)
        across = input_shape[-1] * self.channels // self.groups
        return math.prod(positions[:-1]) * math.prod(self._kernel) * across


_REMEDY = " with the channels last; reshape with bl.Reshape, or move the axis with numpy.moveaxis(x, 1, -1)"


def _tuples(value: Any) -> Any:
    return tuple([_tuples(item) for item in value]) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, repr=False)
class Conv1d(_Convolution):
    """Convolution along a line: (batch, size, inputs) -> (batch, positions, channels).

    Within `Masked`, padding counts as zeros, as what is beyond the ends does with the border "same".

    ``positions = ⌊(size + padding - dilation · (kernel - 1) - 1) / stride⌋ + 1``; parameters as of `Conv2d`.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Conv1d(16, 5, stride=2, padding="same").output_shape((100, 3))
    (50, 16)
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, repr=False)
class Conv2d(_Convolution):
    """Convolution of pictures: (batch, height, width, inputs) -> (batch, rows, columns, channels).

    Each output is the sum over the kernel's places of weight · input, plus a bias:
    ``rows = ⌊(height + padding - dilation · (kernel - 1) - 1) / stride⌋ + 1``, and columns alike.

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel : int or (int, int)
        Its height and width.
    stride : int or (int, int)
        Step from one position to the next.
    padding : "valid", "same", int, or a pair of ints or of pairs (before, after)
        Border of zeros: none, as much as gives ``⌈size / stride⌉`` positions, or so much.
    dilation : int or (int, int)
        Distance between two places of the kernel.
    groups : int
        The channels are split into so many groups, each seeing its own inputs alone; as many as there are inputs, and
        channels, is a depthwise convolution.
    bias : bool
        Whether to add a bias for each channel.
    weight_init, bias_init : str
        Initialiser's name. Fan-in = kernel height · width · inputs / groups.

    Raises
    ------
    ShapeError
        If the inputs have other axes, the groups don't divide the channels, or the kernel is larger than the picture
        with its border.

    Notes
    -----
    The weight has shape (channels, kernel height, kernel width, inputs / groups): one row for each output, as in
    `Linear`. PyTorch's is ``numpy.moveaxis(weight, -1, 1)``, and its pictures are (batch, channels, height, width).

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Conv2d(8, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(10))
    >>> network.build((28, 28, 1)).output_shape
    (10,)

    References
    ----------
    LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86(11), 1998.
    """

    axes: ClassVar[int] = 2


@dataclass(frozen=True, repr=False)
class _Transposed(_Convolution):
    """What transposed convolutions have besides."""

    transposed: ClassVar[bool] = True

    output_padding: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "output_padding", _tuples(self.output_padding))
        kernel = self._kernel  # the settings are checked against each other
        transposed(type(self).__name__, (1 << 30,) * self.axes, kernel, self.stride, self.padding, self.output_padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        self._check(input_shape)
        _, sizes = transposed(
            str(self), input_shape[:-1], self._kernel, self.stride, self.padding, self.output_padding, self.dilation
        )
        return (*sizes, self.channels)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        self._check(tuple(x.shape[1:]))
        y = conv_transpose(
            x,
            params["weight"],
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return y + params["bias"] if self.bias else y


@dataclass(frozen=True, repr=False)
class ConvTranspose1d(_Transposed):
    """Transposed convolution along a line: (batch, size, inputs) -> (batch, longer, channels).

    Parameters and sizes as of `ConvTranspose2d`.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.ConvTranspose1d(3, 4, stride=2, padding=1).output_shape((50, 16))
    (100, 3)
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, repr=False)
class ConvTranspose2d(_Transposed):
    """Transposed convolution of pictures: (batch, height, width, inputs) -> (batch, rows, columns, channels).

    What `Conv2d` does to a gradient; with a stride pictures become larger. Each input puts a copy of the kernel,
    times itself, into the output, `stride` apart.
    ``rows = (height - 1) · stride - padding + dilation · (kernel - 1) + 1 + output_padding``; "same" gives
    ``height · stride``.

    Parameters
    ----------
    channels, kernel, stride, dilation, groups, bias, weight_init, bias_init :
        As of `Conv2d`.
    padding : as of `Conv2d`
        How much is cut off the output.
    output_padding : int or (int, int)
        Further rows and columns at the end, below the stride.

    Raises
    ------
    ShapeError
        If the inputs have other axes, the groups don't divide the channels, or padding leaves nothing of the output.

    Notes
    -----
    The weight has shape (inputs, kernel height, kernel width, channels / groups). With a stride above 1 a number of the
    output is the sum of fewer products than the fan-in that the initialiser reckons with, by the strides' product.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.ConvTranspose2d(1, 2, stride=2).output_shape((14, 14, 8))
    (28, 28, 1)

    References
    ----------
    Dumoulin, Visin: A guide to convolution arithmetic for deep learning, 2016 (arXiv:1603.07285).
    """

    axes: ClassVar[int] = 2
