"""Whatever holds a table that may be larger than memory, opened to be read in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.files.options import KEY, FileOptions
from backlit.data.streams.foreign import DatasetTable, FrameTable, of_arrow_dataset, of_function, of_iterable
from backlit.data.streams.found import found
from backlit.data.streams.given import is_dataset, is_function, is_once, name_of
from backlit.data.streams.table import StreamedTable
from backlit.data.streams.text import TextTable
from backlit.data.streams.typed import ArrayTable, FileTable
from backlit.data.table.values import as_polars
from backlit.errors import InputError


def open_table(data: Any, *, formats: Mapping[str, str] | None = None, **reading: Any) -> StreamedTable:
    """A table to be read in pieces, of which only the heads are read now.

    Parameters
    ----------
    data : path, pattern, folder, list of paths, data set, data frame, array, or function
        Parquet, Arrow, CSV, TSV or .npy files of the same columns ("parts/*.parquet", or a folder; folders such as
        ``year=2024`` in it become columns); a data set of Arrow or Hugging Face; a function that yields data frames,
        called anew for each pass; a `numpy.memmap`.
    formats : dict, optional
        How columns of text are read; see `Source.formats`.
    **reading
        Any of decimal, skip_lines, header, separator, encoding, missing: see `read`.

    Raises
    ------
    InputError
        If nothing matches, files differ in their columns, one is damaged or empty, or data can't be read again.

    Examples
    --------
    >>> import polars as pl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in range(3):
    ...         pl.DataFrame({"size": [part, part + 1]}).write_parquet(pathlib.Path(folder) / f"{part}.parquet")
    ...     table = open_table(pathlib.Path(folder) / "*.parquet")
    ...     table.rows, [frame["size"].to_list() for frame in table.frames()]
    (6, [[0, 1], [1, 2], [2, 3]])
    """
    opened = _of_object(data)
    if opened is not None:
        if reading and any(value is not None for value in reading.values()):
            raise InputError(
                f"how text is laid out ({', '.join(reading)}) is said of files, not of {type(data).__name__}"
            )
        return opened
    files = found(data)
    name = Path(files[0].path).name.split(".")[0] if len(files) == 1 else str(data)
    if files[0].kind in ("csv", "tsv"):
        saved = dict(formats or {})
        return TextTable(files, name, FileOptions.from_text(saved.get(KEY, ""), **reading), saved)
    if files[0].kind == "npy":
        return ArrayTable.of_files(files, name)
    return FileTable(files, name)


def _of_object(data: Any) -> StreamedTable | None:
    """The table that something in Python is; None for paths."""
    import polars as pl

    if isinstance(data, StreamedTable):
        return data
    if isinstance(data, np.ndarray):
        return ArrayTable([data], "array", ["array"])
    if isinstance(data, (pl.DataFrame, pl.LazyFrame)):
        return FrameTable(data)
    if is_once(data):
        raise InputError(
            f"a {type(data).__name__} gives its frames once, but each epoch reads them anew: give the function that "
            "makes it, without calling it"
        )
    if is_function(data):
        return of_function(data, name_of(data))
    if is_dataset(data):
        if type(data).__module__.startswith("pyarrow"):
            return of_arrow_dataset(data)
        return DatasetTable(data) if hasattr(data, "__len__") else of_iterable(data)
    if isinstance(data, (str, Path, list, tuple)):
        return None
    return FrameTable(as_polars(data))
