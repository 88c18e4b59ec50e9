"""Transposing, reshaping, axes of size one: mostly notes of where axes stand."""

from __future__ import annotations

import math

import numpy as np

from backlit.exchange.onnx.reading.lowering import Lowering, Order, rule
from backlit.exchange.onnx.reading.model import Node
from backlit.exchange.onnx.reading.rules.activations import common_order
from backlit.nn.layers.pooling import GlobalAvgPool, GlobalMaxPool
from backlit.nn.layers.shaping import Flatten
from backlit.nn.operators.table import known


@rule("Transpose")
def transpose(low: Lowering, node: Node) -> bool:
    """Only noted."""
    call, rank = low.call(node), low.rank(node.inputs[0])
    call.known_operator()
    order = call.integers("perm", tuple(reversed(range(rank))))
    flow = low.flows[node.inputs[0]]
    if flow.columns is not None:
        low.physical(node.inputs[0])
        flow = low.flows[node.inputs[0]]
    return low.give(node, flow.source, tuple(flow.order[axis] for axis in order))


def _given_axes(low: Lowering, node: Node) -> list[int] | None:
    call = low.call(node)
    axes = call.integers("axes")
    if axes is None and len(node.inputs) > 1 and node.inputs[1]:
        value = low.constant(node.inputs[1])
        axes = None if value is None else known(call, value)
    return None if axes is None else list(axes)


@rule("Squeeze", "Unsqueeze", "Reshape", "Flatten")
def reshape(low: Lowering, node: Node) -> bool:
    """Axes of size one come and go as notes; all else is a layer that reshapes, where the batch stays as it is."""
    low.call(node).known_operator()
    name, out = node.inputs[0], node.outputs[0]
    before, after = low.shape(name), low.shape(out)
    flow = low.flows[name]
    if flow.columns is None:
        order = _matched(before, after, flow.order, _given_axes(low, node) if node.operator == "Unsqueeze" else None)
        if order is not None:
            return low.give(node, flow.source, order)
    if before == after:
        return low.give(node, flow.source, flow.order, columns=flow.columns)
    if _flattens(low, name, out) and flow.columns is None and flow.order[0] == 0:
        return _flattened(low, node)
    return _around_batch(low, node)


def _matched(before: tuple[int, ...], after: tuple[int, ...], order: Order, new: list[int] | None) -> Order | None:
    """The order of a value's axes after some of size one came or went; None if more happens than that."""
    if new is not None:
        places = {axis % len(after) for axis in new}
        rest = iter(order)
        return tuple(None if i in places else next(rest) for i in range(len(after)))
    i, found = 0, []
    for size in after:
        while i < len(before) and before[i] == 1 != size and order[i] is None:
            i += 1
        if i < len(before) and before[i] == size:
            found.append(order[i])
            i += 1
        elif size == 1:
            found.append(None)
        else:
            return None
    if any(before[j] != 1 or order[j] is not None for j in range(i, len(before))):
        return None
    return tuple(found)


def _flattens(low: Lowering, name: str, out: str) -> bool:
    before, after = low.shape(name), low.shape(out)
    return (
        len(after) == 2
        and len(before) > 2
        and low.trace.batch_first(name)
        and low.trace.batch_first(out)
        and after[1] == math.prod(before[1:])
    )


def _flattened(low: Lowering, node: Node) -> bool:
    """`Flatten`, and which feature came to stand where: a layer with weights behind it takes its own in that order."""
    shape, flow = low.shape(node.inputs[0]), low.flows[node.inputs[0]]
    there = [(axis, shape[i]) for i, axis in enumerate(flow.order) if axis is not None][1:]
    if len(there) == 1:
        return low.give(node, flow.source, (0, 1))
    source = low.add(node, Flatten(), [flow.source])
    standing = [size for _, size in sorted(there)]
    places = np.arange(math.prod(standing)).reshape(standing).transpose([axis - 1 for axis, _ in there]).reshape(-1)
    moved = not np.array_equal(places, np.arange(len(places)))
    return low.give(node, source, (0, 1), columns=tuple(places.tolist()) if moved else None)


def _around_batch(low: Lowering, node: Node) -> bool:
    """Axes before the batch and those behind it are reshaped by themselves: a layer `Reshape`."""
    name, out = node.inputs[0], node.outputs[0]
    sizes, made = low.trace.affine(name), low.trace.affine(out)
    batch, new = _batch(sizes), _batch(made)
    if batch is None or new is None:
        return False
    before, after = low.shape(name), low.shape(out)
    if math.prod(before[:batch]) != math.prod(after[:new]):
        return False
    order = tuple(0 if i == batch else i + (i < batch) for i in range(len(before)))
    if flow_lacks_batch(low, name):
        return False
    source = low.physical(name, order)
    examples = tuple(size for i, size in enumerate(before) if i != batch)
    wanted = tuple(size for i, size in enumerate(after) if i != new)
    if not examples or not wanted:
        return False
    source = low.reshaped(node, source, examples, wanted)
    return low.give(node, source, tuple(0 if i == new else i + (i < new) for i in range(len(after))))


def flow_lacks_batch(low: Lowering, name: str) -> bool:
    """Whether a value's batch isn't an axis of what gives it."""
    batch = _batch(low.trace.affine(name))
    return batch is None or low.flows[name].order[batch] is None


def _batch(sizes: tuple[tuple[int, int], ...]) -> int | None:
    """The one axis that is the batch."""
    places = [i for i, (a, k) in enumerate(sizes) if k]
    return places[0] if len(places) == 1 and sizes[places[0]] == (0, 1) else None


@rule("Concat")
def concatenate(low: Lowering, node: Node) -> bool:
    """Along an axis wherever it stands."""
    rank = low.rank(node.outputs[0])
    call = low.call(node)
    axis = call.axis(call.integer("axis", 1), rank)
    moving = [name for name in node.inputs if name in low.trace.moving]
    order = common_order(low, moving, rank)
    if order is None or order[axis] is None:
        return False
    low.node(node, order, {"axis": order[axis]}, rank)
    return True


POOLED = {
    "GlobalAveragePool": GlobalAvgPool,
    "GlobalMaxPool": GlobalMaxPool,
    "ReduceMean": GlobalAvgPool,
    "ReduceMax": GlobalMaxPool,
}


@rule(*POOLED)
def pool_all(low: Lowering, node: Node) -> bool:
    """The mean or the greatest over all places of each channel."""
    call, shape = low.call(node), low.shape(node.inputs[0])
    call.known_operator()
    rank = len(shape)
    if node.operator.startswith("Global"):
        axes, keep = tuple(range(2, rank)), True
    else:
        given = _given_axes(low, node)
        if given is None:
            return False
        axes, keep = call.axes(given, rank), call.flag("keepdims", True)
    rest = [i for i in range(1, rank) if i not in axes]
    name = node.inputs[0]
    flow = low.flows[name]
    gone = [i for i in axes if flow.order[i] is not None]
    if 0 in axes or len(rest) != 1 or flow.order[rest[0]] is None or not gone or flow.columns is not None:
        return False
    if not low.trace.batch_first(name):
        return False
    source = low.add(node, POOLED[node.operator](), [low.arranged(name, (0, *gone, rest[0]))])
    kept: Order = tuple(0 if i == 0 else 1 if i == rest[0] else None for i in range(rank) if keep or i in (0, rest[0]))
    return low.give(node, source, kept)
