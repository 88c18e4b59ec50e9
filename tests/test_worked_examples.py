"""The worked examples of docs/mission.md, to the digits that they are printed with."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit import ops

Function = Callable[..., Any]


def as_it_is(f: Function) -> Function:
    return f


@pytest.fixture(params=[as_it_is, bl.compile], ids=["numpy", "xla"])
def run(request: pytest.FixtureRequest) -> Function:
    """How a function is run: at once by NumPy, or compiled by XLA."""
    return request.param


def test_w1_the_first_graph() -> None:
    x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    q = x + y
    q.name = "q"  # what has a name keeps its gradient
    f = q * z
    f.name = "f"
    f.backward()
    assert (q.item(), f.item()) == (3.0, -12.0)
    assert [float(t.grad) for t in (f, z, q, x, y)] == [1.0, 3.0, -4.0, -4.0, -4.0]


def test_w1_as_a_function(run: Function) -> None:
    gradients = run(bl.grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2)))(-2.0, 5.0, -4.0)
    assert [float(g) for g in gradients] == [-4.0, -4.0, 3.0]


W2_INPUT = np.array([0.1, 0.2])
W2_TARGET = np.array([0.4, 0.6])
W2_START = {"hidden": np.array([[0.3, 0.25], [0.4, 0.35]]), "output": np.array([[0.45, 0.4], [0.7, 0.6]])}
W2_AFTER = {
    "hidden": np.array([[0.29959556, 0.24919112], [0.39964496, 0.34928991]]),
    "output": np.array([[0.43703857, 0.38685205], [0.69629578, 0.59624247]]),
}


def w2_forward(weights: dict[str, Any]) -> dict[str, Any]:
    first = weights["hidden"] @ W2_INPUT
    hidden = ops.sigmoid(first)
    second = weights["output"] @ hidden
    output = ops.sigmoid(second)
    return {"first": first, "hidden": hidden, "second": second, "output": output}


def w2_error(weights: dict[str, Any]) -> Any:
    return ops.sum(0.5 * (W2_TARGET - w2_forward(weights)["output"]) ** 2)


def test_w2_forward(run: Function) -> None:
    found = run(w2_forward)(W2_START)
    expected = {
        "first": [0.08, 0.11],
        "hidden": [0.51998934, 0.52747230],
        "second": [0.44498412, 0.68047592],
        "output": [0.60944600, 0.66384491],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=5e-9)
    assert float(run(w2_error)(W2_START)) == pytest.approx(0.02397190, abs=5e-9)


def test_w2_one_update(run: Function) -> None:
    gradients = run(bl.grad(w2_error))(W2_START)
    after = {name: W2_START[name] - 0.5 * np.asarray(gradients[name]) for name in W2_START}
    for name, weights in W2_AFTER.items():
        np.testing.assert_allclose(after[name], weights, rtol=0, atol=5e-9)
    assert float(run(w2_error)(after)) == pytest.approx(0.02323634, abs=5e-9)


def test_w3_deltas(run: Function, rng: np.random.Generator) -> None:
    """Nodes 1, 2 → 3, 4 → 5: each weight's gradient is its head's delta times its tail's value; a bias's: the delta."""
    keys = ["w13", "w23", "w14", "w24", "w35", "w45", "b3", "b4", "b5"]
    p = dict(zip(keys, rng.normal(size=len(keys)).tolist(), strict=True))
    x1, x2, target = 0.7, -1.3, 0.2

    def loss(p: dict[str, Any]) -> Any:
        x3 = ops.sigmoid(p["w13"] * x1 + p["w23"] * x2 + p["b3"])
        x4 = ops.sigmoid(p["w14"] * x1 + p["w24"] * x2 + p["b4"])
        x5 = ops.sigmoid(p["w35"] * x3 + p["w45"] * x4 + p["b5"])
        return 0.5 * (x5 - target) ** 2

    def sigmoid(z: float) -> float:
        return 1.0 / (1.0 + np.exp(-z))

    x3 = sigmoid(p["w13"] * x1 + p["w23"] * x2 + p["b3"])
    x4 = sigmoid(p["w14"] * x1 + p["w24"] * x2 + p["b4"])
    x5 = sigmoid(p["w35"] * x3 + p["w45"] * x4 + p["b5"])
    d5 = (x5 - target) * x5 * (1 - x5)
    d3 = d5 * p["w35"] * x3 * (1 - x3)
    d4 = d5 * p["w45"] * x4 * (1 - x4)
    by_hand = [d3 * x1, d3 * x2, d4 * x1, d4 * x2, d5 * x3, d5 * x4, d3, d4, d5]

    gradients = run(bl.grad(loss))(p)
    np.testing.assert_allclose([float(gradients[key]) for key in keys], by_hand, rtol=1e-12)


def w4_start(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    x, y = rng.normal(size=(64, 1000)), rng.normal(size=(64, 10))
    return x, y, rng.normal(size=(1000, 100)), rng.normal(size=(100, 10))


def w4_by_hand(
    x: np.ndarray, y: np.ndarray, w1: np.ndarray, w2: np.ndarray, steps: int
) -> tuple[list[float], Any, Any]:
    losses = []
    for _ in range(steps):
        hidden = 1.0 / (1.0 + np.exp(-(x @ w1)))
        predicted = hidden @ w2
        losses.append(float(np.square(predicted - y).sum()))
        upstream = 2.0 * (predicted - y)
        down2 = hidden.T @ upstream
        down1 = x.T @ (upstream @ w2.T * hidden * (1.0 - hidden))
        w1, w2 = w1 - 1e-4 * down1, w2 - 1e-4 * down2
    return losses, w1, w2


def test_w4_two_thousand_steps(run: Function, rng: np.random.Generator) -> None:
    x, y, w1, w2 = w4_start(rng)
    losses, end1, end2 = w4_by_hand(x, y, w1, w2, 2000)
    assert losses[-1] < 1e-3 * losses[0]  # it learns

    def loss(weights: tuple[Any, Any]) -> Any:
        return ops.sum((ops.sigmoid(x @ weights[0]) @ weights[1] - y) ** 2)

    step = run(bl.value_and_grad(loss))
    weights = (w1, w2)
    found = []
    for _ in range(2000):
        value, gradients = step(weights)
        found.append(float(value))
        weights = tuple(w - 1e-4 * np.asarray(g) for w, g in zip(weights, gradients, strict=True))
    np.testing.assert_allclose(found, losses, rtol=1e-9)
    np.testing.assert_allclose(weights[0], end1, rtol=0, atol=1e-10)
    np.testing.assert_allclose(weights[1], end2, rtol=0, atol=1e-10)


def with_weights(network: bl.Network, *weights: np.ndarray) -> bl.Network:
    """The network with these weights, in the order of its layers."""
    names = [name for name, own in network.params.items() if "weight" in own]
    return network.replace(params={name: {"weight": w} for name, w in zip(names, weights, strict=True)})


def half_squared_error(output: Any, target: Any) -> Any:
    return ops.sum(0.5 * (target - output) ** 2, axis=-1)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_w2_through_fit(engine: str) -> None:
    architecture = bl.Sequential(bl.Linear(2, bias=False), bl.Sigmoid(), bl.Linear(2, bias=False), bl.Sigmoid())
    network = with_weights(architecture.build((2,), dtype="float64"), W2_START["hidden"], W2_START["output"])
    run = bl.fit(
        network,
        W2_INPUT[None],
        W2_TARGET[None],
        loss=half_squared_error,
        optimizer=bl.GradientDescent(0.5),
        epochs=1,
        batch_size=None,
        dtype="float64",
        engine=engine,
    )
    np.testing.assert_allclose(run.network.params["0"]["weight"], W2_AFTER["hidden"], rtol=0, atol=5e-9)
    np.testing.assert_allclose(run.network.params["2"]["weight"], W2_AFTER["output"], rtol=0, atol=5e-9)
    assert run.history[0]["loss"] == pytest.approx(0.02397190, abs=5e-9)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_w4_through_fit(engine: str, rng: np.random.Generator) -> None:
    x, y, w1, w2 = w4_start(rng)
    losses, end1, end2 = w4_by_hand(x, y, w1, w2, 500)
    architecture = bl.Sequential(bl.Linear(100, bias=False), bl.Sigmoid(), bl.Linear(10, bias=False))
    run = bl.fit(
        with_weights(architecture.build((1000,), dtype="float64"), w1.T, w2.T),
        x,
        y,
        loss="squared_error",
        reduction="sum",
        optimizer=bl.GradientDescent(1e-4),
        epochs=500,
        batch_size=None,
        metrics=[],
        dtype="float64",
        engine=engine,
    )
    np.testing.assert_allclose([record["loss"] for record in run.history], losses, rtol=1e-9)
    np.testing.assert_allclose(run.network.params["0"]["weight"], end1.T, rtol=0, atol=1e-10)
    np.testing.assert_allclose(run.network.params["2"]["weight"], end2.T, rtol=0, atol=1e-10)


LETTERS = "helo"
CODES = np.array([LETTERS.index(letter) for letter in "hello"])
ONE_HOT = np.eye(4, dtype="float32")[CODES]


def w5_training(seed: int) -> bl.Run:
    """ "hell" → "ello": one sequence of one-hot letters, each step's target the next letter."""
    network = bl.Sequential(bl.RNN(8, return_sequences=True), bl.Linear(4))
    return bl.fit(
        network, ONE_HOT[None, :-1], ONE_HOT[None, 1:], loss="soft_cross_entropy", optimizer=bl.Adam(0.05), epochs=100,
        batch_size=None, metrics=[], seed=seed, progress=False,
    )  # fmt: skip


def w5_writing(network: bl.Network, prompt: str) -> str:
    """The likeliest next letter, again and again; the state carries what was written."""
    rnn, readout = network.architecture.parts()
    text, initial = prompt, None
    while len(text) < 5:
        letters = ONE_HOT[[LETTERS.index(letter) for letter in (text if initial is None else text[-1])]]
        reader = dataclasses.replace(rnn[1], return_states=True)
        hidden, states = reader(network.params["0"], letters[None], initial=initial)
        initial = states["last"]
        text += LETTERS[int(readout[1](network.params["1"], hidden)[0, -1].argmax())]
    return text


@pytest.mark.parametrize("seed", range(10))
def test_w5_hello(seed: int) -> None:
    w5_training(seed)  # compiles
    run = w5_training(seed)
    assert run.seconds < 1
    assert run.history[-1]["loss"] < 0.01
    assert run.network(ONE_HOT[None, :-1]).argmax(axis=-1).tolist() == [CODES[1:].tolist()]
    assert w5_writing(run.network, "h") == "hello"
