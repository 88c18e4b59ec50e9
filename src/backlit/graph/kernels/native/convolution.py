"""Convolution and its two gradients by the native kernels, on lines and pictures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from backlit.graph.kernels.native.calls import as_sizes, call, pointer, registered, slots, take
from backlit.graph.window import Sizes, Window

MOST_TAPS = 256  # as in kernels.h


def takes(window: Window, *arrays: Any) -> bool:
    """Whether the kernels do this window on these arrays; the other forms do what they don't.

    They do float32 on one or two axes with up to 256 taps, any stride, padding, dilation and number of groups.
    """
    return len(window.kernel) <= 2 and window.taps <= MOST_TAPS and take(*arrays)


def conv(x: Any, weight: Any, window: Window) -> Any:
    """Convolution."""
    shape = (x.shape[0], *window.positions(x.shape[1:-1]), weight.shape[0])
    return _call(0, x, weight, shape, _sizes(x.shape, shape, window))


def conv_input(g: Any, weight: Any, window: Window, sizes: Sizes) -> Any:
    """Its adjoint in x."""
    shape = (g.shape[0], *sizes, weight.shape[-1] * window.groups)
    return _call(1, g, weight, shape, _sizes(shape, g.shape, window))


def conv_weight(x: Any, g: Any, window: Window) -> Any:
    """Its adjoint in the weight."""
    shape = (g.shape[-1], *window.kernel, x.shape[-1] // window.groups)
    return _call(2, x, g, shape, _sizes(x.shape, g.shape, window))


def _sizes(x: tuple[int, ...], y: tuple[int, ...], window: Window) -> Any:
    """Fields of `Convolution` in kernels.h, in its order; a line is a picture of height 1."""
    line = len(window.kernel) == 1
    height, width = (1, *x[1:-1]) if line else x[1:-1]
    rows, columns = (1, *y[1:-1]) if line else y[1:-1]
    steps = [(1, *part) if line else part for part in (window.kernel, window.stride)]
    before = [pair[0] for pair in window.padding]
    spread = (1, *window.dilation) if line else window.dilation
    return as_sizes(
        x[0], height, width, x[-1], rows, columns, y[-1], *steps[0], *steps[1], *([0, *before] if line else before),
        *spread, window.groups, min(slots(), x[0]),
    )  # fmt: skip


def _call(which: int, one: Any, two: Any, shape: tuple[int, ...], sizes: Any) -> Any:
    scratch = registered().handle.backlit_convolution_scratch(pointer(sizes), which)
    return call("backlit_convolution", [shape, (scratch,)])(one, two, sizes=sizes, which=which)[0]


NATIVE = SimpleNamespace(conv=conv, conv_input=conv_input, conv_weight=conv_weight)
