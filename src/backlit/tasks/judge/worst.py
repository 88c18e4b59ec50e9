"""The rows that a run gets most wrong, as plain data that its report shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.tasks.task import Material

MOST = 10  # rows
MOST_CELLS = 8  # of each row
MOST_TEXT = 200  # characters of a cell
MOST_PIXELS = 4096


def errors(run: Any, material: Material, raw: Any, outputs: np.ndarray, y: np.ndarray) -> dict[str, Any] | None:
    """Rows that were most confidently called something wrong, or whose numbers are farthest off; the worst first.

    Parameters
    ----------
    raw : data frame or array (rows, ...)
        The rows that were judged on.
    outputs, y : array
        What the network says of them (`Run.outputs`), and their targets.

    Returns
    -------
    dict or None
        "columns" (names of the cells) and "rows", each with "truth", "called", "probability" or "off", and "cells" or
        "pixels"; None for several targets, and for losses without probabilities.
    """
    if y.ndim != 1 or material.task not in ("classification", "regression"):
        return None
    called = run.targets.decode(outputs)
    if material.task == "classification":
        if run.loss.activation is None:
            return None
        amount = run.targets.probabilities(outputs, run.loss.activation).max(axis=1)
        wrong, name = np.flatnonzero(called != y), "probability"
    else:
        amount, wrong, name = np.abs(called - y), np.arange(len(y)), "off"
    order = wrong[np.argsort(-amount[wrong], kind="stable")][:MOST].tolist()
    columns, shown = _shown(run, material, raw)
    rows = [{"truth": _plain(y[i]), "called": _plain(called[i]), name: float(amount[i]), **shown(i)} for i in order]
    return {"columns": columns, "rows": rows}


def _shown(run: Any, material: Material, raw: Any) -> tuple[list[str], Any]:
    """Names of the cells, and what is shown of a row by its number."""
    if hasattr(raw, "columns"):
        preparation = preparation_of(run.preparation)
        used = preparation.column_names or raw.columns
        columns = [name for name in used if name in raw.columns and name not in preparation.target_names][:MOST_CELLS]
        return columns, lambda i: {"cells": [_plain(raw[name][i]) for name in columns]}
    if material.seen_as and math.prod(material.seen_as) <= MOST_PIXELS:
        height, width, *_ = material.seen_as
        if material.seen_as[2:] in ((), (1,)):
            return [], lambda i: {"pixels": np.asarray(raw[i], dtype=float).reshape(height, width).tolist()}
    return [], lambda i: {}


def _plain(value: Any) -> Any:
    """A cell as JSON can hold it: numbers as they are, all else as text, nothing as nothing."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
