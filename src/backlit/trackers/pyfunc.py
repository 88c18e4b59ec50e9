"""A run as MLflow's "python function": what `mlflow.pyfunc.load_model` calls, and the signature of its model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from backlit.data.frames import columns_of
from backlit.extras import need
from backlit.run import Run, load

ROWS = 5  # of the example that is kept with the model
EXTRA = {"extra": "mlflow", "why": "tracking with MLflow"}


class Predictor:
    """A loaded run with the one method that MLflow calls."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Predictions for a data frame of pandas, or an array: what ``run.predict`` gives."""
        return self.run.predict(model_input)


def _load_pyfunc(path: str) -> Predictor:
    """What MLflow calls with the run's folder."""
    return Predictor(load(path))


def signature_of(run: Run) -> tuple[Any, Any]:
    """The types of a model's inputs and outputs, and a few rows of input; two times None if the data is gone.

    Raises
    ------
    InputError
        If `mlflow-skinny` isn't installed.
    """
    rows = _rows(run)
    if rows is None:
        return None, None
    infer = need("mlflow.models", **EXTRA).infer_signature
    with warnings.catch_warnings():  # MLflow's hint that a column of whole numbers has no missing ones
        warnings.filterwarnings("ignore", message=r".*integer column", category=UserWarning)
        return infer(rows, run.predict(rows)), rows


def _rows(run: Run) -> Any:
    """The first rows that the run was trained on, as a data frame of pandas or an array."""
    if run.recipe is None:
        return None
    raw = run.recipe.x[:ROWS]
    columns = columns_of(raw)
    if columns is None:
        array = np.asarray(raw)
        return array if array.dtype.kind in "biuf" else None
    pandas = need("pandas", **EXTRA)
    targets = getattr(run.preparation, "target_names", ())
    names = getattr(run.preparation, "column_names", ()) or [name for name in columns if name not in targets]
    return pandas.DataFrame({name: columns[name] for name in names})
