"""Joining the other processes, and leaving them."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import warnings
from dataclasses import replace
from types import TracebackType
from typing import Any, NoReturn

from backlit.distributed.failing import is_news
from backlit.distributed.places import COORDINATOR, JOINED, PROCESSES, Place, addressed, by_hand, checked, found
from backlit.distributed.telling import part
from backlit.distributed.world import count, joined
from backlit.errors import DistributedWarning, InputError, ProcessError

WAIT = "BACKLIT_WAIT"  # seconds to wait for the others
LONGEST_WAIT = 300.0  # without it
RUNPY = "<frozen runpy>"  # who runs `python -m`
SILENCE = 15  # seconds without a sign of life after which a process counts as gone

_exits: list[SystemExit] = []  # the last one that was asked for, by `sys.exit`


def initialize(coordinator: str | None = None, process: int | None = None, processes: int | None = None) -> None:
    """Join this process with others, which from then on train together.

    `bl.fit` does so itself where a launcher is recognised. It must come before JAX computes anything.

    Parameters
    ----------
    coordinator : str, optional
        "host:port" of the first process, the same at all. Without any of the three they are found: in the variables
        BACKLIT_COORDINATOR, BACKLIT_PROCESS and BACKLIT_PROCESSES, or from SLURM, Open MPI (or another MPI with mpi4py)
        or Kubernetes. BACKLIT_PROCESSES=1 keeps a process on its own under any of them, and without.
    process : int, optional
        Number of this process, from 0.
    processes : int, optional
        How many there are.

    Raises
    ------
    InputError
        If the place isn't told in whole, no launcher is found, JAX has computed already, or the process has joined
        others already.

    Warns
    -----
    DistributedWarning
        If other machines can reach the coordinator: what the processes tell each other is neither encrypted nor
        authenticated.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.distributed.initialize("node1:1234", process=8, processes=8)
    Traceback (most recent call last):
    backlit.errors.InputError: initialize: process 8 of 8: they are numbered from 0, so the last is 7
    """
    given = {"coordinator": coordinator, "process": process, "processes": processes}
    if coordinator is not None and process is not None and processes is not None:
        place = checked(coordinator, process, processes, "initialize")
    elif any(part is not None for part in given.values()):
        missing = next(name for name, part in given.items() if part is None)
        raise InputError(f"initialize takes coordinator, process and processes, or none of them: {missing} is missing")
    else:
        told = found()
        if told is None and PROCESSES in os.environ and by_hand(os.environ) is None:
            return  # one process, as it was told
        if told is None:
            raise InputError(
                "initialize: no launcher is found; start the processes by backlit train --processes, srun or mpirun, "
                f"set {COORDINATOR} and its kin, or say initialize('node1:1234', process=0, processes=2)"
            )
        place = told
    if joined() is not None:
        raise InputError("initialize: this process has joined others already; it is said once")
    _join(place)


def join() -> None:
    """As `initialize`, where a launcher is found and the process hasn't joined others yet."""
    if joined() is None:
        place = found()
        if place is not None:
            _join(place)


def check_alone(what: str) -> None:
    """Refuse what one process does by itself where there are others, each of which would do it.

    Raises
    ------
    InputError
        If a launcher has started this process among others; not within `once`.

    Examples
    --------
    >>> check_alone("tune")
    """
    place = found() if joined() is None else None
    if place is not None or count() > 1:
        launcher = "" if place is None else f" ({place.launcher})"
        raise InputError(
            f"{what} searches in one process, and this is one of several{launcher}: start it once, or set "
            f"{PROCESSES}=1; its own workers share the work out"
        )


def leave() -> None:
    """Wait for the others, however long they take, and part from them.

    Raises
    ------
    ProcessError
        If another process has failed meanwhile.
    """
    if joined() is None:
        return
    import jax

    part()  # JAX itself would wait for 5 minutes, and then end all
    jax.distributed.shutdown()


def _join(place: Place) -> None:
    import jax
    from jax._src.xla_bridge import backends_are_initialized

    coordinator, processes = addressed(place)
    if processes == 1:
        return
    if backends_are_initialized():
        raise InputError(
            f"this is one of {processes} processes ({place.launcher}), but JAX has computed here before they joined: "
            f"say bl.distributed.initialize() at the beginning of the script, or set {PROCESSES}=1 to train alone"
        )
    place = replace(place, coordinator=coordinator, processes=processes)
    if not place.is_own and place.process == 0:
        warnings.warn(
            f"the coordinator listens at {coordinator} for other machines, and the channel is neither encrypted nor "
            "authenticated: use it inside a network that you trust",
            DistributedWarning,
            stacklevel=4,
        )
    from backlit.distributed.roll_call import answered  # which takes a while to import

    wait = _wait()
    answered(place, wait)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(
        coordinator,
        processes,
        place.process,
        local_device_ids=list(place.devices),
        cluster_detection_method="deactivate",
        coordinator_bind_address=coordinator if place.is_own else None,
        initialization_timeout=int(wait),
        heartbeat_timeout_seconds=SILENCE,
    )
    os.environ[JOINED] = str(os.getpid())
    atexit.register(_leave_at_the_end)
    _end_with_errors()
    _hear_exits()


def _end_with_errors() -> None:
    """From now on an error that a script doesn't catch ends it at once: an orderly end would wait for the others."""
    before = sys.excepthook

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        if joined() is None:
            return
        is_news(f"{kind.__name__}: {error}")
        _end(128 + signal.SIGINT if issubclass(kind, KeyboardInterrupt) else 1)

    sys.excepthook = told


def _hear_exits() -> None:
    """From now on it is known what `sys.exit` was called with: at the end of the process Python doesn't tell."""

    def ended(status: Any = None, /) -> NoReturn:
        _exits[:] = [SystemExit(status)]
        raise _exits[0]

    sys.exit = ended


def _status() -> int:
    """With which `sys.exit` ends this process; 0 if it wasn't called, or something caught what it raised."""
    for error in _exits:
        trace = error.__traceback__  # Python 3.11 sets it where the error is caught, others where it passes
        frame = None if trace is None else trace.tb_frame
        of_main = frame is not None and frame.f_globals is vars(sys.modules["__main__"])
        outermost = frame is None or (of_main and frame.f_code.co_name == "<module>")
        if (outermost or (frame is not None and frame.f_code.co_filename == RUNPY)) and error.code is not None:
            return error.code & 255 if isinstance(error.code, int) else 1
    return 0


def _leave_at_the_end() -> None:
    """As `leave`; a script that ends with a status of its own ends at once, and so do those that wait for it."""
    if joined() is None:
        return
    status = _status()
    if status:
        is_news(f"it ended with status {status}")
        _end(status)
    try:
        leave()
    except ProcessError as error:
        sys.stderr.write(f"{error}\n")
        _end(1)


def _end(status: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _wait() -> float:
    """Seconds to wait for the others."""
    text = os.environ.get(WAIT, "").strip()
    try:
        seconds = float(text or LONGEST_WAIT)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds < float("inf"):
        raise InputError(f"{WAIT} must be a number of seconds of at least 1, got {text!r}")
    return seconds
