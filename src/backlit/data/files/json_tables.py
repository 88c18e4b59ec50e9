"""Tables in JSON: an object a line, a list of objects, or an object of columns."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backlit import bounds
from backlit.data.files import values
from backlit.errors import InputError

SOME, PIECE = 1000, 1 << 20  # bytes
PYTHONS = re.compile(rb"[0-9]{16}|NaN|Infinity")  # what polars rounds or refuses
SPACE = re.compile(r"[ \t\r\n]*")
NAME = re.compile(rb'"([^"\\]*+)"[ \t]*+:')
TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
OPENING, CLOSING = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)


def lines(data: bytes, path: Path) -> Any:
    """A frame of one JSON object a line.

    Raises
    ------
    InputError
        If a line holds something else, or is nested too deeply (it is named), or the table is too sparse.
    """
    _require_shallow(data, path, by_line=True)
    frame = _by_polars(data)
    if frame is not None:
        return frame
    table = values.Rows(str(path), len(data))
    for number, line in enumerate(io.BytesIO(data), 1):
        try:
            value = json.loads(line, parse_constant=_constant) if line.strip() else {}
        except ValueError as error:
            raise InputError(
                f"{path}, line {number} isn't JSON: {error}; expected one object a line, or a list of objects"
            ) from error
        if not isinstance(value, dict):
            type_name = type(value).__name__
            raise InputError(
                f'{path}, line {number}: expected an object such as {{"a": 1}}, got a {type_name}; '
                "JSON lines hold one object a line"
            )
        if value:
            table.add(value)
    return table.frame()


def whole(data: bytes, path: Path) -> Any:
    """A frame of a list of objects, or of an object with a list for each column.

    Raises
    ------
    InputError
        If it is something else, nested too deeply or too sparse.
    """
    _require_shallow(data, path)
    text = data.decode()
    try:
        if text.lstrip()[:1] == "[":
            return _of_list(text, path, len(data))
        value = json.loads(text, parse_constant=_constant)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} isn't JSON: {error}") from error
    if isinstance(value, dict) and {*value} in ({"columns", "data"}, {"index", "columns", "data"}):
        value = _unsplit(value, path)
    if isinstance(value, dict) and len(value) == 1:
        (rows,) = value.values()
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            return values.frame(rows)  # a list under a name, as servers give it
    if isinstance(value, dict) and value:
        columns = [list(v.values()) if isinstance(v, dict) else v for v in value.values()]  # as pandas writes them
        if all(isinstance(column, list) for column in columns) and len({len(column) for column in columns}) == 1:
            import polars as pl

            return pl.DataFrame([values.series(name, column) for name, column in zip(value, columns, strict=True)])
    raise _no_table(path)


def _unsplit(value: dict[str, Any], path: Path) -> dict[str, Any]:
    """Columns of what pandas writes as "split": names in one list, rows in another."""
    names, rows = value["columns"], value["data"]
    if not isinstance(names, list) or not isinstance(rows, list):
        raise _no_table(path)
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise _no_table(path)
    return {str(name): [row[place] for row in rows] for place, name in enumerate(names)}


def _of_list(text: str, path: Path, size: int) -> Any:
    """A frame of a list of objects, one read after the other: all of them at once take twenty times the file."""
    decoder = json.JSONDecoder(parse_constant=_constant)
    table = values.Rows(str(path), size)
    place = _past(text, _past(text, 0) + 1)
    while text[place : place + 1] != "]":
        value, place = decoder.raw_decode(text, place)
        if not isinstance(value, dict):
            raise _no_table(path)
        table.add(value)
        place = _past(text, place)
        if text[place : place + 1] == ",":
            place = _past(text, place + 1)
            if text[place : place + 1] == "]":
                raise json.JSONDecodeError("Expecting value", text, place)
        elif text[place : place + 1] != "]":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
    if text[place + 1 :].strip():
        raise json.JSONDecodeError("Extra data", text, _past(text, place + 1))
    return table.frame()


def _past(text: str, place: int) -> int:
    """Where the next character that isn't blank stands."""
    space = SPACE.match(text, place)
    return space.end() if space else place


def _no_table(path: Path) -> InputError:
    return InputError(
        f'{path} isn\'t a table: expected a list of objects such as [{{"a": 1}}], one object a line, '
        "or an object with a list of equal length for each column"
    )


def _require_shallow(data: bytes, path: Path, by_line: bool = False) -> None:
    """Refuse what is nested more deeply than the limit allows: parsers take a stack's step for each level."""
    most = bounds.current().nesting
    if data.count(b"[") + data.count(b"{") <= most or max(_depths(data)) <= most:
        return
    if not by_line:
        bounds.require("nesting", max(_depths(data, exact=True)), f"{path} is nested: it has")
        return
    for number, line in enumerate(io.BytesIO(data), 1):
        if line.count(b"[") + line.count(b"{") > most:
            bounds.require("nesting", max(_depths(line, exact=True)), f"{path}, line {number} is nested: it has")


def _depths(data: bytes, exact: bool = False) -> Iterator[int]:
    """How many brackets are open, at most, in each piece; `exact` without those within texts, which takes longer."""
    text = TEXT.sub(b"", data) if exact else data
    depth = 0
    for start in range(0, max(len(text), 1), PIECE):
        piece = np.frombuffer(text, np.uint8, min(PIECE, len(text) - start), start) if text else np.zeros(1, np.uint8)
        steps = np.isin(piece, OPENING).astype(np.int64) - np.isin(piece, CLOSING)
        depths = depth + np.cumsum(steps)
        depth = int(depths[-1])
        yield int(depths.max())


def _by_polars(data: bytes) -> Any:
    """The frame as polars reads it; None for what it rounds, refuses or would fill with gaps beyond the limit."""
    import polars as pl

    if PYTHONS.search(data) is not None or _is_sparse(data):
        return None
    try:
        return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, RuntimeError):
        return None  # read by Python, or told by the line


def _is_sparse(data: bytes) -> bool:
    """Whether names differ so much from line to line that a table of all of them may be beyond the limit."""
    lines, most = data.count(b"\n") + 1, max(bounds.current().cells, len(data))
    if lines * data.count(b":") <= most:
        return False
    names = set()
    for name in NAME.finditer(data):
        names.add(name[1])
        if lines * len(names) > most:
            return True
    return False


def is_whole(data: bytes) -> bool:
    """Whether a file is one JSON value, and not one a line."""
    start = next((place for place in range(len(data)) if not data[place : place + 1].isspace()), 0)
    if data[start : start + 1] != b"{":
        return data[start : start + 1] == b"["
    end = data.find(b"\n", start)
    first, has_more = (data[start:], False) if end < 0 else (data[start:end], bool(data[end : end + SOME].strip()))
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):  # too deep: told when the whole is read
        return has_more
    return not has_more and all(isinstance(column, (list, dict)) for column in value.values())


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)
