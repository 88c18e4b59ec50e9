"""Layers that change shapes and nothing else."""

from __future__ import annotations

import math

import numpy as np

from backlit.exchange.onnx.graph import Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.shaping import Flatten, Permute, Reshape, Select


@writes(Flatten)
def flatten(site: Site, layer: Flatten, x: Value) -> Value:
    """A row for each example."""
    return site.node("Flatten", site.graph.last(x), shape=(x.shape[0], math.prod(x.sizes)), axis=1)


@writes(Reshape)
def reshape(site: Site, layer: Reshape, x: Value) -> Value:
    """The batch keeps its size."""
    sizes = layer.output_shape(x.sizes)
    return site.graph.reshape(x, (0, *sizes), (x.shape[0], *sizes))


@writes(Permute)
def permute(site: Site, layer: Permute, x: Value) -> Value:
    """Transpose; the batch stays in front."""
    axes = (0, *layer.axes)
    return site.node("Transpose", site.graph.last(x), shape=tuple(x.shape[axis] for axis in axes), perm=axes)


@writes(Select)
def select(site: Site, layer: Select, x: Value) -> Value:
    """Gather of one place."""
    place = site.graph.constant(np.array(layer.index, np.int64), "place")
    shape = (*x.shape[: layer.axis], *x.shape[layer.axis + 1 :])
    return site.node("Gather", site.graph.last(x), place, shape=shape, axis=layer.axis)
