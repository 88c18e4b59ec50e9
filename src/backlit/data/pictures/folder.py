"""Which pictures are in a folder, and of which class."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backlit.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff")
PARTS = {
    "train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """Pictures of a folder, in the order of their names.

    Attributes
    ----------
    paths, classes : list of path, list of str
    parts : list of int or None
        0, 1 or 2 for pictures in folders for training, validation and test; None where there are no such folders.
    notes : list of str
        What was passed over, in words.
    """

    root: Path
    paths: list[Path]
    classes: list[str]
    parts: list[int] | None = None
    notes: list[str] = field(default_factory=list)


def classes_in(root: str | Path, fewest: int = 2) -> Listing:
    """Pictures by class: one folder each, or folders train, val and test with one folder a class each.

    Folders within a class's folder belong to the class. Hidden files and folders are passed over, links followed unless
    they lead in a circle, and files that aren't pictures by their suffix are counted.

    Parameters
    ----------
    root : path
    fewest : int
        Classes that there must be.

    Raises
    ------
    InputError
        If there is no such folder, no picture in it, too few classes, or a class without a picture.
    """
    root = Path(root)
    if not root.is_dir():
        problem = "is a file" if root.exists() else "doesn't exist"
        raise InputError(f"{root} {problem}; expected a folder of pictures, with one folder for each class")
    folders = _folders(root)
    parts = {folder: PARTS.get(folder.name.lower()) for folder in folders}
    divided = bool(folders) and None not in parts.values() and 0 in parts.values()
    others: Counter[str] = Counter()
    labels: list[tuple[Path, str, int]] = []
    empty: list[str] = []
    beside = 0
    for top in folders if divided else [root]:
        part = parts[top] or 0 if divided else 0
        inside = [path for path in _entries(top) if path.is_file()]
        beside += sum(_is_picture(path) for path in inside)
        others.update(path.suffix.lower() for path in inside if not _is_picture(path))
        for folder in _folders(top):
            class_paths = list(_walk(folder, others))
            name = unicodedata.normalize("NFC", shown(Path(folder.name)))  # Hangul in one piece, whoever wrote it
            labels += [(path, name, part) for path in class_paths]
            if not class_paths:
                empty.append(str(folder.relative_to(root)))
    if not labels:
        raise InputError(f"{root}: {_why_none(root, beside)}")
    if empty:
        raise InputError(
            f"{root}: no picture in {_some(empty)}; every class needs pictures ({', '.join(SUFFIXES)}): "
            "add some, or remove the folder"
        )
    names = sorted({name for _, name, _ in labels})
    if len(names) < fewest:
        raise InputError(f"{root}: all {len(labels)} pictures are of one class, {names[0]!r}; at least two are needed")
    notes = []
    if beside:
        notes.append(f"{_count(beside, 'picture')} beside the class folders have no class and are ignored")
    if others:
        kinds = ", ".join(suffix or "no suffix" for suffix, _ in others.most_common(5))
        notes.append(f"{_count(others.total(), 'file')} that aren't pictures are ignored ({kinds})")
    paths, classes, part_numbers = (list(column) for column in zip(*labels, strict=True))
    return Listing(root, paths, classes, part_numbers if divided else None, notes)


def pictures_in(folder: Path) -> list[Path]:
    """All pictures in a folder and its folders, in the order of their names.

    Raises
    ------
    InputError
        If there is none.
    """
    paths = list(_walk(folder, Counter()))
    if not paths:
        raise InputError(f"{folder} holds no pictures ({', '.join(SUFFIXES)})")
    return paths


def has_pictures(folder: Path) -> bool:
    """Whether there is a picture in a folder, or in a folder within it."""
    return any(True for _ in _walk(folder, Counter()))


def shown(path: Path) -> str:
    """A path as text that can be printed and saved, whatever bytes its name is made of."""
    return path.as_posix().encode("utf-8", "replace").decode()


def _entries(folder: Path) -> list[Path]:
    """What isn't hidden in a folder, by name."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))
    except OSError as error:
        raise InputError(f"{folder} can't be read: {error.strerror}") from error


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _walk(folder: Path, others: Counter[str], above: tuple[str, ...] = ()) -> Iterator[Path]:
    """Pictures at any depth; a link to a folder that is being walked would never end and is left out."""
    real_path = os.path.realpath(folder)
    if real_path in above:
        return
    for path in _entries(folder):
        if path.is_dir():
            yield from _walk(path, others, (*above, real_path))
        elif _is_picture(path):
            yield path
        else:
            others[path.suffix.lower()] += 1


def _why_none(root: Path, beside: int) -> str:
    if (root / "network.json").exists():
        return "this is the folder of a run; expected one folder of pictures for each class"
    if beside:
        loose_pictures = f"{_count(beside, 'picture')} in no class's folder"
        return f"{loose_pictures}; put the pictures of each class into a folder of its own"
    return f"no pictures were found; expected one folder for each class, with files {', '.join(SUFFIXES)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
