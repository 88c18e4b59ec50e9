"""Pieces of texts, a few characters in a row, by the numbers that they hash to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.schema import parts

MOST = 20_000  # pieces that are learned
SEEN = 2  # a piece that one text has alone teaches nothing
LONGEST, SHORTEST = 512, 32  # pieces of a row at most, and however many rows there are
CELLS = 20_000_000  # numbers of all rows, about, at most
PERCENTILE = 95  # of the training texts' numbers of pieces
LOOK = 2000  # characters of a text that are looked at
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # of a hash: 2⁶⁴ by the golden ratio (D. Knuth, TAOCP 3, section 6.4)


@dataclass(frozen=True)
class Pieces:
    """Which pieces are known, and how many of them a row has.

    Words that training didn't have, with endings, prefixes or slips, still have pieces that it had
    (P. Bojanowski et al., "Enriching word vectors with subword information", TACL 2017).

    Attributes
    ----------
    shortest, longest : int
        Characters of a piece.
    known : tuple of int
        What the pieces hash to, sorted.
    length : int
        Different ones in a row, at most.

    Examples
    --------
    >>> pieces = Pieces.learn(["good film", "a good one", "bad"], 3, 4)
    >>> len(pieces.known), (pieces.encode_all(["goods", "film"], first=10) > 0).sum(axis=1).tolist()
    (7, [5, 0])
    """

    shortest: int
    longest: int
    known: tuple[int, ...]
    length: int

    @classmethod
    def learn(cls, texts: Sequence[str], shortest: int, longest: int) -> Pieces:
        """The pieces that most texts have."""
        found = [_hashes(text, shortest, longest) for text in texts]
        distinct, counts = np.unique(np.concatenate(found), return_counts=True)
        often = counts >= SEEN
        distinct, counts = distinct[often], counts[often]
        kept = np.sort(distinct[np.lexsort((distinct, -counts))[:MOST]])
        lengths = [int(np.isin(one, kept, assume_unique=True).sum()) for one in found]
        most = int(np.clip(CELLS // max(len(texts), 1), SHORTEST, LONGEST))
        length = int(np.clip(np.ceil(np.percentile(lengths, PERCENTILE)), 1, most))
        return cls(shortest, longest, tuple(kept.tolist()), length)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Pieces:
        """From plain data."""
        made = cls(**parts(cls, data))
        known = made.known
        if not 1 <= made.shortest <= made.longest or made.length < 1:
            raise InputError(f"pieces of {made.shortest} to {made.longest} characters, {made.length} a row, can't be")
        if any(not 0 <= one < 1 << 32 for one in known) or list(known) != sorted(set(known)):
            raise InputError("known pieces must be different whole numbers below 2³², sorted")
        return made

    def encode_all(self, texts: Sequence[str], first: int) -> np.ndarray:
        """Numbers of each text's known pieces, from `first` on, int32 (rows, length) filled up with zeros."""
        known = np.array(self.known, np.uint32)
        rows = np.zeros((len(texts), self.length), np.int32)
        for row, text in zip(rows, texts, strict=True):
            hashes = _hashes(text, self.shortest, self.longest)
            places = np.searchsorted(known, hashes)
            numbers = places[known[np.minimum(places, len(known) - 1)] == hashes] if len(known) else places[:0]
            row[: min(len(numbers), self.length)] = first + numbers[: self.length]
        return rows


def _hashes(text: str, shortest: int, longest: int) -> np.ndarray:
    """Different pieces of a text, with a space at either end, as uint32."""
    codes = np.frombuffer(f" {text[:LOOK]} ".encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    hashed = np.zeros(0, np.uint64)
    found = []
    for size in range(1, min(longest, len(codes)) + 1):
        # The hash of a piece follows from that of the piece without its last character.
        begun = hashed[: len(codes) - size + 1] if size > 1 else np.zeros(len(codes), np.uint64)
        hashed = (begun ^ (codes[size - 1 :] + np.uint64(size))) * FACTOR
        hashed ^= hashed >> np.uint64(29)
        if size >= shortest:
            found.append(hashed)
    if not found:
        return np.zeros(0, np.uint32)
    return np.unique((np.concatenate(found) >> np.uint64(16)).astype(np.uint32))
