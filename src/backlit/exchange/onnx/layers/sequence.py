"""Containers for sequences: padding, and the same layers at each step."""

from __future__ import annotations

import math

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, INT, TRUE, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.sequence import EachStep, Masked


@writes(Masked)
def masked(site: Site, layer: Masked, x: Value) -> Value:
    """The mask is worked out once; rows that are all padding give NaN, as in a compiled program."""
    x = site.graph.last(x)
    mask = time_mask(site, x, layer.value)
    if math.isnan(layer.value):  # what isn't a number would spoil sums though it is passed over
        axes = range(2, len(x.shape))
        real = site.node("Unsqueeze", mask, site.graph.axes(*axes), shape=(*mask.shape, *[1] * len(axes)))
        x = site.node("Where", real, x, site.number(0.0), shape=x.shape, dtype=FLOAT)
    output = site.graph.last(site.masked(mask).run("body", layer.body, x))
    others = len(output.shape) - 1
    shape = (x.shape[0], *[1] * others)
    some = site.node("ReduceMax", site.graph.cast(mask, FLOAT), site.graph.axes(1), shape=(x.shape[0], 1))
    some = site.graph.cast(site.graph.reshape(some, (-1, *[1] * others), shape), TRUE)
    return site.node("Where", some, output, site.number(np.nan), shape=output.shape, dtype=FLOAT)


def time_mask(site: Site, x: Value, padding: float) -> Value:
    """Which steps (rows, time) of sequences (rows, time, ...) aren't padding."""
    if math.isnan(padding):
        is_padding = site.node("IsNaN", x, dtype=TRUE)
    else:
        is_padding = site.node("Equal", x, site.graph.constant(np.array(padding, x.dtype), "padding"), dtype=TRUE)
    if len(x.shape) > 2:  # a step is padding if all of its features are
        axes = site.graph.axes(*range(2, len(x.shape)))
        flags = site.graph.cast(is_padding, FLOAT)
        is_padding = site.graph.cast(site.node("ReduceMin", flags, axes, shape=x.shape[:2], keepdims=0), TRUE)
    return site.node("Not", is_padding)


@writes(EachStep)
def each_step(site: Site, layer: EachStep, x: Value) -> Value:
    """All steps of all rows as one batch, and back."""
    graph = site.graph
    x = graph.last(x)
    rest = tuple(int(size) for size in x.shape[2:])
    frames = graph.reshape(x, (-1, *rest), ("frames", *rest))
    y = graph.last(site.masked(None).run("body", layer.body, frames))
    sizes = tuple(int(size) for size in y.shape[1:])
    shape = (*x.shape[:2], *sizes)
    if isinstance(x.shape[1], int):
        return graph.reshape(y, (-1, x.shape[1], *sizes), shape)
    wanted = [graph.size(x, 0, 2), *([graph.axes(*sizes)] if sizes else [])]
    target = wanted[0] if len(wanted) == 1 else site.node("Concat", *wanted, shape=(len(shape),), dtype=INT, axis=0)
    return site.node("Reshape", y, target, shape=shape)
