"""`backlit compare`: runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backlit.run import Run

NAME = "compare"
EXAMPLES = "Examples:\n\nbacklit compare runs/*\n\nbacklit compare runs/a runs/b --json"
SCORES = ("accuracy", "balanced_accuracy", "log_loss", "r2", "rmse", "mae", "bits", "perplexity")  # columns, in order


def command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", metavar="RUN...")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Compare runs, a line each: network, size, training, scores on test rows, the best of each score marked with *."""
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import BacklitError, InputError

    lines = []
    for folder in runs:  # `runs/*` names what else lies there, too
        try:
            lines.append(_line(folder, bl.load(folder)))
        except BacklitError as error:
            if len(runs) == 1:
                raise
            output.note(f"left out: {error}")
    if not lines:
        raise InputError(f"none of these {len(runs)} is a run: name folders that `backlit train` wrote")
    if as_json:
        output.emit({"runs": lines})
        return
    names = [name for name in SCORES if any(name in line["scores"] for line in lines)] or ["loss"]
    best = {name: _best(name, lines) for name in names}
    head = ["run", "network", "parameters", "epochs", "seconds", *names]
    rows = [
        [
            line["run"],
            line["network"],
            f"{line['parameters']:,}",
            line["epochs"],
            f"{line['seconds']:.1f}",
            *[_cell(line["scores"].get(name), best[name]) for name in names],
        ]
        for line in lines
    ]
    output.tell(output.table([head, *rows], left=(0, 1)))
    if len({line["judged_on"] for line in lines}) > 1:
        output.tell("\nScores of validation rows (what early stopping looked at) stand beside scores of test rows.")


def _line(folder: Path, run: Run) -> dict[str, Any]:
    """What is told of a run; one without a judgement has the last losses of its history."""
    judgement = run.judgement or {}
    last = run.history[(run.best_epoch or len(run.history)) - 1] if run.history else {}
    validation_scores = {name.removeprefix("val_"): value for name, value in last.items() if name.startswith("val_")}
    return {
        "run": str(folder),
        "network": judgement.get("plan", repr(run.network.architecture)).split(", ")[0],
        "parameters": run.network.size,
        "epochs": len(run.history),
        "seconds": round(run.seconds, 3),
        "stopped": run.stopped,
        "judged_on": judgement.get("judged_on", "validation"),
        "scores": judgement.get("scores") or validation_scores,
    }


def _best(name: str, lines: list[dict[str, Any]]) -> float | None:
    scores = [line["scores"][name] for line in lines if name in line["scores"]]
    if len(scores) < 2:
        return None
    return min(scores) if name in ("log_loss", "rmse", "mae", "loss", "bits", "perplexity") else max(scores)


def _cell(value: float | None, best: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" + ("*" if value == best else " ")
