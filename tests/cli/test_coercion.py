"""What is typed is converted as typer converts it; what needs no conversion, without pydantic."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from backlit.cli.options import Command

RUNS = CliRunner()


def given(words: list[str], cls: Any) -> tuple[int, Any, str]:
    """Exit status, what a command was called with, and what it said."""
    got: dict[str, Any] = {}
    app = typer.Typer(add_completion=False)

    @app.command(cls=cls)
    def command(
        data: Annotated[str | None, typer.Argument()] = None,
        more: Annotated[list[str] | None, typer.Argument()] = None,
        out: Annotated[Path | None, typer.Option()] = None,
        epochs: Annotated[int | None, typer.Option()] = None,
        rate: Annotated[float, typer.Option(min=0.0)] = 0.5,
        times: Annotated[int | None, typer.Option(parser=lambda word: 2 * int(word))] = None,
        track: Annotated[list[str] | None, typer.Option()] = None,
        port: Annotated[int, typer.Option(min=0, max=99)] = 8,
        quiet: Annotated[bool, typer.Option("--quiet")] = False,
    ) -> None:
        got.update(locals())

    result = RUNS.invoke(app, words)
    got.pop("got", None)
    return result.exit_code, got, result.output


@pytest.mark.parametrize(
    "words",
    [
        "",
        "iris --out runs/iris --quiet",
        "iris a b --epochs 3 --rate 1 --times 4 --track x --track y",
        "iris --epochs 3.5",
        "iris --port 99",
        "iris --port 007",
        "iris --port 100",
        "iris --port=-1",
        "iris --port 9999999999999999999999",
        "iris --port ٣",
        "iris --epochs many",
        "iris --rate=-1",
        "iris --track x --out .",
    ],
)
def test_a_command_is_given_what_typer_makes_of_the_words(words: str) -> None:
    status, ours, said = given(words.split(), Command)
    expected, theirs, told = given(words.split(), None)
    assert (status, ours) == (expected, theirs)
    assert [type(value) for value in ours.values()] == [type(value) for value in theirs.values()]
    assert status == 0 or said.splitlines()[-3:] == told.splitlines()[-3:]


def test_words_alone_need_no_pydantic() -> None:
    code = """
import sys
from backlit.cli.main import app
try:
    app(["show", "nowhere"])
except SystemExit as ended:
    print(ended.code, *[name for name in ("typer", "pydantic") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "typer"]
