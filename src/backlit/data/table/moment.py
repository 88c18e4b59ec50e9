"""Columns of dates and times: the calendar's cycles, and time elapsed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from backlit.data.table.column import MARKED, Column, absent, joined
from backlit.data.table.values import CellError
from backlit.errors import InputError
from backlit.languages import Template, join

CYCLES = {"month": 12, "weekday": 7, "hour": 24}
TREND = ("year", "elapsed")
DAY = 86_400e6  # microseconds
PARTS = {
    "month": Template("month", "월"),
    "weekday": Template("day of week", "요일"),
    "hour": Template("hour", "시각"),
    "year": Template("year", "연도"),
    "elapsed": Template("days elapsed", "지난 날수"),
}


class Range(NamedTuple):
    """Least and greatest value of a part, mean and standard deviation."""

    low: float
    high: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Moment(Column):
    """Dates or times as inputs.

    month, day of week, hour : the sine and cosine of their place in the cycle, so that December is beside January.
    year, elapsed (days) : standardised. Left out on request ("season"), since they leave the training's range at once.

    Only what varies in training is taken.
    """

    parts: tuple[str, ...] = ()
    center: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    timed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        known = set(self.parts) <= set(PARTS) and len(self.parts) == len(self.center) == len(self.scale)
        if not known or not all(math.isfinite(center) for center in self.center):
            raise InputError(f"{self.name}: expected parts of {', '.join(PARTS)}, each with its center and scale")
        if not all(0 < scale < math.inf for scale in self.scale):
            raise InputError(f"{self.name}: scales must be finite, and above 0")

    @property
    def kind(self) -> str:
        return "date and time" if self.timed else "date"

    @property
    def done(self) -> str:
        parts = join(", ", [PARTS[part].say() for part in self.parts])
        return join("; ", [parts, MARKED.say()] if self.missing else [parts])

    @property
    def inputs(self) -> tuple[str, ...]:
        names: list[str] = []
        for part in self.parts:
            suffixes = (" sin", " cos") if part in CYCLES else ("",)
            names += [f"{self.name} {part}{suffix}" for suffix in suffixes]
        return tuple(names + ([f"{self.name} missing"] if self.missing else []))

    @classmethod
    def learn(cls, column: Any, trend: bool = True) -> Moment:
        """What varies in the training rows, and by how much."""
        values = parts_of(column)
        gaps = np.isnan(values["elapsed"])
        ranges = {}
        for part, filled in values.items():
            known = filled[~gaps]
            if len(known):
                ranges[part] = Range(*map(float, (known.min(), known.max(), known.mean(), known.std())))
        return cls.of_ranges(column.name, float(gaps.mean()), ranges, trend)

    @classmethod
    def of_ranges(cls, name: str, missing: float, ranges: Mapping[str, Range], trend: bool = True) -> Moment:
        """The column of dates whose parts have these ranges."""
        wanted = (*CYCLES, *(TREND if trend else ()))
        varying = tuple(part for part in wanted if part in ranges and ranges[part].low < ranges[part].high)
        center = tuple(0.0 if part in CYCLES else ranges[part].mean for part in varying)
        scale = tuple(1.0 if part in CYCLES else ranges[part].deviation for part in varying)
        return cls(name, missing, varying, center, scale, "hour" in varying)

    def apply(self, column: Any) -> np.ndarray:
        values = parts_of(column)
        features: list[np.ndarray] = []
        for part, center, scale in zip(self.parts, self.center, self.scale, strict=True):
            if part in CYCLES:
                angle = values[part] * (2 * np.pi / CYCLES[part])
                features += [np.sin(angle), np.cos(angle)]
            else:
                features.append((values[part] - center) / scale)
        filled = [np.nan_to_num(part, nan=0.0) for part in features]
        if self.missing:
            filled.append(absent(values["elapsed"]))
        return joined(filled) if filled else np.empty((len(column), 0), np.float32)


def parts_of(column: Any) -> dict[str, np.ndarray]:
    """Year, month, weekday, hour and days since 1970, as float64 with NaN where the date is missing."""
    import polars as pl

    moments = as_moments(column)
    get = moments.dt
    parts = {"year": get.year(), "month": get.month(), "weekday": get.weekday(), "hour": get.hour()}
    arrays = {name: part.cast(pl.Float64).to_numpy() for name, part in parts.items()}
    return arrays | {"elapsed": moments.to_physical().cast(pl.Float64).to_numpy() / DAY}


def as_moments(column: Any) -> Any:
    """A column of dates, times or ISO 8601 text as local time in microseconds.

    Raises
    ------
    InputError
        If a value is none of these; row and value are named.
    """
    import polars as pl

    kind = column.dtype
    if kind == pl.Datetime:
        if kind.time_zone is not None:
            column = column.dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    if kind in (pl.Date, pl.Null):
        return column.cast(pl.Datetime("us"))
    if kind == pl.Time:
        return (column.cast(pl.Int64) // 1000).cast(pl.Datetime("us"))
    text = column.cast(pl.String, strict=False).str.strip_chars()
    parsed = None
    if text.str.contains(r"\d{4}-\d{1,2}-\d{1,2}[T ]\d").any():
        with contextlib.suppress(pl.exceptions.PolarsError):  # no layout that it knows: told below
            parsed = text.str.to_datetime(time_unit="us", strict=False)
    days = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    parsed = days if parsed is None else parsed.dt.replace_time_zone(None).fill_null(days)
    unreadable = parsed.is_null() & column.is_not_null()
    if unreadable.any():
        parts = of_parts(text)
        if parts is not None:
            return parts
        row = int(unreadable.arg_max() or 0)
        raise CellError(column.name, row, f": expected a date or time, got {column[row]!r}")
    return parsed


def of_parts(text: Any) -> Any:
    """Parts of years, 2024Q1 or 2024-W05 or 2024-01, as the moments at which they begin; None for other text."""
    import polars as pl

    from backlit.data.series.calendar import as_dates

    distinct = text.drop_nulls().unique()
    found = as_dates(distinct) if len(distinct) else None
    if found is None:
        return None
    return text.replace_strict(distinct, found[0], default=None, return_dtype=pl.Datetime("us"))
