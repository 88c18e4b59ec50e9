"""Every command that a finding tells runs as it is pasted, with the user's own table in place of TABLE and COLUMN."""

import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import backlit as bl
from backlit.cli.main import app
from backlit.doctor.findings import kinds
from backlit.report.reproduce import amended
from tests.tasks.test_fit_pictures import stripes

FILLED = {"rate": 0.1, "lower": 0.01, "start": 0.003, "better": 0.02}
COMMANDS = {
    name: (kind.command or next(sign.command for sign in kind.signs if sign.command)).format(**FILLED)
    for name, kind in kinds().items()
    if kind.command or any(sign.command for sign in kind.signs)
}
STREAMED = ["--epochs", "2", "--engine", "numpy"]
QUICK = [*STREAMED, "--ensemble", "1"]


def typed(words: list[str]) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, f"backlit {shlex.join(words)}\n{done.output[-800:]}"


def written(path: Path, head: str, lines: list[str]) -> str:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Runs of the command, by the networks that are told: of a table, of pictures, and of a text; and tables."""
    folder = tmp_path_factory.mktemp("commands")
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'no' if a + b > 0 else 'yes'}" for a, b in rng.normal(size=(60, 2))]
    texts = [f"{'good' if i % 2 else 'bad'} day number {i},{'yes' if i % 2 else 'no'}" for i in range(60)]
    words = " ".join(rng.choice(["the", "cat", "sat", "on", "a", "mat", "and", "ran"], 400))
    data = {
        "table": written(folder / "rows.csv", "a,b,y", rows), "texts": written(folder / "texts.csv", "words,y", texts),
        "lstm": written(folder / "text.txt", words, []), "resnet": str(stripes(folder / "stripes", rng)),
    }  # fmt: skip
    asked = {"table": ["--target", "y"], "resnet": [], "lstm": ["--network", "lstm:4"]}
    for name, options in asked.items():
        typed(["train", data[name], *options, *(STREAMED if name == "lstm" else QUICK), "--out", str(folder / name)])
    return {name: str(folder / name) for name in asked} | {"TABLE": data["table"], "texts": data["texts"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_runs_as_it_is_pasted(name: str, ran: dict[str, str], tmp_path: Path) -> None:
    command, new = COMMANDS[name], str(tmp_path / "new")
    if command.startswith("backlit "):
        columns = iter(["y", "words"])
        own = {"TABLE": ran["texts" if "--text" in command else "TABLE"]}
        words = [next(columns) if word == "COLUMN" else own.get(word, word) for word in shlex.split(command, True)]
        typed([*words[1:], *QUICK, "--out", new])
        return
    run = bl.load(ran[next((kind for kind in ("lstm", "resnet") if kind in command), "table")])
    line = amended(run, command)
    assert line is not None
    words = shlex.split(line)
    assert words[0] == "backlit"
    typed([*words[1:], "--out", new])
    assert bl.load(new).config != run.config or command == "--dropout 0.2"  # which is the default
