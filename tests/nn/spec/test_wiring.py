"""Residual and wired networks by word, and what is said of a part that doesn't fit."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.nn.spec import build


def test_blocks_that_start_as_the_identity():
    network = build("residual:16,16,8", 2, "tanh", 0.1, input_shape=(5,))

    def block(units):
        return bl.Residual(bl.Linear(units), bl.Tanh(), bl.Dropout(0.1), bl.Linear(units), zero_start=True)

    assert network == bl.Sequential(
        bl.Linear(16), bl.Tanh(), block(16), block(16), bl.Linear(8), bl.Tanh(), block(8), bl.Linear(2)
    )
    built = network.build((5,))
    assert not built.params["2"]["body"]["3"]["weight"].any()


def wired(spec, **options):
    (found,) = [layer for layer in build(spec, 1, input_shape=(4,), **options).layers if isinstance(layer, bl.Wired)]
    return found


def test_edges_of_ones_own():
    network = wired("wired:8,a-b,a-c,b-c", activation="tanh")
    node = bl.Sequential(bl.Linear(8), bl.Tanh())
    assert network == bl.Wired(node, [("a", "b"), ("a", "c"), ("b", "c")], "mean")
    assert wired("wired:8,input-a,input-b,b-output,a-b,a-output").edges[-1] == ("a", "output")


def test_a_word_for_a_random_graph():
    for spec, options in [
        ("wired:8,random=10,kind=erdos_renyi,probability=0.4", ("erdos_renyi", 10, {"probability": 0.4})),
        ("wired:8,random=6,kind=barabasi_albert,links=1,seed=2", ("barabasi_albert", 6, {"links": 1, "seed": 2})),
        ("wired:8,random=9,neighbours=2", ("watts_strogatz", 9, {"neighbours": 2})),
        ("wired:8", ("watts_strogatz", 8, {})),
    ]:  # fmt: skip
        kind, nodes, more = options
        plain = bl.Wired(bl.Linear(8), bl.random_wiring(kind, nodes, **more))
        assert wired(spec).edges == plain.edges
    assert wired("wired:8,random=3").build((8,)).output_shape == (8,)
    assert wired("wired:8,random=5,weights=learned").combine == "weighted"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("wired:a-b", "'a-b': expected the units of each node"),
        ("wired:8,ab", "'ab' is no edge and no setting"),
        ("wired:8,randm=4", "unknown setting 'randm'; did you mean 'random'"),
        ("wired:8,random=many", "'random=many': expected a whole number"),
        ("wired:8,kind=ring", "expected erdos_renyi or barabasi_albert or watts_strogatz"),
        ("wired:8,weights=yes", "expected learned or equal"),
        ("wired:8,random=4,a-b", "edges and a random graph"),
        ("wired:8,a-b,b-a", "connections run in a circle"),
        ("wired:8,random=1", "nodes must be a whole number of at least 2"),
        ("wired:8,probability=2", "probability must be from 0 to 1"),
        ("residual:64,x", "expected the blocks' widths"),
    ],
)
def test_a_part_that_does_not_fit_is_named(spec, message):
    with pytest.raises(InputError) as told:
        build(spec, 1, input_shape=(4,))
    assert message in str(told.value)
    assert repr(spec) in str(told.value)
    assert "\n" not in str(told.value)


def test_weights_of_edges_by_hand_and_their_gradients():
    edges = [("a", "b"), ("a", "c"), ("b", "c")]
    network = bl.Wired(bl.Sequential(bl.Linear(3), bl.Tanh()), edges, "weighted").build((3,), dtype="float64")
    scale = network.params["edges"]["c"]["scale"]
    assert scale.shape == (2,)
    assert "b" not in network.params["edges"]  # it has one input, which is taken as it is
    params = {**network.params, "edges": {"c": {"scale": np.array([0.5, -1.0])}}}
    x = np.random.default_rng(0).normal(size=(4, 3))

    def node(name, value):
        own = params[name]["0"]
        return np.tanh(value @ own["weight"].T + own["bias"])

    a = node("a", x)
    b = node("b", a)
    shares = 1 / (1 + np.exp(-np.array([0.5, -1.0])))
    expected = node("c", shares[0] * a + shares[1] * b)
    np.testing.assert_allclose(network.apply(params, x)[0], expected, rtol=1e-12)
    bl.check_gradients(lambda p: (network.apply(p, x)[0] ** 2).sum(), params)


def test_a_learned_weight_is_no_weight_for_penalties():
    network = bl.Wired(bl.Linear(3), [("a", "b"), ("a", "c"), ("b", "c")], "weighted").build((3,))
    plain = {name: part for name, part in network.params.items() if name != "edges"}
    assert float(bl.L2(1.0)(network.params)) == float(bl.L2(1.0)(plain))


def test_a_node_can_not_stand_in_the_place_of_the_edges():
    with pytest.raises(InputError, match="'edges'"):
        bl.Wired({"edges": bl.Linear(3), "b": bl.Linear(3)}, [("edges", "b")], "weighted")
