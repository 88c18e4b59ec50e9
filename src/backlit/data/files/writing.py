"""Tables written back with further columns: same format, own cells unharmed, new ones plain."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from backlit import bounds
from backlit.aligned import visible
from backlit.data.files import Source, kinds
from backlit.data.files.dialect import BLANKS
from backlit.data.files.formats import from_text
from backlit.data.files.header import free_name
from backlit.data.files.moments import Moment
from backlit.data.files.packed import packer
from backlit.errors import InputError, ShapeError
from backlit.extras import need
from backlit.files import saving

FORMULA = "^[=+@-]"  # a spreadsheet takes such a cell for a formula
BYTE_ORDER_MARK = "\ufeff"
LOOK = 200  # cells that tell how times are written
WAYS = {
    "%m": ("%m", "%-m"), "%d": ("%d", "%-d"), "%H": ("%H", "%-H"), "%I": ("%I", "%-I"), "%p": ("%p", "%P"),
    "%z": ("%:z", "%z", "Z"), "%.f": ("%.3f", "%.6f", "%.9f", ""),
}  # fmt: skip


def write(frame: Any, path: str | Path | None, like: Source) -> None:
    r"""Write a table with further columns, in the format of the file that it was read from.

    The table's own columns come first, as their cells stand in its file if it kept them
    (``read_source(..., keep_text=True)``); then the new ones, plainly: numbers with the file's decimal mark, dates as
    2024-01-31, missing values as empty cells. Text that a spreadsheet could take for a formula is quoted, which
    not every spreadsheet heeds: in .xlsx text is text.

    Parameters
    ----------
    frame : polars.DataFrame
        The new columns; those that equal the table's own may be among them. One that differs from an own column of its
        name gets another name, such as ``prediction_2``.
    path : path or None
        Its ending tells the format: .csv, .tsv, .parquet, .arrow, .json, .jsonl, .npz, .xlsx, and .gz, .bz2 or .xz
        after it to compress. Where it tells none, and on standard output (None), the format is the table's own.
    like : Source
        The table. Encoding, separator and decimal mark of text are its.

    Raises
    ------
    InputError
        If the file can't be written, nothing is written in the format that its name tells, a character doesn't exist in
        its encoding, or bytes would go to a terminal.
    ShapeError
        If there isn't one value a row.

    Examples
    --------
    >>> import backlit as bl, pathlib, tempfile
    >>> from backlit.data.files import read_source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "prices.csv"
    ...     _ = path.write_text("price;plate\n1.200,50;=A1\n")
    ...     source = read_source(path, keep_text=True)
    ...     more = source.frame.with_columns(guess=source.frame["price"] / 2)
    ...     write(more, path.with_name("more.csv"), source)
    ...     path.with_name("more.csv").read_text()
    'price;plate;guess\n1.200,50;"=A1";600,25\n'
    """
    if path is None:
        like = _readable(like)
        _to_standard_output(_encoded(frame, like), like)
        return
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file to write to")
    pack = packer(path.suffix.lower())
    data = _encoded(frame, _as_named(like, path if pack is None else Path(path.stem)))
    with saving(path) as temporary:
        temporary.write_bytes(data if pack is None else pack(data))


def _as_named(like: Source, path: Path) -> Source:
    """The table as of the format that a file's name tells."""
    ending = path.suffix.lower()
    kind = kinds.BY_ENDING.get(ending)
    if ending in kinds.UNREAD or (kind is not None and kind.name not in WRITERS):
        raise InputError(f"{path} isn't written: name the file so that it ends in {', '.join(WRITABLE)}")
    if kind is None:
        return like if like.format in ("csv", "tsv") or (like.format in WRITERS and not ending) else _as_text(like)
    if kind.name == like.format or (kind.name == "csv" and like.format == "tsv" and ending == ".txt"):
        return like
    if kind.name == "tsv":
        return replace(_as_text(like), format="tsv", separator="\t", decimal=".")
    if kind.name == "csv":
        return _as_text(like)
    return replace(like, format=kind.name, text=None, separator=None)


def _readable(like: Source) -> Source:
    """The table as of a format that is written."""
    return like if like.format in WRITERS else _as_text(like)


def _as_text(like: Source) -> Source:
    """The table as delimited text."""
    if kinds.BY_NAME[like.format].read is None:
        tabs = like.format == "tsv" and like.separator == "\t"
        return replace(like, format="csv", separator="," if tabs else like.separator)
    return replace(like, format="csv", text=None, encoding="utf-8", separator=",", decimal=".", newline="\n")


def as_written(frame: Any, formats: Mapping[str, str], cells: Any = None) -> Any:
    """A frame whose dates and times are text, written as those of a source are: `formats` are its, `cells` its text.

    The cells tell what a format leaves open: zeros in front (2. 4. or 02. 04.), Z or +00:00, am or AM.

    >>> import polars as pl
    >>> from datetime import date
    >>> frame = pl.DataFrame({"day": [date(2024, 2, 4)]})
    >>> as_written(frame, {"day": "date %Y년 %m월 %d일"})["day"].to_list()
    ['2024년 2월 4일']
    >>> as_written(frame, {"day": "date %Y년 %m월 %d일"}, pl.DataFrame({"day": ["2024년 02월 03일"]}))["day"].to_list()
    ['2024년 02월 04일']
    """
    columns = []
    for name in frame.columns:
        format_ = from_text(formats.get(name, "text"))
        if not isinstance(format_, Moment) or not frame[name].dtype.is_temporal():
            continue
        values = frame[name].dt.convert_time_zone(format_.home) if format_.home else frame[name]
        like = None if cells is None or name not in cells.columns else cells[name].drop_nulls()[:LOOK].str.strip_chars()
        columns.append(values.dt.strftime(_layout(format_, like)).alias(name))
    return frame.with_columns(columns)


def _layout(format_: Moment, cells: Any) -> str:
    """The layout that gives back most cells; without any, zeros stand in front unless people leave them out."""
    usual = format_.layout.replace("%.f", "%.6f").replace("%z", "%:z")
    if any(mark in usual for mark in ("년", "%m. ")):
        usual = usual.replace("%m", "%-m").replace("%d", "%-d")
    if cells is None or cells.is_empty():
        return usual
    values = format_.parse(cells)
    values = values.dt.convert_time_zone(format_.home) if format_.home else values
    ways = [usual, *_ways(format_.layout)]
    return max(ways, key=lambda layout: int((values.dt.strftime(layout) == cells).sum()))


def _ways(layout: str) -> Iterator[str]:
    """The ways in which numbers of a layout may be written."""
    open_parts = [(part, ways) for part, ways in WAYS.items() if part in layout]
    for chosen in product(*(ways for _, ways in open_parts)):
        way = layout
        for (part, _), written in zip(open_parts, chosen, strict=True):
            way = way.replace(part, written)
        yield way


def _extended(frame: Any, like: Source) -> tuple[Any, set[str]]:
    """The table's own cells and the new columns, and the names of those that are text."""
    import polars as pl

    if frame.height != like.frame.height:
        raise ShapeError(f"the table has {like.frame.height} rows, the new columns {frame.height}")
    cells = like.frame if like.text is None else like.text
    used_names, present = set(cells.columns), set(like.frame.columns)
    new = {
        free_name(name, used_names): frame[name]
        for name in frame.columns
        if name not in present or not frame[name].equals(like.frame[name])
    }
    values = like.frame.with_columns(column.alias(name) for name, column in new.items())
    text = {name for name in values.columns if values[name].dtype == pl.String}
    return cells.with_columns(values[name] for name in new), text


def _to_standard_output(data: bytes, like: Source) -> None:
    terminal = sys.stdout.isatty()
    if terminal and not kinds.BY_NAME[like.format].is_text:
        raise InputError(f"{like.format} isn't text that a terminal shows; name a file to write to")
    if terminal:  # which has an encoding of its own
        sys.stdout.write(visible(data.decode(like.encoding or "utf-8").lstrip(BYTE_ORDER_MARK).replace("\r\n", "\n")))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    sys.stdout.flush()


def _encoded(frame: Any, like: Source) -> bytes:
    """The file's bytes."""
    import polars as pl

    frame, text = _extended(frame, like)
    try:
        return WRITERS[like.format](frame, text, like)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"the table can't be written as {like.format}: {error}") from error


def _text(frame: Any, text: set[str], like: Source) -> bytes:
    return _in_encoding(_delimited(frame, text, like), like.encoding or "utf-8")


def _by_polars(method: str) -> Callable[[Any, set[str], Source], bytes]:
    def write(frame: Any, text: set[str], like: Source) -> bytes:
        file = io.BytesIO()
        getattr(frame, method)(file)
        return file.getvalue()

    return write


def _archive(frame: Any, text: set[str], like: Source) -> bytes:
    file = io.BytesIO()
    arrays: dict[str, Any] = {name: _as_array(frame[name]) for name in frame.columns}
    np.savez(file, **arrays)
    return file.getvalue()


def _excel(frame: Any, text: set[str], like: Source) -> bytes:
    file = io.BytesIO()
    _write_excel(frame, file)
    return file.getvalue()


WRITERS: dict[str, Callable[[Any, set[str], Source], bytes]] = {
    "csv": _text,
    "tsv": _text,
    "parquet": _by_polars("write_parquet"),
    "arrow": _by_polars("write_ipc"),
    "avro": _by_polars("write_avro"),
    "json": _by_polars("write_json"),
    "jsonl": _by_polars("write_ndjson"),
    "npz": _archive,
    "excel": _excel,
}
WRITABLE = (".csv", ".tsv", ".parquet", ".arrow", ".json", ".jsonl", ".npz", ".xlsx")


def _delimited(frame: Any, text: set[str], like: Source) -> str:
    """Delimited text, with quotes where they are needed."""
    import polars as pl

    separator = like.separator or ","
    special = f'["\r\n\t{separator}]' if separator == BLANKS else f'["\r\n{separator}]'  # in brackets, a bar is a bar
    gap = "NA" if separator == BLANKS else ""  # blanks alone would be no cell
    formula = f"{special}|{FORMULA}"
    cells = pl.DataFrame([_cells_of(column, like.decimal or ".") for column in frame])
    # All columns at once: asked one by one, ten thousand take ten seconds.
    cells = cells.select(
        _quoted(pl.nth(place), formula if name in text else special) for place, name in enumerate(frame.columns)
    )
    names = separator.join(pl.DataFrame({"": frame.columns}).select(_quoted(pl.col(""), formula))[""].to_list())
    lines = cells.select(pl.concat_str(pl.all().fill_null(gap), separator=separator).alias("line"))
    if frame.width == 1:  # an empty line would be no row
        lines = lines.select(pl.col("line").replace("", '""'))
    newline = like.newline or "\n"
    body = lines.write_csv(None, include_header=False, quote_style="never", line_terminator=newline)
    return f"{names}{newline}{body}"


def _quoted(column: Any, needed: str) -> Any:
    """An expression for a column's cells: in quotes where they match; quotes within are doubled."""
    import polars as pl

    quoted = '"' + column.str.replace_all('"', '""', literal=True) + '"'
    return pl.when(column.str.contains(needed)).then(quoted).otherwise(column).name.keep()


def _cells_of(column: Any, decimal: str) -> Any:
    """A column's values as cells."""
    import polars as pl

    if column.dtype == pl.String:
        return column
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        return pl.Series(column.name, [None if v is None else str(v) for v in column.to_list()], dtype=pl.String)
    if not column.dtype.is_float():
        return column.cast(pl.String)
    text = column.fill_nan(None).cast(pl.String)
    return text if decimal == "." else text.str.replace(".", decimal, literal=True)


def _in_encoding(text: str, encoding: str) -> bytes:
    mark = BYTE_ORDER_MARK if encoding.startswith(("utf-16", "utf-32")) else ""  # for utf-8-sig Python writes it
    try:
        return (mark + text).encode(encoding)
    except UnicodeEncodeError as error:
        raise InputError(
            f"{error.object[error.start]!r} doesn't exist in the input's encoding, {encoding}; "
            "save the input as UTF-8 first"
        ) from error


def _as_array(column: Any) -> np.ndarray:
    """A column as NumPy keeps it in archives: text as such, missing numbers as NaN."""
    import polars as pl

    array = column.to_numpy()
    if array.dtype != object and column.dtype != pl.String:
        return array
    text = column.fill_null("") if column.dtype == pl.String else pl.Series(map(str, column.to_list()), dtype=pl.String)
    longest = text.str.len_chars().max() or 0  # NumPy gives every text the room of the longest
    bounds.require("unpacked", 4 * longest * len(text), f"column {column.name!r} as NumPy's text takes")
    return np.array(text.to_list(), dtype=str)


def _write_excel(frame: Any, file: io.BytesIO) -> None:
    zoned = [name for name in frame.columns if getattr(frame[name].dtype, "time_zone", None)]
    frame = frame.with_columns(frame[name].dt.replace_time_zone(None) for name in zoned)  # Excel knows no zones
    need("xlsxwriter", extra="excel", why="writing Excel files")
    frame.write_excel(file)
