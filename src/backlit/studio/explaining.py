"""A weight's next step and what a unit computes, in symbols and numbers; inputs that someone pulls at."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph.derivatives import value_and_grad
from backlit.inspect.textbook.symbols import Math
from backlit.inspect.textbook.update import Update, explain_update
from backlit.languages import Template
from backlit.nn.layer import Network, forward
from backlit.nn.layers.linear import Linear
from backlit.studio import through_time
from backlit.studio.building import flat, place_of
from backlit.studio.layers import values_of
from backlit.studio.next_step import next_step, note_on
from backlit.studio.replies import Reply
from backlit.studio.session import Session
from backlit.studio.side import Side
from backlit.studio.timeline import Timeline
from backlit.studio.words import both

Arrays = dict[str, np.ndarray]
NOTHING_NAMED = Template(
    "explain: name a weight, or a layer and a unit", "explain: 가중치를 지정하거나, 층과 유닛을 지정하세요."
)
ALIVE_ROWS = 2000  # that tell whether a unit is alive


def side_of(session: Session, message: dict[str, Any]) -> Side:
    """Which of both networks is meant."""
    return session.side(message.get("side") or "a")


def rows_asked(timeline: Timeline, row: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a row, or of the batch that comes next."""
    numbers = timeline.rows_of_next_update() if row is None else np.array([row])
    examples = timeline.job.examples
    return np.asarray(examples.inputs)[numbers], np.asarray(examples.encoded)[numbers]


def updated(timeline: Timeline, row: int | None, weight: Any) -> Update:
    """`backlit.explain_update` of weights at this update."""
    x, y = rows_asked(timeline, row)
    rule, state, _ = next_step(timeline)
    return explain_update(timeline.network, x, y, rule, timeline.job.loss, weight, state=state, step=timeline.at)


def explain(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`explain`."""
    side = side_of(session, message)
    row = session.ask_about(message.get("row"))
    told = {
        "type": "explained",
        "update": side.timeline.at,
        "side": message.get("side") or "a",
        "weight": None,
        "unit": None,
    }
    session.version += 1
    if message.get("weight"):
        x, y = rows_asked(side.timeline, row)
        if side.texts is not None:
            weight = through_time.weight(side.timeline, message["weight"], row, (x, y))
        else:
            weight = _weight(side.timeline, message["weight"], row)
        return [Reply({**told, "weight": weight, "rows": len(x)})]
    if message.get("layer") is None or message.get("unit") is None:
        raise InputError(NOTHING_NAMED.say())
    if side.texts is not None:
        found = through_time.unit(side.timeline, message["layer"], message["unit"], message.get("gate"), row)
        return [Reply({**told, "unit": found, "rows": None if row is None else 1})]
    unit, pictures = _unit(session, side, message["layer"], message["unit"], row)
    return [Reply({**told, "unit": unit, "rows": None if row is None else 1}, pictures)]


def _weight(timeline: Timeline, name: str, row: int | None) -> dict[str, Any]:
    path, index = place_of(name, timeline.job.network)
    place = f"{path}[{','.join(map(str, index))}]"
    update = updated(timeline, row, place)
    weight = update.weights[0]
    upstream, local = _chain(timeline, path, index, row)
    lines = [_math(line) for line in weight.lines]
    start = next((i for i, line in enumerate(weight.lines) if not line.text.startswith("∂")), len(lines))
    return {
        "place": place,
        "symbol": weight.symbol.text,
        "value": weight.old,
        "gradient": weight.gradient,
        "upstream": upstream,
        "local": local,
        "downstream": weight.gradient,
        "new": weight.new,
        "rule": weight.rule.text if weight.rule else weight.formula.text,
        "lines": lines,
        "step": [line["text"] for line in lines[start:]],
        "factors": [
            {"symbol": f.symbol.text, "latex": f.symbol.latex, "value": float(np.mean(f.values))}
            for f in weight.factors
        ],
        "loss": update.loss,
        "optimizer": str(next_step(timeline).optimizer),
        "note": both(note_on(timeline, (path, index)) or ""),
    }


def _math(line: Math) -> dict[str, str]:
    return {"text": line.text, "latex": line.latex}


def _chain(timeline: Timeline, path: str, index: tuple[int, ...], row: int | None) -> tuple[float | None, float | None]:
    """Upstream and local gradient of a dense layer's weight: ∂L/∂(weighted sum), and what came in; means over rows."""
    where = path.rpartition("/")[0]
    network = timeline.network.astype("float64")
    layer = dict(network.architecture.walk()).get(where)
    if not isinstance(layer, Linear) or len(index) > 2:
        return None, None
    x, y = rows_asked(timeline, row)
    x = x if network.takes_integers else x.astype("float64")
    seen: list[Any] = []

    def loss_with(extra: Any) -> Any:
        def tap(at: str, value: Any) -> Any:
            return value + extra if at == where else value

        output, _ = forward(network.architecture, network.input_shape, network.params, x, state=network.state, tap=tap)
        return timeline.job.loss(output, y).sum()

    units = np.shape(flat(network)[f"{where}/weight"])[0]
    _, upstream = value_and_grad(loss_with)(np.zeros((len(x), units)))
    if np.shape(upstream) != (len(x), units):
        return None, None
    if len(index) == 1:
        return float(np.asarray(upstream)[:, index[0]].mean()), 1.0
    seen.append(_reaching(network, where, x))
    return float(np.asarray(upstream)[:, index[0]].mean()), float(seen[0][:, index[1]].mean())


def _reaching(network: Network, where: str, x: np.ndarray) -> np.ndarray:
    """What reaches a layer."""
    reached: list[np.ndarray] = [x.reshape(len(x), -1)]
    found: list[np.ndarray] = []

    def tap(at: str, value: Any) -> Any:
        if at == where:
            found.append(reached[-1])
        reached.append(np.asarray(value))
        return value

    forward(network.architecture, network.input_shape, network.params, x, state=network.state, tap=tap)
    return found[0]


def _unit(session: Session, side: Side, layer: str, unit: int, row: int | None) -> tuple[dict[str, Any], Arrays]:
    """What a unit computes: its sum in numbers, its values over the data, whether it is alive; and its map."""
    looks, timeline = side.looks, side.timeline
    network = timeline.network
    column = next((each for each in looks.columns if each.path == layer), None)
    if column is None or unit >= column.units or column.block:
        raise InputError(through_time.NO_UNIT.say(unit=unit, layer=layer))
    before = looks.columns[looks.columns.index(column) - 1]
    params = flat(network)
    weights = params.get(f"{layer}/weight")
    inputs = np.asarray(timeline.job.examples.inputs)[:ALIVE_ROWS]
    values = values_of(network, looks.columns, inputs, looks.output)
    own = values[layer][:, unit]
    told: dict[str, Any] = {
        "layer": layer, "unit": unit, "activation": column.activation,
        "low": float(own.min()), "high": float(own.max()), "mean": float(own.mean()),
        "alive": bool(np.ptp(own) > 0), "weights": [], "bias": None, "value": None, "lines": [],
        "formula": f"{column.activation or 'y'}(Σ w·x + b)" if weights is not None else column.kind,
        "histogram": np.histogram(own, bins=20)[0].tolist() if np.isfinite(own).all() else [],
    }  # fmt: skip
    if weights is not None and before.path in values:
        names = (
            timeline.rows.columns if before.path == "input" else [f"{before.path}[{i}]" for i in range(before.units)]
        )
        told["weights"] = [
            {"input": i, "name": name, "value": float(w)}
            for i, (name, w) in enumerate(zip(names, weights[unit], strict=True))
        ]
        bias = params.get(f"{layer}/bias")
        told["bias"] = None if bias is None else float(bias[unit])
        if row is not None:
            at = {
                path: value[0]
                for path, value in values_of(
                    network, looks.columns, np.asarray(timeline.job.examples.inputs)[row][None], looks.output
                ).items()
            }
            told["value"] = float(at[layer][unit])
            terms = " + ".join(f"{w:.4g}·{x:.4g}" for w, x in zip(weights[unit], at[before.path], strict=True))
            total = float(weights[unit] @ at[before.path]) + (told["bias"] or 0.0)
            told["lines"] = [
                f"Σ w·x{' + b' if bias is not None else ''} = {terms}"
                + (f" + {told['bias']:.4g}" if bias is not None else "")
                + f" = {total:.6g}",
                f"{column.activation or 'y'}({total:.6g}) = {told['value']:.6g}",
            ]
    maps = looks.maps(network, session.grid, units=True, fine=True)
    picture = maps.get(f"units/{layer}")
    return told, {} if picture is None else {"map": picture[unit]}


def pull(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`pull`: what reaches each layer for inputs of one's own."""
    side = side_of(session, message)
    network = side.timeline.network
    given = message["inputs"]
    shape = tuple(network.input_shape)
    if not all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 1e9 for value in given
    ):
        raise InputError("pull: inputs must be numbers")
    if len(given) != int(np.prod(shape)):
        raise InputError(f"pull: the network takes {int(np.prod(shape))} inputs, got {len(given)}")
    row = np.array(given, np.int64 if network.takes_integers else np.float64).reshape(shape)
    values = side.looks.values(network, row)
    layers = [
        {"path": column.path, "values": values[column.path]} for column in side.looks.columns if column.path in values
    ]
    output = np.ravel(values[side.looks.columns[-1].path])
    classes = side.timeline.rows.classes
    told: dict[str, Any] = {"values": output, "class": None, "probabilities": None}
    if classes is not None and len(output) == len(classes):
        told |= {
            "class": classes[int(output.argmax())],
            "probabilities": output if side.looks.output == "softmax" else None,
        }
    return [Reply({"type": "pulled", "inputs": given, "layers": layers, "output": told})]
