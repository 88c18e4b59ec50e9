"""CSV and TSV files read in pieces of whole rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backlit import bounds
from backlit.data.files import cells, charset, delimited, dialect, formats, header, rows
from backlit.data.files.options import KEY, FileOptions
from backlit.data.streams import packed
from backlit.data.streams.found import Found, identity
from backlit.data.streams.row_ends import last_row_end, past_header, row_end
from backlit.data.streams.table import Piece, StreamedTable
from backlit.data.table.values import some
from backlit.errors import InputError

HEAD = 1 << 21  # bytes that tell how a file is laid out
SPOT, SPOTS = 1 << 16, 16  # bytes that are looked at further on, and in how many places


@dataclass(frozen=True, eq=False)
class Layout:
    """How one file is laid out.

    Attributes
    ----------
    dialect : Dialect
        Of the rows below the header.
    encoding : str
    start, line : int
        The byte and the line (from 1) at which the rows begin.
    names : tuple of str
        The columns' names; those at the right beyond them are empty.
    """

    dialect: dialect.Dialect
    encoding: str
    start: int
    line: int
    names: tuple[str, ...]


class TextTable(StreamedTable):
    """CSV or TSV files as one table; their cells stay text until they are understood.

    Parameters
    ----------
    files : list of Found
    name : str
    options : FileOptions
        What the user says of their layout.
    saved : dict of column to format, optional
        How columns are read, where that isn't to be told from their cells.

    Raises
    ------
    InputError
        If a file is no text, has other columns, or lines that are no rows.
    """

    untyped = True

    def __init__(
        self,
        files: Sequence[Found],
        name: str,
        options: FileOptions | None = None,
        saved: Mapping[str, str] | None = None,
    ) -> None:
        import polars as pl

        saved = dict(saved or {})
        self.name, self.files, self.notes = name, list(files), []
        self.options = options or FileOptions.from_text(saved.get(KEY, ""))
        self.seekable = not any(file.ending for file in files)
        self.bytes = sum(file.size for file in files)
        self.pieces: list[Piece] | None = None  # known when all was read once
        self._layouts = [self._layout(place) for place in range(len(files))]
        names = self._layouts[0].names
        for file, layout in zip(files[1:], self._layouts[1:], strict=True):
            missing = [name for name in names if name not in layout.names]
            more = [name for name in layout.names if name not in names]
            if missing or more:
                what = f"lacks {some(map(repr, missing))}" if missing else f"has {some(map(repr, more))} as well"
                raise InputError(
                    f"{file.path} {what}: files that are read as one table must have the columns of {files[0].path}"
                )
        hive = [name for name, _ in files[0].hive if name not in names]
        self.schema = {name: pl.String() for name in (*names, *hive)}
        bounds.require("columns", len(self.schema), f"{name} has")
        layout_text = self.options.to_text()
        self.formats = saved | ({KEY: layout_text} if layout_text else {})

    def _layout(self, place: int) -> Layout:
        """What a file's beginning tells, with notes on the first one's."""
        file = self.files[place]
        with packed.opened(file) as opened:
            data = packed.read(opened, HEAD if place == 0 else dialect.HEAD, file)
        kind = charset.what_is_it(data)
        if kind:
            raise charset.is_other(file.path, *kind)
        wide = next((code for mark, code in charset.MARKS if data.startswith(mark) and code != "utf-8-sig"), None)
        data = data[: data.rfind(b"\n") + 1] or data
        text, code = (b"", wide) if wide else charset.as_utf8(data, file.path, encoding=self.options.encoding)
        if code.startswith(("utf-16", "utf-32")):
            spoken = charset.SPOKEN.get(code, code)
            raise InputError(f"{file.path} is {spoken}, which isn't read in pieces; save it as UTF-8")
        try:
            found = dialect.find(text, tabs=file.kind == "tsv", options=self.options)
        except InputError as error:
            raise InputError(f"{file.path}: {error}") from None
        if found is None:
            raise InputError(f"{file.path} is empty: it holds nothing but empty lines")
        if found.newline == "\r":
            raise InputError(f"{file.path} ends its lines by \\r alone; save it with \\n to have it read in pieces")
        start, line = past_header(text, found)
        below = replace(found, start=0, line=line, named=False, row_names=False)
        frame = delimited.cells(text[start:], below, file.path, keep_text=True) if text[start:].strip() else None
        if frame is None:
            raise InputError(f"{file.path} has a header but no rows")
        frame, titles, trimmed = header.trim(frame, list(found.header))
        frame, name_notes = header.name_columns(frame, titles, found.named)
        without, units = header.without_units(frame)
        if units:
            row = row_end(text[start:], found.separator)
            start, line = start + row, line + text[start : start + row].count(b"\n")
        if place == 0:
            self.notes += [*trimmed[: len(trimmed) if len(titles) < len(found.header) else 0], *name_notes, *units]
        mark = data.startswith(charset.MARKS[0][0]) and code == "utf-8-sig"
        skipped = len(charset.MARKS[0][0]) if mark else 0
        if code not in ("utf-8", "utf-8-sig"):  # places are those of the file, not of its text in UTF-8
            start = len(text[:start].decode().encode(code))
        return Layout(replace(below, line=line), code, start + skipped, line, tuple(without.columns))

    @property
    def separator(self) -> str:
        """What stands between values."""
        return self._layouts[0].dialect.separator

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[tuple[Piece, Any]]:
        """All pieces in order; where each stands is remembered."""
        pieces = []
        for place, file in enumerate(self.files):
            start = 0
            for piece, data in self._cut(place):
                frame = self._frame(data, piece, columns)
                if frame.height:
                    piece = replace(piece, start=start, rows=frame.height)
                    pieces.append(piece)
                    yield piece, frame
                    start += frame.height
            if not start:
                raise InputError(f"{file.path} has a header but no rows")
        self.pieces = pieces
        self.rows = sum(piece.rows for piece in pieces)

    def _cut(self, place: int) -> Iterator[tuple[Piece, bytes]]:
        """A file's bytes in pieces of whole rows."""
        file, layout = self.files[place], self._layouts[place]
        offset, line = layout.start, layout.line
        with packed.opened(file) as opened:
            packed.skip(opened, layout.start, file)
            rest, ahead = b"", packed.read(opened, packed.SIZE, file)
            while rest or ahead:
                data, ahead = rest + ahead, packed.read(opened, packed.SIZE, file)
                end = last_row_end(data, layout.dialect.separator) if ahead else len(data)
                if not end:
                    bounds.require("text", len(data), f"{file.path}, line {line}: a row has")
                elif data[:end].strip():
                    last = not ahead or (end == len(data) and not ahead.strip())
                    yield Piece(place, 0, 0, offset, end, line, last), data[:end]
                line += data.count(b"\n", 0, end)
                offset, rest = offset + end, data[end:]

    def read(self, piece: Piece, columns: Sequence[str] | None = None) -> Any:
        """One piece, by its place in the file."""
        return self._frame(self._data(piece), piece, columns)

    def _data(self, piece: Piece) -> bytes:
        file = self.files[piece.file]
        with packed.opened(file) as opened:
            packed.skip(opened, piece.offset, file)
            return packed.read(opened, piece.size, file)

    def _frame(self, data: bytes, piece: Piece, columns: Sequence[str] | None, text: bool = False) -> Any:
        """Cells of a piece: text, or numbers where they are plainly such."""
        import polars as pl

        file, layout = self.files[piece.file], self._layouts[piece.file]
        if not layout.encoding.startswith("utf-8"):
            data = charset.as_utf8(data, file.path, encoding=layout.encoding)[0]
        own = replace(layout.dialect, line=piece.line)
        keep = text or self.options.missing is not None
        try:
            frame = delimited.cells(data, own, file.path, keep)
        except delimited.NotUTF8Error:
            raise InputError(
                f"{file.path} isn't UTF-8 from line {piece.line} on, as its beginning is; name its encoding: "
                "encoding='cp1252' say (--encoding)"
            ) from None
        frame = frame[:, : len(layout.names)]
        frame = frame.rename(dict(zip(frame.columns, layout.names, strict=True)))
        if piece.last:
            frame = header.trim(frame, list(layout.names))[0]
        hive = [pl.lit(value).alias(name) for name, value in file.hive if name in self.schema]
        frame = frame.with_columns(hive) if hive else frame
        return frame.select(list(self.schema) if columns is None else list(columns))

    def layout(self, piece: Piece) -> Layout:
        """How the file is laid out in which a piece lies."""
        return self._layouts[piece.file]

    def texts(self, piece: Piece, columns: Sequence[str]) -> Any:
        """Cells of a piece as they stand."""
        return self._frame(self._data(piece), piece, columns, text=True)

    def head(self, most: int) -> Any:
        """The first rows, and some from all over if the files can be entered anywhere."""
        import polars as pl

        piece, data = next(self._cut(0), (None, b""))
        if piece is None:
            raise InputError(f"{self.files[0].path} has a header but no rows")
        spots = list(self._spots(data)) if self.seekable else []
        share = most if not spots else most // 2
        frames = [] if spots else [self._frame(data[: packed.SIZE], piece, None, text=True)[:share]]
        if spots:
            end = last_row_end(data[:HEAD], self._layouts[0].dialect.separator) or len(data)
            frames = [self._frame(data[:end], replace(piece, last=False), None, text=True)[:share], *spots]
        return pl.concat(frames)[:most]

    def _spots(self, data: bytes) -> Iterator[Any]:
        """Rows from places all over; not where quotes may hold line ends."""
        for spot in range(1, SPOTS):
            place, offset = self._at(spot * (self.bytes or 0) // SPOTS)
            layout = self._layouts[place]
            if b'"' in data or (place == 0 and offset < HEAD):
                continue
            with packed.opened(self.files[place]) as opened:
                packed.skip(opened, max(offset, layout.start), self.files[place])
                piece = packed.read(opened, SPOT, self.files[place])
            lines = piece[piece.find(b"\n") + 1 : piece.rfind(b"\n") + 1] if offset > layout.start else piece
            lines = lines[: lines.rfind(b"\n") + 1]
            with contextlib.suppress(InputError):  # told when the pass comes there
                if lines.strip():
                    yield self._frame(lines, Piece(place, 0, 0, offset, len(lines), 1), None, text=True)

    def _at(self, byte: int) -> tuple[int, int]:
        """File and place in it of a byte of all files."""
        for place, file in enumerate(self.files):
            if byte < file.size:
                return place, byte
            byte -= file.size
        return len(self.files) - 1, 0

    def typed(self, frame: Any, piece: Piece, formats_: Mapping[str, str] | None = None) -> Any:
        """Values of cells, each column in its format.

        Raises
        ------
        InputError
            If a cell doesn't fit; file, line and column are named.
        """
        import polars as pl

        chosen = self.formats if formats_ is None else formats_
        known = {name: formats.from_text(chosen[name]) for name in frame.columns if name in chosen}
        frame = self.as_text(frame, piece, known)
        columns = []
        for column in frame.get_columns():
            format_ = known.get(column.name)
            if column.dtype != pl.String or format_ is None:
                columns.append(column.fill_nan(None) if column.dtype.is_float() else column)
                continue
            values = cells.as_saved(column, format_, self.options.markers)
            if isinstance(values, cells.Misfit):
                raise InputError(
                    f"{self.place(piece, values.row)}, column {values.column!r}: expected {format_.expected}, as at "
                    f"training, got {values.value!r}; mend the value, or empty it if it is missing"
                )
            columns.append(values)
        return pl.DataFrame(columns)

    def as_text(self, frame: Any, piece: Piece, known: Mapping[str, Any]) -> Any:
        """The frame with text in columns that were read as numbers, but are meant otherwise."""
        import polars as pl

        wrong = [
            column.name
            for column in frame.get_columns()
            if column.dtype != pl.String and known.get(column.name, formats.PLAIN) != formats.PLAIN
        ]
        return frame.with_columns(self.texts(piece, wrong).get_columns()) if wrong and piece.size else frame

    def place(self, piece: Piece, row: int) -> str:
        """File and line."""
        layout = replace(self._layouts[piece.file].dialect, line=piece.line)
        path, data = self.files[piece.file].path, self._data(piece)
        if not self._layouts[piece.file].encoding.startswith("utf-8"):
            data = charset.as_utf8(data, path, encoding=self._layouts[piece.file].encoding)[0]
        return f"{path}, line {rows.line_of(data, layout, path, row)}"

    def require_same(self) -> None:
        """Refuse files that have changed."""
        for file in self.files:
            file.require_same()

    def state(self) -> dict[str, Any]:
        """The files' names, sizes and times of change."""
        return identity(self.files)
