"""`backlit.sklearn.watch`: what a fitted network of scikit-learn's tells the doctor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

import backlit as bl
from backlit.sklearn.watched import _network, _start, watch


@pytest.fixture(scope="module")
def digits() -> Any:
    x, y = load_digits(return_X_y=True)
    x = x[:, x.std(axis=0) > 0.5][:600]
    return (x - x.mean(axis=0)) / x.std(axis=0), y[:600]


def fitted(kind: Any, data: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it hasn't converged
        return kind(random_state=0, **options).fit(*data)


def test_the_network_is_that_of_scikit_learn(digits: Any) -> None:
    x, y = digits
    mlp = fitted(MLPClassifier, digits, hidden_layer_sizes=(16, 8), activation="tanh", max_iter=3)
    scores = np.asarray(_network(mlp, mlp.coefs_, mlp.intercepts_)(x.astype("float32")))
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(mlp.predict_proba(x), abs=1e-5)
    start = _start(mlp, x, y)
    assert start is not None
    once = fitted(MLPClassifier, digits, hidden_layer_sizes=(16, 8), activation="tanh", solver="sgd", max_iter=1,
                  learning_rate_init=1e-3, momentum=0.0, batch_size=600, alpha=0.0)  # fmt: skip
    moved = [float(np.abs(a - b).max()) for a, b in zip(start[0], once.coefs_, strict=True)]
    assert all(0 < each < 1e-2 for each in moved)  # one small step away from the start that it was given


CASES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "healthy": (MLPClassifier, {"max_iter": 40}, None),
    "rate too low": (MLPClassifier, {"solver": "sgd", "learning_rate_init": 1e-6}, "learning rate too low"),
    "decay too strong": (MLPClassifier, {"alpha": 1e4, "max_iter": 80}, "weight decay too strong"),
    "large targets": (MLPRegressor, {}, "unscaled targets"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_named_in_its_code(name: str, digits: Any, tmp_path: Any) -> None:
    kind, options, expected = CASES[name]
    x, y = digits
    data = (x, y * 1000.0 + x[:, 0]) if kind is MLPRegressor else digits
    mlp = fitted(kind, data, **({"hidden_layer_sizes": (32,), "max_iter": 20} | options))
    eye = watch(mlp, *data)
    alarms = eye.diagnose().alarms
    assert [finding.name for finding in alarms][:1] == ([expected] if expected else [])
    assert all("mlp" in finding.remedy or "make_pipeline" in finding.remedy for finding in alarms)
    assert len(eye.history) == mlp.n_iter_
    assert "<svg" in eye.report(tmp_path / "report.html").read_text(encoding="utf-8")


def test_held_out_rows_tell_of_overfitting_and_the_rest_is_refused(digits: Any) -> None:
    x, y = digits
    mlp = fitted(MLPClassifier, (x[:300], y[:300]), hidden_layer_sizes=(16,), max_iter=5)
    eye = watch(mlp, x[:300], y[:300], validation=(x[300:], y[300:]))
    assert eye.history[-1]["val_accuracy"] == mlp.score(x[300:], y[300:])
    assert eye._watched().start["data"]["held"] == 300
    with pytest.raises(bl.ShapeError, match="the network was fitted on"):
        watch(mlp, x[:, :3], y)
    with pytest.raises(bl.InputError, match="isn't fitted"):
        watch(MLPClassifier(), x, y)
    with pytest.raises(bl.InputError, match="takes an MLPClassifier or MLPRegressor"):
        watch("mlp", x, y)
