"""`backlit predict` on tables that are read as a stream: block by block, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlit.run import Run

LEAST = 64 * 10**6  # bytes of a table that is read block by block


def is_streamed(run: Run, files: Sequence[Path]) -> bool:
    """Whether predictions are made block by block: for large tables, patterns, folders and several files."""
    from backlit.data.table import TablePreparation
    from backlit.tasks.streamed import is_tabular, wants_stream

    if not isinstance(run.preparation, TablePreparation) or not files:
        return False
    if len(files) > 1:
        return all(map(is_tabular, files))
    file = files[0]
    large = is_tabular(file) and file.is_file() and file.stat().st_size > LEAST
    return large or wants_stream(str(file), asked=False)


def predict(
    run: Run,
    files: Sequence[Path],
    out: Path | None,
    predictions: Callable[[Any], dict[str, list[Any]]],
) -> None:
    """Write the files' rows, in order, with what is predicted for each."""
    import polars as pl

    from backlit.cli import output
    from backlit.data.files.appending import appending
    from backlit.data.preparation import preparation_of
    from backlit.data.streams import open_table
    from backlit.data.streams.sources import sources

    preparation = preparation_of(run.preparation)
    table = open_table(files[0] if len(files) == 1 else list(files), formats=preparation.formats)
    rows, strange = 0, Counter[str]()
    with appending(out) as add:
        for source in sources(table):
            columns = predictions(source.frame)
            add(pl.DataFrame({name: pl.Series(values) for name, values in columns.items()}), source)
            strange.update(preparation.unseen(source.frame))
            rows += source.frame.height
    for name, count in strange.items():
        output.note(f"column {name!r}: {count} rows have {preparation.strange} that training didn't have")
    if out is not None:
        output.note(f"{rows} predictions written to {out}")
