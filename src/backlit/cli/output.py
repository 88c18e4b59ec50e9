"""What a command prints, and how it ends."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from backlit.aligned import aligned
from backlit.errors import BacklitError, DivergedError, InputError

WORK_FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130


@contextlib.contextmanager
def reporting() -> Iterator[None]:
    """Turn errors into one message on standard error and the exit status that goes with it."""
    try:
        yield
    except DivergedError as error:
        fail(str(error), WORK_FAILED)
    except BacklitError as error:
        fail(str(error), WRONG_INPUT)
    except BrokenPipeError:  # the reader of our output went away (backlit show … | head)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        fail("interrupted", INTERRUPTED)


def fail(message: str, status: int) -> None:
    """Say what went wrong and end."""
    print(f"backlit: {message}", file=sys.stderr)
    leave(status)


def leave(status: int) -> NoReturn:
    """End with this status; at once if interrupted: a compiler that was stopped doesn't survive an orderly end."""
    if status != INTERRUPTED:
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def note(sentence: str) -> None:
    """Say something beside the result, on standard error."""
    print(sentence, file=sys.stderr)


@contextlib.contextmanager
def stages(quiet: bool) -> Iterator[Callable[[str, float], None] | None]:
    """A bar for work in stages that takes long, in terminals: call it with the stage's name and the share done."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda stage, share: progress.update(task, description=stage, completed=share)


def emit(data: dict[str, Any]) -> None:
    """The one JSON object of ``--json``."""
    print(json.dumps(_told(data), ensure_ascii=False, allow_nan=False, default=_plain))


def _told(value: Any) -> Any:
    """Plain data whose numbers JSON has: what isn't finite is null, as the probes have it."""
    if isinstance(value, dict):
        return {key: _told(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(part) for part in value]
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
        raise InputError(f"{option} {path} can't be made: {error}") from error


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
