"""Where in a file a cell stands that can't be used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backlit.data.files.source import place
from backlit.data.labels import UnseenError
from backlit.data.table.values import CellError
from backlit.errors import InputError


@contextlib.contextmanager
def placed(path: Any, formats: Mapping[str, str] | None = None, rows: Any = None) -> Iterator[None]:
    """Tell cells that can't be used by file and line.

    Parameters
    ----------
    path : path, or a data frame, which has no lines
    formats : dict, optional
        Of the source.
    rows : int array, or a function that gives it, optional
        Which of the file's rows are meant by the rows that an error counts.
    """
    try:
        yield
    except (CellError, UnseenError) as error:
        if not isinstance(path, (str, Path)):
            raise
        chosen = rows() if callable(rows) else rows
        where = place(path, error.row if chosen is None else int(chosen[error.row]), formats)
        if isinstance(error, CellError):
            raise error.at(where) from None
        raise InputError(f"{where} {error.what}") from None
