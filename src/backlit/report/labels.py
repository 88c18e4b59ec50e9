"""Words in pictures, in each language: their SVG keeps text as text, of which the page hides what isn't chosen."""

from __future__ import annotations

import functools
import re
from html import escape, unescape
from typing import Any

from backlit.inspect.plots.style import Given
from backlit.languages import NAMES
from backlit.report.texts import catalogue

_GIVEN = "given-label-"  # what ids of groups begin with whose texts came with the data
_TEXT = re.compile(rf'<g id="{_GIVEN}\d+">.*?</g>|<text(?P<how>[^>]*)>(?P<words>[^<]+)</text>', flags=re.DOTALL)


def mark_given(figure: Any) -> None:
    """Let a figure's SVG tell which labels came with the data: a column called "loss" isn't the loss."""
    from matplotlib.text import Text

    for number, text in enumerate(figure.findobj(Text)):
        if isinstance(text.get_text(), Given):
            text.set_gid(f"{_GIVEN}{number}")


def in_each_language(svg: str) -> str:
    """A picture whose known words stand in it once in each language; those that are marked as given, as they are.

    >>> print(in_each_language('<text x="1">epoch 3</text><text>0.5</text>'))
    <text x="1" class="t" lang="en">epoch 3</text><text x="1" class="t" lang="ko">에포크 3</text><text>0.5</text>
    >>> print(in_each_language('<g id="given-label-2"><text>loss</text></g>'))
    <g id="given-label-2"><text>loss</text></g>
    """
    return _TEXT.sub(_each, svg)


def _each(match: re.Match[str]) -> str:
    if match["words"] is None:
        return match[0]
    how, english = match["how"], unescape(match["words"])
    texts = {lang: english if lang == "en" else translated(english, lang) for lang in NAMES}
    if any(text is None for text in texts.values()):
        return match[0]
    return "".join(
        f'<text{how} class="t" lang="{lang}">{escape(str(text), quote=False)}</text>' for lang, text in texts.items()
    )


def translated(english: str, lang: str) -> str | None:
    """A label in another language; None if it isn't one of those that the catalogue has."""
    return _matched(english, lang, "labels") or _matched(english, lang, "measures")


def _matched(english: str, lang: str, kind: str) -> str | None:
    """What the first pattern that fits makes of a label; what stands in a place called "measure" is one of ours."""
    for pattern, text in _patterns(lang, kind):
        if match := pattern.fullmatch(english):
            values = match.groupdict()
            if "measure" in values:
                values["measure"] = _matched(values["measure"], lang, "measures") or values["measure"]
            return text.format(**values)
    return None


@functools.cache
def _patterns(lang: str, kind: str) -> list[tuple[re.Pattern[str], str]]:
    """Labels with places for values, "epoch {n}", as patterns that find the values."""
    made = []
    for english, text in catalogue(lang)[kind].items():
        parts = re.split(r"\{(\w+)\}", english)
        words = [re.escape(part).replace(r"\ ", r"\s") for part in parts]  # a long label may be broken into lines
        pattern = "".join(f"(?P<{part}>.+)" if i % 2 else words[i] for i, part in enumerate(parts))
        made.append((re.compile(pattern), text))
    return made
