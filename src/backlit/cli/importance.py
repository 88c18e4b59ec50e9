"""`backlit importance`: which columns a run depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "importance"
EXAMPLES = (
    "Examples:\n\nbacklit importance runs/houses test.csv\n\n"
    "backlit importance runs/houses test.csv --plot importance.png"
)


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    file: Annotated[Path, typer.Argument(help="Table with the target column, best of unseen rows.", metavar="FILE")],
    target: Annotated[
        list[str] | None, typer.Option(help="Name of the target column, if it isn't that of the training.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Shuffles of each column, from 1.")] = 5,
    seed: Annotated[int, typer.Option(help="Origin of the shuffles.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Write the picture here (.png, .svg, .pdf).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Rank columns by the score lost when their values are shuffled, and by their share in gradient × input."""
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import InputError
    from backlit.tasks import apply

    output.check_picture(plot)
    loaded = bl.load(run)
    if apply.is_forecaster(loaded):
        raise InputError(f"{run} is a run on time series; importance is for columns of rows that stand alone")
    with apply.told_by_line(loaded, file, target):
        frame, y, _, notes = apply.known_rows(loaded, file, target)
    for note in notes:
        output.note(note)
    with apply.told_by_line(loaded, file, target):
        importance = bl.importance(loaded, apply.inputs_of(loaded, frame, file), y, repeats=repeats, seed=seed)
    if plot is not None:
        output.save_picture(importance.plot(), plot)
    if as_json:
        output.emit({"measure": importance.measure, "score": importance.score, "columns": importance.rows})
        return
    lines = [
        [row["column"], f"{row['lost']:.4f}", f"± {row['spread']:.4f}", f"{row['loss']:.4f}", _share(row["gradient"])]
        for row in importance.rows
    ]
    output.tell(f"{importance.measure} {importance.score:.4f} on {len(y)} rows; lost when a column is shuffled:\n")
    output.tell(output.table([["column", "lost", "", "loss gained", "gradient × input"], *lines]))


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
