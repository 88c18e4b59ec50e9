"""The closed form through `fit` against NumPy and scikit-learn, and what it can't do."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

import backlit as bl
from backlit.errors import InputError
from backlit.train.ensemble import Folds


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 4)) + 3
    return x, x @ rng.normal(size=(4, 2)) + 0.1 * rng.normal(size=(50, 2)) - 5


def solved(network, x, y, **options):
    return bl.fit(network, x, y, optimizer="least_squares", dtype="float64", engine="numpy", probes=None, **options)


def test_least_squares(data):
    run = solved(bl.Linear(2), *data)
    best = LinearRegression().fit(*data)
    np.testing.assert_allclose(run.network.params["weight"], best.coef_, rtol=1e-9)
    np.testing.assert_allclose(run.network.params["bias"], best.intercept_, rtol=1e-9)
    assert run.stopped == "closed form"
    assert len(run.history) == 1
    np.testing.assert_allclose(run.history["loss"][0], np.mean((best.predict(data[0]) - data[1]) ** 2), rtol=1e-9)


@pytest.mark.parametrize("loss", ["mean_squared_error", "squared_error"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("bias", [True, False])
def test_with_a_penalty_it_is_ridge_and_no_step_improves_it(data, loss, reduction, bias):
    weights = np.random.default_rng(2).uniform(0.1, 2, 50)
    options = {"loss": loss, "reduction": reduction, "penalty": bl.L2(0.3), "sample_weight": weights}
    run = solved(bl.Sequential(bl.Linear(2, bias=bias)), *data, **options)
    share = {"mean_squared_error": 0.5, "squared_error": 1.0}[loss]
    alpha = 0.3 / share * (weights.sum() if reduction == "mean" else 1.0)
    best = Ridge(alpha, fit_intercept=bias).fit(*data, sample_weight=weights)
    np.testing.assert_allclose(run.network.params["0"]["weight"], best.coef_, rtol=1e-6)
    step = bl.fit(
        run.network, *data, optimizer=bl.SGD(1e-3), epochs=1, batch_size=None, dtype="float64", engine="numpy",
        probes=None, **options,
    )  # fmt: skip
    np.testing.assert_allclose(step.network.params["0"]["weight"], best.coef_, rtol=1e-6)


def test_an_ensembles_members_are_solved_on_their_own_rows(data):
    x, y = data
    rows = [np.arange(0, 10), np.arange(10, 20)]
    run = solved(bl.Linear(2), x, y, ensemble=2, validation=Folds(tuple(rows)))
    for i, held in enumerate(rows):
        rest = np.setdiff1d(np.arange(50), held)
        best = LinearRegression().fit(x[rest], y[rest])
        np.testing.assert_allclose(run.network.params[str(i)]["weight"], best.coef_, rtol=1e-6)


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(2)), {}, "needs a linear network"),
        (bl.Linear(2), {"loss": "huber"}, "mean_squared_error or squared_error, not Huber"),
        (bl.Linear(2), {"penalty": bl.L1(0.1)}, "L2 of all weights, or none; got L1(0.1)"),
    ],
)
def test_what_has_no_closed_form_is_refused(data, network, options, message):
    with pytest.raises(InputError) as told:
        solved(network, *data, **options)
    assert message in str(told.value)
