"""A process that was started by another one of Backlit's: it doesn't outlive that, and speaks where it is told to.

`python -m backlit.cli.launching.child script.py …` runs a script so.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from backlit.cli.launching import inherited

SHARED = "BACKLIT_SHARED"  # as `backlit.distributed` has it, which takes longer to import
LOST = 69  # exit status: another process is gone, whose parent knows more (EX_UNAVAILABLE of sysexits.h)
NAMED = 25  # seconds: longer than JAX takes to notice that a process is silent
MODULE = "-m"
DEBUG = "BACKLIT_DEBUG"  # as `backlit.cli.process` has it
LAST = "lost: "  # begins the line that says what an error that came of another's end said


def is_child() -> bool:
    """Whether a parent watches over this process, and tells how it ended."""
    return inherited.parent is not None


def is_local() -> bool:
    """Whether that parent watches over all processes that train together."""
    return SHARED in os.environ


def watch_parent() -> None:
    """End with the parent, however it ended; if there is one."""
    end = inherited.parent
    if end is None:
        return

    def wait() -> None:
        while os.read(end, 1):
            pass
        if os.getpgrp() == os.getpid():  # a group of its own, in which is what it has started
            os.killpg(0, signal.SIGKILL)
        os._exit(LOST)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def end_if_lost(error: BaseException) -> None:
    """End without a word if an error is but another process's end, of which the parent tells."""
    from backlit.distributed.failing import is_loss
    from backlit.distributed.telling import failure
    from backlit.distributed.world import joined

    if not is_child() or joined() is None or not is_loss(error):
        return
    if os.environ.get(DEBUG, "") not in ("", "0"):  # then all is told
        return
    with contextlib.suppress(OSError):  # the parent keeps it, for the case that nobody tells another cause
        os.write(2, f"{LAST}{' '.join(str(error).split())}\n".encode(errors="replace"))
    if not is_local():  # their parents don't know of each other's
        if failure() is not None:
            return
        time.sleep(NAMED)  # in which JAX ends this process, and names the one that is gone
    _end(LOST)


def stream_number(number: int) -> int:
    """The number of the file that one of Python's standard streams goes to."""
    given = inherited.streams[number]
    return number if given is None else given


def run_script(words: list[str]) -> None:
    """Run a script, or after ``-m`` a module, as Python would, with the words after it as its arguments."""
    import runpy

    if MODULE in words[:1]:
        sys.argv = words[1:]
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        runpy.run_path(words[0], run_name="__main__")


def main() -> None:
    """Run a script under the parent's eyes: with its own errors, and without those that another's end makes here.

    A script that fails ends at once: an orderly end would wait for the other processes.
    """
    watch_parent()
    if stream_number(2) != 2:
        outlet = io.FileIO(stream_number(2), "w", closefd=False)
        sys.stderr = io.TextIOWrapper(outlet, errors="backslashreplace", line_buffering=True, write_through=True)
    del sys.path[0]  # where `python -m` looks first
    try:
        run_script(sys.argv[1:])
        _leave()
    except SystemExit as ended:
        if ended.code is None or ended.code == 0:
            _leave()
            raise
        if not isinstance(ended.code, int):
            sys.stderr.write(f"{ended.code}\n")
        _end(ended.code if isinstance(ended.code, int) else 1)
    except KeyboardInterrupt:
        _end(128 + signal.SIGINT)
    except BaseException as error:  # noqa: BLE001 - whatever a script raises
        end_if_lost(error)
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        _end(1)


def _leave() -> None:
    """Part from the others, if the script has joined any; of one that fails meanwhile the parent tells."""
    from backlit.distributed.joining import leave
    from backlit.distributed.world import joined
    from backlit.errors import ProcessError

    if joined() is None:
        return
    try:
        leave()
    except ProcessError as error:
        end_if_lost(error)
        sys.stderr.write(f"{error}\n")
        _end(1)


def _end(status: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status & 255)


if __name__ == "__main__":
    main()
