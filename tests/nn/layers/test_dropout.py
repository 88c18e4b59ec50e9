"""Dropout and DropConnect."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError


def train(layer: bl.Layer, params: Any, x: np.ndarray, step: int = 0, seed: int = 0, path: str = "") -> np.ndarray:
    return layer(params, x, bl.Context(training=True, seed=seed, step=step, path=path))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_and_expectation(rate: float) -> None:
    x = np.full((200, 500), 3.0)
    y = train(bl.Dropout(rate), {}, x)
    dropped = (y == 0).mean()
    assert dropped == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / x.size))
    np.testing.assert_allclose(y[y != 0], 3.0 / (1 - rate))
    assert y.mean() == pytest.approx(3.0, rel=0.05)


def test_every_unit_keeps_its_expectation_over_the_steps() -> None:
    """The ensemble of thinned networks has the whole network's mean, unit by unit."""
    x = np.linspace(1.0, 2.0, 20)[None]
    mean = np.mean([train(bl.Dropout(0.3), {}, x, step=step) for step in range(4000)], axis=0)
    np.testing.assert_allclose(mean, x, rtol=0.05)


def test_evaluation_and_rate_zero_change_nothing(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 5))
    assert bl.Dropout(0.5)({}, x) is x
    assert train(bl.Dropout(0.0), {}, x) is x


def test_units_by_seed_step_and_place() -> None:
    x = np.ones((10, 50))
    first = train(bl.Dropout(0.5), {}, x, path="1")
    np.testing.assert_array_equal(first, train(bl.Dropout(0.5), {}, x, path="1"))
    for other in (
        train(bl.Dropout(0.5), {}, x, path="1", step=1),
        train(bl.Dropout(0.5), {}, x, path="1", seed=1),
        train(bl.Dropout(0.5), {}, x, path="3"),
    ):
        assert 0.4 < (first == other).mean() < 0.6  # as unrelated as two coins


def test_both_engines_drop_the_same_units() -> None:
    net = bl.Sequential(bl.Dropout(0.5), bl.Sequential(bl.Dropout(0.3), bl.DropConnect(3, rate=0.5))).build((20,))
    x = np.ones((8, 20), dtype="float32")

    def run(params: Any, step: Any) -> Any:
        return net.apply(params, x, training=True, seed=11, step=step)[0]

    compiled = bl.compile(run)
    for step in range(3):
        np.testing.assert_allclose(run(net.params, step), compiled(net.params, step), rtol=1e-4)
    assert compiled.traces == 1


def test_the_gradient_goes_where_the_value_went() -> None:
    x = np.ones((5, 8))
    ctx: Any = {"training": True, "seed": 2}
    y = bl.Dropout(0.5)({}, x, bl.Context(**ctx))
    gradient = bl.grad(lambda x: bl.Dropout(0.5)({}, x, bl.Context(**ctx)).sum())(x)
    np.testing.assert_array_equal(gradient, y)


def test_dropconnect_drops_weights_and_keeps_biases(rng: np.random.Generator) -> None:
    layer = bl.DropConnect(30, rate=0.25, bias_init="constant:7")
    params, _ = layer.init(bl.Key(0), (40,))
    eye = np.eye(40)
    weight = train(layer, params, eye).T - 7.0  # each row of the identity shows its weights
    kept = abs(weight) > 1e-12
    assert kept.mean() == pytest.approx(0.75, abs=4 * np.sqrt(0.25 * 0.75 / kept.size))
    np.testing.assert_allclose(weight[kept], params["weight"][kept] / 0.75, rtol=1e-9)
    np.testing.assert_allclose(layer(params, eye).T - 7.0, params["weight"], atol=1e-12)


def test_dropconnect_keeps_the_expectation(rng: np.random.Generator) -> None:
    layer = bl.DropConnect(3, rate=0.5)
    params, _ = layer.init(bl.Key(0), (40,))
    x = rng.normal(size=(1, 40))
    outputs = np.array([train(layer, params, x, step=step)[0] for step in range(4000)])
    error = outputs.std(axis=0) / np.sqrt(len(outputs))
    assert (abs(outputs.mean(axis=0) - layer(params, x)[0]) < 4 * error).all()


@pytest.mark.parametrize("kind", [bl.Dropout, lambda rate: bl.DropConnect(2, rate=rate)])
@pytest.mark.parametrize("rate", [-0.1, 1.0, True, "half"])
def test_refuses_rates(kind: Any, rate: object) -> None:
    with pytest.raises(InputError, match="rate must be a number from 0 to below 1, got"):
        kind(rate)


@pytest.mark.slow
def test_dropout_narrows_the_gap_between_training_and_validation(rng: np.random.Generator) -> None:
    """Few rows and many units overfit; with dropout less."""
    x, x_new = rng.normal(size=(40, 20)), rng.normal(size=(400, 20))
    y, y_new = (x[:, 0] > 0).astype(int), (x_new[:, 0] > 0).astype(int)
    loss = {}
    for rate in (0.0, 0.5):
        net = bl.Sequential(bl.Dropout(rate), bl.Linear(64), bl.ReLU(), bl.Dropout(rate), bl.Linear(2))
        run = bl.fit(net, x, y, validation=(x_new, y_new), epochs=100, optimizer=bl.Adam(0.003), progress=False)
        loss[rate] = run.history[-1]["val_loss"]
    assert loss[0.5] < 0.7 * loss[0.0]
