"""Small pictures on a terminal, in characters of five shades."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import numpy as np

from backlit.train.judgement import Mistake

SHADES = " ░▒▓█"
ACROSS = 2  # characters are about twice as high as they are wide
MOST_ROWS = 14  # of characters
GAP = "  "


def strip(rows: Iterable[Mistake]) -> str:
    """Pictures side by side, as many as there is room for, each with what it was called.

    Parameters
    ----------
    rows : iterable of Mistake
        With pixels.
    """
    room = shutil.get_terminal_size().columns
    chosen: list[list[str]] = []
    for tile in map(_tile, rows):
        room -= len(tile[0]) + len(GAP)
        if room < 0 and chosen:
            break
        chosen.append(tile)
    return "\n".join((GAP + GAP.join(parts)).rstrip() for parts in zip(*chosen, strict=True))


def _tile(row: Mistake) -> list[str]:
    """A picture and its caption, in lines of the same length."""
    called = f"{row.called}" if row.called == row.truth else f"{row.called}, is {row.truth}"
    caption = called if row.probability is None else f"{called} ({row.probability:.0%})"
    picture = shaded(np.asarray(row.pixels, dtype=float))
    width = max(len(caption), len(picture[0]))
    return [line.ljust(width) for line in (*picture, caption)]


def shaded(pixels: np.ndarray) -> list[str]:
    """A picture (height, width) in shades, dark characters where its values are large; shrunk if it is large."""
    block = -(-len(pixels) // MOST_ROWS)
    height, width = len(pixels) // block, pixels.shape[1] // block
    shrunk = pixels[: height * block, : width * block].reshape(height, block, width, block).mean((1, 3))
    spread = float(shrunk.max() - shrunk.min())
    levels = (shrunk - shrunk.min()) / spread if spread else np.zeros_like(shrunk)
    shades = np.rint(levels * (len(SHADES) - 1)).astype(int)
    return ["".join(SHADES[shade] * ACROSS for shade in line) for line in shades]
