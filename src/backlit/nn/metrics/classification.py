"""Metrics of classes and labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.nn.hyperparameters import whole
from backlit.nn.metrics.base import Mean, Metric, Rows, Sums


@dataclass(frozen=True)
class Accuracy(Mean, name="accuracy"):
    """Share of rows, or of the steps of sequences, that are right; with several labels, of those where all are.

    >>> Accuracy()([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.0, 1.0]], [0, 1, 1, 1])
    0.75
    """

    def values(self, rows: Rows) -> np.ndarray:
        rows = rows.hard()
        if rows.kind == "class":
            return np.asarray(rows.outputs.argmax(axis=1) == rows.targets)
        right: np.ndarray = (rows.outputs > 0) == rows.targets
        return right if rows.kind == "binary" else np.asarray(right.all(axis=1))


@dataclass(frozen=True)
class BalancedAccuracy(Metric, name="balanced_accuracy"):
    """Mean over the classes of the share that is found (recall); classes without targets don't count.

    With several labels: the mean of each label's balanced accuracy.

    >>> BalancedAccuracy()([1.0, 1.0, 1.0, 1.0], [1, 1, 1, 0])
    0.5
    """

    def sums(self, rows: Rows) -> Sums:
        rows = rows.hard()
        parts = [rows]
        if rows.kind == "multi_label":
            pairs = zip(rows.outputs.T, rows.targets.T, strict=True)
            parts = [Rows("binary", *column, rows.weights) for column in pairs]
        counts = [part.counts() for part in parts]
        return {
            "weight": rows.weights.sum(),
            "hits": np.stack([hits for hits, _, _ in counts]),
            "actual": np.stack([actual for _, _, actual in counts]),
        }

    def of_sums(self, sums: Sums) -> float:
        pairs = zip(sums["hits"], sums["actual"], strict=True)
        return float(np.mean([np.mean(hits[actual > 0] / actual[actual > 0]) for hits, actual in pairs]))


@dataclass(frozen=True)
class TopK(Mean, name="top_k"):
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

    def values(self, rows: Rows) -> np.ndarray:
        rows = rows.hard()
        target_scores = np.take_along_axis(rows.outputs, rows.targets[:, None], axis=1)
        later = np.arange(rows.outputs.shape[1]) > rows.targets[:, None]
        before = (rows.outputs > target_scores) | ((rows.outputs == target_scores) & later)
        return np.asarray(before.sum(axis=1) < self.k)


@dataclass(frozen=True)
class F1(Metric, name="f1"):
    """``2 · hits / (predictions + targets)`` of the second class if there are two, else the mean over classes.

    Classes neither predicted nor among the targets don't count. With several labels: the mean over all labels; a label
    neither predicted nor there has 0.

    >>> F1()([1.0, 1.0, -1.0, -1.0], [1, 0, 1, 0])
    0.5
    """

    def sums(self, rows: Rows) -> Sums:
        rows = rows.hard()
        hits, predicted, actual = rows.counts()
        by_label = int(rows.kind == "multi_label")
        return {"weight": rows.weights.sum(), "hits": hits, "total": predicted + actual, "by_label": by_label}

    def of_sums(self, sums: Sums) -> float:
        hits, total = sums["hits"], sums["total"]
        scores = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
        if sums["by_label"]:
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

    rounded: ClassVar[bool] = True

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
        return _mean_known([area(scores, positive, rows.weights) for scores, positive in columns])

    def sums(self, rows: Rows) -> Sums:
        """The rows by their score; of very many, the weight of positive and negative ones in places of equal weight.

        Rows within one place count as ties, so that the area is off by about the share of the rows in a place at most,
        however close together the scores lie.
        """
        rows = rows.hard()
        outputs, targets = rows.outputs, rows.targets
        if rows.kind == "binary":
            columns = [(outputs, targets)]
        elif rows.kind == "multi_label":
            columns = list(zip(outputs.T, targets.T, strict=True))
        elif outputs.shape[1] == 2:
            columns = [(outputs[:, 1].astype(np.float64) - outputs[:, 0], targets == 1)]
        else:  # the odds, which have the order of the probabilities, but don't crowd together near 1
            logs = _log_softmax(outputs)
            columns = [(p - np.log(-np.expm1(np.minimum(p, -1e-300))), targets == k) for k, p in enumerate(logs.T)]
        weights = rows.weights.astype(np.float64)

        def column(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            gains = np.where(positive, weights, 0.0)
            return scores.astype(np.float64), gains, weights - gains

        return {"weight": rows.weights.sum(), **_placed((column(*pair) for pair in columns), len(columns))}

    def added(self, one: Sums, other: Sums) -> Sums:
        """The places of both, some of them joined if they have become very many."""
        parts = zip(*(sums[name] for sums in (one, other) for name in BY_SCORE), strict=True)
        columns = ([np.concatenate([part[i], part[i + 3]]) for i in range(3)] for part in parts)
        return {"weight": one["weight"] + other["weight"], **_placed(columns, len(one["scores"]))}

    def of_sums(self, sums: Sums) -> float:
        return _mean_known([_area(*column) for column in zip(*(sums[name] for name in BY_SCORE), strict=True)])


BY_SCORE = ("scores", "gains", "losses")  # (columns, places): a score, and the weights of positive and negative rows
PLACES, FEWEST = 1 << 14, 1 << 8  # of one column, and of many that share so many


def _placed(columns: Iterable[Sequence[np.ndarray]], many: int) -> Sums:
    """So many columns of scores and weights, in fewer places if there are four times as many as there may be."""
    count = max(FEWEST, PLACES // many)
    made = [_joined(column, count) if len(column[0]) > 4 * count else column for column in columns]
    return {name: np.stack([column[i] for column in made]) for i, name in enumerate(BY_SCORE)}


def _joined(column: Sequence[np.ndarray], count: int) -> Sequence[np.ndarray]:
    """So many places of about equal weight: neighbours by score in one, with the score of the one in its middle."""
    order = np.argsort(column[0], kind="stable")
    scores, gains, losses = (part[order] for part in column)
    weights = gains + losses
    whole = max(weights.sum(), np.finfo(np.float64).tiny)
    places = np.minimum(((np.cumsum(weights) - weights / 2) / whole * count).astype(np.int64), count - 1)
    ends = np.searchsorted(places, np.arange(count), side="right")
    middles = np.minimum((np.append(0, ends[:-1]) + ends) // 2, len(scores) - 1)
    return scores[middles], np.bincount(places, gains, count), np.bincount(places, losses, count)


def _mean_known(areas: list[float]) -> float:
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def area(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """Weighted area under the ROC curve of one score; NaN if all rows are positive, or none."""
    gains = np.where(positive, weights, 0.0)
    return _area(scores, gains, weights - gains)


def _area(scores: np.ndarray, gains: np.ndarray, losses: np.ndarray) -> float:
    """The area by the weights of positive and negative rows at each score."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each group of equal scores
    hits, misses = np.cumsum(gains[order])[last], np.cumsum(losses[order])[last]
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
class LogLoss(Mean, name="log_loss"):
    """``−log p(target)``, from logits, so that it is finite; with several labels the mean over them.

    >>> round(LogLoss()([[0.0, 0.0], [0.0, 0.0]], [0, 1]), 6)
    0.693147
    """

    direction: ClassVar[str] = "min"

    def values(self, rows: Rows) -> np.ndarray:
        if rows.kind == "class":
            return -np.take_along_axis(_log_softmax(rows.outputs), rows.targets[:, None], axis=1)[:, 0]
        if rows.kind == "probability":
            return -np.asarray((rows.targets * _log_softmax(rows.outputs)).sum(axis=1))
        logits = rows.outputs.astype(np.float64)
        losses = np.logaddexp(0.0, np.where(rows.targets, -logits, logits))
        return np.asarray(losses if rows.kind == "binary" else losses.mean(axis=1))


@dataclass(frozen=True)
class SequenceAccuracy(Mean, name="sequence_accuracy"):
    """Share of sequences in which every step is right; padding (targets of -1) doesn't count, a row is one step.

    >>> SequenceAccuracy()([[[2.0, 1.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]]], [[0, 1], [1, -1]])
    0.5
    """

    kinds: ClassVar[tuple[str, ...]] = ("class",)
    stepwise: ClassVar[bool] = False

    def read(self, outputs: Any, targets: Any, weights: Any = None) -> Rows:
        outputs, targets = np.asarray(outputs), np.asarray(targets)
        if outputs.ndim != 3 or outputs.shape[:2] != targets.shape:
            return super().read(outputs, targets, weights)
        right = ((outputs.argmax(axis=2) == targets) | (targets < 0)).all(axis=1)
        weights = np.ones(len(right)) if weights is None else np.asarray(weights, dtype=np.float64)
        return Rows("right", right[:, None], np.ones(len(right), np.intp), weights)

    def values(self, rows: Rows) -> np.ndarray:
        return np.asarray(rows.outputs[:, 0] if rows.kind == "right" else rows.outputs.argmax(axis=1) == rows.targets)


@dataclass(frozen=True)
class Perplexity(Mean, name="perplexity"):
    """``e^loss`` of a cross entropy: among how many equally likely classes the network as good as guesses.

    >>> round(Perplexity().of_loss(np.log(26)), 6)
    26.0
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def of_loss(self, loss: float) -> float:
        """The figure, from a cross entropy in nats."""
        return float(np.exp(min(loss, 700.0)))

    def values(self, rows: Rows) -> np.ndarray:
        return LogLoss().values(rows)

    def of_mean(self, mean: Any) -> float:
        return self.of_loss(float(mean))


@dataclass(frozen=True)
class Bits(Mean, name="bits"):
    """``loss / ln 2`` of a cross entropy: bits that each symbol takes, coded by the network's probabilities.

    >>> Bits().of_loss(np.log(2))
    1.0
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def of_loss(self, loss: float) -> float:
        """The figure, from a cross entropy in nats."""
        return float(loss / np.log(2))

    def values(self, rows: Rows) -> np.ndarray:
        return LogLoss().values(rows)

    def of_mean(self, mean: Any) -> float:
        return self.of_loss(float(mean))
