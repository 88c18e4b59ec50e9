"""`fit_pictures`: a folder of pictures in, a judged run out."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backlit.errors import unknown
from backlit.tasks.options import Options
from backlit.tasks.pictures import from_pictures
from backlit.tasks.train import train
from backlit.train.result import Run


def fit_pictures(
    folder: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    skip_broken: bool = False,
    cache: bool = True,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    say: Callable[[str], None] | None = None,
    **options: Any,
) -> Run:
    """Train on a folder of pictures.

    Pictures are split into training, validation (when to stop) and test pictures; network, optimizer and their settings
    are chosen by the data unless they are given; the run is judged on the test pictures.

    Parameters
    ----------
    folder : path
        With one folder of pictures for each class, or with folders train, val and test of such (val and test may be
        missing: then they are shares of train). PNG, JPEG, WebP, BMP, GIF (its first frame) and TIFF, of any mode and
        size: EXIF orientation is applied, transparency laid on white.
    size : int or (height, width), optional
        What all pictures are brought to, with their proportions kept; what a picture doesn't fill, its outermost pixels
        do. By default the medians of the pictures' sizes, made smaller until the longer side is 64.
    skip_broken : bool
        Leave out pictures that can't be read, and say so, rather than refuse the folder.
    cache : bool
        Keep decoded pictures on disk beside the compiled programs, for the next time.
    checkpoint, resume, overwrite, progress :
        As for `fit`.
    say : callable, optional
        Is told, sentence by sentence, what was found in the folder before training begins.
    **options
        Any of `Options`, as for `fit_table`: network ("cnn", "cnn:32,64", "resnet:8", "mlp:64",
        "conv:16,3 relu pool:2 flatten" or a layer), epochs, learning_rate, split, seed, and so on.

    Returns
    -------
    Run
        ``run.predict("picture.png")`` takes paths, folders, arrays of bytes, pictures of Pillow's, and lists of those;
        ``run.judgement["worst"]`` lists the test pictures that were most confidently called something wrong.

    Raises
    ------
    InputError
        If the folder holds no pictures, one class, a class without pictures, or a broken picture.

    Examples
    --------
    >>> import backlit as bl, numpy as np, pathlib, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("밝음", "dark"):
    ...         (pathlib.Path(folder) / name).mkdir()
    ...         for i in range(20):
    ...             pixels = np.full((8, 8), 10 * i % 50 + 200 * (name == "밝음"), np.uint8)
    ...             Image.fromarray(pixels).save(f"{folder}/{name}/{i}.png")
    ...     run = bl.fit_pictures(folder, epochs=5, network="cnn:4", progress=False, cache=False)
    >>> run.predict(np.full((8, 8), 250, np.uint8)).shape, run.judgement["parts"]
    ((1,), {'training': 28, 'validation': 6, 'test': 6})
    """
    from backlit.engine.cache import pictures_folder

    started = clock.monotonic()
    for name in options:
        if name not in Options.__dataclass_fields__:
            raise unknown("option of fit for pictures", name, Options.__dataclass_fields__)
    chosen = Options(**options)
    material = from_pictures(folder, size=size, skip_broken=skip_broken, cache=pictures_folder() if cache else None)
    return train(
        material,
        chosen,
        checkpoint=checkpoint,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        say=say,
        started=started,
    )
