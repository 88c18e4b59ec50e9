"""How a value looks: a number, a small array whole, a large one as a heat map with its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.inspect.draw import words
from backlit.inspect.draw.scene import ALARM, Heat, Label, Shape, widest
from backlit.languages import join

SIZE = 11.0  # of the text
_LINE = 14.0  # height of a line
_CELLS = 10  # rows of squares in a heat map; columns at most twice as many


@dataclass(frozen=True, eq=False)
class Face:
    """A value ready to be drawn.

    Attributes
    ----------
    lines : tuple of str
    heat : array (rows, columns) or None
        What is painted above the lines.
    bad : bool
        Whether something in it is NaN or infinite.
    """

    lines: tuple[str, ...]
    heat: np.ndarray | None = None
    bad: bool = False

    @property
    def cell(self) -> float:
        """Side of a heat map's square: of few squares larger ones."""
        return 0.0 if self.heat is None else min(12.0, max(5.0, 50.0 / max(self.heat.shape)))

    @property
    def width(self) -> float:
        painted = 0.0 if self.heat is None else self.heat.shape[1] * self.cell
        return max(widest(self.lines, SIZE) * 1.04, painted)

    @property
    def height(self) -> float:
        painted = 0.0 if self.heat is None else self.heat.shape[0] * self.cell + 2
        return len(self.lines) * _LINE + painted

    def shapes(self, middle: float, top: float, color: str, italic: bool = False) -> list[Shape]:
        """It, drawn around a middle and below a top."""
        shapes: list[Shape] = []
        if self.heat is not None:
            wide, high = self.heat.shape[1] * self.cell, self.heat.shape[0] * self.cell
            shapes.append(Heat(middle - wide / 2, top, wide, high, self.heat))
            top += high + 2
        for number, line in enumerate(self.lines):
            y = top + _LINE * (number + 1) - 3.5
            ink = ALARM if self.bad else color
            shapes.append(Label(middle, y, line, SIZE, ink, italic=italic, bold=self.bad))
        return shapes


def face(value: Any) -> Face:
    """The looks of a value; of None (no gradient goes there) a dash."""
    if value is None:
        return Face(("–",))
    array = np.asarray(value)
    bad = int((~np.isfinite(array)).sum()) if array.dtype.kind == "f" else 0
    if array.ndim == 0:
        return Face((number(array),), bad=bool(bad))
    if not array.size:
        return Face((join("", [shape(array), words.EMPTY]),))
    flat = array.reshape(-1, array.shape[-1])
    if array.ndim <= 2 and len(flat) <= 4 and flat.shape[1] <= 4 and flat.size <= 8:
        return Face(_whole(array), bad=bool(bad))
    return painted(array)


def painted(array: np.ndarray) -> Face:
    """An array as squares, its shape below."""
    bad = int((~np.isfinite(array)).sum()) if array.dtype.kind == "f" else 0
    note = join("", [shape(array), *([words.NOT_FINITE.say(n=bad)] if bad else [])])
    return Face((note,), _small(array), bool(bad))


def shape(array: Any) -> str:
    """An array's shape in words: "64×1000"; a vector's as "3 numbers"."""
    sizes = np.shape(array)
    return words.NUMBERS.say(n=sizes[0]) if len(sizes) == 1 else "×".join(map(str, sizes))


def number(value: Any, digits: int = 4) -> str:
    """A number with few digits and a true minus sign.

    >>> number(-0.52747230), number(12.0), number(1.5e-9)
    ('−0.5275', '12', '1.5e−09')
    """
    return f"{float(value):.{digits}g}".replace("-", "−").replace("nan", "NaN").replace("inf", "∞")


def _whole(array: np.ndarray) -> tuple[str, ...]:
    rows = array.reshape(-1, array.shape[-1])
    texts = [[number(value, 3 if array.size > 2 else 4) for value in row] for row in rows]
    lines = [", ".join(row) for row in texts]
    if len(lines) == 1:
        return (f"[{lines[0]}]",)
    ends = [("⎡", "⎤"), *[("⎢", "⎥")] * (len(lines) - 2), ("⎣", "⎦")]
    widths = [max(len(row[j]) for row in texts) for j in range(len(texts[0]))]
    padded = ["  ".join(cell.rjust(w, "\u2007") for cell, w in zip(row, widths, strict=True)) for row in texts]
    return tuple(left + line + right for (left, right), line in zip(ends, padded, strict=True))


def _small(array: np.ndarray) -> np.ndarray:
    """The array as a matrix of at most a few squares a side, each the mean of what it covers."""
    matrix = array.reshape(-1, array.shape[-1]).astype(float) if array.ndim != 1 else array.astype(float)[None]
    rows, columns = min(_CELLS, matrix.shape[0]), min(2 * _CELLS, matrix.shape[1])
    blocks = [np.array_split(part, columns, axis=1) for part in np.array_split(matrix, rows, axis=0)]
    with np.errstate(invalid="ignore"):
        return np.array([[block.mean() for block in row] for row in blocks])
