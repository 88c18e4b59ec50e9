"""Tables in files that aren't delimited text: Parquet, Arrow, NumPy's archives, JSON lines, Excel."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError


def parquet(data: bytes, path: Path) -> tuple[Any, list[str]]:
    """A Parquet file's frame."""
    import polars as pl

    return _with_polars(lambda: pl.read_parquet(io.BytesIO(data)), path, "Parquet"), []


def arrow(data: bytes, path: Path) -> tuple[Any, list[str]]:
    """An Arrow (Feather) file's or stream's frame."""
    import polars as pl

    read = pl.read_ipc if data.startswith(b"ARROW1") else pl.read_ipc_stream
    return _with_polars(lambda: read(io.BytesIO(data)), path, "Arrow"), []


def json_lines(data: bytes, path: Path) -> tuple[Any, list[str]]:
    """A frame of one JSON object a line."""
    import polars as pl

    try:
        return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None), []
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, RuntimeError) as error:
        for number, line in enumerate(data.splitlines(), 1):
            try:
                value = json.loads(line) if line.strip() else {}
            except ValueError as wrong:
                raise InputError(f"{path}, line {number} isn't JSON: {wrong}; expected one object a line") from error
            if not isinstance(value, dict):
                what = type(value).__name__
                raise InputError(
                    f'{path}, line {number}: expected an object such as {{"a": 1}}, got a {what}; '
                    "JSON lines hold one object a line"
                ) from error
        raise _unreadable(path, "JSON lines", error) from error


def archive(data: bytes, path: Path) -> tuple[Any, list[str]]:
    """A frame of an .npz archive: a column for each array (rows,), and one for each column of an array (rows, columns).

    The columns of an array ``x`` are called ``x1``, ``x2``, ...; the fields of a structured array are columns, too.
    """
    import polars as pl

    columns: dict[str, np.ndarray] = {}
    rows: dict[str, int] = {}
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            for name in arrays.files:
                found = _columns(name, arrays[name], path)
                columns |= found
                rows |= {name: len(next(iter(found.values())))} if found else {}
    except (ValueError, OSError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise _unreadable(path, ".npz", error) from error
    if len(set(rows.values())) > 1:
        raise InputError(
            f"{path}: its arrays have different numbers of rows ({', '.join(f'{n!r} {k}' for n, k in rows.items())}); "
            "expected one a row in each"
        )
    return _with_polars(lambda: pl.DataFrame(columns), path, ".npz"), []


def _columns(name: str, array: np.ndarray, path: Path) -> dict[str, np.ndarray]:
    if array.dtype.names and array.ndim == 1:
        fields = [_columns(field, array[field], path) for field in array.dtype.names]
        return {column: values for found in fields for column, values in found.items()}
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiubUM":
        raise InputError(f"{path}: array {name!r} holds {array.dtype}; expected numbers, truth values, text or dates")
    if array.ndim == 1:
        return {name: array}
    if array.ndim == 2:
        return {f"{name}{column}": array[:, column - 1] for column in range(1, array.shape[1] + 1)}
    raise InputError(f"{path}: array {name!r} has shape {array.shape}; expected (rows,) or (rows, columns)")


def excel(data: bytes, path: Path) -> tuple[Any, list[str]]:
    """The first sheet of an Excel file."""
    import polars as pl

    try:
        import fastexcel
    except ImportError as error:
        raise InputError(f"{path}: reading Excel files needs another package: pip install 'backlit[excel]'") from error
    try:
        sheets = fastexcel.read_excel(data).sheet_names
        frame = pl.read_excel(io.BytesIO(data), sheet_id=1, infer_schema_length=None, raise_if_empty=False)
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(path, "Excel", error) from error
    notes = [f"only the first sheet is read, {sheets[0]!r} of {len(sheets)}"] if len(sheets) > 1 else []
    unnamed = {name: f"column_{place}" for place, name in enumerate(frame.columns, 1) if name.startswith("__UNNAMED__")}
    notes += [f"column {name.removeprefix('column_')} has no name in the header: called {name!r}"
              for name in unnamed.values()]  # fmt: skip
    return frame.rename(unnamed), notes


def _with_polars(read: Any, path: Path, what: str) -> Any:
    import polars as pl

    try:
        return read()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(path, what, error) from error


def _unreadable(path: Path, what: str, error: BaseException) -> InputError:
    said = str(error).splitlines()
    return InputError(f"{path} can't be read as {what}: {said[0] if said else type(error).__name__}; is it damaged?")
