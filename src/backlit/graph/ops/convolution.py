"""Convolution and its two derivatives: three operations, each of which is the derivative of the other two.

The number ``⟨g, conv(x, w)⟩`` is linear in each of x, w and g. Its gradient by g is the convolution, by x the
transposed convolution, by w a correlation; so whichever is differentiated, to whatever order, the three suffice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph import kernels
from backlit.graph.op import operation
from backlit.graph.registry import composite, sample
from backlit.graph.tensor import value_of
from backlit.graph.window import Padding, Sizes, Window, borders, per_axis, reach, window


def _conv_by_x(g: Any, y: Any, x: Any, weight: Any, window: Window) -> Any:
    return _conv_input(g, weight, window=window, sizes=tuple(x.shape[1:-1]))


def _conv_by_weight(g: Any, y: Any, x: Any, weight: Any, window: Window) -> Any:
    return _conv_weight(x, g, window=window)


@operation(
    name="conv",
    vjp=(_conv_by_x, _conv_by_weight),
    gate="swaps: ∂L/∂x = upstream, convolved back with W (transposed); ∂L/∂W = x correlated with upstream",
)
def _conv(xp: Any, x: Any, weight: Any, *, window: Window) -> Any:
    return kernels.of(xp).conv(x, weight, window)


def _conv_input_by_weight(u: Any, y: Any, g: Any, weight: Any, window: Window, sizes: Sizes) -> Any:
    return _conv_weight(u, g, window=window)


@operation(
    name="conv_transpose",
    vjp=(lambda u, y, g, weight, window, sizes: _conv(u, weight, window=window), _conv_input_by_weight),
    gate="swaps: ∂L/∂x = upstream convolved with W; ∂L/∂W = upstream correlated with x",
)
def _conv_input(xp: Any, g: Any, weight: Any, *, window: Window, sizes: Sizes) -> Any:
    return kernels.of(xp).conv_input(g, weight, window, sizes)


@operation(
    name="conv_weight",
    vjp=(
        lambda u, y, x, g, window: _conv_input(g, u, window=window, sizes=tuple(x.shape[1:-1])),
        lambda u, y, x, g, window: _conv(x, u, window=window),
    ),
    gate="swaps: each input gets the other, convolved with upstream",
)
def _conv_weight(xp: Any, x: Any, g: Any, *, window: Window) -> Any:
    return kernels.of(xp).conv_weight(x, g, window)


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(np.shape(value_of(x)))


def _require(owner: str, x: tuple[int, ...], weight: tuple[int, ...], groups: Any, inputs: str, outputs: str) -> None:
    """Refuse arrays that aren't a batch of lines or pictures and a kernel of as many axes, or don't fit each other."""
    if len(x) < 3 or len(x) != len(weight):
        raise ShapeError(
            f"{owner}: x needs shape (batch, size, channels) or (batch, height, width, channels), and the weight "
            f"as many axes, ({inputs}, ..., {outputs} / groups); got {x} and {weight}"
        )
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise InputError(f"{owner}: groups must be a whole number of at least 1, got {groups!r}")


def _torch_conv(torch: Any, x: Any, weight: Any, padding: Any = 0, **settings: Any) -> Any:
    """PyTorch's, with the channels moved behind the batch and the border put on before."""
    sizes, kernel = tuple(x.shape[1:-1]), tuple(weight.shape[1:-1])
    torch_window = window("conv", sizes, kernel, padding=padding, **settings)
    x = torch.nn.functional.pad(x, [0, 0, *[n for pair in reversed(torch_window.padding) for n in pair]])
    function = getattr(torch.nn.functional, f"conv{len(sizes)}d")
    return function(x.movedim(-1, 1), weight.movedim(-1, 1), **settings).movedim(1, -1)


@composite(
    samples=(
        sample((2, 5, 3), (4, 3, 3)),
        sample((2, 7, 4), (6, 2, 2), stride=2, padding=((1, 2),), dilation=2, groups=2),
        sample((2, 4, 5, 2), (3, 3, 2, 2)),
        sample((1, 5, 6, 2), (2, 3, 3, 2), stride=(2, 3), padding="same"),
        sample((2, 5, 5, 2), (4, 2, 3, 1), padding=(1, (0, 2)), dilation=(1, 2), groups=2),
    ),
    torch=_torch_conv,
)
def conv(
    x: Any,
    weight: Any,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    """Convolution of a batch of lines or pictures, channels last.

    ``y[n, p, o] = Σ x[n, stride · p + dilation · t, c] · w[o, t, c]``, summed over taps t and channels c. As in all of
    machine learning the kernel isn't turned round: strictly, this is a correlation.

    Parameters
    ----------
    x : (batch, size, channels) or (batch, height, width, channels)
    weight : (out, *kernel, channels / groups)
        One row for each output channel.
    stride : int, or one an axis
        Step from one position of the kernel to the next.
    padding : "valid", "same", int, or for each axis an int or a pair (before, after)
        Width of the border of zeros. "valid" is none; "same" gives ``ceil(size / stride)`` positions.
    dilation : int, or one an axis
        Distance between two taps of the kernel.
    groups : int
        The channels of x and of y are split into so many groups, and each group of y sees that group of x alone.

    Returns
    -------
    (batch, *positions, out)
        ``positions = ⌊(size + padding - dilation · (kernel - 1) - 1) / stride⌋ + 1``.

    Raises
    ------
    ShapeError
        If the shapes don't fit each other or the groups, or the kernel is larger than the padded input.
    InputError
        If a setting isn't one of those above.

    >>> import numpy as np
    >>> conv(np.array([[[1.0], [2.0], [4.0]]]), np.array([[[-1.0], [1.0]]])).tolist()
    [[[1.0], [2.0]]]
    """
    shape, kernel = _shape(x), _shape(weight)
    _require("conv", shape, kernel, groups, "out", "channels")
    if shape[-1] != groups * kernel[-1]:
        raise ShapeError(
            f"conv: x of shape {shape} has {shape[-1]} channels, the weight of shape {kernel} is for "
            f"{kernel[-1]}{f' in each of {groups} groups' if groups > 1 else ''}; channels come last"
        )
    if kernel[0] % groups:
        raise ShapeError(f"conv: {kernel[0]} output channels can't be split into {groups} equal groups")
    kernel_window = window("conv", shape[1:-1], kernel[1:-1], stride, padding, dilation, groups)
    return _conv(x, weight, window=kernel_window)


def transposed(
    owner: str,
    sizes: Sizes,
    kernel: Sizes,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> tuple[Window, Sizes]:
    """The window of a transposed convolution of an input of these sizes, and the sizes of its output."""
    axes = len(sizes)
    steps, spread = per_axis(owner, "stride", stride, axes), per_axis(owner, "dilation", dilation, axes)
    extra = per_axis(owner, "output_padding", output_padding, axes, least=0)
    extent = [reach(k, d) for k, d in zip(kernel, spread, strict=True)]
    if any(e >= s for e, s in zip(extra, steps, strict=True)):
        raise InputError(f"{owner}: output_padding must be below the stride {steps}, got {extra}")
    if padding == "same":
        if any(extra):
            raise InputError(f"{owner}: padding='same' decides the output's size; leave output_padding={extra} out")
        full = tuple([n * s for n, s in zip(sizes, steps, strict=True)])
        return Window(kernel, steps, borders(owner, padding, full, extent, steps), spread), full
    border = borders(owner, padding, sizes, extent, steps)
    full = tuple(
        [
            (n - 1) * s + reach - sum(pair) + e
            for n, s, reach, pair, e in zip(sizes, steps, extent, border, extra, strict=True)
        ]
    )
    if any(n < 1 for n in full):
        raise ShapeError(
            f"{owner}: an input of {sizes} with padding {border} gives an output of {full}; use less padding"
        )
    return Window(kernel, steps, border, spread), full


def _torch_transpose(torch: Any, x: Any, weight: Any, **settings: Any) -> Any:
    function = getattr(torch.nn.functional, f"conv_transpose{x.ndim - 2}d")
    return function(x.movedim(-1, 1), weight.movedim(-1, 1), **settings).movedim(1, -1)


@composite(
    samples=(
        sample((2, 4, 3), (3, 3, 2)),
        sample((2, 4, 4), (4, 3, 1), stride=2, padding=1, output_padding=1, groups=2),
        sample((1, 3, 4, 2), (2, 3, 2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2)),
    ),
    torch=_torch_transpose,
)
def conv_transpose(
    x: Any,
    weight: Any,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    """Transposed convolution: what `conv` with this weight does to a gradient, from its output back to its input.

    Every number of x puts a copy of the kernel, times itself, into the output, `stride` apart.

    Parameters
    ----------
    x : (batch, size, channels) or (batch, height, width, channels)
    weight : (channels, *kernel, out / groups)
    stride, dilation, groups :
        As of `conv`.
    padding : as of `conv`
        How much is cut off the output; "same" gives ``size · stride``.
    output_padding : int, or one an axis
        Further places at the output's end, below the stride: several sizes of input give `conv` one size of output.

    Returns
    -------
    (batch, *sizes, out)
        ``sizes = (size - 1) · stride - padding + dilation · (kernel - 1) + 1 + output_padding``.

    Raises
    ------
    ShapeError
        If the shapes don't fit each other or the groups, or nothing is left of the output.
    InputError
        If a setting isn't one of those above.

    >>> import numpy as np
    >>> conv_transpose(np.array([[[1.0], [3.0]]]), np.array([[[1.0], [10.0]]]), stride=2).tolist()
    [[[1.0], [10.0], [3.0], [30.0]]]
    """
    shape, kernel = _shape(x), _shape(weight)
    _require("conv_transpose", shape, kernel, groups, "channels", "out")
    if shape[-1] != kernel[0]:
        raise ShapeError(
            f"conv_transpose: x of shape {shape} has {shape[-1]} channels, the weight of shape {kernel} is for "
            f"{kernel[0]}; channels come last in x and first in the weight"
        )
    if kernel[0] % groups:
        raise ShapeError(f"conv_transpose: {kernel[0]} input channels can't be split into {groups} equal groups")
    kernel_window, sizes = transposed(
        "conv_transpose", shape[1:-1], kernel[1:-1], stride, padding, output_padding, dilation
    )
    return _conv_input(x, weight, window=replace(kernel_window, groups=groups), sizes=sizes)
