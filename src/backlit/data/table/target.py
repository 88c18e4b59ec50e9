"""Targets of a table: which task they make, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backlit.data.table.values import CellError, column_of, is_number, words
from backlit.data.textual import as_texts
from backlit.errors import InputError, unknown
from backlit.schema import parts

TASKS = ("classification", "regression", "multi_label")
LARGEST = 1e150  # numbers whose square is finite, with room for a sum
FEW_NUMBERS = 20  # whole-number targets with at most so many different values are taken for classes


@dataclass(frozen=True)
class TableTarget:
    """The columns to predict.

    Attributes
    ----------
    names : tuple of str
    task : "classification", "regression" or "multi_label"
        Several columns make multi-label work (each yes or no) or regression of several numbers.
    yes : tuple of str
        For multi-label work: the value of each column that counts as 1.
    no : tuple of str
        And the one that counts as 0, where the training rows had one.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"size": [1, 2, 3], "sold": ["yes", "no", None]})
    >>> TableTarget.present(frame, ["sold"]).tolist()
    [True, True, False]
    >>> target = TableTarget.learn(frame[:2], "sold")
    >>> target.task, target.values(frame[:2]).tolist()
    ('classification', ['yes', 'no'])
    """

    names: tuple[str, ...]
    task: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()

    @staticmethod
    def present(frame: Any, names: Sequence[str]) -> np.ndarray:
        """Which rows have all targets, bool (rows,)."""
        complete = np.ones(frame.height, dtype=bool)
        for name in names:
            column = column_of(frame, name)
            if column.dtype.is_float():
                column = column.fill_nan(None)
            complete &= column.is_not_null().to_numpy()
        return complete

    @classmethod
    def learn(cls, frame: Any, names: str | Sequence[str], task: str | None = None) -> TableTarget:
        """Which task the columns make; rows without a target must be gone.

        Text, booleans and few different whole numbers are classes; other numbers are regressed. Several columns with
        two values each are labels.

        Raises
        ------
        InputError
            If there is no such column, nothing to learn (every row the same, or missing), or the task doesn't fit.
        """
        names = as_names(names)
        if task not in (None, *TASKS):
            raise unknown("task", task, TASKS)
        if not names:
            raise InputError("say which column to predict")
        if len(set(names)) < len(names):
            raise InputError(f"a target is named twice: {', '.join(names)}")
        columns = [_present(column_of(frame, name)) for name in names]
        for column in columns:
            if column.n_unique() < 2:
                raise InputError(f"target {column.name!r} is {column[0]!r} in every row: there is nothing to learn")
        if task == "multi_label" or (task is None and len(columns) > 1 and all(c.n_unique() == 2 for c in columns)):
            no = tuple(str(min(words(column).unique().to_list())) for column in columns)
            return cls(names, "multi_label", tuple(_yes(column) for column in columns), no)
        if len(columns) == 1:
            return cls(names, task or _task_of(columns[0]))
        if task == "classification":
            raise InputError(
                f"several targets ({', '.join(names)}) can't be one class; leave out the task, or name one"
            )
        if not all(column.dtype.is_numeric() for column in columns):
            listed = ", ".join(f"{column.name!r} holds {_told(column)}" for column in columns)
            raise InputError(
                f"several targets must all be numbers, or all have two values; {listed}: train a network for each, "
                "or one with an output for each in Python, bl.Wired(..., outputs=(...))"
            )
        return cls(names, "regression")

    def values(self, frame: Any) -> np.ndarray:
        """Targets (rows,) or (rows, targets): classes, numbers (float64), or 0 and 1.

        Raises
        ------
        InputError
            If a value is missing, infinite or doesn't fit the task (column, row, counted from 1, and value are named).
        """
        columns = [_present(column_of(frame, name)) for name in self.names]
        if self.task == "multi_label":
            return np.stack([_labels(c, yes) for c, yes in zip(columns, self.yes, strict=True)], axis=1)
        if self.task == "regression":
            numbers = [_regressed(column) for column in columns]
            return numbers[0] if len(numbers) == 1 else np.stack(numbers, axis=1)
        return _classes(columns[0])

    def in_words(self, decoded: np.ndarray) -> np.ndarray:
        """Labels 0 and 1 as the table has them; other predictions as they are.

        >>> target = TableTarget(("sold", "new"), "multi_label", ("yes", "new"), ("no", "old"))
        >>> target.in_words(np.array([[1, 0], [0, 0]])).tolist()
        [['yes', 'old'], ['no', 'old']]
        """
        if not self.no:
            return decoded
        pairs: Any = list(zip(self.no, self.yes, strict=True))
        if all(word.removeprefix("-").isdecimal() for pair in pairs for word in pair):
            pairs = [[int(word) for word in pair] for pair in pairs]
        return np.stack([np.array(pair)[decoded[:, place]] for place, pair in enumerate(pairs)], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TableTarget:
        """The inverse of `to_dict`."""
        made = cls(**parts(cls, data))
        if (
            made.task not in ("", *TASKS)
            or not made.names
            or len(made.yes) not in (0, len(made.names))
            or len(made.no) not in (0, len(made.yes))
        ):
            raise InputError(f"target {made} can't be: expected a task of {', '.join(TASKS)} and its columns")
        return made


def as_names(names: Any) -> tuple[str, ...]:
    """One name or several as a tuple.

    Raises
    ------
    InputError
        If they aren't text.
    """
    as_tuple = (names,) if isinstance(names, str) or not isinstance(names, Sequence) else tuple(names)
    if not all(isinstance(name, str) for name in as_tuple):
        raise InputError(f"a target is named by text, got {names!r}")
    return as_tuple


def _present(column: Any) -> Any:
    """A target of a type that can be learned, without missing or infinite values."""
    import polars as pl

    name = column.name
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        raise InputError(f"target {name!r} holds {column.dtype}; expected numbers, text or booleans")
    if column.dtype.is_temporal():
        raise InputError(
            f"target {name!r} holds dates or times; expected numbers, text or booleans: "
            "make a number of them, days since a date say"
        )
    if not len(column):
        raise InputError(f"target {name!r}: there are no rows")
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.null_count() == len(column):
        raise InputError(f"target {name!r}: every value is missing")
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise CellError(name, row, " is missing; drop the rows without a target", "target")
    if column.dtype.is_float() and column.is_infinite().any():
        row = int(column.is_infinite().arg_max() or 0)
        raise CellError(name, row, " isn't finite; drop such rows", "target")
    return column


def _told(column: Any) -> str:
    """What a target holds, in a few words."""
    count = column.n_unique()
    if count == 2:
        return "two values"
    return "numbers" if column.dtype.is_numeric() else f"{count} different texts"


def _task_of(column: Any) -> str:
    """Text, booleans and few different whole numbers are classes."""
    if not column.dtype.is_numeric():
        return "regression" if _mostly_numbers(column) else "classification"
    return "classification" if _whole(column) and are_few(column.n_unique(), len(column)) else "regression"


def are_few(distinct: int, rows: int) -> bool:
    """Whether so many different whole numbers in so many rows are taken for classes."""
    return distinct <= 2 or distinct <= min(FEW_NUMBERS, rows // 2)


def _regressed(column: Any) -> np.ndarray:
    """Numbers, also those written as text; a slip among them is an error: it would make a class of every price."""
    if column.dtype.is_numeric():
        return _moderate(column.name, column.cast(float).to_numpy().astype(np.float64))
    text = words(column)
    figures = text.str.strip_chars().cast(float, strict=False)
    if figures.null_count():
        row = int(figures.is_null().arg_max() or 0)
        remedy = "mend the row, or choose the task classification"
        raise CellError(column.name, row, f" is {text[row]!r}, no number, so it can't be regressed; {remedy}", "target")
    values = figures.to_numpy()
    if not np.isfinite(values).all():
        row = int(np.isfinite(values).argmin())
        raise CellError(column.name, row, " isn't finite; drop such rows", "target")
    return _moderate(column.name, values)


def _moderate(name: str, values: np.ndarray) -> np.ndarray:
    """Numbers whose squares can be added up, in float64."""
    farthest = int(np.abs(values).argmax())
    if abs(values[farthest]) > LARGEST:
        what = f" is {values[farthest]:g}, too large to be learned; mend it, or divide the column by a power of ten"
        raise CellError(name, farthest, what, "target")
    return values


def _classes(column: Any) -> np.ndarray:
    import polars as pl

    if column.dtype == pl.Boolean:
        return column.to_numpy()
    if column.dtype.is_numeric():
        values = column.to_numpy()
        if column.dtype.is_integer():
            return values.astype(np.int64) if column.dtype != pl.UInt64 else values
        values = column.cast(float).to_numpy()
        return values.astype(np.int64) if _whole(column) and np.abs(values).max() < 2**53 else values
    text = words(column)
    levels = text.unique().sort()
    codes = text.replace_strict(levels, pl.Series(range(len(levels)), dtype=pl.Int64))
    return as_texts(levels.to_list(), codes.to_numpy())


def _labels(column: Any, yes: str) -> np.ndarray:
    text = words(column)
    distinct = sorted(text.unique().to_list())
    if len(distinct) > 2:
        raise InputError(
            f"target {column.name!r} has {len(distinct)} values ({', '.join(distinct[:5])}…); a label is yes or no"
        )
    return (text == yes).cast(int).to_numpy().astype(np.int64)


def _yes(column: Any) -> str:
    """The value that counts as 1: the later one in order (1, true, yes, 예)."""
    return str(max(words(column).unique().to_list()))


def _whole(column: Any) -> bool:
    return column.dtype.is_integer() or bool((column.cast(float) == column.cast(float).round(0)).all())


def _mostly_numbers(column: Any) -> bool:
    """Whether text is numbers with a few slips: more than half are, and too many to be classes."""
    text = words(column)
    distinct = text.unique().to_list()
    figures = [word for word in distinct if is_number(word)]
    share = text.str.strip_chars().cast(float, strict=False).is_not_null().mean()
    return bool(share > 0.5) and len(figures) > FEW_NUMBERS
