"""Soft thresholding against scikit-learn's coordinate descent, and the step itself by hand."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

import backlit as bl
from backlit import optim
from backlit.errors import InputError


def sparse_data():
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 20))
    return x, x[:, :3] @ [2.0, -1.5, 1.0] + random.normal(0, 0.5, 60)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_a_layer_becomes_the_lasso_s_with_its_zeros(engine):
    x, y = sparse_data()
    how = {"batch_size": None, "epochs": 600, "metrics": [], "dtype": "float64", "probes": None, "engine": engine}
    optimizer = optim.chain(bl.SGD(0.1), optim.SoftThreshold(0.3, 0.1))
    run = bl.fit(bl.Linear(1), x, y, loss="mse", optimizer=optimizer, **how)
    lasso = Lasso(alpha=0.15, tol=1e-12, max_iter=100_000).fit(x, y)  # ½ mean squared error + α Σ |w|
    weight = run.network.params["weight"].ravel()
    np.testing.assert_allclose(weight, lasso.coef_, atol=1e-8)
    assert ((weight == 0) == (lasso.coef_ == 0)).all()
    assert 10 < (weight == 0).sum() < 18
    np.testing.assert_allclose(run.network.params["bias"], lasso.intercept_, atol=1e-8)


def test_one_step():
    step = optim.SoftThreshold(2.0, 0.1)
    params = {"weight": np.array([[1.0, -1.0, 0.15, -0.15, 0.0]]), "bias": np.array([0.15])}
    zero = {name: np.zeros_like(part) for name, part in params.items()}
    updates, _ = step.update(zero, {}, params, 0)
    after = optim.apply_updates(params, updates)
    np.testing.assert_allclose(after["weight"], [[0.8, -0.8, 0.0, 0.0, 0.0]], atol=1e-15)
    assert after["bias"].tolist() == [0.15]
    falling = optim.SoftThreshold(2.0, optim.InverseTime(0.1, decay=1.0))
    later = optim.apply_updates(params, falling.update(zero, {}, params, 1)[0])
    np.testing.assert_allclose(later["weight"][0, 0], 0.9)


def test_bad_strength():
    with pytest.raises(InputError, match="strength"):
        optim.SoftThreshold(-1.0)
