"""TablePreparation: a table's columns as one array of numbers, learned on training rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.files import read_source
from backlit.data.preparation import Preparation
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.placing import placed
from backlit.data.table.target import TableTarget
from backlit.data.table.understanding import as_number, understand
from backlit.data.table.values import CellError, as_polars, column_of, infinite, some, words
from backlit.errors import InputError, unknown
from backlit.schema import parts


@dataclass(frozen=True)
class TablePreparation(Preparation):
    """Turns a data frame into the network's inputs; fitted on the training rows, saved with the run.

    Inputs that are numbers come first; codes of embedded categories (see `embedded`) last.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"size": [1.0, 3.0, 5.0], "colour": ["red", "blue", "red"], "y": [0, 1, 0]})
    >>> preparation = TablePreparation.learn(frame, "y")
    >>> preparation.names
    ['size', 'colour=red']
    >>> preparation.apply(frame).astype(float).round(3).tolist()
    [[-1.225, 1.0], [0.0, -1.0], [1.225, 1.0]]
    """

    columns: tuple[Column, ...]
    target: TableTarget | None = None
    formats: Mapping[str, str] = field(default_factory=dict)  # how the file's text became values, by column

    @classmethod
    def learn(
        cls,
        frame: Any,
        target: TableTarget | str | None = None,
        rows: Any = None,
        wishes: Mapping[str, str] | None = None,
        formats: Mapping[str, str] | None = None,
    ) -> TablePreparation:
        """Learn from some rows of a data frame (all, if none are given).

        Parameters
        ----------
        frame : data frame
        target : TableTarget or str, optional
            What is predicted, and so no input.
        rows : int array, optional
            The training rows.
        wishes : dict of column to kind, optional
            See `understand`.
        formats : dict, optional
            The file's formats, kept for the files to come.

        Raises
        ------
        InputError
            If there is no such column, a number is infinite, or no usable column is left.
        """
        frame = as_polars(frame)
        wishes = dict(wishes or {})
        if isinstance(target, str):
            column_of(frame, target)
            target = TableTarget((target,), "")
        targets = target.names if target else ()
        for name in wishes:
            if name not in frame.columns:
                raise unknown("column", name, frame.columns)
            if name in targets:
                raise InputError(f"column {name!r} is the target, no input")
        part = frame if rows is None else frame[np.asarray(rows)]
        for name in (name for name in frame.columns if name not in targets and wishes.get(name) != "drop"):
            _require_finite(frame[name])  # of all rows: in the others it would be told when they are used
        goal = cache(lambda: ranked(part[targets[0]])) if targets else None
        try:
            columns = tuple(
                understand(part[name], wishes.get(name), goal) for name in frame.columns if name not in targets
            )
            columns = columns if any(column.inputs for column in columns) else _last_hope(columns, part)
        except CellError as error:
            raise error if rows is None else error.of(rows) from None
        if not any(column.inputs for column in columns):
            reasons = "; ".join(f"{column.name}: {column.done}" for column in columns) or "there is no other column"
            raise InputError(f"no column is left to learn from ({reasons})")
        return cls(columns, target, dict(formats or {}))

    @property
    def _ordered(self) -> list[Column]:
        """The columns in use, embedded ones last."""
        used = [column for column in self.columns if column.inputs]
        return sorted(used, key=lambda column: column.rows_to_learn > 0)

    @property
    def names(self) -> list[str]:
        """Names of the inputs: "size", "colour=red"."""
        return [name for column in self._ordered for name in column.inputs]

    def places(self) -> list[tuple[str, slice]]:
        """The columns in use, each with its place among the inputs."""
        ends = np.cumsum([len(column.inputs) for column in self._ordered]).tolist()
        starts = [0, *ends[:-1]]
        return [(c.name, slice(a, b)) for c, a, b in zip(self._ordered, starts, ends, strict=True)]

    @property
    def embedded(self) -> tuple[int, ...]:
        """For each embedded category, whose codes are the last inputs: how many vectors are to be learned."""
        return tuple(column.rows_to_learn for column in self._ordered if column.rows_to_learn)

    def apply(self, frame: Any) -> np.ndarray:
        """Inputs (rows, len(names)), float32; columns in any order, others ignored.

        Parameters
        ----------
        frame : data frame, or path of a file, which is read as the training's was

        Raises
        ------
        InputError
            If a column is missing, or holds text where training had numbers (row, counted from 1, and value are named).
        """
        table, frame = frame, self._frame(frame)
        used = self._ordered
        self._check_columns(frame, [column.name for column in used])
        inputs = np.empty((frame.height, len(self.names)), np.float32)
        with placed(table, self.formats):
            for column, (name, place) in zip(used, self.places(), strict=True):
                inputs[:, place] = column.apply(frame[name])
        return inputs

    def _frame(self, table: Any) -> Any:
        if isinstance(table, (str, Path)):
            return read_source(table, formats=self.formats).frame
        return as_polars(table)

    @staticmethod
    def _check_columns(frame: Any, needed: Sequence[str]) -> None:
        present = set(frame.columns)
        missing = [name for name in needed if name not in present]
        if not missing:
            return
        nearest = {name.strip().lower(): name for name in frame.columns}.get(missing[0].strip().lower())
        nearest = nearest or next(iter(get_close_matches(missing[0], frame.columns, n=1)), None)
        raise InputError(
            f"column {missing[0]!r} is missing; {f'is it called {nearest!r} now? ' if nearest else ''}"
            f"the network needs {some(needed)}"
        )

    def in_words(self, decoded: np.ndarray) -> np.ndarray:
        """Several yes-or-no predictions in the table's own words."""
        return self.target.in_words(decoded) if self.target else decoded

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns that are predicted."""
        return self.target.names if self.target else ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns, those that are left out, too."""
        return tuple(column.name for column in self.columns)

    def unseen(self, frame: Any) -> dict[str, int]:
        """How many rows have a level that training didn't have, by column."""
        frame = self._frame(frame)
        present = set(frame.columns)
        counts = {c.name: c.unseen(frame[c.name]) for c in self._ordered if c.name in present}
        return {name: count for name, count in counts.items() if count}

    def rows(self) -> list[dict[str, Any]]:
        """One dict a column: name, kind, what was done, missing share; for tables that people read."""
        return [
            {"column": c.name, "kind": c.kind, "done": c.done, "missing": c.missing, "inputs": len(c.inputs)}
            for c in self.columns
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        columns = [column.to_dict() for column in self.columns]
        target = self.target.to_dict() if self.target else None
        return {"columns": columns, "target": target, "formats": dict(self.formats)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TablePreparation:
        """The inverse of `to_dict`."""
        return cls(**parts(cls, data))


def _require_finite(column: Any) -> None:
    if column.dtype.is_float() and column.is_infinite().any():
        raise infinite(column.name, int(column.is_infinite().arg_max() or 0))


def ranked(column: Any) -> np.ndarray:
    """A target as numbers: as they are, or the places of its values in their order."""
    values = column if column.dtype.is_numeric() else words(column).rank("dense")
    ranked: np.ndarray = values.cast(float).fill_null(0.0).to_numpy()
    return ranked


def _last_hope(columns: tuple[Column, ...], frame: Any) -> tuple[Column, ...]:
    """The columns with numbers that seemed to name the rows taken for numbers, where there is nothing else."""
    names = [c.name for c in columns if isinstance(c, LeftOut) and c.what == "identifier"]
    numbers = {name for name in names if frame[name].dtype.is_numeric()}
    return tuple(as_number(frame[column.name]) if column.name in numbers else column for column in columns)
