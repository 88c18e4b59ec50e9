"""Tables as text, and text that does nothing to a terminal but show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence

# What a terminal would obey, or show elsewhere: control characters but tabs and line feeds, marks that turn the
# direction of writing, other line ends, halves of characters.
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: object) -> str:
    r"""A text as it may be shown: what a terminal would obey stands as Python writes it.

    >>> print(visible("red \x1b[31m"))
    red \x1b[31m
    """
    return HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def aligned(rows: Sequence[Sequence[object]], left: Container[int] | None = None, indent: str = "") -> str:
    """Rows of cells as lines of text, each column as wide as its widest cell, two spaces between them.

    Parameters
    ----------
    rows : sequence of sequences
        All of one length; at least one.
    left : container of int, optional
        Columns that start at the left, the others end at the right; all of them if left out.
    indent : str
        Before each line.

    Examples
    --------
    >>> print(aligned([("layer", "parameters"), ("0", 15)], left=(0,)))
    layer  parameters
    0              15
    """
    cells = [[visible(cell).replace("\t", "\\t").replace("\n", "\\n") for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        gaps = [" " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
        at_left = [left is None or place in left for place in range(len(row))]
        padded = [cell + gap if start else gap + cell for cell, gap, start in zip(row, gaps, at_left, strict=True)]
        lines.append((indent + "  ".join(padded)).rstrip())
    return "\n".join(lines)


def columns(text: str) -> int:
    """How many columns a terminal needs for a text: Hangul and its like take two, marks over letters none.

    >>> columns("loss"), columns("손실")
    (4, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
