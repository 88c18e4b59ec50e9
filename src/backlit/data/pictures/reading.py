"""Many pictures as one array of bytes: decoded in parallel, and kept on disk for the next time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backlit.bounds import current, hold
from backlit.data.pictures.decoding import Form, decode, measure, peak, quiet, white_of
from backlit.errors import InputError
from backlit.files import writing

LARGEST = 64  # longest side, unless the user says otherwise
CACHED = 4 << 30  # bytes that the cache may take
VERSION = 2  # of what decoding gives: another one leaves the cache's files unused
Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Album:
    """Pictures as bytes.

    Attributes
    ----------
    pixels : uint8 array (rows, height, width, channels)
    form : Form
    kept : array (rows,)
        Which of the paths they are.
    broken : list of (path, str)
        What couldn't be read, and why.
    """

    pixels: np.ndarray
    form: Form
    kept: np.ndarray
    broken: list[tuple[Path, str]]


def read(
    paths: Sequence[Path],
    size: tuple[int, int] | None = None,
    *,
    skip_broken: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Album:
    """Decode pictures, to one size.

    Parameters
    ----------
    paths : list of path
    size : (height, width), optional
        By default the medians of the pictures', made smaller until the longer is 64.
    skip_broken : bool
        Leave out what can't be read, rather than refuse all.
    cache : path, optional
        Folder where the result is kept; it is found again as long as the files' names, times and sizes are the same.
    progress : callable, optional
        ``progress(stage, share)``.

    Raises
    ------
    InputError
        If a picture is broken, truncated or too large (named, with how many more), or none can be read.
    """
    cache_file = None if cache is None else cache / f"{_key(paths, size)}.npz"
    album = _cached(cache_file, paths) or _decoded(paths, size, progress, skip_broken)
    if album.broken and not skip_broken:
        _refuse(album.broken)
    if not len(album.kept):
        raise InputError(f"none of the {len(paths)} pictures can be read; the first: {_first(album.broken)}")
    if cache_file is not None:
        _store(cache_file, album, paths)
    return album


def read_as(form: Form, paths: Sequence[Path], *, skip_broken: bool = False, progress: Progress | None = None) -> Album:
    """Decode pictures into a given form.

    Raises
    ------
    InputError
        As for `read`.
    """
    with quiet():
        album = _in_form(form, paths, {}, progress)
    if album.broken and not skip_broken:
        _refuse(album.broken)
    return album


def parallel(
    function: Callable[[Any], Any], items: Sequence[Any], stage: str = "", progress: Progress | None = None
) -> Iterator[Any]:
    """The results in order, errors of input among them; by threads, since Pillow decodes beside the interpreter."""

    def one(item: Any) -> Any:
        try:
            return function(item)
        except InputError as error:
            return error

    step = max(1, len(items) // 200)
    with ThreadPoolExecutor(min(32, os.cpu_count() or 1), initializer=hold, initargs=(current(),)) as pool:
        for i, result in enumerate(pool.map(one, items), 1):
            yield result
            if progress and (i % step == 0 or i == len(items)):
                progress(stage, i / len(items))


def _decoded(paths: Sequence[Path], size: tuple[int, int] | None, progress: Progress | None, patient: bool) -> Album:
    """Sizes first, then the pixels; without patience nothing is decoded if a header is broken."""
    with quiet():
        facts = list(parallel(measure, paths, "reading sizes", progress))
        broken = {i: str(fact) for i, fact in enumerate(facts) if isinstance(fact, InputError)}
        measured = [fact for fact in facts if isinstance(fact, tuple)]
        if not measured or (broken and not patient):
            return Album(np.zeros((0, 1, 1, 1), np.uint8), Form(1, 1, 1), np.arange(0), _listed(paths, broken))
        grey = [path for path, fact in zip(paths, facts, strict=True) if isinstance(fact, tuple) and fact[2]]
        white = white_of(parallel(peak, grey, "reading depths", progress))
        form = Form(*(size or _size(measured)), 3 if len(grey) < len(measured) else 1, white)
        album = _in_form(form, paths, broken, progress)
    if form.channels == 3 and _colourless(album.pixels):
        form = replace(form, channels=1)
        return replace(album, form=form, pixels=np.ascontiguousarray(album.pixels[..., :1]))
    return album


def _in_form(form: Form, paths: Sequence[Path], broken: dict[int, str], progress: Progress | None) -> Album:
    """All pictures that aren't known to be broken; those that turn out so are left out, too."""
    candidates = [i for i in range(len(paths)) if i not in broken]
    broken = dict(broken)
    pixels = np.zeros((len(candidates), *form.shape), np.uint8)
    decoded_rows: list[int] = []
    pictures = parallel(lambda i: decode(paths[i], form), candidates, "decoding pictures", progress)
    for i, picture in zip(candidates, pictures, strict=True):
        if isinstance(picture, InputError):
            broken[i] = str(picture)
        else:
            pixels[len(decoded_rows)] = picture
            decoded_rows.append(i)
    return Album(pixels[: len(decoded_rows)], form, np.array(decoded_rows, dtype=np.int64), _listed(paths, broken))


def _size(facts: Iterable[tuple[int, int, bool]]) -> tuple[int, int]:
    sides = np.array([(height, width) for height, width, _ in facts])
    height, width = np.median(sides, axis=0)
    factor = min(1.0, LARGEST / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _colourless(pixels: np.ndarray) -> bool:
    return all((chunk == chunk[..., :1]).all() for chunk in np.array_split(pixels, max(1, len(pixels) // 256)))


def _listed(paths: Sequence[Path], broken: dict[int, str]) -> list[tuple[Path, str]]:
    return [(paths[i], broken[i]) for i in sorted(broken)]


def _refuse(broken: list[tuple[Path, str]]) -> None:
    others = f"; {len(broken) - 1} more can't be read either" if len(broken) > 1 else ""
    raise InputError(f"{_first(broken)}{others}. Remove or mend such files, or leave them out: --skip-broken")


def _first(broken: list[tuple[Path, str]]) -> str:
    path, why = broken[0]
    return f"picture {path}: {why}"


# ------------------------------------------------------------------------------------------------ cache


def _key(paths: Sequence[Path], size: tuple[int, int] | None) -> str:
    """What the result depends on: names, times and sizes of the files, the wanted size, and who decodes."""
    import PIL

    digest = hashlib.sha256(json.dumps([VERSION, PIL.__version__, LARGEST, size]).encode())
    for path in paths:
        try:
            file = getattr(path, "path", path)  # of a frame
            fact = file.stat()
            digest.update(
                f"{path}\0{file.resolve()}\0{fact.st_mtime_ns}\0{fact.st_size}\n".encode("utf-8", "surrogateescape")
            )
        except OSError:
            digest.update(f"{path}\0missing\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _cached(file: Path | None, paths: Sequence[Path]) -> Album | None:
    """What was kept, if it is there and whole."""
    if file is None or not file.exists():
        return None
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            pixels, numbers, reasons = archive["pixels"], archive["kept"], json.loads(str(archive["broken"]))
            height, width, channels = map(int, pixels.shape[1:])
            form = Form(height, width, channels, int(archive["white"]))
        broken = [(paths[i], str(why)) for i, why in reasons]
        if pixels.dtype != np.uint8 or len(pixels) != len(numbers) or len(numbers) + len(broken) != len(paths):
            return None
        os.utime(file)  # the oldest go first
    except (OSError, LookupError, TypeError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return Album(pixels, form, numbers, broken)


def _store(file: Path, album: Album, paths: Sequence[Path]) -> None:
    """Write it down, and make room; a disk that is full or can't be written to is no reason to stop."""
    if file.exists() or album.pixels.nbytes > CACHED:
        return
    index = {path: i for i, path in enumerate(paths)}
    broken = json.dumps([(index[path], why) for path, why in album.broken])
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with writing(file) as temporary, temporary.open("wb") as stream:
            np.savez(stream, pixels=album.pixels, kept=album.kept, broken=np.array(broken), white=album.form.white)
        files = sorted(file.parent.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for cache_file in files:
            total += cache_file.stat().st_size
            if total > CACHED and cache_file != file:
                cache_file.unlink(missing_ok=True)
