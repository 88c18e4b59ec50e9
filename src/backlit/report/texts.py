"""Both languages of the report: each text is written once in either, and a style sheet shows one.

A language is a TOML file: [words] has the report's own texts, the same keys in each language; [sayings] what the
library says in English, as regular expressions; [doctor] the doctor's findings. What isn't there stays English.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

from markupsafe import Markup, escape

from backlit import languages
from backlit.languages import NAMES


@functools.cache
def catalogue(lang: str) -> dict[str, dict[str, Any]]:
    """A language's file."""
    text = resources.files("backlit.report").joinpath(f"{lang}.toml").read_text(encoding="utf-8")
    return {"sayings": {}, "doctor": {}} | tomllib.loads(text)


class Text:
    """A text in each language; as HTML a span for each, or just the text where all are the same."""

    def within(self, lang: str) -> Markup:
        """The text in one language."""
        raise NotImplementedError

    def __html__(self) -> Markup:
        texts = {lang: self.within(lang) for lang in NAMES}
        if len(set(texts.values())) == 1:
            return texts["en"]
        return Markup().join(Markup('<span class="t" lang="{}">{}</span>').format(*text) for text in texts.items())


@dataclass(frozen=True)
class Phrase(Text):
    """A text of the catalogues with values put in: texts in the same language, and others escaped.

    >>> print(Phrase("columns.more", {"count": "<3"}).within("en"))
    and &lt;3 more columns
    """

    key: str
    values: dict[str, Any]

    def within(self, lang: str) -> Markup:
        """The text in one language."""
        values = {name: v.within(lang) if isinstance(v, Text) else v for name, v in self.values.items()}
        return Markup(catalogue(lang)["words"][self.key]).format(**values)  # noqa: S704, the catalogues are our own


@dataclass(frozen=True)
class Told(Text):
    """What the library says in English, in other languages where that is known.

    >>> print(Told("always the mean").within("ko"), Told("<odd>").within("ko"))
    늘 평균 &lt;odd&gt;
    """

    sentence: str

    def within(self, lang: str) -> Markup:
        """The text in one language."""
        said = self.sentence
        return escape(said.within(lang) if isinstance(said, languages.Said) else _translated(lang, said))


class Sayable(Protocol):
    """What can be put into words in any language, such as a `Message`."""

    def within(self, lang: str) -> str:
        """The words in a language."""


@dataclass(frozen=True)
class Said(Text):
    """What has words of its own in each language: a message of the library."""

    words: Sayable

    def within(self, lang: str) -> Markup:
        """The text in one language."""
        return escape(self.words.within(lang))


def say(key: str, **values: Any) -> Phrase:
    """A text in both languages, by its key."""
    return Phrase(key, values)


def known(key: str, otherwise: Any) -> Any:
    """The text of a key if there is one, else what it would have named, as it is."""
    return say(key) if key in catalogue("en")["words"] else otherwise


@functools.lru_cache(maxsize=4096)
def _translated(lang: str, sentence: str) -> str:
    """The sentence as a whole if it is known, else what is known of its parts."""
    for pattern, becomes in catalogue(lang)["sayings"].items():
        found = re.fullmatch(pattern, sentence)
        if found:
            return found.expand(becomes)
    first, semicolon, rest = sentence.partition("; ")
    return f"{_translated(lang, first)}; {_translated(lang, rest)}" if semicolon else sentence
