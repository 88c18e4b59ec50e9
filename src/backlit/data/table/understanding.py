"""What kind of column it is: told from the training rows, or from the user."""

from __future__ import annotations

import re
from typing import Any

from backlit.data.table.category import MAX_LEVELS, Category
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.moment import Moment, as_moments
from backlit.data.table.number import Number
from backlit.data.table.values import is_number, known, words
from backlit.errors import InputError, unknown

WISHES = ("number", "robust", "log", "category", "date", "season", "drop")  # what a user may ask for
ENOUGH = 20  # rows from which different values in every row are no accident
LONG = 40  # characters, in the mean, from which text is prose
MOSTLY_DIFFERENT = 0.5  # share of different values from which levels teach nothing
FEW_NUMBERS = 20  # different numbers from which text with slips among numbers isn't a category
IDENTIFIER = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|index|idx|no|nr|row|rownames)($|[_\W])|번호|아이디|식별", re.IGNORECASE
)
YEARS = (1500, 2200)


def understand(column: Any, wish: str | None = None) -> Column:
    """The kind of a column of training rows, learned.

    Parameters
    ----------
    column : polars.Series
    wish : str, optional
        One of "number", "robust" (long tails), "log" (of 1 + x), "category", "date", "season" (a date without what
        grows: year and days elapsed) or "drop". Told from the values if left out.

    Raises
    ------
    InputError
        For an unknown wish, or one that the values can't fulfil; an infinite number.
    """
    import polars as pl

    if wish is not None and wish not in WISHES:
        raise unknown(f"kind for column {column.name!r}", wish, WISHES)
    if wish == "drop":
        return _left_out(column, "left out", "as asked")
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        return _left_out(column, "other", f"holds {column.dtype}")
    here = known(column)
    if not len(here):
        return _left_out(column, "empty", "every value is missing")
    if here.n_unique() < 2 and len(here) == len(column):
        return _left_out(column, "constant", f"always {here[0]!r}")
    if wish is not None:
        return _as_asked(column, wish)
    if here.n_unique() < 2:  # that a value is there at all may tell something
        return Category.learn(column)
    if column.dtype.is_temporal() and column.dtype != pl.Duration:
        return Moment.learn(column)
    if column.dtype.is_numeric() or column.dtype == pl.Duration:
        if len(here) == len(column) and _names_rows(here):
            return _left_out(column, "identifier", "numbers that only name the rows")
        return Number.learn(column)
    return _text(column, here)


def _as_asked(column: Any, wish: str) -> Column:
    if wish == "category":
        return Category.learn(column)
    if wish in ("date", "season"):
        return Moment.learn(column, trend=wish == "date")
    return Number.learn(column, None if wish == "number" else wish)


def _text(column: Any, here: Any) -> Column:
    """Text: dates, levels, prose, or a name of its own in every row."""
    if _are_dates(here):
        return Moment.learn(column)
    text = words(here)
    levels, rows = text.n_unique(), len(text)
    length = float(text.str.len_chars().mean() or 0)
    if length > LONG and levels > MAX_LEVELS:
        return _left_out(column, "text", f"prose, {length:.0f} characters in the mean")
    if levels == rows and rows > 2:
        return _left_out(column, "identifier", "different in every row")
    slip = _slip(text)
    if slip is not None:
        return _left_out(column, "text", f"mostly numbers, but {slip!r} is none")
    if levels > MAX_LEVELS and levels > MOSTLY_DIFFERENT * rows:
        return _left_out(column, "text", f"{levels} different values in {rows} rows")
    found = Category.learn(column)
    return found if len(found.levels) > 1 or found.missing else _left_out(column, "text", "hardly a value occurs twice")


def _names_rows(here: Any) -> bool:
    """Whether numbers only name the rows: whole, all different, and consecutive or called so; years don't."""
    whole = here.dtype.is_integer() or (here.dtype.is_float() and bool((here == here.round(0)).all()))
    if len(here) < ENOUGH or not whole:
        return False
    named = IDENTIFIER.search(here.name) is not None
    if here.is_duplicated().any():
        return named and here.n_unique() > MOSTLY_DIFFERENT * len(here)
    low, high = float(here.min()), float(here.max())
    if YEARS[0] <= low and high <= YEARS[1]:
        return False
    consecutive = high - low + 1 <= 2 * len(here)  # training rows are but a part of them
    return consecutive or named


def _are_dates(here: Any) -> bool:
    if not here.head(100).cast(str, strict=False).str.contains(r"^\s*\d{4}-\d{1,2}-\d{1,2}").all():
        return False
    try:
        as_moments(here)
    except InputError:
        return False
    return True


def _slip(text: Any) -> str | None:
    """The first word among what is mostly numbers, and too many of them to be levels."""
    distinct = text.unique(maintain_order=True).to_list()
    figures = [word for word in distinct if is_number(word)]
    if len(figures) <= max(FEW_NUMBERS, len(distinct) / 2) or len(figures) == len(distinct):
        return None
    return next(word for word in distinct if not is_number(word))


def _left_out(column: Any, what: str, note: str) -> LeftOut:
    missing = column.is_null().mean() if len(column) else 0.0
    return LeftOut(column.name, float(missing or 0.0), what, note)
