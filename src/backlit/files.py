"""Files are written beside their place and then moved into it, and one process at a time writes to a folder."""

from __future__ import annotations

import contextlib
import datetime
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from backlit.errors import InputError

LOCK, WRITER = ".lock", ".writer"  # what the system locks, and who holds it


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when all went well; otherwise nothing has changed.

    A device or a pipe has no place that could be taken: it is written to.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def saving(path: Path) -> Iterator[Path]:
    """As `writing`, for a file that the user named: InputError if it can't be written."""
    try:
        with writing(path) as temporary:
            yield temporary
    except OSError as error:
        raise InputError(f"{path} can't be written: {error}") from error


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
    since = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
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
