"""Who competes on the tables: Backlit with its defaults, and scikit-learn's models behind a careful user's preparation.

A model is a function `(frame, target, classes, seed) -> predict`. `predict(frame)` gives the predicted numbers and None
for a regression (`classes` is None), and otherwise the predicted classes' names and the probabilities (rows, classes).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

Predict = Callable[[pl.DataFrame], tuple[np.ndarray, np.ndarray | None]]
Model = Callable[[pl.DataFrame, str, Sequence[str] | None, int], Predict]


def backlit(frame: pl.DataFrame, target: str, classes: Sequence[str] | None, seed: int) -> Predict:
    """`bl.fit(frame, target=...)` with its defaults; no test rows of its own, since it is judged here."""
    import backlit as bl

    run = bl.fit(frame, target=target, split=(0.8, 0.2), seed=seed, progress=False)
    return _predict(run, classes, run.classes)


def _predict(
    fitted: Any, classes: Sequence[str] | None, own: Any, prepare: Callable[[Any], Any] = lambda new: new
) -> Predict:
    """Predictions of whatever has `predict` and `predict_proba`, the classes in an order of its `own`."""
    if classes is None:
        return lambda new: (np.asarray(fitted.predict(prepare(new)), float), None)
    names = [str(name) for name in own]
    order = [names.index(name) for name in classes]

    def predict(new: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        prepared = prepare(new)
        return np.asarray(fitted.predict(prepared)).astype(str), np.asarray(fitted.predict_proba(prepared))[:, order]

    return predict


def _prepared(estimator: Any, frame: Any) -> Any:
    """The estimator behind imputation, scaling and one-hot encoding of the columns of a pandas frame."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = frame.select_dtypes("number").columns.tolist()
    categories = [name for name in frame.columns if name not in numbers]
    of_numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    of_categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False),
    )
    columns = ColumnTransformer([("numbers", of_numbers, numbers), ("categories", of_categories, categories)])
    return make_pipeline(columns, estimator)


def _pandas(frame: pl.DataFrame) -> Any:
    """Text as plain objects, missing as NaN: what scikit-learn's imputers expect."""
    found = frame.to_pandas()
    texts = found.columns[[not kind.is_numeric() for kind in frame.dtypes]]
    return found.astype(dict.fromkeys(texts, object)).where(found.notna(), np.nan)


def _scikit_learn(make: Callable[[bool, int], Any], prepare: Callable[[Any, Any], Any] = _prepared) -> Model:
    """A model from `make(regression, seed)`, which gives the estimator."""

    def fit(frame: pl.DataFrame, target: str, classes: Sequence[str] | None, seed: int) -> Predict:
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits

        features = _pandas(frame.drop(target))
        pipeline = prepare(make(classes is None, seed), features)
        # On a busy machine threads wait for each other over small arrays: a network then takes ten times as long.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are the default of its networks
            pipeline.fit(features, frame[target].to_numpy())
        return _predict(pipeline, classes, getattr(pipeline, "classes_", None), _pandas)

    return fit


def _mlp(regression: bool, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return MLPRegressor(random_state=seed) if regression else MLPClassifier(random_state=seed)


def _mlp_scaled(regression: bool, seed: int) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(_mlp(regression, seed), transformer=StandardScaler())


def _linear(regression: bool, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge() if regression else LogisticRegression(max_iter=1000)


def _boosting(regression: bool, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return (HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier)(random_state=seed)


def _with_categories(estimator: Any, frame: Any) -> Any:
    """Trees need no scaling, and HistGradientBoosting takes categories and missing values as they are."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    texts = frame.select_dtypes("object").columns
    levels = FunctionTransformer(lambda new: new.astype(dict.fromkeys(texts, "category")))
    return make_pipeline(levels, estimator)


MODELS: dict[str, Model] = {
    "backlit": backlit,
    "MLP": _scikit_learn(_mlp),
    "MLP-scaled": _scikit_learn(_mlp_scaled),
    "linear": _scikit_learn(_linear),
    "boosting": _scikit_learn(_boosting, _with_categories),
}
ONLY_REGRESSION = frozenset({"MLP-scaled"})
