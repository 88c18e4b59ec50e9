"""`backlit diagnose RUN --fix`: a new folder with the mended run, the old one as it was, and bad input."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from tests.cli.calling import backlit

WORDS = ("--network", "mlp:8", "--ensemble", 1, "--engine", "numpy", "-q", "--no-report")


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and a run on it that hardly moved."""
    folder = tmp_path_factory.mktemp("sick")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 120))
    rows = [f"{p:.3f},{q:.3f},{'yes' if p + q > 0 else 'no'}" for p, q in zip(a, b, strict=True)]
    (folder / "table.csv").write_text("a,b,kind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    done = backlit("train", "table.csv", "--target", "kind", "--lr", 1e-6, "--epochs", 15, "--dropout", 0, *WORDS,
                   "--out", "run", folder=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_a_run_is_mended_into_a_new_folder(sick: Path) -> None:
    before = content(sick / "run")
    done = backlit("diagnose", "run", "--fix", folder=sick)
    assert done.returncode == 0, done.stderr
    assert "learning rate 1e-06 → 0.01" in done.stdout
    assert "test rows, by which nothing was decided:" in done.stdout
    assert "mended run: run-fixed" in done.stdout
    assert content(sick / "run") == before
    mended = bl.load(sick / "run-fixed")
    assert mended.judgement["judged_on"] == "test"
    assert mended.judgement["scores"]["accuracy"] > bl.load(sick / "run").judgement["scores"]["accuracy"]
    assert (sick / "run-fixed" / "report.html").is_file()
    again = backlit("train", "--config", "run-fixed/config.toml", "--out", "again", "-q", "--no-report", folder=sick)
    assert again.returncode == 0, again.stderr
    np.testing.assert_array_equal(  # what its config.toml says makes the same network
        bl.load(sick / "again").network.params["0"]["weight"], mended.network.params["0"]["weight"]
    )
    once_more = backlit("diagnose", "run", "--fix", folder=sick)
    assert once_more.returncode == 2
    assert "run-fixed is already there; choose another with --out" in once_more.stderr


@pytest.mark.slow
def test_as_data(sick: Path) -> None:
    done = backlit("diagnose", "run", "--fix", "--json", "--seeds", 2, "--out", "other", "-q", folder=sick)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert told["run"] == "other"
    assert told["mended"] is True
    assert told["findings"][0]["severity"] == "alarm"
    (kept, *_) = [own for own in told["changes"] if own["kept"]]
    assert kept["after"] < kept["before"]
    assert told["test"]["after"]["accuracy"] > told["test"]["before"]["accuracy"]


def test_nothing_to_mend(tmp_path: Path) -> None:
    done = backlit("train", "iris", *WORDS, "--epochs", 60, "--lr", 0.01, "--out", "run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    if bl.load(tmp_path / "run").diagnose():
        pytest.skip("it isn't healthy on this machine")
    done = backlit("diagnose", "run", "--fix", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no findings: nothing to mend" in done.stdout
    assert not (tmp_path / "run-fixed").exists()


def test_a_text_that_is_read_as_a_stream(tmp_path: Path) -> None:
    words = np.random.default_rng(0).choice(
        ["the", "cat", "sat", "on", "a", "mat", "and", "ran", "to", "see", "the", "bird"], 900
    )
    (tmp_path / "text.txt").write_text(" ".join(words), encoding="utf-8")
    done = backlit("train", "text.txt", "--network", "lstm:4", "--epochs", 2, "--lr", 9, "--engine", "numpy", "-q",
                   "--no-report", "--out", "run", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = backlit("diagnose", "run", "--fix", "--seeds", 2, "-q", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("nothing to mend" in done.stdout) or ("at most 20" in done.stdout)


def test_bad_input(sick: Path, tmp_path: Path) -> None:
    done = backlit("diagnose", "nowhere", "--fix", folder=sick)
    assert (done.returncode, done.stdout) == (2, "")
    done = backlit("diagnose", "run", "--out", "x", folder=sick)
    assert done.returncode == 2
    assert "--out is for --fix" in done.stderr
    done = backlit("diagnose", "run", "--fix", "--seeds", 1, "--out", "x", folder=sick)
    assert done.returncode == 2
    assert "seeds must be a whole number of at least 2" in done.stderr
    done = backlit("diagnose", sick / "run", "--fix", "--out", "x", folder=tmp_path)  # the table isn't there
    assert done.returncode == 2
    assert "was trained on table.csv, which isn't there" in done.stderr
    x = np.random.default_rng(0).normal(size=(40, 3))
    bl.fit(bl.Linear(1), x, x[:, 0], epochs=2, engine="numpy").save(tmp_path / "own")
    done = backlit("diagnose", "own", "--fix", folder=tmp_path)
    assert done.returncode == 2
    assert "trained in Python and doesn't hold its data (no config.toml)" in done.stderr
    (tmp_path / "own" / "weights.safetensors").write_bytes(b"cut")  # as a crash may leave it
    done = backlit("diagnose", "own", "--fix", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_data_that_changed_since(sick: Path, tmp_path: Path) -> None:
    lines = (sick / "table.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "table.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", encoding="utf-8")
    done = backlit("diagnose", sick / "run", "--fix", "--out", "x", folder=tmp_path)
    assert done.returncode == 2
    assert "isn't what" in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to a process on Windows")
def test_interrupted(sick: Path) -> None:
    before = content(sick / "run")
    work = subprocess.Popen(
        [sys.executable, "-m", "backlit", "diagnose", "run", "--fix", "--seeds", "50", "--out", "stopped"],
        cwd=sick, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(4)
    work.send_signal(signal.SIGINT)
    _, errors = work.communicate(timeout=60)
    assert work.returncode in (0, 130), errors  # 0: it was quicker
    assert "Traceback" not in errors
    assert content(sick / "run") == before
    if (sick / "stopped").exists():
        bl.load(sick / "stopped")
