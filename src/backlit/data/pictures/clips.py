"""Clips: films as folders of frames, as animated pictures, or as arrays; and their preparation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.pictures.decoding import BROKEN, WHITE, Frame, from_array, opened, quiet
from backlit.data.pictures.folder import Listing, pictures_in, shown
from backlit.data.pictures.preparation import Pictures
from backlit.data.pictures.reading import read_as
from backlit.errors import InputError

ANIMATED = (".gif", ".webp", ".png", ".tif", ".tiff")  # what may hold several frames
MOST = 16  # frames of a clip, unless the user says otherwise
NUMBERED = re.compile(r"(.*?)(\d+)\D*")


@dataclass(frozen=True)
class Films:
    """Clips of a folder, with their frames in order.

    Attributes
    ----------
    clips : list of list of path or Frame
    classes, names : list of str
    parts : list of int or None
        As for `Listing`.
    """

    clips: list[list[Any]]
    classes: list[str]
    names: list[str]
    parts: list[int] | None = None

    @property
    def usual(self) -> int:
        """Frames that clips are brought to, unless the user says otherwise."""
        return int(max(2, min(MOST, np.median([len(clip) for clip in self.clips]))))


def films_in(listing: Listing, wanted: bool = False) -> Films | None:
    """The clips that a folder's pictures are, or None if they are pictures.

    A folder within a class's folder is a clip if all of the class's pictures are in such folders, and their names are
    numbered; a file is one if it has several frames, as most of a folder's then have.

    Parameters
    ----------
    listing : Listing
    wanted : bool
        They are clips: folders are so whatever their files are called.
    """
    depth = 1 if listing.parts is None else 2
    groups: dict[Path, list[int]] = {}
    for i, path in enumerate(listing.paths):
        groups.setdefault(path.parent, []).append(i)
    within = {folder: len(folder.relative_to(listing.root).parts) > depth for folder in groups}
    if all(within.values()):
        clips = {folder: in_order([listing.paths[i] for i in rows]) for folder, rows in groups.items()}
        if wanted or all(len(clip) > 1 and _numbered(clip) for clip in clips.values()):
            return _films(listing, [(clips[folder], rows[0], folder) for folder, rows in groups.items()])
    if any(path.suffix.lower() not in ANIMATED for path in listing.paths):
        return None
    films = [frames_of(path) for path in listing.paths]
    moving = sum(len(film) > 1 for film in films)
    if moving <= len(films) / 2:
        return None
    return _films(listing, [(film, i, listing.paths[i]) for i, film in enumerate(films)])


def _films(listing: Listing, found: list[tuple[list[Any], int, Path]]) -> Films:
    return Films(
        [clip for clip, _, _ in found],
        [listing.classes[row] for _, row, _ in found],
        [shown(path.relative_to(listing.root)) for _, _, path in found],
        None if listing.parts is None else [listing.parts[row] for _, row, _ in found],
    )


def in_order(paths: Sequence[Path]) -> list[Path]:
    """Frames by the last number in their names: f2 before f10.

    >>> [path.name for path in in_order([Path("f10.png"), Path("f2.png")])]
    ['f2.png', 'f10.png']
    """

    def place(path: Path) -> tuple[str, int, str]:
        match = NUMBERED.fullmatch(path.stem)
        return (match[1], int(match[2]), path.name) if match else (path.stem, -1, path.name)

    return sorted(paths, key=place)


def _numbered(paths: Sequence[Path]) -> bool:
    """Whether names differ in a number only."""
    matches = [NUMBERED.fullmatch(path.stem) for path in paths]
    return all(matches) and len({match[1] for match in matches if match}) == 1


def frames_of(path: Path) -> list[Any]:
    """The frames of an animated picture; of any other itself."""
    if path.suffix.lower() not in ANIMATED:
        return [path]
    try:
        with quiet(), opened(path) as picture:
            count = int(getattr(picture, "n_frames", 1))
    except (InputError, *BROKEN):  # told when it is decoded
        count = 1
    return [Frame(path, number) for number in range(count)] if count > 1 else [path]


def clips_under(path: Path) -> list[tuple[Path, list[Any]]]:
    """A clip, or the clips of a folder, each with its frames: animated pictures, and folders that hold pictures."""
    if not path.is_dir():
        return [(path, frames_of(path))]
    found: list[tuple[Path, list[Any]]] = []
    folders: dict[Path, list[Path]] = {}
    for picture in pictures_in(path):
        folders.setdefault(picture.parent, []).append(picture)
    for folder, pictures in folders.items():
        films = [frames_of(picture) for picture in pictures]
        if any(len(film) > 1 for film in films):
            found += list(zip(pictures, films, strict=True))
        else:
            found.append((folder, in_order(pictures)))
    return found


def spread(clip: Sequence[Any], frames: int) -> list[Any]:
    """So many of a clip's frames, evenly from the first to the last; those of a short one more than once.

    >>> spread("abcdefg", 3), spread("ab", 4)
    (['a', 'd', 'g'], ['a', 'a', 'b', 'b'])
    """
    places = np.linspace(0, len(clip) - 1, frames)
    return [clip[int(place + 0.5)] for place in places]


@dataclass(frozen=True)
class Clips(Pictures):
    """Brings clips to one number of frames, and the frames to one form, as bytes (rows, time, height, width, channels).

    Attributes
    ----------
    form, shift, scale :
        As for `Pictures`, of each frame.
    frames : int

    Examples
    --------
    >>> from backlit.data.pictures import Form
    >>> prepared = Clips(Form(4, 6, 1), (0.0,), (255.0,), frames=3)
    >>> prepared.apply([np.zeros((7, 8, 12), np.uint8)]).shape
    (1, 3, 4, 6, 1)
    """

    frames: int = 1

    @classmethod
    def of_frames(cls, pixels: np.ndarray, white: int = WHITE) -> Clips:
        """From training clips (rows, time, height, width, channels)."""
        learned = Pictures.learn(pixels.reshape(-1, *pixels.shape[2:]), white)
        return cls(learned.form, learned.shift, learned.scale, pixels.shape[1])

    def apply(self, x: Any) -> np.ndarray:
        """Clips as bytes, uint8 (rows, time, height, width, channels).

        Parameters
        ----------
        x : path, array, or list of those
            A path of an animated picture, of a folder of frames, or of a folder of clips. Arrays are of bytes: (rows,
            time, height, width, channels), or in a list clips (time, height, width) or (time, height, width, channels).

        Raises
        ------
        InputError
            If something is no clip, or a frame can't be read; it is named.
        """
        if isinstance(x, np.ndarray) and x.dtype == np.uint8 and x.shape[1:] == (self.frames, *self.form.shape):
            return x
        items = [x] if isinstance(x, (str, Path)) else list(x)
        clips: list[np.ndarray] = []
        for row, item in enumerate(items):
            if isinstance(item, (str, Path)):
                clips += [self.of(frames) for _, frames in clips_under(Path(item))]
            elif isinstance(item, np.ndarray) and item.ndim in (3, 4) and len(item):
                clips.append(np.stack([from_array(frame, self.form) for frame in spread(list(item), self.frames)]))
            else:
                raise InputError(f"row {row} must be a path, or an array of frames (time, height, width)")
        return np.stack(clips) if clips else np.zeros((0, self.frames, *self.form.shape), np.uint8)

    def of(self, frames: Sequence[Any]) -> np.ndarray:
        """One clip, uint8 (time, height, width, channels), of paths or frames."""
        return read_as(self.form, spread(frames, self.frames)).pixels

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**super().to_dict(), "frames": self.frames}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Clips:
        """The inverse of `to_dict`."""
        base = Pictures.from_dict(data)
        return cls(base.form, base.shift, base.scale, int(data["frames"]))
