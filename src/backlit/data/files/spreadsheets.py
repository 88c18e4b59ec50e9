"""What zip archives of arrays and sheets will take in memory, told before they are read."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from backlit import bounds
from backlit.errors import InputError

SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
CELL = re.compile(rb'\sr="([A-Z]{1,3})([0-9]{1,7})"')
PIECE, LONGEST = 1 << 20, 64  # bytes that are read at a time; more than a cell's place takes


def require_unpacked(data: bytes, path: Path) -> None:
    """Refuse an archive whose files are larger than the limit allows.

    Raises
    ------
    InputError
        With how it is raised; or if the archive is damaged.
    """
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(file.file_size for file in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"{path} can't be decompressed: {error}; is it damaged?") from error
    bounds.require("unpacked", size, f"{path} unpacks to", bounds.TIMES * len(data))


def require_dense(data: bytes, path: Path) -> None:
    """Refuse sheets of an Excel file whose few cells stand so far apart that all between them would fill the memory.

    Raises
    ------
    InputError
        With how the limit is raised.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in filter(SHEET.fullmatch, archive.namelist()):
                with archive.open(name) as file:
                    rows, columns = _extent(file)
                what = f"{path}: {name.rpartition('/')[2]} reaches over"
                bounds.require("cells", rows * columns, what, len(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        return  # not such an archive, or told by who reads it


def _extent(file: Any) -> tuple[int, int]:
    """Rows and columns from the first to the last cell of a sheet."""
    first, last = [1 << 30, 1 << 30], [0, 0]
    before = b""
    while piece := file.read(PIECE):
        for match in CELL.finditer(before + piece):
            place = (int(match[2]), _number(match[1]))
            first, last = list(map(min, first, place)), list(map(max, last, place))
        before = piece[-LONGEST:]
    return max(0, last[0] - first[0] + 1), max(0, last[1] - first[1] + 1)


def _number(letters: bytes) -> int:
    """A column's number: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
