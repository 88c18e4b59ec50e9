"""Times that are written neither as dates nor as plain numbers: 20240131, 202401, 1980Q1, 2024-W05, 2024-01."""

from __future__ import annotations

import re
from typing import Any

FIRST, LAST = 1700, 2300  # years in which whole numbers may be dates
# In which groups year and place in the year stand, what is written around them, and how many digits the place has.
FORMS = {
    "month": re.compile(r"^(?P<year>\d{4})(?P<mark>[-/.])(?P<place>0[1-9]|1[0-2]|[1-9])$"),
    "quarter": re.compile(r"^(?P<year>\d{4})(?P<mark>[-/. ]?[Qq])(?P<place>[1-4])$"),
    "week": re.compile(r"^(?P<year>\d{4})(?P<mark>-?W)(?P<place>0[1-9]|[1-4]\d|5[0-3])$"),
}


def as_dates(column: Any) -> tuple[Any, str] | None:
    """A column of such times as the first day of each, and how they are written; None for other columns.

    Examples
    --------
    >>> import polars as pl
    >>> dates, written = as_dates(pl.Series("q", ["1980Q4", "1981Q1"]))
    >>> dates.to_list(), written
    ([datetime.date(1980, 10, 1), datetime.date(1981, 1, 1)], 'quarter Q')
    >>> written_as(dates, written).to_list()
    ['1980Q4', '1981Q1']
    """
    import polars as pl

    if column.dtype.is_integer():
        return _of_numbers(column)
    if column.dtype != pl.String:
        return None
    text = column.str.strip_chars()
    match = next(((kind, form) for kind, form in FORMS.items() if text.str.contains(form.pattern).all()), None)
    if match is None:
        return None
    kind, form = match
    parts = text.str.extract_groups(form.pattern).struct
    mark = parts.field("mark")[0]
    if (parts.field("mark") != mark).any():
        return None
    year, place = parts.field("year").cast(pl.Int32), parts.field("place").cast(pl.Int8)
    if kind == "week":
        dates = (year.cast(pl.String) + "-" + place.cast(pl.String) + "-1").str.strptime(
            pl.Date, "%G-%V-%u", strict=False
        )
    else:
        month = place if kind == "month" else 3 * (place - 1) + 1
        dates = pl.select(pl.date(year, month, 1)).to_series()
    return None if dates.null_count() else (dates.alias(column.name), f"{kind} {mark}")


def _of_numbers(column: Any) -> tuple[Any, str] | None:
    """Whole numbers of eight or six digits, all of which are dates or months."""
    import polars as pl

    for notation, layout, rest in (("yyyymmdd", "%Y%m%d", ""), ("yyyymm", "%Y%m%d", "01")):
        low, high = (int(f"{year}{'0101'[: len(notation) - 4]}") for year in (FIRST, LAST))
        if column.n_unique() < 2 or column.min() < low or column.max() > high:
            continue
        dates = (column.cast(pl.String) + rest).str.strptime(pl.Date, layout, strict=False)
        if not dates.null_count():
            return dates.alias(column.name), notation
    return None


def is_notation(written: str) -> bool:
    """Whether `as_dates` may have called it so.

    >>> is_notation("quarter Q"), is_notation("week %")
    (True, False)
    """
    kind, _, mark = written.partition(" ")
    if kind not in FORMS:
        return written in ("yyyymmdd", "yyyymm")
    return FORMS[kind].match(f"2024{mark}{'04' if kind != 'quarter' else 4}") is not None


def written_as(dates: Any, notation: str) -> Any:
    """Dates as `as_dates` found them written."""
    import polars as pl

    if notation in ("yyyymmdd", "yyyymm"):
        return dates.dt.strftime("%Y%m%d" if notation == "yyyymmdd" else "%Y%m").cast(pl.Int64)
    kind, _, mark = notation.partition(" ")
    if kind == "week":
        return dates.dt.strftime(f"%G{mark}%V")
    if kind == "month":
        return dates.dt.strftime(f"%Y{mark or '-'}%m")
    return dates.dt.year().cast(pl.String) + mark + dates.dt.quarter().cast(pl.String)
