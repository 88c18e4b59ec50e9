"""`bl.probe`: a look without training."""

import numpy as np
import pytest

import backlit as bl


def deep(activation, init, width=300, depth=10):
    """Ten layers, as in the notes on initialisation."""
    return bl.Sequential(*[p for _ in range(depth) for p in (bl.Linear(width, weight_init=init), activation)])


def spreads(network, x):
    record = bl.probe(network, x)[0]
    return [record["layers"][str(2 * i + 1)]["std"] for i in range(10)]


@pytest.mark.parametrize(
    ("activation", "init", "last"),
    [
        (bl.Tanh(), "normal:0.01", (0, 1e-6)),
        (bl.Tanh(), "normal:0.05", (0.05, 0.5)),
        (bl.Tanh(), "xavier", (0.15, 0.4)),
        (bl.ReLU(), "xavier", (0.01, 0.1)),
        (bl.ReLU(), "kaiming", (0.5, 1.2)),
    ],
)
def test_spread_of_activations_by_initialiser(activation, init, last):
    x = np.random.default_rng(0).normal(size=(200, 300))
    network = deep(activation, init)
    found = spreads(network, x)
    params, a, by_hand = network.build(300, dtype="float64").params, x, []
    for i in range(10):
        a = a @ params[str(2 * i)]["weight"].T
        a = np.tanh(a) if isinstance(activation, bl.Tanh) else np.maximum(a, 0)
        by_hand.append(a.std())
    assert found == pytest.approx(by_hand, rel=1e-3)
    assert last[0] < found[-1] < last[1]


def test_without_targets_there_are_activations_alone():
    found = bl.probe(bl.Sequential(bl.Linear(3), bl.ReLU()), np.eye(4))
    assert found[0]["epoch"] == 0
    assert "params" not in found[0]
    assert "gradient_norm" not in found[0]["layers"]["0"]
    with pytest.raises(bl.InputError, match=r"have no gradients"):
        found.flow()


def test_with_targets_there_are_gradients():
    found = bl.probe(bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(1)), np.eye(4), [1.0, 2.0, 3.0, 4.0])
    assert found[0]["params"]["0/weight"]["update_ratio"] > 0
    assert found.flow().axes


def test_rows_are_chosen_when_there_are_many():
    x = np.random.default_rng(0).normal(size=(1000, 2))
    assert bl.probe(bl.Linear(1), x)[0]["rows"] == 256
    assert bl.probe(bl.Linear(1), x, probes=bl.Probes(rows=10))[0]["rows"] == 10
    assert bl.probe(bl.Linear(1), x, x[:, 0], probes=bl.Probes(rows=10))[0]["rows"] == 10


def test_bad_input_is_refused():
    with pytest.raises(bl.InputError, match=r"network must be a layer"):
        bl.probe(3, np.eye(2))
    with pytest.raises(bl.InputError, match=r"to look at anything, got None"):
        bl.probe(bl.Linear(1), np.eye(2), probes=None)
    with pytest.raises(bl.InputError, match=r"there are no rows"):
        bl.probe(bl.Linear(1), np.zeros((0, 2)))
    with pytest.raises(bl.ShapeError, match=r"built for inputs of shape"):
        bl.probe(bl.Linear(1).build(3), np.eye(2))
