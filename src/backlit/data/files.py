"""Files are written beside their place and then moved into it: whoever looks sees the old or the new ones, whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from backlit.errors import InputError

LOCK = ".lock"


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when all went well; otherwise nothing has changed."""
    with writing_together(path.parent) as stage:
        yield stage(path.name)


@contextlib.contextmanager
def writing_together(folder: Path) -> Iterator[Callable[[str], Path]]:
    """Several files of a folder at once: ``stage(name)`` gives a temporary file to write.

    They take their places, in the order in which they were staged, when all are whole and on the disk. A disk that is
    full is full before anything has changed.
    """
    staged: dict[str, Path] = {}

    def stage(name: str) -> Path:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        os.close(handle)
        staged[name] = Path(temporary)
        return staged[name]

    try:
        yield stage
        for temporary in staged.values():
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        for name, temporary in staged.items():
            temporary.replace(folder / name)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Sole use of a folder, which is made if it isn't there; the lock is the system's, and goes with its process.

    Raises
    ------
    InputError
        If another process uses it.
    OSError
        If it can't be written to.
    """
    from filelock import FileLock, Timeout

    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=0, is_singleton=True)  # again in the same process is no conflict
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{folder} is being written by another process; wait until it is done, or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
        if not lock.is_locked:
            (folder / LOCK).unlink(missing_ok=True)
            if made and not any(folder.iterdir()):
                folder.rmdir()  # nothing came of it
