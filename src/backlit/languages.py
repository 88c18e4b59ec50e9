"""The languages that Backlit speaks to people in, and sentences with named values in each of them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
        for literal, name, form, _ in string.Formatter().parse(getattr(self.template, lang)):
            text += literal
            if name is None:
                continue
            if "/" in name:
                text += particle(text, name)
                continue
            value = self.values[name]
            text += value.within(lang) if isinstance(value, Message) else format(value, form or "")
        return text

    def __str__(self) -> str:
        return self.within("en")


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
