"""Tables: columns of numbers and categories as one array of numbers, learned on training rows only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown

MAX_LEVELS = 30  # a category with more is left out
FEW_NUMBERS = 20  # whole-number targets with at most so many different values are taken for classes


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
        """Learn from some rows of a polars DataFrame (all, if none are given).

        Raises
        ------
        InputError
            If there is no such target, or no usable column is left.
        """
        if target is not None and target not in frame.columns:
            raise unknown("column", target, frame.columns)
        part = frame if rows is None else frame[np.asarray(rows)]
        columns = tuple(_learn(part[name], frame[name]) for name in frame.columns if name != target)
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
            If a column is missing, or holds text where training had numbers (row and value are named).
        """
        frame = as_polars(frame)
        used = [column for column in self.columns if column.width]
        missing = [column.name for column in used if column.name not in frame.columns]
        if missing:
            raise InputError(f"column {missing[0]!r} is missing; the network needs {', '.join(c.name for c in used)}")
        return np.concatenate([_apply(column, frame[column.name]) for column in used], axis=1)

    def unseen(self, frame: Any) -> dict[str, int]:
        """How many rows have a level that training didn't have, by column."""
        frame = as_polars(frame)
        counts = {}
        for column in self.columns:
            if column.kind == "category" and column.name in frame.columns:
                values = _text(frame[column.name])
                counts[column.name] = sum(value is not None and value not in column.levels for value in values)
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
    if isinstance(frame, dict):
        return pl.DataFrame(frame)
    import narwhals as nw

    try:
        return nw.from_native(frame, eager_only=True).to_polars()
    except TypeError as error:
        raise InputError(f"expected a data frame with named columns, got {type(frame).__name__}") from error


def targets(frame: Any, name: str, task: str | None = None) -> tuple[np.ndarray, str]:
    """The target column as an array, and whether it is "classification" or "regression" (decided unless said).

    Text, booleans and few different whole numbers are classes; other numbers are regressed.

    Raises
    ------
    InputError
        If there is no such column, a value is missing (row named), there is but one class, or the task doesn't fit.
    """
    if name not in frame.columns:
        raise unknown("column", name, frame.columns)
    if task not in (None, "classification", "regression"):
        raise unknown("task", task, ("classification", "regression"))
    column = frame[name]
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise InputError(f"target {name!r}: row {row + 1} is missing; drop the rows without a target")
    numeric = column.dtype.is_numeric()
    whole = numeric and bool((column == column.round(0)).all()) if numeric else False
    decided = "classification" if not numeric or (whole and column.n_unique() <= FEW_NUMBERS) else "regression"
    task = task or decided
    if task == "regression":
        if not numeric:
            raise InputError(f"target {name!r} holds {column.dtype}, which can't be regressed; use task classification")
        values = column.to_numpy().astype(np.float64)
        if not np.isfinite(values).all():
            raise InputError(f"target {name!r}: row {int(np.argmin(np.isfinite(values))) + 1} isn't finite")
    else:
        values = column.cast(int).to_numpy() if whole else np.array(column.to_list())
    if column.n_unique() < 2:
        raise InputError(f"target {name!r} is {column[0]!r} in every row: there is nothing to learn")
    return values, task


def _learn(part: Any, whole: Any) -> Column:
    name = part.name
    known = part.drop_nulls()
    if not len(known):
        return Column(name, "left out", "every value is missing")
    if known.n_unique() < 2:
        return Column(name, "left out", f"always {known[0]!r}")
    if part.dtype.is_numeric():
        values = _numbers(name, part)
        present = values[~np.isnan(values)]
        fill = float(np.median(present))
        filled = np.where(np.isnan(values), fill, values)
        return Column(name, "number", "", float(filled.mean()), float(filled.std()) or 1.0, fill)
    levels = sorted(set(_text(known)))
    if len(levels) > MAX_LEVELS:
        why = (
            "different in every row"
            if whole.n_unique() == len(whole)
            else f"{len(levels)} levels, more than {MAX_LEVELS}"
        )
        return Column(name, "left out", why)
    return Column(name, "category", levels=tuple(levels))


def _text(column: Any) -> list[Any]:
    return [None if value is None else str(value) for value in column.to_list()]


def _numbers(name: str, column: Any) -> np.ndarray:
    """A numeric column as float64, missing values as NaN; infinite ones are refused."""
    values = column.cast(float).to_numpy().astype(np.float64)
    if np.isinf(values).any():
        raise InputError(f"column {name!r}, row {int(np.argmax(np.isinf(values))) + 1} is infinite; mend or empty it")
    return values


def _apply(column: Column, series: Any) -> np.ndarray:
    if column.kind == "category":
        values = np.array(_text(series), dtype=object)
        return (values[:, None] == np.array(column.levels, dtype=object)[None]).astype(np.float32)
    if series.dtype.is_numeric() or series.null_count() == len(series):
        values = _numbers(column.name, series)
    else:
        values = np.empty(len(series))
        for row, value in enumerate(series.to_list()):
            try:
                values[row] = np.nan if value is None else float(value)
            except (TypeError, ValueError):
                raise InputError(f"column {column.name!r}, row {row + 1}: expected a number, got {value!r}") from None
    filled = np.where(np.isnan(values), column.fill, values)
    return ((filled - column.center) / column.scale).astype(np.float32)[:, None]
