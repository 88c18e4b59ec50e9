"""What is predicted, told as rows pass by: which task the columns make, classes and how many of each, moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.data.streams.dividing import TRAINING
from backlit.data.streams.sketches import Moments
from backlit.data.table.target import FEW_NUMBERS, TASKS, TableTarget, are_few, as_names
from backlit.data.table.values import is_number, words
from backlit.errors import InputError, unknown

MAX_CLASSES = 10_000  # different values of a target that are kept apart


class Values:
    """Different values of one target column, up to a bound, and what sort they are."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: dict[Any, int] = {}
        self.rows = 0
        self.numeric = self.whole = True
        self.many = False

    def add(self, column: Any) -> None:
        """Some more, none missing."""
        self.rows += len(column)
        self.numeric = self.numeric and column.dtype.is_numeric()
        if column.dtype.is_float():
            self.whole = self.whole and bool((column == column.round(0)).all())
        if self.many:
            return
        counts = (column if column.dtype.is_numeric() else words(column)).alias("value").value_counts()
        for value, count in zip(counts["value"].to_list(), counts["count"].to_list(), strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        self.many = len(self.counts) > MAX_CLASSES

    def texts(self) -> list[str]:
        """The values as text, in order."""
        whole = self.numeric and self.whole
        return sorted(str(int(value)) if whole else str(value) for value in self.counts)

    @property
    def task(self) -> str:
        """Which task the column makes by itself."""
        if self.numeric:
            few = not self.many and self.whole and are_few(len(self.counts), self.rows)
            return "classification" if few else "regression"
        figures = {word: count for word, count in self.counts.items() if is_number(word)}
        mostly = sum(figures.values()) > self.rows / 2 and len(figures) > FEW_NUMBERS
        return "regression" if mostly else "classification"


class Goal:
    """The target of a pass: first by a look at some rows, then by all of them.

    Parameters
    ----------
    names : str or list of str
    task : str or None
        As the user says.
    head : polars.DataFrame
        Some rows.
    pinned : TableTarget, optional
        What a pass over all rows found, where the look had told otherwise.
    """

    def __init__(self, names: Any, task: str | None, head: Any, pinned: TableTarget | None = None) -> None:
        self.names, self.wish = as_names(names), task
        if task not in (None, *TASKS):
            raise unknown("task", task, TASKS)
        if not self.names:
            raise InputError("say which column to predict")
        self.target = pinned or _first_look(self.names, task, head)
        self.seen = [Values(name) for name in self.names]
        self.classes: tuple[dict[Any, int], dict[Any, int], dict[Any, int]] = ({}, {}, {})
        self.moments: list[Moments] = []

    def add(self, frame: Any, parts: np.ndarray) -> None:
        """Rows that have a target, each with its part.

        Raises
        ------
        CellError
            For a target that can't be used.
        """
        for values in self.seen:
            column = frame[values.name]
            values.add(column.fill_nan(None) if column.dtype.is_float() else column)
        y = self.target.values(frame)
        if self.target.task == "classification":
            for part, counts in enumerate(self.classes):
                here, many = np.unique(y[parts == part], return_counts=True)
                for value, count in zip(here.tolist(), many.tolist(), strict=True):
                    counts[value] = counts.get(value, 0) + count
        elif self.target.task == "regression":
            learned = (y[:, None] if y.ndim == 1 else y)[parts == TRAINING]
            self.moments = self.moments or [Moments() for _ in range(learned.shape[1])]
            for moments, column in zip(self.moments, learned.T, strict=True):
                moments.add(column)

    def final(self) -> TableTarget:
        """The target that all rows make.

        Raises
        ------
        InputError
            If there is nothing to learn, too many classes, or the task doesn't fit.
        """
        seen, task = self.seen, self.wish
        for values in seen:
            if len(values.counts) < 2:
                value = next(iter(values.counts))
                raise InputError(f"target {values.name!r} is {value!r} in every row: there is nothing to learn")
        two = all(len(values.counts) == 2 for values in seen)
        if task == "multi_label" or (task is None and len(seen) > 1 and two):
            wrong = next((values for values in seen if len(values.counts) > 2), None)
            if wrong is not None:
                raise InputError(
                    f"target {wrong.name!r} has {len(wrong.counts)} values or more "
                    f"({', '.join(wrong.texts()[:5])}…); a label is yes or no"
                )
            texts = [values.texts() for values in seen]
            return TableTarget(
                self.names, "multi_label", tuple(text[-1] for text in texts), tuple(text[0] for text in texts)
            )
        if len(seen) == 1:
            found = TableTarget(self.names, task or seen[0].task)
            if found.task == "classification" and seen[0].many:
                raise InputError(
                    f"target {seen[0].name!r} has more than {MAX_CLASSES:,} different values: too many for classes; "
                    "is it an identifier, or text? Numbers are learned with the task regression"
                )
            return found
        if task == "classification":
            raise InputError(
                f"several targets ({', '.join(self.names)}) can't be one class; leave out the task, or name one"
            )
        if not all(values.numeric for values in seen):
            text = next(values.name for values in seen if not values.numeric)
            raise InputError(
                f"several targets must all be numbers, or all have two values; {text!r} holds text: train a network "
                "for each"
            )
        return TableTarget(self.names, "regression")

    @property
    def labels(self) -> list[Any] | None:
        """The classes of the training rows, in the order of `Labels`; None for numbers and labels."""
        if self.target.task != "classification":
            return None
        return [int(v) if isinstance(v, float) and v.is_integer() else v for v in sorted(self.classes[TRAINING])]

    @property
    def label_counts(self) -> list[int] | None:
        """How many training rows each class has."""
        if self.target.task != "classification":
            return None
        return [count for _, count in sorted(self.classes[TRAINING].items())]

    def unknown_rows(self, part: int) -> int:
        """How many rows of a part have a class that training doesn't have."""
        return sum(count for value, count in self.classes[part].items() if value not in self.classes[TRAINING])


def _first_look(names: Sequence[str], task: str | None, head: Any) -> TableTarget:
    """The target of some rows; where these tell nothing (they may be sorted by it), what the type tells."""
    rows = head.filter(TableTarget.present(head, names))
    if len(set(names)) < len(names):
        raise InputError(f"a target is named twice: {', '.join(names)}")
    try:
        return TableTarget.learn(rows, names, task)
    except InputError:
        if rows.height and any(rows[name].dtype.is_temporal() or rows[name].dtype.is_nested() for name in names):
            raise
        if len(names) > 1 and not all(head[name].dtype.is_numeric() for name in names):
            last = [words(head[name]).drop_nulls().max() or "" for name in names]
            return TableTarget(tuple(names), "multi_label", tuple(map(str, last)))
        numbers = all(head[name].dtype.is_float() for name in names) or len(names) > 1
        return TableTarget(tuple(names), task or ("regression" if numbers else "classification"))
