"""Tokenizers: texts as whole numbers, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Literal

import numpy as np

from backlit.data.text import units
from backlit.data.text.encoding import END, PADDING, SPECIAL, START, UNKNOWN, Encoding, decodable, few, texts_in
from backlit.data.text.units import CODE_POINTS, REPLACEMENT, UNITS
from backlit.errors import InputError, unknown
from backlit.schema import parts

__all__ = ["END", "PADDING", "SPECIAL", "START", "UNKNOWN", "Tokenizer", "Unit"]

Unit = Literal["characters", "words", "bytes", "syllables", "jamo"]


@dataclass(frozen=True)
class Tokenizer(Encoding):
    """Tokens by number: 0 fills rows up, 1 is an unknown token, 2 starts and 3 ends a text, the tokens follow from 4.

    What a token is, by unit:

    characters
        A Unicode code point of the text in composed form (NFC): "é" is one token however it was typed. What a reader
        takes for one character may still be several, as emoji with skin tone or flags are; they come back whole, since
        decoding puts the code points together again.
    syllables
        The same: composed, a Hangul syllable is one code point, and so is any other character.
    jamo
        As characters, but each Hangul syllable is its two or three conjoining jamo, 67 different ones in place of
        11,172. Decoding composes them: nothing is lost. A compatibility jamo that stands alone, such as ㅋ, stays.
    bytes
        The bytes of the text in UTF-8, not composed: any text, nothing unknown. What can't be decoded becomes "�".
    words
        Letters, digits and "_" in a row, with apostrophes inside (don't) and points inside numbers (3.14); each other
        mark by itself; each line end. Case is kept. Decoding puts spaces between words, but none before a mark that
        closes (. , ; : ! ? ) % …) or after one that opens (such as ( [ # $); straight double quotes open and close by
        turns. How much space there was is lost. Chinese and Japanese don't separate words: take characters.

    Lone surrogates, which no file can hold, count as "�".

    Attributes
    ----------
    unit : "characters", "words", "bytes", "syllables" or "jamo"
    tokens : tuple of str
        Token i has number i + 4. Bytes: 256 characters, of which the i-th stands for byte i.

    Raises
    ------
    InputError
        If the unit isn't known, or the tokens aren't distinct units.

    Examples
    --------
    >>> tokenizer = Tokenizer.learn("hello")
    >>> tokenizer.tokens, tokenizer.encode("hole?").tolist()
    (('l', 'e', 'h', 'o'), [6, 7, 4, 5, 1])
    >>> tokenizer.decode([6, 7, 4, 5, 1, 0, 0])
    'hole�'
    >>> Tokenizer.learn("한글", "jamo").size
    10
    """

    unit: Unit
    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        _require_unit(self.unit)
        tokens = tuple(self.tokens)
        object.__setattr__(self, "tokens", tokens)
        if any(not isinstance(token, str) or not token for token in tokens) or len(set(tokens)) < len(tokens):
            raise InputError(f"Tokenizer: tokens must be distinct, non-empty texts, got {few(tokens)}")
        if self.unit == "bytes" and tokens != _BYTES:
            raise InputError("Tokenizer: bytes are all 256 of them; make it with Tokenizer.learn('', 'bytes')")
        if self.unit != "words" and max(map(len, tokens), default=1) > 1:
            raise InputError(f"Tokenizer: tokens of {self.unit} are single characters, got {few(tokens)}")

    @property
    def size(self) -> int:
        """How many numbers there are: tokens and the special four."""
        return SPECIAL + len(self.tokens)

    @classmethod
    def learn(
        cls, texts: str | Iterable[str], unit: Unit = "characters", most: int | None = None, at_least: int = 1
    ) -> Tokenizer:
        """The tokens of texts, frequent ones first; those of equal frequency in the order of their code points.

        Parameters
        ----------
        texts : str or iterable of str
            Read once.
        unit : str
        most : int, optional
            Keep at most so many tokens. Bytes are always all 256.
        at_least : int
            Keep tokens that occur at least so often.

        Raises
        ------
        InputError
            If there is no text to learn from, an option can't be, or a text isn't one (it is named by its row).
        """
        _require_unit(unit)
        for name, value in {"most": most, "at_least": at_least}.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise InputError(f"Tokenizer.learn: {name} must be a whole number from 1, got {value!r}")
        if unit == "bytes":
            return cls(unit, _BYTES)
        counts: Counter[str] = Counter()
        for batch in _batches([texts] if isinstance(texts, str) else texts):
            counts.update(_count(batch, unit))
        if not counts:
            raise InputError(f"there is no text to learn {unit} from: all of it is empty")
        ordered = sorted((-count, token) for token, count in counts.items() if count >= at_least)
        return cls(unit, tuple(token for _, token in ordered[:most]))

    def decode(self, ids: Any) -> str:
        """The text of numbers (tokens,), without PADDING, START and END; UNKNOWN is "�".

        Raises
        ------
        InputError
            If a number isn't whole or has no token.
        ShapeError
            If there isn't one row of numbers.
        """
        ids = decodable(ids, self.size)
        if not ids.size:
            return ""
        if self.unit == "words":
            return units.join_words(self._written[i] for i in ids.tolist())
        if self.unit == "bytes":
            pieces = np.split(ids, np.flatnonzero(ids == UNKNOWN))  # each part but the first begins with an unknown one
            parts = [part[part >= SPECIAL] - SPECIAL for part in pieces]
            return REPLACEMENT.encode().join(part.astype(np.uint8).tobytes() for part in parts).decode(errors="replace")
        text = self._written[ids].tobytes().decode("utf-32-le", "replace")
        return units.clean(text) if self.unit == "jamo" else text

    def unseen(self, text: str) -> Counter[str]:
        """The tokens of a text that weren't learned, and how often each occurs there.

        >>> Tokenizer.learn("hello").unseen("hello!!")
        Counter({'!': 2})
        """
        if self.unit == "bytes":
            return Counter()
        vocabulary = self._words if self.unit == "words" else {chr(i) for i in np.flatnonzero(self._points != UNKNOWN)}
        return Counter(
            {token: n for token, n in _count(texts_in([text]), self.unit).items() if token not in vocabulary}
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"unit": self.unit, "tokens": [] if self.unit == "bytes" else list(self.tokens)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Tokenizer:
        """The inverse of `to_dict`."""
        own = parts(cls, data)
        return cls(**own | {"tokens": _BYTES} if own["unit"] == "bytes" else own)

    def _flat(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of all texts, one after another, and how many each has."""
        if self.unit == "words":
            get = self._words.get
            parts = [np.array([get(w, UNKNOWN) for words in units.words(t) for w in words], np.int32) for t in texts]
            lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
            return np.concatenate([np.zeros(0, np.int32), *parts]), lengths
        values, lengths = _SPLIT[self.unit](texts)
        return values.astype(np.int32) + SPECIAL if self.unit == "bytes" else self._points[values], lengths

    @cached_property
    def _points(self) -> np.ndarray:
        """The number of each code point."""
        table = np.full(CODE_POINTS, UNKNOWN, dtype=np.int32)
        table[[ord(token) for token in self.tokens]] = np.arange(SPECIAL, self.size)
        return table

    @cached_property
    def _words(self) -> dict[str, int]:
        """The number of each word."""
        return {token: i for i, token in enumerate(self.tokens, SPECIAL)}

    @cached_property
    def _written(self) -> Any:
        """How each number is written: words, or code points."""
        tokens = [REPLACEMENT] * SPECIAL + list(self.tokens)
        if self.unit == "words":
            return tokens
        return np.array([ord(token) for token in tokens], dtype="<u4")


_BYTES = tuple(map(chr, range(256)))
_SPLIT = {
    "characters": units.code_points,
    "syllables": units.code_points,
    "jamo": units.jamo,
    "bytes": units.to_bytes,
}


def _require_unit(unit: object) -> None:
    if unit not in UNITS:
        raise unknown("unit of text", unit, UNITS)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts, some at a time: counting has a cost of its own."""
    batch: list[str] = []
    length = 0
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"row {row} is {'missing' if text is None else repr(text)[:50]}; expected text")
        batch.append(text)
        length += len(text)
        if length > units.CHUNK:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch


def _count(texts: Sequence[str], unit: str) -> Counter[str]:
    """How often each token occurs."""
    if unit == "words":
        return Counter(chain.from_iterable(words for text in texts for words in units.words(text)))
    points = _SPLIT[unit](texts)[0]
    if len(points) < CODE_POINTS:
        distinct, counts = np.unique(points, return_counts=True)
    else:
        counts = np.bincount(points, minlength=1)
        distinct = np.flatnonzero(counts)
        counts = counts[distinct]
    return Counter(dict(zip(map(chr, distinct.tolist()), counts.tolist(), strict=True)))
