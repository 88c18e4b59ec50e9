"""Activations, and what else goes element by element: axes stay where they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backlit.exchange.onnx.reading.lowering import Lowering, Order, rule
from backlit.exchange.onnx.reading.model import Node
from backlit.nn.layer import Layer
from backlit.nn.layers.activations import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from backlit.nn.layers.dropout import Dropout

_SELU = (1.67326319217681884765625, 1.05070102214813232421875)

LAYERS: dict[str, Callable[[Lowering, Node], Layer | None]] = {
    "Relu": lambda low, node: ReLU(),
    "Sigmoid": lambda low, node: Sigmoid(),
    "Tanh": lambda low, node: Tanh(),
    "Softplus": lambda low, node: Softplus(),
    "LeakyRelu": lambda low, node: LeakyReLU(low.call(node).number("alpha", 0.01)),
    "Elu": lambda low, node: ELU(low.call(node).number("alpha", 1.0)),
    "Selu": lambda low, node: (
        SELU()
        if np.allclose((low.call(node).number("alpha", _SELU[0]), low.call(node).number("gamma", _SELU[1])), _SELU)
        else None
    ),
    "Gelu": lambda low, node: GELU(low.call(node).text("approximate", "none", ("none", "tanh")) == "tanh"),
    "Swish": lambda low, node: SiLU() if low.call(node).number("alpha", 1.0) == 1 else None,
}
PLAIN = (
    "Abs", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "IsInf", "IsNaN",
    "Log", "Mish", "Neg", "Not", "Reciprocal", "Round", "Shrink", "Sign", "Sin", "Sinh", "Softsign", "Sqrt", "Tan",
    "ThresholdedRelu",
)  # fmt: skip
JOINED = (
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min", "Mod",
    "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor",
)  # fmt: skip


@rule(*LAYERS)
def activation(low: Lowering, node: Node) -> bool:
    """A layer of one input that changes no place."""
    low.call(node).known_operator()
    layer = LAYERS[node.operator](low, node)
    return False if layer is None else in_place(low, node, layer)


def in_place(low: Lowering, node: Node, layer: Layer) -> bool:
    """Put a layer after a value whose axes may stand in any order."""
    flow = low.flows[node.inputs[0]]
    if not low.flows_by_row(node.inputs[0]):
        return elementwise(low, node)
    return low.give(node, low.add(node, layer, [flow.source]), flow.order, columns=flow.columns)


@rule(*PLAIN, *JOINED)
def elementwise(low: Lowering, node: Node) -> bool:
    """A node that goes element by element: all its inputs in the order of the first."""
    rank = low.rank(node.outputs[0])
    moving = [name for name in node.inputs if name and name in low.trace.moving]
    low.node(node, common_order(low, moving, rank), rank=rank)
    return True


def common_order(low: Lowering, names: list[str], rank: int) -> Order | None:
    """The order of the axes of the first of some values, if all of them have so many axes."""
    order = low.flows[names[0]].order
    if None in order or any(low.rank(name) != rank or low.flows[name].columns is not None for name in names):
        return None
    return order


@rule("Softmax")
def softmax(low: Lowering, node: Node) -> bool:
    """The layer, where the classes stand last."""
    call, flow = low.call(node), low.flows[node.inputs[0]]
    call.known_operator()
    rank = len(flow.order)
    axis = call.axis(call.integer("axis", -1 if call.version >= 13 else 1), rank)
    if (call.version < 13 and axis != rank - 1) or flow.order[axis] is None or flow.columns is not None:
        return False
    there = [place for place in flow.order if place is not None]
    if flow.order[axis] != max(there) or not low.flows_by_row(node.inputs[0]):
        return False
    return low.give(node, low.add(node, Softmax(), [flow.source]), flow.order)


@rule("PRelu")
def prelu(low: Lowering, node: Node) -> bool:
    """The layer, with one slope, or one for each channel."""
    slope, rank = low.constant(node.inputs[1]), low.rank(node.inputs[0])
    if slope is None or slope.ndim > rank or not low.flows_by_row(node.inputs[0]):
        return elementwise(low, node)
    flow, wide = low.flows[node.inputs[0]], [i for i, size in enumerate(slope.shape) if size != 1]
    if not wide:
        source = low.add(node, PReLU(), [flow.source], {"slope": slope.reshape(())})
        return low.give(node, source, flow.order, columns=flow.columns)
    axis = rank - slope.ndim + wide[0]
    if len(wide) > 1 or axis == 0 or slope.size != low.shape(node.inputs[0])[axis]:
        return elementwise(low, node)
    order = last(axis, rank)
    source = low.add(node, PReLU(by_feature=True), [low.physical(node.inputs[0], order)], {"slope": slope.reshape(-1)})
    return low.give(node, source, order)


def last(axis: int, rank: int) -> Order:
    """The order in which one axis stands last, and the others as they were."""
    return tuple(rank - 1 if i == axis else i - (i > axis) for i in range(rank))


@rule("Identity", "Cast", "Dropout")
def same(low: Lowering, node: Node) -> bool:
    """Nothing, or the layer that drops while training."""
    flow, call = low.flows[node.inputs[0]], low.call(node)
    call.known_operator()
    if node.operator == "Cast":
        value, made = (np.asarray(low.trace.values[0][name]) for name in (node.inputs[0], node.outputs[0]))
        if not (value.dtype.kind == made.dtype.kind == "f" or value.dtype == made.dtype):
            if value.dtype.kind in "iu" and made.dtype.kind in "iu" and low.model.inputs and flow.source == "input":
                pass  # places of an embedding, of any type
            else:
                return elementwise(low, node)
    if node.operator == "Dropout":
        if low.is_used(node, 1):
            return False
        ratio = low.constant(node.inputs[1]) if len(node.inputs) > 1 and node.inputs[1] else None
        rate = call.number("ratio", 0.5) if ratio is None else float(ratio.reshape(()))
        if 0 < rate < 1 and not any(name in low.trace.moving for name in node.inputs[1:]):
            return in_place(low, node, Dropout(round(rate, 7)))
    return low.give(node, flow.source, flow.order, columns=flow.columns)
