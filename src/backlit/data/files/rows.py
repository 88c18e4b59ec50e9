"""A text table row by row, as Python's reader takes it: slow, but it reads odd files and knows their lines."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

from backlit import bounds
from backlit.data.files.dialect import BLANKS, NONE, Dialect, reader_of
from backlit.errors import InputError

END = "\x1e"  # a last line of our own: if it isn't a row, a quote wasn't closed


def line_of(data: bytes, dialect: Dialect, path: Path, row: int) -> int:
    """The line (from 1) on which a row (from 0, below the header) begins."""
    return next(itertools.islice(_rows(data, dialect, path), row + dialect.named, None), (0, [""]))[0]


def plain_separator(dialect: Dialect) -> str:
    """The separator that polars is given, which knows but single characters."""
    if dialect.separator == BLANKS:
        return ","
    return dialect.separator if len(dialect.separator.encode()) == 1 else NONE


def mend(data: bytes, dialect: Dialect, path: Path) -> tuple[bytes, int]:
    """The table written as plainly as can be, without empty lines and odd quotes, and its number of rows.

    What separates values is `plain_separator` then.

    Raises
    ------
    InputError
        If a row has more or fewer values than the header, or a quote isn't closed; the line is named.
    """
    width = len(dialect.header)
    needed = width  # a row may lack the cells of empty columns at the right
    while needed > 1 and not dialect.header[needed - 1].strip():
        needed -= 1
    repaired = io.BytesIO()
    text = io.TextIOWrapper(repaired, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, delimiter=plain_separator(dialect), lineterminator="\n")
    count = filled = 0
    for line, row in _rows(data, dialect, path):
        if not count and dialect.row_names:
            row = ["", *row]
        if needed <= len(row) < width:
            filled += width - len(row)
            bounds.require("cells", filled, f"{path}, line {line}: short rows are filled up by", len(data))
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
    return repaired.getvalue(), count


def _rows(data: bytes, dialect: Dialect, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row that isn't an empty line, with the line on which it begins."""
    file = io.BytesIO(data)
    file.seek(dialect.start)
    reader = reader_of(io.TextIOWrapper(file, encoding="utf-8", newline=""), dialect.separator, [END])
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
        if "field limit" in str(error):
            where = f"{path}, line {begins}: a cell has more characters than it may"
            raise InputError(bounds.beyond("text", where)) from error
        raise InputError(f"{path}, line {begins}: {error}; is a quote opened there, and not closed?") from error
