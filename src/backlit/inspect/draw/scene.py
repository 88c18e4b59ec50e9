"""What a picture is made of: shapes in pixels, x to the right and y down, before anybody writes a file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backlit.languages import NAMES, Said

Point = tuple[float, float]

# Okabe & Ito's colours, which colour-blind people tell apart; in greyscale place and italics do it.
FORWARD, GRADIENT = "#0072B2", "#B34700"
INK, QUIET, LINE, PAPER = "#1a1a1a", "#595959", "#737373", "#ffffff"
ALARM = "#A3005C"
FONTS = "DejaVu Sans, Verdana, sans-serif"


@dataclass(frozen=True)
class Box:
    """A rectangle with rounded corners; a circle if `radius` is half of both sides."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 6.0
    fill: str = PAPER
    stroke: str = INK
    line: float = 1.2
    dashed: bool = False


@dataclass(frozen=True)
class Curve:
    """A line through points, leaving and arriving horizontally (or `straight`), with an arrowhead if wanted."""

    points: tuple[Point, ...]
    stroke: str = LINE
    line: float = 1.2
    arrow: bool = False
    straight: bool = False
    dashed: bool = False
    opacity: float = 1.0

    def segments(self) -> list[tuple[Point, Point, Point]]:
        """Cubic Bézier segments after the first point: two controls and an end."""
        segments = []
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:], strict=False):
            if self.straight or abs(y1 - y0) < 0.5:
                segments.append(((x0, y0), (x1, y1), (x1, y1)))
            else:
                middle = (x0 + x1) / 2
                segments.append(((middle, y0), (middle, y1), (x1, y1)))
        return segments

    def head(self) -> tuple[Point, Point, Point]:
        """The arrowhead's corners, tip first."""
        (x0, y0), (x1, y1) = self.points[-2:] if self.straight else ((self.points[-1][0] - 1, self.points[-1][1]),) * 2
        if not self.straight:
            x1, y1 = self.points[-1]
        length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-9)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        size = 6.5 + self.line
        back, side = (x1 - size * ux, y1 - size * uy), 0.42 * size
        return (x1, y1), (back[0] - side * uy, back[1] + side * ux), (back[0] + side * uy, back[1] - side * ux)


@dataclass(frozen=True)
class Label:
    """One line of text; `y` is its baseline, `anchor` "start", "middle" or "end"."""

    x: float
    y: float
    text: str
    size: float = 12.0
    color: str = INK
    anchor: str = "middle"
    italic: bool = False
    bold: bool = False


@dataclass(frozen=True, eq=False)
class Heat:
    """A matrix as squares: blue above zero, orange below, white at zero, black where it isn't finite."""

    x: float
    y: float
    width: float
    height: float
    values: np.ndarray

    def cells(self) -> list[tuple[float, float, float, float, str]]:
        """Left, top, width, height and colour of each square."""
        rows, columns = self.values.shape
        w, h = self.width / columns, self.height / rows
        finite = self.values[np.isfinite(self.values)]
        largest = float(np.abs(finite).max()) if finite.size else 0.0
        return [
            (self.x + j * w, self.y + i * h, w, h, shade(float(self.values[i, j]), largest))
            for i in range(rows)
            for j in range(columns)
        ]


Shape = Box | Curve | Label | Heat


@dataclass
class Scene:
    """Shapes from back to front, in groups that a reader of the picture's text can tell by their titles.

    Attributes
    ----------
    width, height : float
        Pixels.
    title, description : str
        What is seen, for those who don't see it.
    groups : list of (title, shapes)
    """

    width: float
    height: float
    title: str
    description: str
    groups: list[tuple[str, list[Shape]]] = field(default_factory=list)

    def add(self, *shapes: Shape, title: str = "") -> None:
        """Put shapes in front of those that are there."""
        self.groups.append((title, list(shapes)))

    @property
    def shapes(self) -> list[Shape]:
        """All of them, from back to front."""
        return [shape for _, shapes in self.groups for shape in shapes]

    def within(self, lang: str) -> Scene:
        """The same scene with its texts in a language, as far as they know it."""
        groups = [
            (spoken(title, lang), [_in(shape, lang) for shape in shapes]) for title, shapes in self.groups
        ]  # fmt: skip
        return replace(
            self, title=spoken(self.title, lang), description=spoken(self.description, lang), groups=groups
        )  # fmt: skip


def spoken(text: str, lang: str) -> str:
    """A text in a language; one that knows only itself stays as it is."""
    return text.within(lang) if isinstance(text, Said) else text


def _in(shape: Shape, lang: str) -> Shape:
    return replace(shape, text=spoken(shape.text, lang)) if isinstance(shape, Label) else shape


def shade(value: float, largest: float) -> str:
    """A colour for a number by sign and share of the largest size."""
    if not np.isfinite(value):
        return "#000000"
    share = abs(value) / largest if largest else 0.0
    target = (0, 114, 178) if value > 0 else (213, 94, 0)
    return "#" + "".join(f"{round(255 + share * (part - 255)):02x}" for part in target)


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of a line of text in pixels, by the metrics of DejaVu Sans (a wide font: others need less).

    Of a text in several languages it is the widest one's.
    """
    return max(_width(spoken(text, lang), size, bold) for lang in NAMES)


@functools.lru_cache(maxsize=4096)
def _width(text: str, size: float, bold: bool) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    measurable = "".join(character if ord(character) < 0x1100 else "MM" for character in text)
    weight: Any = "bold" if bold else "normal"
    font = FontProperties(family="DejaVu Sans", weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(measurable, font, False)
    return float(width) * size / 10.0


def shorten(text: str, most: float, size: float) -> str:
    """A text cut to a width, with "…" where something is left out."""
    if text_width(text, size) <= most:
        return text
    if isinstance(text, Said):
        return Said({lang: shorten(text.within(lang), most, size) for lang in NAMES})
    while text and text_width(text + "…", size) > most:
        text = text[:-1]
    return text + "…"


def widest(lines: Sequence[str], size: float) -> float:
    """Width of the longest of some lines."""
    return max((text_width(line, size) for line in lines), default=0.0)
