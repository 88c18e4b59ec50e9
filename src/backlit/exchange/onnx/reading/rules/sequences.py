"""Recurrent nodes and embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.exchange.onnx.reading.lowering import Lowering, Order, rule
from backlit.exchange.onnx.reading.model import Node
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.shaping import Select
from backlit.nn.operators import recurring

LENGTHS, HIDDEN, CELL, PEEPHOLES = 4, 5, 6, 7  # places of what may be left out


@rule("RNN", "GRU", "LSTM")
def recurrent(low: Lowering, node: Node) -> bool:
    """The layer of that name, or a `Bidirectional` of it, where states begin with zeros and no sequence is short."""
    call = low.call(node)
    call.known_operator()
    function, directions = recurring.activation(call), recurring.directions(call)
    inputs = (*node.inputs, *[""] * (PEEPHOLES + 1 - len(node.inputs)))
    arrays = [low.constant(name) if name else None for name in inputs]
    if any(arrays[i] is None for i in (1, 2)) or (inputs[3] and arrays[3] is None) or low.is_used(node, 2):
        return False
    if len(directions) > 1 and low.is_used(node, 0) and low.is_used(node, 1):
        return False
    if inputs[PEEPHOLES] and (arrays[PEEPHOLES] is None or len(directions) > 1):
        return False
    layout, x = call.integer("layout", 0), inputs[0]
    time = low.shape(x)[1 if layout else 0]
    if not all(_is_zero(low, inputs[i]) for i in (HIDDEN, CELL)) or not _full(low, inputs[LENGTHS], time):
        return False
    order: Order = (0, 1, 2) if layout else (1, 0, 2)
    if low.trace.affine(x)[order.index(0)] != (0, 1):
        return False
    sequences = low.is_used(node, 0)
    params = [_params(call, arrays, d) for d in range(len(directions))]
    layer = _layer(call, params[0], sequences, directions == (True,), function)
    if len(directions) > 1:
        layer, given = Bidirectional(layer), {"forward": params[0], "backward": params[1]}
    else:
        given = params[0]
    source = low.add(node, layer, [low.physical(x, order)], given)
    return _given(low, node, source, len(directions), layout, sequences, directions[0])


def _layer(call: Any, params: dict[str, Any], sequences: bool, reverse: bool, function: str) -> Any:
    units = params["recurrent"]["weight"].shape[1]
    common: Any = {"return_sequences": sequences, "reverse": reverse, "bias": "bias" in params}
    if call.operator == "LSTM":
        return LSTM(units, **common, peepholes="peephole" in params)
    if call.operator == "GRU":
        return GRU(units, **common, reset_after=call.flag("linear_before_reset"))
    return RNN(units, **common, activation=function)


def _params(call: Any, arrays: list[Any], d: int) -> dict[str, Any]:
    """A direction's parameters: gates in Backlit's order, both biases as one where they are only added."""
    weight, inner = (np.asarray(recurring.reordered(call, arrays[i][d])) for i in (1, 2))
    params: dict[str, Any] = {"weight": weight, "recurrent": {"weight": inner}}
    if arrays[3] is not None:
        first, second = np.split(arrays[3][d], 2)
        first, second = (np.array(recurring.reordered(call, part)) for part in (first, second))
        if call.operator == "GRU" and call.flag("linear_before_reset"):
            candidate = 2 * len(second) // 3
            params["recurrent"]["bias"] = second[candidate:].copy()
            second[candidate:] = 0
        params["bias"] = first + second
    if arrays[PEEPHOLES] is not None:
        i, o, f = np.split(arrays[PEEPHOLES][d], 3)
        params["peephole"] = {"weight": np.stack([i, f, o])}
    return params


def _is_zero(low: Lowering, name: str) -> bool:
    """Whether a state to begin with is left out, or zeros for as many rows as there are."""
    if not name:
        return True
    return name not in low.trace.moving and not any(np.any(np.asarray(values[name])) for values in low.trace.values)


def _full(low: Lowering, name: str, time: int) -> bool:
    """Whether all sequences are as long as the array."""
    if not name:
        return True
    return name not in low.trace.moving and all((np.asarray(values[name]) == time).all() for values in low.trace.values)


def _given(low: Lowering, node: Node, source: str, count: int, layout: int, sequences: bool, reverse: bool) -> bool:
    """Where the node's outputs are: all steps' (time, directions, rows, units), and the last (…, rows, units)."""
    units = low.shape(node.outputs[0] if sequences else node.outputs[1])[-1]
    if sequences:
        order: Order = (0, 1, None, 2) if layout else (1, None, 0, 2)
        inner = source
        if count > 1:
            time = low.shape(node.outputs[0])[1 if layout else 0]
            inner = low.reshaped(None, source, (time, count * units), (time, count, units))
            order = (0, 1, 2, 3) if layout else (1, 2, 0, 3)
        low.give(node, inner, order)
    if low.is_used(node, 1):
        ends = source
        if sequences:
            ends = low.add(None, Select(0 if reverse else -1, 1), [source], name=f"{source}.last")
        if count > 1:
            ends = low.reshaped(None, ends, (count * units,), (count, units))
            low.give(node, ends, (0, 1, 2) if layout else (1, 0, 2), 1)
        else:
            low.give(node, ends, (0, None, 1) if layout else (None, 0, 1), 1)
    return True


@rule("Gather")
def gather(low: Lowering, node: Node) -> bool:
    """``Embedding``, where a table's rows are picked by the network's input; ``Select``, where one fixed place is."""
    call = low.call(node)
    call.known_operator()
    x, places = node.inputs
    if x not in low.trace.moving:
        return _embedding(low, node)
    index = low.constant(places)
    flow, axis = low.flows[x], call.axis(call.integer("axis", 0), low.rank(x))
    if index is None or index.ndim or flow.columns is not None:
        return False
    if flow.order[axis] is None:  # of size one, and not there
        return low.give(node, flow.source, tuple(place for i, place in enumerate(flow.order) if i != axis))
    place = flow.order[axis]
    if not place or 0 not in flow.order or low.trace.affine(x)[flow.order.index(0)] != (0, 1):
        return False
    source = low.add(node, Select(int(index), place), [flow.source])
    rest = [other for i, other in enumerate(flow.order) if i != axis]
    return low.give(node, source, tuple(other if other is None else other - (other > place) for other in rest))


def _embedding(low: Lowering, node: Node) -> bool:
    table, places = low.constant(node.inputs[0]), node.inputs[1]
    if table is None or table.ndim != 2 or low.call(node).integer("axis", 0) or table.dtype.kind != "f":
        return False
    flow = low.flows[places]
    if None in flow.order or 0 not in flow.order or flow.columns is not None:
        return False
    source = low.add(node, Embedding(*table.shape), [flow.source], {"weight": table})
    return low.give(node, source, (*flow.order, len(flow.order)))
