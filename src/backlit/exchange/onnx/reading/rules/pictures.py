"""Convolution, pooling and batch normalisation, whose channels stand second in ONNX and last in Backlit."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.exchange.onnx.reading.lowering import Lowering, Order, rule
from backlit.exchange.onnx.reading.model import Node
from backlit.graph.window import reach
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.normalization import BatchNorm
from backlit.nn.layers.onnx import OnnxNode
from backlit.nn.layers.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from backlit.nn.operators import windows
from backlit.nn.operators.table import Call

Pairs = tuple[tuple[int, int], ...]


def channels_last(rank: int) -> Order:
    """Where the axes of (batch, channels, ...) stand when the channels are last."""
    return (0, rank - 1, *range(1, rank - 1))


def _one(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number for all axes, where it is the same."""
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _padding(call: Call, pairs: Pairs) -> Any:
    """A border in the fewest words."""
    if not any(any(pair) for pair in pairs):
        return "valid"
    if call.text("auto_pad", "NOTSET") == "SAME_UPPER":
        return "same"
    if all(before == after for before, after in pairs):
        return _one(tuple(before for before, _ in pairs))
    return pairs


def _weights(low: Lowering, node: Node) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Weight and bias of a convolution, if both are fixed and it moves along one axis or two."""
    x, weight = node.inputs[0], low.constant(node.inputs[1])
    bias = low.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    if len(node.inputs) > 2 and node.inputs[2] and bias is None:
        return None
    if weight is None or weight.ndim not in (3, 4) or x not in low.trace.moving or not low.trace.batch_first(x):
        return None
    return weight, bias


@rule("Conv")
def convolution(low: Lowering, node: Node) -> bool:
    """``Conv1d`` or ``Conv2d``."""
    call, found = low.call(node), _weights(low, node)
    call.known_operator()
    if found is None:
        return False
    (weight, bias), rank, x = found, found[0].ndim, node.inputs[0]
    kernel = windows.kernel_of(call, weight)
    border = windows.border(call, low.shape(x)[2:], kernel)
    source = low.physical(x, channels_last(rank))
    if call.text("auto_pad", "NOTSET") in ("NOTSET", "VALID"):
        source, zeros = _within_zeros(low, source)
        border = tuple((a + c, b + d) for (a, b), (c, d) in zip(border, zeros or ((0, 0),) * len(border), strict=True))
    layer = (Conv1d if rank == 3 else Conv2d)(
        len(weight),
        _one(kernel),
        _one(windows.steps(call, "strides", rank - 2)),
        _padding(call, border),
        _one(windows.steps(call, "dilations", rank - 2)),
        call.integer("group", 1),
        bias is not None,
    )
    return _placed(low, node, layer, weight, bias, source)


@rule("Pad")
def pad(low: Lowering, node: Node) -> bool:
    """A node, with the axes as they stand already, or as a convolution behind it wants them."""
    x, rank, user = node.inputs[0], low.rank(node.inputs[0]), low.only_user(node.outputs[0])
    low.call(node).known_operator()
    order = low.flows[x].order
    if low.flows[x].plain and rank in (3, 4) and user is not None and user.operator == "Conv":
        order = channels_last(rank)
    names = (*node.inputs[1:], "", "")[:2]
    pads, fill = (low.constant(name) for name in names)
    if len(node.inputs) > 3 or pads is None or (names[1] and fill is None) or None in order:
        return False
    widths = np.zeros((2, rank), dtype=np.int64)
    for place, both in zip(order, pads.reshape(2, rank).T, strict=True):
        widths[:, place] = both
    if widths[:, 0].any() or not low.leads(x, order):
        return False
    operands: tuple[Any, ...] = (("input",), ("constant", "int64", (2 * rank,), tuple(widths.reshape(-1).tolist())))
    operands += () if fill is None else (("constant", str(fill.dtype), (), (fill.reshape(()).item(),)),)
    layer = OnnxNode("Pad", operands, tuple(sorted(node.attributes.items())), low.model.version)
    return low.give(node, low.add(node, layer, [low.physical(x, order)]), order)


def _within_zeros(low: Lowering, source: str) -> tuple[str, Pairs]:
    """What a part puts zeros around, and how many, where they are a convolution's padding: Keras writes it so."""
    part = low.parts.get(source)
    if part is None or not isinstance(part.layer, OnnxNode) or part.layer.operator != "Pad":
        return source, ()
    kinds = [operand[0] for operand in part.layer.operands]
    if kinds[:2] != ["input", "constant"] or dict(part.layer.attributes).get("mode", "constant") != "constant":
        return source, ()
    if any(operand[0] != "constant" or any(operand[3]) for operand in part.layer.operands[2:]):
        return source, ()
    first, last = np.reshape(part.layer.operands[1][3], (2, -1))
    if any((*first[[0, -1]], *last[[0, -1]])) or min(*first, *last) < 0:
        return source, ()
    return part.sources[0], tuple((int(a), int(b)) for a, b in zip(first[1:-1], last[1:-1], strict=True))


@rule("ConvTranspose")
def transposed(low: Lowering, node: Node) -> bool:
    """``ConvTranspose1d`` or ``ConvTranspose2d``."""
    call, found = low.call(node), _weights(low, node)
    call.known_operator()
    if found is None:
        return False
    (weight, bias), rank, x = found, found[0].ndim, node.inputs[0]
    kernel, groups = windows.kernel_of(call, weight), call.integer("group", 1)
    strides, dilations = windows.steps(call, "strides", rank - 2), windows.steps(call, "dilations", rank - 2)
    pairs, extra = windows.cut(call, low.shape(x)[2:], kernel)
    if any(e >= s for e, s in zip(extra, strides, strict=True)):
        return False
    if any(max(pair) >= reach(k, d) for pair, k, d in zip(pairs, kernel, dilations, strict=True)):
        return False
    layer = (ConvTranspose1d if rank == 3 else ConvTranspose2d)(
        weight.shape[1] * groups,
        _one(kernel),
        _one(strides),
        pairs if any(any(pair) for pair in pairs) else "valid",
        _one(dilations),
        groups,
        bias is not None,
        output_padding=_one(extra),
    )
    return _placed(low, node, layer, weight, bias, low.physical(x, channels_last(rank)))


def _placed(low: Lowering, node: Node, layer: Any, weight: np.ndarray, bias: np.ndarray | None, source: str) -> bool:
    params = {"weight": np.moveaxis(weight, 1, -1)} | ({} if bias is None else {"bias": bias.reshape(-1)})
    return low.give(node, low.add(node, layer, [source], params), channels_last(weight.ndim))


@rule("MaxPool", "AveragePool")
def pool(low: Lowering, node: Node) -> bool:
    """The layer of that name, where its border is one that it has."""
    call, x = low.call(node), node.inputs[0]
    call.known_operator()
    rank, greatest = low.rank(x), node.operator == "MaxPool"
    if rank not in (3, 4) or low.is_used(node, 1) or not low.trace.batch_first(x):
        return False
    if set(windows.steps(call, "dilations", rank - 2)) != {1}:
        return False
    kernel, counted, padding = windows.pooling(call, low.shape(x)[2:])
    if any(n >= k for k, pair in zip(kernel, padding, strict=True) for n in pair):
        return False
    if not greatest and call.flag("count_include_pad") and any(any(pair) for pair in counted):
        return False
    kind = {("MaxPool", 3): MaxPool1d, ("MaxPool", 4): MaxPool2d, ("AveragePool", 3): AvgPool1d}.get(
        (node.operator, rank), AvgPool2d
    )
    strides = windows.steps(call, "strides", rank - 2)
    layer = kind(_one(kernel), None if strides == kernel else _one(strides), _padding(call, padding))
    order = channels_last(rank)
    return low.give(node, low.add(node, layer, [low.physical(x, order)]), order)


@rule("BatchNormalization")
def batch_normalization(low: Lowering, node: Node) -> bool:
    """``BatchNorm``, with its running values."""
    call, x = low.call(node), node.inputs[0]
    call.known_operator()
    numbers = [low.constant(name) for name in node.inputs[1:5]]
    if any(array is None for array in numbers) or call.flag("training_mode") or not low.trace.batch_first(x):
        return False
    rank, used = low.rank(x), [low.is_used(node, place) for place in range(1, len(node.outputs))]
    if rank < 2 or any(used) or not call.flag("spatial", True):
        return False
    scale, bias, mean, variance = numbers
    layer = BatchNorm(momentum=round(1 - call.number("momentum", 0.9), 7), epsilon=call.number("epsilon", 1e-5))
    order, state = channels_last(rank), {"mean": mean, "variance": variance}
    source = low.add(node, layer, [low.physical(x, order)], {"scale": scale, "bias": bias}, state)
    return low.give(node, source, order)
