"""Which files a path, folder or pattern means, and whether they are still those that they were."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from backlit.data.files.kinds import BY_ENDING, KINDS, is_table, of_ending
from backlit.data.files.packed import ADDRESS, PACKED
from backlit.errors import InputError

SHOWN = 20  # files that are told by name
PATTERN = re.compile(r"[*?]|\[[^][]+\]|\[\[\]")
DIGITS = re.compile("([0-9]+)")
STREAMED = ("csv", "tsv", "parquet", "arrow", "npy")


@dataclass(frozen=True)
class Found:
    """A file, what its folders say of its rows, and its size and time of change when it was found.

    Attributes
    ----------
    path : Path
    kind : str
        "csv", "tsv", "parquet", "arrow" or "npy".
    hive : tuple of pairs
        Columns whose value is the folder's name: ``year=2024``.
    size, changed : int
        In bytes, and in nanoseconds.
    """

    path: Path
    kind: str
    hive: tuple[tuple[str, str], ...] = ()
    size: int = 0
    changed: int = 0

    def require_same(self) -> None:
        """Refuse a file that isn't what it was.

        Raises
        ------
        InputError
            If it is gone, or has another size or time of change.
        """
        try:
            now = self.path.stat()
        except OSError as error:
            raise InputError(
                f"{self.path} can't be read any more: {error.strerror or error}; data must stay"
            ) from error
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed):
            how = f"{self.size:,} bytes then, {now.st_size:,} now" if now.st_size != self.size else "written anew"
            raise InputError(
                f"{self.path} has changed since its columns were understood ({how}); data must stay as it is while it "
                "is learned from: start again"
            )

    @property
    def ending(self) -> str:
        """By which it is compressed, ".gz" say; empty if it isn't."""
        return self.path.suffix.lower() if self.path.suffix.lower() in PACKED else ""


def is_pattern(path: Any) -> bool:
    """Whether a path stands for several: a pattern, unless a file is called so.

    >>> is_pattern("parts/*.parquet"), is_pattern("houses.csv")
    (True, False)
    """
    return isinstance(path, (str, Path)) and bool(PATTERN.search(str(path))) and not Path(path).exists()


def is_streamable(path: Path) -> bool:
    """Whether a file's name says that it is a table that is read in pieces.

    >>> [is_streamable(Path(name)) for name in ("x.parquet", "x.csv.gz", "x.parquet.gz", "x.xlsx", "novel.txt")]
    [True, True, False, False, False]
    """
    suffix = path.suffix.lower()
    kind = BY_ENDING.get(Path(path.stem).suffix.lower() if suffix in PACKED else suffix)
    if kind is None or not is_table(path.name):
        return False
    return kind.name in (("csv", "tsv") if suffix in PACKED else STREAMED)


def holds_streamable(folder: Path) -> bool:
    """Whether there is a table that is read in pieces in a folder, or in a folder within it."""
    return any(is_streamable(file) and _is_meant(file, folder) for file in folder.rglob("*"))


def found(paths: Any) -> list[Found]:
    """The files that are meant, in the order of their names ("2" before "10").

    Parameters
    ----------
    paths : path, pattern, folder, or a list of them

    Raises
    ------
    InputError
        If there is none, one isn't of a kind that is read in pieces, or kinds are mixed.
    """
    listed = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not listed:
        raise InputError("there is no file to read: the list is empty")
    files = [file for path in listed for file in _of_one(path)]
    kinds = {file.kind for file in files}
    if len(kinds) > 1:
        first = files[0]
        other = next(file for file in files if file.kind != first.kind)
        raise InputError(
            f"{first.path} is {first.kind}, but {other.path} is {other.kind}: files that are read as one table must be "
            "of one kind; name those that are meant, by a pattern such as 'parts/*.parquet'"
        )
    return files


def _of_one(path: Any) -> list[Found]:
    if not isinstance(path, (str, Path)):
        raise InputError(f"expected paths of files, got {path!r}")
    if ADDRESS.match(str(path)):
        raise InputError(f"{path} is an address, and nothing is fetched from elsewhere: download it first")
    if is_pattern(path):
        matches = [Path(match) for match in glob.glob(str(path), recursive=True)]  # noqa: PTH207 (of any root)
        files = [match for match in matches if match.is_file()]
        if not files:
            raise InputError(f"no file matches {str(path)!r}")
        root = Path(*[part for part in Path(path).parts if not PATTERN.search(part)])
        return _sorted(files, root)
    whole = Path(path)
    if whole.is_dir():
        files = [file for file in whole.rglob("*") if _is_meant(file, whole)]
        if not files:
            endings = ", ".join(ending for kind in KINDS if kind.name in STREAMED for ending in kind.endings[:1])
            raise InputError(f"{path} is a folder without a table in it (known: {endings})")
        return _sorted(files, whole)
    if not whole.exists():
        folder = whole.parent
        near = get_close_matches(whole.name, [p.name for p in folder.iterdir()], n=1) if folder.is_dir() else []
        raise InputError(f"there is no file {path}" + (f"; did you mean {folder / near[0]}?" if near else ""))
    if not whole.is_file():
        raise InputError(f"{path} is no file: what is read in pieces is read anew in each epoch, which a pipe isn't")
    return [_found(whole, whole.parent)]


def _is_meant(file: Path, folder: Path) -> bool:
    """Whether a file of a folder is a table: not what other programs leave beside theirs, such as _SUCCESS."""
    parts = file.relative_to(folder).parts
    return not any(part.startswith((".", "_")) for part in parts) and is_table(file.name) and file.is_file()


def _sorted(files: Iterable[Path], root: Path) -> list[Found]:
    def order(path: Path) -> list[tuple[bool, int, str]]:
        return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in DIGITS.split(str(path))]

    return [_found(file, root) for file in sorted(files, key=order)]


def _found(path: Path, root: Path) -> Found:
    suffix = path.suffix.lower()
    inner = Path(path.stem).suffix.lower() if suffix in PACKED else suffix
    kind = of_ending(inner, path).name
    if kind not in STREAMED or suffix == ".zip":
        raise InputError(
            f"{path} can't be read in pieces, as data larger than memory is; save it as Parquet (or CSV), or read it "
            "whole"
        )
    if suffix in PACKED and kind not in ("csv", "tsv"):
        raise InputError(f"{path}: of compressed files only text is read in pieces; unpack it first")
    parents = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    pairs = [part.partition("=") for part in parts_of(parents)]
    stat = path.stat()
    if not stat.st_size:
        raise InputError(f"{path} is empty")
    hive = tuple((name, value) for name, _, value in pairs)
    return Found(path, kind, hive, stat.st_size, stat.st_mtime_ns)


def parts_of(parents: Sequence[str]) -> list[str]:
    """The folders that name a column and its value."""
    return [part for part in parents if "=" in part.strip("=")]


def identity(files: Sequence[Found]) -> dict[str, Any]:
    """What tells these files from others: names, sizes and times of change."""
    told = [f"{file.path.name}\0{file.size}\0{file.changed}" for file in files]
    return {
        "files": len(files),
        "bytes": sum(file.size for file in files),
        "names": [file.path.name for file in files[:SHOWN]],
        "digest": hashlib.sha256("\n".join(told).encode()).hexdigest(),
    }
