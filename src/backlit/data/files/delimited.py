"""A text table's cells: polars reads them, what it could get wrong is counted, and odd files are mended first."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path
from typing import Any

from backlit import bounds
from backlit.data.files import rows, scan
from backlit.data.files.cells import are_plainly_decimal
from backlit.data.files.charset import is_utf8
from backlit.data.files.dialect import Dialect
from backlit.errors import InputError

PLACES, PIECE = 16, 1 << 12  # where and how much of a large file is looked at, in bytes


def cells(data: bytes, dialect: Dialect, path: Path, keep_text: bool) -> Any:
    """The rows below the header as a frame with columns ``column_1``, ...; empty cells are missing.

    Parameters
    ----------
    data : bytes
        UTF-8, but perhaps not to its end.
    keep_text : bool
        All columns are text; otherwise those that are plainly decimal numbers may have become such.

    Raises
    ------
    InputError
        If a row has more or fewer values than the header (its line is named), or a quote isn't closed.
    NotUTF8Error
        If it isn't UTF-8 to its end.
    """
    plain = data[dialect.start :] if dialect.start else data
    if plain[-4:].count(b"\n") > 1 or plain[-1:] in (b"\r", b"\x1a"):
        plain = plain.rstrip(b"\r\n\x1a")
    width = len(dialect.header)
    if _is_plain(dialect) and scan.is_regular(plain, dialect.separator) and _is_full(plain, width):
        numbers = set() if keep_text or width == 1 else _decimal_columns(plain, dialect)
        frame = _parse(plain, dialect, numbers)
        if frame is None and numbers:
            frame = _parse(plain, dialect, set())
        if frame is not None and frame.width == width and _is_complete(plain, dialect, frame):
            return frame.filter(frame.to_series().is_not_null()) if width == 1 else frame
    del plain
    if not is_utf8(data):
        raise NotUTF8Error
    repaired, count = rows.mend(data, dialect, path)
    count -= dialect.named
    if not count:
        raise InputError(f"{path} has a header but no rows")
    frame = _parse(repaired, dialect, set())
    if frame is None or frame.shape != (count, width):
        raise InputError(f"{path} can't be read as CSV: of its {count} rows not all make sense")
    return frame


def _is_plain(dialect: Dialect) -> bool:
    """Whether polars knows the separator, and every row has as many values as the first."""
    return rows.plain_separator(dialect) == dialect.separator and not dialect.row_names


def _is_full(data: bytes, width: int) -> bool:
    """Whether there can be as many values as columns times rows: what lacks is filled up."""
    lines = scan.count_outside(data, scan.NEWLINE) if b'"' in data else scan.count(data, scan.NEWLINE)
    return width * lines <= max(bounds.current().cells, len(data))


class NotUTF8Error(Exception):
    """What had begun as UTF-8 went on as something else."""


def _parse(data: bytes, dialect: Dialect, numbers: set[int]) -> Any:
    """The cells as polars reads them; None if it refuses."""
    import polars as pl

    kinds = {
        f"column_{place + 1}": pl.Float64 if place in numbers else pl.String for place in range(len(dialect.header))
    }
    try:
        separator, above = rows.plain_separator(dialect), int(dialect.named)
        return pl.read_csv(data, separator=separator, has_header=False, skip_rows=above, schema=kinds)
    except pl.exceptions.NoDataError:
        return pl.DataFrame(schema=kinds)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None


def _is_complete(data: bytes, dialect: Dialect, frame: Any) -> bool:
    """Whether no row is lost, and none is short: polars refuses longer rows, but fills shorter ones up."""
    lines = scan.count(data, scan.NEWLINE) + (not data.endswith(b"\n"))
    expected = frame.height + dialect.named
    if lines != expected:  # some may lie within quotes
        lines = scan.count_outside(data, scan.NEWLINE) + (not data.endswith(b"\n"))
    if lines != expected:
        return False
    if not frame[:, -1].null_count():
        return True
    separators = scan.count_outside(data, ord(dialect.separator))
    return bool(separators == expected * (frame.width - 1))


def _decimal_columns(data: bytes, dialect: Dialect) -> set[int]:
    """Columns that are decimal numbers in samples of the file, so that polars need not make text of them first."""
    if len(data) < PLACES * PIECE:
        return set()
    width = len(dialect.header)
    sample: list[list[str]] = []
    for start in range(0, len(data), len(data) // PLACES):
        piece = data[start : start + PIECE].decode(errors="ignore").splitlines()[1:-1]
        reader = csv.reader(piece, delimiter=dialect.separator)
        with contextlib.suppress(csv.Error):
            sample += [row for row in reader if len(row) == width]
    return {place for place, column in enumerate(zip(*sample, strict=True)) if are_plainly_decimal(list(column))}
