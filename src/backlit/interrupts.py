"""Ctrl-C and its kin: heard at once, or, while a training must not be torn, when an epoch is whole.

A process has one set of signal handlers, and so this module one memory of what they heard.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
SAME_PRESS = 0.5  # seconds in which a second signal is the first one's echo: a terminal and a parent may both send it
SHOW_CURSOR = "\x1b[?25h"


class _Heard:
    """What has been heard; no dataclass, whose import would take a while in which nothing is heard.

    Attributes
    ----------
    number : int or None
        Of the first signal that asked to end.
    at : float
        When, by `time.monotonic`.
    holding : int
        How many blocks of `held` we are in.
    listening : bool
        Whether this process is a command, which ends by signals.
    """

    number: int | None = None
    at: float = 0.0
    holding: int = 0
    listening: bool = False


_heard = _Heard()


def listen() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP ask this process to end; one that asks a second time ends it at once.

    What was to be ignored from the start, as `nohup` wants it, is ignored.
    """
    _heard.listening = True
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _hear)
    before = sys.unraisablehook

    def swallowed(lost: sys.UnraisableHookArgs) -> Any:
        """An interrupt that came in a finalizer, say, from where no error gets out."""
        if _heard.number is None or _heard.holding:
            before(lost)
        else:
            end_now()

    sys.unraisablehook = swallowed


def status() -> int | None:
    """The exit status of whoever was asked to end by a signal; None if nobody asked."""
    return None if _heard.number is None else 128 + _heard.number


def answered() -> None:
    """What was heard has been answered: work that begins now isn't ended by it, but by the next signal."""
    if _heard.number == signal.SIGINT:
        _heard.number = None


def end_now() -> NoReturn:
    """End with the signal's status, as things stand: an orderly end would run code that was interrupted."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # closed, or in the middle of a writing
            if stream is sys.stderr and stream.isatty():
                stream.write(SHOW_CURSOR)
            stream.flush()
    os._exit(status() or 128 + signal.SIGINT)


def stop_listening() -> None:
    """The work is done: a signal would but tear the end of the process."""
    for number in SIGNALS:
        if signal.getsignal(number) is _hear:
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[Callable[[], bool]]:
    """A block that signals don't tear: `asked()`, which it yields, tells whether one wants it to end.

    A second signal is heard at once. So are all where they are handled otherwise, and in other threads than the main
    one there are none.

    Raises
    ------
    KeyboardInterrupt
        At the end, if a signal came that nobody has asked for.
    """
    alone = not _heard.listening
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or (
        alone and handler is not signal.default_int_handler
    ):
        yield lambda: False
        return
    told = False

    def asked() -> bool:
        nonlocal told
        told = told or _heard.number is not None
        return told

    if alone:
        _heard.number = None
        signal.signal(signal.SIGINT, _hear)
    _heard.holding += 1
    try:
        yield asked
    finally:
        _heard.holding -= 1
        number = _heard.number
        if alone:
            signal.signal(signal.SIGINT, handler)
            _heard.number = None
    if number is not None and not told:
        raise KeyboardInterrupt


def _hear(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _heard.number is not None:
        if now - _heard.at < SAME_PRESS:
            return
        if _heard.listening:
            end_now()
        raise KeyboardInterrupt
    _heard.number, _heard.at = number, now
    if not _heard.holding:
        raise KeyboardInterrupt
