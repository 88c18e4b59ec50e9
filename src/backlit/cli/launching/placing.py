"""A command's place among processes: it starts them, or is one of several that were started, or is alone."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from backlit.distributed.places import Place, checked, found
from backlit.errors import InputError
from backlit.settings import Record, option

PANEL = "Processes"
BY_HAND = "--coordinator, --process and --of"


@dataclass(frozen=True, repr=False)
class Placing(Record):
    """Over which processes a command is shared; nothing of what it computes."""

    processes: int | None = option(
        None,
        panel=PANEL,
        help="Train in so many processes on this machine: starts them, shows the first one's output, and stops all "
        "when one fails.",
    )
    coordinator: str | None = option(
        None,
        panel=PANEL,
        help="Be one of several processes, on any machines: host:port of process 0, node1:1234 say. "
        "Under SLURM, mpirun and Kubernetes all three are found without being typed.",
    )
    process: int | None = option(None, panel=PANEL, help="Number of this process, from 0.")
    of: int | None = option(None, panel=PANEL, help="How many processes there are.")


def place_of(placing: Placing) -> Place | None:
    """The place that was typed, or the one that a launcher tells; None where there is but one process.

    Raises
    ------
    InputError
        If what was typed isn't a place.
    """
    given = (placing.coordinator, placing.process, placing.of)
    if all(part is None for part in given):
        return found()
    if placing.processes is not None:
        raise InputError(
            f"--processes starts all processes on this machine, {BY_HAND} make this one of several: say one"
        )
    if placing.coordinator is None or placing.process is None or placing.of is None:
        raise InputError(f"{BY_HAND} belong together: --coordinator node1:1234 --process 2 --of 8")
    place = checked(placing.coordinator, placing.process, placing.of, BY_HAND)
    return None if place.processes == 1 else place


def take(placing: Placing, data: object) -> None:
    """Put the command in its place; doesn't return where other processes do its work.

    Parameters
    ----------
    placing : Placing
    data : object
        What the command reads.

    Raises
    ------
    InputError
        If it can't be put there.
    """
    from backlit.cli import launch
    from backlit.cli.launching import child, parent

    if child.is_child():
        _join(placing)
        return
    if placing.processes is not None:
        parent.check_processes(placing.processes)
    place = place_of(placing)
    several = place is not None or (placing.processes or 1) > 1
    if several and data == "-":
        raise InputError("standard input can be read by one process only: write it to a file that all can read")
    if place is None:
        if placing.processes is not None and placing.processes > 1:
            launch.run([sys.executable, *sys.orig_argv[1:]], placing.processes, range(placing.processes))
        return
    if not hasattr(os, "fork"):
        _join(placing)
    else:
        launch.run([sys.executable, *sys.orig_argv[1:]], place.processes, [place.process or 0])


def _join(placing: Placing) -> None:
    from backlit import distributed

    if placing.coordinator is None:
        distributed.join()
    else:
        distributed.initialize(placing.coordinator, placing.process, placing.of)
