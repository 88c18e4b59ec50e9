"""How people write numbers: decimal marks, thousands, currencies, units, limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

CURRENCIES = "$€£¥₩￦원"
CODES = ("USD", "EUR", "GBP", "JPY", "KRW", "CNY", "CHF", "INR", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "BRL", "RUB")
SPACES = " \u00a0\u2009\u202f"  # between groups of digits: a space, or one that doesn't break
MINUS = "\u2212"
SIGN = f"[+{MINUS}-]?"  # the hyphen or the minus sign
UNIT = r"[^\W\d_]{1,10}[²³]?(?:/[^\W\d_]{1,10}[²³]?)?|[°‰][CFKR]?"  # kg, m², km/h, °C
NO_UNIT = ("e", "x", "am", "pm", "a.m.", "p.m.", "th")  # of exponents, hexadecimal numbers, hours
LIMIT = "[<>≤≥]"
COUNTED = re.compile(r"\([0-9]{1,2}\)")  # (1), (2), (3): what lists count by, no negative amounts
EXACT = 2.0**63  # whole numbers up to it have a type that holds them
AROUND = re.compile(
    rf"^{LIMIT}?[{SPACES}(]*+(?P<before>[A-Z]{{3}})?[{SPACES}]*+{SIGN}[{SPACES}]*+"
    rf"[0-9.,][0-9.,'’{SPACES}]*+(?:[eE][+-]?[0-9]+)?[{SPACES}]*+(?P<after>{UNIT})?\)?$"
)
MARKS = ((".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))


@dataclass(frozen=True)
class Number:
    """A number: its decimal mark, what groups its thousands, and what stands beside it.

    A percentage stays the number that is written: 12 % is 12.

    Attributes
    ----------
    decimal, thousands : str
    unit : str
        "%", a currency's sign, which some cells may lack, or a unit or currency's code, which each cell has.
    negative : "" or "()"
        Amounts in parentheses are negative.
    limits : bool
        A cell may be a limit of what can be measured: <0.1 is 0.1.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    negative: str = ""
    limits: bool = False

    def __str__(self) -> str:
        kind = {"": "number", "%": "percent"}.get(self.unit, f"{'currency' if self.is_sign else 'unit'} {self.unit}")
        decimal = f",decimal={self.decimal}" if self.decimal != "." else ""
        thousands = f",thousands={self.thousands}" if self.thousands else ""
        negative = f",negative={self.negative}" if self.negative else ""
        return kind + decimal + thousands + negative + (",limits=<>" if self.limits else "")

    @property
    def is_sign(self) -> bool:
        """Whether the unit is a currency's sign."""
        return self.unit != "" and self.unit in CURRENCIES

    @property
    def expected(self) -> str:
        if self.unit == "%":
            return f"a percentage such as 12{self.decimal}5 %"
        example = f"1{self.thousands}234{self.decimal}5" if self.thousands or self.decimal != "." else ""
        if self.unit and not self.is_sign:
            return f"a number with its unit such as {example or '12.5'} {self.unit}"
        return "a number" + (f" such as {example}" if example else "") + (f" in {self.unit}" if self.unit else "")

    @cached_property
    def pattern(self) -> str:
        """A regular expression for a whole cell, read alike by Python's and Rust's engine."""
        whole = self._amount
        if self.negative:
            whole = rf"(?:{whole}|\({whole}\))"
        return rf"^{LIMIT}?[{SPACES}]?{whole}$" if self.limits else rf"^{whole}$"

    @property
    def _amount(self) -> str:
        """A regular expression for a number with its sign and unit."""
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
        if not self.unit:
            return signed
        unit = re.escape(self.unit)
        if self.is_sign:
            before = rf"{SIGN}[{SPACES}]?{unit}[{SPACES}]?{body}|{unit}[{SPACES}]?{signed}"
            return rf"(?:{signed}|{before}|{signed}[{SPACES}]?{unit})"
        after = rf"{signed}[{SPACES}]?{unit}"
        return rf"(?:{after}|{unit}[{SPACES}]?{signed})" if self.unit in CODES else after

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def fits(self, cell: str) -> bool:
        if self.regex.match(cell) is None:
            return self == PLAIN and cell.lower().lstrip("+-") in ("inf", "infinity")
        return self.is_sign or not is_padded(cell)

    def parse(self, column: Any) -> Any:
        import polars as pl

        if self == PLAIN:
            values = _as_number(column)
            if values.null_count() == column.null_count() or not column.str.contains(MINUS, literal=True).any():
                return values
            return _as_number(column.str.replace(MINUS, "-", literal=True))
        if self == DECIMAL_COMMA and not column.str.contains(".", literal=True).any():
            values = _as_number(column.str.replace(",", ".", literal=True))
            if values.null_count() == column.null_count():  # the frequent case, without regular expressions
                return values
        fits = column.str.contains(self.pattern)
        bare = column.str.replace(self.unit, "", literal=True) if self.unit else column
        bare = bare.str.replace_all(f"[{SPACES}'’<>≤≥]", "")
        bare = bare.str.replace(MINUS, "-", literal=True)
        if self.negative:
            bare = bare.str.replace("(", "-", literal=True).str.replace(")", "", literal=True)
        if self.thousands in (",", "."):
            bare = bare.str.replace_all(self.thousands, "", literal=True)
        if self.decimal != ".":
            bare = bare.str.replace(self.decimal, ".", literal=True)
        return _as_number(pl.select(pl.when(fits).then(bare)).to_series())


PLAIN = Number()
DECIMAL_COMMA = Number(decimal=",")


def is_padded(cell: str) -> bool:
    """Whether digits start with a needless zero, as postcodes and article numbers do."""
    return re.match("0[0-9]", cell) is not None


def _as_number(column: Any) -> Any:
    """Whole numbers if all are and fit 64 bits, else decimal ones; whole ones that would be rounded are missing."""
    import polars as pl

    if not column[:10].str.contains(".", literal=True).any():
        for kind in (pl.Int64, pl.UInt64):
            whole = column.cast(kind, strict=False)
            if whole.null_count() == column.null_count():
                return whole
    values = column.cast(pl.Float64, strict=False).fill_nan(None)
    largest = values.abs().max()
    if largest is not None and largest > EXACT and column.str.contains("^[+-]?[0-9]+$").all():
        exact = values.cast(pl.Int128, strict=False) == column.cast(pl.Int128, strict=False)
        return pl.select(pl.when(exact).then(values)).to_series()
    return values


def numbers(cells: list[str]) -> list[Number]:
    """The ways to read a number in which all of these cells may be meant, likeliest first."""
    in_parentheses = any(cell.startswith("(") and cell.endswith(")") for cell in cells)
    negative = "()" if in_parentheses and not all(map(COUNTED.fullmatch, cells)) else ""
    signs = [cell[0] for cell in cells if re.match(rf"{LIMIT}[{SPACES}]?[0-9.]", cell)]
    one_way = set(signs) <= set("<≤") or set(signs) <= set(">≥")  # "<50" and ">50" aren't the same number
    return _of_marks(_unit(cells), negative, bool(signs) and (one_way or 2 * len(signs) <= len(cells)))


def _unit(cells: list[str]) -> str:
    """The currency, percent sign or unit that stands beside the numbers, if any does."""
    sign = next((sign for sign in CURRENCIES + "%" for cell in cells if sign in cell), "")
    if sign:
        return sign
    around = AROUND.match(cells[0])
    if around is None:
        return ""
    if around["before"] in CODES:
        return str(around["before"])
    return "" if around["after"] is None or around["after"].lower() in NO_UNIT else str(around["after"])


@cache
def _of_marks(unit: str, negative: str, limits: bool) -> list[Number]:
    return [Number(decimal, thousands, unit, negative, limits) for decimal, thousands in MARKS]


def number_from(text: str) -> Number | None:
    """The number's format that prints as `text`, if one does."""
    match = re.fullmatch(
        r"(?P<kind>number|percent|currency (?P<sign>.)|unit (?P<unit>[^,]+))(?:,decimal=(?P<decimal>[.,]))?"
        r"(?:,thousands=(?P<thousands>[., ']))?(?P<negative>,negative=\(\))?(?P<limits>,limits=<>)?",
        text,
    )
    if match is None:
        return None
    unit = "%" if match["kind"] == "percent" else match["sign"] or match["unit"] or ""
    negative = "()" if match["negative"] else ""
    return Number(match["decimal"] or ".", match["thousands"] or "", unit, negative, match["limits"] is not None)
