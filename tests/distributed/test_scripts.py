"""A script, and the command, in several processes as launchers start them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import backlit as bl
from backlit import engine as engines
from tests.distributed.pairs import ROOT, ended, started

pytestmark = pytest.mark.slow
SCRIPT = str(Path(__file__).with_name("script.py"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What the script says in one process."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    done = subprocess.run([sys.executable, SCRIPT, str(folder)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].partition(": ")[2]


def said(printed):
    return [line for line in printed.splitlines() if "[Gloo]" not in line]


def test_a_script_under_mpirun(alone, tmp_path):
    """Found by itself; the first process alone shows progress and writes."""
    if shutil.which("mpirun") is None:
        pytest.skip("Open MPI isn't installed")
    words = ["mpirun", "-n", "2", "--oversubscribe", "--allow-run-as-root"]
    words += ["-x", f"PYTHONPATH={ROOT / 'src'}", sys.executable, SCRIPT, str(tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    first, second = sorted(re.findall(r"\d of \d: .*", done.stdout))  # both processes' lines are mixed with Gloo's
    assert first.partition(": ")[0] == "0 of 2"
    assert second.partition(": ")[0] == "1 of 2"
    assert first.partition(": ")[2] == second.partition(": ")[2]
    loss, one = (float(text.split()[0]) for text in (first.partition(": ")[2], alone))
    assert abs(loss - one) < 1e-12
    assert done.stderr.count("epoch 4/4") == 1
    assert len(bl.load(tmp_path / "run").history) == 4


def test_a_script_that_fails_in_one_process_ends_in_all(tmp_path):
    (status, *_), (other, _, errors) = ended(started(SCRIPT, str(tmp_path / "run"), "fails", by_variables=True), 100)
    assert status == other == 1
    assert errors.splitlines()[-1] == "ZeroDivisionError: mine"


def test_a_script_that_has_computed_before(tmp_path):
    results = ended(started(SCRIPT, str(tmp_path / "run"), "computes first", by_variables=True), 60)
    for status, _, errors in results:
        assert status == 1
        assert errors.splitlines()[-1] == (
            "backlit.errors.InputError: this is one of 2 processes (by hand), but JAX has computed here before they "
            "joined: say bl.distributed.initialize() at the beginning of the script, or set BACKLIT_PROCESSES=1 to "
            "train alone"
        )


def test_the_command(tmp_path, monkeypatch):
    """One line on standard output, by the first process; gone on with by one process alone."""
    monkeypatch.chdir(tmp_path)
    words = ["train", "moons", "--network", "mlp:4", "--json", "--out", "run", "--no-report"]
    pair = ended(started("-m", "backlit", *words, "--epochs", "2", by_variables=True), 100)
    for status, _, errors in pair:
        assert status == 0, errors
    (_, printed, errors), (_, other, other_errors) = pair
    told = json.loads(said(printed)[-1])
    assert (told["run"], told["epochs"]) == ("run", 2)
    assert said(other) == []
    assert errors.count("epoch 2/2") <= 1
    assert "epoch" not in other_errors
    run = bl.load("run")
    again = [sys.executable, "-m", "backlit", *words, "--epochs", "3", "--resume"]
    done = subprocess.run(again, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert len(bl.load("run").history) == len(run.history) + 1


def test_the_numpy_engine_is_one_processs():
    message = (
        r"the numpy engine computes in one process, and this is one of 2: use engine='xla', or set BACKLIT_PROCESSES"
    )
    with pytest.raises(bl.InputError, match=message):
        engines._engine("numpy", 1, 2)
