"""`backlit diagnose`: what went wrong in a run, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "diagnose"
EXAMPLES = "Examples:\n\nbacklit diagnose runs/digits\n\nbacklit diagnose runs/digits --json"


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Findings: causes first, each with what was measured, the threshold, the remedy and what follows from it."""
    import backlit as bl
    from backlit.cli import output

    loaded = bl.load(run)
    found = loaded.diagnose()
    if as_json:
        output.emit(found.to_dict() | {"probes": bool(loaded.probes)})
        return
    print(found)
    if not loaded.probes or loaded.start is None:
        output.note(
            "this run has no probes, or was trained by an older version: only its history could be judged; train with "
            "probes='standard', the default, for what goes on inside"
        )
