"""What a command prints, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import typer

from backlit import distributed, interrupts
from backlit.aligned import HIDDEN, aligned, visible
from backlit.cli import process
from backlit.cli.launching import child
from backlit.distributed import failing
from backlit.errors import BacklitError, DivergedError, InputError, ProcessError

WORK_FAILED, WRONG_INPUT = 1, 2
SIGNALLED = 128  # and the signal's number
INTERRUPTED = SIGNALLED + signal.SIGINT
USED_UP = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
MOST_OF_ERROR = 500  # characters of an unexpected error


@contextlib.contextmanager
def reporting() -> Iterator[None]:
    """Turn whatever ends a command before its time into one message on standard error and the status of its kind."""
    try:
        yield
    except (SystemExit, typer.Exit, typer.Abort):
        raise
    except BaseException as error:  # Ctrl-C, and what a library's native code panics with, aren't Exceptions
        if hasattr(error, "exit_code"):  # of what was typed: typer shows it beside the usage
            raise
        child.end_if_lost(error)
        if interrupts.status() is None and _unexpected(error) and process.debugging():
            raise
        fail(*_told(error))


def _told(error: BaseException) -> tuple[str, int]:
    """What to say of an error, and the exit status."""
    if isinstance(error, KeyboardInterrupt) or interrupts.status() is not None:  # it may have become another error
        return "interrupted", interrupts.status() or INTERRUPTED
    if isinstance(error, (DivergedError, ProcessError)):
        return str(error), WORK_FAILED
    if isinstance(error, BacklitError):
        return str(error), WORK_FAILED if _used_up(error) else WRONG_INPUT
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return f"there isn't enough memory for this ({str(error) or 'no more is known'})", WORK_FAILED
    if not _unexpected(error):
        named = error.filename if isinstance(error, OSError) else None
        return f"{named}: {getattr(error, 'strerror', None)}", WORK_FAILED if _used_up(error) else WRONG_INPUT
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {Path(place[0].filename).name}:{place[0].lineno}" if place else ""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"{what[:MOST_OF_ERROR]}{where}: this is a fault of Backlit's. Please report this line, what was typed, and "
        f"what `backlit --version` says; with {process.DEBUG}=1 the command shows how it came to it"
    ), WORK_FAILED


def _unexpected(error: BaseException) -> bool:
    """Whether an error is one that nobody foresaw, as one of a file that was named isn't."""
    return not isinstance(error, (BacklitError, KeyboardInterrupt, MemoryError)) and not (
        isinstance(error, OSError) and error.filename is not None
    )


def _used_up(error: BaseException | None) -> bool:
    """Whether the machine was the cause: a full disk, and its like."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in USED_UP:
            return True
        error = error.__cause__
    return False


@contextlib.contextmanager
def visible_usage() -> Iterator[None]:
    """What typer says of what was typed shows that, and doesn't do it."""
    try:
        yield
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "message"):
            error.message = visible(error.message)
        raise


def tell(text: object) -> None:
    """Say what was asked for, on standard output; of several processes the first says it."""
    if distributed.is_first():
        print(visible(text), flush=True)


def note(sentence: str) -> None:
    """Say something beside the result, on standard error; of several processes the first says it."""
    if distributed.is_first():
        print(visible(sentence), file=sys.stderr)


def fail(message: str, status: int) -> NoReturn:
    """Say what went wrong, in which of several processes, and end."""
    who = "backlit" if distributed.is_first() or child.is_local() else f"backlit (process {distributed.index()})"
    if failing.is_news(message) or child.is_local():  # there the parent tells what is news
        print(visible(f"{who}: {message}".replace("\n", "\n  ")), file=sys.stderr)
    leave(status)


def leave(status: int) -> NoReturn:
    """End with this status, or that of the signal that asked for it.

    Then at once, since a compiler that was stopped doesn't survive an orderly end; and so does one of several processes
    that failed, since an orderly end waits for the others.
    """
    status = interrupts.status() or status
    if status < SIGNALLED and (status == 0 or distributed.count() == 1):
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def end(status: Any) -> NoReturn:
    """End a command that has said all it had to say: with its status, unless that didn't reach where it was to go."""
    sys.stdout.flush()
    failure = process.failure()
    if failure is not None and not status and interrupts.status() is None:
        fail(f"standard output can't be written: {failure.strerror}", WORK_FAILED)
    leave(status or 0)


@contextlib.contextmanager
def stages(quiet: bool) -> Iterator[Callable[[str, float], None] | None]:
    """A bar for work in stages that takes long, in terminals: call it with the stage's name and the share done."""
    if quiet or not sys.stderr.isatty() or not distributed.is_first():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=1.0)
        yield lambda stage, share: progress.update(task, description=visible(stage), completed=share)


def emit(data: dict[str, Any]) -> None:
    """The one JSON object of ``--json``, in which what a terminal would obey is escaped, and nothing replaced."""
    if not distributed.is_first():
        return
    unicode = "utf" in (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(_finite(data), ensure_ascii=not unicode, allow_nan=False, default=_plain)
    print(re.sub(HIDDEN, lambda match: f"\\u{ord(match[0]):04x}", text))


def _finite(value: Any) -> Any:
    """Plain data whose numbers JSON has: what isn't finite is null, as the probes have it."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def check_picture(path: Path | None) -> None:
    """Refuse a picture's name before any work is done for it."""
    if path is not None and path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {path}: the name must end in .png, .svg or .pdf")


def save_picture(figure: Any, path: Path) -> None:
    """Write a figure atomically, in the format that its name says."""
    from backlit.files import saving

    with saving(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())


def make_folder(option: str, path: Path) -> None:
    """The folder that an option names, there to be written to."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{option} {path}: this is a file; name a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{option} {path} can't be made: {error.strerror or error}") from error


def table(rows: list[list[Any]], indent: str = "  ", left: tuple[int, ...] = (0,)) -> str:
    """Lines of cells; the columns in `left` start at the left, the others end at the right."""
    return aligned(rows, left, indent)


def bar(share: float, width: int = 20) -> str:
    """A share as a bar of blocks."""
    return "█" * round(share * width)


def spark(values: list[float]) -> str:
    """Numbers as blocks of eight heights, from the lowest to the highest."""
    low, high = min(values), max(values)
    heights = [round(7 * (value - low) / (high - low)) if high > low else 0 for value in values]
    return "".join("▁▂▃▄▅▆▇█"[height] for height in heights)
