"""`backlit evaluate`: how good a run is on another file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

NAME = "evaluate"
EXAMPLES = "Examples:\n\nbacklit evaluate runs/houses test.csv\n\nbacklit evaluate runs/houses test.csv --json"


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    file: Annotated[
        Path,
        typer.Argument(help="Table with the target column, or a folder with one of pictures a class.", metavar="FILE"),
    ],
    target: Annotated[
        list[str] | None, typer.Option(help="Name of the target column, if it isn't that of the training.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Scores of a run on a file that has the targets, too, beside what guessing achieves."""
    import backlit as bl
    from backlit.tasks import apply as using
    from backlit.tasks.judge.forecast import judge_windows
    from backlit.tasks.judge.scores import best_guess, judge, worst

    loaded = bl.load(run)
    if using.is_forecaster(loaded):
        windows = using.judged_windows(loaded, file, target)
        _tell(judge_windows(loaded, windows), len(windows), "windows", as_json)
        return
    if using.takes_pictures(loaded):
        inputs, y, names = using.judged_pictures(loaded, file, target)
        task = "classification"
    else:
        frame, y, task = using.judged_rows(loaded, file, target)
        inputs, names = using.inputs_of(loaded, frame, file), None
    guess = (loaded.judgement or {}).get("guess") or best_guess(loaded, task, y)
    outputs = loaded.outputs(inputs)
    judged = judge(loaded, task, guess, outputs, y)
    if names is not None:
        judged["worst"] = worst(loaded, outputs, y, names)
    _tell(judged, len(y), "rows", as_json)


def _tell(judged: dict[str, Any], count: int, what: str, as_json: bool) -> None:
    from backlit.cli import output
    from backlit.cli import printing as report

    if as_json:
        output.emit({what: count, **judged["scores"], "judgement": judged})
    else:
        print(f"{count} {what}\n\n{report.scores(judged)}")
