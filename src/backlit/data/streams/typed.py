"""Parquet and Arrow files, read in pieces by polars; NumPy's arrays on disk, by their own slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backlit import bounds
from backlit.data.files.types import wider
from backlit.data.streams.found import Found, identity
from backlit.data.streams.table import LOOK, LOOKS, Piece, StreamedTable, bytes_of_row, is_fixed, require_alike
from backlit.errors import InputError

SPOKEN = {"parquet": "Parquet", "arrow": "Arrow", "npy": ".npy"}
PLACES = 16  # in the table, from which rows are taken for a first look


class PiecedTable(StreamedTable):
    """A table whose files tell how many rows they have, and give any of them."""

    def __init__(self, name: str, schemas: Sequence[Any], counts: Sequence[int], places: Sequence[str]) -> None:
        for schema, place in zip(schemas[1:], places[1:], strict=True):
            require_alike(schemas[0], schema, place, places[0])
        self.name, self.places = name, list(places)
        self.schema = wider(schemas)
        bounds.require("columns", len(self.schema), f"{name} has")
        self.rows = sum(counts)
        if not self.schema:
            raise InputError(f"{name} has no columns")
        if not self.rows:
            raise InputError(f"{name} has no rows")
        self.notes, self.formats = [], {}
        self.row_bytes = self._measured(counts)
        step = self.step
        self.pieces = [
            Piece(file, start, min(step, count - start))
            for file, count in enumerate(counts)
            for start in range(0, count, step)
        ]

    def _measured(self, counts: Sequence[int]) -> int:
        """Bytes of a row, where its columns don't tell: the most of some places."""
        if all(is_fixed(kind) for kind in self.schema.values()):
            return 0
        files = [file for file, count in enumerate(counts) if count]
        chosen = {files[place * (len(files) - 1) // max(LOOKS - 1, 1)] for place in range(LOOKS)}
        looks = [Piece(file, counts[file] // 2, min(LOOK, counts[file] - counts[file] // 2)) for file in sorted(chosen)]
        return max(bytes_of_row(self.read(look)) for look in looks)

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[tuple[Piece, Any]]:
        """All pieces in order."""
        for piece in self.pieces:
            yield piece, self.read(piece, columns)

    def head(self, most: int) -> Any:
        """Rows from some pieces all over the table."""
        import polars as pl

        most = self.within(most)
        count = min(len(self.pieces), PLACES)
        chosen = [self.pieces[place * len(self.pieces) // count] for place in range(count)]
        frames = []
        for piece in chosen:
            rows = min(piece.rows, -(-most // count))
            frames.append(self.read(Piece(piece.file, piece.start, rows)))
        return pl.concat(frames, how="vertical_relaxed")

    def place(self, piece: Piece, row: int) -> str:
        """File and row, from 1."""
        return f"{self.places[piece.file]}, row {piece.start + row + 1}"

    def cast(self, frame: Any) -> Any:
        """A file's frame in the types of the whole table."""
        other = {name: self.schema[name] for name, kind in frame.schema.items() if kind != self.schema.get(name, kind)}
        return frame.cast(other) if other else frame

    def wanted(self, columns: Sequence[str] | None) -> list[str]:
        """The columns to read."""
        return list(self.schema) if columns is None else list(columns)


class FileTable(PiecedTable):
    """Parquet or Arrow files as one table.

    Parameters
    ----------
    files : list of Found
        Of one kind.
    name : str

    Raises
    ------
    InputError
        If one is damaged, has other columns or columns of other types, or there are no rows.
    """

    def __init__(self, files: Sequence[Found], name: str) -> None:
        self.files = list(files)
        self.bytes = sum(file.size for file in files)
        self._scans: dict[int, Any] = {}
        schemas, counts = [], []
        for place, file in enumerate(self.files):
            scan = self._scan(place)
            schema = _tried(file, lambda scan=scan: dict(scan.collect_schema()))
            taken = [column for column, _ in file.hive if column in schema]
            if taken:
                raise InputError(
                    f"{file.path}: the folder's name gives {taken[0]!r}, which is a column of the file, too"
                )
            schemas.append(schema | {column: _hive_type(files, column) for column, _ in file.hive})
            counts.append(_tried(file, lambda scan=scan: int(scan.select(_length()).collect().item())))
        super().__init__(name, schemas, counts, [str(file.path) for file in files])

    def _scan(self, place: int) -> Any:
        import polars as pl

        if place not in self._scans:
            path = self.files[place].path
            opened = pl.scan_parquet if self.files[place].kind == "parquet" else pl.scan_ipc
            options: dict[str, Any] = {"glob": False, "hive_partitioning": False} if opened is pl.scan_parquet else {}
            self._scans[place] = _tried(self.files[place], lambda: opened(path, **options))
        return self._scans[place]

    def read(self, piece: Piece, columns: Sequence[str] | None = None) -> Any:
        """The piece, with the columns that folders name."""
        import polars as pl

        file, names = self.files[piece.file], self.wanted(columns)
        hive = dict(file.hive)
        own = [name for name in names if name not in hive]
        rows = self._scan(piece.file).slice(piece.start, piece.rows)
        frame = _tried(file, lambda: rows.select(own).collect()) if own else pl.DataFrame({"": [0] * piece.rows})
        if len(frame) != piece.rows:
            raise InputError(f"{file.path} gave {len(frame)} rows instead of {piece.rows}; has it changed?")
        frame = self.cast(frame)
        given = [pl.lit(hive[name]).cast(self.schema[name]).alias(name) for name in names if name in hive]
        return frame.with_columns(given).select(names) if given else frame

    def require_same(self) -> None:
        """Refuse files that have changed."""
        for file in self.files:
            file.require_same()

    def state(self) -> dict[str, Any]:
        """The files' names, sizes and times of change."""
        return identity(self.files)


def _length() -> Any:
    import polars as pl

    return pl.len()


def _hive_type(files: Sequence[Found], column: str) -> Any:
    """Whole numbers, numbers or text, as the folders' names of all files are."""
    import polars as pl

    values = pl.Series([dict(file.hive).get(column) for file in files], dtype=pl.String)
    for kind in (pl.Int64, pl.Float64, pl.Date):
        if not (values.cast(kind, strict=False) if kind != pl.Date else values.str.to_date(strict=False)).has_nulls():
            return kind()
    return pl.String()


def _tried(file: Found, reader: Any) -> Any:
    import polars as pl

    try:
        return reader()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{file.path} can't be read as {SPOKEN[file.kind]}: {line}; is it damaged?") from error


class ArrayTable(PiecedTable):
    """NumPy's arrays as a table: a column each, or ``x1``, ``x2``, ... of an array (rows, columns), or fields.

    Parameters
    ----------
    arrays : list of arrays
        On disk (`numpy.memmap`) or in memory; of one kind.
    places : list of str
        What they are called.
    files : list of Found, optional
        Where they lie.
    """

    def __init__(self, arrays: Sequence[np.ndarray], name: str, places: Sequence[str], files: Sequence[Found] = ()):
        self.arrays, self.files = list(arrays), list(files)
        self.bytes = sum(array.nbytes for array in arrays)
        schemas = [dict(_frame(array[:0], place).schema) for array, place in zip(arrays, places, strict=True)]
        super().__init__(name, schemas, [len(array) for array in arrays], places)

    @classmethod
    def of_files(cls, files: Sequence[Found], name: str) -> ArrayTable:
        """The table of .npy files."""
        arrays = []
        for file in files:
            try:
                arrays.append(np.load(file.path, mmap_mode="r", allow_pickle=False))
            except (ValueError, OSError, EOFError, SyntaxError) as error:
                raise InputError(f"{file.path} can't be read as .npy: {error}; is it damaged?") from error
        return cls(arrays, name, [str(file.path) for file in files], files)

    def read(self, piece: Piece, columns: Sequence[str] | None = None) -> Any:
        """The piece, copied out of the array."""
        rows = self.arrays[piece.file][piece.start : piece.start + piece.rows]
        return self.cast(_frame(rows, self.places[piece.file]).select(self.wanted(columns)))

    def require_same(self) -> None:
        """Refuse files that have changed."""
        for file in self.files:
            file.require_same()

    def state(self) -> dict[str, Any]:
        """The files, or what the arrays look like."""
        if self.files:
            return identity(self.files)
        return {"arrays": [[str(array.dtype), list(array.shape)] for array in self.arrays]}


def _frame(array: np.ndarray, place: str) -> Any:
    import polars as pl

    from backlit.data.files.binary import columns_of_array

    return pl.DataFrame(columns_of_array("x", np.asarray(array), Path(place)))
