"""What can be told of a text table from its bytes alone, by NumPy, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

PIECE = 1 << 20
NEWLINE, RETURN, QUOTE = 10, 13, 34


def is_regular(data: bytes, separator: str) -> bool:
    """Whether lines end in one way, and quotes stand only where they open or close a value or are doubled.

    That is: before a quote that opens is a separator, a line end, or (doubled) the quote that just closed; after one
    that closes likewise; and the last one closes.
    """
    whole = np.frombuffer(data, np.uint8)
    edges = np.array([ord(separator), NEWLINE, RETURN, QUOTE], np.uint8)
    if b"\r" in data:
        for start in range(0, len(whole), PIECE):
            after = np.flatnonzero(whole[start : start + PIECE] == RETURN) + (start + 1)
            if (after == len(whole)).any() or (whole[after] != NEWLINE).any():
                return False
    quotes_before = 0
    for start, quotes in _quotes(data, whole):
        opening = np.arange(quotes_before, quotes_before + len(quotes)) % 2 == 0
        before = quotes[opening] + (start - 1)
        after = quotes[~opening] + (start + 1)
        beside = np.concatenate([whole[before[before >= 0]], whole[after[after < len(whole)]]])
        if not np.isin(beside, edges).all():
            return False
        quotes_before += len(quotes)
    return quotes_before % 2 == 0


def count(data: bytes, byte: int) -> int:
    """How often a byte occurs."""
    whole = np.frombuffer(data, np.uint8)
    return sum(int(np.count_nonzero(whole[start : start + PIECE] == byte)) for start in range(0, len(whole), PIECE))


def count_outside(data: bytes, byte: int) -> int:
    """How often a byte occurs outside of quotes in a regular table."""
    whole = np.frombuffer(data, np.uint8)
    count = quotes_before = 0
    for start, quotes in _quotes(data, whole):
        matches = whole[start : start + PIECE] == byte
        if len(quotes):
            before = quotes_before + np.searchsorted(quotes, np.flatnonzero(matches))  # quotes before each
            count += int(np.count_nonzero(before % 2 == 0))
        elif quotes_before % 2 == 0:
            count += int(np.count_nonzero(matches))
        quotes_before += len(quotes)
    return count


def _quotes(data: bytes, whole: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Where each piece starts, and where in it quotes are."""
    none = np.empty(0, np.int64)
    quoted = b'"' in data
    for start in range(0, len(whole), PIECE):
        yield start, np.flatnonzero(whole[start : start + PIECE] == QUOTE) if quoted else none
