"""Material: what is to be learned from, before rows are split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit import data
from backlit.data.table import TablePreparation, TableTarget, as_polars
from backlit.data.table.target import as_names
from backlit.data.table.values import column_of
from backlit.errors import InputError


@dataclass(eq=False)
class Material:
    """Raw rows, their targets, and how rows become inputs.

    Attributes
    ----------
    raw : polars.DataFrame or array (rows, ...)
    y : array (rows,) or (rows, targets)
    task : "classification", "regression" or "multi_label"
    learn : callable
        ``learn(train_rows) -> preparation``.
    groups, order : array (rows,), optional
        What rows must stay together, or their times.
    test : tuple of raw and y, optional
        A test file of the user's own.
    notes : list of str
        What was found and done so far.
    seen_as : tuple of int, optional
        Shape of the pictures that flat rows hold.
    given : array (rows,), optional
        The user's own division: 0 for training, 1 for validation, 2 for test.
    divide : callable, optional
        ``divide(fractions) -> (row numbers of each part, notes)``, for rows that overlap and are split otherwise.
    names : array (rows,), optional
        What rows are called, such as files: the report names the worst.
    suspect : callable, optional
        ``suspect(parts) -> notes`` on what makes scores too good.
    family : Family, optional
        The networks that suit the inputs, where those for tables don't.
    """

    name: str
    raw: Any
    y: np.ndarray
    task: str
    learn: Callable[[np.ndarray], Any]
    groups: Any = None
    order: Any = None
    test: tuple[Any, np.ndarray] | None = None
    notes: list[str] = field(default_factory=list)
    seen_as: tuple[int, ...] | None = None
    given: np.ndarray | None = None
    divide: Callable[[Sequence[float]], tuple[list[np.ndarray], list[str]]] | None = None
    names: np.ndarray | None = None
    suspect: Callable[[Any], list[str]] | None = None
    family: Family | None = None


@dataclass(frozen=True)
class Family:
    """Networks for a kind of input, and what suits them where the user left it open.

    Attributes
    ----------
    words : str
        The network by default.
    build : callable
        ``build(words, outputs, activation, dropout, preparation) -> Layer``.
    dropout, rate : float, optional
        As for tables if left out.
    epochs : int, optional
        Most passes over the training rows.
    small : callable, optional
        ``small(words)``: whether such a network takes so little time that several are trained where rows are few.
    rivals : callable, optional
        ``rivals(run, raw, y, held raw) -> {method: its chances of each class (rows, classes)}``: what else could be
        asked about held rows, to be compared with.
    """

    words: str
    build: Callable[[str, int, str, float, Any], Any]
    dropout: float | None = None
    rate: float | None = None
    epochs: int | None = None
    small: Callable[[Any], bool] | None = None
    rivals: Callable[[Any, Any, np.ndarray, Any], dict[str, np.ndarray]] | None = None


def from_dataset(name: str) -> Material:
    """A data set that Backlit carries, by name."""
    dataset = data.load(name)
    y = dataset.y
    if dataset.class_names and not all(word.isdigit() for word in dataset.class_names):
        y = np.array(dataset.class_names)[y]
    scaling: Any = data.MinMax() if name == "digits" else data.Standardize()
    learn = lambda rows: scaling.fit(dataset.x[rows])  # noqa: E731
    return Material(name, dataset.x, y, dataset.task, learn, seen_as=dataset.shape)


def from_table(
    table: Any,
    target: str | Sequence[str],
    *,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    group: str | None = None,
    time: str | None = None,
    test: Any = None,
    decimal: str | None = None,
    progress: Callable[[str, float], None] | None = None,
    prepare: Callable[[Any, TableTarget, np.ndarray, Mapping[str, str]], Any] | None = None,
) -> Material:
    """A file, or anyone's data frame, with the column to predict; see `fit_table` for the parameters.

    With ``prepare(frame, target, train_rows, formats) -> preparation``, that makes inputs of rows, and not
    `TablePreparation`.
    """
    name, given, formats, notes = read_table(table, decimal, progress)
    names = as_names(target)
    frame, more = _with_targets(given, names, "rows")
    notes += more
    goal = TableTarget.learn(frame, names, task)
    notes += _decision(frame, goal, task)
    if group is not None and time is not None:
        raise InputError("split by a group or by time, not by both")
    wishes = dict(columns or {})
    for role, own in (("group", group), ("time", time)):
        if own in names:
            raise InputError(f"column {own!r} is the target; it can't be the {role} as well")
    if group is not None:
        wishes.setdefault(group, "drop")
    if time is not None:
        wishes.setdefault(time, "season")  # what grows with time would leave the training's range at once
    prepare = prepare or (lambda frame, goal, rows, formats: TablePreparation.learn(frame, goal, rows, wishes, formats))
    held = None
    if test is not None:
        _, given, _, found = read_table(test, decimal, None, formats)
        judged, more = _with_targets(given, names, "test rows")
        notes += [*found, *more]
        held = (judged, goal.values(judged))
    return Material(
        name=name,
        raw=frame,
        y=goal.values(frame),
        task=goal.task,
        learn=lambda rows: prepare(frame, goal, rows, formats),
        groups=None if group is None else _codes(frame, group),
        order=None if time is None else _times(frame, time),
        test=held,
        notes=notes,
    )


def read_table(
    table: Any, decimal: str | None, progress: Any, formats: Mapping[str, str] | None = None
) -> tuple[str, Any, Mapping[str, str], list[str]]:
    """Name, data frame, formats of its text, and what is to be said of the reading."""
    if not isinstance(table, (str, Path)):
        return "table", as_polars(table), formats or {}, []
    source = data.read_source(table, decimal=decimal, formats=formats, progress=progress)
    return source.path.name.split(".")[0], source.frame, source.formats, list(source.notes)


def _with_targets(frame: Any, names: Sequence[str], rows: str) -> tuple[Any, list[str]]:
    """The rows whose targets are known, and a note on the others."""
    here = TableTarget.present(frame, names)
    if here.all():
        return frame, []
    if not here.any():
        raise InputError(f"target {names[0]!r}: every value is missing")
    return frame.filter(here), [f"{int((~here).sum())} {rows} have no target ({', '.join(names)}) and are dropped"]


def _decision(frame: Any, goal: TableTarget, task: str | None) -> list[str]:
    """What was taken for granted of the target, in a sentence."""
    if task is not None:
        return []
    named = ", ".join(repr(name) for name in goal.names)
    if goal.task != "classification":
        what = "labels, yes or no" if goal.task == "multi_label" else "numbers (regression)"
        return [f"target {named}: {what}"]
    column = frame[goal.names[0]]
    count = column.n_unique()
    if column.dtype.is_numeric() and count > 2:
        remedy = "the task regression takes them as numbers"
        return [f"target {named}: {count} different whole numbers are taken for classes; {remedy}"]
    return [f"target {named}: {count} classes"]


def _codes(frame: Any, name: str) -> np.ndarray:
    """Groups as whole numbers; a row without a group is one of its own."""
    column = column_of(frame, name)
    codes = column.rank("dense").cast(float).fill_null(0).to_numpy().astype(np.int64)
    alone = np.flatnonzero(column.is_null().to_numpy())
    codes[alone] = codes.max(initial=0) + 1 + np.arange(len(alone))
    return codes


def _times(frame: Any, name: str) -> np.ndarray:
    from backlit.data.table.moment import as_moments

    column = column_of(frame, name)
    if not column.dtype.is_numeric():
        column = as_moments(column)
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise InputError(f"time {name!r}: row {row + 1} is missing; rows can only be put in order if all have a time")
    return column.to_physical().to_numpy()
