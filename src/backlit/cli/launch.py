"""`backlit launch`: a script of the user's in several processes that train together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from backlit.errors import InputError

NAME = "launch"
EXAMPLES = (
    "Examples:\n\n"
    "backlit launch --processes 2 train.py\n\n"
    "backlit launch --processes 4 train.py --epochs 20 data.csv\n\n"
    "backlit launch --processes 2 -m package.train\n\n"
    "In the script bl.fit trains over all of them; bl.distributed.index() tells which one it runs in."
)
SETTINGS = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def command(
    script: Annotated[
        list[str] | None,
        typer.Argument(help="The script, or -m and a module, and its own arguments.", metavar="SCRIPT"),
    ] = None,
    processes: Annotated[int, typer.Option("--processes", "-n", help="How many to start.")] = 2,
) -> None:
    """Run a Python script in several processes on this machine, which train together.

    Output of the first is shown; the others' errors are told with their number. When one fails, all are stopped.
    """
    from backlit.cli.launching import child, parent

    words = list(script or ())
    if not words or words == [child.MODULE]:
        raise InputError("say which script to run: backlit launch --processes 2 train.py")
    if words[0] != child.MODULE and not Path(words[0]).is_file():
        raise InputError(f"{words[0]}: there is no such script")
    parent.check_processes(processes)
    run([sys.executable, "-m", child.__name__, *words], processes, range(processes), script=True)


def run(command: list[str], processes: int | None, numbers: Sequence[int], script: bool = False) -> NoReturn:
    """Run a command in one or several processes of all that train together, and end as they did."""
    from backlit.cli import output
    from backlit.cli.launching import parent

    cores = parent.cores()
    if len(numbers) > cores:
        output.note(f"{len(numbers)} processes share {cores} cores: that trains no faster than {cores} of them would")
    status, message = parent.Job(command, processes, numbers, script).run()
    if message:
        output.fail(message, status)
    output.leave(status)
