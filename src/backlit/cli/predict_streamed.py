"""`backlit predict` on tables that are read as a stream: block by block, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlit.run import Run

LEAST = 64 * 10**6  # bytes of a table that is read block by block


def is_streamed(run: Run, files: Sequence[Path], out: Path | None = None, whole: bool = False) -> bool:
    """Whether predictions are made block by block: for large tables, patterns, folders and several files.

    A file that fits into memory is read whole if it can't be read in pieces, or what is asked for isn't written in
    pieces.

    Parameters
    ----------
    run : Run
    files : list of Path
    out : Path or None
        Where predictions go.
    whole : bool
        Whether something is asked for that needs all rows, such as one JSON object.
    """
    from backlit.data.files.appending import in_parts
    from backlit.data.streams.found import is_streamable
    from backlit.data.table import TablePreparation
    from backlit.tasks.streamed import wants_stream

    if not isinstance(run.preparation, TablePreparation) or not files:
        return False
    if len(files) > 1:
        return all(map(is_streamable, files))
    file = files[0]
    if wants_stream(str(file), asked=False):
        return True
    if not is_streamable(file) or not file.is_file() or file.stat().st_size <= LEAST:
        return False
    return not whole and in_parts(out, file) and _opens(file)


def meant(files: Sequence[Path]) -> list[Path]:
    """The files that patterns and folders stand for."""
    from backlit.data.streams.found import found

    return [file.path for file in found(list(files))]


def _opens(file: Path) -> bool:
    """Whether a file can be read in pieces: text in UTF-16, say, is read whole."""
    from backlit.data.streams import open_table
    from backlit.errors import InputError

    try:
        open_table(file)
    except InputError:
        return False
    return True


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
