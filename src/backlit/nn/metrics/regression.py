"""Metrics of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backlit.nn.metrics.base import Metric, Rows


@dataclass(frozen=True)
class RMSE(Metric, name="rmse"):
    """Root of the mean squared error, in the targets' unit; of several outputs the mean of each one's.

    >>> RMSE()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    1.0
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def measure(self, rows: Rows) -> float:
        return float(np.sqrt(rows.mean((rows.outputs - rows.targets) ** 2)).mean())


@dataclass(frozen=True)
class MAE(Metric, name="mae"):
    """Mean absolute error, in the targets' unit.

    >>> MAE()([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    0.5
    """

    direction: ClassVar[str] = "min"
    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def measure(self, rows: Rows) -> float:
        return float(rows.mean(np.abs(rows.outputs - rows.targets)).mean())


@dataclass(frozen=True)
class R2(Metric, name="r2"):
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
