"""Soft thresholding against scikit-learn's coordinate descent, and the step itself by hand."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import Lasso

import backlit as bl
from backlit import optim
from backlit.doctor.repair import updates as remedies
from backlit.errors import InputError
from backlit.train.lr_find import with_learning_rate


def sparse_data():
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 20))
    return x, x[:, :3] @ [2.0, -1.5, 1.0] + random.normal(0, 0.5, 60)


HOW = {"loss": "mse", "batch_size": None, "metrics": [], "dtype": "float64", "probes": None}


@pytest.mark.parametrize("engine", ["numpy", "xla"])
@pytest.mark.parametrize("steered", [False, True])
def test_a_layer_becomes_the_lasso_s_with_its_zeros(engine, steered):
    """Also where the rate is reduced between epochs: the threshold is reduced with it."""
    x, y = sparse_data()
    rate = optim.ReduceOnPlateau(0.1, factor=0.5, patience=0, threshold=1e-3, minimum=0.02) if steered else 0.1
    epochs = 1000 if steered else 600
    run = bl.fit(
        bl.Linear(1), x, y, optimizer=optim.SoftThreshold(rate, strength=0.3), epochs=epochs, engine=engine, **HOW
    )
    lasso = Lasso(alpha=0.15, tol=1e-12, max_iter=100_000).fit(x, y)  # ½ mean squared error + α Σ |w|
    weight = run.network.params["weight"].ravel()
    np.testing.assert_allclose(weight, lasso.coef_, atol=1e-8)
    assert ((weight == 0) == (lasso.coef_ == 0)).all()
    assert 10 < (weight == 0).sum() < 18
    np.testing.assert_allclose(run.network.params["bias"], lasso.intercept_, atol=1e-8)


PARAMS = {"weight": np.array([[1.0, -1.0, 0.15, -0.15, 0.0]]), "bias": np.array([0.15])}
ZERO = {name: np.zeros_like(part) for name, part in PARAMS.items()}


def after(optimizer, step=0, factor=None):
    state = optimizer.init(PARAMS)
    state = state if factor is None else optim.set_factor(state, factor)
    return optim.apply_updates(PARAMS, optimizer.update(ZERO, state, PARAMS, step)[0])


def test_one_step():
    moved = after(optim.SoftThreshold(0.1, 2.0))
    np.testing.assert_allclose(moved["weight"], [[0.8, -0.8, 0.0, 0.0, 0.0]], atol=1e-15)
    assert moved["bias"].tolist() == [0.15]
    falling = optim.SoftThreshold(optim.InverseTime(0.1, decay=1.0), 2.0)
    np.testing.assert_allclose(after(falling, step=1)["weight"][0, 0], 0.9)


def test_a_factor_on_the_rate_is_one_on_the_threshold():
    plateau = optim.SoftThreshold(optim.ReduceOnPlateau(0.1), 2.0)
    np.testing.assert_allclose(after(plateau)["weight"][0, 0], 0.8)
    np.testing.assert_allclose(after(plateau, factor=0.1)["weight"], [[0.98, -0.98, 0.13, -0.13, 0.0]], atol=1e-15)


def test_whoever_asks_for_the_rate_or_changes_it_gets_that_of_the_steps():
    clipped = optim.chain(optim.ClipGlobalNorm(1.0), optim.SoftThreshold(10.0, 0.3))
    assert clipped.rate == clipped.option("learning_rate") == 10.0
    assert clipped.last == optim.SoftThreshold(10.0, 0.3)
    assert with_learning_rate(clipped, 1.0).last == optim.SoftThreshold(1.0, 0.3)
    x, y = sparse_data()
    run = bl.fit(bl.Linear(1), x, y, optimizer=clipped, epochs=1, **HOW)
    lower = remedies.settled(dataclasses.replace(run.recipe), run)[-1]
    changed = lower.recipe.training.optimizer
    assert lower.words == "learning rate 10 → 1"
    assert changed.last == optim.SoftThreshold(1.0, 0.3)
    gradient = {name: 0.1 + zero for name, zero in ZERO.items()}
    after_it = changed.update(gradient, changed.init(PARAMS), PARAMS, 0)[0]
    assert after_it["bias"].tolist() == [-0.1]  # the step itself has the rate of 1


def test_bad_strength():
    with pytest.raises(InputError, match="strength"):
        optim.SoftThreshold(0.1, -1.0)


@pytest.mark.parametrize("first", [bl.Adam(0.1), bl.SGD(0.1)])
def test_it_can_t_follow_another_optimizer(first):
    with pytest.raises(InputError, match=r"chain takes one optimizer, got .* and SoftThreshold"):
        optim.chain(first, optim.SoftThreshold(0.1, 0.3))
