"""Linear layers, what two of them with a rectifier compute, and that stacks of them are one."""

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError, ShapeError
from tests.nn.common import copy_into, draw_params, outputs_and_gradients, torch_gradients


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_equals_pytorch(bias: bool, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    network = draw_params(bl.Linear(3, bias=bias).build(shape, dtype="float64"), rng)
    x = rng.normal(size=(5, *shape))
    ours, by_params, by_input = outputs_and_gradients(network, x)
    module = torch.nn.Linear(4, 3, bias=bias)
    copy_into(module, network.params)
    output, theirs, theirs_input = torch_gradients(module, x)
    np.testing.assert_allclose(ours["output"], output, rtol=1e-12)
    np.testing.assert_allclose(by_input, theirs_input, rtol=1e-12)
    assert by_params.keys() == theirs.keys()
    for name, gradient in theirs.items():
        np.testing.assert_allclose(by_params[name], gradient, rtol=1e-12)


def test_cost_and_size() -> None:
    network = bl.Linear(3).build((7, 4))
    assert (network.size, network.architecture.cost((7, 4))) == (15, 84)


@pytest.mark.parametrize("units", [0, -1, 2.5, True, "3"])
def test_refuses_units(units: object) -> None:
    with pytest.raises(InputError, match="Linear: units must be a whole number of at least 1, got"):
        bl.Linear(units)  # type: ignore[arg-type]


def test_refuses_inputs_without_features() -> None:
    with pytest.raises(ShapeError, match=r"Linear\(3\) needs inputs of shape \(features,\) or more axes"):
        bl.Linear(3).build(())


def test_refuses_inputs_of_another_size() -> None:
    network = bl.Sequential(bl.Linear(3), bl.Linear(2)).build((4,))
    swapped = network.replace(params={"0": network.params["1"], "1": network.params["0"]})
    with pytest.raises(
        ShapeError, match=r"layer 0 \(Linear\(3\)\): expected inputs of last size 3, got shape \(1, 4\)"
    ):
        swapped(np.zeros((1, 4)))


# M4: the linear score function, and two layers with a rectifier between them


def test_two_layer_network_and_the_linear_score_function(rng: np.random.Generator) -> None:
    """``W2 max(0, W1 x)``; where nothing is below zero it is the linear score function ``(W2 W1) x``."""
    x = rng.normal(size=(6, 3))
    network = bl.Sequential(bl.Linear(5, bias=False), bl.ReLU(), bl.Linear(2, bias=False)).build((3,), dtype="float64")
    w1, w2 = network.params["0"]["weight"], network.params["2"]["weight"]
    np.testing.assert_allclose(network(x), [w2 @ np.maximum(0, w1 @ row) for row in x], rtol=1e-12)

    positive = network.replace(params={"0": {"weight": abs(w1)}, "2": {"weight": w2}})
    scores = bl.Linear(2, bias=False).build((3,), dtype="float64").replace(params={"weight": w2 @ abs(w1)})
    np.testing.assert_allclose(positive(abs(x)), scores(abs(x)), rtol=1e-12)


# M5: collapse


def test_a_stack_of_linear_layers_is_one(rng: np.random.Generator) -> None:
    stack = bl.Sequential(bl.Linear(50), bl.Identity(), bl.Linear(40, bias=False), bl.Linear(30), bl.Linear(2))
    deep = draw_params(stack.build((3,), dtype="float64"), rng)
    flat = bl.collapse(deep)
    assert flat.architecture == bl.Sequential(bl.Linear(2))
    assert (deep.size, flat.size) == (50 * 4 + 40 * 50 + 30 * 41 + 2 * 31, 8)
    x = rng.normal(size=(20, 3))
    np.testing.assert_allclose(flat(x), deep(x), rtol=1e-12)


def test_no_depth_of_linear_layers_learns_exclusive_or_but_one_rectifier_does() -> None:
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    found = {}
    for name, between in (("linear", bl.Identity()), ("relu", bl.ReLU())):
        net = bl.Sequential(bl.Linear(16), between, bl.Linear(16), between, bl.Linear(2))
        run = bl.fit(net, x, y, optimizer=bl.Adam(0.02), epochs=300, batch_size=None, progress=False)
        found[name] = run.history[-1]["loss"]
    assert found["linear"] == pytest.approx(np.log(2), abs=1e-3)  # no better than guessing
    assert found["relu"] < 0.01


def test_collapse_keeps_what_is_not_linear(rng: np.random.Generator) -> None:
    layers = bl.Sequential(
        bl.Linear(5), bl.DropConnect(4, rate=0.3), bl.BatchNorm(), bl.ReLU(), bl.Linear(6), bl.Linear(3, bias=False),
    )  # fmt: skip
    network = draw_params(layers.build((3,), dtype="float64"), rng)
    _, state = network.apply(network.params, rng.normal(size=(30, 3)), training=True)
    network = network.replace(state=state)
    small = bl.collapse(network)
    assert small.architecture == bl.Sequential(bl.Linear(4), bl.BatchNorm(), bl.ReLU(), bl.Linear(3))
    assert small.params["3"]["bias"].shape == (3,)
    assert list(small.state) == ["1/mean", "1/variance"]
    x = rng.normal(size=(20, 3))
    np.testing.assert_allclose(small(x), network(x), rtol=1e-12)


def test_collapse_of_layers_without_biases_has_none() -> None:
    deep = bl.Sequential(bl.Linear(5, bias=False), bl.Linear(4, bias=False)).build((3,))
    assert bl.collapse(deep).architecture == bl.Sequential(bl.Linear(4, bias=False))


def test_collapse_refuses_other_things() -> None:
    with pytest.raises(InputError, match="collapse needs a network of a Sequential"):
        bl.collapse(bl.Sequential(bl.Linear(2)))  # type: ignore[arg-type]
