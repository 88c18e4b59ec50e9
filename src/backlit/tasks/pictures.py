"""Folders of pictures, one folder a class."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.files.packed import PART
from backlit.data.pictures import Clips, Listing, Pictures, classes_in, read, shown
from backlit.data.pictures.arrays import read_arrays
from backlit.data.pictures.clips import Films, films_in, spread
from backlit.data.pictures.decoding import WHITE
from backlit.data.preparation import Preparation
from backlit.engine.cache import pictures_folder
from backlit.errors import InputError
from backlit.languages import Template
from backlit.nn.layer import Layer, Shape
from backlit.nn.spec.sequences import for_clips
from backlit.settings import count, option
from backlit.tasks.options import DATA, Options
from backlit.tasks.plan import Ends, Usual
from backlit.tasks.rows import RowsTask
from backlit.tasks.split import copies_of, together
from backlit.tasks.task import Material, Parts, Progress

_BROUGHT = (
    "brought to {height} × {width} (height × width) with their proportions kept and their edges' pixels carried on"
)
_KOREAN = "{height} × {width}(높이 × 너비)로 맞췄습니다. 비율은 그대로 두고 가장자리 화소를 이어 채웠습니다."
GREY = Template(
    f"{{count}} grey pictures of {{classes}} classes, {_BROUGHT}",
    f"{{classes}}개 클래스의 회색 그림 {{count}}장을 {_KOREAN}",
)
COLOUR = Template(
    f"{{count}} colour pictures of {{classes}} classes, {_BROUGHT}",
    f"{{classes}}개 클래스의 컬러 그림 {{count}}장을 {_KOREAN}",
)
CLIPS = Template(
    "{count} clips of {classes} classes with {fewest} to {most} frames: {frames} of each are taken, evenly, brought to "
    "{height} × {width} (--frames 1 takes the pictures one by one)",
    "{classes}개 클래스의 동영상 {count}개(프레임 {fewest}~{most}장)에서 고르게 {frames}장씩 뽑아 {height} × {width}로 "
    "맞췄습니다(--frames 1이면 그림을 한 장씩 봅니다).",
)
ARRAYS = Template("{count} {what} of {classes} classes, {shape}", "{classes}개 클래스의 {what} {count}개, {shape}")
FILM = "cnn:16,32 lstm:64"  # the network for clips
SEEN = Template(
    "{seen} of {count} test pictures are, pixel by pixel, among the training pictures: the scores are too good",
    "테스트 그림 {count}장 중 {seen}장이 학습 그림과 화소까지 똑같습니다. 점수가 실제보다 높게 나옵니다.",
)
TORN = Template(
    "{count} pictures are, pixel by pixel, in more than one class: nobody can tell those apart",
    "화소까지 똑같은 그림 {count}장이 둘 이상의 클래스에 들어 있습니다. 아무도 구별할 수 없습니다.",
)


def height_and_width(given: str | int | Sequence[int]) -> tuple[int, int]:
    """A picture's size: "32", "32x48", 32, or height and width.

    >>> height_and_width("32x48"), height_and_width(32)
    ((32, 48), (32, 32))
    """
    if isinstance(given, int):
        return given, given
    if not isinstance(given, str):
        if len(given) != 2:
            raise InputError(f"size must be a number, or height and width, got {given!r}")
        return given[0], given[1]
    match = re.fullmatch(r"\s*([1-9]\d{0,4})(?:\s*[x×]\s*([1-9]\d{0,4}))?\s*", given, re.ASCII)
    if not match:
        raise InputError(f"--size {given}: expected a number of pixels such as 32, or height and width such as 32x48")
    return int(match[1]), int(match[2] or match[1])


@dataclass(eq=False)
class Album(Material):
    """Pictures of one form, what tells equal ones, pixel by pixel, and what is white in those of sixteen bits."""

    white: int = WHITE
    marks: np.ndarray = field(default_factory=lambda: np.zeros(0, "U32"))


@dataclass(frozen=True, repr=False)
class PicturesTask(RowsTask):
    """A folder with one folder of pictures a class, or with train, val and test folders of such.

    Parameters
    ----------
    size : int or (height, width), optional
        What all pictures are brought to, with their proportions kept; what a picture doesn't fill, its outermost pixels
        do. By default the medians of the pictures' sizes, made smaller until the longer side is 64.
    skip_broken : bool
        Leave out pictures that can't be read, and say so, rather than refuse the folder.
    frames : int, optional
        Frames that clips are brought to, evenly from first to last; 1 takes every picture by itself. By default folders
        of numbered frames within the classes' folders, and animated pictures, are clips of their median number of
        frames, at most 16.
    cache : bool
        Keep decoded pictures on disk beside the compiled programs, for the next time.
    """

    kind = "pictures"
    source = "folders of pictures"

    size: int | tuple[int, int] | None = option(
        None,
        panel=DATA,
        help="What pictures are brought to: 32, or 32x48 (height, width). By default the median size, at most 64",
        parse=height_and_width,
    )
    skip_broken: bool = option(False, panel=DATA, help="Leave out pictures that can't be read, and say so")
    frames: int | None = count(
        None,
        panel=DATA,
        help="Frames of each clip, taken evenly; 1 takes pictures one by one. By default told from DATA.",
    )
    cache: bool = option(True)

    def read(self, data: Any, progress: Progress | None = None) -> Album:
        """All pictures or clips of a folder, or of an archive of arrays, brought to one form.

        Pictures of Pillow's come as they are, with their classes and parts (see `Material`).
        """
        if isinstance(data, tuple):
            pictures, y, given = data
            return self._opened(pictures, y, given, progress)
        path, _, label = str(data).partition(PART)
        if path.lower().endswith(".npz"):
            return self._arrays(Path(path), label or None)
        size = None if self.size is None else height_and_width(self.size)
        listing = classes_in(data)
        films = films_in(listing, wanted=(self.frames or 1) > 1) if self.frames != 1 else None
        if films is not None:
            return self._clips(Path(data), listing, films, size, progress)
        if (self.frames or 1) > 1:
            raise InputError(
                f"{data}: there are no clips, neither folders of frames within the classes' nor animated files"
            )
        cache = pictures_folder() if self.cache else None
        album = read(listing.paths, size, skip_broken=self.skip_broken, cache=cache, progress=progress)
        y = np.array(listing.classes)[album.kept]
        notes = list(listing.notes)
        if album.broken:
            named = "; ".join(f"{shown(path.relative_to(listing.root))} {why}" for path, why in album.broken[:3])
            notes.append(
                f"{len(album.broken)} of {len(listing.paths)} pictures can't be read and are left out: {named}"
            )
            gone = sorted(set(listing.classes) - set(y.tolist()))
            if gone:
                raise InputError(f"{data}: no picture of class {gone[0]!r} can be read; mend them, or remove the class")
        form = album.form
        kind = GREY if form.channels == 1 else COLOUR
        notes.append(kind.say(count=len(y), classes=len(set(y.tolist())), height=form.height, width=form.width))
        if form.white != WHITE:
            notes.append(f"pictures of sixteen bits reach no further than {form.white}, which is taken for white")
        marks = np.array([hashlib.blake2b(picture.tobytes(), digest_size=16).hexdigest() for picture in album.pixels])
        copies = copies_of(marks.tolist()) if listing.parts is None else None
        notes += [] if copies is None else [together(copies)]
        return Album(
            name=Path(data).resolve().name or "pictures",
            raw=album.pixels,
            y=y,
            task="classification",
            notes=notes + _contradictions(marks, y),
            given=None if listing.parts is None else np.array(listing.parts)[album.kept],
            names=np.array([shown(listing.paths[i].relative_to(listing.root)) for i in album.kept]),
            marks=marks,
            copies=copies,
            white=form.white,
            groups=_together(listing, album.kept) if self.frames == 1 else None,
        )

    def _clips(
        self, data: Path, listing: Listing, films: Films, size: tuple[int, int] | None, progress: Progress | None
    ) -> Album:
        """Clips of one number of frames; one with a frame that can't be read is left out whole, if any may be."""
        frames = self.frames or films.usual
        paths: list[Any] = [frame for clip in films.clips for frame in spread(clip, frames)]
        cache = pictures_folder() if self.cache else None
        album = read(paths, size, skip_broken=self.skip_broken, cache=cache, progress=progress)
        whole = np.bincount(album.kept // frames, minlength=len(films.clips)) == frames
        pixels = album.pixels[whole[album.kept // frames]].reshape(-1, frames, *album.form.shape)
        notes = list(listing.notes)
        if not whole.all():
            notes.append(
                f"{int((~whole).sum())} of {len(whole)} clips have a frame that can't be read and are left out"
            )
        y, lengths = np.array(films.classes)[whole], [len(clip) for clip in films.clips]
        notes.append(
            CLIPS.say(
                count=len(y), classes=len(set(y.tolist())), fewest=min(lengths), most=max(lengths), frames=frames,
                height=album.form.height, width=album.form.width,
            )
        )  # fmt: skip
        given = None if films.parts is None else np.array(films.parts)[whole]
        return _album(
            data.resolve().name or "clips", pixels, y, notes, album.form.white, given, np.array(films.names)[whole]
        )

    def _opened(self, pictures: list[Any], y: np.ndarray, given: np.ndarray | None, progress: Progress | None) -> Album:
        """Pictures that are in memory."""
        size = None if self.size is None else height_and_width(self.size)
        album = read(pictures, size, skip_broken=self.skip_broken, progress=progress)
        form, y = album.form, y[album.kept]
        kind = GREY if form.channels == 1 else COLOUR
        told = kind.say(count=len(y), classes=len(set(y.tolist())), height=form.height, width=form.width)
        return _album("pictures", album.pixels, y, [told], form.white, None if given is None else given[album.kept])

    def _arrays(self, path: Path, label: str | None) -> Album:
        """Pictures or clips of an archive."""
        pixels, y = read_arrays(path, label)
        if self.size is not None:
            raise InputError(f"size is for pictures in folders; those in {path} have one already")
        if self.frames and pixels.ndim == 5:
            places = spread(range(pixels.shape[1]), self.frames)
            pixels = pixels[:, places]
        assert y is not None  # noqa: S101, see `read_arrays`
        what = "clips" if pixels.ndim == 5 else "pictures"
        told = ARRAYS.say(
            count=len(y), what=what, classes=len(set(y.tolist())), shape=" × ".join(map(str, pixels.shape[1:]))
        )
        return _album(path.name.split(".")[0], pixels, y, [told])

    def prepare(self, material: Album, rows: np.ndarray) -> Preparation:
        """Pictures of any kind brought to the form of these, with the means of the training pictures."""
        if material.raw.ndim == 5:
            return Clips.of_frames(material.raw[rows], material.white)
        return Pictures.learn(material.raw[rows], material.white)

    def usual(self, material: Any, rows: int, shape: Shape) -> Usual:
        """Convolutions, on clips with a recurrent layer after them."""
        return Usual(FILM) if len(shape) == 4 else super().usual(material, rows, shape)

    def network(self, spec: str, ends: Ends, preparation: Preparation, options: Options) -> Layer:
        """The network that a spec describes."""
        if len(ends.shape) == 4:
            return for_clips(spec, ends.shape, ends.outputs, ends.activation, ends.dropout, ends.first)
        return super().network(spec, ends, preparation, options)

    def warnings(self, material: Album, parts: Parts, preparation: Preparation) -> list[str]:
        """How many test pictures training has seen, pixel by pixel."""
        known = Counter(material.marks[parts.train].tolist())
        seen = sum(mark in known for mark in material.marks[parts.test].tolist())
        if not seen:
            return []
        return [SEEN.say(seen=seen, count=len(parts.test))]


def _album(
    name: str,
    pixels: np.ndarray,
    y: np.ndarray,
    notes: list[str],
    white: int = WHITE,
    given: np.ndarray | None = None,
    names: np.ndarray | None = None,
) -> Album:
    """Clips, or pictures of an archive, with what tells equal ones."""
    marks = np.array([hashlib.blake2b(one.tobytes(), digest_size=16).hexdigest() for one in pixels])
    notes = notes + _contradictions(marks, y)
    return Album(name, pixels, y, "classification", notes, given=given, names=names, marks=marks, white=white)


def _together(listing: Listing, kept: np.ndarray) -> np.ndarray | None:
    """Which pictures are frames of one clip, and stay in one part; None if they aren't."""
    if films_in(listing) is None or listing.parts is not None:
        return None
    folders: dict[Path, int] = {}
    return np.array([folders.setdefault(listing.paths[i].parent, len(folders)) for i in kept])


def _contradictions(marks: np.ndarray, y: np.ndarray) -> list[str]:
    """Pictures that are alike, pixel by pixel, and have different classes."""
    classes: dict[str, set[str]] = {}
    for mark, name in zip(marks.tolist(), y.tolist(), strict=True):
        classes.setdefault(mark, set()).add(name)
    torn = {mark for mark, names in classes.items() if len(names) > 1}
    if not torn:
        return []
    count = sum(mark in torn for mark in marks.tolist())
    return [TORN.say(count=count)]
