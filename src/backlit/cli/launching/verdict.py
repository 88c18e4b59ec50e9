"""Why a job of several processes ended: from how each of them did, the one that was the cause, and what to say."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from backlit.cli.launching.child import LAST, LOST

FAILED = 1
RUNTIME = "JAX distributed service detected fatal errors"  # how XLA ends a process that lost the others
SILENT = re.compile(r"stopped sending heartbeats\):\s*((?:\d+\s+)+)")
LINE = re.compile(r"^[EFW]\d{4} \d\d:\d\d")  # how XLA begins a line of what goes wrong
NOISE = ("coordination", RUNTIME)  # in those by which it tells that it lost others
OTHERS = "[Gloo] "  # how Gloo begins the line that says how many it has met
STOPPED = "all were stopped. A run that was kept in a folder can be gone on with (--resume)"


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes
    ----------
    number : int
    code : int
        Its exit status, or minus the signal that ended it.
    spoke : bool
        Whether the user has seen what it wrote.
    told : str
        What it wrote to Python's standard error, where that isn't the user's.
    native : str
        What native libraries wrote.
    """

    number: int
    code: int
    spoke: bool = False
    told: str = ""
    native: str = ""

    @property
    def failed(self) -> bool:
        """Whether it didn't end well."""
        return self.code != 0

    @property
    def followed(self) -> bool:
        """Whether it ended because another one had."""
        return self.code == LOST or (self.code < 0 and RUNTIME in self.native)


@dataclass(frozen=True)
class Verdict:
    """The exit status of the whole, and what is to be said of it; nothing, where process 0 has said it."""

    status: int
    message: str = ""


def verdict(endings: Sequence[Ending], count: int | None) -> Verdict:
    """Judge how the processes ended, in the order in which they did.

    Parameters
    ----------
    endings : Ending
        Of all that ended by themselves.
    count : int or None
        Processes of the job, if that is known.
    """
    failed = [ending for ending in endings if ending.failed]
    if not failed or any(ending.spoke and not ending.failed for ending in endings):
        failed = [ending for ending in failed if not ending.followed]  # what was lost after the end doesn't count
    if not failed:
        return Verdict(0)
    own = [ending for ending in failed if not ending.followed]
    if not own:
        return Verdict(FAILED, _lost(failed, count))
    told = next((ending for ending in own if ending.spoke and ending.code > 0), None)
    if told is not None:
        return Verdict(told.code)
    cause = min(own, key=lambda ending: ending.code >= 0)  # who was killed comes first
    name = _name(str(cause.number), count)
    if cause.code < 0:
        last = "".join(f"\n{line}" for line in cause.native.strip().splitlines()[-1:])
        return Verdict(FAILED, f"{name} {_killed(-cause.code)}; {STOPPED}{last}")
    told_text = cause.told.strip().removeprefix("backlit: ")
    separator = "\n" if "\n" in told_text else " "
    return Verdict(cause.code, f"{name}:{separator}{told_text or f'ended with status {cause.code}'}")


def _killed(number: int) -> str:
    """Which signal ended a process, and what that mostly means."""
    name = signal.Signals(number).name if number in {each.value for each in signal.Signals} else f"signal {number}"
    meaning = ": by someone, or by the system, which does so when memory runs out" if name == "SIGKILL" else ""
    return f"was killed ({name}{meaning})"


def _name(numbers: str, count: int | None) -> str:
    return f"process {numbers}" + ("" if count is None else f" of {count}")


def _lost(failed: Sequence[Ending], count: int | None) -> str:
    """What the processes that lost others know of these."""
    text = "\n".join(ending.native for ending in failed)
    silent = SILENT.search(text)
    if silent is None and RUNTIME not in text:
        last = [line.removeprefix(LAST) for line in text.splitlines() if line.startswith(LAST)]
        return f"another process was lost; {STOPPED}" + "".join(f"\n{line}" for line in last[:1])
    numbers = "0" if silent is None else ", ".join(silent[1].split())  # 0 is where they ask each other
    return f"{_name(numbers, count)} no longer answers: it was killed, stopped, or can't be reached; {STOPPED}"
