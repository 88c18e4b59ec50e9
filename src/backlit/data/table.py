"""Tables: columns of numbers and categories as one array of numbers, learned on training rows only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown

MAX_LEVELS = 30  # a category with more is left out
FEW_NUMBERS = 20  # whole-number targets with at most so many different values are taken for classes
MISSING, UNSEEN = -1, -2  # codes of values that are no level


@dataclass(frozen=True)
class Column:
    """How one column becomes numbers.

    Attributes
    ----------
    kind : str
        "number" (standardised, missing values at the median), "category" (a 0/1 input for each level, all 0 for
        others), or "left out".
    note : str
        Why, in words.
    """

    name: str
    kind: str
    note: str = ""
    center: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    levels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Inputs that it becomes."""
        return {"number": 1, "category": len(self.levels)}.get(self.kind, 0)


@dataclass(frozen=True)
class TablePreparation:
    """Turns a data frame into the network's inputs; fitted on the training rows, saved with the run.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"size": [1.0, 3.0, 5.0], "colour": ["red", "blue", "red"], "y": [0, 1, 0]})
    >>> preparation = TablePreparation.learn(frame, "y")
    >>> preparation.apply(frame).astype(float).round(3).tolist()
    [[-1.225, 0.0, 1.0], [0.0, 1.0, 0.0], [1.225, 0.0, 1.0]]
    """

    columns: tuple[Column, ...]
    target: str | None = None

    @classmethod
    def learn(cls, frame: Any, target: str | None = None, rows: Any = None) -> TablePreparation:
        """Learn from some rows of a data frame (all, if none are given).

        Raises
        ------
        InputError
            If there is no such target, a number is infinite, or no usable column is left.
        """
        frame = as_polars(frame)
        if target is not None and target not in frame.columns:
            raise unknown("column", target, frame.columns)
        part = frame if rows is None else frame[np.asarray(rows)]
        columns = tuple(_learn(part[name]) for name in frame.columns if name != target)
        if not any(column.width for column in columns):
            reasons = "; ".join(f"{c.name}: {c.note}" for c in columns) or "there is no other column"
            raise InputError(f"no column is left to learn from ({reasons})")
        return cls(columns, target)

    @property
    def names(self) -> list[str]:
        """Names of the inputs: "size", "colour=red"."""
        found: list[str] = []
        for column in self.columns:
            found += [column.name] if column.kind == "number" else [f"{column.name}={v}" for v in column.levels]
        return found

    def apply(self, frame: Any) -> np.ndarray:
        """Inputs (rows, len(names)), float32; columns in any order, others ignored.

        Raises
        ------
        InputError
            If a column is missing, or holds text where training had numbers (row, counted from 1, and value are named).
        """
        frame = as_polars(frame)
        used = [column for column in self.columns if column.width]
        missing = [column.name for column in used if column.name not in frame.columns]
        if missing:
            near = {name.strip().lower(): name for name in frame.columns}.get(missing[0].strip().lower())
            near = near or next(iter(get_close_matches(missing[0], frame.columns, n=1)), None)
            raise InputError(
                f"column {missing[0]!r} is missing; {f'is it called {near!r} now? ' if near else ''}"
                f"the network needs {_some([column.name for column in used])}"
            )
        return np.concatenate([_apply(column, frame[column.name]) for column in used], axis=1)

    def unseen(self, frame: Any) -> dict[str, int]:
        """How many rows have a level that training didn't have, by column."""
        frame = as_polars(frame)
        counts = {
            column.name: int((_codes(column, frame[column.name]) == UNSEEN).sum())
            for column in self.columns
            if column.kind == "category" and column.name in frame.columns
        }
        return {name: count for name, count in counts.items() if count}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"columns": [asdict(column) for column in self.columns], "target": self.target}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TablePreparation:
        """The inverse of `to_dict`."""
        columns = tuple(Column(**{**column, "levels": tuple(column["levels"])}) for column in data["columns"])
        return cls(columns, data["target"])


def as_polars(frame: Any) -> Any:
    """Anyone's data frame as polars' (through narwhals); polars' own as it is."""
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    import narwhals as nw

    try:
        return pl.DataFrame(frame) if isinstance(frame, dict) else nw.from_native(frame, eager_only=True).to_polars()
    except nw.exceptions.DuplicateError as error:
        raise InputError(f"two columns have the same name; give each a name of its own ({error})") from error
    except pl.exceptions.PolarsError as error:
        raise InputError(f"these columns make no table: {error}") from error
    except TypeError as error:
        raise InputError(f"expected a data frame with named columns, got {type(frame).__name__}") from error


def targets(frame: Any, name: str, task: str | None = None, *, varied: bool = True) -> tuple[np.ndarray, str]:
    """The target column as an array, and whether it is "classification" or "regression" (decided unless said).

    Text, booleans and few different whole numbers are classes; other numbers are regressed.

    Parameters
    ----------
    frame : data frame
    name : str
        The target's column.
    task : "classification", "regression" or None
    varied : bool
        Refuse a target that is the same in every row, from which nothing can be learned. (It can be evaluated on.)

    Raises
    ------
    InputError
        If there is no such column, a value is missing or infinite (row named, counted from 1), there is but one class,
        or the task doesn't fit.
    """
    frame = as_polars(frame)
    if name not in frame.columns:
        raise unknown("column", name, frame.columns)
    if task not in (None, "classification", "regression"):
        raise unknown("task", task, ("classification", "regression"))
    column = _as_numbers(name, _present(name, frame[name]), task)
    numeric = column.dtype.is_numeric()
    values = column.to_numpy().astype(np.float64) if numeric else np.empty(0)
    if not np.isfinite(values).all():
        raise InputError(f"target {name!r}: row {int(np.isfinite(values).argmin()) + 1} isn't finite; drop such rows")
    distinct = column.n_unique()
    if varied and distinct < 2:
        raise InputError(f"target {name!r} is {column[0]!r} in every row: there is nothing to learn")
    whole = numeric and bool((values == np.round(values)).all())
    if task is None:
        few = distinct <= 2 or distinct <= min(FEW_NUMBERS, len(column) // 2)
        task = "classification" if not numeric or (whole and few) else "regression"
    if task == "regression":
        return values, task
    if whole:
        return (values.astype(np.int64) if np.abs(values).max() < 2**53 else column.to_numpy()), task
    return np.array(column.to_list() if column.dtype.is_float() or _is_bool(column) else _text(column)), task


def _present(name: str, column: Any) -> Any:
    """The target's column, of a type that can be learned and without missing values."""
    if column.dtype.is_nested() or _unordered(column):
        raise InputError(f"target {name!r} holds {column.dtype}; expected numbers, text or booleans")
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if not len(column):
        raise InputError(f"target {name!r}: there are no rows")
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise InputError(f"target {name!r}: row {row + 1} is missing; drop the rows without a target")
    return column


def _as_numbers(name: str, column: Any, task: str | None) -> Any:
    """Numbers written as text, as numbers, if they are to be regressed; one slip among them is an error.

    Without this, a word among prices would make a class of every price.
    """
    if column.dtype.is_numeric() or task == "classification" or (task is None and not _mostly_numbers(column)):
        return column
    words = _text(column)
    for row, word in enumerate(words):
        if not _is_number(word):
            raise InputError(
                f"target {name!r}: row {row + 1} is {word!r}, no number, so it can't be regressed; "
                "mend the row, or choose the task classification"
            )
    import polars as pl

    return pl.Series(name, [float(word or "nan") for word in words], dtype=pl.Float64)


def _learn(part: Any) -> Column:
    """What a column's training rows say about it."""
    name = part.name
    if part.dtype.is_nested() or _unordered(part):
        return Column(name, "left out", f"holds {part.dtype}")
    if part.dtype.is_float():
        part = part.fill_nan(None)
    known = part.drop_nulls()
    if not len(known):
        return Column(name, "left out", "every value is missing")
    if known.n_unique() < 2:
        return Column(name, "left out", f"always {known[0]!r}")
    if part.dtype.is_numeric():
        values = _numbers(name, part)
        fill = float(np.nanmedian(values))
        filled = np.where(np.isnan(values), fill, values)
        with np.errstate(over="ignore", invalid="ignore"):
            center, scale = float(filled.mean()), float(filled.std())
        if not (np.isfinite(center) and np.isfinite(scale)):
            return Column(name, "left out", f"reaches {np.abs(filled).max():g}, too large to be scaled")
        return Column(name, "number", "", center, scale or 1.0, fill)
    levels = sorted({word for word in _text(known) if word is not None})
    if len(levels) == len(known) and len(known) > 2:
        return Column(name, "left out", "different in every row")
    if len(levels) > MAX_LEVELS:
        slip = next((level for level in levels if not _is_number(level)), "") if _mostly_numbers(known) else ""
        why = f"mostly numbers, but {slip!r} is none" if slip else f"{len(levels)} levels, more than {MAX_LEVELS}"
        return Column(name, "left out", why)
    return Column(name, "category", levels=tuple(levels))


def _apply(column: Column, series: Any) -> np.ndarray:
    if column.kind == "category":
        codes = _codes(column, series)
        return (codes[:, None] == np.arange(column.width)).astype(np.float32)
    values = _numbers(column.name, series)
    with np.errstate(over="ignore"):
        scaled = ((np.where(np.isnan(values), column.fill, values) - column.center) / column.scale).astype(np.float32)
    if not np.isfinite(scaled).all():
        row = int(np.isfinite(scaled).argmin())
        raise InputError(
            f"column {column.name!r}, row {row + 1}: {values[row]:g} is far too large beside the training's"
        )
    return scaled[:, None]


def _codes(column: Column, series: Any) -> np.ndarray:
    """Places of the values among the levels, or MISSING, or UNSEEN.

    Where the training's column held text, a file's may be read as numbers or booleans: then 1 is the level "01", and
    True the level "true", if there is no doubt.
    """
    if series.dtype.is_float():
        series = series.fill_nan(None)
    exact = {level: place for place, level in enumerate(column.levels)}
    loose: dict[str, int] = {}
    if series.dtype.is_numeric() or _is_bool(series):
        alike = [_loose(level) for level in column.levels]
        loose = {level: place for place, level in enumerate(alike) if alike.count(level) == 1}
    words = _text(series)
    table = {word: exact.get(word, loose.get(_loose(word), UNSEEN)) for word in set(words) if word is not None}
    return np.array([MISSING if word is None else table[word] for word in words], dtype=np.int64)


def _loose(word: str) -> str:
    return repr(float(word)) if _is_number(word) else word.lower()


def _numbers(name: str, column: Any) -> np.ndarray:
    """A column as float64, missing values as NaN; what is no number or infinite is refused."""
    import polars as pl

    if column.dtype.is_numeric() or column.dtype == pl.Null:
        values = column.cast(pl.Float64).to_numpy()
    else:
        words = pl.Series(name, _text(column), dtype=pl.String)
        numbers = words.str.strip_chars().cast(pl.Float64, strict=False)
        wrong = numbers.is_null() & words.is_not_null()
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            raise InputError(f"column {name!r}, row {row + 1}: expected a number, got {column[row]!r}")
        values = numbers.to_numpy()
    if np.isinf(values).any():
        raise InputError(f"column {name!r}, row {int(np.argmax(np.isinf(values))) + 1} is infinite; mend or empty it")
    return values


def _text(column: Any) -> list[str | None]:
    """Values as text; whole numbers without a point, since a missing value may have made them decimal."""

    def word(value: Any) -> str:
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    return [None if value is None else word(value) for value in column.to_list()]


def _is_number(word: Any) -> bool:
    try:
        float(word)
    except (TypeError, ValueError):
        return False
    return "_" not in str(word)


def _mostly_numbers(column: Any) -> bool:
    """Whether text is numbers with a few slips: more than half are, and too many to be levels."""
    numbers = [word for word in _text(column) if _is_number(word)]
    return len(numbers) > len(column) / 2 and len(set(numbers)) > FEW_NUMBERS


def _is_bool(column: Any) -> bool:
    import polars as pl

    return bool(column.dtype == pl.Boolean)


def _unordered(column: Any) -> bool:
    import polars as pl

    return column.dtype in (pl.Object, pl.Binary)


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
