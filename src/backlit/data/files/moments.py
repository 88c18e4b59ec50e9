"""How people write dates, times of day and durations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from backlit.data.files.zones import HOME

ZONES = (" UTC", " GMT")
DIRECTIVES = {
    "%Y": "[0-9]{4}",
    "%y": "[0-9]{2}",
    "%m": "[0-9]{1,2}",
    "%d": "[0-9]{1,2}",
    "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]{3,9}",
    "%H": "[0-9]{1,2}",
    "%I": "[0-9]{1,2}",
    "%M": "[0-9]{2}",
    "%S": "[0-9]{2}",
    "%.f": r"(?:\.[0-9]{1,9})?",
    "%p": "[AaPp][Mm]",
    "%z": "(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})",
}


@dataclass(frozen=True)
class Moment:
    """A date or a time of a day, written as `layout` says (the directives of C's strftime)."""

    layout: str
    home: str = ""  # the zone whose clocks say what the cells do, if they say how far it is from UTC

    def __str__(self) -> str:
        home = f" in {self.home}" if self.home else ""
        return f"{'time' if '%M' in self.layout else 'date'} {self.layout}{home}"

    @property
    def zone(self) -> str | None:
        """The zone of the values: UTC, if the cells say how far their clock is from it."""
        return "UTC" if "%z" in self.layout or self.layout.endswith(ZONES) else None

    @property
    def expected(self) -> str:
        words = {
            "%Y": "year", "%y": "year", "%m": "month", "%d": "day", "%b": "Jan", "%B": "January", "%H": "hour",
            "%I": "hour", "%M": "minute", "%S": "second", "%.f": "", "%p": "AM", "%z": "+09:00",
        }  # fmt: skip
        layout_words = re.sub(r"%\.?\w", lambda match: words[match[0]], self.layout)
        return f"a {'time' if '%M' in self.layout else 'date'} written {layout_words}"

    @cached_property
    def pattern(self) -> str:
        """A regular expression for a whole cell: the parser itself takes a year of two digits for one of four."""
        parts = re.split(r"(%\.?\w)", self.layout)
        pattern = "".join(DIRECTIVES.get(part) or re.escape(part).replace(r"\ ", " ?") for part in parts)
        if "%d.%m.%y" in self.layout:  # 31.01.24, but no version such as 1.2.10
            pattern = pattern.replace("{1,2}", "{2}", 2)
        return f"^{pattern}$"

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def fits(self, cell: str) -> bool:
        return self.regex.match(cell) is not None

    def parse(self, column: Any) -> Any:
        import polars as pl

        kind: Any = pl.Date
        text = column
        if "%M" in self.layout:
            kind = pl.Datetime("us", "UTC" if "%z" in self.layout else None)
            text = text.str.replace("[Zz]$", "+00:00") if "%z" in self.layout else text
        layout = self.layout
        if "%d" not in layout:  # a month is its first day
            text, layout = text + " 01", f"{layout} %d"
        values = text.str.strptime(kind, layout, strict=False, cache=column[:1000].n_unique() < 500)
        if self.layout.endswith(ZONES):
            values = values.dt.replace_time_zone("UTC")
        years = values.dt.year()
        if years.len() and ((years < 1) | (years > 9999)).any():  # years that Python's dates don't have
            values = pl.select(pl.when(years.is_between(1, 9999)).then(values)).to_series()
        if "%Y" in self.layout and (years.min() or 1000) >= 1000:
            return values
        return pl.select(pl.when(column.str.contains(self.pattern)).then(values)).to_series()


@dataclass(frozen=True)
class Clock:
    """A time of day."""

    layout: str

    def __str__(self) -> str:
        return f"clock {self.layout}"

    @property
    def expected(self) -> str:
        return "a time of day such as " + ("1:05 PM" if "%p" in self.layout else "13:05")

    @cached_property
    def regex(self) -> re.Pattern[str]:
        pattern = re.escape(self.layout).replace("%H", "(?:[01]?[0-9]|2[0-3])").replace("%I", "(?:0?[1-9]|1[0-2])")
        pattern = pattern.replace("%M", "[0-5][0-9]").replace("%S", "[0-5][0-9]").replace("%p", "[AaPp][Mm]")
        return re.compile("^" + pattern.replace(r"%\.f", DIRECTIVES["%.f"]) + "$")

    def fits(self, cell: str) -> bool:
        return self.regex.match(cell) is not None

    def parse(self, column: Any) -> Any:
        import polars as pl

        values = column.str.strptime(pl.Time, self.layout, strict=False)
        return pl.select(pl.when(column.str.contains(self.regex.pattern)).then(values)).to_series()


SECONDS = r"[0-9]{1,2}(?:\.[0-9]+)?"
SPANS = {
    "h:m:s": rf"^-?(?:(?P<d>[0-9]+) days?,? )?(?P<h>[0-9]+):(?P<m>[0-5][0-9]):(?P<s>{SECONDS})$",
    "m:s": r"^-?(?P<m>[0-9]+):(?P<s>[0-5][0-9](?:\.[0-9]+)?)$",
    "h m s": r"^-?(?:(?P<d>[0-9]+) ?d(?:ays?)?,? ?)?(?:(?P<h>[0-9]+) ?h(?:(?:ou)?rs?)?,? ?)?"
    rf"(?:(?P<m>[0-9]+) ?m(?:in(?:ute)?s?)?,? ?)?(?:(?P<s>{SECONDS}) ?s(?:ec(?:ond)?s?)?)?$",
    "ISO 8601": rf"^-?P(?:(?P<d>[0-9]+)D)?(?:T(?:(?P<h>[0-9]+)H)?(?:(?P<m>[0-9]+)M)?(?:(?P<s>{SECONDS})S)?)?$",
}
MONTH_OF_YEAR = re.compile("^(?:1[7-9]|2[0-2])[0-9]{2}:(?:0[1-9]|1[0-2])$")  # 1980:01, and no 1980 minutes
LENGTHS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True)
class Span:
    """A duration, read as seconds."""

    layout: str

    def __str__(self) -> str:
        return f"duration {self.layout}"

    @property
    def expected(self) -> str:
        return f"a duration written {self.layout}"

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(SPANS[self.layout])

    def fits(self, cell: str) -> bool:
        match = self.regex.match(cell)
        return match is not None and any(match.groupdict().values())

    def parse(self, column: Any) -> Any:
        import polars as pl

        parts = column.str.extract_groups(self.regex.pattern)
        total = pl.Series([0.0] * len(column))
        has_part = pl.Series([False] * len(column))
        for part in self.regex.groupindex:
            value = parts.struct.field(part)
            has_part = has_part | value.is_not_null()
            total = total + value.cast(pl.Float64, strict=False).fill_null(0.0) * LENGTHS[part]
        sign = pl.select(pl.when(column.str.starts_with("-")).then(-1.0).otherwise(1.0)).to_series()
        return pl.select(pl.when(has_part).then(total * sign)).to_series()


DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y. %m. %d.", "%Y년 %m월 %d일",
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
    "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%y",
)  # fmt: skip
HOURS = (
    "%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%H:%M%z", "%H:%M:%S%z", "%H:%M:%S%.f%z", "%H:%M:%S%.f %z",
    "%I:%M %p", "%I:%M:%S %p",
)  # fmt: skip
MONTHS = ("%Y-%m", "%Y/%m", "%Y년 %m월", "%b %Y", "%B %Y", "%b-%Y", "%m/%Y")


def of_day(day: str) -> Iterator[Moment]:
    """A way to write a day, alone and with all times of a day."""
    yield Moment(day)
    yield from (Moment(f"{day}{between}{hour}") for between in "T " for hour in HOURS)


def moments(cell: str) -> Iterator[Moment]:
    """The ways to write a moment whose day or month fits the beginning of a cell."""
    for day in DAYS:
        if re.match(Moment(day).pattern[:-1], cell):
            yield from of_day(day)
            if cell.endswith(ZONES):
                yield from (Moment(f"{moment.layout}{zone}") for moment in of_day(day) for zone in ZONES)
    yield from map(Moment, MONTHS)


def clocks(cells: list[str]) -> list[Clock | Span]:
    """The ways to write times of day, or else durations, in which all of these cells can be read."""
    clock_formats: list[Clock | Span] = [
        clock for clock in map(Clock, HOURS) if "%z" not in clock.layout and all(map(clock.fits, cells))
    ]
    if all(map(MONTH_OF_YEAR.match, cells)):
        return clock_formats[:1]
    return [*clock_formats, *(span for span in map(Span, SPANS) if all(map(span.fits, cells)))][:1]


def moment_from(text: str) -> Moment | Clock | Span | None:
    """The format of times that prints as `text`, if one does."""
    home = HOME.search(text)
    kind, _, layout = (text if home is None else text[: home.start()]).partition(" ")
    if kind == "duration" and layout in SPANS:
        return Span(layout)
    if kind not in ("date", "time", "clock") or not all(part in DIRECTIVES for part in re.findall(r"%\.?\w?", layout)):
        return None
    return Clock(layout) if kind == "clock" else Moment(layout, home[1] if home else "")
