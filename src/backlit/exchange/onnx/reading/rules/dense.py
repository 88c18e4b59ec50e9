"""Products with weights, and normalisation over features."""

from __future__ import annotations

import numpy as np

from backlit.exchange.onnx.reading.lowering import Flow, Lowering, rule
from backlit.exchange.onnx.reading.model import Node
from backlit.exchange.onnx.reading.rules.activations import elementwise, last
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.normalization import LayerNorm, RMSNorm
from backlit.nn.layers.rescale import Rescale


@rule("Gemm")
def gemm(low: Lowering, node: Node) -> bool:
    """``Linear``."""
    call = low.call(node)
    call.known_operator()
    weight = low.constant(node.inputs[1])
    bias = low.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    if node.inputs[0] not in low.trace.moving or weight is None or call.flag("transA"):
        return False
    if len(node.inputs) > 2 and node.inputs[2] and bias is None:
        return False
    weight = (weight if call.flag("transB") else weight.T) * call.number("alpha", 1.0)
    if bias is not None:
        if bias.ndim > 1 and bias.shape[0] != 1:
            return False
        bias = np.broadcast_to(bias.reshape(-1) * call.number("beta", 1.0), (len(weight),))
    return _linear(low, node, node.inputs[0], weight, bias)


@rule("MatMul")
def matmul(low: Lowering, node: Node) -> bool:
    """``Linear`` without a bias, which an `Add` may bring."""
    x, weight = node.inputs[0], low.constant(node.inputs[1])
    low.call(node).known_operator()
    if x not in low.trace.moving or weight is None or weight.ndim != 2 or low.rank(x) < 2:
        return False
    return _linear(low, node, x, weight.T, None)


def _linear(low: Lowering, node: Node, x: str, weight: np.ndarray, bias: np.ndarray | None) -> bool:
    flow: Flow = low.flows[x]
    rank = len(flow.order)
    if flow.columns is not None:
        moved = np.empty_like(weight)
        moved[:, list(flow.columns)] = weight
        weight, source, order = moved, flow.source, flow.order
    else:
        order = flow.order
        if None in order or order[-1] != rank - 1 or 0 not in order[:-1]:
            order = tuple(range(rank))
        source = low.physical(x, order)
    if low.trace.affine(x)[order.index(0)] != (0, 1):  # rows of which each example has several, or none
        return False
    params = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return low.give(node, low.add(node, Linear(len(weight), bias=bias is not None), [source], params), order)


_SHIFTED = (Linear, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d)


@rule("Add")
def add(low: Lowering, node: Node) -> bool:
    """The bias of a layer that has none yet, or a sum."""
    for x, other in (node.inputs, node.inputs[::-1]):
        bias = low.constant(other)
        if x in low.trace.moving and bias is not None and _biased(low, node, x, bias):
            return True
    return elementwise(low, node)


def _biased(low: Lowering, node: Node, x: str, bias: np.ndarray) -> bool:
    flow = low.flows[x]
    part = low.parts.get(flow.source)
    if part is None or not isinstance(part.layer, _SHIFTED) or part.layer.bias or low.only_user(x) is not node:
        return False
    if flow.columns is not None or None in flow.order or low.shape(x) != low.shape(node.outputs[0]):
        return False
    rank = len(flow.order)
    features = flow.order.index(rank - 1)  # the value's axis that stands last
    full = bias.reshape((1,) * (rank - bias.ndim) + bias.shape)
    if any(size != 1 for i, size in enumerate(full.shape) if i != features):
        return False
    part.layer = type(part.layer)(**{**vars(part.layer), "bias": True})
    part.params["bias"] = np.broadcast_to(full.reshape(-1), (low.shape(x)[features],))
    return low.give(node, flow.source, flow.order)


@rule("LayerNormalization", "RMSNormalization")
def layer_normalization(low: Lowering, node: Node) -> bool:
    """``LayerNorm`` or ``RMSNorm``, if only the normalised values are asked for."""
    call, x = low.call(node), node.inputs[0]
    call.known_operator()
    scale = low.constant(node.inputs[1])
    bias = low.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    rank, shape = low.rank(x), low.shape(x)
    axis = call.axis(call.integer("axis", -1), rank)
    if scale is None or axis == 0 or x not in low.trace.moving or low.is_used(node, 1) or low.is_used(node, 2):
        return False
    if not low.trace.batch_first(x) or (len(node.inputs) > 2 and node.inputs[2] and bias is None):
        return False
    numbers, epsilon = shape[axis:], call.number("epsilon", 1e-5)
    params = {"scale": np.broadcast_to(scale, numbers)}
    if node.operator == "LayerNormalization":
        params["bias"] = np.zeros(numbers) if bias is None else np.broadcast_to(bias, numbers)
        layer = LayerNorm(rank - axis, epsilon)
    else:
        layer = RMSNorm(rank - axis, epsilon)  # type: ignore[assignment]
    return low.give(node, low.add(node, layer, [low.physical(x)], params))


@rule("Scaler")
def scaler(low: Lowering, node: Node) -> bool:
    """``Rescale``: fixed numbers of each column."""
    call, x = low.call(node), node.inputs[0]
    call.known_operator()
    offset, scale = np.array(call.numbers("offset", (0.0,))), np.array(call.numbers("scale", (1.0,)))
    if (scale <= 0).any() or low.rank(x) != 2:
        return False
    count = max(len(offset), len(scale))
    shift, factor = (tuple(np.broadcast_to(v, (count,)).tolist()) for v in (offset, 1 / scale))
    order = last(1, 2)
    return low.give(node, low.add(node, Rescale(shift, factor), [low.physical(x, order)]), order)
