"""Metrics of classes and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.nn.hyperparameters import whole
from backlit.nn.metrics.base import Metric, Rows


@dataclass(frozen=True)
class Accuracy(Metric, name="accuracy"):
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
class BalancedAccuracy(Metric, name="balanced_accuracy"):
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
class TopK(Metric, name="top_k"):
    """Share of rows whose class is among the k with the largest outputs; of equal ones, later classes come first.

    >>> TopK(k=2)([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [1, 2])
    0.5
    """

    k: int = whole(5)
    kinds: ClassVar[tuple[str, ...]] = ("class", "probability")

    @property
    def name(self) -> str:
        """``top_5`` for k = 5."""
        return f"top_{self.k}"

    def measure(self, rows: Rows) -> float:
        rows = rows.hard()
        target_scores = np.take_along_axis(rows.outputs, rows.targets[:, None], axis=1)
        later = np.arange(rows.outputs.shape[1]) > rows.targets[:, None]
        before = (rows.outputs > target_scores) | ((rows.outputs == target_scores) & later)
        return rows.mean(before.sum(axis=1) < self.k)


@dataclass(frozen=True)
class F1(Metric, name="f1"):
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
class AUC(Metric, name="auc"):
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
    ranked, row_weights = scores[order], weights[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each group of equal scores
    gains = np.where(positive[order], row_weights, 0.0)
    hits, misses = np.cumsum(gains)[last], np.cumsum(row_weights - gains)[last]
    pairs = hits[-1] * misses[-1]
    if not pairs > 0:
        return float("nan")
    below = np.append(0.0, misses[:-1])
    return float((np.diff(hits, prepend=0.0) * (below + misses)).sum() / (2.0 * pairs))


def _softmax(outputs: np.ndarray) -> np.ndarray:
    outputs = outputs.astype(np.float64)
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _log_softmax(outputs: np.ndarray) -> np.ndarray:
    outputs = outputs.astype(np.float64)
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class LogLoss(Metric, name="log_loss"):
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
class SequenceAccuracy(Metric, name="sequence_accuracy"):
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
class Perplexity(Metric, name="perplexity"):
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
class Bits(Metric, name="bits"):
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
