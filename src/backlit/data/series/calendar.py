"""Times that no file format knows: 1980Q1, 1980:1, 1980M01, 2024-W05, 2020H1, 1980년 1분기, 20240131, 1980.25."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

FIRST, LAST = 1700, 2300  # years in which whole numbers may be dates
YEAR = r"(?P<year>\d{4})"
# How the parts of a year are written; a part's length in months, and how many a year has.
PARTS = {"half": (6, 2), "quarter": (3, 4), "month": (1, 12), "week": (0, 53)}
FORMS = {
    "quarter": (
        rf"{YEAR}[-/.:_ ]?[Qq](?P<place>0?[1-4])",
        rf"[Qq](?P<place>[1-4])[-/.:_ ]?{YEAR}",
        rf"(?P<place>[1-4])[Qq][-/.:_ ]?{YEAR}",
        rf"{YEAR}(?:년 ?|[-/. ])(?P<place>[1-4])(?:/4)? ?분기",
        rf"(?P<place>[1-4])분기[-/. ]?{YEAR}년?",
        rf"{YEAR}:(?P<place>[1-4])",
    ),
    "half": (rf"{YEAR}[-/.:_ ]?[HhSs](?P<place>[12])", rf"[HhSs](?P<place>[12])[-/.:_ ]?{YEAR}"),
    "month": (
        rf"{YEAR}[-/.:_ ](?P<place>0[1-9]|1[0-2]|[1-9])",
        rf"{YEAR}[-/.:_ ]?[Mm](?P<place>0[1-9]|1[0-2]|[1-9])",
        rf"{YEAR}년 ?(?P<place>0[1-9]|1[0-2]|[1-9])월",
        rf"(?P<place>0[1-9]|1[0-2]|[1-9])[-/. ]{YEAR}",
    ),
    "week": (rf"{YEAR}[-/.:_ ]?[Ww](?P<place>0[1-9]|[1-4]\d|5[0-3])",),
}
LAYOUTS = ("%G-W%V-%u", "%GW%V%u", "%Y%m%d %H:%M", "%Y%m%d %H:%M:%S", "%Y%m%dT%H%M%S", "%Y%m%dT%H:%M:%S")
FRACTIONS = ("month /100", "quarter /10", "month", "quarter")
NUMBERS = {"%Y%m%d%H%M%S": 14, "%Y%m%d%H%M": 12, "%Y%m%d%H": 10, "%Y%m%d": 8, "%Y%m": 6}


def as_dates(column: Any) -> tuple[Any, str] | None:
    """A column of such times as the moment at which each begins, and how they are written; None for other columns.

    Only what comes back as it stands is taken: `written_as` of the result is the column.

    Examples
    --------
    >>> import polars as pl
    >>> moments, written = as_dates(pl.Series("q", ["1980-Q4", "1981-Q1"]))
    >>> moments.dt.date().to_list(), written
    ([datetime.date(1980, 10, 1), datetime.date(1981, 1, 1)], 'quarter {year}-Q{place}')
    >>> written_as(moments, written).to_list()
    ['1980-Q4', '1981-Q1']
    """
    import polars as pl

    if column.dtype.is_integer():
        return _of_numbers(column)
    if column.dtype.is_float():
        return _of_fractions(column)
    if column.dtype != pl.String or not len(column) or column.null_count():
        return None
    text = column.str.strip_chars()
    for kind, form in _forms(text[0]):
        parts = text.str.extract_groups(f"^{form}$").struct
        place = parts.field("place")
        if place.null_count():
            continue
        width = ":02" if place[0].startswith("0") or (place.str.len_chars() == 2).all() else ""
        found = re.fullmatch(form, text[0])
        written = f"{kind} {_template(text[0], found, width)}"  # type: ignore[arg-type]
        moments = _begins(kind, parts.field("year").cast(pl.Int32), place.cast(pl.Int32))
        if not moments.null_count() and (written_as(moments, written) == text).all():
            return moments.alias(column.name), written
    for layout in LAYOUTS:
        moments = text.str.strptime(pl.Datetime("us"), layout, strict=False)
        if layout.startswith("%G"):
            moments = text.str.strptime(pl.Date, layout, strict=False).cast(pl.Datetime("us"))
        if not moments.null_count() and (moments.dt.strftime(layout) == text).all():
            return moments.alias(column.name), f"layout {layout}"
    return None


def _forms(cell: str) -> Iterator[tuple[str, str]]:
    """The forms that a cell has."""
    for kind, patterns in FORMS.items():
        yield from ((kind, pattern) for pattern in patterns if re.fullmatch(pattern, cell))


def _template(cell: str, found: re.Match[str], width: str) -> str:
    """A cell with marks in place of the year and its part."""
    spans = sorted(((*found.span("year"), "{year}"), (*found.span("place"), f"{{place{width}}}")), reverse=True)
    for start, end, mark in spans:
        cell = cell[:start] + mark + cell[end:]
    return cell


def _begins(kind: str, year: Any, place: Any) -> Any:
    """The first moment of each part of a year."""
    import polars as pl

    if kind == "week":
        text = year.cast(pl.String) + "-" + place.cast(pl.String).str.zfill(2) + "-1"
        return text.str.strptime(pl.Date, "%G-%V-%u", strict=False).cast(pl.Datetime("us"))
    return pl.select(pl.datetime(year, (place - 1) * PARTS[kind][0] + 1, 1)).to_series()


def _of_numbers(column: Any) -> tuple[Any, str] | None:
    """Whole numbers all of which are dates, months or hours: 20240131, 202401, 2024013123."""
    import polars as pl

    if column.n_unique() < 2 or column.min() < FIRST * 100 or column.null_count():
        return None
    text = column.cast(pl.String)
    for layout, digits in NUMBERS.items():
        if len(text[0]) != digits or not (text.str.len_chars() == digits).all():
            continue
        moments = (text + "0101000000"[max(0, digits - 4) :]).str.strptime(
            pl.Datetime("us"), "%Y%m%d%H%M%S", strict=False
        )
        if not moments.null_count() and moments.dt.year().is_between(FIRST, LAST).all():
            return moments.alias(column.name), f"number {layout}"
    return None


def _of_fractions(column: Any) -> tuple[Any, str] | None:
    """Years with their month or quarter behind the point (1980.11, 1980.4), or with a fraction (1980.25, 1949.083)."""
    import polars as pl

    values = column.to_numpy()
    year = np.floor(values + 1e-4)
    if column.null_count() or not len(values) or not ((year >= FIRST) & (year <= LAST)).all() or np.ptp(year) == 0:
        return None
    rest = values - year
    for notation, count in (("fraction month /100", 12), ("fraction quarter /10", 4), ("fraction month", 12),
                            ("fraction quarter", 4)):  # fmt: skip
        scale = int(notation.partition("/")[2] or 0)
        place = np.round(rest * scale) if scale else np.round(rest * count) + 1
        if not ((place >= 1) & (place <= count)).all() or len(np.unique(place)) < count:
            continue
        exact = place / scale if scale else (place - 1) / count
        if np.abs(rest - exact).max() < (1e-6 if scale else 6e-4):
            moments = _begins(
                notation.split(" ")[1], pl.Series(year.astype(np.int32)), pl.Series(place.astype(np.int32))
            )
            return moments.alias(column.name), notation
    return None


def written_as(moments: Any, notation: str) -> Any:
    """Moments as `as_dates` found them written."""
    import polars as pl

    kind, _, layout = notation.partition(" ")
    if kind == "fraction":
        part, _, scale = layout.partition(" /")
        months, count = PARTS[part]
        place = (moments.dt.month() - 1) // months
        return (moments.dt.year() + ((place + 1) / int(scale) if scale else place / count)).round(9)
    if kind == "number":
        return moments.dt.strftime(layout).cast(pl.Int64)
    if kind == "layout":
        return moments.dt.strftime(layout)
    year = moments.dt.iso_year() if kind == "week" else moments.dt.year()
    place = moments.dt.week() if kind == "week" else (moments.dt.month() - 1) // PARTS[kind][0] + 1
    texts = [layout.format(year=y, place=p) for y, p in zip(year.to_list(), place.to_list(), strict=True)]
    return pl.Series(moments.name, texts, dtype=pl.String)


def is_notation(written: str) -> bool:
    """Whether `as_dates` may have called it so.

    >>> is_notation("quarter {year}-Q{place}"), is_notation("quarter {year:9999999999}")
    (True, False)
    """
    kind, _, layout = written.partition(" ")
    if kind in PARTS:
        marks = re.sub(r"\{year\}|\{place(:02)?\}", "", layout)
        return len(marks) < 9 and not set(marks) & set("{}")
    return layout in {"fraction": FRACTIONS, "layout": LAYOUTS, "number": NUMBERS}.get(kind, ())


def is_daily(notation: str) -> bool:
    """Whether times so written are days, or times of days: no longer parts of a year."""
    return notation in ("date", "datetime") or notation.startswith(("layout", "number %Y%m%d"))
