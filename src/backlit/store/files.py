"""The files of a run's folder, which change together: all are the new ones or all the old, whenever writing ends.

New files are first written beside their places (".weights.safetensors.new") and put on the disk. Then the index,
network.json, takes its place: one move, and the only moment in which the folder changes. It holds the SHA-256 of the
other files and of itself. So each of them is known by its content, be it in its place or still beside it, whether or
not the moves that follow are ever done. Reading needs no lock: what was read in part from the old files is read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from backlit.errors import InputError
from backlit.files import LOCK, WRITER, read_regular, to_disk, write_new, writing
from backlit.schema import check_depth, parsed

FORMAT = 2  # format 1 had no checksums
INDEX = "network.json"
SEARCH = "search"  # a folder that a search for settings keeps in the run's
REPLACED = "replaced"  # in it: checksums of files of the run before that a new one hasn't, should they still lie there
FILES = ("weights.safetensors", "data.json", "history.jsonl")
OPTIONAL = ("judgement.json", "config.toml", "state.safetensors", "probes.jsonl", "report.html")
REMEDY = "restore it, or train again"
READINGS = 100  # of a folder that is written all the time
LITTER = (".DS_Store", ".gitkeep", "Thumbs.db", "desktop.ini")  # what systems and habits leave in empty folders


def write(folder: Path, description: dict[str, Any], files: dict[str, bytes], keep: Collection[str] = ()) -> None:
    """Replace a folder's index and files, or, whatever happens, nothing; the caller has locked it.

    Parameters
    ----------
    description : dict
        The index, plain data.
    files : dict of name to content
        All files but the index.
    keep : names
        Files that stay as they are, if the present index has them.

    Raises
    ------
    OSError
        If they can't be written; then nothing has changed.
    """
    _settle(folder)
    before = {name for name in written_in(folder) if (folder / name).exists()}
    sums = {name: value for name, value in _sums_now(folder).items() if name in keep}
    sums |= {name: _sha256(content) for name, content in files.items()}
    gone = {name: _sha256(read_regular(folder / name, folder)) for name in sorted(before & set(OPTIONAL) - set(sums))}
    index = _signed({"format": FORMAT, **description, "files": sums, **({REPLACED: gone} if gone else {})})
    try:
        for name, content in {**files, INDEX: index}.items():
            write_new(_beside(folder, name), content)
            to_disk(_beside(folder, name))
        to_disk(folder)
        _beside(folder, INDEX).replace(folder / INDEX)
    finally:
        with contextlib.suppress(OSError):  # the next who writes will do it
            _settle(folder)
    with contextlib.suppress(OSError):
        to_disk(folder)
        for name in gone:
            (folder / name).unlink(missing_ok=True)


def add(folder: Path, name: str, content: bytes) -> None:
    """Put one optional file to a run that is there, or in place of its own; the caller has locked the folder.

    Raises
    ------
    InputError
        If the folder isn't a run, or its index is damaged or made by a newer version.
    OSError
        If it can't be written; then nothing has changed.
    """
    description, _ = read(folder, ())
    if description["format"] == 1:  # its files are known by their names alone
        with writing(folder / name) as temporary:
            temporary.write_bytes(content)
        return
    others = set(description["files"]) - {name}
    rest = {key: value for key, value in description.items() if key not in ("format", "files", "sha256", REPLACED)}
    write(folder, rest, {name: content}, others)


def read(folder: Path, names: Collection[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The index and those of the named files that the run has, all of one and the same run.

    Raises
    ------
    InputError
        If the folder isn't a run, or one of the files is missing, damaged or made by a newer version.
    """
    if not _is_folder(folder):
        raise InputError(f"{folder} is no folder: expected the folder of a run, as run.save or backlit train writes it")
    for _ in range(READINGS):
        index = _index(folder)
        try:
            return _contents(folder, index, names)
        except InputError:
            if _index(folder) == index:
                raise
    raise InputError(f"{folder} changes all the time; wait until it is written, and try again")


def remove(folder: Path) -> None:
    """Remove a run's files as far as possible, the index last, by which they are known; the caller has locked it."""
    with contextlib.suppress(OSError):
        for name in (*(written_in(folder) - {INDEX}), INDEX):
            (folder / name).unlink(missing_ok=True)


def to_json(name: str, data: Any, indent: int | None = 1) -> bytes:
    """Plain data as a JSON file's content; InputError names what isn't plain."""
    try:
        content = (json.dumps(data, ensure_ascii=False, indent=indent) + "\n").encode()
        check_depth([data])  # as it will be read
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{name} can't be written: {error}; what a run keeps must be plain data") from error
    return content


def from_json(path: Path, content: bytes) -> Any:
    """The inverse of `to_json`."""
    try:
        return parsed(content)
    except ValueError as error:
        raise InputError(f"{path} can't be read: {error}; it is damaged: {REMEDY}") from error


def holds_run(folder: Path) -> bool:
    """Whether there is something in the folder that a new run would replace."""
    return bool(written_in(folder))


def written_in(folder: Path) -> set[str]:
    """Names of the files in a folder that a run has written; none if there is no run.

    A damaged run is one: what makes a folder's files a run's is the index, or else the weights or the state.
    """
    every = {INDEX, *FILES, *OPTIONAL}
    try:
        description = _parsed(folder / INDEX, read_regular(folder / INDEX, folder))
    except (InputError, OSError):
        weights = (folder / INDEX).exists() and (folder / "weights.safetensors").exists()
        return every if weights or (folder / "state.safetensors").exists() else set()
    if description["format"] == 1:
        return every
    left = {name for name, value in description.get(REPLACED, {}).items() if _is(folder / name, folder, value)}
    return {INDEX, *description["files"], *left}


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds what isn't a run's: nothing of the user's is ever written over, or gone.

    Raises
    ------
    InputError
        If it isn't empty and holds no run, or if files lie in a run's places that the run there hasn't written.
    """
    try:
        present = {path.name for path in folder.iterdir() if path.name not in LITTER}
    except OSError:  # not there, or no folder: whoever makes it will tell
        return
    names = {INDEX, *FILES, *OPTIONAL}
    written = written_in(folder)
    passing = {WRITER, SEARCH, *(_beside(folder, name).name for name in names)}
    if LOCK in present and not (folder / LOCK).stat().st_size:  # ours is empty
        passing.add(LOCK)
    foreign = sorted((present & names if written else present) - written - passing)
    if foreign:
        more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
        what = "the run there hasn't written these" if written else "it holds no run, and isn't empty"
        raise InputError(
            f"{folder}: {what}: {', '.join(map(repr, foreign[:5]))}{more}; nothing is written over them: choose "
            "another folder, or a new one in it"
        )


def _is_folder(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError as error:
        raise InputError(f"{folder} can't be read: {error}") from error


def _index(folder: Path) -> bytes:
    try:
        return read_regular(folder / INDEX, folder)
    except FileNotFoundError as error:
        raise InputError(f"{folder} is no complete run: {INDEX} missing; {REMEDY}") from error
    except OSError as error:
        raise InputError(f"{folder / INDEX} can't be read: {error}") from error


def _contents(folder: Path, index: bytes, names: Collection[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    description = _parsed(folder / INDEX, index)
    if description["format"] == 1:
        sums = {name: None for name in (*FILES, *OPTIONAL) if name in FILES or (folder / name).exists()}
    else:
        sums = description["files"]
    return description, {name: _content(folder, name, sums[name]) for name in names if name in sums}


def _parsed(path: Path, index: bytes) -> dict[str, Any]:
    """The index, if it is whole and of a version that can be read."""
    description = from_json(path, index)
    version = description.get("format") if isinstance(description, dict) else None
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InputError(f"{path} doesn't describe a network; {REMEDY}")
    if version > FORMAT:
        raise InputError(
            f"{path} was written by a newer version (format {version}, this one reads {FORMAT}): "
            "pip install --upgrade backlit"
        )
    if version > 1:
        expected, have = description.get("sha256"), _sum_of(description)
        if have != expected:
            raise _changed(path, have, expected)
        sums = description.get("files")
        gone = description.get(REPLACED, {})
        known = _lists(sums, {*FILES, *OPTIONAL}) and set(FILES) <= set(sums) and _lists(gone, set(OPTIONAL))
        if not known:
            raise InputError(f"{path} is damaged: it doesn't list the run's files; {REMEDY}")
    return description


def _lists(sums: Any, names: set[str]) -> bool:
    """Whether these are checksums of some of these files, and of none elsewhere."""
    return isinstance(sums, dict) and set(sums) <= names and all(isinstance(each, str) for each in sums.values())


def _content(folder: Path, name: str, expected: str | None) -> bytes:
    """A file that has its checksum, wherever it is: it may be moved to its place while we look."""
    other = None
    for path in (folder / name, _beside(folder, name), folder / name):
        try:
            content = read_regular(path, folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(f"{path} can't be read: {error}") from error
        if expected is None or _sha256(content) == expected:
            return content
        other = other or content
    if other is None:
        raise InputError(f"{folder} is no complete run: {name} missing; {REMEDY}")
    raise _changed(folder / name, _sha256(other), expected)


def _changed(path: Path, have: str, expected: Any) -> InputError:
    return InputError(
        f"{path} has changed since it was saved: checksum {have[:12]}…, expected {str(expected)[:12]}…; {REMEDY}"
    )


def _settle(folder: Path) -> None:
    """Move what belongs to the index into its place, and remove what was written in vain."""
    sums = _sums_now(folder)
    for name in (INDEX, *FILES, *OPTIONAL):
        new = _beside(folder, name)
        with contextlib.suppress(FileNotFoundError):
            if name in sums and _is(new, folder, sums[name]):
                new.replace(folder / name)
            else:
                new.unlink()


def _is(path: Path, folder: Path, expected: str) -> bool:
    """Whether a file is the one of this checksum; not if it is anything but a file of the folder."""
    try:
        return _sha256(read_regular(path, folder)) == expected
    except (InputError, OSError):
        return False


def _sums_now(folder: Path) -> dict[str, str]:
    """Checksums that the index holds; none if there is no index, or none that could be read."""
    try:
        return _parsed(folder / INDEX, read_regular(folder / INDEX, folder)).get("files", {})
    except (InputError, OSError):
        return {}


def _beside(folder: Path, name: str) -> Path:
    return folder / f".{name}.new"


def _signed(description: dict[str, Any]) -> bytes:
    plain = json.loads(to_json(INDEX, description))  # as it will be read
    return to_json(INDEX, plain | {"sha256": _sum_of(plain)})


def _sum_of(description: dict[str, Any]) -> str:
    """SHA-256 of an index, leaving out where it holds this sum; line ends and spaces don't count."""
    rest = {key: value for key, value in description.items() if key != "sha256"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
