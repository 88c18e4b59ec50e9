"""Layers that change shapes and nothing else."""

from __future__ import annotations

import math

from backlit.exchange.onnx.graph import Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.shaping import Flatten, Reshape


@writes(Flatten)
def flatten(site: Site, layer: Flatten, x: Value) -> Value:
    """A row for each example."""
    return site.node("Flatten", site.graph.last(x), shape=(x.shape[0], math.prod(x.sizes)), axis=1)


@writes(Reshape)
def reshape(site: Site, layer: Reshape, x: Value) -> Value:
    """The batch keeps its size."""
    sizes = layer.output_shape(x.sizes)
    return site.graph.reshape(x, (0, *sizes), (x.shape[0], *sizes))
