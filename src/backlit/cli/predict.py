"""`backlit predict`: a run's predictions for the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "predict"
EXAMPLES = (
    "Examples:\n\nbacklit predict runs/houses new.csv\n\nbacklit predict runs/houses new.csv --out predictions.csv"
)


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    file: Annotated[Path, typer.Argument(help="CSV file with the input columns, in any order.", metavar="FILE")],
    out: Annotated[
        Path | None, typer.Option(help="Write the file with predictions here instead of to standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """The file's rows, in order, with a column "prediction" and, for classes, a probability for each."""
    import sys

    import polars as pl

    import backlit as bl
    from backlit.cli import output, using
    from backlit.errors import InputError

    loaded = bl.load(run)
    frame = using.table_for(loaded, file)
    if out is not None and out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file")
    inputs = using.inputs_of(loaded, frame)
    columns = {"prediction": loaded.predict(inputs).tolist()}
    if loaded.loss.activation is not None and loaded.classes:
        chances = loaded.predict_proba(inputs)
        columns |= {f"probability_{name}": chances[:, i].tolist() for i, name in enumerate(loaded.classes)}
    for name, count in getattr(loaded.preparation, "unseen", lambda _: {})(frame).items():
        print(f"column {name!r}: {count} rows have a level that training didn't have", file=sys.stderr)
    if as_json:
        output.emit({"rows": frame.height, **columns})
        return
    taken = [name for name in columns if name in frame.columns]
    result = frame.drop(taken).with_columns(**{name: pl.Series(values) for name, values in columns.items()})
    text = result.write_csv()
    if out is None:
        sys.stdout.write(text)
        return
    from backlit.train.storage import writing

    try:
        with writing(out) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} can't be written: {error}") from error
    print(f"{frame.height} predictions written to {out}", file=sys.stderr)
