"""What kind of column it is: told from the training rows, or from the user."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.data.files.cells import mostly, parse
from backlit.data.table.category import MAX_LEVELS, Category
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.moment import Moment, as_moments, of_parts
from backlit.data.table.number import Number
from backlit.data.table.values import is_text, known, words
from backlit.errors import InputError, unknown

WISHES = ("number", "robust", "log", "category", "date", "season", "drop")  # what a user may ask for
ENOUGH = 20  # rows from which different values in every row are no accident
LONG = 40  # characters, in the mean, from which text is prose
MOST_STEPS = 2  # numbers that count rows are so far apart in the mean: training rows are but a part of all
MOSTLY_DIFFERENT = 0.5  # share of different values from which levels teach nothing
IDENTIFIER = re.compile(
    r"(^|[_\W])(ids?|uuid|guid|rownames)($|[_\W])|(?-i:[a-z]I[dD]$)|번호|아이디|식별", re.IGNORECASE
)
COUNTER = re.compile(
    r"^(column_1(_\d+)?|unnamed: \d+|index|idx|no\.?|nr\.?|#|row|rowid|rownum|row_?number|)$", re.IGNORECASE
)
TELLING = 0.3  # rank correlation with the target from which a column is kept whatever its name


def understand(column: Any, wish: str | None = None, target: Callable[[], np.ndarray] | None = None) -> Column:
    """The kind of a column of training rows, learned.

    Parameters
    ----------
    column : polars.Series
        In the order of the file.
    wish : str, optional
        One of "number", "robust" (long tails), "log" (of 1 + x), "category", "date", "season" (a date without what
        grows: year and days elapsed) or "drop". Told from the values if left out.
    target : callable, optional
        ``target() -> float array (rows,)``, what is to be predicted: what goes with it is no mere name of the row.

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
    present = known(column)
    if not len(present):
        return _left_out(column, "empty", "every value is missing")
    if present.n_unique() < 2 and len(present) == len(column):
        return _left_out(column, "constant", f"always {present[0]!r}")
    if wish is not None:
        return _as_asked(column, wish)
    if present.n_unique() < 2:  # that a value is there at all may tell something
        return Category.learn(column)
    if column.dtype.is_temporal() and column.dtype != pl.Duration:
        return Moment.learn(column)
    if column.dtype.is_numeric() or column.dtype == pl.Duration:
        if len(present) == len(column) and _names_rows(present, target):
            return _left_out(column, "identifier", "numbers that only name the rows")
        return Number.learn(column)
    return _text(column, present)


def as_number(column: Any) -> Column:
    """A column of numbers, though they may seem to name the rows."""
    return Number.learn(column)


def _as_asked(column: Any, wish: str) -> Column:
    if wish == "category":
        return Category.learn(column)
    if wish in ("date", "season"):
        return Moment.learn(column, trend=wish == "date")
    return Number.learn(column, None if wish == "number" else wish)


def _text(column: Any, present: Any) -> Column:
    """Text: dates, levels, prose, or a name of its own in every row."""
    if are_dates(present):
        return Moment.learn(column)
    text = words(present)
    levels, rows = text.n_unique(), len(text)
    length = float(text.str.len_chars().mean() or 0)
    if length > LONG and levels > MAX_LEVELS:
        return _left_out(column, "text", f"prose, {length:.0f} characters in the mean")
    figures = mostly(text)
    if figures is not None:
        return Number.learn_text(column, figures[0], parse(column, figures[0])[0], figures[2])
    if text.str.contains("^[+-]?[1-9][0-9]{18,}$").all() and IDENTIFIER.search(column.name) is None:
        return Number.learn(column)  # whole numbers that no type holds; rounded they still tell what is large
    if levels == rows and rows > 2:
        return _left_out(column, "identifier", "different in every row")
    if levels > MAX_LEVELS and levels > MOSTLY_DIFFERENT * rows:
        return _left_out(column, "text", f"{levels} different values in {rows} rows")
    category = Category.learn(column)
    return (
        category
        if len(category.levels) > 1 or category.missing
        else _left_out(column, "text", "hardly a value occurs twice")
    )


def _names_rows(here: Any, target: Callable[[], np.ndarray] | None) -> bool:
    """Whether numbers only name the rows: whole, and called so, or counting rows under no name or one such as "row".

    Where they go with the target, and don't count the rows as these stand, they are more than names.
    """
    whole = here.dtype.is_integer() or (here.dtype.is_float() and bool((here == here.round(0)).all()))
    if len(here) < ENOUGH or not whole:
        return False
    values = here.cast(float).to_numpy()
    steps = np.diff(values)
    counts = bool((steps > 0).all() and values[-1] - values[0] + 1 <= MOST_STEPS * len(values))
    if counts and (COUNTER.search(here.name) or IDENTIFIER.search(here.name)):
        return True
    if IDENTIFIER.search(here.name) is None or here.n_unique() <= MOSTLY_DIFFERENT * len(here):
        return False
    return target is None or not correlation(ranks(values), ranks(target())) > TELLING


def ranks(values: np.ndarray) -> np.ndarray:
    """Places of values in their order; equal ones share one."""
    return np.unique(values, return_inverse=True)[1].astype(float)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """How strongly two samples go together, from 0 to 1."""
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return abs(float(np.corrcoef(a, b)[0, 1]))


def are_dates(here: Any) -> bool:
    """Whether text, none of it missing, tells dates."""
    if not here.head(100).cast(str, strict=False).str.contains(r"^\s*\d{4}-\d{1,2}-\d{1,2}").all():
        return is_text(here) and here.n_unique() > 1 and of_parts(here.str.strip_chars()) is not None
    try:
        as_moments(here)
    except InputError:
        return False
    return True


def _left_out(column: Any, kind: str, note: str) -> LeftOut:
    missing = column.is_null().mean() if len(column) else 0.0
    return LeftOut(column.name, float(missing or 0.0), kind, note)
