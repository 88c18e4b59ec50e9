"""Encoding: what every tokenizer does with numbers of tokens, however it finds them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError

PADDING, UNKNOWN, START, END = range(4)
SPECIAL = 4  # so many numbers before those of the tokens


class Encoding(ABC):
    """Texts as rows of numbers: 0 fills rows up, 1 is an unknown token, 2 starts and 3 ends a text."""

    @abstractmethod
    def _flat(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of all texts, one after another, and how many each has."""

    def encode(self, text: str) -> np.ndarray:
        """Numbers of a text's tokens, int32 (tokens,); those that weren't learned are UNKNOWN.

        Raises
        ------
        InputError
            If it isn't text.
        """
        return self._flat(texts_in([text]))[0]

    def encode_all(
        self, texts: Iterable[str], length: int | None = None, end: bool = False, start: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Texts as rows of one length: int32 (rows, length), and how many tokens of each were cut off, int64 (rows,).

        Short rows are filled up with PADDING at their end; of long ones the end is cut off.

        Parameters
        ----------
        texts : iterable of str
        length : int, optional
            START and END included; by default as long as the longest.
        end, start : bool
            Put END after, START before each text. A text that was cut has no END, since it didn't end there.

        Raises
        ------
        InputError
            If a text isn't one (it is named by its row), or nothing of a text would fit into the length.
        """
        texts = texts_in(texts)
        flat, lengths = self._flat(texts)
        longest = int(lengths.max(initial=0))
        width = start + longest + end if length is None else length
        if isinstance(width, bool) or not isinstance(width, int) or width <= start:
            if length is not None:
                raise InputError(f"encode_all: length must be a whole number above {int(start)}, got {length!r}")
            width = 1
        room = width - start
        kept_lengths = np.minimum(lengths, room)
        rows = np.full((len(texts), width), PADDING, dtype=np.int32)
        place = np.arange(room)
        within = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows[:, int(start) :][place < kept_lengths[:, None]] = flat[within < room]
        if start:
            rows[:, 0] = START
        if end:
            ends = np.flatnonzero(lengths < room)
            rows[ends, start + kept_lengths[ends]] = END
        return rows, lengths - kept_lengths


def texts_in(texts: Iterable[Any]) -> list[str]:
    """Texts as a list, each of them text."""
    if isinstance(texts, (str, bytes)):
        raise InputError("expected several texts, got a single one; put it in a list")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            missing = text is None or text != text
            raise InputError(f"row {row} is {'missing' if missing else repr(text)[:50]}; expected text")
    return texts


def decodable(ids: Any, size: int) -> np.ndarray:
    """Of the numbers of one text, once checked, those that stand for something: not PADDING, START and END."""
    ids = np.asarray(ids)
    if ids.ndim != 1:
        raise ShapeError(f"decode takes the numbers of one text, shape (tokens,), got {ids.shape}")
    if ids.size and (ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= size):
        raise InputError(f"decode takes whole numbers from 0 to {size - 1}, got {ids.dtype} {few(ids)}")
    return ids[(ids == UNKNOWN) | (ids >= SPECIAL)]


def few(values: Any) -> str:
    """The first few, for messages."""
    text = ", ".join(map(repr, np.asarray(values[:8]).tolist()))
    return text + (", …" if len(values) > 8 else "")
