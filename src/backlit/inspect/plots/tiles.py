"""Many small pictures in one, and what is asked of those who want them drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn.layer import Network


def network_of(model: Any) -> Network:
    """The network itself, or a run's."""
    network = getattr(model, "network", model)
    if not isinstance(network, Network):
        raise InputError(f"needs a network or a run, got {type(model).__name__}; build a layer first")
    return network


def count_of(most: Any) -> int:
    """A number of pictures, if it is one."""
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputError(f"the number of pictures must be a whole number of at least 1, got {most!r}")
    return most


def mosaic(tiles: np.ndarray, columns: int, gap: int = 1) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Pictures (count, height, width) in one, NaN between them; and the place of each one's upper left corner."""
    count, height, width = tiles.shape
    rows = -(-count // columns)
    together = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    places = []
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        together[top : top + height, left : left + width] = tile
        places.append((left - 0.5, top - 0.5))
    return together, places


def frame_tiles(axis: Any, places: list[tuple[float, float]], width: int, height: int) -> None:
    """A thin frame around each of a mosaic's tiles, so that a white one doesn't melt into the page."""
    from matplotlib.patches import Rectangle

    for place in places:
        axis.add_patch(Rectangle(place, width, height, fill=False, edgecolor="0.6", linewidth=0.6, clip_on=False))


def number_tiles(axis: Any, places: list[tuple[float, float]], numbers: Any) -> None:
    """Small numbers in the corners of a mosaic's tiles, if there are few enough to read."""
    if len(places) > 64:
        return
    for (left, top), number in zip(places, numbers, strict=True):
        box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
        axis.annotate(
            str(number),
            (left, top),
            xytext=(2, -2),
            textcoords="offset points",
            ha="left",
            va="top",
            fontsize=6,
            bbox=box,
        )
