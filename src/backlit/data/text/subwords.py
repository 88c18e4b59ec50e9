"""Subwords: a tokenizer of the library `tokenizers`, as its tokenizer.json describes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backlit import bounds
from backlit.data.text.encoding import SPECIAL, UNKNOWN, Encoding, decodable, texts_in
from backlit.data.text.units import REPLACEMENT
from backlit.errors import InputError
from backlit.extras import need
from backlit.schema import fitted

GAPS, SPARSE = 2, 10_000  # numbers for each token, and besides, that a vocabulary may leave unused
WHY = {"extra": "huggingface", "why": "reading texts by a tokenizer.json"}


@dataclass(frozen=True)
class Subwords(Encoding):
    """Tokens of a tokenizer.json (byte pairs, WordPiece, Unigram, words): its number i is i + 4 here.

    Its unknown token is 1, as of `Tokenizer`. Normalisation, splitting and decoding are its own; what it would put
    around texts, truncation and padding are left out, since rows are filled up here. The file is kept whole with the
    run, as plain data.

    Attributes
    ----------
    description : str
        What tokenizer.json holds.

    Raises
    ------
    InputError
        If the library `tokenizers` isn't installed, or it can't read this.

    Examples
    --------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> made = Tokenizer(models.WordLevel({"[UNK]": 0, "good": 1, "film": 2}, unk_token="[UNK]"))
    >>> made.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> Subwords.of(made).encode("good old film").tolist()
    [5, 1, 6]
    """

    unit: ClassVar[str] = "subwords"

    description: str

    def __post_init__(self) -> None:
        known = self._library.get_vocab(with_added_tokens=True)  # refuses what can't be read
        if not known:
            raise InputError("this tokenizer has no tokens: train it first")
        last = max(known.values())
        if last >= GAPS * len(known) + SPARSE:
            raise InputError(
                f"this tokenizer numbers its {len(known):,} tokens up to {last:,}: expected hardly any gaps"
            )

    @classmethod
    def of(cls, source: Any) -> Subwords:
        """From the path of a tokenizer.json, or a `tokenizers.Tokenizer`.

        Raises
        ------
        InputError
            If it is neither, or the file can't be read.
        """
        if isinstance(source, Subwords):
            return source
        if hasattr(source, "to_str") and hasattr(source, "get_vocab"):
            return cls(source.to_str())
        if hasattr(source, "backend_tokenizer"):  # of the library `transformers`
            return cls(source.backend_tokenizer.to_str())
        if not isinstance(source, (str, Path)):
            kind = type(source).__name__
            raise InputError(f"tokenizer must be the path of a tokenizer.json, or a tokenizers.Tokenizer, got {kind}")
        try:
            bounds.require("unpacked", Path(source).stat().st_size, f"{source} has")
            return cls(Path(source).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(f"tokenizer {source} can't be read: {why}") from error

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return SPECIAL + len(self.tokens)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Token i has number i + 4; "" where the file has none of that number."""
        known = self._library.get_vocab(with_added_tokens=True)
        names = [""] * (max(known.values()) + 1)
        for token, number in known.items():
            names[number] = token
        return tuple(names)

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
        parts = np.split(ids, np.flatnonzero(ids == UNKNOWN))  # each part but the first begins with an unknown one
        known = [(part[part >= SPECIAL] - SPECIAL).tolist() for part in parts]
        return REPLACEMENT.join(self._library.decode(part, skip_special_tokens=False) for part in known)

    def unseen(self, text: str) -> Counter[str]:
        """The parts of a text that are unknown, and how often each occurs there."""
        (text,) = texts_in([text])
        found = self._library.encode(text, add_special_tokens=False)
        places = zip(found.ids, found.offsets, strict=True)
        return Counter(text[start:end] for number, (start, end) in places if number == self._unknown)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"unit": self.unit, "description": json.loads(self.description)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Subwords:
        """The inverse of `to_dict`."""
        description = fitted(dict[str, Any], data.get("description"), "description")
        return cls(json.dumps(description, ensure_ascii=False))

    def _flat(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of all texts, one after another, and how many each has."""
        found = [each.ids for each in self._library.encode_batch(list(texts), add_special_tokens=False)]
        lengths = np.array([len(ids) for ids in found], np.int64)
        flat = np.array([number for ids in found for number in ids], np.int32)
        return np.where(flat == self._unknown, UNKNOWN, flat + SPECIAL).astype(np.int32), lengths

    @cached_property
    def _library(self) -> Any:
        """The tokenizer, as the library has it."""
        library = need("tokenizers", **WHY)
        try:
            tokenizer = library.Tokenizer.from_str(self.description)
        except Exception as error:  # the library raises that and nothing nearer
            raise InputError(f"this is no tokenizer.json that the library tokenizers can read: {error}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _unknown(self) -> int:
        """The number that stands for what isn't known; -1 if there is none."""
        model = json.loads(self.description).get("model", {})
        if isinstance(model.get("unk_id"), int):
            return int(model["unk_id"])
        number = self._library.token_to_id(model.get("unk_token") or "")
        return -1 if number is None else int(number)
