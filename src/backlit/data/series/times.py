"""A column of times as numbers to count by: microseconds of the clock on the wall, or of UTC where that one jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.files.zones import OFFSET, home_of, zones
from backlit.data.series.calendar import as_dates
from backlit.data.table.moment import as_moments
from backlit.data.table.values import numbers
from backlit.errors import InputError

HOUR = 3_600_000_000  # microseconds


@dataclass(frozen=True, eq=False)
class Times:
    """Times, how they are written, and where their clocks are.

    Attributes
    ----------
    values : array (rows,)
        Microseconds since 1970 by UTC if there is a zone, else by the clock (int64); or plain numbers (float64).
    written : str
        "date", "datetime", "whole", "number", or what `as_dates` calls it.
    zone : str or None
        The times' zone.
    bare : bool
        The table doesn't say the zone: it is known by the hour that comes twice.
    """

    values: np.ndarray
    written: str
    zone: str | None = None
    bare: bool = False

    @classmethod
    def of(cls, column: Any, series: np.ndarray, zone: str | None = None) -> Times:
        """The times of a column.

        Parameters
        ----------
        column : polars.Series
        series : int array (rows,)
            Which series each row belongs to: in one, a time comes twice only where clocks are put back.
        zone : str, optional
            Where clocks are whose times don't say it.

        Raises
        ------
        InputError
            If a time is missing, or can't be read.
        """
        import polars as pl

        _require_times(column)
        calendar = as_dates(column)
        if calendar is not None:
            return cls(_microseconds(calendar[0]), calendar[1])
        if column.dtype.is_numeric():
            return cls(numbers(column), "whole" if column.dtype.is_integer() else "number")
        if column.dtype == pl.String and column.str.contains(r"\d:?\d\d?(?:\.\d+)?" + OFFSET).all():
            column = _with_offsets(column)
        if column.dtype == pl.Datetime and column.dtype.time_zone is not None:
            return cls(_microseconds(in_utc(column)), "datetime", column.dtype.time_zone)
        moments = as_moments(column)
        if column.dtype == pl.Date or (column.dtype == pl.String and not column.str.contains(":").any()):
            return cls(_microseconds(moments), "date")
        zone = zone or _zone_of_repeats(moments, series)
        values = moments if zone is None else _placed(moments, _repeats(moments, series)[1], zone)
        return cls(_microseconds(values), "datetime", zone, bare=zone is not None)

    def on_the_wall(self) -> np.ndarray:
        """Microseconds by the zone's own clocks."""
        return self.values if self.zone is None else clock_of(self.values, self.zone)


def clock_of(values: np.ndarray, zone: str) -> np.ndarray:
    """Microseconds of UTC as the microseconds that clocks in a zone show."""
    return _microseconds(_as_utc(values).dt.convert_time_zone(zone).dt.replace_time_zone(None))


def column_in(values: np.ndarray, zone: str, wall: bool) -> Any:
    """A column of times with a zone, from microseconds of UTC, or of the clock on the wall."""
    import polars as pl

    if not wall:
        return _as_utc(values).dt.convert_time_zone(zone)
    moments = pl.Series(values).cast(pl.Datetime("us"))
    return _aware(moments, zone, "earliest")


def _as_utc(values: np.ndarray) -> Any:
    import polars as pl

    return pl.Series(values).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def in_utc(column: Any) -> Any:
    """Times with a zone as those of UTC, without one."""
    return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _aware(moments: Any, zone: str, ambiguous: Any) -> Any:
    """Times of the clock as times in a zone; one that is left out in spring is an hour later."""
    placed = moments.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")
    if not placed.null_count():
        return placed
    later = moments.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return placed.fill_null(later)


def _microseconds(moments: Any) -> np.ndarray:
    import polars as pl

    return moments.cast(pl.Datetime("us")).to_physical().to_numpy()


def _require_times(column: Any) -> None:
    import polars as pl

    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary, pl.Boolean):
        raise InputError(f"time {column.name!r} holds {column.dtype}; expected dates, times or numbers")
    if column.null_count() or (column.dtype.is_float() and column.is_nan().any()):
        missing = column.is_null() | (column.is_nan() if column.dtype.is_float() else False)
        row = int(missing.arg_max() or 0)
        raise InputError(f"time {column.name!r}: row {row + 1} is missing; every row of a series needs its time")


def _with_offsets(column: Any) -> Any:
    """Text such as 2024-01-01T00:00+09:00 as times in the zone that says so."""
    import polars as pl

    text = column.str.strip_chars().str.replace("[Zz]$", "+00:00")
    try:
        moments = text.str.to_datetime(time_unit="us", time_zone="UTC", strict=True)
    except pl.exceptions.PolarsError:  # told by its row
        as_moments(column)
        raise
    return moments.dt.convert_time_zone(home_of(column, moments))


def _repeats(moments: Any, series: np.ndarray) -> tuple[Any, Any]:
    """Which times come twice in their series, and which of an hour that comes twice each is meant to be."""
    import polars as pl

    keys = ["series", "at"]
    frame = pl.DataFrame({"series": series, "at": moments})
    ascending = float(np.median(np.sign(np.diff(_microseconds(moments))))) >= 0 if len(moments) > 1 else True
    first = pl.col("at").cum_count().over(keys) == 1
    frame = frame.with_columns(
        twice=pl.len().over(keys) == 2,
        which=pl.when(first == ascending).then(pl.lit("earliest")).otherwise(pl.lit("latest")),
    )
    which = frame.select(pl.when("twice").then("which").otherwise(pl.lit("earliest"))).to_series()
    return frame["twice"], which


def _placed(moments: Any, which: Any, zone: str) -> Any:
    return in_utc(_aware(moments, zone, which))


def _zone_of_repeats(moments: Any, series: np.ndarray) -> str | None:
    """The zone whose clocks show twice the times that come twice, and no other time of these; None if none does."""
    twice, _ = _repeats(moments, series)
    if not twice.any() or len(moments) == twice.sum():
        return None
    repeated, others = moments.filter(twice).unique(), moments.filter(~twice)
    for zone in zones():
        if not _unclear(repeated[:1], zone) or not _unclear(repeated, zone):
            continue
        near = others.filter(_is_unclear(others, zone))
        if near.is_empty():
            return zone
    return None


def _unclear(moments: Any, zone: str) -> bool:
    return bool(_is_unclear(moments, zone).all())


def _is_unclear(moments: Any, zone: str) -> Any:
    """Which times a zone's clocks show twice, or never."""
    return moments.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").is_null()
