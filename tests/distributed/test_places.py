"""Where launchers say that a process is; and what is wrong with what they say."""

import os

import pytest

import backlit as bl
from backlit.distributed import joining, places
from backlit.distributed.places import addressed, found

HAND = {"BACKLIT_COORDINATOR": "node1:1234", "BACKLIT_PROCESS": "2", "BACKLIT_PROCESSES": "8"}
SLURM = {
    "SLURM_JOB_ID": "4711", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "node[07-08]", "SLURM_STEP_TASKS_PER_NODE": "2(x2)", "SLURM_NTASKS": "4",
    "SLURM_PROCID": "3", "SLURM_LOCALID": "1",
}  # fmt: skip
OPEN_MPI = {
    "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2", "OMPI_MCA_orte_hnp_uri": "1314521088.0;tcp://10.96.0.1,10.148.0.1:34911",
}  # fmt: skip


def test_by_hand() -> None:
    place = found(HAND)
    assert place is not None
    assert (place.process, place.processes, place.coordinator, place.devices) == (2, 8, "node1:1234", ())
    assert found({**SLURM, **HAND}) == place  # what Backlit's own variables say comes first


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"BACKLIT_PROCESSES": "1", **SLURM},
        {"BACKLIT_PROCESSES": "1", **OPEN_MPI},
        {**HAND, "BACKLIT_JOINED": "1"},  # started by a process that has joined others
        {**SLURM, "SLURM_STEP_NUM_TASKS": "1"},  # srun -n 1, and the shell of salloc -n 4
        {name: value for name, value in SLURM.items() if not name.startswith("SLURM_STEP")},  # a script of sbatch
        {"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"},
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},  # a pod, but of no indexed Job
    ],
)
def test_a_process_on_its_own(environment: dict[str, str]) -> None:
    assert found(environment) is None


def test_slurm() -> None:
    place = found(SLURM)
    assert place is not None
    assert (place.launcher, place.process, place.processes, place.devices) == ("SLURM", 3, 4, (1,))


def test_slurm_on_one_machine_stays_on_loopback() -> None:
    place = found({**SLURM, "SLURM_STEP_NUM_NODES": "1"})
    assert place is not None
    host, port = str(place.coordinator).split(":")
    assert host == "127.0.0.1"
    assert 61440 <= int(port) < 65536


@pytest.mark.parametrize(
    ("more", "devices"),
    [
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x4)"}, ()),  # one a machine has all of its graphics cards
        ({"CUDA_VISIBLE_DEVICES": "1"}, ()),  # the launcher shows each its own
        ({"CUDA_VISIBLE_DEVICES": "0,1"}, (1,)),
    ],
)
def test_graphics_cards_of_a_task(more: dict[str, str], devices: tuple[int, ...]) -> None:
    place = found({**SLURM, **more})
    assert place is not None
    assert place.devices == devices


def test_open_mpi() -> None:
    place = found(OPEN_MPI)
    assert place is not None
    assert (place.launcher, place.process, place.processes, place.coordinator) == ("Open MPI", 1, 4, None)
    alone = found({**OPEN_MPI, "OMPI_COMM_WORLD_LOCAL_SIZE": "4"})
    assert alone is not None
    assert str(alone.coordinator).startswith("127.0.0.1:")
    told = found({**OPEN_MPI, "BACKLIT_COORDINATOR": "node3:777"})
    assert told is not None
    assert told.coordinator == "node3:777"


def test_jax_is_asked_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SLURM, **OPEN_MPI}.items():
        monkeypatch.setenv(name, value)
    slurm, open_mpi = found(SLURM), found(OPEN_MPI)
    assert slurm is not None
    assert open_mpi is not None
    assert addressed(slurm) == (f"node07:{4711 % 4096 + 61440}", 4)
    coordinator, processes = addressed(open_mpi)
    assert coordinator.startswith("10.96.0.1:")
    assert processes == 4


def test_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An indexed Job, where JAX's own detection can be used; it isn't there, so that it doesn't tell."""
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "3"}
    assert found(pod) is None  # without the package that asks Kubernetes
    monkeypatch.setattr(places, "_has", lambda module: True)
    place = found(pod)
    assert place is not None
    assert (place.launcher, place.process, place.processes, place.method) == ("Kubernetes", 3, None, "k8s")
    with pytest.raises(
        bl.InputError, match=r"Kubernetes doesn't tell where the first of its processes is .*: set BACK"
    ):
        addressed(place)


def test_open_mpi_on_several_machines_that_jax_cant_ask() -> None:
    newer = {name: value for name, value in OPEN_MPI.items() if not name.startswith("OMPI_MCA")}
    if places._has("mpi4py"):
        pytest.skip("mpi4py is here, and asked")
    with pytest.raises(bl.InputError, match=r"one of 4 processes of Open MPI on several machines: install mpi4py"):
        found(newer)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"BACKLIT_PROCESS": "8"}, "process 8 of 8: they are numbered from 0, so the last is 7"),
        ({"BACKLIT_PROCESS": "two"}, "BACKLIT_PROCESS must be a whole number of at least 0, got 'two'"),
        ({"BACKLIT_PROCESSES": "0"}, "BACKLIT_PROCESSES must be a whole number of at least 1, got '0'"),
        ({"BACKLIT_PROCESS": None}, "BACKLIT_PROCESSES is set, but BACKLIT_PROCESS isn't: set both"),
        ({"BACKLIT_PROCESSES": None}, "BACKLIT_PROCESS is set, but BACKLIT_PROCESSES isn't: set both"),
        ({"BACKLIT_COORDINATOR": None}, "BACKLIT_PROCESSES=8, but BACKLIT_COORDINATOR isn't set: give it the first"),
        ({"BACKLIT_COORDINATOR": "node1"}, "must be host:port of the first process, node1:1234 say, got 'node1'"),
        ({"BACKLIT_COORDINATOR": "node1:99999"}, "must be host:port of the first process"),
    ],
)
def test_variables_that_dont_fit(change: dict[str, str | None], message: str) -> None:
    told = {name: value for name, value in {**HAND, **change}.items() if value is not None}
    with pytest.raises(bl.InputError, match=message):
        found(told)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "initialize: no launcher is found; start the processes by backlit train --processes, srun or mpirun"),
        (("a:1", 0), "initialize takes coordinator, process and processes, or none of them: processes is missing"),
        (("a:1", 2, 2), "initialize: process 2 of 2: they are numbered from 0, so the last is 1"),
        (("a:1", 0, True), "initialize: processes must be a whole number of at least 1, got True"),
        (("a:1", "0", 2), "initialize: process must be a whole number of at least 0, got '0'"),
        ((7, 0, 2), "initialize: the coordinator must be host:port of the first process, node1:1234 say, got 7"),
    ],
)
def test_initialize_refuses(given: tuple[object, ...], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("BACKLIT_PROC", "SLURM", "OMPI", "PMI"))]:
        monkeypatch.delenv(name)
    with pytest.raises(bl.InputError, match=message):
        bl.distributed.initialize(*given)  # type: ignore[arg-type]


def test_joining_comes_before_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    jax.devices()  # as a script that has computed
    with pytest.raises(bl.InputError, match=r"one of 8 processes \(by hand\), but JAX has computed here before they"):
        joining._join(places.by_hand(HAND))  # type: ignore[arg-type]
    for name, value in HAND.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(bl.InputError, match=r"say bl\.distributed\.initialize\(\) at the beginning of the script, or"):
        bl.fit(bl.Linear(1), [[1.0]], [1.0])


def test_one_process_knows_of_no_others() -> None:
    told = {"a": [1, (2, 3)]}
    assert bl.distributed.agreed(told) is told
    assert bl.distributed.gathered(3) == [3]
    assert (bl.distributed.index(), bl.distributed.count(), bl.distributed.is_first()) == (0, 1, True)
    assert bl.distributed.handed(lambda: b"x") == b"x"
    assert bl.distributed.heard(bool)() is False
    bl.distributed.barrier("here")
    with pytest.raises(ZeroDivisionError):
        bl.distributed.once(lambda: 1 / 0)
