"""Cells of a table of text made values as a pass goes on, and what doesn't fit remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backlit.data.files import cells
from backlit.data.files import formats as file_formats
from backlit.data.files.formats import Number, Text
from backlit.data.files.moments import Moment
from backlit.data.files.options import KEY
from backlit.data.files.source import format_of_type
from backlit.data.files.zones import home_of
from backlit.data.streams.kinds import Outlook, second_reading
from backlit.data.streams.summaries import FiguresInText, Summary, Unlike, UnlikeError
from backlit.data.streams.table import Piece, StreamedTable
from backlit.languages import join

TOLD = 10  # words for missing values that are told


class Reader:
    """Makes values of a table's cells; a table that has types is left as it is.

    Parameters
    ----------
    table : StreamedTable
    outlook : Outlook
        Whose formats are tried; what doesn't fit changes them, and the pass begins anew.
    """

    def __init__(self, table: StreamedTable, outlook: Outlook) -> None:
        self.table, self.outlook = table, outlook
        for name, why in outlook.pinned.items():
            if name in outlook.formats and why in ("text", "counted", "dates", "figures"):
                known = outlook.formats[name]
                outlook.formats[name] = known if isinstance(known, Text) else Text()
        if table.untyped:
            table.formats = self.formats()
        self.slips: dict[str, tuple[int, str, str]] = {}  # how many, the first cell and where
        self.words: Counter[str] = Counter()
        self.unlike: dict[str, Unlike] = {}  # columns of another kind than the first look told
        self.rows = 0
        self._types = dict(table.schema)
        self._home: dict[str, str] = {}

    def is_text(self, name: str) -> bool:
        """Whether a column's values are text."""
        import polars as pl

        return bool(self._types[name] == pl.String)

    def head(self, raw: Any) -> Any:
        """Values of the first look; what doesn't fit is missing."""
        import polars as pl

        if not self.table.untyped:
            return raw
        columns = []
        for column in raw.get_columns():
            format_ = self.outlook.formats[column.name]
            values = cells.parse(column, format_, self._markers(format_))[0]
            columns.append(values)
            self._types[column.name] = values.dtype
            if isinstance(format_, Moment) and "%z" in format_.layout:
                self._home[column.name] = home_of(column, values)
        return pl.DataFrame(columns)

    def values(self, raw: Any, piece: Piece) -> tuple[Any, dict[str, Any]]:
        """A piece's values, slips among numbers missing; and the columns with slips as they stand.

        Columns whose cells are of another kind than the first ones are remembered in `unlike`, and left as text.
        """
        import polars as pl

        self.rows += raw.height
        if not self.table.untyped:
            return raw, {}
        as_text = getattr(self.table, "as_text", None)
        raw = as_text(raw, piece, self.outlook.formats) if as_text else raw
        columns, slipping = [], {}
        for column in raw.get_columns():
            if column.dtype != pl.String:
                columns.append(column.fill_nan(None) if column.dtype.is_float() else column)
                continue
            try:
                values, slips = self._parsed(column, piece)
            except UnlikeError as error:
                self.unlike[column.name], values, slips = error.unlike[0], column, None
            columns.append(values)
            if slips is not None:
                slipping[column.name] = slips
        return pl.DataFrame(columns), slipping

    def _parsed(self, column: Any, piece: Piece) -> tuple[Any, Any]:
        name = column.name
        format_ = self.outlook.formats[name]
        values, misfits = cells.parse(column, format_, self._markers(format_))
        if values.null_count() > column.null_count():
            marked = cells.marked(column, values)
            self.words.update({word: count for word, count in marked.items() if word in self.outlook.markers})
        if isinstance(format_, Text):
            return values, None
        surprises = misfits.unique(maintain_order=True).head(20).to_list()
        if not surprises:
            surprises = cells.unlike(column, self.outlook.cells.get(name, []), format_, values)
        if surprises and name not in self.slips:
            self._decide(name, surprises)
        if not len(misfits):
            return values, None
        if name not in self.slips:
            row = int((values.is_null() & cells.clean(column, self.outlook.markers).is_not_null()).arg_max() or 0)
            self.slips[name] = (0, misfits[0], self.table.place(piece, row))
        count, cell, place = self.slips[name]
        self.slips[name] = (count + len(misfits), cell, place)
        return values, cells.clean(column, self.outlook.markers)

    def _decide(self, name: str, surprises: list[str]) -> None:
        """Go on if cells are slips among numbers; otherwise begin anew, with what they tell."""
        before = self.outlook.formats[name]
        after = second_reading(name, surprises, self.outlook)
        if after is None:
            self.outlook.formats[name] = Text()
            raise UnlikeError(Unlike(name, "format"))
        if after != before:
            self.outlook.formats[name] = after
            raise UnlikeError(Unlike(name, "format"))

    def _markers(self, format_: Any) -> Any:
        if isinstance(format_, Text) and format_.values:
            return [word for word in self.outlook.markers if word not in format_.values]
        return self.outlook.markers

    def settle(self, name: str, summary: Summary) -> None:
        """Whether a column's numbers stay text, since some cells are none."""
        if isinstance(summary, FiguresInText) and self.table.untyped:
            summary.written = name in self.slips

    def formats(self) -> dict[str, str]:
        """How each column's text becomes values; see `Source.formats`."""
        if not self.table.untyped:
            return {name: format_of_type(kind) for name, kind in self.table.schema.items()}
        found = {}
        for name, format_ in self.outlook.formats.items():
            if isinstance(format_, Moment) and name in getattr(self, "_home", {}):
                format_ = replace(format_, home=self._home[name])
            found[name] = "text" if name in getattr(self, "slips", {}) else str(format_)
        layout = {KEY: self.table.formats[KEY]} if KEY in self.table.formats else {}
        return found | layout

    def notes(self) -> list[Any]:
        """What should be known of how text became values, in sentences."""
        if not self.table.untyped:
            return []
        notes: list[Any] = []
        for name, format_ in self.outlook.formats.items():
            if isinstance(format_, (Number, Moment)) or (isinstance(format_, Text) and format_.values):
                reading = cells.Reading(format_, _empty(format_))
                notes += cells.describe(name, reading, lambda: None, lambda row: "")
        for name, (count, cell, place) in self.slips.items():
            template = cells.SLIPS_AMONG_NUMBERS if count > 1 else cells.A_SLIP_AMONG_NUMBERS
            notes.append(template.say(name=name, count=count, rows=self.rows, cell=cell, place=place))
        if self.words:
            words = [
                (cells.IN_CELLS if count > 1 else cells.IN_A_CELL).say(word=word, count=count)
                for word, count in self.words.most_common(TOLD)
            ]
            notes.append(cells.READ_AS_MISSING.say(words=join(", ", words)))
        return notes


def _empty(format_: Any) -> Any:
    import polars as pl

    return format_.parse(pl.Series([], dtype=pl.String)) if not isinstance(format_, Number) else pl.Series([0.5])


def parsed_all(formats: Mapping[str, str]) -> dict[str, Any]:
    """Formats from their text, the file's options left out."""
    return {name: file_formats.from_text(text) for name, text in formats.items() if name != KEY}
