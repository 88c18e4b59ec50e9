"""Forward pass, backward pass and update of one row, step by step, as the notes work them out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph.tensor import tensor
from backlit.inspect.textbook.chain import Chains, place_name
from backlit.inspect.textbook.units import units_of
from backlit.languages import Template
from backlit.studio.catalog import EXAMPLES
from backlit.studio.explaining import rows_asked, updated
from backlit.studio.replies import Reply
from backlit.studio.session import Session
from backlit.studio.sets import rows_of
from backlit.studio.state import State
from backlit.studio.timeline import Timeline
from backlit.studio.words import both

MOST_UNITS, MOST_WEIGHTS = 48, 64
FORWARD = Template("forward: {name} gets its value", "순전파: {name}의 값을 계산합니다.")
LOSS = Template("the loss", "손실")
BACKWARD = Template("backward: how the loss depends on {name}", "역전파: 손실이 {name}에 얼마나 민감한지 계산합니다.")
UPDATE = Template("update: one step of {name}", "갱신: {name}을(를) 한 걸음 옮깁니다.")

Arrays = dict[str, np.ndarray]


def walk(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`walk`."""
    example = message.get("example")
    if example == "W1":
        return [Reply(_w1())]
    if example == "W2":
        state = State.from_dict(EXAMPLES["W2"][1] or {}).replace(at=0)
        timeline = Timeline(state.replace(training=state.training.replace(engine="numpy")), rows_of(state.data, {}))
        return [Reply(passes(timeline, 0, "W2"))]
    row = session.ask_about(message.get("row"))
    return [Reply(passes(session.first.timeline, 0 if row is None else row, None))]


def passes(timeline: Timeline, row: int, example: str | None) -> dict[str, Any]:
    """The three passes of a row through a small network."""
    network = timeline.network.astype("float64")
    x, y = rows_asked(timeline, row)
    x = x if network.takes_integers else x.astype("float64")
    units = units_of(network, x)
    if len(units.units) > MOST_UNITS:
        raise InputError(f"this network has {len(units.units)} units; step by step at most {MOST_UNITS} are shown")
    chains = Chains(units, timeline.job.loss, y.astype("float64") if y.dtype.kind == "f" else y, {})
    places = list(dict.fromkeys(unit.layer for unit in chains.units))
    height: dict[str, int] = {}
    nodes, edges, steps = [], [], []
    for unit in chains.units:
        number = height.setdefault(unit.layer, 0)
        height[unit.layer] += 1
        kind = "input" if unit.layer == "input" else "output" if id(unit) in chains.outputs else "unit"
        nodes.append({"id": unit.number, "column": places.index(unit.layer), "row": number, "name": chains.x(unit).text,
                      "kind": kind, "value": float(unit.x[0])})  # fmt: skip
        for source, place, slope in zip(unit.sources, unit.places, np.asarray(unit.slopes), strict=True):
            edges.append({"from": source.number, "to": unit.number, "weight": float(np.ravel(slope)[0]),
                          "place": None if place is None else place_name(place)})  # fmt: skip
        if kind != "input":
            steps.append(_step("forward", unit.number, chains.forward_line(unit).text, float(unit.x[0]),
                               FORWARD.of(name=chains.x(unit).text)))  # fmt: skip
    steps.append(
        _step("forward", None, f"{chains.loss.text} = {chains.losses[0]:.8g}", float(chains.losses[0]), LOSS.of())
    )
    steps += [
        _step("backward", unit.number, chains.delta_line(unit).text, float(chains.deltas[id(unit)][0]),
              BACKWARD.of(name=chains.x(unit).text))
        for unit in reversed(chains.units) if unit.layer != "input"
    ]  # fmt: skip
    if network.size <= MOST_WEIGHTS:
        ends = {edge["place"]: [edge["from"], edge["to"]] for edge in edges if edge["place"]}
        for weight in updated(timeline, row, None).weights:
            symbols, *numbers = [line.text for line in weight.lines]
            step = _step("update", None, symbols, weight.new, UPDATE.of(name=weight.symbol.text))
            steps.append({**step, "numbers": "\n".join(numbers), "place": weight.name, "edge": ends.get(weight.name),
                          "gradient": weight.gradient, "old": weight.old})  # fmt: skip
    return {"type": "walked", "nodes": nodes, "edges": edges, "steps": steps, "example": example}


def _step(phase: str, node: int | None, line: str, value: float, text: Any) -> dict[str, Any]:
    symbols, _, numbers = line.rpartition(" = ")
    return {"phase": phase, "node": node, "place": None, "edge": None, "symbols": symbols, "numbers": f"= {numbers}",
            "value": value, "text": both(text)}  # fmt: skip


def _w1() -> dict[str, Any]:
    """F = (x + y)·z at x = −2, y = 5, z = −4."""
    x, y, z = tensor(-2.0, name="x"), tensor(5.0, name="y"), tensor(-4.0, name="z")
    q = x + y
    q.name = "q"
    f = q * z
    f.name = "f"
    f.backward()
    placed = {"x": (x, 0, 0), "y": (y, 0, 1), "z": (z, 0, 2), "q": (q, 1, 0), "f": (f, 2, 1)}
    ids = {name: number for number, name in enumerate(placed, 1)}
    nodes = [
        {"id": ids[name], "column": column, "row": row, "name": name, "kind": "input" if column == 0 else "unit",
         "value": node.item()}
        for name, (node, column, row) in placed.items()
    ]  # fmt: skip
    edges = [
        {"from": ids[one], "to": ids[other], "weight": None, "place": None}
        for one, other in (("x", "q"), ("y", "q"), ("q", "f"), ("z", "f"))
    ]
    steps = [
        _step("forward", ids["q"], f"q = x + y = −2 + 5 = {q.item():g}", q.item(), FORWARD.of(name="q")),
        _step("forward", ids["f"], f"f = q·z = 3·(−4) = {f.item():g}", f.item(), FORWARD.of(name="f")),
    ]
    rules = {
        "f": "∂f/∂f = 1", "z": "∂f/∂z = q = 3", "q": "∂f/∂q = z = −4",
        "x": "∂f/∂x = ∂f/∂q·∂q/∂x = −4·1 = −4", "y": "∂f/∂y = ∂f/∂q·∂q/∂y = −4·1 = −4",
    }  # fmt: skip
    for name, line in rules.items():
        gradient = float(np.asarray(placed[name][0].grad))
        steps.append(_step("backward", ids[name], line, gradient, BACKWARD.of(name=name)))
    return {"type": "walked", "nodes": nodes, "edges": edges, "steps": steps, "example": "W1"}
