"""Texts, sequences of symbols, or one long text as rows of numbers that a network takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from backlit.data.preparation import Preparation
from backlit.data.text.subwords import Subwords
from backlit.data.text.tokenizer import SPECIAL, UNKNOWN, Tokenizer
from backlit.errors import InputError
from backlit.schema import fitted


@dataclass(frozen=True)
class Symbols:
    """Symbols that are given one by one, such as the words of a tagged sentence: 1 is unknown, known ones start at 4.

    >>> symbols = Symbols.learn([["the", "cat"], ["the", "end"]])
    >>> symbols.tokens, symbols.encode_all([["the", "dog"]], length=3)[0].tolist()
    (('cat', 'end', 'the'), [[6, 1, 0]])
    """

    tokens: tuple[str, ...]

    @classmethod
    def learn(cls, sequences: Iterable[Sequence[Any]]) -> Symbols:
        """All symbols that occur, sorted."""
        return cls(tuple(sorted({str(symbol) for sequence in sequences for symbol in sequence})))

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return SPECIAL + len(self.tokens)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens, SPECIAL)}

    def encode_all(
        self, sequences: Sequence[Sequence[Any]], length: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `Tokenizer.encode_all`: int32 (rows, length), and how much of each was cut off."""
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        width = max(1, int(lengths.max(initial=0))) if length is None else length
        rows = np.zeros((len(sequences), width), np.int32)
        for row, sequence in zip(rows, sequences, strict=True):
            numbers = [self._numbers.get(str(symbol), UNKNOWN) for symbol in sequence[:width]]
            row[: len(numbers)] = numbers
        return rows, np.maximum(lengths - width, 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"unit": "symbols", "tokens": list(self.tokens)}


@dataclass(frozen=True)
class Texts(Preparation):
    """Turns texts, or sequences of symbols, into rows of numbers of one length, filled up with zeros.

    Parameters
    ----------
    tokenizer : Tokenizer, Subwords or Symbols
    length : int

    Raises
    ------
    InputError
        If a text is empty, or longer than those that were learned from.

    Examples
    --------
    >>> Texts(Tokenizer.learn("abc"), length=4).apply(["ab", "c"]).tolist()
    [[4, 5, 0, 0], [6, 0, 0, 0]]
    """

    tokenizer: Tokenizer | Subwords | Symbols
    length: int

    def apply(self, texts: Any) -> np.ndarray:
        """int32 (rows, length); an array of numbers is taken as it is."""
        if isinstance(texts, np.ndarray) and texts.dtype.kind in "iu":
            return texts
        sequences = texts.tolist() if hasattr(texts, "tolist") else list(texts)
        rows, cut = self.tokenizer.encode_all(sequences, self.length)
        if cut.any():
            row = int(np.argmax(cut > 0))
            raise InputError(
                f"row {row} has {self.length + int(cut[row])} tokens; the longest that was trained on has {self.length}"
            )
        empty = ~(rows != 0).any(axis=1)
        if empty.any():
            raise InputError(f"row {int(np.argmax(empty))} is empty: there is nothing to read; leave it out")
        return rows

    @property
    def whole(self) -> bool:
        """Longer texts are refused: none is cut."""
        return True

    def trimmed(self, texts: Any, steps: np.ndarray) -> list[list[Any]]:
        """What is known of each step of some texts, without that of the padding."""
        lengths = (self.apply(texts) != 0).sum(axis=1)
        return [row[:length] for row, length in zip(steps.tolist(), lengths.tolist(), strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"tokenizer": self.tokenizer.to_dict(), "length": self.length}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Texts:
        """The inverse of `to_dict`."""
        rest = dict(data)
        tokenizer = tokenizer_from(fitted(dict[str, Any], rest.pop("tokenizer", None), "tokenizer"))
        return cls(tokenizer, fitted(int, rest.pop("length", None), "length"))


def tokenizer_from(data: dict[str, Any]) -> Any:
    """A `Tokenizer`, `Subwords` or `Symbols`, that its `to_dict` described."""
    if data.get("unit") == "subwords":
        return Subwords.from_dict(data)
    if data.get("unit") != "symbols":
        return Tokenizer.from_dict(data)
    return Symbols(fitted(tuple[str, ...], data.get("tokens"), "tokens"))


def windows(ids: np.ndarray, streams: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a language model, both int32 (windows · streams, length).

    The text is cut into `streams` equal parts, which are read side by side: row ``w · streams + s`` is window w of part
    s. So a batch of `streams` rows, taken in order, goes on where the batch before ended. Targets are the inputs moved
    by one. What is left at the end of each part, less than a window, isn't used.

    Parameters
    ----------
    ids : int array (tokens,)
    streams, length : int

    Examples
    --------
    >>> x, y = windows(np.arange(11), streams=2, length=2)
    >>> x.tolist()
    [[0, 1], [5, 6], [2, 3], [7, 8]]
    >>> y.tolist()
    [[1, 2], [6, 7], [3, 4], [8, 9]]
    """
    part = (len(ids) - 1) // streams
    count = part // length
    starts = np.arange(count)[:, None] * length + np.arange(streams) * part
    places = starts.reshape(-1, 1) + np.arange(length)
    return ids[places].astype(np.int32), ids[places + 1].astype(np.int32)
