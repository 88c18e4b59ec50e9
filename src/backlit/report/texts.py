"""Both languages of the report: each text is written once in either, and a style sheet shows one.

The page's own texts stand in a TOML file for each language, by the same keys; what the library says comes as a sentence
that knows its languages (`backlit.languages`), and plain strings are shown as they are.
"""

from __future__ import annotations

import functools
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
    return tomllib.loads(text)


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


class Sayable(Protocol):
    """What can be put into words in any language, such as a `Message`."""

    def within(self, lang: str) -> str:
        """The words in a language."""


@dataclass(frozen=True)
class Said(Text):
    """What the library says, in each language; a plain string, such as a name from the data, as it is.

    >>> from backlit.languages import Template
    >>> print(Said(Template("{n} rows", "{n}행").say(n=3)).within("ko"), Said("<odd>").within("ko"))
    3행 &lt;odd&gt;
    """

    words: Sayable | str

    def within(self, lang: str) -> Markup:
        """The text in one language."""
        words = self.words
        if isinstance(words, languages.Said) or not isinstance(words, str):
            return escape(words.within(lang))
        return escape(words)


def say(key: str, **values: Any) -> Phrase:
    """A text in both languages, by its key."""
    return Phrase(key, values)


def known(key: str, otherwise: Any) -> Any:
    """The text of a key if there is one, else what it would have named, as it is."""
    return say(key) if key in catalogue("en")["words"] else otherwise
