"""Tables in binary files: Parquet, Arrow, Avro, NumPy's arrays, Excel, SQLite."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import time
import tokenize
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from backlit import bounds
from backlit.data.files.spreadsheets import require_dense, require_unpacked
from backlit.data.files.values import series
from backlit.errors import InputError, unknown
from backlit.extras import need

CELL, SOME = 8, 10_000  # bytes of a cell at least, and rows that a database is asked for at a time
SECONDS, STEPS = 60, 100_000  # that a database may search for rows, and its steps between two looks at the clock


BROKEN = (MemoryError, SyntaxError, tokenize.TokenError)  # what damaged headers of NumPy's files lead to


def parquet(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """A Parquet file's frame."""
    import polars as pl

    def read() -> Any:
        columns = pl.read_parquet_schema(io.BytesIO(data))
        rows = pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item()
        _require_size(path, rows, len(columns), len(data))
        return pl.read_parquet(io.BytesIO(data))

    return _with_polars(read, path, "Parquet"), []


def arrow(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """An Arrow (Feather) file's or stream's frame."""
    import polars as pl

    if data.startswith(b"FEA1"):
        raise InputError(f"{path} is a Feather file of the old version 1, which isn't read; save it as Parquet or CSV")

    def read() -> Any:
        if not data.startswith(b"ARROW1"):
            return pl.read_ipc_stream(io.BytesIO(data))
        columns = pl.read_ipc_schema(io.BytesIO(data))
        rows = pl.scan_ipc(io.BytesIO(data)).select(pl.len()).collect().item()
        _require_size(path, rows, len(columns), len(data))
        return pl.read_ipc(io.BytesIO(data))

    return _with_polars(read, path, "Arrow"), []


def _require_size(path: Path, rows: int, columns: int, size: int) -> None:
    """Refuse a table that its file of so many bytes repeats rather than holds."""
    bounds.require("columns", columns, f"{path} has")
    bounds.require("unpacked", rows * columns * CELL, f"{path} unpacks to", bounds.TIMES * size)


def avro(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """An Avro file's frame."""
    import polars as pl

    return _with_polars(lambda: pl.read_avro(io.BytesIO(data)), path, "Avro"), []


def archive(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """A frame of an .npz archive: a column for each array (rows,), and one for each column of an array (rows, columns).

    The columns of an array ``x`` are called ``x1``, ``x2``, ...; the fields of a structured array are columns, too.
    """
    import polars as pl

    columns: dict[str, np.ndarray] = {}
    rows: dict[str, int] = {}
    try:
        require_unpacked(data, path)
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            for name in arrays.files:
                if not isinstance(arrays[name], np.ndarray):
                    raise InputError(
                        f"{path} is a zip archive, but none of NumPy's: {name!r} in it is no array; if it holds a "
                        "table, name it so that it ends in .csv.zip"
                    )
                columns_here = columns_of_array(name, arrays[name], path)
                columns |= columns_here
                rows |= {name: len(next(iter(columns_here.values())))} if columns_here else {}
    except (ValueError, OSError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, *BROKEN) as error:
        if isinstance(error, InputError):
            raise
        raise _unreadable(path, ".npz", error) from error
    if len(set(rows.values())) > 1:
        raise InputError(
            f"{path}: its arrays have different numbers of rows ({', '.join(f'{n!r} {k}' for n, k in rows.items())}); "
            "expected one a row in each"
        )
    return _with_polars(lambda: pl.DataFrame(columns), path, ".npz"), []


def array(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """A frame of one array, .npy: a column, or ``x1``, ``x2``, ... for each of its columns."""
    import polars as pl

    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, *BROKEN) as error:
        raise _unreadable(path, ".npy", error) from error
    columns = columns_of_array("x", values, path)
    return _with_polars(lambda: pl.DataFrame(columns), path, ".npy"), []


def database(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """A table of a SQLite database: the one there is, or the one that is named."""
    import polars as pl

    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(data)
            deadline = time.monotonic() + SECONDS  # a view may search for ever without a row
            connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(bounds.current().text, len(data)))
            name_rows = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
            names = [name for (name,) in name_rows if not name.startswith("sqlite_")]
            if part is not None and part not in names:
                raise unknown(f"table of {path}", part, names)
            if part is None and len(names) != 1:
                listed = ", ".join(names[:10]) or "none"
                raise InputError(f"{path} holds {len(names)} tables ({listed}); say which: {path}::TABLE")
            quoted = (part or names[0]).replace('"', '""')
            cursor = connection.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 (the table's name, quoted)
            header = [column[0] for column in cursor.description]
            columns: list[list[Any]] = [[] for _ in header]
            while some := cursor.fetchmany(SOME):
                for column, values in zip(columns, zip(*some, strict=True), strict=True):
                    column += values
                amount = len(header) * len(columns[0])  # a view can go on for ever
                bounds.require("cells", amount, f"{path}: {part or names[0]!r} has at least", len(data))
    except sqlite3.Error as error:
        raise _unreadable(path, "SQLite", error) from error
    return pl.DataFrame([series(name, column) for name, column in zip(header, columns, strict=True)]), []


def columns_of_array(name: str, array: np.ndarray, path: Path) -> dict[str, np.ndarray]:
    """The columns of an array: a field each, or one for each column."""
    if array.dtype.names and array.ndim == 1:
        fields = [columns_of_array(field, array[field], path) for field in array.dtype.names]
        return {column: values for field_columns in fields for column, values in field_columns.items()}
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiubUM":
        raise InputError(f"{path}: array {name!r} holds {array.dtype}; expected numbers, truth values, text or dates")
    if array.ndim == 1:
        return {name: array}
    if array.ndim == 2:
        bounds.require("columns", array.shape[1], f"{path}: array {name!r} has")
        return {f"{name}{column}": array[:, column - 1] for column in range(1, array.shape[1] + 1)}
    raise InputError(f"{path}: array {name!r} has shape {array.shape}; expected (rows,) or (rows, columns)")


def excel(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """The first sheet of an Excel file, or the one that is named."""
    import polars as pl

    fastexcel = need("fastexcel", extra="excel", why=f"{path}: reading Excel files")
    require_unpacked(data, path)
    require_dense(data, path)
    try:
        sheets = fastexcel.read_excel(data).sheet_names
        if part is not None and part not in sheets:
            raise unknown(f"sheet of {path}", part, sheets)
        sheet: dict[str, Any] = {"sheet_id": 1} if part is None else {"sheet_name": part}
        frame = pl.read_excel(io.BytesIO(data), infer_schema_length=None, raise_if_empty=False, **sheet)
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(path, "Excel", error) from error
    notes = (
        [f"only the first sheet is read, {sheets[0]!r} of {len(sheets)}"] if len(sheets) > 1 and part is None else []
    )
    unnamed = {name: f"column_{place}" for place, name in enumerate(frame.columns, 1) if name.startswith("__UNNAMED__")}
    notes += [f"column {name.removeprefix('column_')} has no name in the header: called {name!r}"
              for name in unnamed.values()]  # fmt: skip
    return frame.rename(unnamed), notes


def _with_polars(reader: Any, path: Path, kind: str) -> Any:
    import polars as pl

    try:
        return reader()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(path, kind, error) from error


def _unreadable(path: Path, kind: str, error: BaseException) -> InputError:
    lines = str(error).splitlines()
    return InputError(f"{path} can't be read as {kind}: {lines[0] if lines else type(error).__name__}; is it damaged?")
