"""Rows for training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError


def split(
    rows: int | Any, fractions: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0, stratify: Any = None
) -> tuple[np.ndarray, ...]:
    """Row numbers of disjoint parts that together hold every row once.

    Parameters
    ----------
    rows : int or sized
        Number of rows, or anything with that length.
    fractions : sequence of float
        Share of each part; they add up to 1.
    seed : int
        The same seed gives the same parts.
    stratify : array (rows,), optional
        Classes whose shares should be alike in all parts.

    Returns
    -------
    tuple of int arrays
        Sorted row numbers of each part.

    Raises
    ------
    InputError
        If the fractions don't add up to 1, or there are fewer rows than parts.

    Examples
    --------
    >>> [len(part) for part in split(100)]
    [70, 15, 15]
    """
    n = int(rows) if isinstance(rows, (int, np.integer)) else len(rows)
    shares = np.asarray(fractions, dtype=float)
    if shares.ndim != 1 or len(shares) < 2 or (shares <= 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise InputError(f"fractions must be positive and add up to 1, got {tuple(fractions)}")
    if n < len(shares):
        raise InputError(f"{n} rows can't be split into {len(shares)} parts; give more rows")
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, n))))
    line = rng.permutation(n)
    if stratify is not None:
        classes = np.asarray(stratify)
        if classes.shape != (n,):
            raise InputError(f"stratify must have shape ({n},), one class a row, got {classes.shape}")
        line = line[np.argsort(np.unique(classes[line], return_inverse=True)[1], kind="stable")]  # class by class
    # Parts take turns along the line, each as often as its share: so every class is shared out.
    owner = _turns(shares, n)
    return tuple(np.sort(line[owner == part]) for part in range(len(shares)))


def _turns(shares: np.ndarray, n: int) -> np.ndarray:
    """Which part each place of the line goes to: each part's places are spread evenly over the line."""
    sizes = np.maximum(np.floor(shares * n + 1e-9).astype(int), 1)
    while sizes.sum() < n:
        sizes[np.argmax(shares * n - sizes)] += 1
    while sizes.sum() > n:
        sizes[np.argmax(sizes)] -= 1
    places = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    return np.repeat(np.arange(len(sizes)), sizes)[np.argsort(places, kind="stable")]
