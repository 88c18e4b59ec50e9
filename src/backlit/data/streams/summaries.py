"""What a column's values tell as they pass by once, by kind of column."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from backlit.data.files.cells import MISSING, parse
from backlit.data.files.formats import Format
from backlit.data.streams.sketches import Counts, Distinct, Moments, Quantiles
from backlit.data.table.moment import Range, as_moments, parts_of
from backlit.data.table.number import FIRST, QUANTILES, SOME, Spread, logged
from backlit.data.table.values import CellError, infinite, known, numbers, words

GIVEN_UP = 200_000  # rows from which text that nearly always differs isn't counted any more
NEARLY_ALL = 0.9


class Unlike(NamedTuple):
    """A column that turns out to be of another kind than its first look told."""

    column: str
    why: str
    sample: Any = None  # rows that tell of which kind it is


class UnlikeError(Exception):
    """The pass has to begin anew, since columns are of another kind."""

    def __init__(self, *unlike: Unlike) -> None:
        super().__init__(", ".join(each.column for each in unlike))
        self.unlike = unlike


class Summary(ABC):
    """Of one column: `look` at all rows, `add` those that are learned from."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.gaps = self.nulls = 0

    def look(self, column: Any) -> None:
        """Refuse what can't be used in any row, whichever part it is in.

        Raises
        ------
        CellError
            For a number that is infinite.
        """
        if column.dtype.is_float() and not np.isfinite(column.sum()) and column.is_infinite().any():
            raise infinite(self.name, int(column.is_infinite().arg_max() or 0))

    def add(self, column: Any) -> None:
        """Training rows."""
        self.rows += len(column)
        self.nulls += column.null_count()
        present = known(column)
        self.gaps += len(column) - len(present)
        if len(present):
            self.learn(present)

    @abstractmethod
    def learn(self, present: Any) -> None:
        """Values that aren't missing."""

    @property
    def missing(self) -> float:
        """Share of rows without a value."""
        return self.gaps / self.rows if self.rows else 0.0


class Ignored(Summary):
    """A column that isn't looked at; how much of it is missing is told."""

    def learn(self, present: Any) -> None:
        """Nothing."""


class Numbers(Summary):
    """Numbers: moments, quantiles, whether they are whole, and whether they count the rows.

    Parameters
    ----------
    name : str
    size : int
        Of the quantiles' runs.
    log : bool
        Whether their logarithms are learned.
    named : bool
        Whether the column is called as those are that name rows: then different values are counted, too.
    """

    def __init__(self, name: str, size: int, log: bool = False, named: bool = False) -> None:
        super().__init__(name)
        self.moments, self.quantiles = Moments(), Quantiles(size)
        self.log, self.named = log, named
        self.whole = self.grows = True
        self.first, self.last = np.empty(0), -np.inf
        self.different = Distinct()
        self.bits: np.ndarray | None = None

    def look(self, column: Any) -> None:
        """Refuse what is no number, infinite, or has no logarithm.

        Raises
        ------
        CellError
            Naming the row.
        """
        super().look(column)
        if self.log or column.dtype == _text():
            logged(self.name, numbers(column)) if self.log else numbers(column)

    def add(self, column: Any) -> None:
        """Training rows."""
        values = numbers(column)
        gaps = np.isnan(values)
        self.rows += len(values)
        self.nulls += column.null_count()
        if gaps.any():
            self.gaps += int(gaps.sum())
            values = values[~gaps]
        if len(values):
            self.learn(values)

    def learn(self, present: Any) -> None:
        """Values that aren't missing, as an array."""
        values = present
        self.whole = self.whole and bool((values == np.round(values)).all())
        if self.named:
            steps = np.diff(values, prepend=self.last)
            self.grows, self.last = self.grows and bool((steps > 0).all()), float(values[-1])
            self.different.add(_hashes(values))
        if len(self.first) < FIRST:
            self.first = np.concatenate([self.first, values[: FIRST - len(self.first)]])
        values = np.log1p(values) if self.log else values
        self.moments.add(values)
        self.quantiles.add(values)

    def spread(self) -> Spread:
        """All that scaling follows from."""
        quantiles = tuple(self.quantiles.at(QUANTILES).tolist())
        middle = quantiles[2]
        return Spread(
            quantiles,
            float(max(self.moments.high - middle, middle - self.moments.low)),
            self.moments.filled(self.gaps, middle),
            self.moments.deviation,
            len(np.unique(np.log1p(self.first) if self.log else self.first)) <= 2,
        )


class FiguresInText(Numbers):
    """Numbers written as text, all but a few slips, which count as missing."""

    def __init__(self, name: str, size: int, format_: Format, markers: Any = MISSING, **options: Any) -> None:
        super().__init__(name, size, **options)
        self.format, self.markers = format_, markers
        self.written = True
        self.slips: list[str] = []
        self.slipped = 0

    def look(self, column: Any) -> None:
        """Refuse an infinite number; what is none is missing."""
        Summary.look(self, column)

    def add(self, column: Any) -> None:
        """Training rows, as text or read already."""
        if column.dtype.is_numeric():
            super().add(column)
            return
        parsed, slips = parse(column, self.format, self.markers)
        self.slipped += len(slips)
        if len(slips) and len(self.slips) < SOME:
            fresh = [slip for slip in slips.unique(maintain_order=True).to_list() if slip not in self.slips]
            self.slips += fresh[: SOME - len(self.slips)]
        super().add(parsed)


class Levels(Summary):
    """Values by name: how often each occurs, how many differ, and how long they are."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.counts, self.different = Counts(), Distinct()
        self.letters = 0
        self.given_up = self.counts_all = False
        self.whole: bool = True

    def learn(self, present: Any) -> None:
        """Values that aren't missing."""
        hashes = None
        if present.dtype.is_float():  # text of them is made in the end: whether all are whole isn't known before
            self.whole = self.whole and bool((present == present.round(0)).all() and (present.abs() < 2**53).all())
            keys = present
        elif present.dtype.is_integer():  # another piece may hold floats: 2 and 2.0 are one key
            keys = present
            hashes = _as_floats(present).hash()
        else:
            keys = words(present)
            self.letters += int(keys.str.len_chars().sum())
        self.different.add((keys.hash() if hashes is None else hashes).to_numpy())
        if self.given_up:
            return
        counts = keys.alias("level").value_counts()
        self.counts.add(dict(zip(counts["level"].to_list(), counts["count"].to_list(), strict=True)))
        seen = self.rows - self.gaps
        if not self.counts_all and seen > GIVEN_UP and self.different.estimate > NEARLY_ALL * seen:
            self.given_up = True

    def levels(self) -> dict[str, int]:
        """How often each occurs, by its text: as that of a whole column of the wider type."""
        counts = self.counts.counts
        types = {type(key) for key in counts}
        if float not in types and len(types) < 2:
            return {str(key): count for key, count in counts.items()}
        import polars as pl

        levels: dict[str, int] = {}
        keys = pl.Series([_figure(key) for key in counts], dtype=pl.Float64)
        texts = words(keys) if self.whole and not keys.has_nulls() else keys.cast(pl.String)
        for text, (key, count) in zip(texts.to_list(), counts.items(), strict=True):
            level = str(key) if text is None else text
            levels[level] = levels.get(level, 0) + count
        return levels

    @property
    def length(self) -> float:
        """Characters in the mean."""
        return self.letters / max(self.rows - self.gaps, 1)


class Dates(Summary):
    """Dates and times, also those written as text: the range of each part."""

    def __init__(self, name: str, wished: bool = False) -> None:
        super().__init__(name)
        self.wished = wished
        self.parts: dict[str, Moments] = {}

    def learn(self, present: Any) -> None:
        """Values that aren't missing."""
        for part, values in parts_of(present).items():
            self.parts.setdefault(part, Moments()).add(values[~np.isnan(values)])

    def look(self, column: Any) -> None:
        """Refuse text that is no date."""
        if column.dtype.is_temporal():
            return
        try:
            as_moments(column)
        except CellError as error:
            if self.wished:
                raise
            raise UnlikeError(Unlike(self.name, "text")) from error

    def ranges(self) -> dict[str, Range]:
        """The range of each part."""
        return {
            part: Range(seen.low, seen.high, seen.mean, seen.deviation)
            for part, seen in self.parts.items()
            if seen.count
        }


def _figure(key: Any) -> float | None:
    """A level as a number; None for what is none."""
    try:
        return float(key)
    except ValueError:
        return None


def _as_floats(whole: Any) -> Any:
    """Whole numbers as floats, unless some would become others' equals."""
    import polars as pl

    return whole.cast(pl.Float64) if bool((whole.abs() < 2**53).all()) else whole


def _text() -> Any:
    import polars as pl

    return pl.String


def _hashes(values: np.ndarray) -> np.ndarray:
    from backlit.data.streams.hashing import mixed

    return mixed((values + 0.0).view(np.uint64) ^ np.uint64(0x5851F42D4C957F2D))
