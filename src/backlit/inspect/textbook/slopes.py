"""The slope of a loss by each output, in symbols where a formula is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.inspect.textbook.symbols import Math, grouped, number, symbol, values
from backlit.nn import losses


@dataclass(frozen=True, eq=False)
class Slope:
    """∂L/∂(one output).

    Attributes
    ----------
    symbol : callable
        The formula, from the symbols of target, output and derivative and the unit's number.
    numbers : Math
        The formula in numbers, for one row; else the values.
    values : array (rows,)
    """

    symbol: Callable[[Math, Math, Math, int], Math]
    numbers: Math
    values: np.ndarray


def loss_slope(loss: Any, output: np.ndarray, target: np.ndarray, slopes: np.ndarray) -> list[Slope]:
    """The slope for each output of (rows, ...), whose values are the columns of `slopes`."""
    count = slopes.shape[1]
    outputs = output.reshape(len(output), -1)
    one = len(output) == 1
    if isinstance(loss, (losses.SquaredError, losses.MeanSquaredError)):
        targets = target.reshape(len(output), -1)
        head = _squared(loss, count)
        return [
            Slope(
                lambda t, o, d, n: head + _difference(t, o),
                _numbers(head, targets[0, i], outputs[0, i]) if one else values(slopes[:, i]),
                slopes[:, i],
            )
            for i in range(count)
        ]
    plain = isinstance(loss, losses.CrossEntropy) and not loss.label_smoothing and loss.class_weights is None
    if (plain or isinstance(loss, losses.SoftCrossEntropy)) and output.ndim == 2:
        return [_probable(slopes[:, i], "") for i in range(count)]
    if isinstance(loss, losses.BinaryCrossEntropy):
        return [_probable(slopes[:, i], f"/{count}" if count > 1 else "") for i in range(count)]
    return [Slope(lambda t, o, d, n: d, values(slopes[:, i]), slopes[:, i]) for i in range(count)]


def _squared(loss: Any, count: int) -> Math:
    """What stands before (target − output)."""
    if isinstance(loss, losses.SquaredError):
        return Math("−", "-") if loss.half else Math("−2", "-2")
    return Math("−2", "-2") if count == 1 else Math(f"−2/{count}·", rf"-\frac{{2}}{{{count}}}")


def _difference(a: Math, b: Math) -> Math:
    return grouped(a + Math(" − ", " - ") + b)


def _numbers(head: Math, target: float, output: float) -> Math:
    shown_output = number(float(output))
    if shown_output.text.startswith("−"):
        shown_output = grouped(shown_output)
    difference = _difference(number(float(target)), shown_output)
    dot = Math("", "") if head.text == "−" or head.text.endswith("·") else Math("·", r" \cdot ")
    return head + dot + difference


def _probable(slope: np.ndarray, share: str) -> Slope:
    """The slope p − t, where p is the probability that the loss makes of the score."""

    def formula(target: Math, output: Math, by: Math, unit: int) -> Math:
        return _difference(symbol("p", unit), target) + share

    return Slope(formula, values(slope), slope)
