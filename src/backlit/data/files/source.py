"""A table file as a data frame, with what was found out about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from backlit.data.files import cells, charset, delimited, dialect, formats, header, kinds, packed, rows
from backlit.data.files.moments import Moment
from backlit.data.files.options import KEY, FileOptions
from backlit.data.files.zones import home_of
from backlit.errors import InputError
from backlit.languages import Template

READ_AS = Template("read as {encoding}", "{encoding} 형식으로 읽었습니다.")
LINE_ABOVE = Template("{count} line above the table left out", "표 위의 {count}줄을 뺐습니다.")
LINES_ABOVE = Template("{count} lines above the table left out", "표 위의 {count}줄을 뺐습니다.")
BLANKS = Template("blanks separate the values", "값을 빈칸으로 나눕니다.")
COLONS = Template("colons separate the values", "값을 콜론으로 나눕니다.")
NAMES_IN_LINE = Template("the columns' names stand in line {line}", "열 이름은 {line}번째 줄에 있습니다.")

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Source:
    """A table and how its file was read.

    Attributes
    ----------
    frame : polars.DataFrame
        Columns of numbers, truth values, dates, times or text.
    path : Path
    format : str
        "csv", "tsv", "parquet", "arrow", "avro", "jsonl", "json", "npz", "npy", "excel", "sqlite", "arff" or "libsvm".
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


def read(
    path: str | Path,
    *,
    decimal: str | None = None,
    skip_lines: int | None = None,
    header: bool | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    missing: Sequence[str] | None = None,
) -> Any:
    r"""A table file as a polars DataFrame.

    Parameters
    ----------
    path : path
        Delimited text (CSV, TSV, separated by semicolons, bars, spaces or colons), Parquet, Arrow, Avro, JSON, .npz,
        .npy, Excel, SQLite, ARFF or libsvm's rows; text in UTF-8, UTF-16, CP949, CP1252, Shift-JIS, GBK, CP1251 and
        others; also compressed by gzip, bzip2, xz, Zstandard or zip. "-" is standard input. One of a file's several
        tables, sheets or members is named after it: ``data.sqlite::flights``.
    decimal : "." or ",", optional
        What stands before fractions where the file doesn't tell.
    skip_lines : int, optional
        Lines at the top that aren't part of the table.
    header : bool, optional
        False if the first line is a row already; the columns are then called column_1, column_2, ...
    separator : str, optional
        Between values, where it isn't told from the file; a space stands for any number of spaces and tabs.
    encoding : str, optional
        By Python's name for it, where it isn't told from the file.
    missing : list of str, optional
        Cells that stand for a missing value, beside empty ones. By default NA, N/A, na, #N/A, NaN, NaT, null, None, -,
        --, ?, . and a spreadsheet's errors such as #REF!.

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
    return read_source(
        path,
        decimal=decimal,
        skip_lines=skip_lines,
        header=header,
        separator=separator,
        encoding=encoding,
        missing=missing,
    ).frame


def read_source(
    path: str | Path,
    *,
    formats: Mapping[str, str] | None = None,
    targets: Sequence[str] = (),
    keep_text: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Source:
    """A table file, with how it was read.

    Parameters
    ----------
    path : path
    formats : dict, optional
        The `formats` of another source, whose columns this one's are read like; other columns as usual.
    targets : list of str
        Columns that are predicted: in those of text a word for missing values that stands in a tenth of the rows, "-"
        or "NA" say, is a class.
    keep_text : bool
        Keep the cells as they stand, so that they can be written back.
    progress : function of (stage, fraction), optional
        Called as the stages of reading go on.
    **options
        Any of `FileOptions`: decimal, skip_lines, header, separator, encoding, missing.

    Raises
    ------
    InputError
        As `read`; also if a value doesn't fit its column's format (file, line, column and value are named).
    """
    saved = dict(formats or {})
    file_options = FileOptions.from_text(saved.get(KEY, ""), **options)
    job = _Job(
        *packed.located(path), file_options, saved, tuple(targets), keep_text, progress or (lambda stage, share: None)
    )
    job.tell("reading", 0.0)
    data, ending, part = packed.unpacked(packed.contents(job.path), job.path, job.part)
    kind = kinds.of_ending(ending, job.path)
    if not job.path.is_file():
        kind = kinds.of_start(data) or kind
    if kind.read is None:
        if part is not None:
            raise InputError(f"{job.path} is one table; there is no {part!r} in it")
        return _delimited(data, kind.name, job)
    source = Source(None, job.path, kind.name)
    if kind.starts and not data.startswith(kind.starts):
        _refuse_other(data, job.path)
        raise InputError(f"{job.path} isn't of the kind that its name says ({ending}); if it is text, name it .csv")
    if kind.is_text:
        _refuse_other(data, job.path)
        data, code = charset.as_utf8(data, job.path, encoding=file_options.encoding)
        source = replace(source, encoding=code)
    frame, notes = kind.read(data, job.path, part)
    _require(frame, job.path)
    return _converted(replace(source, frame=frame, notes=tuple(notes)), job, lambda row: f"row {row + 1}")


@dataclass(frozen=True, eq=False)
class _Job:
    """What is to be read, and how."""

    path: Path
    part: str | None
    options: FileOptions
    saved: dict[str, str]
    targets: tuple[str, ...]
    keep_text: bool
    tell: Progress


def place(path: str | Path, row: int, formats: Mapping[str, str] | None = None) -> str:
    """Where a row (from 0) of a file that was read stands: "t.csv, line 31"; what has no lines counts rows, from 1.

    Parameters
    ----------
    path : path
    row : int
    formats : dict, optional
        Of the source: they keep how the user said that the file is laid out.
    """
    saved = dict(formats or {})
    job = _Job(*packed.located(path), FileOptions.from_text(saved.get(KEY, "")), saved, (), True, lambda *_: None)
    if not job.path.is_file():  # standard input, and pipes, are read once
        return f"{job.path}, row {row + 1}"
    data, ending, _ = packed.unpacked(packed.contents(job.path), job.path, job.part)
    kind = kinds.of_ending(ending, job.path)
    if kind.read is not None:
        return f"{job.path}, row {row + 1}"
    text, _, layout, frame = _split(data, kind.name, job, thorough=True)
    units = header.without_units(header.trim(frame, list(layout.header))[0])[1]
    return f"{job.path}, line {rows.line_of(text, layout, job.path, row + bool(units))}"


def _refuse_other(data: bytes, path: Path) -> None:
    """Refuse what the first bytes say is of another kind."""
    kind = charset.what_is_it(data)
    if kind:
        raise charset.is_other(path, *kind)


def _require(frame: Any, path: Path) -> None:
    if not frame.width:
        raise InputError(f"{path} has no columns")
    if not frame.height:
        raise InputError(f"{path} has a header but no rows")


def _delimited(data: bytes, format_: str, job: _Job) -> Source:
    _refuse_other(data, job.path)
    job.tell("splitting into cells", 0.1)
    try:
        text, code, layout, frame = _split(data, format_, job, thorough=False)
    except delimited.NotUTF8Error:
        text, code, layout, frame = _split(data, format_, job, thorough=True)
    del data
    notes: list[str] = []
    if code != "utf-8":
        notes.append(READ_AS.say(encoding=charset.SPOKEN.get(code, code)))
    if layout.preamble:
        notes.append((LINES_ABOVE if layout.preamble > 1 else LINE_ABOVE).say(count=layout.preamble))
    if layout.line > 1 and layout.named:
        notes.append(NAMES_IN_LINE.say(line=layout.line))
    if layout.separator in (dialect.BLANKS, dialect.COLON):
        notes.append((BLANKS if layout.separator == dialect.BLANKS else COLONS).say())
    frame, names, trim_notes = header.trim(frame, list(layout.header))
    frame, name_notes = header.name_columns(frame, names, layout.named)
    frame, units = header.without_units(frame)
    _require(frame, job.path)
    source = Source(
        frame,
        job.path,
        format_,
        encoding=code,
        separator="," if layout.separator == dialect.NONE else layout.separator,
        newline=layout.newline,
        notes=(*notes, *trim_notes, *name_notes, *units),
    )
    return _converted(source, job, lambda row: f"line {rows.line_of(text, layout, job.path, row + bool(units))}")


def _split(data: bytes, format_: str, job: _Job, thorough: bool) -> tuple[bytes, str, dialect.Dialect, Any]:
    """The file in UTF-8, its encoding, its layout and its cells."""
    text, code = charset.as_utf8(data, job.path, thorough, encoding=job.options.encoding)
    try:
        layout = dialect.find(text, tabs=format_ == "tsv", options=job.options)
    except InputError as error:
        raise InputError(f"{job.path}: {error}") from None
    if layout is None:
        raise InputError(f"{job.path} is empty: it holds nothing but empty lines")
    return text, code, layout, delimited.cells(text, layout, job.path, job.keep_text or job.options.missing is not None)


def _converted(source: Source, job: _Job, where: Callable[[int], str]) -> Source:
    """The source with its text made values, and how."""
    import polars as pl

    frame = source.frame
    typed = kinds.BY_NAME[source.format].typed
    missing = job.options.markers
    values: dict[str, Any] = {}
    ways: dict[str, list[cells.Reading]] = {}
    for place, column in enumerate(frame.get_columns()):
        job.tell("making values of text", 0.3 + 0.7 * place / frame.width)
        name = column.name
        if column.dtype != pl.String:
            values[name] = column
        elif name in job.saved:
            values[name] = _as_saved(column, formats.from_text(job.saved[name]), job, where)
        elif not typed:
            ways[name] = cells.readings(column, missing)
    readings, evidence, unclear = cells.choose(ways, job.options.decimal, source.separator)
    for name in job.targets:
        if name in readings and job.options.missing is None:
            readings[name] = cells.as_classes(frame[name], readings[name])
    format_texts = {name: _format_text(name, frame, readings, job.saved) for name in frame.columns}
    format_texts |= _homes(frame, values | {name: reading.values for name, reading in readings.items()}, format_texts)
    values |= {name: reading.values for name, reading in readings.items()}
    values |= {name: frame[name] for name in frame.columns if name not in values}
    notes = [*source.notes, *unclear]
    for name, reading in readings.items():
        notes += cells.describe(name, reading, lambda name=name: frame[name], where)  # type: ignore[misc]
    notes += cells.tell_missing(
        {name: (frame[name], values[name]) for name in values if frame[name].dtype == pl.String}
    )
    job.tell("making values of text", 1.0)
    mark = evidence.decimal or ("," if any("decimal=," in way for way in format_texts.values()) else ".")
    layout = job.options.to_text()
    return replace(
        source,
        frame=pl.DataFrame([values[name] for name in frame.columns]),
        decimal=mark if source.separator else None,
        formats=format_texts | ({KEY: layout} if layout else {}),
        notes=tuple(notes),
        text=frame if job.keep_text and not typed else None,
    )


def _homes(frame: Any, values: Mapping[str, Any], format_texts: Mapping[str, str]) -> dict[str, str]:
    """The formats of times that say how far they are from UTC, with the zone in which they were written."""
    found = {}
    for name, text in format_texts.items():
        format_ = formats.from_text(text) if "%z" in text and text.startswith("time ") else None
        if isinstance(format_, Moment):
            found[name] = str(replace(format_, home=home_of(frame[name], values[name])))
    return found


def _format_text(name: str, frame: Any, readings: Mapping[str, cells.Reading], saved: Mapping[str, str]) -> str:
    """The format of a column: as it was told, as it was saved, or by the type that it came with."""
    import polars as pl

    dtype = frame[name].dtype
    if name in readings:
        return str(readings[name].format)
    if name in saved and dtype == pl.String:
        return saved[name]
    return format_of_type(dtype)


def format_of_type(dtype: Any) -> str:
    """The format in which text means what a column of some type holds."""
    import polars as pl

    if dtype == pl.Boolean:
        return "true/false"
    if dtype.is_numeric():
        return "number"
    return "date %Y-%m-%d" if dtype == pl.Date else "text"


def _as_saved(column: Any, format_: formats.Format, job: _Job, where: Callable[[int], str]) -> Any:
    values = cells.as_saved(column, format_, job.options.markers)
    if isinstance(values, cells.Misfit):
        raise InputError(
            f"{job.path}, {where(values.row)}, column {values.column!r}: expected {format_.expected}, as at training, "
            f"got {values.value!r}; mend the value, or empty it if it is missing"
        )
    return values
