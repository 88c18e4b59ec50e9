"""Recurrent layers: LSTM, GRU and RNN of ONNX, and a Scan for the LSTM with a projection, which ONNX hasn't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.onnx.graph import FLOAT, INT, Value
from backlit.exchange.onnx.layers.containers import merge
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.recurrent import RNN, _Recurrent
from backlit.nn.layers.sequence import Bidirectional

ORDER = {LSTM: (0, 3, 1, 2), GRU: (1, 0, 2), RNN: (0,)}  # of ONNX's gates among Backlit's
PEEPHOLES = (0, 2, 1)  # i, o, f
States = Mapping[str, Value]


@writes(RNN, LSTM, GRU)
def recurrent(site: Site, layer: _Recurrent, x: Value) -> Value:
    """One direction."""
    if isinstance(layer, LSTM) and layer.projection:
        return projected(site, layer, x)
    return run(site, [(site, layer)], x).output(0)


@writes(Bidirectional)
def bidirectional(site: Site, layer: Bidirectional, x: Value) -> Value:
    """Both directions by one operator."""
    parts = [(site.child(name), part) for name, part in layer.parts()]
    if isinstance(layer.body, LSTM) and layer.body.projection:
        return merge(site, layer.combine, [projected(part_site, part, x) for part_site, part in parts])
    made = run(site, parts, x)
    return (
        made.joined()
        if layer.combine == "concatenate"
        else merge(site, layer.combine, [made.output(0), made.output(1)])
    )


@dataclass(frozen=True)
class Ran:
    """What a recurrent operator gives.

    Attributes
    ----------
    sequence : Value (time, directions, rows, units)
    last : dict of Value (directions, rows, units)
        By state.
    places : Value, optional
        Where each step went that was packed: see `_packing`.
    """

    site: Site
    layer: Any
    sequence: Value
    last: dict[str, Value]
    places: Value | None

    def output(self, place: int) -> Value:
        """What the layer of one direction gives: (rows, time, units) or (rows, units)."""
        site, graph, (time, count, rows, units) = self.site, self.site.graph, self.sequence.shape
        if not self.layer.return_sequences:
            one = self.last["hidden"] if count == 1 else _direction(site, self.last["hidden"], place, 0)
            return site.node("Squeeze", one, graph.axes(0), shape=(rows, units))
        one = self.sequence if count == 1 else _direction(site, self.sequence, place, 1)
        flat = site.node("Squeeze", one, graph.axes(1), shape=(time, rows, units))
        return self._in_place(site.node("Transpose", flat, shape=(rows, time, units), perm=[1, 0, 2]))

    def joined(self) -> Value:
        """Both directions side by side on the last axis."""
        site, graph, (time, count, rows, units) = self.site, self.site.graph, self.sequence.shape
        width = int(count) * int(units)
        if not self.layer.return_sequences:
            turned = site.node("Transpose", self.last["hidden"], shape=(rows, count, units), perm=[1, 0, 2])
            return site.node("Reshape", turned, graph.axes(0, width), shape=(rows, width))
        turned = site.node("Transpose", self.sequence, shape=(rows, time, count, units), perm=[2, 0, 1, 3])
        return self._in_place(site.node("Reshape", turned, graph.axes(0, 0, width), shape=(rows, time, width)))

    def _in_place(self, output: Value) -> Value:
        """Outputs where their steps were, and zeros at padding."""
        return output if self.places is None else _zero_at_padding(self.site, _at(self.site, output, self.places))


def run(site: Site, parts: Sequence[tuple[Site, Any]], x: Value, start: States | None = None) -> Ran:
    """A layer by an operator, or a layer and its twin that reads backwards.

    Parameters
    ----------
    site : Site
        Where the operator stands.
    parts : pairs of site and layer
        The layers, with their own parameters.
    x : Value (rows, time, features)
    start : dict of Value (1, rows, units), optional
        The states before the first step, in place of what the layers say.
    """
    layer, count = parts[0][1], len(parts)
    _require_one_output(layer)
    x = site.graph.last(x)
    rows, time, units = x.shape[0], x.shape[1], layer.units
    packing = None if site.mask is None else _packing(site, site.mask)
    if packing is not None:
        x = _at(site, x, packing[0])
    steps = site.node("Transpose", x, shape=(time, rows, x.shape[2]), perm=[1, 0, 2])
    sequence, *last = site.node(
        type(layer).__name__,
        steps,
        *_weights(site, parts),
        None if packing is None else packing[2],
        *[start[name] if start else _first(parts, name, x) for name in layer.states],
        *_peepholes(site, parts),
        shapes=[(time, count, rows, units), *[(count, rows, units)] * len(layer.states)],
        hidden_size=units,
        **_options(layer, count),
    )
    return Ran(site, layer, sequence, dict(zip(layer.states, last, strict=True)), packing and packing[1])


def _require_one_output(layer: _Recurrent) -> None:
    if layer.return_states:
        raise InputError("what is read beside the output has no place in the file; leave return_states out")


def _options(layer: Any, count: int) -> dict[str, Any]:
    """The operator's attributes."""
    way = "bidirectional" if count == 2 else "reverse" if layer.reverse else "forward"
    if isinstance(layer, GRU):
        return {"direction": way, "linear_before_reset": int(layer.reset_after)}
    if isinstance(layer, RNN):
        return {"direction": way, "activations": [layer.activation.title()] * count}
    return {"direction": way}


def _direction(site: Site, value: Value, place: int, axis: int) -> Value:
    """One of two directions, whose axis stays."""
    shape = tuple(1 if i == axis else size for i, size in enumerate(value.shape))
    return site.node("Slice", value, *map(site.graph.axes, (place, place + 1, axis)), shape=shape)


def _in_order(layer: Any, array: Any) -> np.ndarray:
    """Gate after gate as ONNX has them."""
    gates = np.split(np.asarray(array, FLOAT), len(layer.gates))
    return np.concatenate([gates[k] for k in ORDER[type(layer)]])


def _weights(site: Site, parts: Sequence[tuple[Site, Any]]) -> list[Value | None]:
    """W, R and both biases, (directions, ...) each."""
    layer = parts[0][1]
    weight = np.stack([_in_order(layer, one.params["weight"]) for one, _ in parts])
    again = np.stack([_in_order(layer, one.params["recurrent"]["weight"]) for one, _ in parts])
    made: list[Value | None] = [site.weight("weight", weight), site.weight("recurrent/weight", again)]
    if not layer.bias:
        return [*made, None]
    biases = []
    for one, _ in parts:
        second = np.zeros(len(layer.gates) * layer.units, FLOAT)
        if "bias" in one.params["recurrent"]:  # the candidate's, within the reset gate's reach
            second[-layer.units :] = one.params["recurrent"]["bias"]
        biases.append(np.concatenate([_in_order(layer, one.params["bias"]), second]))
    return [*made, site.weight("bias", np.stack(biases))]


def _peepholes(site: Site, parts: Sequence[tuple[Site, Any]]) -> list[Value]:
    if not getattr(parts[0][1], "peepholes", False):
        return []
    weights = [np.asarray(one.params["peephole"]["weight"])[list(PEEPHOLES)].reshape(-1) for one, _ in parts]
    return [site.weight("peephole/weight", np.stack(weights))]


def _first(parts: Sequence[tuple[Site, Any]], state: str, x: Value) -> Value | None:
    """The state before the first step, (directions, rows, units); None for zeros, which a random start is in use."""
    site, layer = parts[0]
    if layer.initial != "learned":
        return None
    learned = np.stack([np.asarray(one.params["initial"][state]) for one, _ in parts])[:, None]
    return _for_rows(site, site.weight(f"initial/{state}", learned), x)


def _for_rows(site: Site, value: Value, x: Value) -> Value:
    """A value (n, 1, units) for each row of x: (n, rows, units)."""
    count, _, units = value.shape
    ends = site.graph.axes(int(count)), site.graph.axes(int(units))
    sizes = site.node("Concat", ends[0], site.graph.size(x, 0, 1), ends[1], shape=(3,), axis=0)
    return site.node("Expand", value, sizes, shape=(count, x.shape[0], units))


# ------------------------------------------------------------------------------------------------ padding


def _packing(site: Site, mask: Value) -> tuple[Value, Value, Value]:
    """How sequences are packed, so that what isn't padding comes first and one length a row says the rest.

    Returns
    -------
    order, places, lengths
        The steps in their new order, (rows, time, 1); where each step went, (rows, time, 1); (rows,) int32. A layer
        that stands still at a step gives what it gives where the step is left out.
    """
    graph = site.graph
    if mask.name in graph.packings:
        return graph.packings[mask.name]
    rows, time = mask.shape
    real = graph.cast(mask, INT)
    axis = graph.constant(np.array(1, np.int64), "axis")
    left = site.node("Mul", site.node("CumSum", real, axis, reverse=1), real)  # of steps that follow; 0 at padding
    _, order = site.node("TopK", left, graph.size(mask, 1, 2), shapes=[mask.shape, mask.shape], axis=1)
    place = site.node("Sub", site.node("CumSum", real, axis), graph.constant(np.array(1, np.int64)))
    place = site.node("Max", place, graph.constant(np.array(0, np.int64)))
    lengths = graph.cast(site.node("ReduceSum", real, graph.axes(1), shape=(rows,), keepdims=0), "int32")
    order, place = (site.node("Unsqueeze", one, graph.axes(2), shape=(rows, time, 1)) for one in (order, place))
    graph.packings[mask.name] = order, place, lengths
    return order, place, lengths


def _at(site: Site, x: Value, places: Value) -> Value:
    """Each row's steps in another order."""
    return site.node("GatherND", x, places, shape=x.shape, batch_dims=1)


def _zero_at_padding(site: Site, output: Value) -> Value:
    if site.mask is None:
        return output
    real = site.node("Unsqueeze", site.mask, site.graph.axes(2), shape=(*site.mask.shape, 1))
    return site.node("Where", real, output, site.number(0.0), shape=output.shape, dtype=FLOAT)


# --------------------------------------------------------------------------------------------- projection


def projected(site: Site, layer: Any, x: Value) -> Value:
    """An LSTM whose states are projected, as a Scan over its steps."""
    _require_one_output(layer)
    graph, params = site.graph, site.params
    x = graph.last(x)
    rows, time, units, size = x.shape[0], x.shape[1], layer.units, layer.projection
    steps = site.node("Transpose", x, shape=(time, rows, x.shape[2]), perm=[1, 0, 2])
    a = site.node("MatMul", steps, site.weight("weight", params["weight"].T), shape=(time, rows, 4 * units))
    a = site.node("Add", a, site.weight("bias")) if layer.bias else a
    masks = [] if site.mask is None else [site.node("Transpose", site.mask, shape=(time, rows), perm=[1, 0])]
    starts = []
    for state, width in (("hidden", size), ("cell", units)):
        learned = layer.initial == "learned"
        start = np.asarray(params["initial"][state] if learned else np.zeros(width), FLOAT).reshape(1, 1, width)
        start_value = _for_rows(site, site.weight(f"initial/{state}", start), x)
        starts.append(site.node("Squeeze", start_value, graph.axes(0), shape=(rows, width)))
    body = _projected_step(site, layer, rows, bool(masks))
    way = int(layer.reverse)
    last, _, sequence = site.node(
        "Scan",
        *starts,
        a,
        *masks,
        shapes=[(rows, size), (rows, units), (time, rows, size)],
        dtype=FLOAT,
        body=body,
        num_scan_inputs=1 + len(masks),
        scan_input_directions=[way] * (1 + len(masks)),
        scan_output_directions=[way],
    )
    if not layer.return_sequences:
        return last
    output = site.node("Transpose", sequence, shape=(rows, time, size), perm=[1, 0, 2])
    return _zero_at_padding(site, output)


def _projected_step(site: Site, layer: LSTM, rows: int | str, masked: bool) -> Any:
    """One step: states and what the inputs give, to new states and the output."""
    graph = site.graph.inner(site.path)
    inner = Site(graph, site.params, site.states, site.path)
    units, size = layer.units, layer.projection
    h, c = graph.input("hidden_before", (rows, size)), graph.input("cell_before", (rows, units))
    a = graph.input("from_input", (rows, 4 * units))
    real = graph.input("is_real", (rows,), "bool") if masked else None
    total = inner.node("Gemm", h, inner.weight("recurrent/weight"), a, shape=a.shape, transB=1)
    i, f, g, o = inner.node("Split", total, shapes=[(rows, units)] * 4, axis=-1, num_outputs=4)
    seen = (
        [inner.weight(f"peephole/{k}", row) for k, row in enumerate(site.params["peephole"]["weight"])]
        if layer.peepholes
        else []
    )

    def gate(value: Value, cell: Value, k: int) -> Value:
        value = inner.node("Add", value, inner.node("Mul", cell, seen[k])) if seen else value
        return inner.node("Sigmoid", value)

    kept = inner.node("Mul", gate(f, c, 1), c)
    new_c = inner.node("Add", kept, inner.node("Mul", gate(i, c, 0), inner.node("Tanh", g)))
    output = inner.node("Mul", gate(o, new_c, 2), inner.node("Tanh", new_c))
    new_h = inner.node("Gemm", output, inner.weight("projection/weight"), shape=(rows, size), transB=1)
    if real is not None:
        column = inner.node("Unsqueeze", real, graph.axes(1), shape=(rows, 1))
        new_h = inner.node("Where", column, new_h, h, shape=h.shape, dtype=FLOAT)
        new_c = inner.node("Where", column, new_c, c, shape=c.shape, dtype=FLOAT)
    for name, value in (("hidden_after", new_h), ("cell_after", new_c), ("output", new_h)):
        graph.rename(value, name)
    return graph.to_proto("step")
