"""What separates a text table's values, and what its columns are called."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from backlit import bounds
from backlit.data.files.numerals import PLAIN
from backlit.data.files.options import FileOptions

SEPARATORS = ("\t", ";", "|", ",")  # in this order if several fit: commas stand within numbers and prose, too
COLON, BLANKS = ":", " "  # only where none of the others fits: they stand within times and prose
RARE = ("^", "~", "\u00a6", "\u00a7", "&", "#", "@", "!")  # where none of all those fits
NONE = "\x1f"  # separates the one column of a file without separators: no text holds it
HEAD = 1 << 18  # bytes that are looked at
LINES, WIDE = 20, 4  # lines that tell how long lines are, and how many such are looked at
ROWS = 200
FEWEST = 3  # rows that show what is no accident
AGREEING = 0.8  # share of the rows that have as many values as the header below a preamble
BLANK = re.compile(rb"(?:[ \t]*(?:\r\n|\n|\r))*")
LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|$)")
ENDS = re.compile(rb"[\r\n]*")
COMMENT = re.compile(rb"(#[ \t]*)(.*)", re.DOTALL)
DECLARED = re.compile(rb'"?sep=([,;|\t])"?(?:\r\n|\n|\r)', re.IGNORECASE)  # Excel's own first line
NUMBER = re.compile(r"\s*[+-]?[0-9]*,[0-9]+\s*|\s*[+-]?[0-9]+\s*")
CLOCK = re.compile(r"\s*[0-9]{1,3}(:[0-5][0-9])+(\.[0-9]+)?\s*")


@dataclass(frozen=True)
class Dialect:
    """How a text table is laid out.

    Attributes
    ----------
    separator : str
        Between values; `BLANKS` for any number of spaces and tabs.
    header : tuple of str
        The columns' names.
    start, line : int
        The byte and the line (counted from 1) at which the table begins.
    newline : str
        What ends a line.
    named : bool
        Whether the first row holds the names, or some of them, and isn't one of the table's rows.
    preamble : int
        Lines above the table that hold something else.
    row_names : bool
        Whether each row begins with a name that the header has no place for.
    """

    separator: str
    header: tuple[str, ...]
    start: int
    line: int
    newline: str
    named: bool = True
    preamble: int = 0
    row_names: bool = False


def find(data: bytes, tabs: bool = False, options: FileOptions | None = None) -> Dialect | None:
    """How a table in UTF-8 is laid out; None if there are only empty lines.

    Parameters
    ----------
    data : bytes
    tabs : bool
        The file's name says that tabs separate its values.
    options : FileOptions, optional
        What the user says of it.

    Raises
    ------
    InputError
        If its first lines are longer, or its columns more, than the limits allow.
    """
    options = options or FileOptions()
    start = _past_comments(data, _past_blank(data, _past_lines(data, options.skip_lines)))
    excels = DECLARED.match(data, start)
    if excels is not None:
        start = excels.end()
    text = _head(data, start).decode(errors="ignore")
    if not text.strip():
        return None
    separator = options.separator or (excels[1].decode() if excels is not None else _separator(text, tabs))
    newline = re.search(r"\r\n|\n|\r", text)
    rows, lines = _rows(text, separator)
    above = _above(rows) if options.header and excels is None else 0
    preamble = lines[above]
    start = _past_lines(data, preamble, start)
    rows = rows[above:]
    row_names = options.header and _has_row_names(rows)
    header = ("", *rows[0]) if row_names else tuple(rows[0])
    if not options.header:
        header = tuple(f"column_{place}" for place in range(1, len(header) + 1))
    bounds.require("columns", len(header), "the table has")
    skipped = data[:start]
    line = 1 + skipped.count(b"\n") + skipped.count(b"\r") - skipped.count(b"\r\n")
    end = newline[0] if newline else "\n"
    return Dialect(separator, header, start, line, end, options.header, preamble, row_names)


def _head(data: bytes, start: int) -> bytes:
    """The first lines from here on, whole ones: as far as is looked, and further where lines are long."""
    longest, place = 0, start
    for _ in range(LINES):
        line = LINE.match(data, place)
        if line is None or place >= start + HEAD:
            break
        if place == start:
            bounds.require("header", len(line[1]), "the first line has")
        longest, place = max(longest, min(len(line[1]), bounds.current().header)), line.end()
    end = start + max(HEAD, WIDE * longest)
    head = data[start:end]
    return head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head if len(data) > end else head


def _past_lines(data: bytes, count: int, start: int = 0) -> int:
    for _ in range(count):
        line = LINE.match(data, start)
        if line is None or line.end() == start:
            break
        start = line.end()
    return start


def _past_blank(data: bytes, start: int) -> int:
    blank = BLANK.match(data, start)
    return blank.end() if blank else start


def _past_comments(data: bytes, start: int) -> int:
    """Where the header begins after lines that start with #; the last of them may be it, as NumPy writes it."""
    place, last = start, None
    while data[place : place + 1] == b"#":
        line = LINE.match(data, place)
        if line is None or not line[2]:  # the file's last line
            break
        last = (place, line[1])
        ends = ENDS.match(data, line.end())
        place = ends.end() if ends else line.end()
    if last is None:
        return start
    next_ = LINE.match(data, place)
    comment = COMMENT.match(last[1])
    below = next_[1] if next_ else b""
    mark, names = (comment[1], comment[2]) if comment else (b"", b"")
    alike = any(names.count(s) == below.count(s) > 0 for s in (separator.encode() for separator in SEPARATORS))
    if alike and (mark == b"#" or not re.search(rb"[^0-9eE.,;|\t +-]", below)):
        return last[0] + len(mark)
    return _past_blank(data, place)


def _rows(text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """The first rows that aren't empty, and how many lines are above each."""
    reader = reader_of(io.StringIO(text, newline=""), separator)
    rows: list[list[str]] = []
    above: list[int] = []
    begins = 0
    try:
        for row in reader:
            if row:
                rows.append(row)
                above.append(begins)
            if len(rows) > ROWS:
                break
            begins = reader.line_num
    except csv.Error:  # told with its line when the whole file is read
        pass
    return (rows, above) if rows else ([[""]], [0])


def reader_of(lines: Iterable[str], separator: str, end: Sequence[str] = ()) -> Any:
    """Python's reader of lines with a separator of any length, and of lines of our own at the end."""
    separator, lines = as_one(separator, lines)
    csv.field_size_limit(bounds.current().text)  # the process's: Python's own is less than a long text has
    return csv.reader(itertools.chain(lines, end), delimiter=separator, skipinitialspace=True)


def as_one(separator: str, lines: Iterable[str]) -> tuple[str, Iterable[str]]:
    """A separator of one character for Python's reader, and the lines with it; blanks at an end separate nothing."""
    if separator == BLANKS:
        return " ", (_stripped(line) for line in lines)
    if len(separator) == 1:
        return separator, lines
    return NONE, (line.replace(separator, NONE) for line in lines)


def _stripped(line: str) -> str:
    content = line.rstrip(" \t\r\n")
    return content.replace("\t", " ") + line[len(content) :].lstrip(" \t")


def _separator(text: str, tabs: bool) -> str:
    """The one with which most rows have as many values as the header; then, with which those are most."""
    fitting = []
    rest: dict[str, list[list[str]]] = {}
    for separator in SEPARATORS:
        header, *rows = _rows(text, separator)[0]
        if len(header) > 1:
            agreeing = sum(len(row) == len(header) for row in rows) / max(len(rows), 1)
            fitting.append(((tabs and separator == "\t", agreeing, len(header)), separator))
        rest[separator] = [header, *rows]
    if fitting:
        return max(fitting, key=lambda candidate: candidate[0])[1]
    # One name, so one column; unless every row has several values, which the header then doesn't name.
    decimals = all(map(NUMBER.fullmatch, text.splitlines()[1:]))
    for separator, (_, *rows) in rest.items():
        widths = {len(row) for row in rows}
        if widths and min(widths) > 1 and len(widths) == 1 and not (separator == "," and decimals):
            return separator
    for separator, rows in rest.items():
        if _above(rows):
            return separator
    for separator, is_one in ((BLANKS, _are_blanks), (COLON, _are_colons)):
        if is_one(_rows(text, separator)[0]):
            return separator
    for separator in RARE:
        if separator in text and _are_named(_rows(text, separator)[0]):
            return separator
    return "," if {len(row) for row in rest[","][1:]} <= {1} else NONE


def _above(rows: list[list[str]]) -> int:
    """How many rows stand above a header that is longer than them, names a column each, and has rows like it below."""
    width, count = Counter(len(row) for row in rows).most_common(1)[0]
    if width < 2 or len(rows[0]) >= width or count <= FEWEST:
        return 0
    place = next(place for place, row in enumerate(rows) if len(row) == width)
    below = rows[place + 1 :]
    names = rows[place]
    shorter = all(len(row) < width for row in rows[:place])
    if not shorter or not _are_names(names) or sum(len(row) == width for row in below) < AGREEING * len(below):
        return 0
    if place == 1 and len(rows[0]) == width - 1 and _has_row_names(rows) and not _stands_above_numbers(names, below):
        return 0
    return place


def _stands_above_numbers(names: list[str], below: list[list[str]]) -> bool:
    """Whether a word stands above nothing but numbers, as a column's name does."""
    columns = zip(*(row for row in below if len(row) == len(names)), strict=True)
    return any(
        all(map(PLAIN.fits, column)) for name, column in zip(names, columns, strict=True) if not PLAIN.fits(name)
    )


def _are_names(cells: list[str]) -> bool:
    names = [cell.strip() for cell in cells]
    return all(names) and len(set(names)) == len(names) and not any(map(PLAIN.fits, names))


def _has_row_names(rows: list[list[str]]) -> bool:
    """Whether every row begins with a name of its own for which the header has no name, as R writes it."""
    header, *below = rows
    if len(below) < 2 or any(len(row) != len(header) + 1 for row in below) or not _are_names(header):
        return False
    first = [row[0].strip() for row in below]
    are_numbers = first == [str(number) for number in range(1, len(first) + 1)]
    are_names = all(first) and not any(map(PLAIN.fits, first)) and len(set(first)) == len(first)
    return (are_numbers or are_names) and any(row[-1].strip() for row in below)


def _are_blanks(rows: list[list[str]]) -> bool:
    """Whether blanks separate columns, one of which at least is of numbers: prose has blanks, too."""
    header, *below = rows
    regular = len(header) > 1 and all(len(row) == len(header) for row in below)
    if not below or not (regular or (len(header) > 1 and _has_row_names(rows))):
        return False
    return any(all(map(PLAIN.fits, column)) for column in zip(*below, strict=True)) and not all(map(PLAIN.fits, header))


def _are_named(rows: list[list[str]]) -> bool:
    """Whether a separator splits all rows into as many values, each under a name of its own."""
    header, *below = rows
    return len(header) > 1 and len(below) > 1 and all(len(row) == len(header) for row in below) and _are_names(header)


def _are_colons(rows: list[list[str]]) -> bool:
    """Whether colons separate columns: times have colons, too."""
    header, *below = rows
    if len(header) < 2 or not below or any(len(row) != len(header) for row in below) or not _are_names(header):
        return False
    return not all(CLOCK.fullmatch(":".join(row)) for row in below)
