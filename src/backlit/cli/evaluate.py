"""`backlit evaluate`: how good a run is on another file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "evaluate"
EXAMPLES = "Examples:\n\nbacklit evaluate runs/houses test.csv\n\nbacklit evaluate runs/houses test.csv --json"


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    file: Annotated[Path, typer.Argument(help="CSV file with the target column.", metavar="FILE")],
    target: Annotated[
        str | None, typer.Option(help="Name of the target column, if it isn't that of the training.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Loss and metrics of a run on a file that has the targets, too."""
    import backlit as bl
    from backlit.cli import output, using
    from backlit.data.table import targets
    from backlit.errors import InputError

    loaded = bl.load(run)
    frame = using.table_for(loaded, file)
    name = target or getattr(loaded.preparation, "target", None)
    if name is None:
        raise InputError(f"say which column of {file} holds the targets: --target COLUMN")
    y, _ = targets(frame, name, "classification" if loaded.classes else "regression", varied=False)
    scores = loaded.evaluate(using.inputs_of(loaded, frame), y)
    if as_json:
        output.emit({"rows": len(y), **scores})
    else:
        print(output.table([[f"{len(y)} rows", ""], *[[key, f"{value:.4f}"] for key, value in scores.items()]]))
