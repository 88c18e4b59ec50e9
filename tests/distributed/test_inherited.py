"""What a launched process has from its parent, and hands on to nobody."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from backlit.cli.launching import inherited, parent
from backlit.cli.launching.child import LAST, LOST, end_if_lost
from backlit.cli.launching.verdict import Ending, verdict
from backlit.errors import InputError
from tests.distributed.test_places import OPEN_MPI, SLURM


def test_a_program_that_a_script_starts_isnt_a_child():
    """It has the names of the pipes, and not the pipes."""
    told = {**os.environ, "BACKLIT_PARENT": "77", "BACKLIT_STDERR": "78", "BACKLIT_STDOUT": "79"}
    code = "import os; from backlit.cli.launching import child as c, inherited\n"
    code += (
        "print(c.is_child(), c.stream_number(2), [n for n in os.environ if n in ('BACKLIT_PARENT', 'BACKLIT_STDERR')])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False 2 []\n", "")


def test_a_file_is_no_parent(monkeypatch, tmp_path):
    with (tmp_path / "x").open("w") as file:
        monkeypatch.setenv("BACKLIT_PARENT", str(file.fileno()))
        assert inherited.taken("BACKLIT_PARENT", pipe=True) is None
    ends = os.pipe()
    monkeypatch.setenv("BACKLIT_PARENT", str(ends[0]))
    assert inherited.taken("BACKLIT_PARENT", pipe=True) == ends[0]
    for end in ends:
        os.close(end)


def job(script, *codes):
    """A parent's view of processes that have ended with these statuses 100 s ago; None still run."""
    made = parent.Job([], len(codes), range(len(codes)), script)
    for number, code in enumerate(codes):
        popen = SimpleNamespace(returncode=code, pid=-1)
        made.workers.append(parent.Worker(number, popen, number == 0, {}, None if code is None else 100.0))
    return made


def test_scripts_have_their_time_after_process_0_is_done():
    assert job(True, 0, None)._until(asked=False) == float("inf")
    assert job(True, 0, None)._until(asked=True) == 100 + parent.FAREWELL
    assert job(False, 0, None)._until(asked=False) == 100 + parent.FAREWELL


def test_who_is_stopped_after_the_end_is_told(monkeypatch):
    monkeypatch.setattr(parent, "FAREWELL", 0.2)
    code = "import os, time; time.sleep(60 * (os.environ['BACKLIT_PROCESS'] == '1'))"
    status, message = parent.Job([sys.executable, "-c", code], 2, range(2)).run()
    assert (status, message) == (1, "process 1 still ran 0.2 s after process 0 had ended, and was stopped")


def test_only_what_tells_of_lost_processes_is_left_out(capsys):
    made = parent.Job([], 2, range(2))
    for data in (b"W0000 00:00:17 1 placer.cc] careful\nmi", b"ne\nE1130 17:26:04 1 coordination_service.cc:1] lost\n"):
        made._pass_on(data)
    made._pass_on(b"more\n")
    assert capsys.readouterr().err == "W0000 00:00:17 1 placer.cc] careful\nmine\n"


@pytest.mark.parametrize(("given", "launcher"), [(SLURM, "SLURM"), (OPEN_MPI, "Open MPI")])
def test_processes_of_a_launchers_process(given, launcher):
    with pytest.raises(InputError) as refused:
        parent.check_processes(2, given)
    assert str(refused.value) == (
        f"--processes 2: this is a process that {launcher} has started among others: leave --processes out, or let "
        f"{launcher} start one process alone"
    )


def test_processes_of_one_on_its_own():
    with pytest.raises(InputError, match=r"^--processes 2: BACKLIT_PROCESSES=1 keeps this process on its own: unset"):
        parent.check_processes(2, {"BACKLIT_PROCESSES": "1"})


def test_an_error_that_nobody_explains_is_told():
    """A host's name that Gloo can't resolve looks as if another process were gone."""
    ends = [Ending(number, LOST, native=f"{LAST}gloo/transport: no such host\n") for number in (0, 1)]
    assert verdict(ends, 2).message.endswith("(--resume)\ngloo/transport: no such host")


def test_an_error_is_never_swallowed_when_debugging(monkeypatch):
    ended = []
    monkeypatch.setattr(inherited, "parent", 5)
    monkeypatch.setattr("backlit.distributed.world.joined", lambda: True)
    monkeypatch.setattr("backlit.cli.launching.child._end", ended.append)
    monkeypatch.setenv("BACKLIT_SHARED", "1")
    monkeypatch.setenv("BACKLIT_DEBUG", "1")
    end_if_lost(ValueError("Gloo connect failed"))
    assert ended == []
    monkeypatch.delenv("BACKLIT_DEBUG")
    end_if_lost(ValueError("Gloo connect failed"))
    assert ended == [LOST]


def test_what_a_process_has_started_is_stopped_with_it(tmp_path):
    """Of those that have a group of their own."""
    code = (
        "import os, subprocess, sys, time\n"
        "if os.environ['BACKLIT_PROCESS'] == '1':\n"
        f"    made = subprocess.Popen(['sleep', '50']); open({str(tmp_path / 'pid')!r}, 'w').write(str(made.pid))\n"
        "    time.sleep(60)\n"
        f"while not os.path.exists({str(tmp_path / 'pid')!r}): time.sleep(0.02)\n"
        "time.sleep(0.1); sys.exit(1)\n"
    )
    parent.Job([sys.executable, "-c", code], 2, range(2)).run()
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("it still runs")
