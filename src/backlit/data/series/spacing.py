"""Spacing: how far apart a series' times are, so that each time has a place: a whole number, one more a step."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from backlit.data.series.calendar import as_dates, is_notation, written_as
from backlit.data.table.moment import as_moments
from backlit.data.table.values import numbers
from backlit.errors import InputError
from backlit.schema import parts
from backlit.settings import check, finite, positive

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000  # microseconds
OFF = 0.25  # of a step, by which a time may be off its place
MONTHLY = 27.5 * DAY  # shortest usual distance of what may count months
EVERY_DAY = "1111111"
LAST = -1  # the last day of each month
WRITTEN = ("date", "datetime", "whole", "number")
FARTHEST = 2.0**62  # microseconds that an int64 holds
EPOCH = "1800-01-01"  # from which weekdays are counted


@dataclass(frozen=True)
class Spacing:
    """Evenly spaced times.

    Attributes
    ----------
    unit : "months", "weekdays", "time" or "number"
        What is counted: calendar months; the days of the week that occur (working days, say); time; plain numbers.
    step : float
        From one time to the next: months, days, microseconds, or in the numbers' own unit.
    offset : float
        Where the steps are: the first of them from 0 on (months and microseconds since 1970), or the time of the day.
    day : int
        Of the month, for months; -1 is the last.
    weekdays : str
        Seven 0s and 1s from Monday on.
    written : str
        What the times are in the table: "date", "datetime", "whole", "number", or what `as_dates` calls it.
    zone : str or None
        The times' zone; places then count in UTC, so that no hour comes twice.

    Examples
    --------
    >>> import polars as pl
    >>> days = pl.Series("day", ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-03"])
    >>> spacing, places = Spacing.learn(days)
    >>> spacing.every, spacing.season, (places - places[0]).tolist()
    ('day', 7, [0, 1, 2, 4])
    >>> spacing.column("day", places[-1:] + 1).to_list()
    [datetime.date(2024, 3, 4)]
    """

    unit: Literal["months", "weekdays", "time", "number"]
    step: float = positive()
    offset: float = finite()
    day: int = 1
    weekdays: str = EVERY_DAY
    written: str = "date"
    zone: str | None = None

    def __post_init__(self) -> None:
        """Check what could have been learned from no table."""
        check(self, "time: ")
        if self.unit != "number" and not (1 <= self.step < FARTHEST and abs(self.offset) < FARTHEST):
            raise InputError(f"time: steps of {self.step:g} from {self.offset:g} lead out of the calendar")
        if self.day != LAST and not 1 <= self.day <= 31:
            raise InputError(f"time: day must be one of a month, or {LAST}, got {self.day}")
        if not re.fullmatch("[01]*1[01]*", self.weekdays) or len(self.weekdays) != len(EVERY_DAY):
            raise InputError(f"time: weekdays must be seven 0s and 1s, got {self.weekdays!r}")
        if self.written not in WRITTEN and not is_notation(self.written):
            raise InputError(f"time: no table's times are written as {self.written!r}")
        try:
            zoneinfo.ZoneInfo(self.zone or "UTC")
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
            raise InputError(f"time: there is no time zone {self.zone!r}") from error

    @classmethod
    def learn(cls, column: Any, series: np.ndarray | None = None) -> tuple[Spacing, np.ndarray]:
        """The spacing that most neighbouring times have, and each time's place, int64 (rows,).

        Parameters
        ----------
        column : polars.Series
            Dates, times, ISO 8601 text, months such as 2024-01, quarters such as 1980Q1, weeks such as 2024-W05, dates
            and months as whole numbers, 20240131 and 202401, or other numbers; in any order.
        series : int array (rows,), optional
            Which series each row belongs to; neighbours are of one series.

        Raises
        ------
        InputError
            If a time is missing or can't be read, no series has two times, or they are unevenly spaced.
        """
        values, notation, zone = _times(column)
        codes = np.zeros(len(values), dtype=np.int64) if series is None else series
        order = np.lexsort((values, codes))
        gaps = np.diff(values[order])[np.diff(codes[order]) == 0]
        gaps = gaps[gaps > 0]
        if not len(gaps):
            raise InputError(
                f"time {column.name!r}: no series has two different times; is it the right column, and is --series one "
                "that many rows share?"
            )
        spacing = _spacing_of(values, gaps, notation, zone)
        return spacing, spacing._placed(column, values)

    def places(self, column: Any) -> np.ndarray:
        """Each time's place, int64 (rows,).

        Raises
        ------
        InputError
            If a time is missing, can't be read, or is more than a quarter of a step off its place.
        """
        values, notation, _ = _times(column)
        if (notation in ("whole", "number")) != (self.unit == "number"):
            expected = "numbers" if self.unit == "number" else "dates or times"
            raise InputError(f"time {column.name!r}: training had {expected}, this table has {column.dtype}")
        return self._placed(column, values)

    def column(self, name: str, places: np.ndarray) -> Any:
        """The times of places, as a polars column of the type that the table had."""
        import polars as pl

        if self.unit == "number":
            values = self.offset + places * self.step
            return pl.Series(name, np.round(values).astype(np.int64) if self.written == "whole" else values)
        moments = pl.Series(name, self.moments(places)).cast(pl.Datetime("us"))
        if self.written == "date":
            return moments.cast(pl.Date)
        if self.written not in WRITTEN:
            return written_as(moments.cast(pl.Date), self.written)
        return moments if self.zone is None else moments.dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)

    def moments(self, places: np.ndarray) -> np.ndarray:
        """Microseconds since 1970, int64; of numbers, the places themselves."""
        if self.unit == "months":
            months = (np.asarray(places) * int(self.step) + int(self.offset)).astype("datetime64[M]")
            last = (months + 1).astype("datetime64[D]") - 1
            days = last if self.day == LAST else np.minimum(months.astype("datetime64[D]") + (self.day - 1), last)
            return days.astype("datetime64[us]").astype(np.int64)
        if self.unit == "weekdays":
            days = np.busday_offset(np.datetime64(EPOCH), places, roll="forward", weekmask=self.weekdays)
            return days.astype("datetime64[us]").astype(np.int64) + int(self.offset)
        if self.unit == "time":
            return (places * int(self.step) + int(self.offset)).astype(np.int64)
        return np.asarray(places)

    @property
    def season(self) -> int | None:
        """Steps after which much comes again: a day of hours, a week of days, a year of months; None if not known."""
        if self.unit == "months":
            return int(12 // self.step) if self.step < 12 and 12 % self.step == 0 else None
        if self.unit == "weekdays":
            return self.weekdays.count("1")
        if self.unit == "number":
            return None
        for step, cycle in ((SECOND * 59, MINUTE), (DAY - 1, DAY), (DAY, 7 * DAY)):
            if self.step <= step:
                return int(cycle // self.step) if cycle % self.step == 0 else None
        return 52 if self.step == 7 * DAY else None

    @property
    def cycle(self) -> str:
        """What the season is: "minute", "day", "week" or "year"."""
        if self.unit == "months" or self.step == 7 * DAY:
            return "year"
        if self.unit == "weekdays" or self.step == DAY:
            return "week"
        return "minute" if self.step < MINUTE else "day"

    @property
    def every(self) -> str:
        """One step in words: "day", "15 minutes", "month", "working day"."""
        if self.unit == "number":
            return f"{self.step:g} in the time column"
        if self.unit == "months":
            return {1: "month", 3: "quarter", 12: "year"}.get(int(self.step), f"{self.step:g} months")
        if self.unit == "weekdays":
            return "working day" if self.weekdays == "1111100" else self._days
        for length, name in ((7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
            if self.step % length == 0:
                count = int(self.step // length)
                return name if count == 1 else f"{count} {name}s"
        return f"{self.step / SECOND:g} seconds"

    @property
    def _days(self) -> str:
        names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        return ", ".join(name for name, is_present in zip(names, self.weekdays, strict=True) if is_present == "1")

    def _placed(self, column: Any, values: np.ndarray) -> np.ndarray:
        """Places of values; what is too far off is told by its row."""
        if self.unit == "months":
            days = values.astype("datetime64[us]").astype("datetime64[D]")
            exact = (days.astype("datetime64[M]").astype(np.int64) - self.offset) / self.step
        elif self.unit == "weekdays":
            days = (values - int(self.offset)).astype("datetime64[us]").astype("datetime64[D]")
            exact = np.busday_count(np.datetime64(EPOCH), days, weekmask=self.weekdays).astype(float)
            exact[~np.is_busday(days, weekmask=self.weekdays)] -= 0.5
        else:
            exact = (values - self.offset) / self.step
        places = np.round(exact).astype(np.int64)
        too_far = np.abs(exact - places) > OFF
        if too_far.any():
            row = int(too_far.argmax())
            raise InputError(
                f"time {column.name!r} is unevenly spaced: most rows are one {self.every} apart, but "
                f"{int(too_far.sum())} of {len(values)} fall between the steps, first row {row + 1} ({column[row]}); "
                "bring the table to even times first (a mean or sum for each step)"
            )
        return places

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Spacing:
        """The inverse of `to_dict`."""
        return cls(**parts(cls, data))


def _spacing_of(values: np.ndarray, gaps: np.ndarray, notation: str, zone: str | None) -> Spacing:
    """The spacing that most differences have."""
    if notation in ("whole", "number"):
        step = _step(gaps)
        return Spacing("number", step, _phase(values, step), written=notation)
    typical = float(np.median(gaps))
    days = values.astype("datetime64[us]").astype("datetime64[D]")
    clock = values - days.astype("datetime64[us]").astype(np.int64)
    at_one_time = bool((clock == clock[0]).all())
    if typical >= MONTHLY and at_one_time and clock[0] == 0:
        months = days.astype("datetime64[M]")
        day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
        last = (months + 1).astype("datetime64[D]") - 1
        month_day = LAST if (days == last).all() and day.max() > day.min() else int(day.max())
        if month_day == LAST or (days == np.minimum(months.astype("datetime64[D]") + (month_day - 1), last)).all():
            step = max(1.0, float(np.round(typical / (365.2425 * DAY / 12))))
            start = float(months.astype(np.int64)[0] % step)
            return Spacing("months", step, start, month_day, written=notation, zone=zone)
    if at_one_time and notation in ("date", "datetime", "yyyymmdd") and _mode(gaps) == DAY:
        weekday = (days.astype(np.int64) + 3) % 7  # 1970 began with a Thursday
        present = np.isin(np.arange(7), weekday)
        if not present.all() and np.ptp(days.astype(np.int64)) >= 14:
            mask = "".join("1" if day else "0" for day in present)
            return Spacing("weekdays", 1.0, float(clock[0]), weekdays=mask, written=notation, zone=zone)
    step = _step(gaps, (DAY, HOUR, MINUTE, SECOND))
    return Spacing("time", step, _phase(values, step), written=notation, zone=zone)


def _step(gaps: np.ndarray, units: tuple[int, ...] = ()) -> float:
    """The most frequent difference; if none has a half of them, the median as a whole number of a unit of time."""
    mode = _mode(gaps)
    if np.isclose(gaps, mode, rtol=1e-6, atol=0).mean() >= 0.5:
        return mode
    typical = float(np.median(gaps))
    unit = next((unit for unit in units if unit <= typical), None)
    return typical if unit is None else float(np.round(typical / unit) * unit)


def _mode(gaps: np.ndarray) -> float:
    distinct, counts = np.unique(gaps, return_counts=True)
    return float(distinct[counts.argmax()])


def _phase(values: np.ndarray, step: float) -> float:
    """Where in a step the times are: the mean on the circle."""
    exact = values % step
    distinct, counts = np.unique(exact, return_counts=True)
    if counts.max() * 2 >= len(values):
        return float(distinct[counts.argmax()])
    angle = np.angle(np.exp(2j * np.pi * exact / step).mean())
    return float(angle / (2 * np.pi) * step % step)


def _times(column: Any) -> tuple[np.ndarray, str, str | None]:
    """Times as microseconds since 1970 (int64) or numbers (float64), how they are written, and their zone."""
    import polars as pl

    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary, pl.Boolean):
        raise InputError(f"time {column.name!r} holds {column.dtype}; expected dates, times or numbers")
    if column.null_count() or (column.dtype.is_float() and column.is_nan().any()):
        missing = column.is_null() | (column.is_nan() if column.dtype.is_float() else False)
        row = int(missing.arg_max() or 0)
        raise InputError(f"time {column.name!r}: row {row + 1} is missing; every row of a series needs its time")
    calendar = as_dates(column)
    if calendar is not None:
        return calendar[0].cast(pl.Datetime("us")).to_physical().to_numpy(), calendar[1], None
    if column.dtype.is_numeric():
        return numbers(column), "whole" if column.dtype.is_integer() else "number", None
    if column.dtype == pl.Datetime and column.dtype.time_zone is not None:
        moments = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us"))
        return moments.to_physical().to_numpy(), "datetime", column.dtype.time_zone
    moments = as_moments(column)
    dated = column.dtype == pl.Date or (column.dtype == pl.String and not column.str.contains(":").any())
    return moments.to_physical().to_numpy(), "date" if dated else "datetime", None
