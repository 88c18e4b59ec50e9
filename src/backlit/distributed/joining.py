"""Joining the other processes, and leaving them."""

from __future__ import annotations

import atexit
import os
import warnings
from typing import Any

from backlit.distributed.places import COORDINATOR, JOINED, PROCESSES, Place, checked, found
from backlit.distributed.world import joined
from backlit.errors import DistributedWarning, InputError

OWN = ("127.0.0.1", "localhost", "[::1]", "::1")  # addresses that no other machine reaches


def initialize(coordinator: str | None = None, process: int | None = None, processes: int | None = None) -> None:
    """Join this process with others, which from then on train together.

    `bl.fit` does so itself where a launcher is recognised. It must come before JAX computes anything.

    Parameters
    ----------
    coordinator : str, optional
        "host:port" of the first process, the same at all. Without any of the three they are found: in the variables
        BACKLIT_COORDINATOR, BACKLIT_PROCESS and BACKLIT_PROCESSES, or from SLURM, Open MPI (or another MPI with mpi4py)
        or Kubernetes. BACKLIT_PROCESSES=1 keeps a process on its own under any of them.
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
        place: Place | None = checked(coordinator, process, processes, "initialize")
    elif any(part is not None for part in given):
        names = [
            name for name, part in zip(("coordinator", "process", "processes"), given, strict=True) if part is None
        ]
        raise InputError(f"initialize takes coordinator, process and processes, or none of them: {names[0]} is missing")
    else:
        place = found()
        if place is None:
            raise InputError(
                "initialize: no launcher is found; start the processes by backlit train --processes, srun or mpirun, "
                f"set {COORDINATOR} and its kin, or say initialize('node1:1234', process=0, processes=2)"
            )
    if joined() is not None:
        raise InputError("initialize: this process has joined others already; it is said once")
    if place is not None and place.processes != 1:
        _join(place)


def join() -> None:
    """As `initialize`, where a launcher is found and the process hasn't joined others yet."""
    if joined() is None:
        place = found()
        if place is not None:
            _join(place)


def leave() -> None:
    """Wait for the others, and part from them."""
    import jax

    if joined() is not None:
        jax.distributed.shutdown()


def _join(place: Place) -> None:
    import jax

    options: dict[str, Any] = {}
    if place.coordinator is not None:
        host, _, port = place.coordinator.rpartition(":")
        if host in OWN:
            options["coordinator_bind_address"] = place.coordinator
        elif place.process == 0:
            warnings.warn(
                f"the coordinator listens on port {port} for other machines, and the channel is neither encrypted nor "
                "authenticated: use it inside a network that you trust",
                DistributedWarning,
                stacklevel=4,
            )
    if place.coordinator is not None and place.processes is not None:
        options["cluster_detection_method"] = "deactivate"
    else:
        options["cluster_detection_method"] = place.method
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            place.coordinator, place.processes, place.process, local_device_ids=list(place.devices), **options
        )
    except RuntimeError as error:
        if "must be called before" not in str(error):
            raise
        several = "several processes" if place.processes is None else f"{place.processes} processes"
        raise InputError(
            f"this is one of {several} ({place.launcher}), but JAX has computed here before they joined: say "
            f"bl.distributed.initialize() at the beginning of the script, or set {PROCESSES}=1 to train alone"
        ) from error
    os.environ[JOINED] = str(os.getpid())
    atexit.register(leave)
