"""Words for a lesson's picture in the language that it is read in."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

from backlit.languages import check_language


def saying(language: str) -> Callable[[str, str], str]:
    """A function that chooses between the English and the Korean of a picture's label.

    Where no font here has Hangul, it chooses English, and that is said once, in the log.

    >>> say = saying("en")
    >>> say("loss", "손실")
    'loss'
    """
    check_language(language, of="the lessons")
    return _korean if language == "ko" and _hangul_can_be_drawn() else _english


def _english(english: str, korean: str) -> str:
    return english


def _korean(english: str, korean: str) -> str:
    return korean


@functools.cache
def _hangul_can_be_drawn() -> bool:
    from backlit.inspect.plots.style import fonts

    if len(fonts()) > 1:
        return True
    logging.getLogger("backlit").warning(
        "no font here can draw Hangul: the pictures' labels are in English; install Noto Sans KR or NanumGothic"
    )
    return False
