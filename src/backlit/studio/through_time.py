"""Weights and units of a network that reads a text: what each step adds to a gradient, and what a unit does at each."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph.derivatives import value_and_grad
from backlit.graph.ops.shape import concatenate
from backlit.graph.tensor import value_of
from backlit.inspect.textbook import rules
from backlit.inspect.textbook.symbols import number
from backlit.languages import Template
from backlit.nn.layer import Network
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.optim.transform import apply_updates
from backlit.studio.building import flat, place_of
from backlit.studio.next_step import next_step, note_on
from backlit.studio.reading import states_of
from backlit.studio.recurrent import KINDS
from backlit.studio.texts import Reading
from backlit.studio.timeline import Timeline
from backlit.studio.words import both

MOST_ROWS = 200  # over which a unit's values are told
MOST_TERMS = 6  # of a sum that is written out
FORMULAS = {
    "RNN": ["hₜ = {f}(Wxh·xₜ + Whh·hₜ₋₁ + bh)"],
    "LSTM": [
        "fₜ = σ(Wxf·xₜ + Whf·hₜ₋₁ + bf)", "iₜ = σ(Wxi·xₜ + Whi·hₜ₋₁ + bi)", "oₜ = σ(Wxo·xₜ + Who·hₜ₋₁ + bo)",
        "gₜ = tanh(Wxg·xₜ + Whg·hₜ₋₁ + bg)", "cₜ = fₜ·cₜ₋₁ + iₜ·gₜ", "hₜ = oₜ·tanh(cₜ)",
    ],
    "GRU": [
        "rₜ = σ(Wxr·xₜ + Whr·hₜ₋₁ + br)", "zₜ = σ(Wxz·xₜ + Whz·hₜ₋₁ + bz)",
        "nₜ = tanh(Wxn·xₜ + bn + rₜ·(Whn·hₜ₋₁ + bhn))", "hₜ = (1 − zₜ)·nₜ + zₜ·hₜ₋₁",
    ],
}  # fmt: skip
OTHER_LAYER = Template(
    "{path}: weights of {layer} aren't explained step by step; those of RNN, LSTM, GRU, Linear are",
    "{path}: {layer}의 가중치는 단계별로 설명하지 못합니다. RNN, LSTM, GRU, Linear의 가중치만 설명합니다.",
)
NO_UNIT = Template(
    "there is no unit {unit} to look at in layer {layer!r}", "{layer!r} 층에 살펴볼 유닛 {unit}{이/가} 없습니다."
)
NO_GATE = Template(
    "layer {layer!r} has the gates {gates}, not {gate!r}",
    "{layer!r} 층의 게이트는 {gates}입니다. {gate!r}{은/는} 없습니다.",
)
LETTERS = {
    "forget_gate": "f",
    "input_gate": "i",
    "output_gate": "o",
    "reset_gate": "r",
    "update_gate": "z",
    "hidden": "h",
}


def layer_at(network: Network, path: str) -> Any:
    """The layer at a path of a chain; a recurrent or dense one.

    Raises
    ------
    InputError
        If it is of another kind.
    """
    layer = dict(network.architecture.walk()).get(path)
    if not isinstance(layer, (*KINDS, Linear)):
        raise InputError(OTHER_LAYER.say(path=path, layer=str(layer)))
    return layer


def gates_of(layer: Any) -> tuple[str, ...]:
    """The parts of a layer's rows of weights, in their order."""
    return tuple(layer.gates) if isinstance(layer, KINDS) else ("output",)


def upstream(network: Network, loss: Any, x: np.ndarray, y: np.ndarray, path: str) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of each row's loss with respect to a layer's weighted sums, and what came into the layer.

    Of a recurrent layer the sums get an input more, of weight 1, which is zero: its gradient is the sum's, through all
    later steps.

    Parameters
    ----------
    network : Network
        In float64, a chain.
    x, y : arrays (rows, steps, letters), (rows, steps)

    Returns
    -------
    gradient : array (rows, steps, sums)
    given : array (rows, steps, inputs)
    """
    layer: Any = layer_at(network, path)
    sums = len(flat(network)[f"{path}/weight"])
    params = {name: dict(part) for name, part in network.params.items()}
    if isinstance(layer, KINDS):
        params[path]["weight"] = np.concatenate([params[path]["weight"], np.eye(sums)], axis=1)
    given: list[np.ndarray] = []

    def loss_with(extra: Any) -> Any:
        value: Any = x
        for name, part in network.architecture.parts():
            if name == path:
                given.append(np.asarray(value_of(value)))
            if name == path and isinstance(layer, KINDS):
                value = concatenate([value, extra], axis=-1)
            value = part(params.get(name, {}), value)
            if name == path and isinstance(layer, Linear):
                value = value + extra
        return loss(value, y).sum()

    _, gradient = value_and_grad(loss_with)(np.zeros((*x.shape[:2], sums)))
    return np.asarray(gradient), given[0]


def local(network: Network, path: str, name: str, index: tuple[int, ...], given: np.ndarray) -> np.ndarray:
    """What a weight is multiplied by in its weighted sum, the sum's derivative with respect to it: (rows, steps)."""
    layer: Any = layer_at(network, path)
    if name == "weight":
        return given[..., index[1]]
    if name == "bias":
        return np.ones(given.shape[:2])
    units, row = layer.units, index[0]
    found = _states(layer, network.params[path], given)
    before = np.concatenate([np.zeros_like(found["hidden"][:, :1]), found["hidden"][:, :-1]], axis=1)
    if not isinstance(layer, GRU) or (name == "recurrent/weight" and row < 2 * units):
        return before[..., index[1]]
    reset = found["reset_gate"]  # the candidate sees the state through it
    if name == "recurrent/bias":
        return reset[..., row]
    return before[..., index[1]] * reset[..., row - 2 * units if layer.reset_after else index[1]]


def _states(layer: Any, params: Any, given: np.ndarray) -> dict[str, np.ndarray]:
    told = dataclasses.replace(layer, return_states=True, return_sequences=True)(params, given)[1]
    return {name: np.asarray(part) for name, part in told.items() if name != "last"}


def weight(timeline: Timeline, name: str, row: int | None, rows: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    """`explained.weight` of a text's network: the gradient as a sum over the steps, and the optimizer's step.

    Raises
    ------
    InputError
        If there is no such weight, or its layer isn't explained step by step.
    """
    place = place_of(name, timeline.job.network)
    full, index = place
    path, _, own = full.partition("/")
    network, (x, y) = timeline.network.astype("float64"), rows
    x = x.astype("float64")
    arriving, given = upstream(network, timeline.job.loss, x, y, path)
    of_candidate = 2 * layer_at(network, path).units if own == "recurrent/bias" else 0  # only a GRU has such a one
    arriving = arriving[..., index[0] + of_candidate]
    incoming = local(network, path, own, index, given)
    products = arriving * incoming
    terms = products.mean(axis=0)

    def objective(params: Any) -> Any:
        return timeline.job.loss(network.apply(params, x)[0], y).mean()

    before, gradients = value_and_grad(objective)(network.params)
    rule, state, optimizer = next_step(timeline)
    updates, _, stages = rules.run(rule, gradients, state, network.params, timeline.at)
    gradient, old = rules.at(gradients, place), rules.at(network.params, place)
    new = rules.at(apply_updates(network.params, updates), place)
    reading: Reading = timeline.rows.reading
    one = len(x) == 1
    letters = reading.window(0 if row is None else row)[: reading.steps] if one else ""
    steps = [
        {
            "step": t + 1,
            "letter": letters[t] if one else None,
            "upstream": float(arriving[0, t]) if one else None,
            "local": float(incoming[0, t]) if one else None,
            "product": float(terms[t]),
        }
        for t in range(len(terms))
    ]
    rule_text, sign = _rule(own), _sign(timeline, path, own, index)
    lines = [f"∂L/∂w = {rule_text}", f"∂L/∂w = {_sum(terms)} = {number(gradient).text}", f"g = {number(gradient).text}"]
    lines += [line.text for stage in stages for line in stage.lines(place)]
    lines.append(f"w ← w + u = {number(old).text} + {_term(new - old)} = {number(new).text}")
    return {
        "place": name, "symbol": sign, "value": old, "gradient": gradient, "upstream": None, "local": None,
        "downstream": gradient, "new": new, "rule": f"∂L/∂w = {rule_text}",
        "lines": [{"text": line, "latex": ""} for line in lines[1:]], "step": lines[2:], "factors": [],
        "loss": float(value_of(before)), "optimizer": str(optimizer), "through_time": steps,
        "note": both(note_on(timeline, place) or ""),
    }  # fmt: skip


def _rule(own: str) -> str:
    """The chain rule through time, with what a weight is multiplied by at each step."""
    locals_ = {"weight": "xₜ", "bias": "1", "recurrent/weight": "hₜ₋₁", "recurrent/bias": "rₜ"}
    return f"Σₜ ∂L/∂aₜ · ∂aₜ/∂w = Σₜ ∂L/∂aₜ · {locals_.get(own, '∂aₜ/∂w')}"


def _sum(terms: np.ndarray) -> str:
    text = " + ".join(_term(float(term)) for term in terms[:MOST_TERMS])
    more = len(terms) - MOST_TERMS
    return f"{text} + … ({more})" if more > 0 else text


def _term(value: float) -> str:
    """A number of a sum, in parentheses if it is below zero."""
    text = number(value).text
    return f"({text})" if text.startswith(("-", "−")) else text


def _sign(timeline: Timeline, path: str, own: str, index: tuple[int, ...]) -> str:
    """A weight as the formulas have it: Wxf[3, e] is the forget gate's, of unit 3 (from 1), for the letter e."""
    layer: Any = layer_at(timeline.network, path)
    gates, units = gates_of(layer), layer.units
    gate, unit = (len(gates) - 1, index[0]) if own == "recurrent/bias" else divmod(index[0], units)
    of = LETTERS.get(gates[gate], "n" if isinstance(layer, GRU) else "g")  # the candidate's letter
    letter = {"weight": f"Wx{of}", "bias": f"b{of}", "recurrent/weight": f"Wh{of}", "recurrent/bias": f"bh{of}"}[own]
    if not isinstance(layer, KINDS):
        letter = (
            {"weight": "Why", "bias": "by"}[own] if path == last_of(timeline.network) else {"weight": "W"}.get(own, "b")
        )
    inputs = ""
    if len(index) > 1:
        letters = timeline.rows.reading.letters if own == "weight" and path == "0" else None
        inputs = f", {shown(letters[index[1]]) if letters else index[1] + 1}"
    return f"{letter}[{unit + 1}{inputs}]"


def last_of(network: Network) -> str:
    """Path of the layer that gives the outputs."""
    return list(network.params)[-1]


def shown(letter: str) -> str:
    """A letter so that one sees it."""
    return {" ": "␣", "\n": "⏎", "\t": "⇥"}.get(letter, letter)


def unit(timeline: Timeline, path: str, number_: int, gate: str | None, row: int | None) -> dict[str, Any]:
    """`explained.unit` of a text's network: what it does at each step of a row, and its incoming weights.

    Parameters
    ----------
    timeline : Timeline
    path : str
        Of its layer.
    number_ : int
    gate : str or None
        Of which gate the incoming weights are listed; the first one's, if None.
    row : int or None

    Raises
    ------
    InputError
        If there is no such unit or gate.
    """
    network, reading = timeline.network, timeline.rows.reading
    layer: Any = layer_at(network, path)
    gates = gates_of(layer)
    if number_ >= layer.units:
        raise InputError(NO_UNIT.say(unit=number_, layer=path))
    gate = gate or ("candidate" if "candidate" in gates else gates[0])
    if gate not in gates:
        raise InputError(NO_GATE.say(layer=path, gates=", ".join(gates), gate=gate))
    x = np.asarray(timeline.job.examples.inputs)
    _, arrays = states_of(network, x[row or 0][None])
    values = _outputs(network, x[:MOST_ROWS], path)[..., number_]
    row_ = gates.index(gate) * layer.units + number_
    params = flat(network)
    first = path == "0"
    weights = [
        {"name": shown(reading.letters[i]) if first else None, "input": i, "value": float(w), "from": "input",
         "place": f"{path}/weight[{row_},{i}]"}
        for i, w in enumerate(params[f"{path}/weight"][row_])
    ] + [
        {"name": None, "input": i, "value": float(w), "from": "state", "place": f"{path}/recurrent/weight[{row_},{i}]"}
        for i, w in enumerate(params[f"{path}/recurrent/weight"][row_] if f"{path}/recurrent/weight" in params else ())
    ]  # fmt: skip
    bias = params.get(f"{path}/bias")
    kind = type(layer).__name__
    own = arrays.get(f"steps/{path}/hidden")
    series = _outputs(network, x[row or 0][None], path)[0, :, number_] if own is None else own[:, number_]
    formulas = [
        line.replace("{f}", getattr(layer, "activation", "tanh"))
        for line in FORMULAS.get(kind, ["yₜ = Why·hₜ + by" if path == last_of(network) else "W·xₜ + b"])
    ]
    return {
        "layer": path, "unit": number_, "activation": "", "low": float(values.min()), "high": float(values.max()),
        "mean": float(values.mean()), "alive": bool(np.ptp(values) > 0), "weights": weights,
        "bias": None if bias is None else float(bias[row_]), "bias_place": f"{path}/bias[{row_}]", "value": None,
        "formula": formulas[-1] if len(formulas) == 1 else "", "lines": formulas if len(formulas) > 1 else [],
        "histogram": np.histogram(values, bins=20)[0].tolist() if np.isfinite(values).all() else [],
        "gates": list(gates) if len(gates) > 1 else [], "gate": gate,
        "series": [float(v) for v in series], "letters": list(reading.window(row or 0)[: reading.steps]),
    }  # fmt: skip


def _outputs(network: Network, x: np.ndarray, path: str) -> np.ndarray:
    """What a layer hands on for some rows, (rows, steps, units)."""
    value: Any = x.astype(network.dtype)
    with np.errstate(all="ignore"):
        for name, part in network.architecture.parts():
            value = part(network.params.get(name, {}), value)
            if name == path:
                break
    return np.asarray(value)
