"""One command in several processes: what is shown, what one's end does to the others, and that none is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backlit.cli.launching import parent
from backlit.errors import InputError

SCRIPT = """
import os, sys, time
number, (what, *rest) = int(os.environ["BACKLIT_PROCESS"]), sys.argv[1:]
print("out", number, *rest, flush=True)
print("err", number, file=sys.stderr)
open(f"pid{number}", "w").write(str(os.getpid()))
os.replace(f"pid{number}", f"{number}.pid")
if what == "raise" and number == int(rest[0]):
    raise ValueError("bad number")
if what == "exit" and number in map(int, rest[1:]):
    sys.exit(int(rest[0]))
if what == "words" and number:
    sys.exit("said at the end")
if what == "stdin":
    print("read", repr(sys.stdin.readline()))
if what == "native":
    os.write(2, b"from a library\\nE1130 17:26:04.360667   14108 coordination_service.cc:1549] noise\\nmore\\n")
if what in ("sleep", "raise", "exit", "words"):
    time.sleep(60)
"""
HINT = "processes share"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path / "script.py"


def start(script: Path, *words: str, processes: int = 2, **options) -> subprocess.Popen:
    options = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        **options,
    }
    what = words if "-m" in words else (str(script), *words)
    command = [sys.executable, "-m", "backlit", "launch", "--processes", str(processes), *what]
    return subprocess.Popen(command, cwd=script.parent, **options)


def launch(script: Path, *words: str, given: str | None = None, **options) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a launch to its end."""
    if given is not None:
        options["stdin"] = subprocess.PIPE
    process = start(script, *words, **options)
    out, err = process.communicate(given, timeout=60)
    return process.returncode, out, "".join(line for line in err.splitlines(keepends=True) if HINT not in line)


def pids(script: Path, count: int) -> list[int]:
    """The processes' numbers, once all have begun."""
    files = [script.parent / f"{number}.pid" for number in range(count)]
    wait_until(lambda: all(file.exists() for file in files))
    return [int(file.read_text()) for file in files]


def wait_until(true, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_output_is_the_first_ones(script):
    assert launch(script, "ok", "--flag", "a b", processes=3) == (0, "out 0 --flag a b\n", "err 0\n")


def test_more_processes_than_cores_are_told(script):
    cores = parent.cores()
    process = start(script, "ok", processes=cores + 1)
    expected = f"{cores + 1} processes share {cores} cores: that trains no faster than {cores} of them would\n"
    assert expected in process.communicate(timeout=60)[1]


def test_a_module(script):
    assert launch(script, "-m", "script", "ok", "--flag") == (0, "out 0 --flag\n", "err 0\n")


def test_standard_input_is_the_first_ones(script):
    assert launch(script, "stdin", given="a line\n")[:2] == (0, "out 0\nread 'a line\\n'\n")


def test_what_libraries_write_is_shown_up_to_the_runtimes_last_words(script):
    assert launch(script, "native")[2] == "err 0\nfrom a library\n"


def test_an_error_of_the_first(script):
    status, _, err = launch(script, "raise", "0")
    assert status == 1
    assert err.startswith(f'err 0\nTraceback (most recent call last):\n  File "{script}", line 9, in <module>\n')
    assert err.endswith("\nValueError: bad number\n")


def test_an_error_of_another_is_told_with_its_number(script):
    status, _, err = launch(script, "raise", "1")
    assert status == 1
    begin = (
        f'err 0\nbacklit: process 1 of 2:\n  err 1\n  Traceback (most recent call last):\n    File "{script}", line 9'
    )
    assert err.startswith(begin)
    assert err.endswith("\n  ValueError: bad number\n")


def test_the_same_end_of_all_is_told_once(script):
    assert launch(script, "exit", "2", "0", "1", "2", processes=3) == (2, "out 0 2 0 1 2\n", "err 0\n")


def test_an_exit_with_words(script):
    assert launch(script, "words")[::2] == (1, "err 0\nbacklit: process 1 of 2:\n  err 1\n  said at the end\n")


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_all(script, victim):
    process = start(script, "sleep", processes=3)
    started = pids(script, 3)
    os.kill(started[victim], signal.SIGKILL)
    err = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    expected = (
        f"backlit: process {victim} of 3 was killed (SIGKILL: by someone, or by the system, which does so when memory "
        "runs out); all were stopped. A run that was kept in a folder can be gone on with (--resume)\n"
    )
    assert expected in err
    assert all(map(is_gone, started))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_reaches_the_first_and_ends_all(script, number, status):
    process = start(script, "sleep")
    started = pids(script, 2)
    process.send_signal(number)
    assert process.wait(30) == status
    assert all(map(is_gone, started))
    process.communicate()


def test_no_orphan_when_the_parent_is_killed(script):
    process = start(script, "sleep", processes=3)
    started = pids(script, 3)
    process.kill()
    process.communicate()
    wait_until(lambda: all(map(is_gone, started)), 5)


def test_the_port_is_nobody_elses():
    """Reserved while the processes live, and shared with the coordinator alone."""
    with parent.reserved() as port:
        with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
            other.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port), reuse_port=True):
            pass


def test_what_a_process_is_told():
    cores = str(max(1, parent.cores() // 2))
    given = {"HOME": "/h", "JAX_PLATFORMS": "cpu"}
    told = parent.environment(1, 2, 1234, {**given, "BACKLIT_JOINED": "17"})
    place = {"BACKLIT_COORDINATOR": "127.0.0.1:1234", "BACKLIT_PROCESS": "1", "BACKLIT_PROCESSES": "2"}
    threads = {"NPROC": cores, "OMP_NUM_THREADS": cores, "POLARS_MAX_THREADS": cores}
    assert told == {**given, "BACKLIT_SHARED": "1", **place, **threads}
    assert parent.environment(1, 2, 1234, {"NPROC": "7"})["NPROC"] == "7"


@pytest.mark.parametrize(
    ("shown", "each"), [("0,1,2,3,4", ["0,1", "2,3"]), ("GPU-7,3", ["GPU-7", "3"]), ("5", ["5", "5"])]
)
def test_graphics_cards_are_shared_out_if_there_are_enough(shown, each):
    given = {"CUDA_VISIBLE_DEVICES": shown}
    assert [parent.environment(number, 2, 1, given)["CUDA_VISIBLE_DEVICES"] for number in range(2)] == each
    assert parent.cards({**given, "JAX_PLATFORMS": "cpu"}) == []


@pytest.mark.parametrize("count", [0, -3, 1025])
def test_a_number_out_of_range(count):
    with pytest.raises(InputError, match=f"^--processes must be from 1 to 1024, got {count}$"):
        parent.check_processes(count, {})


def test_processes_of_processes():
    with pytest.raises(InputError, match=r"^--processes 2: this is one of 4 processes already \(BACKLIT_PROCESSES is"):
        parent.check_processes(2, {"BACKLIT_PROCESSES": "4"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "backlit: say which script to run: backlit launch --processes 2 train.py\n"),
        (["nosuch.py"], "backlit: nosuch.py: there is no such script\n"),
    ],
)
def test_what_is_typed_wrong(tmp_path, words, message):
    command = [sys.executable, "-m", "backlit", "launch", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, message)
