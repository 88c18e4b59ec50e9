"""Metric: what every metric has, and the rows that it measures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.nn.hyperparameters import check
from backlit.registry import register

CLASSES = ("class", "binary", "multi_label", "probability")
Sums = dict[str, Any]  # numbers and arrays by name, of some of the rows


@dataclass(frozen=True)
class Metric:
    """Base of metrics: ``metric(outputs, targets, weights) -> float``.

    Parameters
    ----------
    kind : str, optional
        What the targets are, as a loss says in its `target`: "class", "binary", "multi_label", "probability" or
        "number". Left out, it is told from the shapes, (n, k) of zeros and ones being labels.

    Examples
    --------
    A metric of one's own, known by the name that its class says, if that isn't taken (a plain function of outputs,
    targets and weights will do, too):

    >>> class Yes(Metric):
    ...     name = "yes"
    ...     def measure(self, rows):
    ...         return rows.mean(rows.outputs > 0)
    >>> Yes()([1.0, -1.0], [1, 1], weights=[3.0, 1.0])
    0.75
    """

    kind: str | None = None
    direction: ClassVar[str] = "max"  # whether large or small is good
    kinds: ClassVar[tuple[str, ...]] = CLASSES
    named: ClassVar[dict[str, type[Metric]]] = {}
    stepwise: ClassVar[bool] = True  # whether each step of a sequence is measured like a row
    rounded: ClassVar[bool] = False  # whether what is made of sums is a little off what all rows at once would give

    def __post_init__(self) -> None:
        """Check settings that are declared with a range."""
        check(self)

    def __init_subclass__(cls, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = name or vars(cls).get("name")
        if isinstance(name, str):
            register(Metric.named, name, cls, "metric")

    @property
    def name(self) -> str:
        """Under which the history has it, and `backlit.fit` knows it."""
        registered = next((name for name, kind in Metric.named.items() if kind is type(self)), None)
        if registered is None:
            example = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
            raise InputError(
                f"metric {type(self).__name__} has no name for the history to call it by; give its class one: "
                f"name = {example!r}"
            )
        return registered

    def __call__(self, outputs: Any, targets: Any, weights: Any = None) -> float:
        """The figure.

        Parameters
        ----------
        outputs : array
            Raw outputs of the network.
        targets : array
            Integers (n,) for classes, zeros and ones (n, 1) for two, (n, k) otherwise. For classes at each step of a
            sequence, outputs (n, time, k) and integers (n, time), of which -1 is padding and doesn't count.
        weights : array (n,), optional
            Of the rows; 1 if left out.
        """
        rows = self.read(outputs, targets, weights)
        return float(self.measure(rows)) if rows.weights.sum() > 0 else float("nan")

    def read(self, outputs: Any, targets: Any, weights: Any = None) -> Rows:
        """What it measures, checked and in one shape; each step of a sequence is a row."""
        if self.stepwise:
            outputs, targets, weights = _steps(outputs, targets, weights)
        return Rows.read(self, outputs, targets, weights)

    def measure(self, rows: Rows) -> float:
        """The figure of rows that have some weight."""
        if not self.summed:
            raise NotImplementedError(f"{type(self).__name__} must define measure(self, rows)")
        return self.of_sums(self.sums(rows))

    @property
    def summed(self) -> bool:
        """Whether it can be had part by part: `sums` of each part of the rows, added up, and `of_sums` of the whole."""
        return type(self).sums is not Metric.sums

    def sums(self, rows: Rows) -> Sums:
        """What of some rows is added to that of others, by name, "weight" among them."""
        raise NotImplementedError(f"{type(self).__name__} is no metric of sums")

    def added(self, one: Sums, other: Sums) -> Sums:
        """The sums of two parts of the rows as those of both."""
        return {name: value + other[name] for name, value in one.items()}

    def of_sums(self, sums: Sums) -> float:
        """The figure of rows that have some weight, from their sums."""
        raise NotImplementedError(f"{type(self).__name__} is no metric of sums")


class Mean(Metric):
    """Base of metrics that are a mean over rows, or something made of one.

    A subclass defines `values`, a number (or several) of each row, and perhaps what becomes of their mean.
    """

    def values(self, rows: Rows) -> np.ndarray:
        """A number of each row, (n,), or several, (n, k)."""
        raise NotImplementedError(f"{type(self).__name__} must define values(self, rows)")

    def of_mean(self, mean: Any) -> float:
        """The figure, of the weighted mean of the values."""
        return float(mean)

    def sums(self, rows: Rows) -> Sums:
        return {"total": rows.total(self.values(rows)), "weight": rows.weights.sum()}

    def of_sums(self, sums: Sums) -> float:
        return self.of_mean(sums["total"] / sums["weight"])


@dataclass(frozen=True, eq=False)
class Rows:
    """Outputs, targets and weights in one shape for each kind."""

    kind: str
    outputs: np.ndarray  # (n,) for binary, else (n, k)
    targets: np.ndarray  # (n,) integers for class, booleans for binary, else (n, k)
    weights: np.ndarray  # (n,) float64

    @classmethod
    def read(cls, metric: Metric, outputs: Any, targets: Any, weights: Any) -> Rows:
        """Check shapes and values, and find out the kind if the metric doesn't know it."""
        outputs, targets = np.asarray(outputs), np.asarray(targets)
        name, n = metric.name, len(outputs) if outputs.ndim else 0
        if not outputs.ndim or not targets.ndim or len(targets) != n:
            raise ShapeError(f"{name}: needs one target a row, got outputs {outputs.shape} and targets {targets.shape}")
        weights = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
        if weights.shape != (n,):
            raise ShapeError(f"{name}: weights must have shape ({n},), one a row, got {weights.shape}")
        kind = metric.kind or ("number" if metric.kinds == ("number",) else _kind(outputs, targets))
        if kind not in metric.kinds:
            raise InputError(f"{name} measures {' or '.join(metric.kinds)} targets, not {kind!r}")
        fits = {
            "class": outputs.ndim == 2 and targets.size == n,
            "binary": outputs.size == targets.size == n,
            "number": outputs.shape == targets.shape or outputs.size == targets.size == n,
        }
        if not fits.get(kind, outputs.shape == targets.shape and outputs.ndim == 2):
            raise ShapeError(f"{name}: targets of shape {targets.shape} don't fit outputs of shape {outputs.shape}")
        if kind == "number":
            width = outputs.size // n if n else 1
            outputs, targets = (part.reshape(n, width).astype(np.float64) for part in (outputs, targets))
        elif kind == "class":
            targets = targets.reshape(n)
            whole = targets.dtype.kind in "iu" or np.all(targets % 1 == 0)
            if n and not (whole and targets.min() >= 0 and targets.max() < outputs.shape[1]):
                raise InputError(
                    f"{name}: targets must be whole numbers from 0 to {outputs.shape[1] - 1}, "
                    f"got values from {targets.min()} to {targets.max()}"
                )
            targets = targets.astype(np.intp, copy=False)
        elif kind in ("binary", "multi_label"):
            if not np.all((targets == 0) | (targets == 1)):
                raise InputError(f"{name}: targets must be 0 or 1, got values from {targets.min()} to {targets.max()}")
            targets = targets == 1
            if kind == "binary":
                outputs, targets = outputs.reshape(n), targets.reshape(n)
        return cls(kind, outputs, targets, weights)

    def mean(self, values: np.ndarray) -> Any:
        """Weighted mean over the rows."""
        return self.total(values) / self.weights.sum()

    def total(self, values: np.ndarray) -> Any:
        """Weighted sum over the rows. Not by ``@``: BLAS's threads go on spinning while training needs the cores."""
        return (self.weights.reshape(-1, *[1] * (values.ndim - 1)) * values).sum(axis=0)

    def hard(self) -> Rows:
        """The same with the likeliest class in place of probabilities."""
        return (
            Rows("class", self.outputs, self.targets.argmax(axis=1), self.weights)
            if self.kind == "probability"
            else self
        )

    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weight of true positives, of predictions, and of targets, for each class or label.

        Two classes are counted for binary targets: not, and yes.
        """
        if self.kind == "multi_label":
            predicted = self.outputs > 0
            return tuple(self.total(part) for part in (predicted & self.targets, predicted, self.targets))
        if self.kind == "binary":
            size, predicted, targets = 2, (self.outputs > 0).astype(np.intp), self.targets.astype(np.intp)
        else:
            size, predicted, targets = self.outputs.shape[1], self.outputs.argmax(axis=1), self.targets
        hit = predicted == targets
        return (
            np.bincount(targets[hit], self.weights[hit], size),
            np.bincount(predicted, self.weights, size),
            np.bincount(targets, self.weights, size),
        )


def _kind(outputs: np.ndarray, targets: np.ndarray) -> str:
    """What the targets are, from the shapes."""
    if outputs.shape[1:] in ((), (1,)):
        return "binary"
    if targets.shape[1:] in ((), (1,)):
        return "class"
    return "multi_label" if np.all((targets == 0) | (targets == 1)) else "probability"


def _steps(outputs: Any, targets: Any, weights: Any) -> tuple[Any, Any, Any]:
    """The steps of sequences, without padding, as rows; what isn't sequences of classes stays as it is."""
    outputs, targets = np.asarray(outputs), np.asarray(targets)
    if outputs.ndim != 3 or outputs.shape[:2] != targets.shape:
        return outputs, targets, weights
    real = targets >= 0
    if weights is not None:
        weights = np.broadcast_to(np.asarray(weights)[:, None], real.shape)[real]
    return outputs[real], targets[real], weights
