"""Where rows of a text file end, some of whose cells may hold line ends of their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np

from backlit.data.files import dialect, scan


def past_header(text: bytes, found: dialect.Dialect) -> tuple[int, int]:
    """The byte and line of the first row below the line of names."""
    start, line = found.start, found.line
    if not found.named:
        return start, line
    while True:
        end = row_end(text[start:], found.separator) or len(text) - start
        empty = not text[start : start + end].strip()
        line += text.count(b"\n", start, start + end)
        start += end
        if not empty or start >= len(text):
            return start, line


def row_end(data: bytes, separator: str) -> int:
    """Bytes of the first row, its line end included; 0 if it doesn't end here."""
    return next(_row_ends(data, separator), 0)


def _row_ends(data: bytes, separator: str) -> Iterator[int]:
    """Where rows end, as Python's reader takes them: slow, but it knows which quotes are meant."""
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in io.BytesIO(data):
            taken += len(line)
            yield line.decode("utf-8", "replace")

    try:
        for _ in dialect.reader_of(lines(), separator):
            if data[taken - 1 : taken] == b"\n":
                yield taken
    except csv.Error:  # told with its line when the piece is read
        return


def last_row_end(data: bytes, separator: str) -> int:
    """Bytes of all whole rows; 0 if there is none."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    whole = np.frombuffer(data, np.uint8)
    quotes, ends = np.flatnonzero(whole == scan.QUOTE), np.flatnonzero(whole == scan.NEWLINE)
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    end = int(outside[-1]) + 1 if len(outside) else 0
    if len(separator) == 1 and (not end or scan.is_regular(data[:end], separator)):
        return end
    return max(_row_ends(data, separator), default=0)
