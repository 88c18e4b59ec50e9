"""Material from a folder of pictures."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from backlit.data.pictures import Pictures, classes_in, read, shown
from backlit.data.pictures.decoding import WHITE
from backlit.errors import InputError
from backlit.tasks.split import Parts
from backlit.tasks.task import Material


def from_pictures(
    folder: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    skip_broken: bool = False,
    cache: Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Material:
    """A folder with one folder of pictures a class, or with train, val and test folders of such; see `fit_pictures`."""
    wanted = (size, size) if isinstance(size, int) else size
    if wanted is not None and len(wanted) != 2:
        raise InputError(f"size must be a number, or height and width, got {size!r}")
    listing = classes_in(folder)
    album = read(listing.paths, wanted, skip_broken=skip_broken, cache=cache, progress=progress)
    y = np.array(listing.classes)[album.kept]
    notes = list(listing.notes)
    if album.broken:
        named = "; ".join(f"{shown(path.relative_to(listing.root))} {why}" for path, why in album.broken[:3])
        notes.append(f"{len(album.broken)} of {len(listing.paths)} pictures can't be read and are left out: {named}")
        gone = sorted(set(listing.classes) - set(y.tolist()))
        if gone:
            raise InputError(f"{folder}: no picture of class {gone[0]!r} can be read; mend them, or remove the class")
    form = album.form
    kind = "grey" if form.channels == 1 else "colour"
    notes.append(
        f"{len(y)} {kind} pictures of {len(set(y.tolist()))} classes, brought to {form.height} × {form.width} "
        "(height × width) with their proportions kept and their edges' pixels carried on"
    )
    if form.white != WHITE:
        notes.append(f"pictures of sixteen bits reach no further than {form.white}, which is taken for white")
    marks = np.array([hashlib.blake2b(picture.tobytes(), digest_size=16).hexdigest() for picture in album.pixels])
    notes += _contradictions(marks, y)
    name = Path(folder).resolve().name or "pictures"
    return Material(
        name=name,
        raw=album.pixels,
        y=y,
        task="classification",
        learn=lambda rows: Pictures.learn(album.pixels[rows], form.white),
        notes=notes,
        given=None if listing.parts is None else np.array(listing.parts)[album.kept],
        names=np.array([shown(listing.paths[i].relative_to(listing.root)) for i in album.kept]),
        suspect=lambda parts: _shared(marks, parts),
    )


def _contradictions(marks: np.ndarray, y: np.ndarray) -> list[str]:
    """Pictures that are alike, pixel by pixel, and have different classes."""
    classes: dict[str, set[str]] = {}
    for mark, own in zip(marks.tolist(), y.tolist(), strict=True):
        classes.setdefault(mark, set()).add(own)
    torn = {mark for mark, own in classes.items() if len(own) > 1}
    if not torn:
        return []
    count = sum(mark in torn for mark in marks.tolist())
    return [f"{count} pictures are, pixel by pixel, in more than one class: nobody can tell those apart"]


def _shared(marks: np.ndarray, parts: Parts) -> list[str]:
    """How many test pictures training has seen, pixel by pixel."""
    known = Counter(marks[parts.train].tolist())
    seen = sum(mark in known for mark in marks[parts.test].tolist())
    if not seen:
        return []
    share = f"{seen} of {len(parts.test)}"
    return [f"{share} test pictures are, pixel by pixel, among the training pictures: the scores are too good"]
