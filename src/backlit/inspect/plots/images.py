"""Weights, filters and feature maps as pictures, and what augmentation makes of some."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, unknown
from backlit.graph import tree
from backlit.inspect.plots.style import bare, figure, picture
from backlit.nn.layer import Context, Layer
from backlit.nn.network import Network

_WEIGHTS = "gray"  # of signed numbers: black is negative, white positive, grey is 0, in print as well
_MAPS = "cividis"  # of numbers that are mostly positive: gets lighter all the way, for everyone


@picture
def weights_as_images(network: Any, path: str = "0", shape: tuple[int, ...] | None = None, most: int = 64) -> Any:
    """What each unit of a `Linear` layer looks for in a picture: its weights, put where their inputs are.

    Parameters
    ----------
    network : Network or Run
    path : str
        The layer, as in ``print(network)``.
    shape : (height, width) or (height, width, channels), optional
        Of the layer's input. By default the last shape before the layer that is a picture's and has as many numbers,
        else a square. Channels are put side by side.
    most : int
        Units shown, the first ones.

    Returns
    -------
    matplotlib.figure.Figure
        White is positive, black negative, the grey between is 0; the scale is the same for all units.

    Raises
    ------
    InputError
        If there is no such layer, or its weights aren't those of a `Linear` layer or don't make a picture.

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Flatten(), bl.Linear(10)).build((8, 8, 1))
    >>> bl.plots.weights_as_images(network, "1").axes[0].get_title()
    'weights of layer 1: 10 units, 8 × 8 inputs'
    """
    network = _network(network)
    weight = _weight(network, path, 2, "a Linear layer's, (units, inputs)")
    shape = _picture_shape(network, path, weight.shape[1]) if shape is None else tuple(shape)
    if len(shape) not in (2, 3) or math.prod(shape) != weight.shape[1]:
        raise InputError(f"layer {path!r} has {weight.shape[1]} inputs, which don't make a picture of shape {shape}")
    shown = weight[: _count(most)].reshape(-1, *shape[:2], math.prod(shape[2:]))
    tiles = shown.transpose(0, 1, 3, 2).reshape(len(shown), shape[0], -1)  # channels side by side
    some = "" if len(shown) == len(weight) else f"the first {len(shown)} of "
    return _tiled(tiles, f"weights of layer {path}: {some}{len(weight)} units, {' × '.join(map(str, shape))} inputs")


@picture
def filters(network: Any, path: str = "0", most: int = 16) -> Any:
    """The filters of a `Conv2d` layer: one row for each output, one column for each channel that it reads.

    Parameters
    ----------
    network : Network or Run
    path : str
        The layer, as in ``print(network)``.
    most : int
        Outputs and channels shown, the first ones; if there is only one channel, four times as many outputs.

    Returns
    -------
    matplotlib.figure.Figure
        White is positive, black negative, the grey between is 0; the scale is the same for all.

    Raises
    ------
    InputError
        If there is no such layer, or its weights aren't those of a convolution over pictures.

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Conv2d(8, 3), bl.ReLU()).build((8, 8, 1))
    >>> bl.plots.filters(network).axes[0].get_title()
    'filters of layer 0: 8 outputs, 3 × 3'
    """
    network, most = _network(network), _count(most)
    weight = _weight(network, path, 4, "a convolution's over pictures, (outputs, height, width, channels)")
    outputs, height, width, channels = weight.shape
    size = f"{height} × {width}"
    if channels == 1:
        shown = weight[: 4 * most, :, :, 0]
        some = "" if len(shown) == outputs else f"the first {len(shown)} of "
        return _tiled(shown, f"filters of layer {path}: {some}{outputs} outputs, {size}")
    shown = weight[:most, :, :, :most]
    tiles = shown.transpose(0, 3, 1, 2).reshape(-1, height, width)
    left_out = f" (the first {len(shown)} and {shown.shape[3]})" if shown.size < weight.size else ""
    title = f"filters of layer {path}: {outputs} outputs × {channels} channels, {size}{left_out}"
    return _tiled(tiles, title, shown.shape[3], "channel", "output")


@picture
def feature_maps(network: Any, path: str, x: Any, most: int = 16) -> Any:
    """What a layer makes of pictures: each picture, and beside it the layer's channels.

    Parameters
    ----------
    network : Network or Run
    path : str
        The layer whose output is shown, as in ``print(network)``.
    x : array (rows, height, width, channels)
        Prepared as for the network; up to eight pictures.
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
    network, most = _network(network), _count(most)
    x = np.asarray(x, dtype=network.dtype)
    if x.ndim != 4 or not 1 <= len(x) <= 8:
        raise InputError(f"feature_maps takes 1 to 8 pictures (rows, height, width, channels), got shape {x.shape}")
    seen: dict[str, np.ndarray] = {}

    def tap(at: str, output: Any) -> Any:
        seen[at] = np.asarray(output)
        return output

    network.apply(network.params, x, tap=tap)
    if path not in seen:
        raise unknown("layer", path, seen)
    maps = seen[path]
    if maps.ndim != 4:
        raise ShapeError(f"layer {path!r} gives {maps.shape[1:]} for each picture, no maps (height, width, channels)")
    height, width, channels = maps.shape[1:]
    shown = maps[..., :most]
    low, high = min(0.0, float(shown.min())), float(shown.max())
    columns = min(8, shown.shape[-1])
    lines = -(-shown.shape[-1] // columns)
    made, axes = figure(len(x), 2, width=1.4 + columns * 0.95, height=0.5 + max(0.95 * lines, 1.1) * len(x))
    grid = axes[0, 0].get_gridspec() if len(x) > 1 else axes[0].get_gridspec()
    grid.set_width_ratios([1.2, columns])
    for i, (left, right) in enumerate(np.reshape(axes, (len(x), 2))):
        _show(left, x[i])
        tiles, places = _mosaic(shown[i].transpose(2, 0, 1), columns)
        drawn = right.imshow(tiles, cmap=_MAPS, vmin=low, vmax=high or 1.0, interpolation="nearest")
        bare(right)
        _number(right, places, range(shown.shape[-1]))
    some = "" if shown.shape[-1] == channels else f"the first {shown.shape[-1]} of "
    np.ravel(axes)[0].set_title("picture", fontsize=10)
    np.ravel(axes)[1].set_title(f"layer {path}: {some}{channels} channels, {height} × {width}", fontsize=10)
    made.colorbar(drawn, ax=np.ravel(axes).tolist(), shrink=0.8, label="output")
    return made


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
    pictures, copies = np.asarray(pictures, dtype=np.float32), _count(copies)
    if pictures.ndim != 4 or not 1 <= len(pictures) <= 12 or pictures.shape[-1] not in (1, 3):
        raise InputError(
            "augmented takes 1 to 12 pictures (rows, height, width, 1 or 3 channels), got an array of shape "
            f"{pictures.shape}"
        )
    changed = [
        np.asarray(layer({}, pictures, Context(training=True, seed=seed, step=step, path="0")))
        for step in range(copies)
    ]
    made, axes = figure(len(pictures), copies + 1, width=0.9 * (copies + 1), height=0.35 + 0.92 * len(pictures))
    table = np.reshape(axes, (len(pictures), copies + 1))
    for row, lines in enumerate(table):
        low, high = float(pictures[row].min()), float(pictures[row].max())
        for axis, shown in zip(lines, [pictures[row], *(copy[row] for copy in changed)], strict=True):
            _show(axis, shown, low, high)
    table[0, 0].set_title("original", fontsize=9)
    table[0, 1].set_title(f"{type(layer).__name__.lower()}ed →" if copies > 1 else "changed", fontsize=9)
    return made


def _network(model: Any) -> Network:
    network = getattr(model, "network", model)
    if not isinstance(network, Network):
        raise InputError(f"needs a network or a run, got {type(model).__name__}; build a layer first")
    return network


def _count(most: Any) -> int:
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputError(f"the number of pictures must be a whole number of at least 1, got {most!r}")
    return most


def _weight(network: Network, path: str, axes: int, meaning: str) -> np.ndarray:
    """The weight of a layer, if it has the given number of axes."""
    suffix = "weight"
    weights = {
        key.removesuffix(suffix).rstrip("/"): leaf
        for key, leaf in tree.items(network.params)
        if key.rpartition("/")[2] == suffix
    }
    if path not in weights:
        raise unknown("layer with weights", path, weights)
    weight = np.asarray(weights[path], dtype=float)
    if weight.ndim != axes:
        fitting = [key for key, leaf in weights.items() if np.ndim(leaf) == axes]
        hint = f"layers that fit: {', '.join(fitting)}" if fitting else "no layer of this network fits"
        raise InputError(f"the weights of layer {path!r} have shape {weight.shape}, and aren't {meaning}; {hint}")
    return weight


def _picture_shape(network: Network, path: str, inputs: int) -> tuple[int, ...]:
    """The shape of the pictures that a layer's inputs come from, or a square."""
    before = [network.input_shape]
    for name, _, shape, _, _ in network.rows():
        if name == path:
            break
        before.append(shape)
    fitting = [shape for shape in before if len(shape) in (2, 3) and math.prod(shape) == inputs]
    if fitting:
        return fitting[-1][:2] if fitting[-1][2:] == (1,) else fitting[-1]
    side = math.isqrt(inputs)
    if side * side != inputs:
        raise InputError(f"the {inputs} inputs of layer {path!r} make no square; give shape=(height, width)")
    return side, side


def _mosaic(tiles: np.ndarray, columns: int, gap: int = 1) -> tuple[np.ndarray, list[tuple[float, float]]]:
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


def _number(axis: Any, places: list[tuple[float, float]], numbers: Any) -> None:
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


def _tiled(tiles: np.ndarray, title: str, columns: int = 0, across: str = "", down: str = "") -> Any:
    """Signed pictures in one, on a scale that has 0 in its middle; numbered, or with numbers at the sides."""
    height, width = tiles.shape[1:]
    given = bool(columns)
    if not given:  # a little wider than high, and few places left empty
        wanted = max(1, round(math.sqrt(len(tiles) * 1.6 * height / width)))
        columns = min(range(max(1, wanted - 2), wanted + 3), key=lambda n: (-len(tiles) % n, abs(n - wanted)))
        columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    together, places = _mosaic(tiles, columns)
    cell = 0.9 if max(rows, columns) <= 8 else 0.5
    wide = max(3.2, cell * columns * max(1.0, width / height)) + 1.2
    made, axis = figure(width=wide, height=max(1.4, cell * rows * max(1.0, height / width)) + 0.6)
    most = float(np.abs(tiles).max()) or 1.0
    shown = axis.imshow(together, cmap=_WEIGHTS, vmin=-most, vmax=most, interpolation="nearest")
    bare(axis)
    if given:
        axis.set_xticks(np.arange(columns) * (width + 1) + (width - 1) / 2, range(columns), fontsize=7)
        axis.set_yticks(np.arange(rows) * (height + 1) + (height - 1) / 2, range(rows), fontsize=7)
        axis.set(xlabel=across, ylabel=down)
    else:
        _number(axis, places, range(len(tiles)))
    axis.set_title(title, fontsize=10)
    made.colorbar(shown, ax=axis, label="weight", shrink=0.8)
    return made


def _show(axis: Any, shown: np.ndarray, low: float | None = None, high: float | None = None) -> None:
    """A picture: grey, or in its colours; of other numbers of channels, their mean."""
    low = float(shown.min()) if low is None else low
    high = float(shown.max()) if high is None else high
    if shown.shape[-1] == 3:
        axis.imshow(np.clip((shown - low) / ((high - low) or 1.0), 0, 1), interpolation="nearest")
    else:
        axis.imshow(
            shown.mean(axis=-1), cmap="gray", vmin=low, vmax=high if high > low else low + 1, interpolation="nearest"
        )
    bare(axis)
