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
        Classes whose shares should be alike in all parts. A class with at least as many rows as there are parts is
        in every part, as long as the parts are large enough for all such classes.

    Returns
    -------
    tuple of int arrays
        Sorted row numbers of each part.

    Raises
    ------
    InputError
        If the fractions don't add up to 1, there are fewer rows than parts, or the seed is negative.

    Examples
    --------
    >>> [len(part) for part in split(100)]
    [70, 15, 15]
    """
    n = _count(rows)
    shares = _shares(fractions)
    if n < len(shares):
        raise InputError(f"{n} rows can't be split into {len(shares)} parts; give more rows")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {seed!r}")
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((int(seed), n))))
    line = rng.permutation(n)
    owner = _turns(shares, n)
    if stratify is not None:
        codes = _codes(stratify, n)
        line = line[np.argsort(codes[line], kind="stable")]  # class by class
        # Parts take turns along the line, each as often as its share: so every class is shared out.
        owner = _mend(owner, codes[line], len(shares))
    return tuple(np.sort(line[owner == part]) for part in range(len(shares)))


def _count(rows: Any) -> int:
    if isinstance(rows, (int, np.integer)) and not isinstance(rows, bool):
        return int(rows)
    try:
        return len(rows)
    except TypeError:
        raise InputError(f"rows must be a number of rows or hold rows, got {rows!r}") from None


def _shares(fractions: Any) -> np.ndarray:
    try:
        shares = np.asarray(fractions, dtype=float)
    except (TypeError, ValueError):
        shares = np.empty(0)
    if shares.ndim != 1 or len(shares) < 2 or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-9:
        raise InputError(f"fractions must be two or more positive numbers that add up to 1, got {fractions!r}")
    return shares


def _codes(stratify: Any, n: int) -> np.ndarray:
    """Classes as whole numbers, in order."""
    classes = np.asarray(stratify)
    if classes.shape != (n,):
        raise InputError(f"stratify must have shape ({n},), one class a row, got {classes.shape}")
    if classes.dtype.kind == "O":
        classes = np.array([str(value) for value in classes])  # whatever is in there can be put in order as text
    return np.unique(classes, return_inverse=True)[1]


def _turns(shares: np.ndarray, n: int) -> np.ndarray:
    """Which part each place of the line goes to: each part's places are spread evenly over the line."""
    sizes = np.maximum(np.floor(shares * n + 1e-9).astype(int), 1)
    while sizes.sum() < n:
        sizes[np.argmax(shares * n - sizes)] += 1
    while sizes.sum() > n:
        sizes[np.argmax(sizes)] -= 1
    places = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    return np.repeat(np.arange(len(sizes)), sizes)[np.argsort(places, kind="stable")]


def _mend(owner: np.ndarray, codes: np.ndarray, parts: int) -> np.ndarray:
    """Swap rows until every class with a row for each part is in each part; the parts keep their sizes.

    A small class may fall between a small part's turns. That part then gets a row of the class from the part that has
    most of them, and gives back a row of the class of which it has most itself.
    """
    owner = owner.copy()
    counts = np.zeros((int(codes.max()) + 1, parts), dtype=int)
    np.add.at(counts, (codes, owner), 1)
    large = counts.sum(axis=1) >= parts
    for needy, part in np.argwhere((counts == 0) & large[:, None]):
        spare = counts[:, part] - large  # what the part can give away: its last row of a small class, too
        giver = int(counts[needy].argmax())
        if counts[needy, giver] < 2 or spare.max() < 1:
            continue  # the part is too small to hold every class
        other = int(spare.argmax())
        given = np.flatnonzero((codes == needy) & (owner == giver))[0]
        taken = np.flatnonzero((codes == other) & (owner == part))[0]
        owner[given], owner[taken] = part, giver
        counts[needy, giver] -= 1
        counts[needy, part] += 1
        counts[other, part] -= 1
        counts[other, giver] += 1
    return owner
