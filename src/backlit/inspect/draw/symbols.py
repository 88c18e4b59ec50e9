"""Symbols with an index, as textbooks set them."""

from __future__ import annotations

from backlit.inspect.draw.scene import INK, Label, Shape, text_width

_LOWER = 0.72  # an index's size beside its letter's


def width(letter: str, index: str, size: float) -> float:
    """Of a letter with its index."""
    return text_width(letter, size) + text_width(index, size * _LOWER)


def symbol(x: float, y: float, letter: str, index: str = "", size: float = 13.0, color: str = INK) -> list[Shape]:
    """A letter in italics with an index a little lower, around `x`; `y` is the letter's baseline."""
    left = x - width(letter, index, size) / 2
    shapes: list[Shape] = [Label(left, y, letter, size, color, anchor="start", italic=True)]
    if index:
        shapes.append(
            Label(left + text_width(letter, size), y + 0.28 * size, index, size * _LOWER, color, anchor="start")
        )
    return shapes
