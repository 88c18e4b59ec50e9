"""Pictures of any kind as the arrays that a network was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.pictures.decoding import WHITE, Form, decode, from_array, quiet
from backlit.data.pictures.folder import pictures_in
from backlit.data.pictures.reading import parallel
from backlit.data.preparation import Preparation
from backlit.errors import InputError
from backlit.schema import fitted


@dataclass(frozen=True)
class Pictures(Preparation):
    """Brings pictures to one form, as bytes; a network's first layer, `Rescale`, does the scaling.

    Attributes
    ----------
    form : Form
        Height, width and channels.
    shift, scale : tuple of float
        Mean and standard deviation of each channel over the training pictures.

    Examples
    --------
    >>> import numpy as np
    >>> prepared = Pictures(Form(8, 6, 1), (0.0,), (255.0,))
    >>> prepared.apply([np.zeros((16, 12, 3), np.uint8), np.zeros((4, 3), np.uint8)]).shape
    (2, 8, 6, 1)
    """

    form: Form
    shift: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def learn(cls, pixels: np.ndarray, white: int = WHITE) -> Pictures:
        """From training pictures (rows, height, width, channels): mean and standard deviation of each channel.

        Pictures of sixteen bits that come later have the same `white`.
        """
        channels = pixels.shape[3]
        counts = np.stack([_histogram(pixels[..., k]) for k in range(channels)])
        levels = np.arange(256)
        total = counts.sum(axis=1)
        mean = counts @ levels / total
        variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / total
        scale = np.where(variance > 0, np.sqrt(variance), 1.0)
        form = Form(pixels.shape[1], pixels.shape[2], channels, white)
        return cls(form, tuple(mean.tolist()), tuple(scale.tolist()))

    def apply(self, x: Any) -> np.ndarray:
        """Pictures as bytes, uint8 (rows, height, width, channels).

        Parameters
        ----------
        x : path, array, Pillow's image, or list of those
            A path of a picture, or of a folder, which stands for all pictures in it. Arrays are of bytes:
            (rows, height, width, channels), or one picture (height, width) or (height, width, 1, 3 or 4).

        Raises
        ------
        InputError
            If something is no picture, or can't be read; it is named.
        """
        if isinstance(x, np.ndarray) and x.dtype == np.uint8 and x.shape[1:] == self.form.shape:
            return x
        if isinstance(x, np.ndarray) and x.ndim == 4:
            x = list(x)
        items = _items(x)
        pixels = np.zeros((len(items), *self.form.shape), np.uint8)
        with quiet():
            for i, picture in enumerate(parallel(self._pixels, list(enumerate(items)))):
                if isinstance(picture, InputError):
                    raise picture
                pixels[i] = picture
        return pixels

    def _pixels(self, numbered: tuple[int, Any]) -> np.ndarray:
        from PIL import Image

        row, item = numbered
        label = f"picture {item}" if isinstance(item, (str, Path)) else f"row {row}"
        try:
            if isinstance(item, (str, Path, Image.Image)):
                return decode(item, self.form)
            if isinstance(item, np.ndarray):
                return from_array(item, self.form)
        except InputError as error:
            raise InputError(f"{label}: {error}") from error
        raise InputError(
            f"{label} must be a path, a picture of Pillow's or an array of bytes, got {type(item).__name__}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        white = {} if self.form.white == WHITE else {"white": self.form.white}
        return {"form": list(self.form.shape), "shift": list(self.shift), "scale": list(self.scale), **white}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Pictures:
        """The inverse of `to_dict`."""
        shift, scale = (fitted(tuple[float, ...], data.get(name), name) for name in ("shift", "scale"))
        height, width, channels = fitted(tuple[int, int, int], data.get("form"), "form")
        form = Form(height, width, channels, fitted(int, data.get("white", WHITE), "white"))
        if not len(shift) == len(scale) == form.channels:
            raise InputError(f"{len(shift)} shifts and {len(scale)} scales for {form.channels} channels")
        return cls(form, shift, scale)


def _items(x: Any) -> list[Any]:
    """One thing or several, folders opened."""
    several = list(x) if isinstance(x, (list, tuple)) else [x]
    items: list[Any] = []
    for item in several:
        items += pictures_in(Path(item)) if isinstance(item, (str, Path)) and Path(item).is_dir() else [item]
    return items


def _histogram(values: np.ndarray) -> np.ndarray:
    """How often each byte occurs, without a copy of many pictures as larger numbers."""
    counts = np.zeros(256, np.int64)
    for chunk in np.array_split(values, max(1, len(values) // 1024)):
        counts += np.bincount(chunk.ravel(), minlength=256)
    return counts
