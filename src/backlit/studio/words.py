"""Sentences of the studio in each language, as messages carry them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backlit.languages import NAMES, Message, Said, Template

Both = dict[str, str]  # {"en": ..., "ko": ...}


def both(said: Any) -> Both:
    """A sentence as messages carry it; a plain string is the same in each language.

    >>> both(Template("{n} rows", "{n}행").of(n=3))
    {'en': '3 rows', 'ko': '3행'}
    """
    if isinstance(said, Template):
        return {"en": said.en, "ko": said.ko}
    if isinstance(said, (Message, Said)):
        return {lang: said.within(lang) for lang in NAMES}
    return dict.fromkeys(NAMES, str(said))


def reworded(error: Exception, change: Callable[[str], str]) -> Said:
    """An error's sentence with something changed in it, in each language that it knows."""
    words = error.args[0] if error.args else ""
    return Said({lang: change(words.within(lang) if isinstance(words, Said) else str(words)) for lang in NAMES})
