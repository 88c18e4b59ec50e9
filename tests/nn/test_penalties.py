"""Penalties, which parameters they are for, what they do, and the regularised cost of a whole network (M3)."""

from typing import Any

import numpy as np
import pytest
import sklearn.linear_model

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.penalties import weights

NETWORK = bl.Sequential(
    bl.Linear(5), bl.LayerNorm(), bl.PReLU(), bl.Residual(bl.Linear(5), bl.Tanh()), bl.Linear(2)
).build((3,), dtype="float64")  # fmt: skip


def flat() -> dict[str, Any]:
    return tree.flatten_dict(NETWORK.params)


def test_biases_and_normalisation_are_left_out() -> None:
    expected = [path for path in flat() if path.endswith("/weight")]
    assert expected == ["0/weight", "3/body/0/weight", "4/weight"]
    total = sum((flat()[path] ** 2).sum() for path in expected)
    assert float(bl.L2(0.5)(NETWORK.params)) == pytest.approx(0.5 * total, rel=1e-12)
    shifted = NETWORK.replace(params={**NETWORK.params, "1": {"scale": np.full(5, 9.0), "bias": np.full(5, 9.0)}})
    assert float(bl.L2(0.5)(shifted.params)) == pytest.approx(0.5 * total, rel=1e-12)
    everything = sum((leaf**2).sum() for leaf in flat().values())
    assert float(bl.L2(0.5, biases=True)(NETWORK.params)) == pytest.approx(0.5 * everything, rel=1e-12)


@pytest.mark.parametrize(
    ("only", "paths"),
    [
        ("0/*", ["0/weight"]),
        ("3/*", ["3/body/0/weight"]),
        ("*/weight", ["0/weight", "3/body/0/weight", "4/weight"]),
        ("[04]/*", ["0/weight", "4/weight"]),
    ],
)
def test_only_some_layers(only: str, paths: list[str]) -> None:
    expected = sum(abs(flat()[path]).sum() for path in paths)
    assert float(bl.L1(2.0, only=only)(NETWORK.params)) == pytest.approx(2.0 * expected, rel=1e-12)


@pytest.mark.parametrize(
    "penalty",
    [
        bl.L2(0.3),
        bl.L1(0.3),
        bl.Elastic(0.2, 0.4),
        bl.L1(0.1, only="0/*") + bl.L2(0.2) + bl.L2(1.0, only="4/*", biases=True),
    ],
    ids=str,
)
def test_gradients_and_engines(penalty: bl.Penalty) -> None:
    bl.check_gradients(penalty, NETWORK.params)
    by_numpy = bl.value_and_grad(penalty)(NETWORK.params)
    by_xla = bl.compile(bl.value_and_grad(penalty))(NETWORK.params)
    np.testing.assert_allclose(by_numpy[0], by_xla[0], rtol=1e-12)
    np.testing.assert_allclose(by_numpy[1]["0"]["weight"], by_xla[1]["0"]["weight"], rtol=1e-12)
    assert isinstance(hash(penalty), int)
    assert bl.grad(penalty)(NETWORK.astype("float32").params)["0"]["weight"].dtype == np.float32


def test_formulas() -> None:
    w = {"weight": np.array([[1.0, -2.0, 0.0]])}
    for penalty, value, slope in (
        (bl.L2(0.5), 2.5, [1.0, -2.0, 0.0]),
        (bl.L1(0.5), 1.5, [0.5, -0.5, 0.0]),  # no pull at 0
        (bl.Elastic(0.5, 0.5), 4.0, [1.5, -2.5, 0.0]),
        (bl.L1(0.5) + bl.L2(0.5), 4.0, [1.5, -2.5, 0.0]),
    ):
        found, gradient = bl.value_and_grad(penalty)(w)
        assert float(found) == pytest.approx(value)
        assert gradient["weight"].tolist() == [slope]


def test_sums_are_flat_and_legible() -> None:
    total = bl.L1(1e-4, only="0/*") + (bl.L2(1e-3) + bl.Elastic(1.0, 2.0))
    assert repr(total) == "L1(0.0001, only='0/*') + L2(0.001) + Elastic(1.0, 2.0)"
    assert total == bl.L1(1e-4, only="0/*") + bl.L2(1e-3) + bl.Elastic(1.0, 2.0)
    with pytest.raises(TypeError):
        bl.L2(1.0) + 3  # type: ignore[operator]


def test_ridge_and_the_gaussian_prior(rng: np.random.Generator) -> None:
    """Σ (y - w·x)² / (2 σ²) + λ Σ w² has its minimum at the posterior's mode for the prior variance 1 / (2λ)."""
    x = rng.normal(size=(40, 3))
    y = x @ [1.0, -2.0, 0.5] + rng.normal(size=40)
    strength, noise = 0.7, 1.0
    loss = lambda p: ((x @ p["weight"] - y) ** 2).sum() / (2 * noise) + bl.L2(strength)(p)
    prior = 1 / (2 * strength)
    posterior_mode = np.linalg.solve(x.T @ x / noise + np.eye(3) / prior, x.T @ y / noise)
    ridge = sklearn.linear_model.Ridge(alpha=2 * noise * strength, fit_intercept=False).fit(x, y)
    np.testing.assert_allclose(posterior_mode, ridge.coef_, rtol=1e-9)
    np.testing.assert_allclose(bl.grad(loss)({"weight": posterior_mode})["weight"], 0.0, atol=1e-10)


def test_l1_leaves_few_weights_and_l2_many_small_ones(rng: np.random.Generator) -> None:
    x = rng.normal(size=(100, 20))
    y = 3.0 * x[:, 0] - 2.0 * x[:, 1] + 0.1 * rng.normal(size=100)
    ends = {}
    for name, penalty in (("none", None), ("l1", bl.L1(0.3)), ("l2", bl.L2(0.3))):
        net = bl.Linear(1)
        run = bl.fit(
            net, x, y, loss="mse", penalty=penalty, optimizer=bl.GradientDescent(0.05), epochs=400, batch_size=None,
            progress=False,
        )  # fmt: skip
        ends[name] = run.network.params["weight"][0]
    assert (abs(ends["l1"][2:]) < 0.02).all()
    assert abs(ends["l1"][:2]).min() > 1.5
    assert (ends["l2"] ** 2).sum() < 0.8 * (ends["none"] ** 2).sum()


# M3: logistic regressions, stacked, and the cost of the whole network


def test_one_layer_of_sigmoids_is_logistic_regression(rng: np.random.Generator) -> None:
    x = rng.normal(size=(150, 2))
    y = (x @ [1.0, -1.5] + 0.5 * rng.normal(size=150) > 0.2).astype(int)
    strength = 0.01  # added to the mean loss; scikit-learn's C divides the sum
    network = bl.Linear(1).build((2,), dtype="float64")
    run = bl.fit(
        network, x, y, loss="binary_cross_entropy", penalty=bl.L2(strength), optimizer=bl.GradientDescent(1.0),
        epochs=3000, batch_size=None, metrics=[], dtype="float64", progress=False,
    )  # fmt: skip
    theirs = sklearn.linear_model.LogisticRegression(C=1 / (2 * strength * len(x)), tol=1e-10).fit(x, y)
    np.testing.assert_allclose(run.network.params["weight"], theirs.coef_, rtol=1e-4)
    np.testing.assert_allclose(run.network.params["bias"], theirs.intercept_, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_cost_of_stacked_logistic_regressions(engine: str, rng: np.random.Generator) -> None:
    """``J = -1/m Σᵢ Σₖ [y ln h + (1 - y) ln(1 - h)] + λ Σ_layers Σ w²``: written out, against what training uses."""
    x, y = rng.normal(size=(12, 3)), rng.integers(0, 2, (12, 4)).astype(float)
    network = bl.Sequential(bl.Linear(5), bl.Sigmoid(), bl.Linear(4)).build((3,), dtype="float64")
    strength = 0.05

    def sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    w1, b1, w2, b2 = (network.params[i][name] for i in "02" for name in ("weight", "bias"))
    h = sigmoid(sigmoid(x @ w1.T + b1) @ w2.T + b2)
    data = -np.mean(np.sum(y * np.log(h) + (1 - y) * np.log(1 - h), axis=1)) / 4  # the loss averages the k outputs
    cost = data + strength * ((w1**2).sum() + (w2**2).sum())

    loss = bl.losses.get("multi_label_cross_entropy")
    ours = loss(network(x), y).mean() + bl.L2(strength)(network.params)
    assert float(ours) == pytest.approx(cost, rel=1e-12)
    run = bl.fit(
        network, x, y, loss=loss, penalty=bl.L2(strength), optimizer=bl.GradientDescent(0.1), epochs=1, batch_size=None,
        metrics=[], dtype="float64", engine=engine, progress=False,
    )  # fmt: skip
    assert run.history[0]["loss"] + run.history[0]["penalty"] == pytest.approx(cost, rel=1e-9)
    slope = bl.grad(lambda p: loss(network.apply(p, x)[0], y).mean() + bl.L2(strength)(p))(network.params)
    np.testing.assert_allclose(run.network.params["0"]["weight"], w1 - 0.1 * slope["0"]["weight"], rtol=1e-9)


# Mistakes


def test_a_pattern_that_matches_nothing() -> None:
    with pytest.raises(
        InputError, match=r"only='7/\*' matches no parameter besides biases.*there are 0/weight, 0/bias"
    ):
        bl.L2(1.0, only="7/*")(NETWORK.params)
    with pytest.raises(InputError, match=r"only='\*/bias' matches no parameter besides biases"):
        bl.L2(1.0, only="*/bias")(NETWORK.params)
    with pytest.raises(InputError, match="there is no parameter; there are no parameters at all"):
        weights({}, biases=True)


@pytest.mark.parametrize("strength", [-1.0, float("inf"), "0.1", True])
def test_strengths(strength: Any) -> None:
    for make in (bl.L2, bl.L1, lambda s: bl.Elastic(1.0, s), lambda s: bl.Elastic(s, 1.0)):
        with pytest.raises(InputError, match="must be a finite number of at least 0, got"):
            make(strength)
