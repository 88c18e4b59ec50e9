"""Convolutions. ONNX has the channels on the second axis, of arrays and of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, Shape, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.graph.ops.convolution import transposed
from backlit.graph.window import Padding, Window, per_axis, window
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d

STAND_IN = 1 << 20  # time steps, where any number will do


def pads(padding: tuple[tuple[int, int], ...]) -> list[int]:
    """All borders before, then all after."""
    return [pair[side] for side in (0, 1) for pair in padding]


def windows(
    layer: Any, x: Value, kernel: Any, padding: Padding, stride: Any, dilation: Any = 1, groups: int = 1
) -> tuple[Window, Shape]:
    """The window of a convolution or pooling on this input, and the sizes of its output.

    Along an axis of any length the window mustn't depend on it, as "same" does with steps above 1; where it keeps the
    length, the output's axis has the same name.
    """
    name, axes = type(layer).__name__, len(x.shape) - 2
    kernel = per_axis(name, "kernel", kernel, axes)
    if all(isinstance(size, int) for size in x.shape[1:-1]):
        found = window(name, x.sizes[:-1], kernel, stride, padding, dilation, groups)
        return found, found.positions(x.sizes[:-1])
    if padding == "same" and stride != 1:
        x.sizes  # noqa: B018 - it tells that the length isn't known
    found = window(name, (STAND_IN,) * axes, kernel, stride, padding, dilation, groups)
    keeps = found.positions((STAND_IN,) * axes) == (STAND_IN,) * axes
    return found, x.shape[1:-1] if keeps else tuple(f"{size}_at_{name}" for size in x.shape[1:-1])


def hidden(site: Site, x: Value, value: float = 0.0) -> Value:
    """Inputs (rows, time, features) with `value` at the time steps that are padding."""
    if site.mask is None:
        return x
    real = site.node("Unsqueeze", site.mask, site.graph.axes(2), shape=(*site.mask.shape, 1))
    return site.node("Where", real, site.graph.last(x), site.number(value), shape=x.shape, dtype=FLOAT)


@writes(Conv1d, Conv2d)
def conv(site: Site, layer: Conv1d | Conv2d, x: Value) -> Value:
    """Conv."""
    x = hidden(site, x)
    found, sizes = windows(layer, x, layer.kernel, layer.padding, layer.stride, layer.dilation, layer.groups)
    return _convolved(site, "Conv", layer, x, (x.shape[0], *sizes, layer.channels), found)


@writes(ConvTranspose1d, ConvTranspose2d)
def conv_transpose(site: Site, layer: ConvTranspose1d | ConvTranspose2d, x: Value) -> Value:
    """ConvTranspose."""
    name, sizes = type(layer).__name__, x.sizes[:-1]
    kernel = per_axis(name, "kernel", layer.kernel, layer.axes)
    found, larger = transposed(name, sizes, kernel, layer.stride, layer.padding, layer.output_padding, layer.dilation)
    # "same" may need rows beyond what the kernel reaches, as output_padding says in so many words.
    reached = [
        (n - 1) * step + extent - sum(pair)
        for n, step, extent, pair in zip(sizes, found.stride, found.extent, found.padding, strict=True)
    ]
    extra = [want - got for want, got in zip(larger, reached, strict=True)]
    return _convolved(
        site, "ConvTranspose", layer, x, (x.shape[0], *larger, layer.channels), found, output_padding=extra
    )


def _convolved(site: Site, op: str, layer: Any, x: Value, shape: Shape, found: Window, **attributes: Any) -> Value:
    weight = site.weight("weight", np.moveaxis(site.params["weight"], -1, 1))
    made = site.node(
        op,
        site.graph.first(x),
        weight,
        site.weight("bias") if layer.bias else None,
        strides=found.stride,
        pads=pads(found.padding),
        dilations=found.dilation,
        kernel_shape=found.kernel,
        group=layer.groups,
        **attributes,
    )
    return Value(made.name, shape, FLOAT, first=True)
