"""ONNX's recurrent operators, whose gates stand in other orders than Backlit's."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.nn.operators.table import Call, is_known, operator, plain

_SETTINGS = ("activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout")
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
ORDERS = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}  # Backlit's gates among ONNX's
USUAL = {"RNN": ("tanh",), "GRU": ("sigmoid", "tanh"), "LSTM": ("sigmoid", "tanh", "tanh")}


def directions(call: Call) -> tuple[bool, ...]:
    """For each direction whether it reads from the end."""
    return DIRECTIONS[call.text("direction", "forward", tuple(DIRECTIONS))]


def activation(call: Call) -> str:
    """Of a plain recurrent node: "tanh" or "relu"; all others must have their usual ones, and no limits."""
    usual, count = USUAL[call.operator], len(directions(call))
    given = tuple(name.lower() for name in call.texts("activations", usual * count))
    first = given[: len(usual)]
    allowed = (usual, ("relu",)) if call.operator == "RNN" else (usual,)
    if given != first * count or first not in allowed:
        call.refuse(f"has activations {given}; Backlit's {call.operator} has {' or '.join(map(str, allowed))}")
    for name in ("clip", "activation_alpha", "activation_beta"):
        if call.attributes.get(name):
            call.refuse(f"has {name}, which Backlit's {call.operator} doesn't")
    if call.flag("input_forget"):
        call.refuse("couples the input and the forget gate, which Backlit's LSTM doesn't")
    return first[0]


def reordered(call: Call, gates: Any) -> Any:
    """(gates · units, ...) with the gates in Backlit's order."""
    order = ORDERS[call.operator]
    units = gates.shape[0] // len(order)
    return ops.concatenate([gates[place * units : (place + 1) * units] for place in order]) if len(order) > 1 else gates


def _run(call: Call, inputs: tuple[Any, ...], states: int) -> Any:
    """Outputs of all steps, and the last states, of each direction."""
    given: list[Any] = [*inputs, *[None] * (8 - len(inputs))]
    x, w, r, b, lengths = given[:5]
    begin, p = given[5 : 5 + states], given[7]
    function, layout = activation(call), call.integer("layout", 0)
    x = ops.transpose(x, axes=(1, 0, 2)) if layout else x
    time, rows, units = x.shape[0], x.shape[1], r.shape[-1]
    mask = _mask(lengths, time)
    outputs: list[Any] = []
    last: list[list[Any]] = [[] for _ in begin]
    for d, reverse in enumerate(directions(call)):
        first = [_first(state, d, layout, np.zeros((rows, units), dtype=str(x.dtype))) for state in begin]
        weights = [None if array is None else array[d] for array in (w, r, b, p)]
        made = _direction(call, x, weights, first, {"mask": mask, "reverse": reverse, "activation": function})
        hidden = made[0]
        for store, part in zip(last, made, strict=False):
            store.append(part[0 if reverse else -1])
        if mask is not None:  # beyond a sequence's end ONNX has zeros
            hidden = ops.where(mask[:, :, None], hidden, np.zeros((), str(x.dtype)))
        outputs.append(hidden)
    y = ops.stack(outputs, axis=1)  # (time, directions, rows, units)
    ends = tuple(ops.stack(parts, axis=1 if layout else 0) for parts in last)
    return (ops.transpose(y, axes=(2, 0, 1, 3)) if layout else y, *ends)


def _first(state: Any, d: int, layout: int, zeros: np.ndarray) -> Any:
    """The state before the first step of a direction."""
    if state is None:
        return zeros
    return state[:, d] if layout else state[d]


def _mask(lengths: Any, time: int) -> Any:
    """Which steps (time, rows) are within their sequences; None if all are."""
    if lengths is None:
        return None
    xp, counts = plain(lengths)
    if is_known(counts) and bool((np.asarray(counts) == time).all()):
        return None
    return xp.arange(time)[:, None] < counts[None, :]


def _direction(call: Call, x: Any, weights: list[Any], first: list[Any], how: dict[str, Any]) -> list[Any]:
    """All states of one direction, time-major."""
    function, how = how["activation"], {name: value for name, value in how.items() if name != "activation"}
    w, r, b, p = weights
    w, r = reordered(call, w), reordered(call, r)
    a, units = ops.linear(x, w), r.shape[-1]
    own: Any = None
    other: Any = None
    if b is not None:
        own, other = (reordered(call, part) for part in (b[: b.shape[0] // 2], b[b.shape[0] // 2 :]))
    if call.operator == "GRU" and call.flag("linear_before_reset"):
        bias = np.zeros(units, dtype=str(x.dtype))
        if b is not None:
            a = a + own + ops.concatenate([other[: 2 * units], bias])
            bias = other[2 * units :]
        return [ops.gru(a, r, first[0], bias, **how)[0]]
    a = a if b is None else a + (own + other)
    if call.operator == "LSTM":
        peephole = None if p is None else ops.stack([p[:units], p[2 * units :], p[units : 2 * units]])  # of i, o, f
        return list(ops.lstm(a, r, first[0], first[1], None, peephole, **how)[:2])
    if call.operator == "GRU":
        return [ops.gru(a, r, first[0], **how)[0]]
    return list(ops.rnn(a, r, first[0], activation=function, **how))


@operator("RNN", *_SETTINGS, least=3, most=6)
def _rnn(call: Call, *inputs: Any) -> Any:
    return _run(call, inputs, 1)


@operator("GRU", "linear_before_reset", *_SETTINGS, least=3, most=6)
def _gru(call: Call, *inputs: Any) -> Any:
    return _run(call, inputs, 1)


@operator("LSTM", "input_forget", *_SETTINGS, least=3, most=8)
def _lstm(call: Call, *inputs: Any) -> Any:
    return _run(call, inputs, 2)
