"""Importance of columns: what was planted is found, and scikit-learn says the same."""

import numpy as np
import polars as pl
import pytest
from sklearn.inspection import permutation_importance

import backlit as bl
from backlit.errors import InputError, ShapeError


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    a, b, noise = rng.normal(size=(3, 600))
    city = rng.integers(0, 40, 600)
    y = 4 * a + 2 * b + 0.5 * rng.normal(size=40)[city] + 0.1 * rng.normal(size=600)
    return pl.DataFrame({"noise": noise, "b": b, "a": a, "city": [f"c{c}" for c in city], "y": y})


@pytest.fixture(scope="module")
def run(table):
    return bl.fit(table, target="y", ensemble=1, network="mlp:32", epochs=120, seed=0)


def test_columns_in_the_order_of_what_they_are_worth(run, table):
    found = bl.importance(run, table, table["y"])
    assert [row["column"] for row in found.rows] == ["a", "b", "city", "noise"]
    assert found.measure == "r2"
    assert found.score == pytest.approx(run.evaluate(table, table["y"])["r2"])
    shares = {row["column"]: row["gradient"] for row in found.rows}
    assert shares["city"] is None  # a code has no gradient
    assert shares["a"] > 1.5 * shares["b"] > 4 * shares["noise"]
    assert sum(share for share in shares.values() if share) == pytest.approx(1)


def test_equal_to_scikit_learns(run, table):
    """Their shuffles differ from ours: the means agree within a few standard errors."""

    class Model:
        def fit(self, x, y):
            return self

        def score(self, x, y):
            return run.score(run.forward(x.astype(np.float32)), y)["r2"]

    theirs = permutation_importance(Model(), run.inputs(table), table["y"].to_numpy(), n_repeats=10, random_state=0)
    ours = {row["column"]: row for row in bl.importance(run, table, table["y"], repeats=10).rows}
    for name, mean, spread in zip(run.preparation.names, theirs.importances_mean, theirs.importances_std, strict=True):
        assert ours[name]["lost"] == pytest.approx(mean, abs=4 * (spread + ours[name]["spread"]) / np.sqrt(10) + 1e-6)


def test_gradient_times_input_of_a_linear_network_by_hand():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(100, 3)).astype(np.float32)
    run = bl.fit(bl.Linear(1), x, x @ np.array([2.0, -1.0, 0.0]), epochs=1, seed=0)
    shares = np.abs(run.network.params["weight"][0] * x).sum(axis=0)
    found = {row["column"]: row["gradient"] for row in bl.importance(run, x, x[:, 0]).rows}
    np.testing.assert_allclose([found[f"column {i}"] for i in range(3)], shares / shares.sum(), rtol=1e-5)


def test_classes_and_the_picture(table):
    kinds = table.with_columns(y=pl.when(pl.col("y") > 0).then(pl.lit("높음")).otherwise(pl.lit("낮음")))
    run = bl.fit(kinds, target="y", ensemble=2, network="mlp:8", epochs=20)
    found = bl.importance(run, kinds, kinds["y"], repeats=2)
    assert found.measure == "accuracy"
    axis = found.plot().axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()][-1] == found.rows[0]["column"]
    assert "accuracy lost" in axis.get_xlabel()


def test_refused(run, table):
    with pytest.raises(InputError, match="repeats must be"):
        bl.importance(run, table, table["y"], repeats=0)
    with pytest.raises(ShapeError, match="600 rows and y 3"):
        bl.importance(run, table, [1, 2, 3])
    with pytest.raises(InputError, match="there are no rows"):
        bl.importance(run, table[:0], [])
