"""Graphs of any form put together as containers: every output is what the nodes give one by one."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.exchange.assembling import Node, assemble
from backlit.nn.shapes import Shapes

WIDTH = 3


def drawn(rng: np.random.Generator, inputs: list[str]) -> list[Node]:
    """Up to ten nodes, each after one to three others."""
    nodes: list[Node] = []
    for i in range(rng.integers(1, 11)):
        known = [*inputs, *(node.name for node in nodes)]
        recent = known[-int(rng.integers(1, 5)) :] if rng.random() < 0.6 else known
        sources = tuple(rng.permutation(recent)[: rng.integers(1, 4)].tolist())
        name, way = f"part/{i}" if rng.random() < 0.3 else f"n{i}", ["sum", "mean"][rng.integers(2)]
        if rng.random() < 0.5:
            params = {"weight": rng.normal(size=(WIDTH, WIDTH)), "bias": rng.normal(size=WIDTH)}
            nodes.append(Node(name, bl.Linear(WIDTH), sources, params, combine=way))
        else:
            layer = bl.Identity() if len(sources) > 1 and rng.random() < 0.7 else bl.Tanh()
            nodes.append(Node(name, layer, sources, combine=way))
    return nodes


def values(nodes: list[Node], x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What each node gives."""
    made = dict(x)
    for node in nodes:
        given = sum(made[name] for name in node.inputs)
        given = given / len(node.inputs) if node.combine == "mean" else given
        if node.params:
            given = given @ node.params["weight"].T + node.params["bias"]
        made[node.name] = np.tanh(given) if isinstance(node.layer, bl.Tanh) else given
    return made


@pytest.mark.parametrize("seed", range(60))
def test_every_output_is_what_the_nodes_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = ["input"] if rng.random() < 0.3 else ["a", "b", "c"][: rng.integers(1, 4)]
    nodes = drawn(rng, inputs)
    ends = rng.permutation([node.name for node in nodes])[: rng.integers(1, 4)].tolist()
    if rng.random() < 0.2:
        ends.append(ends[0])  # one value under two names
    outputs = {f"n{i}" if rng.random() < 0.5 else f"out{i}": end for i, end in enumerate(ends)}
    x = {name: rng.normal(size=(2, WIDTH)) for name in inputs}
    shape = (WIDTH,) if inputs == ["input"] else Shapes(dict.fromkeys(inputs, (WIDTH,)))
    reached: set[str] = set()
    pending = list(ends)
    while pending:
        name = pending.pop()
        reached.add(name)
        pending += next((node.inputs for node in nodes if node.name == name), ())
    unused = [name for name in inputs if name not in reached]
    if unused and inputs != ["input"]:
        with pytest.raises(InputError, match=f"the input '{unused[0]}' leads to no output"):
            assemble(nodes, outputs, shape, "float64")
        return
    one = len(outputs) == 1 and inputs != ["input"] and seed % 2 == 0  # an array then, and no dict
    network = assemble(nodes, ends[0] if one else outputs, shape, "float64")
    assert list(network.output_names) == ([] if one else list(outputs))
    made, expected = network(x if network.input_names else x["input"]), values(nodes, x)
    for name, end in outputs.items():
        np.testing.assert_allclose(made if one else made[name], expected[end], rtol=1e-9, atol=1e-12)
    learned = sum(12 for node in nodes if node.params and node.name in reached)
    assert network.size == learned
