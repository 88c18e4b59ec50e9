"""What all pictures share: figures that belong to nobody's window, colours that everyone can tell apart, labels."""

from __future__ import annotations

import contextlib
import functools
import logging
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from backlit.aligned import visible
from backlit.errors import UnknownNameError
from backlit.languages import Said
from backlit.nn import metrics

_KOREAN_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "Nanum Gothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "Noto Sans CJK JP",  # the name under which Matplotlib knows the collection of all Noto CJK fonts
)
_LATIN_FONT = "DejaVu Sans"  # comes with Matplotlib

# Told apart by colour-blind people (Okabe & Ito's colours, the last two P. Tol's), and in greyscale by line style,
# marker, or a name.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
TRAINING = {"color": COLOURS[0], "linestyle": "-"}
VALIDATION = {"color": COLOURS[1], "linestyle": "--"}

Picture = TypeVar("Picture", bound=Callable[..., Any])


@functools.cache
def _korean_font() -> str | None:
    from matplotlib import font_manager

    # It warns at every text where a font has no weight of exactly 700; the nearest, which it takes, is what we want.
    logging.getLogger(font_manager.__name__).addFilter(lambda record: "font weight" not in record.getMessage())
    return _listed() or _found_since()


def _listed() -> str | None:
    """The first Korean font of those that Matplotlib knows."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _KOREAN_FONTS if name in installed), None)


def _found_since() -> str | None:
    """One that was installed after Matplotlib made its list, which it keeps on disk and doesn't look at again."""
    from matplotlib import font_manager

    files = {name.replace(" ", "").lower() for name in _KOREAN_FONTS}
    for path in font_manager.findSystemFonts():
        stem = Path(path).stem.replace("-", "").replace("_", "").lower()
        if any(stem.startswith(name) for name in (*files, "notosanscjk")):
            with contextlib.suppress(OSError, RuntimeError):  # a file that is no font
                font_manager.fontManager.addfont(path)
    return _listed()


def fonts() -> list[str]:
    """The fonts that labels are drawn with: what the first doesn't have is taken from the second."""
    korean = _korean_font()
    return [_LATIN_FONT, korean] if korean else [_LATIN_FONT]


@functools.cache
def _characters(font: str) -> frozenset[int]:
    """Code points that a font has."""
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont(font)).get_charmap())


def label(text: Any) -> str:
    r"""A label that can be drawn without empty boxes, in which a dollar sign is one, and begins no formula.

    Characters that no font at hand has are written otherwise: Hangul in Latin letters (so that names stay apart),
    others as "?". This is said once, in the log.

    >>> label("loss ∂L/∂w₃₅")
    'loss ∂L/∂w₃₅'
    >>> print(label("$_2019"))
    \$_2019
    """
    if isinstance(text, Said):
        return Said({lang: label(words) for lang, words in text.texts.items()})
    text = visible(text).replace("$", r"\$")
    if text.isascii():
        return text
    alphabets = [_characters(font) for font in fonts()]
    missing = {c for c in text if c.isprintable() and not any(ord(c) in alphabet for alphabet in alphabets)}
    if not missing:
        return text
    _say_once()
    return "".join(romanised(c) if c in missing else c for c in text)


@functools.cache
def _say_once() -> None:
    logging.getLogger("backlit").warning(
        "labels have characters that no font here can draw: Hangul is written in Latin letters, others as '?'; "
        "for Hangul install a Korean font, Noto Sans KR or NanumGothic say"
    )


def romanised(character: str) -> str:
    """A Hangul syllable in Latin letters, as Unicode names it; "?" for any other character.

    >>> "".join(map(romanised, "손실"))
    'sonsil'
    """
    kind, _, name = unicodedata.name(character, "").rpartition(" ")
    return name.lower() if kind == "HANGUL SYLLABLE" else "?"


def picture(draw: Picture) -> Picture:
    """A function that draws, with fonts for Latin and Korean set for every text that it makes."""

    @functools.wraps(draw)
    def draw_in_our_fonts(*args: Any, **options: Any) -> Any:
        from matplotlib import rc_context

        with rc_context({"font.family": fonts()}):
            return draw(*args, **options)

    return draw_in_our_fonts  # type: ignore[return-value]


@functools.cache
def _figure_class() -> Any:
    """A Figure whose texts, whoever adds them and when, are drawn in our fonts."""
    from matplotlib import rcParams
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    class Pictured(Figure):
        def draw(self, renderer: Any) -> None:
            for text in self.findobj(Text):
                if text.get_fontfamily() == rcParams["font.family"]:  # none was chosen for it
                    text.set_fontfamily(fonts())
            super().draw(renderer)

    return Pictured


def figure(rows: int = 1, columns: int = 1, width: float = 6.4, height: float = 4.0) -> tuple[Any, Any]:
    """A figure with axes that belongs to nobody's window: (figure, axes or array of axes).

    Labels that are added to it can be in Korean, where a font for it is installed. Lines take colours that everyone can
    tell apart, in turn.
    """
    chart = _figure_class()(figsize=(width, height), layout="constrained", dpi=120)
    axes = chart.subplots(rows, columns)
    for axis in np.ravel(axes):
        axis.set_prop_cycle(color=COLOURS)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    return chart, axes


def class_style(place: int) -> dict[str, str]:
    """Colour and marker of a class; the first 64 differ in one or the other."""
    return {"color": COLOURS[place % 8], "marker": MARKERS[(place + place // 8) % 8]}


def outlined() -> list[Any]:
    """Path effects for text that must be read on any colour."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.0, foreground="white")]


def tidy(count: int) -> tuple[int, int]:
    """Rows and columns for small multiples: at most four in a row, and rows as equal as can be."""
    rows = -(-count // 4)
    return rows, -(-count // rows)


def bare(axis: Any) -> None:
    """Axes for a picture made of pixels: no grid, ticks or frame."""
    axis.grid(visible=False)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set(xticks=[], yticks=[])


class Given(str):
    """A label that comes with the data, and isn't put into another language: a column called "loss" stays one.

    Matplotlib keeps it as it is, for `str` of it is itself.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return self


def measure(name: str) -> str:
    """A measure's name as a label: Backlit's own can be in another language, the user's came with the data."""
    try:
        own = name == "loss" or type(metrics.get(name)).__module__.startswith("backlit.")
    except UnknownNameError:
        own = False
    return label(name) if own else given(name)


def given(text: Any) -> str:
    """A label that comes with the data: a column's, a class's, a title that somebody chose.

    One that knows its other languages doesn't come from there, and goes on knowing them.
    """
    return label(text) if isinstance(text, Said) else Given(label(text))
