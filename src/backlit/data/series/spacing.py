"""Spacing: how far apart a series' times are, so that each time has a place: a whole number, one more a step."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from backlit.data.series import timetable
from backlit.data.series.calendar import is_daily, is_notation, written_as
from backlit.data.series.times import Times, clock_of, column_in
from backlit.data.series.timetable import EVERY_DAY
from backlit.errors import InputError
from backlit.schema import parts
from backlit.settings import check, finite, positive

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000  # microseconds
OFF = 0.25  # of a step, by which a time may be off its place
FAR = 2.0**62  # microseconds that are still within an int64
WALL = 0.9 * DAY  # from which distance on clocks on the wall are counted by, though one day a year has 23 hours
UNITS = ((7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


@dataclass(frozen=True)
class Spacing:
    """Evenly spaced times.

    Attributes
    ----------
    unit : "months", "weekdays", "hours", "time" or "number"
        What is counted: calendar months; the days of the week that occur (working days, say); the times of the day that
        occur on them (business hours); time; plain numbers.
    step : float
        From one time to the next: months, days, microseconds, or in the numbers' own unit.
    offset : float
        Where the steps are: the first of them from 0 on (months and microseconds since 1970), or the time of the day.
    day : int
        Of the month, for months; -1 is the last. Which one, if `among` says among which days.
    among : str
        Days of which `day` is the first, last or n-th of its month: seven 0s and 1s from Monday on.
    clock : float
        The time of the day, for months, in microseconds.
    weekdays : str
        Seven 0s and 1s from Monday on.
    hours : tuple of int
        Times of the day, in microseconds.
    written : str
        What the times are in the table: "date", "datetime", "whole", "number", or what `as_dates` calls it.
    zone : str or None
        The times' zone. Steps shorter than a day then count in UTC, so that no hour comes twice; longer ones count by
        the clock on the wall, so that a day is a day when clocks change.
    wall : bool
        Whether they do.
    bare : bool
        The table's times don't say the zone.

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

    unit: Literal["months", "weekdays", "hours", "time", "number"]
    step: float = positive()
    offset: float = finite()
    day: int = 1
    among: str = EVERY_DAY
    clock: float = finite(0.0)
    weekdays: str = EVERY_DAY
    hours: tuple[int, ...] = ()
    written: str = "date"
    zone: str | None = None
    wall: bool = False
    bare: bool = False

    def __post_init__(self) -> None:
        """Check what could have been learned from no table."""
        check(self, "time: ")
        if self.unit != "number" and not (self.step >= 1 and max(self.step, abs(self.offset), abs(self.clock)) < FAR):
            raise InputError(f"time: steps of {self.step:g} from {self.offset:g} lead out of the calendar")
        if not -31 <= self.day <= 31 or not self.day:
            raise InputError(f"time: there is no day {self.day} of a month")
        for days in (self.among, self.weekdays):
            if not re.fullmatch("[01]{7}", days) or "1" not in days:
                raise InputError(f"time: weekdays must be seven 0s and 1s, got {days!r}")
        if not all(0 <= hour < DAY for hour in self.hours) or (self.unit == "hours" and not self.hours):
            raise InputError("time: hours must be times of a day")
        if self.written not in ("date", "datetime", "whole", "number") and not is_notation(self.written):
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
            Dates, times, ISO 8601 text, parts of years such as 2024-01, 1980Q1 or 2024-W05, dates and months as whole
            numbers, 20240131 and 202401, or other numbers; in any order.
        series : int array (rows,), optional
            Which series each row belongs to; neighbours are of one series.

        Raises
        ------
        InputError
            If a time is missing or can't be read, no series has two times, or they are unevenly spaced.
        """
        codes = np.zeros(len(column), dtype=np.int64) if series is None else series
        times = Times.of(column, codes)
        gaps = _gaps(times.values, codes)
        if not len(gaps):
            raise InputError(
                f"time {column.name!r}: no series has two different times; is it the right column, and is --series one "
                "that many rows share?"
            )
        wall = times.zone is not None and float(np.median(gaps)) >= WALL
        values = times.on_the_wall() if wall else times.values
        spacing = cls._of(values, _gaps(values, codes), times, wall)
        return spacing, spacing._placed(column, times.on_the_wall() if spacing.wall else times.values)

    @classmethod
    def _of(cls, values: np.ndarray, gaps: np.ndarray, times: Times, wall: bool) -> Spacing:
        """The spacing that most differences have."""
        told: dict[str, Any] = {"written": times.written, "zone": times.zone, "wall": wall, "bare": times.bare}
        if times.written in ("whole", "number"):
            step = _step(gaps)
            return cls("number", step, _phase(values, step), **told)
        counts_clock = times.zone is None or wall
        months = timetable.months(values, float(np.median(gaps))) if counts_clock else None
        if months is not None:
            return cls("months", **months, **told)
        if is_daily(times.written):
            shown = values if counts_clock else times.on_the_wall()
            found = timetable.weekly(shown, _mode(gaps))
            if found is not None:  # such hours never are those that come twice
                return cls(**found, **(told | {"wall": times.zone is not None}))
        step = _step(gaps, (DAY, HOUR, MINUTE, SECOND))
        return cls("time", step, _phase(values, step), **told)

    def places(self, column: Any, series: np.ndarray | None = None) -> np.ndarray:
        """Each time's place, int64 (rows,).

        Raises
        ------
        InputError
            If a time is missing, can't be read, or is more than a quarter of a step off its place.
        """
        codes = np.zeros(len(column), dtype=np.int64) if series is None else series
        times = Times.of(column, codes, self.zone if self.bare else None)
        if (times.written in ("whole", "number")) != (self.unit == "number"):
            expected = "numbers" if self.unit == "number" else "dates or times"
            raise InputError(f"time {column.name!r}: training had {expected}, this table has {column.dtype}")
        values = times.values
        if self.zone is not None and times.zone is not None:
            values = clock_of(values, self.zone) if self.wall else values
        return self._placed(column, values)

    def column(self, name: str, places: np.ndarray) -> Any:
        """The times of places, as a polars column of the type that the table had."""
        import polars as pl

        if self.unit == "number":
            values = self.offset + places * self.step
            return pl.Series(name, np.round(values).astype(np.int64) if self.written == "whole" else values)
        values = self.moments(places)
        if self.zone is not None:
            aware = column_in(values, self.zone, self.wall).alias(name)
            return aware.dt.replace_time_zone(None) if self.bare else aware
        moments = pl.Series(name, values).cast(pl.Datetime("us"))
        if self.written == "date":
            return moments.cast(pl.Date)
        return moments if self.written == "datetime" else written_as(moments, self.written)

    def moments(self, places: np.ndarray) -> np.ndarray:
        """Microseconds since 1970, int64, by the clock that is counted; of numbers, the places themselves."""
        if self.unit == "months":
            months = (np.asarray(places) * int(self.step) + int(self.offset)).astype("datetime64[M]")
            days = timetable.day_of(months, self.day, self.among)
            return days.astype("datetime64[us]").astype(np.int64) + int(self.clock)
        if self.unit in ("weekdays", "hours"):
            return timetable.moments(np.asarray(places), self.weekdays, self.hours or (int(self.offset),))
        if self.unit == "time":
            return (places * int(self.step) + int(self.offset)).astype(np.int64)
        return np.asarray(places)

    def shown(self, places: np.ndarray) -> np.ndarray:
        """Microseconds since 1970 as the zone's clocks show them: what cycles of the day are learned from."""
        values = self.moments(places)
        return values if self.zone is None or self.wall else clock_of(values, self.zone)

    @property
    def season(self) -> int | None:
        """Steps after which much comes again: a day of hours, a week of days, a year of months; None if not known."""
        if self.unit == "months":
            return int(12 // self.step) if self.step < 12 and 12 % self.step == 0 else None
        if self.unit == "weekdays":
            return self.weekdays.count("1")
        if self.unit == "hours":
            return len(self.hours)
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
    def length(self) -> float:
        """One step in microseconds, of months the usual length; of numbers, infinite: they have no calendar."""
        if self.unit == "months":
            return self.step * 365.2425 / 12 * DAY
        return {"weekdays": DAY, "number": float("inf")}.get(self.unit, self.step)

    @property
    def every(self) -> str:
        """One step in words: "day", "15 minutes", "working day", "hour from 09:00 to 16:00 of a working day"."""
        if self.unit == "number":
            return f"{self.step:g} in the time column"
        if self.unit == "months":
            return {1: "month", 3: "quarter", 12: "year"}.get(int(self.step), f"{self.step:g} months")
        if self.unit == "weekdays":
            return timetable.named(self.weekdays)
        length = next(
            (f"{'' if self.step == long else f'{self.step / long:g} '}{name}{'s' if self.step > long else ''}"
             for long, name in UNITS if self.step % long == 0),
            f"{self.step / SECOND:g} seconds",
        )  # fmt: skip
        if self.unit != "hours":
            return length
        first, last = (np.datetime64(hour, "us").item().strftime("%H:%M") for hour in (self.hours[0], self.hours[-1]))
        return f"{length} from {first} to {last} of a {timetable.named(self.weekdays)}"

    def _placed(self, column: Any, values: np.ndarray) -> np.ndarray:
        """Places of values; what is too far off is told by its row."""
        if self.unit == "months":
            months = values.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
            exact = (months - self.offset) / self.step
        elif self.unit in ("weekdays", "hours"):
            hours = self.hours or (int(self.offset),)
            exact = timetable.places(
                values, self.weekdays, hours, OFF * (DAY if self.unit == "weekdays" else self.step)
            )
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
        return asdict(self) | {"hours": list(self.hours)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Spacing:
        """The inverse of `to_dict`."""
        return cls(**parts(cls, data))


def _gaps(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Distances of different neighbours of one series."""
    order = np.lexsort((values, codes))
    gaps = np.diff(values[order])[np.diff(codes[order]) == 0]
    return gaps[gaps > 0]


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
