"""Metrics of a run: which they are, and what they make of outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.nn import metrics


def measured(table: dict[str, Any], outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The metrics that are computed from outputs; others, such as the perplexity, come from the loss."""
    return {
        name: float(metric(outputs, targets, weights))
        for name, metric in table.items()
        if not hasattr(metric, "of_loss")
    }


def of_loss(table: dict[str, Any], loss: float) -> dict[str, float]:
    """The metrics that are another way to say the loss."""
    return {name: metric.of_loss(loss) for name, metric in table.items() if hasattr(metric, "of_loss")}


def need_outputs(table: dict[str, Any]) -> bool:
    """Whether a metric is computed from outputs."""
    return any(not hasattr(metric, "of_loss") for metric in table.values())


def metric_table(wanted: Any, loss: Any) -> dict[str, Any]:
    """Metrics by name: the loss's usual ones if None; names, metric objects and plain functions may be mixed."""
    listed = metrics.defaults(loss) if wanted is None else wanted
    if isinstance(listed, (str, bytes)) or callable(listed):
        listed = [listed]
    table = {}
    for metric in listed:
        function = metrics.get(metric, loss)
        table[getattr(function, "name", getattr(function, "__name__", type(function).__name__))] = function
    return table
