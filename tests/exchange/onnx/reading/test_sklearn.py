"""Pipelines of scikit-learn's, written by skl2onnx: runs that predict, are trained on, saved and loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

import backlit as bl
from backlit.errors import InputError
from tests.exchange.onnx.reading.common import quiet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype("float32")
KINDS = np.array(["cat", "dog", "owl"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)]
YES = X[:, 0] + X[:, 1] > 0
NUMBERS = X[:, :2] * 2 + 1
TABLE = pd.DataFrame({"size": X[:, 0], "age": X[:, 1], "make": np.array(["가", "나", "다"])[np.arange(90) % 3]})
TABLE.loc[3, "age"] = np.nan
COLUMNS = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["size", "age"]),
        ("names", OneHotEncoder(handle_unknown="ignore"), ["make"]),
    ]
)
NET: dict[str, Any] = {"max_iter": 30, "hidden_layer_sizes": (5,), "random_state": 0}
CASES: dict[str, tuple[Any, Any, Any]] = {
    "three classes": (make_pipeline(StandardScaler(), MLPClassifier(**NET)), X, KINDS),
    "two classes": (MLPClassifier(**NET), X, np.where(YES, "yes", "no")),
    "numbered classes": (MLPClassifier(activation="tanh", **NET), X, YES.astype(int) + 4),
    "a number, scaled": (make_pipeline(MinMaxScaler(), MLPRegressor(activation="tanh", **NET)), X, NUMBERS[:, 1]),
    "a number": (MLPRegressor(activation="logistic", **NET), X, NUMBERS[:, 0]),
    "columns": (make_pipeline(COLUMNS, MLPClassifier(**NET)), TABLE, KINDS),
    "logistic regression": (make_pipeline(StandardScaler(), LogisticRegression()), X, KINDS),
    "logistic regression of two": (LogisticRegression(), X, YES.astype(int)),
    "linear regression": (LinearRegression(), X, NUMBERS[:, 0]),
}


def written(name: str, folder: Path) -> tuple[Any, Any, Any, Path]:
    from skl2onnx import to_onnx

    model, x, y = CASES[name]
    with quiet():
        model.fit(x, y)
        path = folder / "pipeline.onnx"
        path.write_bytes(to_onnx(model, x[:1]).SerializeToString())
    return model, x, y, path


@pytest.mark.parametrize("name", CASES)
def test_predictions(name: str, tmp_path: Path) -> None:
    model, x, y, path = written(name, tmp_path)
    run = bl.load(path)
    expected = model.predict(x)
    if y.dtype.kind == "f":
        np.testing.assert_allclose(run.predict(x), expected, rtol=1e-4, atol=1e-4)
    else:
        assert run.predict(x).tolist() == expected.tolist()
        np.testing.assert_allclose(run.predict_proba(x), model.predict_proba(x), rtol=1e-4, atol=1e-5)
        assert run.classes == model.classes_.tolist()
    again = bl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.predict(x), run.predict(x))
    assert again.preparation == run.preparation


@pytest.mark.parametrize("name", ["three classes", "a number", "logistic regression"])
def test_networks(name: str, tmp_path: Path) -> None:
    """Where inputs are numbers, `from_onnx` has all of the file in a network."""
    model, x, y, path = written(name, tmp_path)
    network = bl.from_onnx(path)
    answer = model.predict(x)[:, None] if y.dtype.kind == "f" else model.predict_proba(x)
    np.testing.assert_allclose(network(x), answer, rtol=1e-4, atol=1e-5)
    kinds = [type(layer).__name__ for layer in network.architecture.layers]  # type: ignore[attr-defined]
    assert kinds[0] == ("Linear" if name == "a number" else "Rescale")
    if y.dtype.kind != "f":
        shifted = bl.from_onnx(path, logits=True)(x)
        np.testing.assert_allclose(
            np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True), answer, rtol=1e-4, atol=1e-5
        )


def test_training_goes_on(tmp_path: Path) -> None:
    _, x, y, path = written("columns", tmp_path)
    run = bl.load(path)
    before = run.evaluate(x, y)["loss"]
    more = bl.fit(run.network, x, y, preparation=run.preparation, epochs=20, optimizer=bl.Adam(0.02))
    assert more.evaluate(x, y)["loss"] < 0.8 * before
    assert bl.load(more.save(tmp_path / "more")).predict(x).tolist() == more.predict(x).tolist()
    assert type(more.diagnose()).__name__ == "Diagnosis"


def test_tables_of_any_kind(tmp_path: Path) -> None:
    model, x, _, path = written("columns", tmp_path)
    run = bl.load(path)
    expected = model.predict(x).tolist()
    assert run.predict(pl.from_pandas(x).select("make", "size", "age")).tolist() == expected
    assert run.predict({name: x[name].to_numpy() for name in x}).tolist() == expected
    strange = x.assign(make="라")
    assert run.predict(strange).tolist() == model.predict(strange).tolist()


def test_what_is_missing_or_of_another_type_is_told(tmp_path: Path) -> None:
    _, x, _, path = written("columns", tmp_path)
    run = bl.load(path)
    with pytest.raises(InputError, match=r"the ONNX file takes unknown column 'age'; .*Known: make, size"):
        run.predict(x.drop(columns="age"))
    with pytest.raises(InputError, match="column size must hold numbers"):
        run.predict(x.assign(size="large"))
    with pytest.raises(InputError, match=r"the network has 3 inputs: size \(\?, 1\) of float32, .*; .*bl.load reads"):
        bl.from_onnx(path)
