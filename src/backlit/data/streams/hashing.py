"""Hashes of rows that are the same everywhere and always: which part a row belongs to follows from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MISSING = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
STEP = np.uint64(0x9E3779B97F4A7C15)
LETTER = 0x100000001B3  # odd, so that its powers never come to 0
LONGEST = 1 << 16  # bytes of a text that have powers of their own
AT_ONCE = 1 << 20  # bytes or values that are hashed together: it takes some 30 times the room


def mixed(hashes: np.ndarray) -> np.ndarray:
    """Hashes whose every bit depends on every bit of those given: MurmurHash3's last step (A. Appleby)."""
    hashes = hashes ^ (hashes >> np.uint64(33))
    hashes *= FIRST
    hashes ^= hashes >> np.uint64(33)
    hashes *= SECOND
    hashes ^= hashes >> np.uint64(33)
    return hashes


def of_places(seed: int, file: int, start: int, rows: int) -> np.ndarray:
    """Hashes of rows by where they stand, uint64 (rows,)."""
    own = mixed(np.array([seed * 2 + 1, file + 1], np.uint64) * STEP)
    with np.errstate(over="ignore"):
        return mixed((np.arange(start, start + rows, dtype=np.uint64) + own[0]) * STEP + own[1])


def of_rows(frame: Any, seed: int) -> np.ndarray:
    """Hashes of rows by what they hold, uint64 (rows,); a number's is the same whatever its type."""
    total = np.full(frame.height, seed, np.uint64)
    factors = mixed((np.arange(frame.width, dtype=np.uint64) + np.uint64(1)) * STEP) | np.uint64(1)
    for factor, column in zip(factors, frame.get_columns(), strict=True):
        total += of_column(column) * factor
    return mixed(total)


def of_column(column: Any) -> np.ndarray:
    """The bits of a column's values as uint64 (rows,), folded, so that the upper ones tell of the lower ones."""
    import polars as pl

    kind = column.dtype
    if kind in (pl.Null, pl.Object):  # what is only Python's has no bits that stay the same
        return np.full(len(column), MISSING)
    gaps = column.is_null().to_numpy()
    if kind == pl.Boolean or kind.is_numeric():
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        bits = (values + 0.0).view(np.uint64)  # adding 0 makes +0 of -0, and copies
        gaps = np.isnan(values)
    elif kind.is_temporal():
        bits = column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)
    elif kind == pl.Binary:
        bits = _of_bytes(column)
    elif kind == pl.Struct:
        bits = of_rows(column.struct.unnest(), 0)
    elif kind == pl.Array:
        bits = _of_lists(column.arr.to_list())
    elif kind == pl.List:
        bits = _of_lists(column)
    else:
        text = column if kind == pl.String else column.cast(pl.String, strict=False)
        bits, gaps = _of_bytes(text.cast(pl.Binary)), text.is_null().to_numpy()
    bits = bits ^ (bits >> np.uint64(32))
    bits[gaps] = MISSING
    return bits


def _of_bytes(column: Any) -> np.ndarray:
    def letters(first: int, last: int) -> np.ndarray:
        joined = b"".join(column[first:last].drop_nulls().to_list())
        return np.frombuffer(joined, np.uint8).astype(np.uint64) + np.uint64(1)

    return _of_sequences(column.bin.size().fill_null(0).to_numpy(), letters)


def _of_lists(column: Any) -> np.ndarray:
    lengths = column.list.len().fill_null(0).to_numpy()

    def letters(first: int, last: int) -> np.ndarray:
        some = column[first:last].filter(lengths[first:last] > 0)
        return mixed(of_column(some.explode()))

    return _of_sequences(lengths, letters)


def _of_sequences(lengths: np.ndarray, letters: Callable[[int, int], np.ndarray]) -> np.ndarray:
    """A polynomial of each row's letters: ``Σ letterᵢ × LETTERⁱ`` modulo 2⁶⁴, some rows at a time.

    Parameters
    ----------
    lengths : array of int (rows,)
    letters : callable
        ``letters(first, last)``: uint64, those of the rows from `first` up to `last`, one after another.
    """
    lengths = lengths.astype(np.int64)
    ends = np.cumsum(lengths)
    marks = np.arange(AT_ONCE, int(lengths.sum()), AT_ONCE)
    cuts = np.unique(np.concatenate([[0], np.searchsorted(ends, marks, side="right"), [len(lengths)]]))
    powers = np.cumprod(np.full(min(int(lengths.max(initial=0)), LONGEST) + 1, LETTER, np.uint64))
    hashes = np.empty(len(lengths), np.uint64)
    for first, last in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        some = lengths[first:last]
        stops = np.cumsum(some)
        places = np.arange(int(some.sum())) - np.repeat(stops - some, some)
        places %= len(powers)
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(letters(first, last) * powers[places])])
        hashes[first:last] = sums[stops] - sums[stops - some]
    return mixed(hashes)
