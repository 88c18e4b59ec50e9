"""Metrics: how good predictions are, in figures people know; computed with NumPy on whole epochs, weights included.

Every metric takes the network's raw outputs: logits (n, k) for classes, (n, 1) or (n,) for two classes, (n, k) for
labels of which several may hold, and numbers (n, k). Rows may be weighted; without any weight there is nothing to
measure, and the metric is NaN.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError, unknown
from backlit.nn.metrics.base import CLASSES, Metric, Rows


@dataclass(frozen=True)
class Accuracy(Metric):
    """Share of rows, or of the steps of sequences, that are right; with several labels, of those where all are.

    >>> Accuracy()([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.0, 1.0]], [0, 1, 1, 1])
    0.75
    """

    def measure(self, rows: Rows) -> float:
        rows = rows.hard()
        if rows.kind == "class":
            return rows.mean(rows.outputs.argmax(axis=1) == rows.targets)
        right = (rows.outputs > 0) == rows.targets
        return rows.mean(right if rows.kind == "binary" else right.all(axis=1))


@dataclass(frozen=True)
class SequenceAccuracy(Metric):
    """Share of sequences in which every step is right; padding (targets of -1) doesn't count, a row is one step.

    >>> SequenceAccuracy()([[[2.0, 1.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]]], [[0, 1], [1, -1]])
    0.5
    """

    kinds: ClassVar[tuple[str, ...]] = ("class",)
    stepwise: ClassVar[bool] = False

    def __call__(self, outputs: Any, targets: Any, weights: Any = None) -> float:
        outputs, targets = np.asarray(outputs), np.asarray(targets)
        if outputs.ndim != 3 or outputs.shape[:2] != targets.shape:
            return super().__call__(outputs, targets, weights)
        right = ((outputs.argmax(axis=2) == targets) | (targets < 0)).all(axis=1)
        weights = np.ones(len(right)) if weights is None else np.asarray(weights, dtype=np.float64)
        return float((weights * right).sum() / weights.sum()) if weights.sum() > 0 else float("nan")

    def measure(self, rows: Rows) -> float:
        return rows.mean(rows.outputs.argmax(axis=1) == rows.targets)


@dataclass(frozen=True)
class BalancedAccuracy(Metric):
    """Mean over the classes of the share that is found (recall); classes without targets don't count.

    With several labels: the mean of each label's balanced accuracy.

    >>> BalancedAccuracy()([1.0, 1.0, 1.0, 1.0], [1, 1, 1, 0])
    0.5
    """

    def measure(self, rows: Rows) -> float:
        rows = rows.hard()
        if rows.kind == "multi_label":
            columns = zip(rows.outputs.T, rows.targets.T, strict=True)
            return float(np.mean([self.measure(Rows("binary", *column, rows.weights)) for column in columns]))
        hits, _, actual = rows.counts()
        there = actual > 0
        return float(np.mean(hits[there] / actual[there]))


@dataclass(frozen=True)
class TopK(Metric):
    """Share of rows whose class is among the k with the largest outputs; of equal ones, later classes come first.

    >>> TopK(k=2)([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [1, 2])
    0.5
    """

    k: int = 5
    kinds: ClassVar[tuple[str, ...]] = ("class", "probability")

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise InputError(f"TopK: k must be a whole number of at least 1, got {self.k!r}")

    @property
    def name(self) -> str:
        """``top_5`` for k = 5."""
        return f"top_{self.k}"

    def measure(self, rows: Rows) -> float:
        rows = rows.hard()
        own = np.take_along_axis(rows.outputs, rows.targets[:, None], axis=1)
        later = np.arange(rows.outputs.shape[1]) > rows.targets[:, None]
        before = (rows.outputs > own) | ((rows.outputs == own) & later)
        return rows.mean(before.sum(axis=1) < self.k)


@dataclass(frozen=True)
class F1(Metric):
    """``2 · hits / (predictions + targets)`` of the second class if there are two, else the mean over classes.

    Classes neither predicted nor among the targets don't count. With several labels: the mean over all labels; a label
    neither predicted nor there has 0.

    >>> F1()([1.0, 1.0, -1.0, -1.0], [1, 0, 1, 0])
    0.5
    """

    def measure(self, rows: Rows) -> float:
        rows = rows.hard()
        hits, predicted, actual = rows.counts()
        total = predicted + actual
        scores = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
        if rows.kind == "multi_label":
            return float(scores.mean())
        return float(scores[1] if len(scores) == 2 else scores[total > 0].mean())


@dataclass(frozen=True)
class AUC(Metric):
    """Area under the ROC curve: the chance that a positive row has a larger output than a negative one, ties half.

    Of several classes or labels: the mean over each against the rest, those left out that all rows have or none (NaN if
    no one is left). Classes are ranked by their softmax probability.

    >>> AUC()([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """

    def measure(self, rows: Rows) -> float:
        rows = rows.hard()
        if rows.kind == "binary":
            return area(rows.outputs, rows.targets, rows.weights)
        if rows.kind == "multi_label":
            columns = list(zip(rows.outputs.T, rows.targets.T, strict=True))
        elif rows.outputs.shape[1] == 2:
            outputs = rows.outputs.astype(np.float64)
            return area(outputs[:, 1] - outputs[:, 0], rows.targets == 1, rows.weights)
        else:
            columns = [(p, rows.targets == k) for k, p in enumerate(_softmax(rows.outputs).T)]
        areas = np.array([area(scores, positive, rows.weights) for scores, positive in columns])
        known = areas[~np.isnan(areas)]
        return float(known.mean()) if len(known) else float("nan")


def area(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """Weighted area under the ROC curve of one score; NaN if all rows are positive, or none."""
    order = np.argsort(scores, kind="stable")
    ranked, own = scores[order], weights[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each group of equal scores
    gains = np.where(positive[order], own, 0.0)
    found, missed = np.cumsum(gains)[last], np.cumsum(own - gains)[last]
    pairs = found[-1] * missed[-1]
    if not pairs > 0:
        return float("nan")
    below = np.append(0.0, missed[:-1])
    return float((np.diff(found, prepend=0.0) * (below + missed)).sum() / (2.0 * pairs))


def _softmax(outputs: np.ndarray) -> np.ndarray:
    outputs = outputs.astype(np.float64)
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _log_softmax(outputs: np.ndarray) -> np.ndarray:
    outputs = outputs.astype(np.float64)
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class LogLoss(Metric):
    """``−log p(target)``, from logits, so that it is finite; with several labels the mean over them.

    >>> round(LogLoss()([[0.0, 0.0], [0.0, 0.0]], [0, 1]), 6)
    0.693147
    """

    direction: ClassVar[str] = "min"

    def measure(self, rows: Rows) -> float:
        if rows.kind == "class":
            return -rows.mean(np.take_along_axis(_log_softmax(rows.outputs), rows.targets[:, None], axis=1)[:, 0])
        if rows.kind == "probability":
            return -rows.mean((rows.targets * _log_softmax(rows.outputs)).sum(axis=1))
        logits = rows.outputs.astype(np.float64)
        losses = np.logaddexp(0.0, np.where(rows.targets, -logits, logits))
        return rows.mean(losses if rows.kind == "binary" else losses.mean(axis=1))


@dataclass(frozen=True)
class RMSE(Metric):
    """Root of the mean squared error, in the targets' unit; of several outputs the mean of each one's.

    >>> RMSE()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    1.0
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def measure(self, rows: Rows) -> float:
        return float(np.sqrt(rows.mean((rows.outputs - rows.targets) ** 2)).mean())


@dataclass(frozen=True)
class MAE(Metric):
    """Mean absolute error, in the targets' unit.

    >>> MAE()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    0.5
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def measure(self, rows: Rows) -> float:
        return float(rows.mean(np.abs(rows.outputs - rows.targets)).mean())


@dataclass(frozen=True)
class R2(Metric):
    """``1 − Σ (ŷ − y)² / Σ (ȳ − y)²``: the share of the variance that is explained; of several outputs the mean.

    Targets that don't vary: 1 if all are met, else 0. Fewer than two rows: NaN.

    >>> R2()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    -1.0
    """

    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def measure(self, rows: Rows) -> float:
        if np.count_nonzero(rows.weights) < 2:
            return float("nan")
        left = rows.mean((rows.outputs - rows.targets) ** 2)
        spread = rows.mean((rows.targets - rows.mean(rows.targets)) ** 2)
        flat = spread == 0
        return float(np.where(flat, left == 0, 1.0 - left / np.where(flat, 1.0, spread)).mean())


@dataclass(frozen=True)
class Perplexity(Metric):
    """``e^loss`` of a cross entropy: among how many equally likely classes the network as good as guesses.

    >>> round(Perplexity().of_loss(np.log(26)), 6)
    26.0
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def of_loss(self, loss: float) -> float:
        """The figure, from a cross entropy in nats."""
        return float(np.exp(min(loss, 700.0)))

    def measure(self, rows: Rows) -> float:
        return self.of_loss(LogLoss().measure(rows))


@dataclass(frozen=True)
class Bits(Metric):
    """``loss / ln 2`` of a cross entropy: bits that each symbol takes, coded by the network's probabilities.

    >>> Bits().of_loss(np.log(2))
    1.0
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def of_loss(self, loss: float) -> float:
        """The figure, from a cross entropy in nats."""
        return float(loss / np.log(2))

    def measure(self, rows: Rows) -> float:
        return self.of_loss(LogLoss().measure(rows))


METRICS = Metric.named
METRICS |= {
    "accuracy": Accuracy,
    "balanced_accuracy": BalancedAccuracy,
    "top_k": TopK,
    "f1": F1,
    "auc": AUC,
    "log_loss": LogLoss,
    "sequence_accuracy": SequenceAccuracy,
    "perplexity": Perplexity,
    "bits": Bits,
    "rmse": RMSE,
    "mae": MAE,
    "r2": R2,
}


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
