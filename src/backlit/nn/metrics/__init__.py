"""Metrics: how good predictions are, in figures people know; computed with NumPy on whole epochs, weights included.

Every metric takes the network's raw outputs: logits (n, k) for classes, (n, 1) or (n,) for two classes, (n, k) for
labels of which several may hold, and numbers (n, k). Rows may be weighted; without any weight there is nothing to
measure, and the metric is NaN.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from backlit.errors import InputError, unknown
from backlit.nn.metrics.base import CLASSES, Metric
from backlit.nn.metrics.classification import (
    AUC,
    F1,
    Accuracy,
    BalancedAccuracy,
    Bits,
    LogLoss,
    Perplexity,
    SequenceAccuracy,
    TopK,
)
from backlit.nn.metrics.regression import MAE, R2, RMSE

__all__ = [
    "AUC", "CLASSES", "F1", "MAE", "METRICS", "R2", "RMSE", "Accuracy", "BalancedAccuracy", "Bits", "LogLoss", "Metric",
    "Perplexity", "SequenceAccuracy", "TopK", "defaults", "get",
]  # fmt: skip

METRICS = Metric.named


def get(metric: Any, loss: Any = None) -> Any:
    """A metric by its name ("top_3" for k = 3), for the targets of a loss if one is given; others pass through.

    Raises
    ------
    UnknownNameError
        If there is no metric of this name.
    InputError
        If it doesn't measure the loss's kind of targets, or it is no metric.

    Examples
    --------
    >>> get("top_3")
    TopK(kind=None, k=3)
    """
    if isinstance(metric, str):
        numbered = re.fullmatch(r"top_([1-9]\d*)", metric)
        if not numbered and metric not in METRICS:
            raise unknown("metric", metric, METRICS)
        metric = TopK(k=int(numbered[1])) if numbered else METRICS[metric]()
    if not callable(metric) or isinstance(metric, type):
        raise InputError(f"a metric must be a name or a function of (outputs, targets, weights), got {metric!r}")
    if getattr(loss, "activation", None) == "identity" and isinstance(metric, (LogLoss, AUC)):
        raise InputError(
            f"{metric.name} is measured from scores, but with {loss!r} the outputs are probabilities; leave out the "
            "softmax layer and train with cross_entropy"
        )
    kind = getattr(loss, "target", None)
    if kind is None or not isinstance(metric, Metric) or metric.kind is not None:
        return metric
    if kind not in metric.kinds:
        fitting = ", ".join(name for name, known in METRICS.items() if kind in known.kinds)
        raise InputError(f"{metric.name} doesn't fit {kind!r} targets, which {loss!r} trains on; these do: {fitting}")
    return dataclasses.replace(metric, kind=kind)


def defaults(loss: Any) -> list[Metric]:
    """The usual metrics for a loss: accuracy for classes and labels, RMSE and R² for numbers, none if it doesn't say.

    >>> from types import SimpleNamespace
    >>> [metric.name for metric in defaults(SimpleNamespace(target="number"))]
    ['rmse', 'r2']
    """
    kind = getattr(loss, "target", None)
    if kind == "number":
        return [RMSE(kind), R2(kind)]
    return [Accuracy(kind)] if kind in CLASSES else []
