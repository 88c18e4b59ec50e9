"""A table that is read in pieces: what all sources of such tables have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backlit.data.table.values import some
from backlit.errors import InputError, unknown

PIECE = 1 << 24  # bytes of a piece, about, as it lies in memory
FEWEST, MOST = 1 << 10, 1 << 17  # rows of a piece, where there are so many
LARGE = 1 << 25  # bytes that a piece has at most, however few rows these are
NUMBER, TEXT = 8, 32  # bytes of a value, where nothing more is known
LOOK, LOOKS = 64, 4  # rows of which the bytes are counted, and in how many places
FIRST, FIRST_ROWS = 1 << 26, 200  # bytes of a first look, and rows that it has at least


@dataclass(frozen=True)
class Piece:
    """Rows that stand beside each other in one file.

    Attributes
    ----------
    file : int
        Which of the table's files.
    start, rows : int
        The first row's place in the file, from 0, and how many there are.
    offset, size, line : int
        For text: the byte at which they begin, their number, and the line (from 1).
    last : bool
        For text: whether the file ends with it.
    """

    file: int
    start: int
    rows: int
    offset: int = 0
    size: int = 0
    line: int = 0
    last: bool = False


class StreamedTable(ABC):
    """A table that is read in pieces, again and again.

    Attributes
    ----------
    name : str
        For people.
    schema : dict of column to polars type
        As pieces have them before text was made values of.
    seekable : bool
        Whether any piece can be read by itself; otherwise all are read, in order.
    rows, bytes : int or None
        Of the whole, where that is known without reading it.
    notes : list of str
        What should be known about how it is read.
    formats : dict of column to format
        How text becomes values; see `Source.formats`.
    """

    name: str = "table"
    schema: Mapping[str, Any]
    seekable: bool = True
    rows: int | None = None
    bytes: int | None = None
    notes: list[Any]
    formats: dict[str, str]
    row_bytes: int = 0  # of a row, where it was measured
    untyped: bool = False  # whether its values are text that has to be understood

    @abstractmethod
    def scan(self, columns: Sequence[str] | None = None) -> Iterator[tuple[Piece, Any]]:
        """All pieces in order, each with its frame, as it stands in the file."""

    @abstractmethod
    def read(self, piece: Piece, columns: Sequence[str] | None = None) -> Any:
        """One piece's frame, as it stands in the file; of tables that are `seekable`."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Plain data that tells this table from others."""

    @abstractmethod
    def require_same(self) -> None:
        """Refuse data that has changed since it was opened."""

    def place(self, piece: Piece, row: int) -> str:
        """Where a row of a piece stands, for messages."""
        return f"{self.name}, row {piece.start + row + 1}"

    def head(self, most: int) -> Any:
        """Some rows from all over, by which the pass begins: their kinds are guessed, and checked as it goes on."""
        import polars as pl

        most = self.within(most)
        frames, count = [], 0
        for _, frame in self.scan():
            frames.append(frame.head(most - count))
            count += len(frames[-1])
            if count >= most:
                break
        if not count:
            raise InputError(f"{self.name} has no rows")
        return pl.concat(frames, how="vertical_relaxed")

    def typed(self, frame: Any, piece: Piece, formats: Mapping[str, str] | None = None) -> Any:
        """A piece's frame with values instead of text, as `formats` say."""
        del piece, formats
        return frame

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """The whole table in order, a frame at a time.

        Parameters
        ----------
        columns : list of str, optional
            Those that are wanted; all, if left out.
        """
        for piece, frame in self.scan(columns):
            yield self.typed(frame, piece)

    def within(self, most: int) -> int:
        """So many rows, or fewer where they are large: of a first look."""
        return min(most, max(FIRST_ROWS, FIRST // max(self.row_bytes, 1)))

    @property
    def step(self) -> int:
        """Rows of a piece."""
        return rows_of_piece(self.schema, self.row_bytes)

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return list(self.schema)

    def require_columns(self, names: Sequence[str]) -> None:
        """Refuse names that no column has."""
        for name in names:
            if name not in self.schema:
                raise unknown("column", name, self.schema)

    def __repr__(self) -> str:
        rows = "?" if self.rows is None else f"{self.rows:,}"
        return f"{type(self).__name__}({self.name!r}, {rows} × {len(self.schema)})"


def rows_of_piece(schema: Mapping[str, Any], row_bytes: int = 0) -> int:
    """How many rows of such columns make a piece: by their size, within bounds.

    Parameters
    ----------
    schema : dict of column to polars type
    row_bytes : int
        Of a row, as far as that was measured.

    >>> import polars as pl
    >>> rows_of_piece({"a": pl.Float64()}), rows_of_piece({str(i): pl.Float64() for i in range(1000)})
    (131072, 2097)
    """
    width = sum(TEXT if kind.is_nested() or not is_fixed(kind) else NUMBER for kind in schema.values())
    return rows_within(max(width, row_bytes))


def rows_within(row_bytes: int) -> int:
    """How many rows of so many bytes make a piece.

    >>> rows_within(8), rows_within(16_000), rows_within(600_000), rows_within(10**9)
    (131072, 1048, 55, 1)
    """
    width = max(row_bytes, 1)
    return max(1, min(max(FEWEST, min(MOST, PIECE // width)), LARGE // width))


def bytes_of_row(frame: Any) -> int:
    """Bytes that a frame's rows take in the mean."""
    return int(frame.estimated_size()) // max(frame.height, 1)


def is_fixed(kind: Any) -> bool:
    """Whether all values of a type take as many bytes."""
    import polars as pl

    return bool(kind.is_numeric() or kind.is_temporal() or kind in (pl.Boolean, pl.Null))


def require_alike(first: Mapping[str, Any], other: Mapping[str, Any], where: str, beside: str) -> None:
    """Refuse a file whose columns are others than the first one's, or of another kind.

    Raises
    ------
    InputError
        Naming file and column.
    """
    missing = [name for name in first if name not in other]
    more = [name for name in other if name not in first]
    if missing or more:
        what = f"lacks {some(map(repr, missing))}" if missing else f"has {some(map(repr, more))} as well"
        raise InputError(f"{where} {what}: files that are read as one table must have the columns of {beside}")
    for name, kind in first.items():
        if kind_of(kind) != kind_of(other[name]) and "nothing" not in (kind_of(kind), kind_of(other[name])):
            raise InputError(
                f"column {name!r} holds {other[name]} in {where}, but {kind} in {beside}: make it one type in all files"
            )


def kind_of(kind: Any) -> str:
    """A type's family: columns of one family can be put one below another."""
    import polars as pl

    if kind == pl.Null:
        return "nothing"
    if kind.is_numeric():
        return "number"
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    return str(kind.base_type())
