"""The languages that Backlit speaks to people in, and sentences with named values in each of them."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from backlit.errors import unknown

NAMES = {"en": "English", "ko": "한국어"}

_SYLLABLES, _ENDINGS, _L = (
    0xAC00,
    28,
    8,
)  # Hangul's syllables in Unicode: endings in turn, the first of them none, ㄹ at 8
_LAST_SOUND = dict(zip("0123456789", (21, _L, 0, 16, 0, 0, 1, _L, _L, 0), strict=True)) | {"l": _L, "m": 16, "n": 4}


def check_language(lang: str, of: str = "the report") -> str:
    """The language, if there are texts in it; else UnknownNameError."""
    if lang not in NAMES:
        raise unknown(f"language of {of}", lang, NAMES)
    return lang


@dataclass(frozen=True)
class Template:
    """A sentence in each language, with places for named values.

    A place is written as in `str.format`, and may have a format: ``{share:.1%}``. A place with a slash is a Korean
    particle in its two forms, of which the sound before it decides: ``{count}{으로/로}``.

    Examples
    --------
    >>> steps = Template(en="all {count} steps", ko="길이가 {count}{으로/로} 꽉 참")
    >>> str(steps.of(count=40)), steps.of(count=12).within("ko"), steps.of(count=40).within("ko")
    ('all 40 steps', '길이가 12로 꽉 참', '길이가 40으로 꽉 참')
    """

    en: str
    ko: str

    def of(self, **values: Any) -> Message:
        """The sentence with its values: numbers, texts, or other messages."""
        return Message(self, values)

    def say(self, **values: Any) -> Said:
        """The same in words at once: an English string that knows its other languages."""
        return Said({lang: Message(self, values).within(lang) for lang in NAMES})

    def places(self, lang: str) -> set[str]:
        """Names of the values that the sentence asks for in a language."""
        fields = (name for _, name, _, _ in string.Formatter().parse(getattr(self, lang)))
        return {name for name in fields if name is not None and "/" not in name}


@dataclass(frozen=True)
class Message:
    """A sentence with its values, put into words when it is shown; as a string, English."""

    template: Template
    values: Mapping[str, Any] = field(default_factory=dict)

    def within(self, lang: str) -> str:
        """The sentence in a language."""
        text = ""
        for literal, name, form, conversion in string.Formatter().parse(getattr(self.template, lang)):
            text += literal
            if name is None:
                continue
            if "/" in name:
                text += particle(text, name)
                continue
            value = repr(self.values[name]) if conversion == "r" else self.values[name]
            text += value.within(lang) if isinstance(value, (Message, Said)) else format(value, form or "")
        return text

    def __str__(self) -> str:
        return self.within("en")


class Said(str):
    """An English sentence that knows its words in other languages: for whoever wants a string, a string.

    Joined with others by `join`, it goes on knowing them; an f-string or ``+`` makes plain English of it. JSON keeps
    the English; `glossary` is what is to be kept beside it, and `restored` puts both together again. Matplotlib keeps
    it in its labels, for `str` of it is itself.

    Examples
    --------
    >>> said = join("; ", [Template("{n} levels", "수준 {n}개").say(n=3), Template("marked", "표시").say()])
    >>> said, said.within("ko")
    ('3 levels; marked', '수준 3개; 표시')
    """

    __slots__ = ("texts",)

    texts: dict[str, str]

    def __new__(cls, texts: Mapping[str, str]) -> Self:
        said = super().__new__(cls, texts["en"])
        said.texts = dict(texts)
        return said

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.texts,)

    def __str__(self) -> Self:
        return self

    def within(self, lang: str) -> str:
        """The sentence in a language."""
        return self.texts.get(lang, self)


def join(separator: str, sentences: Iterable[str]) -> Said:
    """Sentences one after another; those that are plain strings are the same in each language."""
    parts = [part if isinstance(part, Said) else Said(dict.fromkeys(NAMES, part)) for part in sentences]
    return Said({lang: separator.join(part.within(lang) for part in parts) for lang in NAMES})


def glossary(value: Any) -> dict[str, dict[str, str]]:
    """The words of all sentences in plain data, {English: {"ko": Korean}}.

    >>> glossary({"notes": [Template("{n} rows", "{n}행").say(n=3), "plain"]})
    {'3 rows': {'ko': '3행'}}
    """
    if isinstance(value, Said):
        return {str(value): {lang: text for lang, text in value.texts.items() if lang != "en"}}
    parts: Iterable[Any] = value if isinstance(value, (list, tuple)) else ()
    if isinstance(value, Mapping):
        parts = [*value, *value.values()]
    return {english: words for part in parts for english, words in glossary(part).items()}


def restored(value: Any, words: Mapping[str, Mapping[str, str]]) -> Any:
    """Plain data with its sentences as they were before it was written: the inverse of `glossary`.

    >>> restored({"notes": ["3 rows"]}, {"3 rows": {"ko": "3행"}})["notes"][0].within("ko")
    '3행'
    """
    if isinstance(value, str):
        return Said({"en": value, **words[value]}) if value in words else value
    if isinstance(value, dict):
        return {restored(key, words): restored(part, words) for key, part in value.items()}
    return [restored(part, words) for part in value] if isinstance(value, list) else value


def particle(text: str, forms: str) -> str:
    """Which of a Korean particle's two forms, "은/는" say, goes after a text: the first after a consonant.

    Digits are read as Korean numbers, ``%`` as 퍼센트; Latin words that end in l, m or n end in a consonant. Brackets
    and quotation marks aren't read. After ㄹ, "으로/로" is 로.

    Examples
    --------
    >>> [text + particle(text, "이/가") for text in ("기울기", "층", "97%", "ReLU", "10")]
    ['기울기가', '층이', '97%가', 'ReLU가', '10이']
    >>> [text + particle(text, "으로/로") for text in ("서울", "집", "8", "0.3")]
    ['서울로', '집으로', '8로', '0.3으로']
    """
    after_consonant, after_vowel = forms.split("/")
    last = text.rstrip(")]}'\"’”").lower()[-1:]
    ending = (ord(last) - _SYLLABLES) % _ENDINGS if "가" <= last <= "힣" else _LAST_SOUND.get(last, 0)
    vowel = not ending or (ending == _L and after_vowel == "로")
    return after_vowel if vowel else after_consonant
