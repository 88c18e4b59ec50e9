"""What several processes compare, and what may differ between them."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import backlit as bl
from backlit.cli import train
from backlit.distributed import joining, places, roll_call, same, telling
from backlit.engine.xla import XlaEngine
from backlit.train import fit as fitting
from backlit.train import lr_find as finding
from tests.distributed.store import outcomes
from tests.distributed.test_places import HAND, SLURM

X = np.arange(12.0).reshape(6, 2)


def compared(monkeypatch, owner, work):
    """What would be compared with other processes."""
    seen = []

    def check(told):
        seen.append(told)
        raise KeyError

    monkeypatch.setattr(owner, "check_same", check)
    with pytest.raises(KeyError):
        work()
    return seen[0]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("checkpoint", {"checkpoint": "somewhere"}),
        ("checkpoint_every", {"checkpoint": "somewhere", "checkpoint_every": 3}),
        ("resume", {"checkpoint": "somewhere", "resume": True}),
        ("time_limit", {"time_limit": 60.0}),
        ("probes", {"probes": None}),
        ("early_stopping", {"early_stopping": 3}),
        ("until_loss", {"until_loss": 0.1}),
        ("metrics", {"metrics": []}),
        ("chunk", {"chunk": 2}),
        ("strict", {"strict": True}),
    ],
)
def test_what_decides_when_processes_meet_is_compared(monkeypatch, name, options):
    one, other = (
        compared(monkeypatch, fitting, lambda more=more: bl.fit(bl.Linear(1), X, X.sum(axis=1), progress=False, **more))
        for more in ({}, options)
    )
    assert one[name] != other[name]
    monkeypatch.setattr(same, "gathered", lambda told: [told, {name: json.dumps(other[name])}])
    with pytest.raises(bl.InputError, match=f"^{name} is .* at process 1, .* at process 0: start every process with"):
        same.check_same({name: one[name]})


def test_the_range_test_is_compared(monkeypatch):
    one, other = (
        compared(monkeypatch, finding, lambda seed=seed, x=x: bl.lr_find(bl.Linear(1), x, X[:, 0], seed=seed))
        for seed, x in ((0, X), (1, X + 1))
    )
    assert one["seed"] != other["seed"]
    assert one["data"] != other["data"]
    assert one["steps"] == 150


def test_callbacks_at_the_first_process_alone(monkeypatch):
    first, second = [], []
    monkeypatch.setattr(same, "is_first", lambda: telling.index() == 0)
    one, other = outcomes(
        monkeypatch, lambda: same.decided([first.append]), lambda: [f(1) for f in same.decided([second.append] * 3)]
    )
    assert (len(one), other) == (1, [None])
    assert second == []


def test_functions_of_the_same_script_are_the_same(monkeypatch):
    """Though they stand elsewhere in memory."""
    made = [bl.SGD(lambda step: 0.1), bl.SGD(lambda step: 0.1)]
    assert repr(made[0]) != repr(made[1])
    told = [same.IN_MEMORY.sub("", json.dumps(repr(each))) for each in made]
    monkeypatch.setattr(same, "gathered", lambda here: [here, {"optimizer": told[1]}])
    same.check_same({"optimizer": repr(made[0])})


@pytest.mark.parametrize("given", [HAND, SLURM])
def test_a_search_is_one_processs(monkeypatch, given):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    launcher = "SLURM" if given is SLURM else "by hand"
    with pytest.raises(bl.InputError) as refused:
        bl.tune(bl.Linear(1), X, X[:, 0], trials=2)
    assert str(refused.value) == (
        f"tune searches in one process, and this is one of several ({launcher}): start it once, or set "
        "BACKLIT_PROCESSES=1; its own workers share the work out"
    )
    monkeypatch.setenv("BACKLIT_PROCESSES", "1")
    joining.check_alone("tune")


def test_two_steps_of_a_job_have_ports_of_their_own():
    one, two = (places.found({**SLURM, "SLURM_STEP_NUM_NODES": "1", "SLURM_STEP_ID": step}) for step in ("0", "1"))
    assert one.coordinator != two.coordinator


def test_a_worker_of_pythons_own_is_alone(monkeypatch):
    """It has its parent's variables, and isn't its parent."""
    monkeypatch.setattr(multiprocessing.process, "parent_process", lambda: SimpleNamespace(pid=1))
    assert places.found(HAND) is None


def test_fetching_compiles_once():
    engine = XlaEngine()
    assert engine._gathering is engine._gathering


def test_a_line_of_brackets_is_passed_over():
    assert roll_call._read(b"[" * 100_000) is None


def test_the_oldest_that_say_nothing_must_go():
    desk = roll_call._Desk({"processes": 3})
    ends = [str(number) for number in range(roll_call.MOST + 5)]  # as sockets in the order in which they came
    for end in ends:
        desk.lines[end] = b""
    desk.said[ends[0]] = {"process": 1}
    assert desk.surplus() == ["1", "2", "3"]
    assert ends[0] in desk.lines


def test_a_connection_that_is_gone_before_it_is_taken(monkeypatch):
    """The others are heard none the less."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    accept, failed = socket.socket.accept, []

    def gone(server):
        if not failed:
            failed.append(1)
            raise ConnectionAbortedError
        return accept(server)

    monkeypatch.setattr(socket.socket, "accept", gone)
    with ThreadPoolExecutor(2) as pool:
        both = [places.Place("by hand", number, 2, f"127.0.0.1:{port}") for number in (0, 1)]
        assert list(pool.map(lambda place: roll_call.answered(place, 10.0), both)) == [None, None]
    assert failed


def test_many_that_are_missing_are_told_in_one_line():
    assert roll_call._listed([*range(1, 2000)]) == "1, 2, 3, 4, 5, 6, 7, 8 and 1991 more"


def test_the_command_starts_without_what_joining_needs():
    code = "import sys, backlit.cli.process, backlit.cli.launching.child\n"
    names = ("importlib.metadata", "multiprocessing", "backlit.distributed.roll_call", "runpy")
    code += f"print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_interrupted_command_waits_for_the_first_to_write(monkeypatch):
    """A launcher that sees a process end by a signal's status stops the others."""
    done = []
    run = SimpleNamespace(diverged=None, history=[1], stopped="interrupted", seconds=1.0, judgement=None)
    run.diagnose = lambda: SimpleNamespace(alarms=[])
    run.save = lambda *given, **more: done.append("saved")
    monkeypatch.setattr("backlit.distributed.barrier", done.append)
    monkeypatch.setattr("backlit.cli.output.leave", done.append)
    train.finish(run, Path("run"), train.Outcome(no_report=True, as_json=True))
    assert done == ["saved", "finished", 130]
