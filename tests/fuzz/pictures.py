"""Pictures of every format that Pillow writes, odd, damaged, or named for another one."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from backlit.data import pictures as album
from tests.fuzz.damage import damaged
from tests.fuzz.frame import Case, fuzzer

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "EPS", "PDF", "ICO", "TGA", "SGI", "PCX", "MPO")
MODES = ("1", "L", "LA", "I", "I;16", "F", "P", "RGB", "RGBA", "CMYK", "YCbCr")
NAMES = ("p.png", "p.jpg", "p.gif", "p.bmp", "p.tif", "p.webp", "p.ppm", "p.JPEG")


def picture(case: Case) -> bytes:
    """A small picture in some format and mode that go together."""
    rng = case.rng
    size = rng.choice([(1, 1), (3, 5), (8, 8), (40, 2), (2000, 1)])
    for _ in range(20):
        out = io.BytesIO()
        try:
            image = Image.new(rng.choice(MODES), size)
            image.paste(1, (0, 0, 1, 1))
            image.save(out, rng.choice(FORMATS))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return out.getvalue()
    return b""


@fuzzer("pictures, odd and damaged", ci=150)
def pictures(case: Case) -> None:
    rng = case.rng
    names = rng.sample(NAMES, rng.choice([1, 2]))
    for name in names:
        content = picture(case)
        Path(name).write_bytes(damaged(rng, content, picture(case)) if rng.random() < 0.7 else content)
    size = rng.choice([None, None, (4, 4), (1, 9)])
    read = case.call(album.read, [case.folder / name for name in names], size, skip_broken=rng.random() < 0.5)
    if read is not None:
        assert read.pixels.dtype == np.uint8
        assert len(read.pixels) == len(read.kept) == len(names) - len(read.broken)
