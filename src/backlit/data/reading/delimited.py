"""A text table's cells: polars reads them, what it could get wrong is counted first, and odd files are mended."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.reading.dialect import Dialect
from backlit.errors import InputError

CHUNK = 1 << 20
END = "\x1e"  # a last line of our own: if it isn't a row, a quote wasn't closed


def cells(data: bytes, dialect: Dialect, path: Path) -> Any:
    """The rows below the header as a frame of text: columns ``column_1``, ...; empty cells are missing.

    Parameters
    ----------
    data : bytes
        UTF-8.

    Raises
    ------
    InputError
        If a row has more or fewer values than the header (its line is named), or a quote isn't closed.
    """
    plain = data[dialect.start :] if dialect.start else data
    if plain[-4:].count(b"\n") > 1 or plain[-1:] in (b"\r", b"\x1a"):
        plain = plain.rstrip(b"\r\n\x1a")
    width = len(dialect.header)
    shape = _shape(plain, dialect.separator)
    if shape is not None and shape[1] == shape[0] * (width - 1):
        frame = _parse(plain, dialect.separator)
        # Every row has at most `width` values, or polars would have refused it; so each has just as many.
        if frame is not None and frame.shape == (shape[0], width):
            frame = frame[1:]
            return frame.filter(frame.to_series().is_not_null()) if width == 1 else frame
    del plain
    mended, count = _mend(data, dialect, path)
    frame = _parse(mended, dialect.separator)
    if frame is None or frame.shape != (count, width):
        raise InputError(f"{path} can't be read as CSV: of its {count - 1} rows not all make sense")
    return frame[1:]


def line_of(data: bytes, dialect: Dialect, path: Path, row: int) -> int:
    """The line (from 1) on which a row (from 0, below the header) begins."""
    return next(itertools.islice(_rows(data, dialect, path), row + 1, None), (0, [""]))[0]


def _parse(data: bytes, separator: str) -> Any:
    """All cells, the header's too, as text; None if polars refuses."""
    import polars as pl

    try:
        return pl.read_csv(data, separator=separator, has_header=False, infer_schema=False)
    except pl.exceptions.PolarsError:
        return None


def _shape(data: bytes, separator: str) -> tuple[int, int] | None:
    """The number of rows and of separators, those within quotes left out; None if quotes or line ends are odd.

    A quote is where it should be if it opens a value (after a separator or line end), closes one (before such), or is
    doubled: then one of the two opens and the other closes.
    """
    if data.count(b"\r") != data.count(b"\r\n"):
        return None
    whole = np.frombuffer(data, np.uint8)
    mark, quoted = ord(separator), b'"' in data
    rows = separators = 0
    within = np.uint8(0)
    edges = np.array([mark, 10, 13, 34], np.uint8)
    for start in range(0, len(whole), CHUNK):
        chunk = whole[start : start + CHUNK]
        is_mark, is_end = chunk == mark, chunk == 10
        if quoted:
            quotes = chunk == 34
            state = np.bitwise_xor.accumulate(quotes.view(np.uint8)) ^ within
            within = state[-1]
            places = np.flatnonzero(quotes)
            opens = state[places] == 1
            before = places[opens] + (start - 1)
            after = places[~opens] + (start + 1)
            if not np.isin(whole[before[before >= 0]], edges).all():
                return None
            if not np.isin(whole[after[after < len(whole)]], edges).all():
                return None
            outside = state == 0
            is_mark &= outside
            is_end &= outside
        rows += int(np.count_nonzero(is_end))
        separators += int(np.count_nonzero(is_mark))
    if within:
        return None
    return rows + int(whole[-1] != 10), separators


def _rows(data: bytes, dialect: Dialect, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row that isn't an empty line, with the line on which it begins."""
    file = io.BytesIO(data)
    file.seek(dialect.start)
    lines = itertools.chain(io.TextIOWrapper(file, encoding="utf-8", newline=""), [END])
    reader = csv.reader(lines, delimiter=dialect.separator, skipinitialspace=True)
    alone = len(dialect.header) == 1
    begins = dialect.line
    try:
        for row in reader:
            if row == [END]:
                return
            if row and row[-1].endswith(END):
                raise InputError(f"{path}, line {begins}: a quote is opened, but not closed")
            if row and (alone or len(row) > 1 or row[0].strip(" \t\x1a")):
                yield begins, row
            begins = dialect.line + reader.line_num
    except csv.Error as error:
        raise InputError(f"{path}, line {begins}: {error}; is a quote opened there, and not closed?") from error


def _mend(data: bytes, dialect: Dialect, path: Path) -> tuple[bytes, int]:
    """The table written as plainly as can be, without empty lines and odd quotes, and its number of rows."""
    width = len(dialect.header)
    needed = width  # a row may lack the cells of empty columns at the right
    while needed > 1 and not dialect.header[needed - 1].strip():
        needed -= 1
    mended = io.BytesIO()
    text = io.TextIOWrapper(mended, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, delimiter=dialect.separator, lineterminator="\n")
    count = 0
    for line, row in _rows(data, dialect, path):
        if needed <= len(row) < width:
            row += [""] * (width - len(row))
        if len(row) > width and not "".join(row[width:]).strip():
            del row[width:]
        if len(row) != width:
            raise InputError(
                f"{path}, line {line}: {len(row)} value{'s' * (len(row) != 1)}, but the header has {width} "
                f"column{'s' * (width != 1)}; mend the line, or quote values that hold the separator"
            )
        writer.writerow(row)
        count += 1
    text.detach()
    return mended.getvalue(), count
