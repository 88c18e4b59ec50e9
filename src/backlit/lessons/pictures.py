"""What a lesson shows: a matplotlib figure or a drawing of a graph, its labels in the reader's language."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

from backlit.inspect.draw.drawing import Drawing
from backlit.inspect.draw.png import save_png
from backlit.inspect.plots.style import Given, fonts
from backlit.languages import Said, check_language
from backlit.report.labels import translated


def is_picture(value: Any) -> bool:
    """Whether a lesson can show it."""
    return isinstance(value, Drawing) or hasattr(value, "savefig")


def png(picture: Any, language: str = "en") -> bytes:
    """A figure or drawing as a PNG file, with its labels in a language where there's a font for it."""
    buffer = io.BytesIO()
    language = language if language == "en" or _hangul_can_be_drawn() else "en"
    if isinstance(picture, Drawing):
        save_png(picture.within(language).scene, buffer)
    else:
        with labels_in(picture, language):
            picture.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


@contextlib.contextmanager
def labels_in(figure: Any, language: str) -> Iterator[int]:
    """Labels that Backlit's own plots and lessons make are in a language, for a while; how many there are.

    What comes with the data is left alone, whatever it is called.
    """
    from matplotlib.text import Text

    changed = []
    formatters = []
    try:
        if language != "en":
            for axis in _named_ticks(figure):  # their texts are written anew when they are drawn
                formatters.append((axis, axis.get_major_formatter()))
                axis.set_major_formatter(_in(axis.get_major_formatter(), language))
        for text in figure.findobj(Text) if language != "en" else ():
            english = text.get_text()
            words = _words(english, language)
            if words is not None:
                changed.append((text, english))
                text.set_text(words)
        yield len(changed)
    finally:
        for axis, formatter in formatters:
            axis.set_major_formatter(formatter)
        for text, english in changed:
            text.set_text(english)


def _words(english: Any, language: str) -> str | None:
    """A label in a language, if it knows that itself or is one of Backlit's own."""
    if isinstance(english, Said):
        return english.within(language)
    own = isinstance(english, str) and english and not isinstance(english, Given)
    return translated(english, language) if own else None


def _named_ticks(figure: Any) -> list[Any]:
    """Axes of a figure whose ticks have names, not numbers."""
    from matplotlib.category import StrCategoryFormatter
    from matplotlib.ticker import FuncFormatter

    every = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    return [axis for axis in every if isinstance(axis.get_major_formatter(), (FuncFormatter, StrCategoryFormatter))]


def _in(formatter: Any, language: str) -> Callable[[float, int | None], str]:
    """What puts a tick's name into a language."""

    def named(value: float, place: int | None = None) -> str:
        english = formatter(value, place)
        return _words(english, language) or english

    return named


def shown(picture: Any, language: str = "en") -> tuple[str, bytes]:
    """What a page shows: a drawing as SVG, which stays sharp however large; a figure as PNG."""
    if isinstance(picture, Drawing):
        return "svg", picture.within(language).svg.encode()
    return "png", png(picture, language)


def saying(language: str) -> Callable[[str, str], str]:
    """A function that chooses between the English and the Korean of a picture's label.

    An English label goes on knowing its Korean, for whoever shows the picture in either language. Where no font here
    has Hangul, English is chosen, and that is said once, in the log.

    >>> say = saying("en")
    >>> say("loss", "손실"), say("loss", "손실").within("ko")
    ('loss', '손실')
    """
    check_language(language, of="the lessons")
    return _korean if language == "ko" and _hangul_can_be_drawn() else _english


def _english(english: str, korean: str) -> Said:
    return Said({"en": english, "ko": korean})


def _korean(english: str, korean: str) -> str:
    return korean


@functools.cache
def _hangul_can_be_drawn() -> bool:
    if len(fonts()) > 1:
        return True
    logging.getLogger("backlit").warning(
        "no font here can draw Hangul: the pictures' labels are in English; install Noto Sans KR or NanumGothic"
    )
    return False
