"""Metrics of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.nn.metrics.base import Mean, Metric, Rows, Sums


@dataclass(frozen=True)
class RMSE(Mean, name="rmse"):
    """Root of the mean squared error, in the targets' unit; of several outputs the mean of each one's.

    >>> RMSE()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    1.0
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def values(self, rows: Rows) -> np.ndarray:
        return np.square(rows.outputs - rows.targets)

    def of_mean(self, mean: Any) -> float:
        return float(np.sqrt(mean).mean())


@dataclass(frozen=True)
class MAE(Mean, name="mae"):
    """Mean absolute error, in the targets' unit.

    >>> MAE()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    0.5
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def values(self, rows: Rows) -> np.ndarray:
        return np.abs(rows.outputs - rows.targets)

    def of_mean(self, mean: Any) -> float:
        return float(mean.mean())


@dataclass(frozen=True)
class R2(Metric, name="r2"):
    """``1 − Σ (ŷ − y)² / Σ (ȳ − y)²``: the share of the variance that is explained; of several outputs the mean.

    Targets that don't vary: 1 if all are met, else 0. Fewer than two rows: NaN.

    >>> R2()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    -1.0
    """

    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def sums(self, rows: Rows) -> Sums:
        weight = rows.weights.sum()
        mean = rows.total(rows.targets) / (weight or 1.0)
        return {
            "count": np.count_nonzero(rows.weights), "weight": weight, "mean": mean,
            "left": rows.total((rows.outputs - rows.targets) ** 2), "spread": rows.total((rows.targets - mean) ** 2),
        }  # fmt: skip

    def added(self, one: Sums, other: Sums) -> Sums:
        """Squares about the mean of both parts: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm".

        Stanford report STAN-CS-79-773, 1979. Sums of squares as they are would lose the digits of a large mean.
        """
        both = {name: one[name] + other[name] for name in ("count", "weight", "left")}
        share = other["weight"] / (both["weight"] or 1.0)
        apart = other["mean"] - one["mean"]
        spread = one["spread"] + other["spread"] + apart**2 * one["weight"] * share
        return {**both, "mean": one["mean"] + apart * share, "spread": spread}

    def of_sums(self, sums: Sums) -> float:
        if sums["count"] < 2:
            return float("nan")
        left, spread = sums["left"] / sums["weight"], sums["spread"] / sums["weight"]
        flat = spread == 0
        return float(np.where(flat, left == 0, 1.0 - left / np.where(flat, 1.0, spread)).mean())
