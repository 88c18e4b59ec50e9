"""Files are written beside their place and then moved into it, and one process at a time writes to a folder."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from backlit.errors import InputError

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

LOCK, WRITER = ".lock", ".writer"  # what the system locks, and who holds it
OPEN_FILE = re.compile(r"/(?:dev|proc/(?P<process>\d+)(?:/task/\d+)?)/fd/(?P<number>\d+)")
MOST_LINKS = 40  # from one to the next, as the system follows them
MOST_OF_NAME = 60  # characters of a name, which may be up to 255 bytes long, that a temporary file's has


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary file that takes the place of `path` when all went well; otherwise nothing has changed.

    A symbolic link stays one, and its target is written. What has no place that could be taken, as devices, pipes and
    open files (/dev/stdout, /dev/fd/3), gets a copy; whether who reads a pipe reads all of it is their affair.

    Raises
    ------
    OSError
        If it can't be written.
    """
    place = _behind_links(path)
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if OPEN_FILE.fullmatch(str(place)) or (place.exists() and not place.is_file()):
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder, "copy")
            with (
                contextlib.suppress(BrokenPipeError),
                _opened(place) as stream,
                Path(folder, "copy").open("rb") as copy,
            ):
                shutil.copyfileobj(copy, stream)
        return
    if place.exists() and not os.access(place, os.W_OK):  # taking its place would need no such permission
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    _sweep(place)
    with _beside(place) as temporary:
        yield temporary
        to_disk(temporary)
        if place.exists():
            shutil.copymode(place, temporary)
        temporary.replace(place)


def _behind_links(path: Path) -> Path:
    """Where a path leads, up to an open file of a process, whose links can't be followed."""
    for _ in range(MOST_LINKS):
        place = Path(os.path.realpath(path.parent)) / path.name
        if OPEN_FILE.fullmatch(str(place)) or not place.is_symlink():
            return place
        path = place.parent / place.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _opened(place: Path) -> BinaryIO:
    """A device, a pipe or an open file, to be written from where it is: another opening would begin at its start."""
    match = OPEN_FILE.fullmatch(str(place))
    if match and match["process"] in (None, str(os.getpid())):
        return os.fdopen(os.dup(int(match["number"])), "wb")
    return place.open("wb")


@contextlib.contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A new file beside a place, which is gone in the end; locked, so that others see that someone writes it."""
    temporary = place.with_name(f".{place.name[:MOST_OF_NAME]}.{secrets.token_hex(4)}")
    with temporary.open("xb") as handle:
        held = fcntl is not None
        with contextlib.suppress(OSError):  # not every file system knows locks
            if held:
                fcntl.flock(handle, fcntl.LOCK_EX)
        if not held:
            handle.close()  # here an open file can't be moved
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _sweep(place: Path) -> None:
    """Remove what writers of the same file left beside it when they were killed."""
    if fcntl is None:
        return
    left = re.compile(re.escape(f".{place.name[:MOST_OF_NAME]}.") + r"[0-9a-f]{8}(\.[0-9]+)?")
    with contextlib.suppress(OSError):
        there = [Path(entry.path) for entry in os.scandir(place.parent) if left.fullmatch(entry.name)]
        parts = [found for found in there if found.suffix[1:].isdecimal() and len(found.suffix) != 9]
        for found in set(there) - set(parts):
            with contextlib.suppress(OSError), found.open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while someone writes it
                found.unlink()
        for part in parts:  # of a file that nobody writes any more
            if not part.with_suffix("").exists():
                with contextlib.suppress(OSError):
                    part.unlink()


@contextlib.contextmanager
def saving(path: Path) -> Iterator[Path]:
    """As `writing`, for a file that the user named: InputError if it can't be written."""
    try:
        with writing(path) as temporary:
            yield temporary
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from error


def is_special(path: Path) -> bool:
    """Whether it is there, and neither a file nor a folder: a pipe or a device, which may have no end."""
    return path.exists() and not (path.is_file() or path.is_dir())


def read_regular(path: Path, within: Path | None = None) -> bytes:
    """The content of a regular file: what a strange folder holds may be a pipe, a device, or a link to anything.

    Parameters
    ----------
    within : path, optional
        The folder that the file must lie in, links followed.

    Raises
    ------
    InputError
        If it is no regular file, or lies elsewhere.
    OSError
        If it can't be read.
    """
    if within is not None and not path.resolve().is_relative_to(within.resolve()):
        raise InputError(f"{path} is a link out of the folder, to {path.resolve()}; put the file itself there")
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise InputError(f"{path} is no regular file (a pipe, a device or a folder)")
        return file.read()


def write_new(path: Path, content: bytes) -> None:
    """Write a file that isn't there yet; what is there goes, and isn't followed if it is a link."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def to_disk(path: Path) -> None:
    """Wait until a file, or the list of a folder's files, would survive a power failure."""
    if path.is_dir():
        if os.name != "posix":  # elsewhere a folder can't be opened
            return
        handle = os.open(path, os.O_RDONLY)
    else:
        handle = os.open(path, os.O_RDWR)  # Windows wants to write what it is to put on the disk
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Sole use of a folder, which is made if it isn't there; the lock is the system's, and goes with its process.

    The thread that holds it may take it again. Reading needs no lock.

    Raises
    ------
    InputError
        If another process, or thread, uses it, or if it is a file.
    OSError
        If it can't be written to.
    """
    from filelock import FileLock, Timeout

    made = not folder.exists()
    if not made and not folder.is_dir():
        raise InputError(f"{folder} is a file; expected a folder, or the name of a new one")
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.resolve() / LOCK, timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{folder} is being written by {_writer(folder)}; wait until it is done, or choose another folder"
        ) from error
    first = lock.lock_counter == 1
    try:
        if first:
            _sign(folder)
        yield
    finally:
        if first:
            _unlink(folder / WRITER)
            _unlink(folder / LOCK)  # while it is held: whoever has opened it meanwhile sees that it is gone
        lock.release()
        if first:
            if os.name == "nt":
                _unlink(folder / LOCK)  # here a file that is open stays
            if made:
                with contextlib.suppress(OSError):
                    folder.rmdir()  # if nothing came of it; it fails if there are files


def _sign(folder: Path) -> None:
    """Say who writes; on a full disk without a word, since this isn't what the folder is for."""
    _unlink(folder / WRITER)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    with contextlib.suppress(OSError):
        (folder / WRITER).write_text(f"process {os.getpid()} since {since}", encoding="utf-8")


def _writer(folder: Path) -> str:
    try:
        return (folder / WRITER).read_text(encoding="utf-8") or "another process"
    except (OSError, UnicodeDecodeError):
        return "another process"


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
