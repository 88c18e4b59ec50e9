"""Tables of other libraries read in pieces: data frames, data sets of Arrow and Hugging Face, functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backlit.data.streams.found import Found
from backlit.data.streams.table import LOOK as MEASURED
from backlit.data.streams.table import Piece, StreamedTable, bytes_of_row, require_alike
from backlit.data.streams.typed import FileTable, PiecedTable
from backlit.data.table.values import as_polars
from backlit.errors import InputError

LOOK = 1000  # rows that tell a function's columns at the latest


class FrameTable(PiecedTable):
    """A data frame of polars, lazy or not: in memory, or read by polars from wherever it lies."""

    def __init__(self, frame: Any, name: str = "table") -> None:
        import polars as pl

        self.frame = frame.lazy()
        rows = frame.height if isinstance(frame, pl.DataFrame) else self.frame.select(pl.len()).collect().item()
        super().__init__(name, [dict(self.frame.collect_schema())], [int(rows)], [name])

    def read(self, piece: Piece, columns: Sequence[str] | None = None) -> Any:
        """Some of the frame's rows."""
        return self.frame.slice(piece.start, piece.rows).select(self.wanted(columns)).collect()

    def require_same(self) -> None:
        """A frame doesn't change."""

    def state(self) -> dict[str, Any]:
        """Its columns' types and its rows."""
        return {"columns": {name: str(kind) for name, kind in self.schema.items()}, "rows": self.rows}


class DatasetTable(PiecedTable):
    """A data set of Hugging Face, by way of Arrow.

    Parameters
    ----------
    dataset : datasets.Dataset
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset.with_format("arrow")
        name = str(getattr(dataset.info, "dataset_name", None) or "data set")
        schema = dict(
            as_polars(self.dataset[:0] if len(dataset) else dataset.features.arrow_schema.empty_table()).schema
        )
        super().__init__(name, [schema], [len(dataset)], [name])

    def read(self, piece: Piece, columns: Sequence[str] | None = None) -> Any:
        """Some rows, in the order of the data set: what was selected or shuffled there is."""
        names = self.wanted(columns)
        part = self.dataset.select_columns(names) if columns is not None else self.dataset
        return as_polars(part[piece.start : piece.start + piece.rows]).select(names)

    def require_same(self) -> None:
        """A data set doesn't change: another one has another fingerprint."""

    def state(self) -> dict[str, Any]:
        """Its fingerprint, which tells all that was done to it."""
        return {"rows": self.rows, "fingerprint": str(getattr(self.dataset, "_fingerprint", ""))}


class SequentialTable(StreamedTable):
    """Frames that come one after another, and anew in each pass.

    Parameters
    ----------
    frames : callable
        ``frames(columns) -> iterator`` of data frames, the same in each pass; None for all columns.
    name : str
    told : dict
        What tells this table from others.
    """

    seekable = False

    def __init__(
        self, frames: Callable[[Sequence[str] | None], Iterator[Any]], name: str, told: dict[str, Any]
    ) -> None:
        self.name, self._frames, self._told = name, frames, told
        self.notes, self.formats = [], {}
        first = next(iter(self._each(None)), None)
        if first is None:
            raise InputError(f"{name} has no rows")
        self.schema = dict(first.schema)
        self.row_bytes = bytes_of_row(first.head(MEASURED))
        if not self.schema:
            raise InputError(f"{name} has no columns")

    def _each(self, columns: Sequence[str] | None) -> Iterator[Any]:
        for frame in self._frames(columns):
            table = as_polars(_whole(frame))
            if table.height:
                yield table

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[tuple[Piece, Any]]:
        """All frames, cut where they are long."""
        step, start, count = self.step, 0, 0
        for number, frame in enumerate(self._each(columns), 1):
            if columns is None or set(columns) - set(frame.columns):
                require_alike(self.schema, dict(frame.schema), f"block {number} of {self.name}", "its first block")
            for begin in range(0, frame.height, step):
                piece = frame[begin : begin + step].select(list(self.schema) if columns is None else list(columns))
                yield Piece(0, start, piece.height), piece
                start += piece.height
                count += 1
        self.rows = start

    def read(self, piece: Piece, columns: Sequence[str] | None = None) -> Any:
        """Refused: what comes in turn can't be entered anywhere."""
        raise InputError(f"{self.name} is read from its beginning; row {piece.start + 1} can't be read by itself")

    def require_same(self) -> None:
        """What will come can't be told before; each pass counts its rows."""

    def state(self) -> dict[str, Any]:
        """What was told of it."""
        return {**self._told, "columns": list(self.schema)}


def _whole(frame: Any) -> Any:
    """A record batch of Arrow's as a table."""
    if type(frame).__module__.partition(".")[0] == "pyarrow" and type(frame).__name__ == "RecordBatch":
        import pyarrow as pa

        return pa.Table.from_batches([frame])
    return frame


def of_arrow_dataset(dataset: Any) -> StreamedTable:
    """A data set of Arrow's: its Parquet and Arrow files on this machine read by polars, others as Arrow gives them."""
    import pyarrow.dataset as pads

    fragments = list(dataset.get_fragments())
    local = getattr(getattr(dataset, "filesystem", None), "type_name", "") == "local"
    kinds = {type(getattr(fragment, "format", None)).__name__ for fragment in fragments}
    kind = {"ParquetFileFormat": "parquet", "IpcFileFormat": "arrow"}.get(next(iter(kinds), ""))
    if local and len(kinds) == 1 and kind is not None:
        files = [
            _file(fragment, kind, pads.get_partition_keys(fragment.partition_expression)) for fragment in fragments
        ]
        return FileTable(files, "data set")
    told = {"dataset": type(dataset).__name__, "files": list(getattr(dataset, "files", []))}

    def frames(columns: Sequence[str] | None) -> Iterator[Any]:
        return iter(dataset.to_batches(columns=None if columns is None else list(columns)))

    return SequentialTable(frames, "data set", told)


def _file(fragment: Any, kind: str, keys: dict[str, Any]) -> Found:
    from pathlib import Path

    path = Path(fragment.path)
    stat = path.stat()
    return Found(path, kind, tuple((name, str(value)) for name, value in keys.items()), stat.st_size, stat.st_mtime_ns)


def of_iterable(dataset: Any) -> SequentialTable:
    """A data set of Hugging Face that is read as it comes."""

    def frames(columns: Sequence[str] | None) -> Iterator[Any]:
        part = dataset if columns is None else dataset.select_columns(list(columns))
        return iter(part.with_format("arrow").iter(batch_size=LOOK * 10))

    return SequentialTable(frames, "data set", {"dataset": type(dataset).__name__})


def of_function(function: Callable[[], Any], name: str) -> SequentialTable:
    """Frames that a function gives, called anew for each pass.

    Raises
    ------
    InputError
        If it gives something else.
    """

    def frames(columns: Sequence[str] | None) -> Iterator[Any]:
        given = function()
        if not hasattr(given, "__iter__") or hasattr(given, "columns"):
            raise InputError(f"{name} gives {type(given).__name__}; expected a function that yields data frames")
        return iter(given)

    return SequentialTable(frames, name, {"function": name})
