"""Rows for training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError


def split(
    rows: int | Any,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int = 0,
    stratify: Any = None,
    *,
    groups: Any = None,
    order: Any = None,
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
    groups : array (rows,), optional
        Rows of one group (a patient, a customer) stay together.
    order : array (rows,), optional
        Times: the parts follow each other, and rows of one time stay together. The seed has no effect then.

    Returns
    -------
    tuple of int arrays
        Sorted row numbers of each part.

    Raises
    ------
    InputError
        If the fractions don't add up to 1, there are fewer rows, groups or times than parts, the seed is negative, or
        more than one of `stratify`, `groups` and `order` is given.

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
    if sum(way is not None for way in (stratify, groups, order)) > 1:
        raise InputError("split by one of stratify, groups and order, not by several")
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((int(seed), n))))
    if order is not None:
        return _in_order(_codes(order, n, "order"), shares)
    if groups is not None:
        return _together(_codes(groups, n, "groups"), shares, rng)
    line = rng.permutation(n)
    owner = _turns(shares, n)
    if stratify is not None:
        codes = _codes(stratify, n)
        line = line[np.argsort(codes[line], kind="stable")]  # class by class
        # Parts take turns along the line, each as often as its share: so every class is shared out.
        owner = _repair(owner, codes[line], len(shares))
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


def _in_order(codes: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, ...]:
    """Parts that follow each other: cut where a part has its share, never within one time."""
    cumulative = np.cumsum(np.bincount(codes))
    if len(cumulative) < len(shares):
        raise InputError(f"{len(cumulative)} different times can't be split into {len(shares)} parts")
    ends = np.searchsorted(cumulative, np.cumsum(shares)[:-1] * len(codes) - 1e-9)
    for part in range(len(ends)):  # each part has a time of its own, and leaves one for each that follows
        ends[part] = max(ends[part], ends[part - 1] + 1 if part else 0)
        ends[part] = min(ends[part], len(cumulative) - (len(shares) - part))
    owner = np.searchsorted(ends, codes)
    return tuple(np.flatnonzero(owner == part) for part in range(len(shares)))


def _together(codes: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Whole groups, largest first, each to the part that lacks most rows; groups of one size in random order."""
    sizes = np.bincount(codes)
    if len(sizes) < len(shares):
        raise InputError(f"{len(sizes)} groups can't be split into {len(shares)} parts; give more groups")
    target_sizes = shares * len(codes)
    part_of = np.empty(len(sizes), dtype=int)
    filled = np.zeros(len(shares))
    remaining = len(sizes)
    shuffled = rng.permutation(len(sizes))
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        empty = filled == 0
        # The last groups go to empty parts.
        lack = np.where(empty | (remaining > empty.sum()), target_sizes - filled, -np.inf)
        part = int(lack.argmax())
        part_of[group] = part
        filled[part] += sizes[group]
        remaining -= 1
    owner = part_of[codes]
    return tuple(np.flatnonzero(owner == part) for part in range(len(shares)))


def _codes(values: Any, n: int, argument: str = "stratify") -> np.ndarray:
    """Classes, groups or times as whole numbers, in order."""
    classes = np.asarray(values)
    if classes.shape != (n,):
        raise InputError(f"{argument} must have shape ({n},), one value a row, got {classes.shape}")
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


def _repair(owner: np.ndarray, codes: np.ndarray, parts: int) -> np.ndarray:
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
        given_row = np.flatnonzero((codes == needy) & (owner == giver))[0]
        taken_row = np.flatnonzero((codes == other) & (owner == part))[0]
        owner[given_row], owner[taken_row] = part, giver
        counts[needy, giver] -= 1
        counts[needy, part] += 1
        counts[other, part] -= 1
        counts[other, giver] += 1
    return owner
