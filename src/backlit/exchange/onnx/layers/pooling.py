"""Pooling."""

from __future__ import annotations

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, Value
from backlit.exchange.onnx.layers.convolution import hidden, pads, windows
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.pooling import (
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
    _bins,
)


@writes(MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d)
def pool(site: Site, layer: MaxPool1d | MaxPool2d | AvgPool1d | AvgPool2d, x: Value) -> Value:
    """MaxPool or AveragePool; a border doesn't count."""
    stride = layer.size if layer.stride is None else layer.stride
    found, sizes = windows(layer, x, layer.size, layer.padding, stride)
    op = "MaxPool" if isinstance(layer, (MaxPool1d, MaxPool2d)) else "AveragePool"
    made = site.node(op, site.graph.first(x), kernel_shape=found.kernel, strides=found.stride, pads=pads(found.padding))
    return Value(made.name, (x.shape[0], *sizes, x.shape[-1]), FLOAT, first=True)


@writes(GlobalAvgPool, GlobalMaxPool)
def global_pool(site: Site, layer: GlobalAvgPool | GlobalMaxPool, x: Value) -> Value:
    """GlobalAveragePool or GlobalMaxPool, without the axes that they leave at size 1; padding doesn't count."""
    greatest, shape, axes = isinstance(layer, GlobalMaxPool), (x.shape[0], x.shape[-1]), len(x.shape)
    if axes == 2:  # nothing lies between rows and channels
        return x
    if site.mask is not None and not greatest:
        total = site.node("ReduceSum", hidden(site, x), site.graph.axes(1), shape=shape, keepdims=0)
        real = site.graph.cast(site.mask, FLOAT)
        return site.node("Div", total, site.node("ReduceSum", real, site.graph.axes(1), shape=(x.shape[0], 1)))
    pooled = site.node("GlobalMaxPool" if greatest else "GlobalAveragePool", site.graph.first(hidden(site, x, -np.inf)))
    return site.node("Squeeze", pooled, site.graph.axes(*range(2, axes)), shape=shape)


@writes(AdaptiveAvgPool2d)
def adaptive(site: Site, layer: AdaptiveAvgPool2d, x: Value) -> Value:
    """AveragePool where the grid divides the picture evenly; else a product with the means of each bin."""
    height, width, channels = x.sizes
    rows, columns = layer.rows, layer.columns or layer.rows
    shape = (x.shape[0], rows, columns, channels)
    if height % rows == 0 and width % columns == 0:
        kernel = [height // rows, width // columns]
        made = site.node("AveragePool", site.graph.first(x), kernel_shape=kernel, strides=kernel)
        return Value(made.name, shape, FLOAT, first=True)
    by_row = site.weight("rows", _bins(height, rows).astype(FLOAT))
    by_column = site.weight("columns", _bins(width, columns).astype(FLOAT))
    x = site.graph.last(x)
    return site.node("Einsum", by_row, by_column, x, shape=shape, equation="rh,cw,bhwk->brck")
