"""What separates a text table's values, and what its columns are called."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

SEPARATORS = ("\t", ";", "|", ",")  # in this order if several fit: commas stand within numbers and prose, too
NONE = "\x1f"  # separates the one column of a file without separators: no text holds it
HEAD = 1 << 18  # bytes that are looked at
ROWS = 200
BLANK = re.compile(rb"(?:[ \t]*(?:\r\n|\n|\r))*")
COMMENTS = re.compile(rb"(?:#[^\r\n]*(?:\r\n|\n|\r)+)*(#[ \t]*)([^\r\n]*)(?:\r\n|\n|\r)+([^\r\n]*)")
DECLARED = re.compile(rb'"?sep=([,;|\t])"?(?:\r\n|\n|\r)', re.IGNORECASE)  # Excel's own first line
NUMBER = re.compile(r"\s*[+-]?[0-9]*,[0-9]+\s*|\s*[+-]?[0-9]+\s*")


@dataclass(frozen=True)
class Dialect:
    """How a text table is laid out.

    Attributes
    ----------
    separator : str
        Between values.
    header : tuple of str
        The first row.
    start, line : int
        The byte and the line (counted from 1) at which the header begins.
    newline : str
        What ends a line.
    """

    separator: str
    header: tuple[str, ...]
    start: int
    line: int
    newline: str


def find(data: bytes, tabs: bool = False) -> Dialect | None:
    """How a table in UTF-8 is laid out; None if there are only empty lines.

    Parameters
    ----------
    data : bytes
    tabs : bool
        The file's name says that tabs separate its values.
    """
    start = _past_comments(data, _past_blank(data, 0))
    declared = DECLARED.match(data, start)
    if declared is not None:
        start = declared.end()
    head = data[start : start + HEAD]
    if len(data) > start + HEAD:  # only whole lines
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    text = head.decode(errors="ignore")
    if not text.strip():
        return None
    separator = declared[1].decode() if declared is not None else _separator(text, tabs)
    newline = re.search(r"\r\n|\n|\r", text)
    skipped = data[:start]
    line = 1 + skipped.count(b"\n") + skipped.count(b"\r") - skipped.count(b"\r\n")
    return Dialect(separator, tuple(_rows(text, separator)[0]), start, line, newline[0] if newline else "\n")


def _past_blank(data: bytes, start: int) -> int:
    found = BLANK.match(data, start)
    return found.end() if found else start


def _past_comments(data: bytes, start: int) -> int:
    """Where the header begins after lines that start with #; the last of them may be it, as NumPy writes it."""
    found = COMMENTS.match(data, start)
    if found is None:
        return start
    mark, last, next_ = found[1], found[2], found[3]
    alike = any(last.count(s) == next_.count(s) > 0 for s in (separator.encode() for separator in SEPARATORS))
    if alike and (mark == b"#" or not re.search(rb"[^0-9eE.,;|\t +-]", next_)):
        return found.start(2)
    return _past_blank(data, found.start(3))


def _rows(text: str, separator: str) -> list[list[str]]:
    """The first rows that aren't empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > ROWS:
                break
    except csv.Error:  # told with its line when the whole file is read
        pass
    return rows or [[""]]


def _separator(text: str, tabs: bool) -> str:
    """The one with which most rows have as many values as the header; then, with which those are most."""
    fitting = []
    rest: dict[str, list[int]] = {}
    for separator in SEPARATORS:
        header, *rows = _rows(text, separator)
        if len(header) > 1:
            agreeing = sum(len(row) == len(header) for row in rows) / max(len(rows), 1)
            fitting.append(((tabs and separator == "\t", agreeing, len(header)), separator))
        rest[separator] = [len(row) for row in rows]
    if fitting:
        return max(fitting, key=lambda found: found[0])[1]
    # One name, so one column; unless every row has several values, which the header then doesn't name.
    decimals = all(map(NUMBER.fullmatch, text.splitlines()[1:]))
    for separator, widths in rest.items():
        if widths and min(widths) > 1 and len(set(widths)) == 1 and not (separator == "," and decimals):
            return separator
    return "," if set(rest[","]) <= {1} else NONE
