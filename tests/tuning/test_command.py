"""`backlit tune`: what it prints, its statuses, going on after it was killed, and the page that tells of it."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import command  # noqa: F401  a fixture

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
RNG = np.random.default_rng(0)
QUICK = ("--target", "price", "--network", "mlp:4", "--epochs", "9", "--ensemble", "2", "--no-report")
SEARCH = (*QUICK, "--try", "lr=1e-4..1e-1", "--trials", "9", "--json", "--quiet")
KILLED = """
import os, signal
from backlit.cli.main import main
from backlit.tuning.journal import Journal

keep = Journal.keep

def kept(journal, trials):
    keep(journal, trials)
    os.kill(os.getpid(), signal.SIGKILL)

Journal.keep = kept
main()
"""


def houses(folder):
    area, north = RNG.uniform(40, 200, 120), RNG.random(120) < 0.5
    price = 2.5 * area + 50 * north
    rows = [f"{a:.1f},{'north' if n else 'south'},{p:.2f}\n" for a, n, p in zip(area, north, price, strict=True)]
    (folder / "houses.csv").write_text("area,place,price\n" + "".join(rows), encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("houses")
    houses(folder)
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def test_the_table_is_printed(command, here):  # noqa: F811
    words = ("--try", "lr=1e-3..1e-1", "--try", "network=mlp:4,mlp:4,4", "--trials", "8", "--out", "printed")
    status, out, err = command("tune", "houses.csv", *QUICK, *words)
    assert status == 0, err
    head, *lines = out[out.index("  place  trial") :].splitlines()[:9]
    assert head.split() == ["place", "trial", "val_loss", "epochs", "learning_rate", "network"]
    assert [line.split()[0] for line in lines] == list("12345678")
    assert {line.split()[-1] for line in lines} == {"mlp:4", "mlp:4,4"}
    scores = [float(line.split()[2]) for line in lines]
    assert scores[:3] == sorted(scores[:3])
    assert re.search(r"of the differences after the first rung went with|no setting by itself made a difference", out)
    assert f"picture: {Path('printed/search/trials.png')}" in out
    assert "trial" in err
    assert "is the best, val_loss" in err
    assert command("show", "printed")[0] == 0
    status, _, err = command("train", "--config", "printed/config.toml", "--out", "again", "--quiet", "--no-report")
    assert status == 0, err
    best = json.loads(Path("printed/search/trials.json").read_text(encoding="utf-8"))["best"]
    assert best["network"] in Path("printed/config.toml").read_text(encoding="utf-8")


def test_killed_between_rungs_it_goes_on_bit_for_bit(command, here):  # noqa: F811
    status, out, err = command("tune", "houses.csv", *SEARCH, "--out", "whole")
    assert status == 0, err
    whole = json.loads(out)["tuning"]
    assert [trial["epochs"] for trial in whole["trials"]] == [9] + [3] * 2 + [1] * 6
    assert whole == json.loads((here / "whole/search/trials.json").read_text(encoding="utf-8"))
    killed = subprocess.run([sys.executable, "-c", KILLED, "tune", "houses.csv", *SEARCH, "--out", "cut"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len((here / "cut/search/trials.jsonl").read_text(encoding="utf-8").splitlines()) == 9
    assert (here / "cut/search/states.safetensors").exists()
    assert not (here / "cut/network.json").exists()
    status, out, err = command("tune", "--resume", "--out", "cut", "--json", "--quiet")  # all else it knows
    assert status == 0, err
    assert json.loads(out)["tuning"] == whole
    assert len((here / "cut/search/trials.jsonl").read_text(encoding="utf-8").splitlines()) == 9 + 3 + 1
    for name in ("whole", "cut"):
        assert command("predict", name, "houses.csv", "--out", f"{name}.csv")[0] == 0
    assert (here / "cut.csv").read_bytes() == (here / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--try", "lr=1..0.1"), 2, "try lr=1..0.1: the range is inverted"),
        (("--try", "lr"), 2, "--try lr: expected NAME=VALUES"),
        (("--try", "lrr=1..2"), 2, "unknown setting to try 'lrr'; did you mean 'lr'"),
        (("--trials", "0"), 2, "trials"),
        (("--backend", "rai"), 2, "unknown backend 'rai'; did you mean 'ray'"),
        (("--resume",), 2, "--resume needs --out FOLDER, the folder of the search to go on with"),
        (("--try", "lr=1e38,2e38", "--optimizer", "sgd"), 1, "all 2 candidates diverged, to NaN or infinity"),
    ],
)
def test_statuses(command, here, words, status, says):  # noqa: F811
    given = () if "--resume" in words else ("--out", "wrong")
    found, out, err = command("tune", "houses.csv", *QUICK, *words, *given)
    assert (found, out) == (status, "")
    assert says in " ".join(err.split())
    assert "Traceback" not in err


def test_nothing_to_go_on_with(command, here):  # noqa: F811
    status, _, err = command("tune", "--resume", "--out", "nowhere")
    assert status == 2
    assert "nowhere holds no search to go on with" in " ".join(err.split())


@pytest.mark.slow
@pytest.mark.parametrize("page", ["tune.md", "tune.ko.md"])
def test_the_page(command, page, tmp_path, monkeypatch):  # noqa: F811
    """Its lines as they stand there, its commands with fewer trials and epochs."""
    houses(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    text = (DOCS / page).read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    exec(compile(code, page, "exec"), {})  # noqa: S102
    assert (tmp_path / "trials.png").stat().st_size > 0
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 3
    goes_on = re.findall(r"`backlit (tune --resume [^`]*)`", text)
    assert len(goes_on) == 1
    if page != "tune.md":  # the commands are the same in both
        assert commands == re.findall(
            r"^    backlit (.*)$", (DOCS / "tune.md").read_text(encoding="utf-8"), re.MULTILINE
        )
        return
    for line in commands:
        line = re.sub(r" --trials \d+", "", line)
        status, _, err = command(*shlex.split(line), "--trials", "2", "--epochs", "2", "--no-report")
        assert status == 0, err
    status, _, err = command(*shlex.split(goes_on[0]))
    assert status == 0, err
