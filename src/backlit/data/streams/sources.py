"""A streamed table as `Source`s, a piece at a time, so that it can be written back with its cells unharmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backlit.data.files.source import Source
from backlit.data.streams.table import StreamedTable
from backlit.data.streams.text import TextTable


def sources(table: StreamedTable) -> Iterator[Source]:
    """The pieces of files in order, typed, with the text of their cells where there is some.

    Parameters
    ----------
    table : StreamedTable
        Of files: see `open_table`.
    """
    files: Any = getattr(table, "files", [])
    for piece, frame in table.scan():
        file = files[piece.file]
        typed = table.typed(frame, piece)
        if not isinstance(table, TextTable):
            yield Source(typed, file.path, "arrow" if file.kind == "arrow" else "parquet")
            continue
        layout, decimal = table.layout(piece), table.options.decimal or "."
        yield Source(
            typed,
            file.path,
            file.kind,
            encoding=layout.encoding,
            separator=layout.dialect.separator,
            decimal=decimal,
            newline=layout.dialect.newline,
            formats=table.formats,
            text=table.texts(piece, table.columns),
        )
