"""`backlit export`: a run as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backlit.run import Run

NAME = "export"
EXAMPLES = (
    "Examples:\n\nbacklit export runs/houses houses.onnx\n\n"
    "backlit export runs/houses houses.onnx --examples new.csv --overwrite\n\n"
    "backlit export runs/digits digits.onnx --opset 18 --json"
)
ROUNDING = 1e-4  # a difference beyond which it isn't float32's


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    file: Annotated[Path, typer.Argument(help="File to write; its name ends in .onnx.", metavar="FILE")],
    opset: Annotated[int, typer.Option(help="Version of ONNX's operators, from 18 on.")] = 20,
    examples: Annotated[
        Path | None,
        typer.Option(
            help="Table, or pictures, to compare ONNX Runtime's outputs on with the run's; by default rows are drawn "
            "by chance, where that can be done.",
            metavar="FILE",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Write a run as an ONNX file: what prepares its inputs, the network, and what its outputs mean.

    Shows the file's inputs and outputs, what stays outside, and how far ONNX Runtime's outputs are from Backlit's.
    """
    import backlit as bl
    from backlit.cli import output

    loaded = bl.load(run)
    made = loaded.export(file, opset=opset, overwrite=overwrite, examples=_examples(loaded, examples))
    if as_json:
        output.emit(made.to_dict())
    else:
        output.tell(made)
    if made.difference is None:
        output.note("not compared with ONNX Runtime: it isn't installed, or rows can't be drawn (give --examples)")
    elif made.difference.largest > ROUNDING:
        output.note(f"output {made.difference.output!r} differs by more than rounding does: look at the rows' numbers")


def _examples(run: Run, file: Path | None) -> Any:
    """Rows of a file, as the run takes them."""
    from backlit.data.files.zones import at_home
    from backlit.errors import InputError
    from backlit.tasks import apply

    if file is None:
        return None
    if not file.exists():
        raise InputError(f"--examples {file}: there is no such file")
    if apply.takes_pictures(run) or apply.reads_pairs(run):
        return file
    source = apply.source_for(run, file)
    if apply.is_forecaster(run):
        return at_home(source.frame, run.preparation.time, source.formats)
    return apply.inputs_of(run, source.frame, file)
