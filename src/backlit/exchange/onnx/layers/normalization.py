"""Normalisation."""

from __future__ import annotations

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm

RMS_SINCE = 23  # the opset that has it


@writes(LayerNorm)
def layer_norm(site: Site, layer: LayerNorm, x: Value) -> Value:
    """LayerNormalization; without scale and bias, by ones and zeros."""
    x = site.graph.last(x)
    if layer.affine:
        scale, bias = site.weight("scale"), site.weight("bias")
    else:
        sizes = x.sizes[-layer.axes :]
        # The bias may be left out, but ONNX Runtime 1.32 crashes then.
        scale, bias = site.weight("ones", np.ones(sizes, FLOAT)), site.weight("zeros", np.zeros(sizes, FLOAT))
    return site.node("LayerNormalization", x, scale, bias, axis=-layer.axes, epsilon=layer.epsilon)


@writes(BatchNorm)
def batch_norm(site: Site, layer: BatchNorm, x: Value) -> Value:
    """BatchNormalization with the running values."""
    mean, variance = site.state("mean"), site.state("variance")
    scale = site.weight("scale") if layer.affine else site.weight("ones", np.ones_like(mean))
    bias = site.weight("bias") if layer.affine else site.weight("zeros", np.zeros_like(mean))
    x = site.graph.first(x)
    return site.node(
        "BatchNormalization", x, scale, bias, site.weight("mean", mean), site.weight("variance", variance),
        epsilon=layer.epsilon,
    )  # fmt: skip


@writes(RMSNorm)
def rms_norm(site: Site, layer: RMSNorm, x: Value) -> Value:
    """RMSNormalization, or before there was one its formula."""
    x = site.graph.last(x)
    scale = site.weight("scale") if layer.affine else site.weight("ones", np.ones(x.sizes[-layer.axes :], FLOAT))
    if site.graph.opset >= RMS_SINCE:
        return site.node("RMSNormalization", x, scale, axis=-layer.axes, epsilon=layer.epsilon)
    shape = tuple(1 if i >= len(x.shape) - layer.axes else size for i, size in enumerate(x.shape))
    axes = site.graph.axes(*range(-layer.axes, 0))
    mean = site.node("ReduceMean", site.node("Mul", x, x), axes, shape=shape)
    y = site.node("Div", x, site.node("Sqrt", site.node("Add", mean, site.number(layer.epsilon))))
    return site.node("Mul", y, scale) if layer.affine else y
