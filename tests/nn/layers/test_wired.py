"""Networks wired at will, and random wirings against what is known of their distributions."""

from collections import Counter
from typing import Any

import networkx
import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.nn.ends import towards

LAYERS = {name: bl.Sequential(bl.Linear(4), bl.Tanh()) for name in "abcd"}
DIAMOND = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


def test_a_diamond_by_hand(rng: np.random.Generator) -> None:
    network = bl.Wired(LAYERS, DIAMOND).build((3,), dtype="float64")
    x = rng.normal(size=(5, 3))

    def node(name: str, value: np.ndarray) -> np.ndarray:
        own = network.params[name]["0"]
        return np.tanh(value @ own["weight"].T + own["bias"])

    a = node("a", x)
    np.testing.assert_allclose(network(x), node("d", node("b", a) + node("c", a)), rtol=1e-12)


@pytest.mark.parametrize(("combine", "inputs"), [("sum", 4), ("mean", 4), ("concatenate", 8)])
def test_ways_of_combining(combine: str, inputs: int, rng: np.random.Generator) -> None:
    network = bl.Wired(LAYERS, DIAMOND, combine=combine).build((3,), dtype="float64")
    assert network.params["d"]["0"]["weight"].shape == (4, inputs)
    assert network(rng.normal(size=(5, 3))).shape == (5, 4)


def test_named_ends() -> None:
    """The input may skip nodes, and go straight to the output."""
    edges = [("input", "a"), ("input", "b"), ("a", "b"), ("b", "output"), ("input", "output")]
    network = bl.Wired({"a": bl.Linear(2), "b": bl.Linear(2)}, edges).build((2,), dtype="float64")
    x = np.array([[1.0, 2.0]])
    w = {name: network.params[name]["weight"] for name in "ab"}
    np.testing.assert_allclose(network(x), (x @ w["a"].T + x) @ w["b"].T + x, rtol=1e-12)


def test_several_ends_are_combined() -> None:
    wired = bl.Wired({"a": bl.Linear(2), "b": bl.Linear(3)}, [], combine="concatenate")
    assert wired.edges == (("input", "a"), ("input", "b"), ("a", "output"), ("b", "output"))
    assert wired.output_shape((4,)) == (5,)


def test_order_of_definition_does_not_matter(rng: np.random.Generator) -> None:
    backwards = dict(reversed(LAYERS.items()))
    x = rng.normal(size=(5, 3))
    np.testing.assert_array_equal(bl.Wired(backwards, DIAMOND).build((3,))(x), bl.Wired(LAYERS, DIAMOND).build((3,))(x))


def test_a_networkx_graph() -> None:
    graph = networkx.DiGraph([(0, 1), (0, 2), (1, 3), (2, 3)])
    graph.add_node(4)
    wired = bl.Wired(lambda name: bl.Linear(2) if name == "3" else bl.Tanh(), graph)
    assert dict(wired.nodes) == {**dict.fromkeys("0124", bl.Tanh()), "3": bl.Linear(2)}
    with pytest.raises(InputError, match="a → b → a"):
        bl.Wired(LAYERS, networkx.DiGraph([("a", "b"), ("b", "a")]))


def test_repr_and_table() -> None:
    wired = bl.Wired(LAYERS, DIAMOND)
    assert repr(wired) == "Wired(4 nodes, 6 edges, combine='sum')"
    table = str(bl.Sequential(wired, bl.Linear(1)).build((3,)))
    assert [line.split()[:2] for line in table.splitlines()[1:4]] == [
        ["0", "Wired"],
        ["0/a", "Sequential"],
        ["0/a/0", "Linear(4)"],
    ]


@pytest.mark.parametrize(
    ("nodes", "edges", "error", "message"),
    [
        (LAYERS, [*DIAMOND, ("d", "b")], InputError, "connections run in a circle: (b → d → b|d → b → d)"),
        (LAYERS, [("a", "a")], InputError, "circle: a → a"),
        (LAYERS, [("a", "x")], UnknownNameError, r"unknown node in the edge \('a', 'x'\): 'x'.*Known: a, b, c, d"),
        (LAYERS, [("output", "a")], UnknownNameError, r"unknown node in the edge \('output', 'a'\): 'output'"),
        (LAYERS, [("a", "b"), ("a", "b")], InputError, r"the edge \('a', 'b'\) is given twice"),
        (LAYERS, ["ab"], InputError, "an edge is a pair of names, such as .*, got 'ab'"),
        (LAYERS, [("input", "a"), ("a", "b")], InputError, "no connection leads from the input to c, d"),
        (LAYERS, [("a", "output"), ("a", "b")], InputError, "no connection leads from b, c, d to the output"),
        ({}, [], InputError, "Wired needs at least one node"),
        ({"a": "linear"}, [], InputError, "node 'a' must be a layer such as .*, got 'linear'"),
        ({"input": bl.Tanh()}, [], InputError, "a node can't be called 'input'"),
        ({"a/b": bl.Tanh()}, [], InputError, "a node can't be called 'a/b'"),
        ([("a", bl.Tanh()), ("a", bl.Tanh())], [], InputError, "two nodes have one name"),
    ],
)
def test_refusals(nodes: Any, edges: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bl.Wired(nodes, edges)


def test_shapes_that_do_not_fit_are_told_with_the_node() -> None:
    layers = {"a": bl.Linear(2), "b": bl.Linear(3), "c": bl.Linear(1)}
    with pytest.raises(ShapeError, match=r"inputs of node 'c': shapes \(2,\), \(3,\) have no sum"):
        bl.Wired(layers, [("a", "c"), ("b", "c")]).build((4,))
    with pytest.raises(ShapeError, match="Wired: the output: shapes"):
        bl.Wired(layers, []).build((4,))


# Random wirings


@pytest.mark.parametrize("kind", ["erdos_renyi", "barabasi_albert", "watts_strogatz"])
def test_random_wirings_are_acyclic_in_one_piece_and_repeatable(kind: str) -> None:
    for seed in range(5):
        edges = bl.random_wiring(kind, 12, probability=0.4, seed=seed)
        assert edges == bl.random_wiring(kind, 12, probability=0.4, seed=seed)
        assert all(int(a) < int(b) for a, b in edges)
        graph = networkx.DiGraph(edges)
        assert networkx.is_directed_acyclic_graph(graph)
        assert networkx.is_weakly_connected(graph)
        assert set(graph.nodes) == {str(i) for i in range(12)}
    assert len({bl.random_wiring(kind, 12, probability=0.4, seed=seed) for seed in range(5)}) > 1


def test_a_random_network_trains(rng: np.random.Generator) -> None:
    edges = bl.random_wiring("watts_strogatz", 8, seed=3)
    net = bl.Sequential(bl.Wired(bl.Sequential(bl.ReLU(), bl.Linear(8)), edges, combine="mean"), bl.Linear(1))
    x = rng.normal(size=(64, 3))
    run = bl.fit(net, x, x[:, :1] * x[:, 1:2], optimizer=bl.Adam(0.01), epochs=60, progress=False)
    assert run.history[-1]["loss"] < 0.5 * run.history[0]["loss"]


def test_erdos_renyi_connects_each_pair_with_the_probability() -> None:
    n, p, draws = 30, 0.3, 60
    counts = [len(bl.random_wiring("erdos_renyi", n, probability=p, seed=s, connected=False)) for s in range(draws)]
    pairs = n * (n - 1) / 2
    error = np.sqrt(pairs * p * (1 - p) / draws)
    assert np.mean(counts) == pytest.approx(pairs * p, abs=4 * error)
    assert np.var(counts) == pytest.approx(pairs * p * (1 - p), rel=0.7)


def test_barabasi_albert_favours_what_is_connected() -> None:
    n, m = 200, 2
    edges = bl.random_wiring("barabasi_albert", n, links=m, seed=0)
    assert len(edges) == m * (n - m)
    degrees = Counter(name for edge in edges for name in edge)
    assert min(degrees.values()) >= m
    uniform = bl.random_wiring("erdos_renyi", n, probability=2 * m / n, seed=0, connected=False)
    most = max(Counter(name for edge in uniform for name in edge).values())
    assert max(degrees.values()) > 2 * most  # hubs, which a uniform graph hasn't
    theirs = max(dict(networkx.barabasi_albert_graph(n, m, seed=0).degree).values())
    assert 0.4 < max(degrees.values()) / theirs < 2.5


def test_watts_strogatz_moves_the_share_of_connections() -> None:
    n, k = 100, 4
    ring = set(bl.random_wiring("watts_strogatz", n, neighbours=k, probability=0.0))
    assert ring == {tuple(sorted((str(i), str((i + s) % n)), key=int)) for i in range(n) for s in (1, 2)}
    for p in (0.25, 0.75):
        moved = [
            len(ring - set(bl.random_wiring("watts_strogatz", n, neighbours=k, probability=p, seed=s)))
            for s in range(20)
        ]
        assert np.mean(moved) / len(ring) == pytest.approx(p, abs=0.04)
        assert len(bl.random_wiring("watts_strogatz", n, neighbours=k, probability=p)) == n * k // 2


@pytest.mark.parametrize(
    ("kind", "nodes", "options", "message"),
    [
        ("erdos", 5, {}, "unknown wiring 'erdos'; did you mean 'erdos_renyi'?"),
        ("erdos_renyi", 1, {}, "nodes must be a whole number of at least 2, got 1"),
        ("erdos_renyi", 5, {"probability": 1.5}, "probability must be from 0 to 1, got 1.5"),
        ("erdos_renyi", 20, {"probability": 0.0}, "none of 1000 graphs of 20 nodes was in one piece"),
        ("barabasi_albert", 5, {"links": 5}, "links must be from 1 to 4, one less than the nodes, got 5"),
        ("watts_strogatz", 9, {"neighbours": 3}, "neighbours must be even, from 2 to below 9, got 3"),
        ("watts_strogatz", 4, {"neighbours": 4}, "neighbours must be even, from 2 to below 4, got 4"),
        ("watts_strogatz", 4, {"neighbours": 2.0}, "neighbours must be a whole number of at least 2, got 2.0"),
    ],
)
def test_random_wiring_refusals(kind: str, nodes: int, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        bl.random_wiring(kind, nodes, **options)


TWO = {"left": bl.Linear(2), "right": bl.Linear(3), "join": bl.Linear(4), "end": bl.Linear(1)}
JOINED = [("a", "left"), ("b", "right"), ("left", "join"), ("right", "join"), ("join", "end")]


def several(**changes: Any) -> bl.Wired:
    given = {"combine": {"join": "concatenate"}, "inputs": ("a", "b"), "outputs": ("join", "end")} | changes
    return bl.Wired(given.pop("nodes", TWO), given.pop("edges", JOINED), **given)


def test_several_inputs_and_outputs_by_hand(rng: np.random.Generator) -> None:
    """An output may be a node that another node uses; names may come in any order."""
    network = several().build({"b": (2,), "a": (3,)}, dtype="float64")
    assert network.input_shape == {"a": (3,), "b": (2,)}
    assert list(network.input_shape) == ["a", "b"]  # the architecture's order
    x = {"b": rng.normal(size=(5, 2)), "a": rng.normal(size=(5, 3))}

    def node(name: str, value: np.ndarray) -> np.ndarray:
        return value @ network.params[name]["weight"].T + network.params[name]["bias"]

    joined = node("join", np.concatenate([node("left", x["a"]), node("right", x["b"])], axis=1))
    outputs = network(x)
    assert list(outputs) == ["join", "end"]
    np.testing.assert_allclose(outputs["join"], joined, rtol=1e-12)
    np.testing.assert_allclose(outputs["end"], node("end", joined), rtol=1e-12)


def test_outputs_at_which_edges_end_are_put_together(rng: np.random.Generator) -> None:
    nodes = {"p": bl.Linear(2), "q": bl.Linear(2)}
    edges = [("a", "p"), ("b", "q"), ("p", "both"), ("q", "both"), ("p", "one")]
    for combine, shape in (("sum", (2,)), ("concatenate", (4,)), ({"both": "mean"}, (2,)), ("weighted", (2,))):
        wired = bl.Wired(nodes, edges, combine, inputs=("a", "b"), outputs=("both", "one"))
        network = wired.build({"a": (2,), "b": (2,)}, dtype="float64")
        assert network.output_shape == {"both": shape, "one": (2,)}
        assert bl.Layer.from_dict(wired.to_dict()) == wired
        assert network({"a": np.ones((1, 2)), "b": np.ones((1, 2))})["both"].shape == (1, *shape)
        assert (combine == "weighted") == ("edges" in network.params)


def test_ends_run_through_containers() -> None:
    wired = several(outputs=())
    behind = bl.Sequential(wired, bl.Linear(2))
    assert behind.input_names == ("a", "b")
    assert behind.build({"a": (3,), "b": (2,)}).output_shape == (2,)
    heads = bl.Wired({"p": bl.Linear(2), "q": bl.Linear(1)}, [("input", "p"), ("input", "q")], outputs=("p", "q"))
    assert bl.Sequential(bl.Linear(3), heads).build((4,)).output_shape == {"p": (2,), "q": (1,)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": ("a", "b", "c")}, "no edge starts at the input 'c'"),
        ({"inputs": ("a", "left")}, "'left' is an input; a node needs a name of its own"),
        ({"inputs": ("a", "a")}, "inputs has a name twice: a, a"),
        ({"inputs": "ab"}, r"inputs must be names, inputs=\('a', 'b'\), got 'ab'"),
        ({"inputs": ("a/b",)}, "inputs must be names without '/', got 'a/b'"),
        ({"outputs": ("end", "other")}, "the output 'other' is no node, and no edge ends at it"),
        ({"outputs": ("left",)}, "no connection leads from right, join, end to the output"),
        ({"edges": [*JOINED, ("d", "end")]}, r"unknown node in the edge \('d', 'end'\): 'd'"),
        ({"combine": {"jion": "sum"}}, "unknown node in combine: 'jion'; did you mean 'join'"),
        ({"combine": {"join": "product"}}, "unknown combine of Wired 'product'"),
    ],
)
def test_ends_that_cant_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        several(**changes)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (several(), (3,), "input_shape must be a dict of the network's inputs 'a', 'b'"),
        (several(), {"a": (3,)}, "input_shape: missing 'b'; the network's inputs are 'a', 'b'"),
        (several(), {"a": (3,), "b": (0,)}, r"input_shape of 'b': \(0,\) must hold whole numbers of at least 1"),
        (several(), {}, "input_shape names no input"),
        (bl.Linear(3), {"a": (3,)}, r"Linear\(3\) takes one array, not several by name \(a\)"),
        (bl.Residual(several(outputs=())), {"a": (3,), "b": (2,)}, "takes one array, not several by name"),
        (bl.Sequential(several(), bl.Linear(2)), {"a": (3,), "b": (2,)}, r"layer 1 \(Linear\(2\)\): .* \(join, end\)"),
        (several(combine="sum"), {"a": (3,), "b": (2,)}, "inputs of node 'join': shapes .* have no sum"),
    ],
)
def test_shapes_that_dont_fit_ends(layer: bl.Layer, shape: Any, message: str) -> None:
    with pytest.raises((InputError, ShapeError), match=message):
        layer.build(shape)


def test_batches_that_dont_fit_ends() -> None:
    network = several().build({"a": (3,), "b": (2,)})
    with pytest.raises(ShapeError, match="all inputs need equally many rows, got 4 of 'a', 1 of 'b'"):
        network({"a": np.ones((4, 3)), "b": np.ones((1, 2))})
    with pytest.raises(
        ShapeError, match=r"input 'b': the network was built for inputs of shape \(batch, 2\), got \(4, 5\)"
    ):
        network({"a": np.ones((4, 3)), "b": np.ones((4, 5))})
    with pytest.raises(ShapeError, match="the network takes one array, got several by name: a"):
        bl.Linear(2).build((3,))({"a": np.ones((4, 3))})


@pytest.mark.parametrize("combine", [{"join": "concatenate"}, {"join": "weighted"}])
def test_one_output_alone_is_what_it_is_among_others(combine: Any, rng: np.random.Generator) -> None:
    nodes = {**TWO, "right": bl.Linear(2)}
    network = several(nodes=nodes, combine=combine).build({"a": (3,), "b": (2,)}, dtype="float64")
    x = {"a": rng.normal(size=(5, 3)), "b": rng.normal(size=(5, 2))}
    for name, output in network(x).items():
        alone = towards(network, name)
        np.testing.assert_array_equal(alone(x), output)
        assert alone.size <= network.size
    assert "end" not in towards(network, "join").params
    with pytest.raises(UnknownNameError, match="unknown output 'ennd'; did you mean 'end'"):
        towards(network, "ennd")
