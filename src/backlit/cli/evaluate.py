"""`backlit evaluate`: how good a run is on another file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

NAME = "evaluate"
EXAMPLES = (
    "Examples:\n\nbacklit evaluate runs/houses test.csv\n\nbacklit evaluate runs/houses test.csv --json\n\n"
    "backlit evaluate runs/book other.txt"
)


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    file: Annotated[
        Path,
        typer.Argument(
            help="Table with the target column, tagged sentences (.conll), a folder with one of pictures a class, or a "
            "text for a run that goes on with texts.",
            metavar="FILE",
        ),
    ],
    target: Annotated[
        list[str] | None, typer.Option(help="Name of the target column, if it isn't that of the training.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Score a run on a file that has the targets, too, beside what guessing achieves."""
    import backlit as bl
    from backlit.cli import output
    from backlit.tasks import apply

    loaded = bl.load(run)
    judgement, notes = apply.judgement_on(loaded, file, target)
    for note in notes:
        output.note(note)
    _tell(judgement, as_json)


def _tell(judgement: Any, as_json: bool) -> None:
    from backlit.cli import output, printing

    if as_json:
        output.emit({judgement.what: judgement.rows, **judgement.scores, "judgement": judgement})
    else:
        output.tell(f"{judgement.rows} {judgement.what}\n\n{printing.scores(judgement)}")
