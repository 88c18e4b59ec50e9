"""Weights and filters as pictures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown
from backlit.graph import tree
from backlit.inspect.plots.style import bare, figure, picture
from backlit.inspect.plots.tiles import count_of, frame_tiles, mosaic, network_of, number_tiles
from backlit.nn.layer import Network

_WEIGHTS = "gray"  # of signed numbers: black is negative, white positive, grey is 0, in print as well


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
    network = network_of(network)
    weight = _weight(network, path, 2, "a Linear layer's, (units, inputs)")
    shape = _picture_shape(network, path, weight.shape[1]) if shape is None else tuple(shape)
    if len(shape) not in (2, 3) or math.prod(shape) != weight.shape[1]:
        raise InputError(f"layer {path!r} has {weight.shape[1]} inputs, which don't make a picture of shape {shape}")
    drawn = weight[: count_of(most)].reshape(-1, *shape[:2], math.prod(shape[2:]))
    tiles = drawn.transpose(0, 1, 3, 2).reshape(len(drawn), shape[0], -1)  # channels side by side
    some = "" if len(drawn) == len(weight) else f"the first {len(drawn)} of "
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
    network, most = network_of(network), count_of(most)
    weight = _weight(network, path, 4, "a convolution's over pictures, (outputs, height, width, channels)")
    outputs, height, width, channels = weight.shape
    size = f"{height} × {width}"
    if channels == 1:
        drawn = weight[: 4 * most, :, :, 0]
        some = "" if len(drawn) == outputs else f"the first {len(drawn)} of "
        return _tiled(drawn, f"filters of layer {path}: {some}{outputs} outputs, {size}")
    drawn = weight[:most, :, :, :most]
    tiles = drawn.transpose(0, 3, 1, 2).reshape(-1, height, width)
    left_out = f" (the first {len(drawn)} and {drawn.shape[3]})" if drawn.size < weight.size else ""
    title = f"filters of layer {path}: {outputs} outputs × {channels} channels, {size}{left_out}"
    return _tiled(tiles, title, drawn.shape[3], "channel", "output")


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


def _tiled(tiles: np.ndarray, title: str, columns: int = 0, across: str = "", down: str = "") -> Any:
    """Signed pictures in one, on a scale that has 0 in its middle; numbered, or with numbers at the sides."""
    height, width = tiles.shape[1:]
    has_columns = bool(columns)
    if not has_columns:  # a little wider than high, and few places left empty
        guess = max(1, round(math.sqrt(len(tiles) * 1.6 * height / width)))
        columns = min(range(max(1, guess - 2), guess + 3), key=lambda n: (-len(tiles) % n, abs(n - guess)))
        columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    together, places = mosaic(tiles, columns)
    cell = 0.9 if max(rows, columns) <= 8 else 0.5
    wide = max(3.2, cell * columns * max(1.0, width / height)) + 1.2
    chart, axis = figure(width=wide, height=max(1.4, cell * rows * max(1.0, height / width)) + 0.6)
    most = float(np.abs(tiles).max()) or 1.0
    image = axis.imshow(together, cmap=_WEIGHTS, vmin=-most, vmax=most, interpolation="nearest")
    bare(axis)
    frame_tiles(axis, places, width, height)
    if has_columns:
        axis.set_xticks(np.arange(columns) * (width + 1) + (width - 1) / 2, range(columns), fontsize=7)
        axis.set_yticks(np.arange(rows) * (height + 1) + (height - 1) / 2, range(rows), fontsize=7)
        axis.set(xlabel=across, ylabel=down)
    else:
        number_tiles(axis, places, range(len(tiles)))
    axis.set_title(title, fontsize=10)
    chart.colorbar(image, ax=axis, label="weight", shrink=0.8)
    return chart
