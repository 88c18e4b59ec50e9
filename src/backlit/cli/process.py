"""The process that a command runs in: streams that can always be written to, and libraries that keep quiet."""

from __future__ import annotations

import gc
import io
import logging
import os
import select
import sys
import warnings
from typing import Any, TextIO

from backlit import distributed
from backlit.aligned import visible
from backlit.cli.launching.child import stream_number
from backlit.errors import BacklitWarning

DEBUG = "BACKLIT_DEBUG"  # set to 1: tracebacks, and what libraries have to say
THREADS = "POLARS_MAX_THREADS"
# Objects after which garbage is looked for: imports and tracing make a quarter of a million that stay, and Python's own
# 700 made it a tenth of a command's processor time.
GARBAGE = (20_000, 10, 10)
USUAL = gc.get_threshold()
STANDARD = (0, 1, 2)
FREE = {"strict": "replace", "surrogateescape": "replace"}  # what to do with characters that an encoding doesn't have


class Outlet(io.FileIO):
    """A standard stream; once it can't be written to, what follows is dropped, so that the work goes on.

    Attributes
    ----------
    failure : OSError or None
        Why not. That the reader went away (``| head -1``) is none: it had what it wanted.
    """

    failure: OSError | None = None
    shut = False

    def write(self, data: Any) -> int:
        """Write all of it, or drop it."""
        rest = memoryview(data).cast("B")
        size = rest.nbytes
        while rest and not self.shut:
            try:
                written = super().write(rest)
                if written is None:  # a reader that is slow, on a pipe that doesn't wait
                    select.select([], [self], [])
                rest = rest[written or 0 :]
            except OSError as error:
                self.shut = True
                self.failure = None if isinstance(error, BrokenPipeError) else error
        return size


def prepare() -> None:
    """Make the standard streams ready for whatever is written to them, and what isn't Backlit's quiet."""
    for number in STANDARD:  # what is closed mustn't become the next file that is opened
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout, sys.stderr = _stream(1, sys.stdout), _stream(2, sys.stderr)
    gc.set_threshold(*GARBAGE)
    os.environ["MPLBACKEND"] = "agg"  # pictures go to files
    for name in ("COLUMNS", "LINES"):
        if not os.environ.get(name, "80").isdecimal() or int(os.environ.get(name, "80")) < 1:
            del os.environ[name]  # rich would write nothing at all
    threads = os.environ.get(THREADS, "1")
    if not threads.isdecimal() or int(threads) < 1:  # polars would panic
        del os.environ[THREADS]
        sys.stderr.write(f"{THREADS}={visible(threads)} is no number of threads: as many as there are cores are used\n")
    if not debugging():
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        logging.getLogger("jax").setLevel(logging.ERROR)
        warnings.showwarning = _warn


def stay() -> None:
    """Look for garbage as often as Python does: a command that lives for days would keep what sessions leave behind."""
    gc.set_threshold(*USUAL)


def debugging() -> bool:
    """Whether the user wants to see what goes on inside."""
    return os.environ.get(DEBUG, "") not in ("", "0")


def failure() -> OSError | None:
    """Why standard output couldn't be written to, if so."""
    buffer = getattr(sys.stdout, "buffer", None)
    outlet = getattr(buffer, "raw", buffer)
    return outlet.failure if isinstance(outlet, Outlet) else None


def _stream(number: int, given: TextIO | None) -> TextIO:
    """A standard stream as Python made it, or None if it was closed, written through an outlet."""
    errors = FREE.get(getattr(given, "errors", None) or "strict", getattr(given, "errors", None))
    if os.name == "nt" and isinstance(given, io.TextIOWrapper):  # whose consoles need Python's own
        given.reconfigure(errors=errors)
        return given
    outlet = Outlet(stream_number(number), "w", closefd=False)
    at_once = bool(getattr(given, "write_through", False)) and number == 1  # python -u
    return io.TextIOWrapper(
        outlet if at_once else io.BufferedWriter(outlet),
        encoding=getattr(given, "encoding", None) or "utf-8",
        errors=errors,
        line_buffering=number == 2 or outlet.isatty(),
        write_through=at_once,
    )


def _warn(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """Backlit's own warnings as a sentence; JAX's and others' tell users nothing that they could act upon."""
    if issubclass(category, BacklitWarning) and distributed.is_first():
        sys.stderr.write(f"{visible(message)}\n")
