"""Which summary a column needs, by a look at some of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backlit.data.files import cells, formats
from backlit.data.files.cells import MISSING, mostly
from backlit.data.files.formats import Format, Number
from backlit.data.streams.sketches import Quantiles
from backlit.data.streams.summaries import Dates, FiguresInText, Ignored, Levels, Numbers, Summary
from backlit.data.table.understanding import COUNTER, IDENTIFIER, are_dates
from backlit.data.table.values import known, words

MEMORY = 1 << 26  # bytes that all quantiles may take
LEVELS = 16  # runs that a sketch of quantiles has, about
LEAST, MOST = 512, Quantiles().size
LARGE = "^[+-]?[1-9][0-9]{18,}$"  # whole numbers that no type holds


@dataclass(eq=False)
class Outlook:
    """What is known of the columns before a pass, and what earlier passes taught.

    Attributes
    ----------
    wishes : dict of column to kind
    pinned : dict of column to "text", "dates", "figures" or "counted"
        Columns that turned out otherwise than a first look told.
    formats : dict of column to format
        Of untyped tables.
    cells : dict of column to list of str
        From which the formats were told.
    markers : words for missing values
    width : int
        Number of columns.
    samples : dict of column to polars.Series
        Rows by which columns are told that the first ones misled about.
    decimal, separator : str or None
        The decimal mark as the user says, and what separates values, which tells the custom of a text file.
    """

    wishes: dict[str, str]
    pinned: dict[str, str] = field(default_factory=dict)
    formats: dict[str, Format] = field(default_factory=dict)
    cells: dict[str, list[str]] = field(default_factory=dict)
    markers: Sequence[str] = MISSING
    width: int = 1
    samples: dict[str, Any] = field(default_factory=dict)
    decimal: str | None = None
    separator: str | None = None

    @property
    def size(self) -> int:
        """Of the runs of each column's quantiles."""
        return max(LEAST, min(MOST, MEMORY // (8 * LEVELS * max(self.width, 1))))

    def summary(self, column: Any) -> Summary:
        """What sums up a column, of which these are some rows."""
        import polars as pl

        name, kind = column.name, column.dtype
        wish, format_ = self.wishes.get(name), self.formats.get(name)
        named = IDENTIFIER.search(name) is not None or COUNTER.search(name) is not None
        if wish == "drop" or kind.is_nested() or kind in (pl.Object, pl.Binary):
            return Ignored(name)
        if wish == "category":
            return Levels(name)
        if wish in ("date", "season"):
            return Dates(name, wished=True)
        if wish is not None:
            return Numbers(name, self.size, log=wish == "log")
        if isinstance(format_, Number) and name not in self.pinned:
            return FiguresInText(name, self.size, format_, self.markers, named=named)
        if kind.is_temporal() and kind != pl.Duration:
            return Dates(name)
        if kind.is_numeric() or kind == pl.Duration:
            return Numbers(name, self.size, named=named)
        return self._of_text(column)

    def _of_text(self, column: Any) -> Summary:
        import polars as pl

        name = column.name
        column, pinned = self.samples.get(name, column), self.pinned.get(name)
        present = known(column)
        levels = Levels(name)
        levels.counts_all = pinned == "counted"
        if column.dtype != pl.String or not len(present) or pinned in ("text", "counted"):
            return levels
        if present.n_unique() > 1 and (pinned == "dates" or are_dates(present)):
            return Dates(name)
        figures = mostly(words(present))
        if figures is not None:
            return FiguresInText(name, self.size, figures[0], self.markers)
        if present.str.contains(LARGE).all() and IDENTIFIER.search(name) is None:
            return FiguresInText(name, self.size, formats.PLAIN, self.markers)
        return levels


def first_readings(head: Any, outlook: Outlook) -> list[Any]:
    """How the columns of an untyped table are read, by some rows: formats go to the outlook; notes come back."""
    import polars as pl

    texts = [column for column in head.get_columns() if column.dtype == pl.String]
    ways = {column.name: cells.readings(column, outlook.markers) for column in texts}
    chosen, _, notes = cells.choose(ways, outlook.decimal, outlook.separator)
    outlook.formats = {name: reading.format for name, reading in chosen.items()}
    outlook.cells = {column.name: cells.few(column, outlook.markers) for column in texts}
    return notes


def second_reading(name: str, surprises: Sequence[str], outlook: Outlook) -> Format | None:
    """The format of a column in which cells turned up that don't fit, or may mean something else.

    The first format if they are slips among numbers; None for text.
    """
    import polars as pl

    before = outlook.formats[name]
    sample = [*outlook.cells.get(name, []), *surprises]
    fitting = cells.distinct(formats.candidates(sample), sample)
    if before in fitting:
        outlook.cells[name] = sample
        return before
    if fitting:
        outlook.cells[name] = sample
        ways = [cells.Reading(format_, format_.parse(pl.Series(sample[-1:]))) for format_ in fitting]
        return cells.choose({name: ways}, outlook.decimal, outlook.separator)[0][name].format
    slips_only = isinstance(before, Number) and not any(cell[:1] == "0" and cell.isdigit() for cell in surprises)
    return before if slips_only else None
