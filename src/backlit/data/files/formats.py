"""How a column's text becomes values: numbers, dates, truth values; each format is one plain line of text and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from backlit.data.files.moments import DAYS, Moment, clocks, moment_from, moments, of_day
from backlit.data.files.numerals import MARKS, PLAIN, Number, number_from, numbers
from backlit.errors import InputError

__all__ = [
    "DAYS", "MARKS", "PLAIN", "Format", "Moment", "Number", "Text", "Truth", "candidates", "from_text", "of_day",
]  # fmt: skip


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
    """Text as it stands.

    Attributes
    ----------
    values : tuple of str
        What is a value here, though elsewhere it stands for a missing one: a class called "-" or "NA".
    """

    expected: ClassVar[str] = "text"

    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "text" + (f",values={json.dumps(self.values, ensure_ascii=False)}" if self.values else "")

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
    first, *others = numbers(cells)
    if all(map(first.fits, cells)):  # with points as decimal marks; could they stand between thousands?
        return [first, *(other for other in others if other.thousands == "." and all(map(other.fits, cells)))]
    numeric: list[Format] = [number for number in others if all(map(number.fits, cells))]
    if numeric:
        return numeric
    fitting = [moment for moment in moments(cells[0]) if all(map(moment.fits, cells))]
    column = pl.Series(cells)
    dated: list[Format] = [moment for moment in fitting if not moment.parse(column).null_count()]
    return dated or list(clocks(cells))


def from_text(text: str) -> Format:
    """The format that prints as `text`.

    >>> from_text("number,decimal=,,thousands=.")
    Number(decimal=',', thousands='.', unit='', negative='', limits=False)

    Raises
    ------
    InputError
        If no format does.
    """
    if text == "true/false":
        return Truth()
    if text.startswith("text"):
        kind, _, values = text.partition(",values=")
        if kind == "text":
            return Text(tuple(json.loads(values)) if values else ())
    format_ = moment_from(text) or number_from(text)
    if format_ is None:
        raise InputError(f"{text!r} is no format of a column; expected one such as 'number,decimal=,' or 'text'")
    return format_
