"""What a network's layers make of pictures, and what augmentation does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, unknown
from backlit.inspect.plots.style import bare, figure, picture
from backlit.inspect.plots.tiles import count_of, mosaic, network_of, number_tiles
from backlit.nn.layer import Context, Layer

_MAPS = "cividis"  # of numbers that are mostly positive: gets lighter all the way, for everyone


@picture
def feature_maps(network: Any, path: str, x: Any, most: int = 16) -> Any:
    """What a layer makes of pictures: each picture, and beside it the layer's channels.

    Parameters
    ----------
    network : Network or Run
    path : str
        The layer whose output is shown, as in ``print(network)``.
    x : array (rows, height, width, channels)
        Prepared as for the network; up to eight pictures. Of several inputs a dict; the first that are pictures are
        shown.
    most : int
        Channels shown, the first ones.

    Returns
    -------
    matplotlib.figure.Figure
        The lighter, the larger; the scale is the same for all maps.

    Raises
    ------
    InputError
        If there is no such layer, or there are more than eight pictures or none.
    ShapeError
        If input or output of the layer aren't pictures.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Sequential(bl.Conv2d(6, 3), bl.ReLU(), bl.MaxPool2d(2)).build((8, 8, 1))
    >>> bl.plots.feature_maps(network, "1", np.zeros((2, 8, 8, 1))).axes[1].get_title()
    'layer 1: 6 channels, 6 × 6'
    """
    network, most = network_of(network), count_of(most)
    given = {name: np.asarray(part) for name, part in x.items()} if isinstance(x, Mapping) else x
    x = next((part for part in given.values() if part.ndim == 4), np.zeros(0)) if isinstance(given, dict) else x
    x = np.asarray(x, dtype=network.dtype)
    if x.ndim != 4 or not 1 <= len(x) <= 8:
        raise InputError(f"feature_maps takes 1 to 8 pictures (rows, height, width, channels), got shape {x.shape}")
    outputs: dict[str, np.ndarray] = {}

    def tap(at: str, output: Any) -> Any:
        outputs[at] = np.asarray(output)
        return output

    network.apply(network.params, given if isinstance(given, dict) else x, tap=tap)
    if path not in outputs:
        raise unknown("layer", path, outputs)
    maps = outputs[path]
    if maps.ndim != 4:
        raise ShapeError(f"layer {path!r} gives {maps.shape[1:]} for each picture, no maps (height, width, channels)")
    height, width, channels = maps.shape[1:]
    drawn_maps = maps[..., :most]
    low, high = min(0.0, float(drawn_maps.min())), float(drawn_maps.max())
    columns = min(8, drawn_maps.shape[-1])
    lines = -(-drawn_maps.shape[-1] // columns)
    chart, axes = figure(len(x), 2, width=1.4 + columns * 0.95, height=0.5 + max(0.95 * lines, 1.1) * len(x))
    grid = axes[0, 0].get_gridspec() if len(x) > 1 else axes[0].get_gridspec()
    grid.set_width_ratios([1.2, columns])
    for i, (left, right) in enumerate(np.reshape(axes, (len(x), 2))):
        _show(left, x[i])
        tiles, places = mosaic(drawn_maps[i].transpose(2, 0, 1), columns)
        image = right.imshow(tiles, cmap=_MAPS, vmin=low, vmax=high or 1.0, interpolation="nearest")
        bare(right)
        number_tiles(right, places, range(drawn_maps.shape[-1]))
    some = "" if drawn_maps.shape[-1] == channels else f"the first {drawn_maps.shape[-1]} of "
    np.ravel(axes)[0].set_title("picture", fontsize=10)
    np.ravel(axes)[1].set_title(f"layer {path}: {some}{channels} channels, {height} × {width}", fontsize=10)
    chart.colorbar(image, ax=np.ravel(axes).tolist(), shrink=0.8, label="output")
    return chart


@picture
def augmented(layer: Layer, pictures: Any, copies: int = 8, seed: int = 0) -> Any:
    """A contact sheet: each picture as it is, and beside it what a layer makes of it while training.

    Parameters
    ----------
    layer : Augment or another layer without parameters
    pictures : array (rows, height, width, channels)
        Up to twelve; channels are one (grey), or three (red, green, blue, from 0 to 1).
    copies : int
        Changed pictures beside each one.
    seed : int
        Of the random numbers.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there are no pictures, or more than twelve, or pictures with other channels.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> figure = bl.plots.augmented(bl.Augment(rotate=20), np.random.default_rng(0).random((2, 8, 8, 1)))
    >>> len(figure.axes)
    18
    """
    pictures, copies = np.asarray(pictures, dtype=np.float32), count_of(copies)
    if pictures.ndim != 4 or not 1 <= len(pictures) <= 12 or pictures.shape[-1] not in (1, 3):
        raise InputError(
            "augmented takes 1 to 12 pictures (rows, height, width, 1 or 3 channels), got an array of shape "
            f"{pictures.shape}"
        )
    changed = [
        np.asarray(layer({}, pictures, Context(training=True, seed=seed, step=step, path="0")))
        for step in range(copies)
    ]
    chart, axes = figure(len(pictures), copies + 1, width=0.9 * (copies + 1), height=0.35 + 0.92 * len(pictures))
    table = np.reshape(axes, (len(pictures), copies + 1))
    for row, lines in enumerate(table):
        low, high = float(pictures[row].min()), float(pictures[row].max())
        for axis, pixels in zip(lines, [pictures[row], *(copy[row] for copy in changed)], strict=True):
            _show(axis, pixels, low, high)
    table[0, 0].set_title("original", fontsize=9)
    table[0, 1].set_title(f"{type(layer).__name__.lower()}ed →" if copies > 1 else "changed", fontsize=9)
    return chart


def _show(axis: Any, pixels: np.ndarray, low: float | None = None, high: float | None = None) -> None:
    """A picture: grey, or in its colours; of other numbers of channels, their mean."""
    low = float(pixels.min()) if low is None else low
    high = float(pixels.max()) if high is None else high
    if pixels.shape[-1] == 3:
        axis.imshow(np.clip((pixels - low) / ((high - low) or 1.0), 0, 1), interpolation="nearest")
    else:
        axis.imshow(
            pixels.mean(axis=-1), cmap="gray", vmin=low, vmax=high if high > low else low + 1, interpolation="nearest"
        )
    bare(axis)
