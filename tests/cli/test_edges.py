"""The command's edges: streams, encodings, signals, paths and content that nobody would have chosen."""

import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import backlit as bl
from backlit.aligned import HIDDEN
from backlit.cli import process, train
from backlit.cli.main import app, main
from backlit.data import datasets
from backlit.data.files import kinds
from backlit.errors import InputError

POSIX = pytest.mark.skipif(os.name == "nt", reason="as POSIX shells have it")
EVIL = "a\x1b]0;owned\x07\x9b31m\u202eb"
TRAIN = ["train", "--engine", "numpy", "--network", "mlp:3", "--ensemble", "1", "--epochs", "2"]


def run_in_shell(line, folder, **environment):
    """A line for the shell, in which `backlit` is the command; in bash, which knows where pipes broke."""
    backlit = f"{shlex.quote(sys.executable)} -m backlit"
    script = f'set -o pipefail\nbacklit() {{ {backlit} "$@"; }}\n{line}'
    return subprocess.run(
        [str(shutil.which("bash")), "-c", script], cwd=folder, capture_output=True, text=True, errors="replace",
        env=os.environ | environment, check=False,
    )  # fmt: skip


def command(*words, monkeypatch, capsys):
    """The command in this process: status, standard output and standard error."""
    monkeypatch.setattr(sys, "argv", ["backlit", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table with names and classes that are no good, a run on it, and one that holds no run."""
    folder = tmp_path_factory.mktemp("edges")
    rows = [{"x$_2019_vs_$": i % 7, EVIL: i % 5, "kind": ["yes", EVIL][i % 2]} for i in range(60)]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = CliRunner().invoke(app, [*TRAIN, "t.jsonl", "--target", "kind", "--out", "run"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (folder / "told.txt").write_text(done.output, encoding="utf-8")
    return folder


# ------------------------------------------------------------------------------------------------- streams


@POSIX
@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        ("backlit explain 'x*y' x=1 y=2 > /dev/full", 1, "backlit: standard output can't be written: No space left"),
        ("backlit lessons | true", 0, ""),
        ("backlit frobnicate | true", 2, "frobnicate"),
        ("backlit explain x x=1 >&- 2>&-", 0, ""),
        ("backlit explain nothing <&- >&- 2>&-", 2, ""),
        ("backlit explain x x=1 2>/dev/full", 0, ""),
    ],
)
def test_what_becomes_of_the_output_is_no_matter_of_the_work(tmp_path, line, status, told):
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = run_in_shell(line, tmp_path)
    assert done.returncode == status, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.slow
@POSIX
def test_training_whose_output_nobody_reads_leaves_run_and_report(tmp_path):
    words = shlex.join([*TRAIN, "xor"])
    for name, tail in (("gone", "2>&- | true"), ("full", "> /dev/full")):
        done = run_in_shell(f"backlit {words} --out {name} {tail}", tmp_path, PYTHONIOENCODING="ascii")
        assert done.returncode == (name == "full"), done.stderr
        assert "Traceback" not in done.stderr
        assert (tmp_path / name / "report.html").exists()
        assert not [path for path in tmp_path.iterdir() if path.is_file()]


@POSIX
@pytest.mark.parametrize("encoding", ["cp949", "ascii", "utf-16"])
def test_characters_that_an_encoding_lacks_are_replaced(tmp_path, encoding):
    done = run_in_shell("backlit lessons --lang ko", tmp_path, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    data = run_in_shell("backlit lessons --lang ko --json", tmp_path, PYTHONIOENCODING=encoding)
    assert data.returncode == 0
    if encoding != "utf-16":
        assert "?" in done.stdout or encoding == "cp949"
        titles = [lesson["title"] for lesson in json.loads(data.stdout)["lessons"]]
        assert any("가" <= character <= "힣" for character in titles[0])  # nothing is lost there


def test_a_slow_reader_gets_everything_from_a_pipe_that_does_not_wait():
    there, here = os.pipe()
    os.set_blocking(here, False)
    code = "import sys, time; time.sleep(0.2); print(len(sys.stdin.buffer.read()))"
    reader = subprocess.Popen([sys.executable, "-c", code], stdin=there, stdout=subprocess.PIPE)
    os.close(there)
    with process.Outlet(here, "w") as outlet:
        assert outlet.write(b"x" * 1_000_000) == 1_000_000
        assert outlet.failure is None
    assert int(reader.communicate()[0]) == 1_000_000


def test_only_our_own_warnings_reach_users(capsys):
    process._warn(UserWarning("persistent compilation cache"), UserWarning, "jax.py", 3)
    process._warn(bl.ZeroGradientWarning("no slope\x1b"), bl.ZeroGradientWarning, "x.py", 3)
    assert capsys.readouterr().err == "no slope\\x1b\n"


@pytest.mark.slow
@POSIX
def test_odd_environments(tmp_path):
    words = shlex.join([*TRAIN, "xor", "--no-report", "--quiet"])
    line = f"{words} --out run && python_OO train --help && python_OO explain 'exp(x)' x=0"
    script = f'python_OO() {{ {shlex.quote(sys.executable)} -OO -m backlit "$@"; }}\nbacklit {line}'
    odd = {"MPLBACKEND": "nonsense", "TZ": "UTC+99", "POLARS_MAX_THREADS": "0", "COLUMNS": "0", "HOME": "/nonexistent"}
    done = run_in_shell(script, tmp_path, **odd)
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.splitlines()) == {
        "POLARS_MAX_THREADS=0 is no number of threads: as many as there are cores are used"
    }
    assert "Train a network on a table" in done.stdout  # which is a docstring


@POSIX
def test_a_device_that_is_not_there(tmp_path):
    line = "backlit train xor --epochs 1 --no-report --quiet --out run"
    done = run_in_shell(line, tmp_path, JAX_PLATFORMS="nonsense")
    assert done.returncode == 2
    assert done.stderr.startswith("backlit: JAX_PLATFORMS=nonsense: JAX has no such device here")
    assert done.stderr.count("\n") == 1


# ------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (KeyError("no such thing"), 1, "backlit: KeyError: 'no such thing' at test_edges.py:"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), 1, "there isn't enough memory"),
        (MemoryError(), 1, "there isn't enough memory for this (no more is known)"),
        (PermissionError(errno.EACCES, "Permission denied", "secret"), 2, "backlit: secret: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device", "disk"), 1, "backlit: disk: No space left on device"),
        (InputError("wrong\nand more"), 2, "backlit: wrong\n  and more\n"),
        (KeyboardInterrupt(), 130, "backlit: interrupted"),
    ],
)
def test_any_error_is_one_message_and_a_status(monkeypatch, capsys, error, status, told):
    def raising(*arguments):
        raise error

    monkeypatch.setattr("backlit.cli.expression.assignments", raising)
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.delenv("BACKLIT_DEBUG", raising=False)
    code, _, said = command("explain", "x", "x=1", monkeypatch=monkeypatch, capsys=capsys)
    assert code == status
    assert told in said
    assert "Traceback" not in said
    if isinstance(error, KeyError):
        assert "Please report this line" in said
        monkeypatch.setenv("BACKLIT_DEBUG", "1")
        monkeypatch.setattr(sys, "argv", ["backlit", "explain", "x"])
        with pytest.raises(KeyError):
            main()


def test_a_full_disk_is_failed_work_and_a_wrong_path_is_wrong_input(tmp_path, monkeypatch, capsys):
    words = ("explain", "x", "x=1", "--draw")
    assert command(*words, tmp_path / "no" / "g.svg", monkeypatch=monkeypatch, capsys=capsys)[0] == 2

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    code, _, told = command(*words, tmp_path / "g.svg", monkeypatch=monkeypatch, capsys=capsys)
    assert (code, told) == (1, f"backlit: {tmp_path / 'g.svg'} can't be written: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------- content


def test_nothing_that_a_terminal_obeys_comes_from_data(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    lines = [
        ("show", "run"), ("evaluate", "run", "t.jsonl"), ("compare", "run"), ("importance", "run", "t.jsonl"),
        ("diagnose", "run"), ("show", "run", "--json"), ("show", f"no{EVIL}"), (f"no{EVIL}",),
        ("train", "t.jsonl", "--target", f"no{EVIL}"), ("train", "--target", f"no{EVIL}", f"--{EVIL}"),
        ("explain", EVIL), ("explain", "x", f"{EVIL}=1"), ("predict", "run", f"no{EVIL}.csv"),
    ]  # fmt: skip
    said = {("train",): (folder / "told.txt").read_text(encoding="utf-8")}
    for words in lines:
        monkeypatch.setattr(sys, "argv", ["backlit", *words])
        with pytest.raises(SystemExit):
            main()
        said[words] = "".join(capsys.readouterr())
    for words, text in said.items():
        assert text
        assert not HIDDEN.search(text), (words, HIDDEN.search(text))
    assert "\\x1b]0;owned\\x07\\x9b31m\\u202eb" in said[("show", "run")]
    assert json.loads(said[("show", "run", "--json")])["judgement"]["confusion"]


def test_dollars_in_names_are_no_formulas(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    words = ("importance", "run", "t.jsonl", "--repeats", 1, "--plot", "i.png")
    assert command(*words, monkeypatch=monkeypatch, capsys=capsys)[0] == 0


def test_the_help_of_data_names_every_kind_of_file_and_every_data_set():
    assert [kind.name for kind in kinds.KINDS if not any(ending in train.DATA for ending in kind.endings)] == []
    assert [name for name in datasets.names() if name not in train.DATA] == []
