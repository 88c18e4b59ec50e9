"""One picture as an array of bytes, whatever its format, mode and size."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError
from backlit.files import is_special

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF")  # no other: Pillow runs programs for some
WHITE = 65535  # of sixteen bits
MOST_SIDE = 4096  # of the size that pictures are brought to
GREY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
ORIENTATION = 0x0112  # the EXIF tag
# What Pillow raises for files that are broken in one way or another.
BROKEN = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, Warning, struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """What all pictures are brought to.

    Attributes
    ----------
    height, width : int
    channels : int
        1 (grey) or 3 (red, green, blue).
    white : int
        The level that is white in pictures of sixteen bits: many cameras fill but ten or twelve of them.
    """

    height: int
    width: int
    channels: int
    white: int = WHITE

    def __post_init__(self) -> None:
        for side in (self.height, self.width):
            if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= MOST_SIDE:
                raise InputError(f"size: height and width must be whole numbers from 1 to {MOST_SIDE}, got {side!r}")
        if self.channels not in (1, 3):
            raise InputError(f"channels must be 1 (grey) or 3 (colour), got {self.channels!r}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.height, self.width, self.channels)


@dataclass(frozen=True)
class Frame:
    """One frame of an animated picture, from 0."""

    path: Path
    number: int

    def __str__(self) -> str:
        return f"{self.path}, frame {self.number + 1}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Pillow's warnings and limit of its own aren't asked; around all threads that decode: they are the process's."""
    from PIL import Image

    largest = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        Image.MAX_IMAGE_PIXELS = None  # the limit `pixels` holds
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = largest


@contextlib.contextmanager
def opened(source: Any) -> Iterator[Any]:
    """A picture whose header was read, and no more; one that is too large is refused here.

    Raises
    ------
    InputError
        If it can't be read; the message starts with what is wrong, without the file's name.
    """
    from PIL import Image

    if isinstance(source, Frame):
        with opened(source.path) as picture:
            try:
                picture.seek(source.number)
            except BROKEN as error:
                raise InputError(f"it is broken ({_short(error)})") from error
            yield picture
        return
    if isinstance(source, Image.Image):
        _require_size(*source.size)
        yield source
        return
    if isinstance(source, (str, Path)) and is_special(Path(source)):
        raise InputError("it is no regular file, but a pipe or a device")
    try:
        picture = Image.open(source, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise InputError(bounds.beyond("pixels", f"it is too large ({error})")) from error
    except FileNotFoundError as error:
        raise InputError("there is no such file") from error
    except IsADirectoryError as error:
        raise InputError("it is a folder") from error
    except Image.UnidentifiedImageError as error:
        raise InputError("it is no picture that can be read") from error
    except BROKEN as error:
        raise InputError(f"it is broken ({_short(error)})") from error
    with picture:
        _require_size(*picture.size)
        yield picture


def measure(path: Path) -> tuple[int, int, bool]:
    """Height and width as the picture is to be seen, and whether it is grey by its mode."""
    with opened(path) as picture:
        width, height = picture.size
        return (width, height, picture.mode in GREY) if _turned(picture) >= 5 else (height, width, picture.mode in GREY)


def peak(path: Path) -> int:
    """The highest level of a picture of sixteen bits; 0 for others, and for those that can't be read."""
    try:
        with opened(path) as picture:
            return int(np.asarray(picture).max(initial=0)) if picture.mode.startswith("I") else 0
    except (InputError, *BROKEN):
        return 0


def white_of(peaks: Iterable[int]) -> int:
    """White in pictures with these highest levels: the highest that as many bits hold, from eight on.

    >>> white_of([812, 4020]), white_of([0])
    (4095, 65535)
    """
    highest = max(peaks, default=0)
    return int(2 ** max(8, highest.bit_length()) - 1) if highest else WHITE


def decode(source: Any, form: Form) -> np.ndarray:
    """A picture, from a path or Pillow, as bytes (height, width, channels) of the form.

    The first of several frames is taken; EXIF orientation is applied, transparency laid on white, 16 bits reduced to
    8. The picture is resized to fit into the form, and its outermost pixels go on to where it doesn't fill it.

    Raises
    ------
    InputError
        If it can't be decoded; the message starts with what is wrong, without the file's name.
    """
    with opened(source) as picture:
        try:
            turn = _turned(picture)
            if getattr(picture, "filename", "") and picture.format == "JPEG":  # decode no more than is needed
                sides = (form.height, form.width) if turn >= 5 else (form.width, form.height)
                picture.draft(None, (2 * sides[0], 2 * sides[1]))
            return _fitted(_upright(_plain(picture, form), turn), form)
        except BROKEN as error:
            raise InputError(f"it is broken ({_short(error)})") from error


def from_array(array: np.ndarray, form: Form) -> np.ndarray:
    """A picture (height, width) or (height, width, 1, 3 or 4), of bytes, in the form."""
    from PIL import Image

    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError(
            f"a picture as an array must be of bytes (uint8), (height, width) or (height, width, 1, 3 or 4), "
            f"got {array.dtype} {array.shape}"
        )
    if array.shape == form.shape:
        return array
    return decode(Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array), form)


def _plain(picture: Any, form: Form) -> Any:
    """Grey or red, green and blue, of eight bits."""
    from PIL import Image

    mode = "L" if form.channels == 1 else "RGB"
    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(picture), picture.mode, form.white)).convert(mode)
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        see_through = picture.convert("RGBA")
        white = Image.new("RGBA", see_through.size, "white")
        return Image.alpha_composite(white, see_through).convert(mode)
    if picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB") if picture.mode != "1" else picture.convert("L")
    return picture.convert(mode)


def _eight_bits(values: np.ndarray, mode: str, white: int) -> np.ndarray:
    """Sixteen bits by their share of white; fractions as of 1, or of 255 if some are above 1."""
    if mode == "F":
        if not np.isfinite(values).all():
            raise ValueError("pixels that are not finite")
        high = 1.0 if values.max(initial=0.0) <= 1 else 255.0
    else:
        high = float(white)
    return np.rint(np.clip(values.astype(np.float64) / high, 0, 1) * 255).astype(np.uint8)


def _turned(picture: Any) -> int:
    """The EXIF orientation, 1 to 8; damaged EXIF says nothing."""
    try:
        orientation = picture.getexif().get(ORIENTATION, 1)
    except BROKEN:
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _upright(picture: Any, orientation: int) -> Any:
    """The picture as it is to be seen."""
    from PIL.Image import Transpose

    turns = (
        Transpose.FLIP_LEFT_RIGHT,
        Transpose.ROTATE_180,
        Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE,
        Transpose.ROTATE_270,
        Transpose.TRANSVERSE,
        Transpose.ROTATE_90,
    )
    return picture.transpose(turns[orientation - 2]) if orientation > 1 else picture


def _fitted(picture: Any, form: Form) -> np.ndarray:
    """Resized with its proportions, in the middle of the form; the outermost pixels go on to the form's edge."""
    from PIL import Image

    width, height = picture.size
    factor = min(form.width / width, form.height / height)
    wide, high = max(1, round(width * factor)), max(1, round(height * factor))
    if (wide, high) != picture.size:
        picture = picture.resize((wide, high), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture).reshape(high, wide, form.channels)
    top_margin, left_margin = (form.height - high) // 2, (form.width - wide) // 2
    around = ((top_margin, form.height - high - top_margin), (left_margin, form.width - wide - left_margin), (0, 0))
    return np.pad(pixels, around, mode="edge")


def _require_size(width: int, height: int) -> None:
    bounds.require("pixels", width * height, f"it is too large: {width} × {height} make")


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
