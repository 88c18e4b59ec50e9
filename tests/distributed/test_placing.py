"""A command's place among processes as it is typed, and what processes compare before they train."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backlit.cli.launching import inherited, placing
from backlit.cli.launching.placing import Placing, place_of, take
from backlit.distributed import failing, joining, same
from backlit.errors import InputError, ProcessError


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """No launcher, whatever started the tests."""
    for name in [name for name in os.environ if name.startswith(("BACKLIT_P", "BACKLIT_C", "OMPI", "SLURM", "PMI"))]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"processes": 2, "coordinator": "a:1", "process": 0, "of": 2},
            f"--processes starts all processes on this machine, {placing.BY_HAND} make this one of several: say one",
        ),
        (
            {"coordinator": "a:1", "of": 2},
            "--coordinator, --process and --of belong together: --coordinator node1:1234 --process 2 --of 8",
        ),
        (
            {"coordinator": "a:1", "process": 2, "of": 2},
            "--coordinator, --process and --of: process 2 of 2: they are numbered from 0, so the last is 1",
        ),
        ({"processes": 0}, "--processes must be from 1 to 1024, got 0"),
    ],
)
def test_what_is_no_place(given, message):
    with pytest.raises(InputError) as refused:
        take(Placing(**given), "x.csv")
    assert str(refused.value) == message


@pytest.mark.parametrize("given", [{"processes": 2}, {"coordinator": "a:1", "process": 0, "of": 2}])
def test_standard_input_is_for_one(given):
    with pytest.raises(InputError, match=r"^standard input can be read by one process only: write it to a file that"):
        take(Placing(**given), "-")


def test_alone():
    assert place_of(Placing()) is None
    assert place_of(Placing(coordinator="a:1", process=0, of=1)) is None
    take(Placing(processes=1), "-")


def test_a_launchers_process_is_watched_by_a_parent(monkeypatch):
    """Which knows its number, and hands its words on."""
    started = []
    monkeypatch.setattr("backlit.cli.launch.run", lambda *given: started.append(given))
    monkeypatch.setenv("BACKLIT_PROCESSES", "4")
    monkeypatch.setenv("BACKLIT_PROCESS", "3")
    monkeypatch.setenv("BACKLIT_COORDINATOR", "node1:1234")
    take(Placing(), "x.csv")
    assert started == [([sys.executable, *sys.orig_argv[1:]], 4, [3])]
    with pytest.raises(InputError, match=r"^--processes 2: this is one of 4 processes already"):
        take(Placing(processes=2), "x.csv")


def test_a_child_joins(monkeypatch):
    joined = []
    monkeypatch.setattr(inherited, "parent", 5)
    monkeypatch.setattr(placing, "_join", joined.append)
    take(Placing(processes=2), "x.csv")
    assert joined == [Placing(processes=2)]


@pytest.mark.parametrize("words", ["soon", "0", "-3", "inf", "nan"])
def test_how_long_to_wait(monkeypatch, words):
    monkeypatch.setenv("BACKLIT_WAIT", words)
    with pytest.raises(InputError, match=f"^BACKLIT_WAIT must be a number of seconds of at least 1, got '{words}'$"):
        joining._wait()
    monkeypatch.setenv("BACKLIT_WAIT", "7.5")
    assert joining._wait() == 7.5
    monkeypatch.delenv("BACKLIT_WAIT")
    assert joining._wait() == 300


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ({"epochs": "4", "data": '"a"'}, "epochs is 4 at process 1, 3 at process 0: start every process with the same"),
        ({"data": '"a"'}, "epochs is None at process 1, 3 at process 0: start every process with the same options"),
        (
            {"epochs": "3", "data": '"b"'},
            "process 1 trains on other data than process 0 (inputs, targets, weights and held-out rows count): give ",
        ),
    ],
)
def test_what_differs_between_processes(monkeypatch, there, message):
    monkeypatch.setattr(same, "gathered", lambda told: [told, told if there is None else there])
    with pytest.raises(InputError) as refused:
        same.check_same({"epochs": 3, "data": "a"})
    assert str(refused.value).startswith(message)


def test_what_is_the_same_is_let_be(monkeypatch):
    monkeypatch.setattr(same, "gathered", lambda told: [told, dict(told)])
    same.check_same({"epochs": 3, "network": "Linear(3)", "data": "a"})


def test_an_error_that_says_that_another_is_gone():
    caused = RuntimeError("no")
    caused.__cause__ = ValueError("UNKNOWN: Gloo all-reduce failed: [gloo/transport/tcp/pair.cc:538] Read error")
    assert failing.is_loss(caused)
    assert failing.is_loss(ProcessError("process 2 failed: no"))
    assert not failing.is_loss(ValueError("gloom"))
    assert not failing.is_loss(None)


@pytest.mark.parametrize(
    ("index", "told", "news"),
    [
        (1, {"process": 1, "text": "no file"}, True),  # nobody else has
        (1, {"process": 0, "text": "no file"}, False),
        (1, {"process": 0, "text": "no such column"}, True),
        (1, None, True),
        (0, {"process": 1, "text": "no file"}, False),
    ],
)
def test_the_same_error_is_told_by_one_process(monkeypatch, index, told, news):
    monkeypatch.setattr(failing, "count", lambda: 2)
    monkeypatch.setattr(failing, "index", lambda: index)
    monkeypatch.setattr(failing, "failure", lambda: told)
    monkeypatch.setattr(failing, "tell_failure", lambda text: None)
    assert failing.is_news("no file", wait=0.0) == news


TABLE = "a,y\n" + "".join(f"{number % 17},{number % 17 * 2}\n" for number in range(400))
WORDS = (
    "train",
    "t.csv",
    "--target",
    "y",
    "--network",
    "mlp:8",
    "--ensemble",
    "1",
    "--epochs",
    "100000",
    "--out",
    "run",
)


def started(folder: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "backlit", *WORDS, *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def workers(parent: subprocess.Popen, folder: Path) -> list[int]:
    """A parent's processes, once the run is begun."""
    until = time.monotonic() + 120
    while not (folder / "run" / "network.json").exists():
        assert parent.poll() is None, parent.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text()
    return [int(number) for number in children.split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for a process's children")
@pytest.mark.parametrize("victim", [0, 1])
def test_a_stalled_process_ends_all(tmp_path, victim):
    """It is there, and answers nobody: the coordinator, or another."""
    (tmp_path / "t.csv").write_text(TABLE)
    parent = started(tmp_path, "--processes", "2")
    stalled = workers(parent, tmp_path)[victim]
    os.kill(stalled, signal.SIGSTOP)
    begun = time.monotonic()
    err = parent.communicate(timeout=60)[1]
    assert time.monotonic() - begun < 30
    assert parent.returncode == 1
    assert f"backlit: process {victim} of 2 no longer answers: it was killed, stopped, or can't be reached; all" in err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for a process's children")
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_of_other_parents(tmp_path, victim):
    """Each was started by itself, as on two machines."""
    (tmp_path / "t.csv").write_text(TABLE)
    port = 20_000 + os.getpid() % 10_000
    both = [started(tmp_path, "--coordinator", f"localhost:{port}", "--process", str(i), "--of", "2") for i in (0, 1)]
    os.kill(workers(both[victim], tmp_path)[0], signal.SIGKILL)
    begun = time.monotonic()
    said = [each.communicate(timeout=60)[1] for each in both]
    assert time.monotonic() - begun < 30
    assert [each.returncode for each in both] == [1, 1]
    assert f"backlit: process {victim} of 2 was killed (SIGKILL" in said[victim]
    assert f"backlit: process {victim} of 2 no longer answers" in said[1 - victim]
    assert "Check failure" not in said[0] + said[1]
