"""Pictures changed by chance while training: shifted, rotated, scaled, mirrored, lightened, partly covered."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from backlit.errors import InputError, ShapeError, unknown
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.indexing import take
from backlit.graph.ops.reduction import mean
from backlit.graph.ops.shape import flip as mirrored
from backlit.graph.tensor import value_of
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import option, share
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes

_AXES = "(height, width, channels)"
# Random numbers that a picture takes, used or not: an option that is turned on leaves the others' draws as they are.
_DRAWS = ("angle", "size", "down", "right", "mirror", "light", "contrast", "cover_y", "cover_x")


@dataclass(frozen=True, repr=False)
class Augment(Layer):
    """Pictures (batch, height, width, channels), each changed by chance while training; as they are in evaluation.

    In this order, with every number drawn uniformly for each picture by itself:

    1. one affine map about the centre: rotated, scaled, shifted. Pixels are read by bilinear interpolation, and beyond
       the edge the pixel at the edge is repeated, so that whatever the background is, it goes on;
    2. mirrored left to right, with probability 1/2;
    3. contrast and brightness: ``m + c·(x − m) + b``, where m is the mean of the picture as it came, in each channel.
       Nothing is clipped;
    4. a square covered with m + b. Its centre lies anywhere in the picture, so that part of the square may lie outside.

    Both engines draw the same numbers, from the run's seed, the layer's path and the number of the step.

    Parameters
    ----------
    shift : float
        Most that a picture moves, down or across, as a share of its height or width: 0 to 1.
    rotate : float
        Most degrees that it turns, either way: 0 to 180.
    scale : float
        The size's factor lies in 1 − scale … 1 + scale: 0 to 0.9.
    flip : bool
        Whether to mirror left to right. Not for letters or digits, which it would turn into others.
    cutout : float
        Side of the covered square, as a share of the picture's shorter side: 0 to 1.
    brightness : float
        Most that is added to all pixels, in their unit: 0.2 for pictures from 0 to 1 is a fifth of the range.
    contrast : float
        The factor c lies in 1 − contrast … 1 + contrast: 0 to 1.

    Raises
    ------
    InputError
        For an option outside its range.
    ShapeError
        If inputs aren't pictures.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> layer, picture = bl.Augment(shift=0.3, rotate=0, scale=0), np.eye(4)[None, :, :, None]
    >>> np.array_equal(layer({}, picture), picture)
    True
    >>> layer({}, picture, bl.Context(training=True, step=5))[0, :, :, 0].round(1).shape
    (4, 4)

    References
    ----------
    Affine maps for training: Simard, Steinkraus, Platt: Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis, ICDAR 2003. Cutout: DeVries, Taylor, arXiv:1708.04552, on pictures of mean zero, where
    covering with zero is covering with the mean.
    """

    shift: float = share(0.1)
    rotate: float = share(10.0, most=180.0, unit="degrees")
    scale: float = share(0.1, most=0.9)
    flip: bool = False
    cutout: float = share(0.0)
    brightness: float = option(0.0, low=0.0, open_high=True, words="a number of at least 0")
    contrast: float = share(0.0)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        require_axes(self, input_shape, 3, _AXES)
        return {}, input_shape

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        require_axes(self, tuple(x.shape[1:]), 3, _AXES)
        if not ctx.training:
            return x
        if x.dtype.kind != "f":
            raise ShapeError(f"{self} needs pictures of real numbers, got dtype {x.dtype}; use astype('float32')")
        drawn = ctx.uniform((x.shape[0], len(_DRAWS))).astype(x.dtype)
        draws = {name: drawn[:, i] for i, name in enumerate(_DRAWS)}
        # The mean of the picture as it came: of the moved one, XLA would compute every pixel twice.
        middle = mean(x, axis=(1, 2), keepdims=True) if self.contrast or self.cutout else 0.0
        if self.shift or self.rotate or self.scale:
            x = bilinear(x, *self._sources(draws, x.shape[1], x.shape[2]))
        elif self.flip:
            x = where(_by_picture(draws["mirror"] < 0.5), mirrored(x, axis=2), x)
        if self.contrast:
            x = middle + _by_picture(1 + self.contrast * _symmetric(draws["contrast"])) * (x - middle)
        if self.brightness:
            light = _by_picture(self.brightness * _symmetric(draws["light"]))
            x, middle = x + light, middle + light
        if self.cutout:
            x = where(self._covered(draws, x.shape[1], x.shape[2]), middle, x)
        return x

    def _sources(self, draws: dict[str, Any], height: int, width: int) -> tuple[Any, Any]:
        """Where each pixel comes from: rows and columns, (batch, height, width)."""
        xp = namespace(draws["angle"])
        angle = math.radians(self.rotate) * _symmetric(draws["angle"])
        size = 1 + self.scale * _symmetric(draws["size"])
        down = self.shift * height * _symmetric(draws["down"])
        right = self.shift * width * _symmetric(draws["right"])
        middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
        y = xp.arange(height, dtype=angle.dtype)[:, None] - middle_y - down[:, None, None]
        x = xp.arange(width, dtype=angle.dtype) - middle_x
        if self.flip:
            x = xp.where(draws["mirror"] < 0.5, -1.0, 1.0).astype(angle.dtype)[:, None, None] * x
        x = x - right[:, None, None]
        cosine, sine = (xp.cos(angle) / size)[:, None, None], (xp.sin(angle) / size)[:, None, None]
        return middle_y + sine * x + cosine * y, middle_x + cosine * x - sine * y

    def _covered(self, draws: dict[str, Any], height: int, width: int) -> Any:
        """Which pixels the square covers, (batch, height, width, 1)."""
        xp = namespace(draws["cover_y"])
        half = self.cutout * min(height, width) / 2
        y = abs(xp.arange(height) + 0.5 - height * draws["cover_y"][:, None]) < half
        x = abs(xp.arange(width) + 0.5 - width * draws["cover_x"][:, None]) < half
        return (y[:, :, None] & x[:, None, :])[..., None]


def _symmetric(uniform: Any) -> Any:
    """From [0, 1) to [−1, 1)."""
    return 2 * uniform - 1


def _by_picture(numbers: Any) -> Any:
    """One number a picture, ready to meet (batch, height, width, channels)."""
    return numbers[:, None, None, None]


def bilinear(x: Any, rows: Any, columns: Any) -> Any:
    """Pictures read between their pixels.

    Parameters
    ----------
    x : array (batch, height, width, channels)
    rows, columns : arrays (batch, h, w)
        Places to read, counted in pixels from the first one's centre; those outside are moved to the edge.

    Returns
    -------
    array (batch, h, w, channels)
        The mean of the four pixels around each place, the nearer the more. The gradient goes to `x`, not to the places.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.array([[0.0, 10.0], [20.0, 30.0]])[None, :, :, None]
    >>> bilinear(picture, np.array([[[0.5, 9.0]]]), np.array([[[0.5, 0.25]]])).tolist()
    [[[[15.0], [22.5]]]]
    """
    batch, height, width, channels = x.shape
    rows, columns = value_of(rows), value_of(columns)
    xp = namespace(rows, columns)
    y, x_place = xp.clip(rows, 0, height - 1), xp.clip(columns, 0, width - 1)
    top, left = xp.floor(y), xp.floor(x_place)
    low, right = (y - top)[..., None], (x_place - left)[..., None]  # shares of the pixels below and to the right
    top, left = top.astype(xp.int32), left.astype(xp.int32)
    bottom, beyond = xp.minimum(top + 1, height - 1), xp.minimum(left + 1, width - 1)
    pixels = x.reshape((batch * height * width, channels))
    first = (xp.arange(batch, dtype=xp.int32) * (height * width))[:, None, None]

    def at(row: Any, column: Any) -> Any:
        return take(pixels, first + row * width + column)

    upper = at(top, left) * (1 - right) + at(top, beyond) * right
    lower = at(bottom, left) * (1 - right) + at(bottom, beyond) * right
    return upper * (1 - low) + lower * low


def parse(words: str) -> Augment:
    """What to do to pictures, in words: "shift:0.1 rotate:10 flip cutout:0.2". What isn't named isn't done.

    Raises
    ------
    InputError
        For a word that isn't an option of `Augment`, a value that isn't a number in range, or no word at all.

    Examples
    --------
    >>> parse("rotate:15 flip")
    Augment(shift=0.0, rotate=15.0, scale=0.0, flip=True)
    """
    named = [f.name for f in fields(Augment)]
    options: dict[str, Any] = {name: 0.0 for name in named if name != "flip"}
    seen: list[str] = []
    for word in words.replace(",", " ").split():
        name, colon, text = word.partition(":")
        if name not in named:
            raise unknown("augmentation", name, named)
        if name in seen:
            raise InputError(f"augmentation {words!r}: {name} is named twice")
        seen.append(name)
        if name == "flip":
            if colon:
                raise InputError(f"augmentation {word!r}: flip takes no value; write flip")
            options["flip"] = True
            continue
        try:
            options[name] = float(text)
        except ValueError:
            raise InputError(f"augmentation {word!r}: expected a number, as in {name}:{_example(name)}") from None
    if not seen:
        raise InputError(f"there is no augmentation in {words!r}; known: {', '.join(named)}, as in 'shift:0.1 flip'")
    return Augment(**options)


def _example(name: str) -> str:
    return "10" if name == "rotate" else "0.1"
