"""A table file as a data frame, with what was found out about it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from gzip import BadGzipFile, decompress
from pathlib import Path
from typing import Any

from backlit.data.files import binary, cells, delimited, dialect, formats, header, rows
from backlit.data.files import charset as encoding
from backlit.errors import InputError

Progress = Callable[[str, float], None]

READERS = {
    "parquet": binary.parquet,
    "arrow": binary.arrow,
    "jsonl": binary.json_lines,
    "npz": binary.archive,
    "excel": binary.excel,
}
ENDINGS = {
    ".tsv": "tsv", ".tab": "tsv", ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow",
    ".ipc": "arrow", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".npz": "npz", ".xlsx": "excel",
    ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
}  # fmt: skip
STARTS = {"parquet": (b"PAR1",), "npz": (b"PK",), "excel": (b"PK", b"\xd0\xcf\x11\xe0")}


@dataclass(frozen=True, eq=False)
class Source:
    """A table and how its file was read.

    Attributes
    ----------
    frame : polars.DataFrame
        Columns of numbers, truth values, dates, times or text.
    path : Path
    format : str
        "csv", "tsv", "parquet", "arrow", "jsonl", "npz" or "excel".
    encoding : str or None
        By Python's name for it; only text has one. "utf-8-sig" is UTF-8 with a byte order mark.
    separator, decimal, newline : str or None
        Between values, before fractions, and at the end of lines; only delimited text has them.
    formats : dict
        How each column's text became values, as plain strings; `read_source` takes them for another file.
    notes : tuple of str
        What people should know about how the file was read, in sentences.
    text : polars.DataFrame or None
        The cells as they stand in the file, if they were asked for, and if there was text to make values of.
    """

    frame: Any
    path: Path
    format: str
    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    newline: str | None = None
    formats: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    text: Any = None

    def __repr__(self) -> str:
        return f"Source({str(self.path)!r}, {self.format}, {self.frame.height} × {self.frame.width})"


def read(path: str | Path, *, decimal: str | None = None) -> Any:
    r"""A table file as a polars DataFrame.

    Parameters
    ----------
    path : path
        CSV with any separator, TSV, Parquet, Arrow, JSON lines, .npz or Excel; text in UTF-8, UTF-16, CP949 or CP1252,
        also compressed by gzip. Empty cells, NA, N/A, NaN, null, None, -, -- and ? are missing.
    decimal : "." or ",", optional
        What stands before fractions where the file doesn't tell.

    Returns
    -------
    polars.DataFrame
        Columns of numbers, truth values, dates, times or text.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, of another kind than its name says, has no rows, or a row of another
        length (its line is named).

    Examples
    --------
    >>> import backlit as bl, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "prices.csv"
    ...     _ = path.write_text("day;price\n31.1.2024;1.234,50\n1.2.2024;999,99\n")
    ...     bl.data.read(path).rows()
    [(datetime.date(2024, 1, 31), 1234.5), (datetime.date(2024, 2, 1), 999.99)]
    """
    return read_source(path, decimal=decimal).frame


def read_source(
    path: str | Path,
    *,
    decimal: str | None = None,
    formats: Mapping[str, str] | None = None,
    keep_text: bool = False,
    progress: Progress | None = None,
) -> Source:
    """A table file, with how it was read.

    Parameters
    ----------
    path : path
    decimal : "." or ",", optional
        What stands before fractions where the file doesn't tell.
    formats : dict, optional
        The `formats` of another source, whose columns this one's are read like; other columns as usual.
    keep_text : bool
        Keep the cells as they stand, so that they can be written back.
    progress : function of (stage, fraction), optional
        Called as the stages of reading go on.

    Raises
    ------
    InputError
        As `read`; also if a value doesn't fit its column's format (line, column and value are named).
    """
    if decimal not in (None, ".", ","):
        raise InputError(f"the decimal mark must be '.' or ',', got {decimal!r}")
    path = Path(path)
    tell = progress or (lambda stage, fraction: None)
    tell("reading", 0.0)
    try:
        _check(path)
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} can't be read: {error}") from error
    data, ending, notes = _unpacked(data, path)
    format_ = ENDINGS.get(ending, "csv")
    saved = dict(formats or {})
    if format_ not in READERS:
        return _delimited(data, path, format_, notes, decimal, saved, keep_text, tell)
    source = Source(None, path, format_)
    if format_ == "jsonl":
        _refuse_other(data, path)
        data, code = encoding.as_utf8(data, path)
        source = replace(source, encoding=code)
    elif format_ in STARTS and not data.startswith(STARTS[format_]):
        _refuse_other(data, path)
        raise InputError(f"{path} isn't of the kind that its name says ({ending}); if it is text, name it .csv")
    frame, more = READERS[format_](data, path)
    _require(frame, path)
    source = replace(source, frame=frame, notes=(*notes, *more))
    return _converted(source, decimal, saved, keep_text, tell, lambda row: f"row {row + 1}")


def _check(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a table file such as CSV or Parquet")
    if not path.exists():
        folder = path.parent
        near = get_close_matches(path.name, [p.name for p in folder.iterdir()], n=1) if folder.is_dir() else []
        raise InputError(f"there is no file {path}" + (f"; did you mean {folder / near[0]}?" if near else ""))
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")


def _unpacked(data: bytes, path: Path) -> tuple[bytes, str, list[str]]:
    """The file's bytes, decompressed, with the ending that tells their format."""
    ending = path.suffix.lower()
    if ending != ".gz":
        return data, ending, []
    try:
        data = decompress(data)
    except (BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} can't be decompressed: {error}; is it damaged?") from error
    if not data:
        raise InputError(f"{path} is empty")
    return data, Path(path.stem).suffix.lower(), []


def _refuse_other(data: bytes, path: Path) -> None:
    """Refuse what the first bytes say is of another kind."""
    found = encoding.what_is_it(data)
    if found:
        raise encoding.is_other(path, *found)


def _require(frame: Any, path: Path) -> None:
    if not frame.width:
        raise InputError(f"{path} has no columns")
    if not frame.height:
        raise InputError(f"{path} has a header but no rows")


def _delimited(
    data: bytes,
    path: Path,
    format_: str,
    notes: list[str],
    decimal: str | None,
    saved: dict[str, str],
    keep_text: bool,
    tell: Progress,
) -> Source:
    _refuse_other(data, path)
    tell("splitting into cells", 0.1)
    try:
        text, code, layout, frame = _split(data, path, format_, keep_text, thorough=False)
    except delimited.NotUTF8Error:
        text, code, layout, frame = _split(data, path, format_, keep_text, thorough=True)
    del data
    if code != "utf-8":
        notes.append(f"read as {encoding.SPOKEN[code]}")
    if layout.line > 1:
        notes.append(f"the columns' names stand in line {layout.line}")
    frame, names, more = header.trim(frame, list(layout.header))
    frame, named = header.name_columns(frame, names)
    _require(frame, path)
    source = Source(
        frame,
        path,
        format_,
        encoding=code,
        separator="," if layout.separator == dialect.NONE else layout.separator,
        newline=layout.newline,
        notes=(*notes, *more, *named),
    )
    return _converted(
        source, decimal, saved, keep_text, tell, lambda row: f"line {rows.line_of(text, layout, path, row)}"
    )


def _split(
    data: bytes, path: Path, format_: str, keep_text: bool, thorough: bool
) -> tuple[bytes, str, dialect.Dialect, Any]:
    """The file in UTF-8, its encoding, its layout and its cells."""
    text, code = encoding.as_utf8(data, path, thorough)
    layout = dialect.find(text, tabs=format_ == "tsv")
    if layout is None:
        raise InputError(f"{path} is empty: it holds nothing but empty lines")
    return text, code, layout, delimited.cells(text, layout, path, keep_text)


def _converted(
    source: Source,
    decimal: str | None,
    saved: dict[str, str],
    keep_text: bool,
    tell: Progress,
    where: Callable[[int], str],
) -> Source:
    """The source with its text made values, and how."""
    import polars as pl

    given = source.frame
    typed = source.format in ("parquet", "arrow", "npz")  # their types were meant
    values: dict[str, Any] = {}
    ways: dict[str, list[cells.Reading]] = {}
    for place, column in enumerate(given.get_columns()):
        tell("making values of text", 0.3 + 0.7 * place / given.width)
        name = column.name
        if column.dtype != pl.String:
            values[name] = column
        elif name in saved:
            values[name] = _as_saved(column, formats.from_text(saved[name]), source.path, where)
        elif not typed:
            ways[name] = cells.readings(column)
    chosen, evidence, unclear = cells.choose(ways, decimal, source.separator)
    notes = [*source.notes, *unclear]
    how = {}
    for name in given.columns:
        if name in chosen:
            values[name] = chosen[name].values
            how[name] = str(chosen[name].format)
            notes += cells.describe(name, chosen[name], lambda name=name: given[name])  # type: ignore[misc]
        elif name in saved and given[name].dtype == pl.String:
            how[name] = saved[name]
        else:
            values.setdefault(name, given[name])
            how[name] = _kind(given[name].dtype)
    tell("making values of text", 1.0)
    mark = evidence.decimal or ("," if any("decimal=," in way for way in how.values()) else ".")
    return replace(
        source,
        frame=pl.DataFrame([values[name] for name in given.columns]),
        decimal=mark if source.separator else None,
        formats=how,
        notes=tuple(notes),
        text=given if keep_text and not typed else None,
    )


def _as_saved(column: Any, format_: formats.Format, path: Path, where: Callable[[int], str]) -> Any:
    found = cells.as_saved(column, format_)
    if isinstance(found, cells.Misfit):
        raise InputError(
            f"{path}, {where(found.row)}, column {found.column!r}: expected {format_.expected}, as at training, "
            f"got {found.value!r}; mend the value, or empty it if it is missing"
        )
    return found


def _kind(dtype: Any) -> str:
    """The format of a column that came with a type."""
    import polars as pl

    if dtype == pl.Boolean:
        return "true/false"
    if dtype.is_numeric():
        return "number"
    return "date %Y-%m-%d" if dtype == pl.Date else "text"
