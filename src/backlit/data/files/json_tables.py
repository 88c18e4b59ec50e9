"""Tables in JSON: an object a line, a list of objects, or an object of columns."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

from backlit.data.files import values
from backlit.errors import InputError

SOME = 1000  # bytes
PYTHONS = re.compile(rb"[0-9]{16}|NaN|Infinity")  # what polars rounds or refuses


def lines(data: bytes, path: Path) -> Any:
    """A frame of one JSON object a line.

    Raises
    ------
    InputError
        If a line holds something else; it is named.
    """
    import polars as pl

    if PYTHONS.search(data) is None:
        try:
            return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, RuntimeError):
            pass  # read by Python, or told by the line
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            value = json.loads(line, parse_constant=_constant) if line.strip() else {}
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}, line {number} isn't JSON: {_message(error)}; expected one object a line, or a list of objects"
            ) from error
        if not isinstance(value, dict):
            type_name = type(value).__name__
            raise InputError(
                f'{path}, line {number}: expected an object such as {{"a": 1}}, got a {type_name}; '
                "JSON lines hold one object a line"
            )
        rows += [value] if value else []
    return values.frame(rows)


def whole(data: bytes, path: Path) -> Any:
    """A frame of a list of objects, or of an object with a list for each column.

    Raises
    ------
    InputError
        If it is something else.
    """
    try:
        value = json.loads(data, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} isn't JSON: {_message(error)}") from error
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return values.frame(value)
    if isinstance(value, dict) and value:
        columns = [list(v.values()) if isinstance(v, dict) else v for v in value.values()]  # as pandas writes them
        if all(isinstance(column, list) for column in columns) and len({len(column) for column in columns}) == 1:
            import polars as pl

            return pl.DataFrame([values.series(name, column) for name, column in zip(value, columns, strict=True)])
    raise InputError(
        f'{path} isn\'t a table: expected a list of objects such as [{{"a": 1}}], one object a line, '
        "or an object with a list of equal length for each column"
    )


def is_whole(data: bytes) -> bool:
    """Whether a file is one JSON value, and not one a line."""
    start = next((place for place in range(len(data)) if not data[place : place + 1].isspace()), 0)
    if data[start : start + 1] != b"{":
        return data[start : start + 1] == b"["
    end = data.find(b"\n", start)
    first, has_more = (data[start:], False) if end < 0 else (data[start:end], bool(data[end : end + SOME].strip()))
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return has_more
    return not has_more and all(isinstance(column, (list, dict)) for column in value.values())


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def _message(error: BaseException) -> str:
    return "too deeply nested" if isinstance(error, RecursionError) else str(error)
