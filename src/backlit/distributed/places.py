"""Where a launcher has put this process among others: read from the environment, before JAX does anything."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from backlit.errors import InputError

COORDINATOR, PROCESS, PROCESSES = "BACKLIT_COORDINATOR", "BACKLIT_PROCESS", "BACKLIT_PROCESSES"
JOINED = "BACKLIT_JOINED"  # the number of the system's process that has joined others; those that it starts have not
SHARED = "BACKLIT_SHARED"  # set where the coordinator's port is reserved by who started the processes
LOOPBACK = "127.0.0.1"
OWN = (LOOPBACK, "localhost", "[::1]", "::1")  # addresses that no other machine reaches
WAIT = 300  # seconds for the first machine's name to be known to the others
PORTS = 2**12  # the highest ports, among which launchers' jobs are spread
VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


@dataclass(frozen=True)
class Place:
    """A process's place among others.

    Attributes
    ----------
    launcher : str
        Who started it, in words.
    process : int
        Its number.
    processes : int or None
        How many there are; None where the launcher must be asked.
    coordinator : str or None
        "host:port" of the first process; None where the launcher must be asked.
    method : str
        JAX's name of the launcher, by which it is asked.
    devices : tuple of int
        Graphics cards that are its own, of those that it sees; empty for all.
    """

    launcher: str
    process: int
    processes: int | None
    coordinator: str | None
    method: str = "deactivate"
    devices: tuple[int, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether no other machine reaches the coordinator."""
        return self.coordinator is not None and self.coordinator.rpartition(":")[0] in OWN


def found(environment: Mapping[str, str] | None = None) -> Place | None:
    """The place that the environment tells; None for a process on its own, as one task of SLURM's is.

    Raises
    ------
    InputError
        If the variables don't fit together.
    """
    told = os.environ if environment is None else environment
    if told.get(JOINED, str(os.getpid())) != str(os.getpid()):
        return None
    workers = sys.modules.get("multiprocessing.process")  # a worker of Python's own has it, and its parent's variables
    if workers is not None and workers.parent_process() is not None:
        return None
    if PROCESSES in told or PROCESS in told:
        return by_hand(told)
    for launcher in (_slurm, _open_mpi, _mpi, _kubernetes):
        place = launcher(told)
        if place is not None:
            return place
    return None


def by_hand(told: Mapping[str, str]) -> Place | None:
    """The place that Backlit's own variables tell; None where there is but one process."""
    processes = _number(told, PROCESSES, 1)
    if processes == 1:
        return None
    process = _number(told, PROCESS, 0)
    if COORDINATOR not in told:
        raise InputError(f"{PROCESSES}={processes}, but {COORDINATOR} isn't set: give it the first process's host:port")
    return checked(told[COORDINATOR], process, processes, f"{COORDINATOR}, {PROCESS} and {PROCESSES}")


def checked(coordinator: str, process: int, processes: int, where: str) -> Place:
    """A place that was told by hand.

    Raises
    ------
    InputError
        If it is none: the message begins with `where` it was told.
    """
    for name, value, low in (("process", process, 0), ("processes", processes, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise InputError(f"{where}: {name} must be a whole number of at least {low}, got {value!r}")
    if process >= processes:
        raise InputError(
            f"{where}: process {process} of {processes}: they are numbered from 0, so the last is {processes - 1}"
        )
    host, _, port = coordinator.rpartition(":") if isinstance(coordinator, str) else ("", "", "")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise InputError(
            f"{where}: the coordinator must be host:port of the first process, node1:1234 say, got {coordinator!r}"
        )
    return Place("by hand", process, processes, coordinator)


def addressed(place: Place) -> tuple[str, int]:
    """The coordinator's address and the number of processes; what isn't known yet, JAX asks the launcher for.

    Raises
    ------
    InputError
        If the launcher doesn't tell.
    """
    if place.coordinator is not None and place.processes is not None:
        return place.coordinator, place.processes
    from jax._src.clusters import ClusterEnv  # what `jax.distributed.initialize` finds its place by

    try:
        cluster = next(
            kind for kind in ClusterEnv._cluster_types if kind.name == place.method and kind.is_env_present()
        )
        processes = place.processes or cluster.get_process_count()
        port = os.environ.get("JAX_COORDINATOR_PORT")
        return place.coordinator or cluster.get_coordinator_address(WAIT, port), processes
    except Exception as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{place.launcher} doesn't tell where the first of its processes is ({what}): set {COORDINATOR}, {PROCESS} "
            f"and {PROCESSES}, or {PROCESSES}=1 to train in each by itself"
        ) from error


def _number(told: Mapping[str, str], name: str, low: int) -> int:
    if name not in told:
        other = PROCESS if name == PROCESSES else PROCESSES
        raise InputError(f"{other} is set, but {name} isn't: set both")
    text = told[name].strip()
    if not text.isascii() or not text.isdecimal() or int(text) < low:
        raise InputError(f"{name} must be a whole number of at least {low}, got {told[name]!r}")
    return int(text)


def _slurm(told: Mapping[str, str]) -> Place | None:
    """A task of a step of several; an allocation's own shell is a step of one task."""
    several = _whole(told.get("SLURM_STEP_NUM_TASKS"))
    needed = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NTASKS")
    if several < 2 or any(name not in told for name in needed):
        return None
    local = _whole(told["SLURM_LOCALID"])
    each = [int(tasks) for tasks in re.findall(r"(\d+)(?:\(x\d+\))?", told.get("SLURM_STEP_TASKS_PER_NODE", ""))]
    one_node = _whole(told.get("SLURM_STEP_NUM_NODES")) == 1
    step = f"{told['SLURM_JOB_ID']}.{told.get('SLURM_STEP_ID', '')}"  # of a job two may run on one machine
    coordinator = told.get(COORDINATOR) or (f"{LOOPBACK}:{_port(step, told)}" if one_node else None)
    own = _own(told, local, max(each, default=1))
    return Place("SLURM", _whole(told["SLURM_PROCID"]), several, coordinator, "slurm", own)


def _open_mpi(told: Mapping[str, str]) -> Place | None:
    """A process of mpirun."""
    several = _whole(told.get("OMPI_COMM_WORLD_SIZE"))
    if several < 2 or "OMPI_COMM_WORLD_RANK" not in told:
        return None
    local, here = _whole(told.get("OMPI_COMM_WORLD_LOCAL_RANK")), _whole(told.get("OMPI_COMM_WORLD_LOCAL_SIZE"))
    job = told.get("PMIX_NAMESPACE") or told.get("OMPI_MCA_orte_hnp_uri", "")
    coordinator = told.get(COORDINATOR) or (f"{LOOPBACK}:{_port(job, told)}" if here == several else None)
    method = "ompi" if "OMPI_MCA_orte_hnp_uri" in told else "mpi4py"
    if coordinator is None and method == "mpi4py" and not _has("mpi4py"):
        raise InputError(
            f"this is one of {several} processes of Open MPI on several machines: install mpi4py, by which they find "
            f"each other, or set {COORDINATOR} to the first one's host:port (mpirun -x {COORDINATOR} hands it on)"
        )
    rank = _whole(told["OMPI_COMM_WORLD_RANK"])
    return Place("Open MPI", rank, several, coordinator, method, _own(told, local, here))


def _mpi(told: Mapping[str, str]) -> Place | None:
    """A process of another MPI, whose numbers MPI itself is asked for."""
    several = _whole(told.get("PMI_SIZE"))
    if several < 2 or "PMI_RANK" not in told or not _has("mpi4py"):
        return None
    local, here = _whole(told.get("MPI_LOCALRANKID")), _whole(told.get("MPI_LOCALNRANKS"))
    return Place("MPI", _whole(told["PMI_RANK"]), several, told.get(COORDINATOR), "mpi4py", _own(told, local, here))


def _kubernetes(told: Mapping[str, str]) -> Place | None:
    """A pod of an indexed Job; how many there are, Kubernetes itself is asked for."""
    if "KUBERNETES_SERVICE_HOST" not in told or "JOB_COMPLETION_INDEX" not in told or not _has("kubernetes"):
        return None
    return Place("Kubernetes", _whole(told["JOB_COMPLETION_INDEX"]), None, told.get(COORDINATOR), "k8s")


def _own(told: Mapping[str, str], local: int, here: int) -> tuple[int, ...]:
    """The graphics card of one of several processes on a machine, unless the launcher shows each but its own."""
    shown = next((told[name].split(",") for name in VISIBLE if told.get(name)), None)
    return () if here < 2 or (shown is not None and len(shown) <= local) else (local,)


def _port(job: str, told: Mapping[str, str]) -> int:
    """A port for a job's coordinator, the same at all its processes."""
    given = _whole(told.get("JAX_COORDINATOR_PORT"))
    return given or 2**16 - PORTS + zlib.crc32(job.encode()) % PORTS


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else 0


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
