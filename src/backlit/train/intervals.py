"""Prediction intervals for regression from held-out residuals (split conformal prediction)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.schema import parts

KEPT = 1000  # residuals that are kept of very many


@dataclass(frozen=True)
class Intervals:
    """How far predictions were off on held-out rows, for each output.

    An interval ``prediction ± q`` holds a new target with probability of at least `level`, whatever the distribution,
    if the new rows come from where the held-out rows came from: q is the ``⌈(n + 1) · level⌉``-th smallest of the n
    residuals |y - ŷ| (V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random world", 2005; J. Lei et
    al., "Distribution-free predictive inference for regression", JASA 2018).

    Attributes
    ----------
    residuals : tuple of tuples
        Sorted, one tuple an output, in the target's own unit.
    rows : int
        Held-out rows that they come from.

    Examples
    --------
    >>> import numpy as np
    >>> intervals = Intervals.learn(np.zeros(9), np.arange(1.0, 10.0))
    >>> intervals.half_width(0.8)
    (8.0,)
    """

    residuals: tuple[tuple[float, ...], ...]
    rows: int

    @classmethod
    def learn(cls, predictions: np.ndarray, y: np.ndarray) -> Intervals:
        """From held-out rows: predictions and targets (rows,) or (rows, outputs)."""
        return cls.of(np.asarray(y, dtype=float) - np.asarray(predictions, dtype=float))

    @classmethod
    def of(cls, errors: np.ndarray) -> Intervals:
        """From what held-out targets are beyond their predictions, (rows,) or (rows, outputs)."""
        errors = np.sort(np.abs(np.asarray(errors, dtype=float)).reshape(len(errors), -1), axis=0)
        rows = len(errors)
        if rows > KEPT:  # of many, those at even steps, rounded up, so that no interval becomes too narrow
            steps = np.ceil(np.arange(1, KEPT + 1) * (rows / KEPT)).astype(int) - 1
            errors = errors[steps]
        return cls(tuple(tuple(column.tolist()) for column in errors.T), rows)

    @classmethod
    def wider(cls, first: np.ndarray, second: np.ndarray) -> Intervals:
        """At each level the wider of two sets' intervals; where one has too few rows for a level, the other's.

        >>> import numpy as np
        >>> Intervals.wider(np.full(9, 3.0), np.arange(1.0, 20.0)).half_width(0.1), Intervals.wider(
        ...     np.full(9, 3.0), np.arange(1.0, 20.0)).half_width(0.95)
        ((3.0,), (19.0,))
        """
        few, many = sorted((cls.of(first), cls.of(second)), key=lambda one: len(one.residuals[0]))
        levels = np.arange(1, len(many.residuals[0]) + 1) / (len(many.residuals[0]) + 1)
        at = np.ceil((len(few.residuals[0]) + 1) * levels - 1e-9).astype(int) - 1
        known = at < len(few.residuals[0])
        columns = []
        for of_few, of_many in zip(few.residuals, many.residuals, strict=True):
            widths = np.where(known, np.array(of_few)[np.where(known, at, 0)], 0.0)
            columns.append(tuple(np.maximum.accumulate(np.maximum(widths, of_many)).tolist()))
        return cls(tuple(columns), many.rows)

    def half_width(self, level: float = 0.9) -> tuple[float, ...]:
        """Q of each output; infinite if there were too few rows for the level (9 rows carry 90 %, 99 carry 99 %).

        Raises
        ------
        InputError
            If the level isn't between 0 and 1.
        """
        if not (isinstance(level, (int, float)) and 0 < level < 1):
            raise InputError(f"level must lie between 0 and 1, 0.9 say, got {level!r}")
        widths = []
        for residuals in self.residuals:
            n = len(residuals)
            place = int(np.ceil((n + 1) * level - 1e-9))
            widths.append(residuals[place - 1] if place <= n else float("inf"))
        return tuple(widths)

    def around(self, predicted: np.ndarray, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of predictions (rows,) or (rows, outputs)."""
        half = np.array(self.half_width(level))
        half = half if predicted.ndim > 1 else half[0]
        return predicted - half, predicted + half

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"residuals": [list(column) for column in self.residuals], "rows": self.rows}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Intervals:
        """The inverse of `to_dict`."""
        return cls(**parts(cls, data))
