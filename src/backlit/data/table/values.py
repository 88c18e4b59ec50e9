"""A table's values as text and as numbers, whatever type a file or a data frame gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.table.foreign import plain
from backlit.errors import InputError, unknown


class CellError(InputError):
    """A cell that can't be used: which column, which row of the table (from 0), and what is wrong with it."""

    def __init__(self, column: str, row: int, what: str, role: str = "column") -> None:
        super().__init__(f"{role} {column!r}, row {row + 1}{what}")
        self.column, self.row, self.what, self.role = column, row, what, role

    def of(self, rows: Any) -> CellError:
        """The same of the table that these rows were taken from."""
        return CellError(self.column, int(rows[self.row]), self.what, self.role)

    def at(self, place: str) -> InputError:
        """The same with the file and line of the row."""
        return InputError(f"{place}, {self.role} {self.column!r}{self.what}")


def infinite(column: str, row: int) -> CellError:
    """The error for a number that is infinite."""
    return CellError(column, row, " is infinite; mend or empty it")


def as_polars(frame: Any) -> Any:
    """Anyone's data frame as polars' (through narwhals); polars' own as it is."""
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    import narwhals as nw

    frame = plain(frame)
    try:
        if isinstance(frame, dict):
            return pl.DataFrame(frame)
        return nw.from_native(frame, eager_only=True).to_polars()
    except nw.exceptions.DuplicateError as error:
        raise InputError(f"two columns have the same name; give each a name of its own ({error})") from error
    except pl.exceptions.PolarsError as error:
        raise InputError(f"these columns make no table: {error}") from error
    except TypeError as error:
        if hasattr(frame, "collect"):
            raise InputError(f"{type(frame).__name__} isn't read yet; call its collect() first") from error
        if isinstance(frame, dict) or hasattr(frame, "columns"):
            raise InputError(f"a column holds values of several types; make them one ({error})") from error
        raise InputError(f"expected a data frame with named columns, got {type(frame).__name__}") from error
    except ValueError as error:  # pyarrow's, of columns of mixed types
        raise InputError(f"a column holds values of several types; make them one ({error})") from error


def column_of(frame: Any, name: str) -> Any:
    """A column, or an error that names the nearest."""
    if name not in frame.columns:
        raise unknown("column", name, frame.columns)
    return frame[name]


def known(column: Any) -> Any:
    """The values that aren't missing."""
    return (column.fill_nan(None) if column.dtype.is_float() else column).drop_nulls()


def words(column: Any) -> Any:
    """Values as text; whole numbers without a point, since a missing value may have made them decimal."""
    import polars as pl

    if column.dtype == pl.String:
        return column
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.drop_nulls()
        if len(whole) and bool(((whole == whole.round(0)) & (whole.abs() < 2**53)).all()):
            column = column.cast(pl.Int64)
    if column.dtype == pl.Duration:
        column = column.cast(pl.Int64)
    return column.cast(pl.String)


def is_text(column: Any) -> bool:
    """Whether a column holds text."""
    import polars as pl

    return bool(column.dtype == pl.String)


def numbers(column: Any) -> np.ndarray:
    """A column as float64, missing values as NaN; what is no number or infinite is refused by its row."""
    import polars as pl

    if column.dtype.is_numeric() or column.dtype == pl.Null:
        values = column.cast(pl.Float64).to_numpy()
    elif column.dtype == pl.Duration:
        values = column.dt.total_microseconds().cast(pl.Float64).to_numpy() / 1e6
    else:
        text = words(column)
        parsed = text.str.strip_chars().cast(pl.Float64, strict=False)
        invalid = parsed.is_null() & text.is_not_null()
        if invalid.any():
            row = int(invalid.arg_max() or 0)
            raise CellError(column.name, row, f": expected a number, got {column[row]!r}")
        values = parsed.to_numpy()
    invalid = np.isinf(values)
    if invalid.any():
        raise infinite(column.name, int(invalid.argmax()))
    return values


def is_number(word: Any) -> bool:
    """Whether a text reads as a number."""
    try:
        float(word)
    except (TypeError, ValueError):
        return False
    return "_" not in str(word)


def some(names: Any, most: int = 10) -> str:
    """The first few of many."""
    names = [str(name) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
