"""Both languages of the report: each text is written once in either, and a style sheet shows one."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from backlit.errors import unknown
from backlit.inspect.report.words import english, korean

LANGUAGES = {"en": english, "ko": korean}
NAMES = {"en": "English", "ko": "한국어"}


def check_language(lang: str) -> str:
    """The language, if the report is written in it; else UnknownNameError."""
    if lang not in LANGUAGES:
        raise unknown("language of the report", lang, LANGUAGES)
    return lang


class Text:
    """A text in each language; as HTML a span for each, or just the text where all are the same."""

    def within(self, lang: str) -> Markup:
        """The text in one language."""
        raise NotImplementedError

    def __html__(self) -> Markup:
        texts = {lang: self.within(lang) for lang in LANGUAGES}
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
        return Markup(LANGUAGES[lang].WORDS[self.key]).format(**values)  # noqa: S704, the catalogues are our own


@dataclass(frozen=True)
class Told(Text):
    """What the library says in English, in other languages where that is known.

    >>> print(Told("always the mean").within("ko"), Told("<odd>").within("ko"))
    늘 평균 &lt;odd&gt;
    """

    sentence: str

    def within(self, lang: str) -> Markup:
        """The text in one language."""
        return escape(_translated(lang, self.sentence))


def say(key: str, **values: Any) -> Phrase:
    """A text in both languages, by its key."""
    return Phrase(key, values)


def known(key: str, otherwise: Any) -> Any:
    """The text of a key if there is one, else what it would have named, as it is."""
    return say(key) if key in english.WORDS else otherwise


@functools.lru_cache(maxsize=4096)
def _translated(lang: str, sentence: str) -> str:
    for pattern, becomes in LANGUAGES[lang].SAYINGS:
        found = re.fullmatch(pattern, sentence)
        if found:
            return found.expand(becomes)
    return sentence
