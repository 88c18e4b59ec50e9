"""How far scores would vary from one draw of test rows to another: 95 % ranges, from the rows judged on."""

from __future__ import annotations

import math

import numpy as np

Z = 1.959964  # the normal distribution's 97.5 % point
FEWEST = 2  # rows from which a spread can be told


def of_share(hits: int, rows: int) -> tuple[float, float]:
    """Of a share of rows: Wilson's interval.

    ``(p + z²/2n ± z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n)`` (Wilson 1927, JASA 22:209).

    >>> [round(bound, 4) for bound in of_share(9, 10)]
    [0.5958, 0.9821]
    """
    share, square = hits / rows, Z * Z / rows
    middle = share + square / 2
    half = Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows))
    low, high = ((middle - half) / (1 + square), (middle + half) / (1 + square))
    return max(0.0, low), min(1.0, high)


def of_mean(values: np.ndarray) -> tuple[float, float] | None:
    """Of a mean over rows, such as the log loss: ``mean ± z s / √n``; None for too few rows.

    Parameters
    ----------
    values : array (rows,)
        At least 0.

    >>> [round(bound, 3) for bound in of_mean(np.array([1.0, 2.0, 3.0, 2.0]))]
    [1.2, 2.8]
    """
    if len(values) < FEWEST:
        return None
    mean, half = float(np.mean(values)), Z * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return max(0.0, mean - half), mean + half


def of_root(squares: np.ndarray) -> tuple[float, float] | None:
    """Of the root of a mean over rows, such as the RMSE: the roots of the mean's bounds."""
    bounds = of_mean(squares)
    return bounds and (math.sqrt(bounds[0]), math.sqrt(bounds[1]))


def known(**ranges: tuple[float, float] | None) -> dict[str, tuple[float, float]] | None:
    """Those that could be told, by score; None if there are none."""
    return {name: bounds for name, bounds in ranges.items() if bounds is not None} or None
