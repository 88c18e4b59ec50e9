"""How a column's text becomes values: numbers, dates, truth values; each format is one plain line of text and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, Protocol

from backlit.errors import InputError

CURRENCIES = "$€£¥₩￦원"
SPACES = " \u00a0\u2009\u202f"  # between groups of digits: a space, or one that doesn't break
SIGN = "[+\u2212-]?"  # the hyphen or the minus sign


class Format(Protocol):
    """How one column's text becomes values."""

    @property
    def expected(self) -> str:
        """What a cell should hold, in words."""

    def fits(self, cell: str) -> bool:
        """Whether a cell, without spaces around it, looks like this."""

    def parse(self, column: Any) -> Any:
        """A column of text as values, missing where a cell doesn't fit."""


@dataclass(frozen=True)
class Text:
    """Text as it stands."""

    expected: ClassVar[str] = "text"

    def __str__(self) -> str:
        return "text"

    def fits(self, cell: str) -> bool:
        return True

    def parse(self, column: Any) -> Any:
        return column


@dataclass(frozen=True)
class Truth:
    """true and false, in capitals or not."""

    expected: ClassVar[str] = "true or false"
    yes: ClassVar[list[str]] = ["true", "True", "TRUE"]
    no: ClassVar[list[str]] = ["false", "False", "FALSE"]

    def __str__(self) -> str:
        return "true/false"

    def fits(self, cell: str) -> bool:
        return cell in self.yes + self.no

    def parse(self, column: Any) -> Any:
        import polars as pl

        yes = column.is_in(self.yes)
        return pl.select(pl.when(yes | column.is_in(self.no)).then(yes)).to_series()


@dataclass(frozen=True)
class Number:
    """A number: its decimal mark, what groups its thousands, and a percent or currency sign.

    A percentage stays the number that is written: 12 % is 12.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    def __str__(self) -> str:
        kind = {"": "number", "%": "percent"}.get(self.unit, f"currency {self.unit}")
        decimal = f",decimal={self.decimal}" if self.decimal != "." else ""
        return kind + decimal + (f",thousands={self.thousands}" if self.thousands else "")

    @property
    def expected(self) -> str:
        if self.unit == "%":
            return f"a percentage such as 12{self.decimal}5 %"
        example = f"1{self.thousands}234{self.decimal}5" if self.thousands or self.decimal != "." else ""
        return "a number" + (f" such as {example}" if example else "") + (f" in {self.unit}" if self.unit else "")

    @cached_property
    def pattern(self) -> str:
        """A regular expression for a whole cell, read alike by Python's and Rust's engine."""
        mark = re.escape(self.decimal)
        body = rf"(?:[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        if self.thousands:
            group = (
                f"[{SPACES}]" if self.thousands == " " else "['’]" if self.thousands == "'" else rf"\{self.thousands}"
            )
            # Groups of three; in India of two before the last one.
            grouped = rf"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}"
            body = rf"(?:{grouped}|[0-9]+)(?:{mark}[0-9]*)?"
        signed = rf"{SIGN}[{SPACES}]?{body}"
        if self.unit == "%":
            return rf"^{signed}[{SPACES}]?%$"
        if self.unit:
            sign = re.escape(self.unit)
            before = rf"{SIGN}[{SPACES}]?{sign}[{SPACES}]?{body}|{sign}[{SPACES}]?{signed}"
            return rf"^(?:{signed}|{before}|{signed}[{SPACES}]?{sign})$"
        return rf"^{signed}$"

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def fits(self, cell: str) -> bool:
        if self.regex.match(cell) is None:
            return self == PLAIN and cell.lower().lstrip("+-") in ("inf", "infinity")
        return not (self.unit == "" and is_padded(cell))

    def parse(self, column: Any) -> Any:
        import polars as pl

        if self == PLAIN:
            return _as_number(column)
        if self == DECIMAL_COMMA and not column.str.contains(".", literal=True).any():
            values = _as_number(column.str.replace(",", ".", literal=True))
            if values.null_count() == column.null_count():  # the frequent case, without regular expressions
                return values
        fits = column.str.contains(self.pattern)
        bare = column.str.replace_all(f"[{SPACES}'’%{re.escape(self.unit)}]", "")
        bare = bare.str.replace("\u2212", "-", literal=True)
        if self.thousands in (",", "."):
            bare = bare.str.replace_all(self.thousands, "", literal=True)
        if self.decimal != ".":
            bare = bare.str.replace(self.decimal, ".", literal=True)
        return _as_number(pl.select(pl.when(fits).then(bare)).to_series())


PLAIN = Number()
DECIMAL_COMMA = Number(decimal=",")


def is_padded(cell: str) -> bool:
    """Whether digits start with a needless zero, as postcodes and article numbers do."""
    return len(cell) > 1 and cell[0] == "0" and cell.isdigit()


def _as_number(column: Any) -> Any:
    """Whole numbers if all are and fit 64 bits, else decimal ones."""
    import polars as pl

    if not column[:10].str.contains(".", literal=True).any():
        whole = column.cast(pl.Int64, strict=False)
        if whole.null_count() == column.null_count():
            return whole
    return column.cast(pl.Float64, strict=False).fill_nan(None)


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

    def __str__(self) -> str:
        return f"{'time' if '%M' in self.layout else 'date'} {self.layout}"

    @property
    def expected(self) -> str:
        words = {
            "%Y": "year", "%y": "year", "%m": "month", "%d": "day", "%b": "Jan", "%B": "January", "%H": "hour",
            "%I": "hour", "%M": "minute", "%S": "second", "%.f": "", "%p": "AM", "%z": "+09:00",
        }  # fmt: skip
        what = re.sub(r"%\.?\w", lambda found: words[found[0]], self.layout)
        return f"a {'time' if '%M' in self.layout else 'date'} written {what}"

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
            zone = "UTC" if "%z" in self.layout else None
            kind = pl.Datetime("us", zone)
            text = text.str.replace("[Zz]$", "+00:00") if zone else text
        values = text.str.strptime(kind, self.layout, strict=False, cache=column[:1000].n_unique() < 500)
        first = values.min()
        if "%Y" in self.layout and (first is None or first.year >= 1000):
            return values
        return pl.select(pl.when(column.str.contains(self.pattern)).then(values)).to_series()


DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y. %m. %d.", "%Y년 %m월 %d일",
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
    "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%y",
)  # fmt: skip
HOURS = (
    "%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%H:%M%z", "%H:%M:%S%z", "%H:%M:%S%.f%z", "%H:%M:%S%.f %z",
    "%I:%M %p", "%I:%M:%S %p",
)  # fmt: skip
MARKS = ((".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))


def candidates(cells: list[str]) -> list[Format]:
    """Every format in which all of these cells can be read, likeliest first, save text.

    Parameters
    ----------
    cells : list of str
        Without spaces around them, none missing.
    """
    import polars as pl

    if not cells:
        return []
    if all(map(Truth().fits, cells)):
        return [Truth()]
    if not any(character.isdigit() for character in cells[0]) and not PLAIN.fits(cells[0]):
        return []
    unit = next((sign for sign in CURRENCIES + "%" for cell in cells if sign in cell), "")
    numbers = _numbers(unit)
    if all(map(numbers[0].fits, cells)):  # with points as decimal marks; could they stand between thousands?
        return [numbers[0], *(other for other in numbers if other.thousands == "." and all(map(other.fits, cells)))]
    found: list[Format] = [number for number in numbers[1:] if all(map(number.fits, cells))]
    if found:
        return found
    moments = [moment for moment in _moments(cells[0]) if all(map(moment.fits, cells))]
    column = pl.Series(cells)
    return [moment for moment in moments if not moment.parse(column).null_count()]


@cache
def _numbers(unit: str) -> list[Number]:
    return [Number(decimal, thousands, unit) for decimal, thousands in MARKS]


def of_day(day: str) -> Iterator[Moment]:
    """A way to write a day, alone and with all times of a day."""
    yield Moment(day)
    yield from (Moment(f"{day}{between}{hour}") for between in "T " for hour in HOURS)


def _moments(cell: str) -> Iterator[Moment]:
    """The ways to write a moment whose day fits the beginning of a cell."""
    for day in DAYS:
        if re.match(Moment(day).pattern[:-1], cell):
            yield from of_day(day)


def from_text(text: str) -> Format:
    """The format that prints as `text`.

    >>> from_text("number,decimal=,,thousands=.")
    Number(decimal=',', thousands='.', unit='')

    Raises
    ------
    InputError
        If no format does.
    """
    if text in ("text", "true/false"):
        return Text() if text == "text" else Truth()
    if text.startswith(("date ", "time ")):
        moment = Moment(text[5:])
        if all(part in DIRECTIVES for part in re.findall(r"%\.?\w?", moment.layout)):
            return moment
    found = re.fullmatch(r"(number|percent|currency (.))(?:,decimal=([.,]))?(?:,thousands=([., ']))?", text)
    if found is None:
        raise InputError(f"{text!r} is no format of a column; expected one such as 'number,decimal=,' or 'text'")
    return Number(found[3] or ".", found[4] or "", "%" if found[1] == "percent" else found[2] or "")
