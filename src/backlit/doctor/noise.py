"""Noise: by how much a number that was measured on so many rows may be off."""

from __future__ import annotations

import math

import numpy as np

ROW = math.sqrt(2.0)  # a row's squared error varies by √2 of the mean one, if errors are normal; taken for all losses
EXACT = 1000  # rows, up to which a binomial distribution is summed up


def of_loss(loss: float, rows: float) -> float:
    """Standard error of a mean loss.

    Examples
    --------
    >>> of_loss(0.5, 200)
    0.05
    """
    return ROW * abs(loss) / math.sqrt(max(rows, 1.0))


def of_share(share: float, rows: float) -> float:
    """Standard error of an accuracy, or about that of an R², which is never held for surer than one row's worth.

    Examples
    --------
    >>> of_share(0.5, 100)
    0.05
    """
    return math.sqrt(max(share * (1 - share), 0.01) / max(rows, 1.0))


def at_most(found: int, rows: int) -> float:
    """How probably chance finds so few of the rows, or fewer, if each is found as likely as not.

    Examples
    --------
    >>> at_most(0, 1), at_most(1, 3)
    (0.5, 0.5)
    """
    if rows > EXACT:  # a normal distribution is as good there
        return 0.5 * math.erfc((rows / 2 - found - 0.5) / math.sqrt(rows / 2))
    return sum(math.comb(rows, number) for number in range(found + 1)) / 2**rows


def between_epochs(values: np.ndarray) -> float:
    """How far single epochs lie from their neighbours' mean: standard deviation, trends left out.

    Examples
    --------
    >>> between_epochs(np.arange(10.0))
    0.0
    """
    if len(values) < 4 or not np.isfinite(values).all():
        return 0.0
    bends = values[1:-1] - (values[:-2] + values[2:]) / 2  # of noise σ: σ √1.5
    return float(np.sqrt(np.median(np.square(bends)) / 0.455 / 1.5))  # 0.455: the median of χ² with one degree
