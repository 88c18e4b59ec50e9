"""Tables: a file or data frame, and the column to predict from the others."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit import data
from backlit.data.files.options import FileOptions
from backlit.data.preparation import Preparation
from backlit.data.table import Moment, TablePreparation, TableTarget, as_polars
from backlit.data.table.audit import suspicions
from backlit.data.table.moment import as_moments
from backlit.data.table.placing import placed
from backlit.data.table.target import as_names
from backlit.data.table.values import CellError, column_of
from backlit.errors import InputError, UnknownNameError
from backlit.languages import Template
from backlit.nn.layer import Shape
from backlit.settings import Record, count, option, same
from backlit.tasks.options import DATA
from backlit.tasks.plan import Usual
from backlit.tasks.rows import RowsTask
from backlit.tasks.task import Material, Parts, Progress
from backlit.train.training import NETWORK

PIECES = 32  # of a number's range

NO_TARGET = Template(
    "{count} {rows} have no target ({names}) and are dropped", "목푯값({names})이 없는 {count}개를 뺐습니다."
)
LABELS = Template("target {named}: labels, yes or no", "목푯값 {named}: 레이블(예/아니요)")
NUMBERS = Template("target {named}: numbers (regression)", "목푯값 {named}: 숫자(회귀)")
WHOLE_NUMBERS = Template(
    "target {named}: {count} different whole numbers are taken for classes; the task regression takes them as numbers",
    "목푯값 {named}: 서로 다른 정수 {count}가지를 클래스로 보았습니다. 숫자로 보려면 task를 regression으로 하십시오.",
)
CLASSES = Template("target {named}: {count} classes", "목푯값 {named}: 클래스 {count}개")


def kinds(given: str | Mapping[str, str]) -> dict[str, str]:
    """What the user says of columns: "zip=category,id=drop", a TOML file with such lines, or a dict.

    >>> kinds("zip=category,id=drop")
    {'zip': 'category', 'id': 'drop'}
    """
    if not isinstance(given, str):
        return dict(given)
    if given.endswith(".toml"):
        try:
            named = tomllib.loads(Path(given).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"--columns {given} can't be read: {error}") from error
        named = named.get("columns", named)
        if not isinstance(named, dict) or not all(isinstance(kind, str) for kind in named.values()):
            raise InputError(f'--columns {given}: expected lines such as zip = "category"')
        return named
    pairs = [part.partition("=") for part in given.split(",") if part.strip()]
    wrong = next((name for name, equals, kind in pairs if not (name.strip() and equals and kind.strip())), None)
    if wrong is not None or not pairs:
        raise InputError(f"--columns {given}: expected pairs such as zip=category,id=drop")
    return {name.strip(): kind.strip() for name, _, kind in pairs}


def words(given: str) -> tuple[str, ...]:
    """Words between commas.

    >>> words("NA, -, 999")
    ('NA', '-', '999')
    """
    return tuple(word.strip() for word in given.split(","))


@dataclass(eq=False)
class Table(Material):
    """Rows of a data frame, the columns to predict, how the file's text became values, and which rows these are."""

    goal: TableTarget = field(default_factory=lambda: TableTarget((), ""))
    path: str | Path | None = None
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    test_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Laid(Record):
    """How a table's file is laid out, where it doesn't tell.

    Parameters
    ----------
    separator : str, optional
        Between the values of a text file; a space stands for any number of spaces and tabs. Told from the file if left
        out.
    no_header : bool
        The file's first line is a row already; the columns are then called column_1, column_2, ...
    skip_lines : int, optional
        Lines at the file's top that aren't part of the table.
    encoding : str, optional
        Of a text file, by Python's name for it; told from the file if left out.
    missing : list of str, optional
        Cells that stand for a missing value, beside empty ones; by default NA, NaN, null, None, -, ? and their like.
    """

    decimal: str | None = option(None, panel=DATA, help='Decimal mark, "," or "."; by default told from the file')
    separator: str | None = same(FileOptions, "separator", panel=DATA)
    no_header: bool = option(False, panel=DATA, help="The first line of DATA is a row, and no line of names")
    skip_lines: int | None = same(
        FileOptions, "skip_lines", None, panel=DATA, help="Lines at the top of DATA that aren't part of the table."
    )
    encoding: str | None = same(FileOptions, "encoding", panel=DATA)
    missing: Sequence[str] | None = same(FileOptions, "missing", panel=DATA, parse=words)

    @property
    def reading(self) -> dict[str, Any]:
        """What is said of how files are laid out, as options of `read_source`."""
        names = ("decimal", "separator", "skip_lines", "encoding", "missing")
        return {name: getattr(self, name) for name in names} | {"header": False if self.no_header else None}


@dataclass(frozen=True, repr=False)
class Tabular(Laid, RowsTask):
    """What all tasks on tables have in common."""

    source = "tables"

    target: str | Sequence[str] = option(
        (), panel=DATA, help="Column to predict. Give it several times for several labels or numbers"
    )
    time: str | None = option(None, panel=DATA, help="Column to split by: train on the past, judge on what follows")
    test: Path | Any = option(None, panel=DATA, help="File of test rows, instead of a share of DATA")


@dataclass(frozen=True, repr=False)
class TableTask(Tabular):
    """A table's rows, from all their columns.

    Parameters
    ----------
    target : str or list of str
        The column to predict. Several columns of two values each make multi-label work, several columns of numbers the
        regression of all of them. Rows without a target are dropped, and counted.
    time : str, optional
        Split in the order of this column: train on the past, judge on what came later.
    test : path or data frame, optional
        Rows to judge on; the table is then split into training and validation rows only.
    decimal : "," or ".", optional
        The decimal mark of numbers written as text; told from the file if left out.
    task : "classification", "regression" or "multi_label", optional
        Told from the target if left out.
    columns : dict of column to kind, optional
        "number", "robust", "log", "category", "date", "season" or "drop", where the data says otherwise.
    group : str, optional
        Rows with the same value in this column (a patient, a customer) stay in one part. The column itself is no input.
    pieces : int, optional
        Pieces that each number's range is cut into, at most, so that the network may bend between them (see
        `PiecewiseLinear`); fewer where there are many numbers. 0 leaves numbers as they are, as in front of a network
        of the user's choice.
    """

    kind = "tables"

    task: str | None = option(
        None, panel=DATA, help="classification, regression or multi_label; by default told from the target"
    )
    columns: Mapping[str, str] | None = option(
        None,
        panel=DATA,
        help="What columns are, where the data doesn't say: zip=category,id=drop, or a TOML file with such lines. "
        "Kinds: number, robust, log, category, date, season, drop",
        parse=kinds,
    )
    group: str | None = option(None, panel=DATA, help="Column whose equal values stay in one part of the split")
    pieces: int | None = count(
        None,
        low=0,
        panel=NETWORK,
        help="Pieces that each number's range is cut into; the network may bend between them. 0 leaves numbers as they "
        f"are; by default {PIECES} at most, or 0 in front of a --network",
    )

    def usual(self, material: Material, rows: int, shape: Shape) -> Usual:
        """What did best on tables like those of the benchmark: numbers in pieces, a rate that falls to nothing."""
        numbers = material.task == "regression"
        return Usual(
            super().usual(material, rows, shape).spec,
            dropout=0.1 if numbers else 0.3,
            rate=0.012 if numbers else 0.004,
            optimizer="adamw:weight_decay=0.1",
            schedule="onecycle:0.1",
            updates=2500,
            most_epochs=80,
            patience=0.25,
        )

    def cuts(self, chosen: bool) -> int:
        """As many as the user says; by default several, but none in front of a network of the user's choice."""
        return self.pieces if self.pieces is not None else 0 if chosen else PIECES

    def read(self, data: Any, progress: Progress | None = None) -> Table:
        """The rows whose targets are known."""
        return read_rows(self, data, self.task, self.group, progress)

    def prepare(self, material: Table, rows: np.ndarray) -> Preparation:
        """All columns understood and scaled."""
        wishes = dict(self.columns or {})
        if self.group is not None:
            wishes.setdefault(self.group, "drop")
        if self.time is not None:
            # What grows with time would leave the training's range at once: of a date its seasons, of a number nothing.
            wishes.setdefault(self.time, "drop" if material.raw[self.time].dtype.is_numeric() else "season")
        with placed(material.path, material.formats, material.rows):
            learned = TablePreparation.learn(material.raw, material.goal, rows, wishes, material.formats)
            for column in learned.columns:  # what was asked for may not be so in the other rows
                if column.name in wishes:
                    column.apply(material.raw[column.name])
            return learned

    def judge(self, run: Any, setting: Any) -> Any:
        """The run with its scores; what can't be used in the test file is told by its line."""
        material = setting.material
        rows = material.test_rows if len(setting.parts.y_test) == len(material.test_rows) else None
        with placed(self.test if rows is not None else None, material.formats, rows):
            return super().judge(run, setting)

    def warnings(self, material: Table, parts: Parts, preparation: Preparation) -> list[str]:
        """Times by which rows ought to be split, and what looks too good to be true."""
        if not isinstance(preparation, TablePreparation):
            return []
        notes = []
        for column in preparation.columns:
            dated = isinstance(column, Moment) and "elapsed" in column.parts and material.order is None
            if dated and material.raw[column.name].n_unique() > len(material.y) / 2:
                notes.append(
                    f"rows have a time of their own ({column.name!r}) and are split by chance; "
                    f"to be judged on what comes later, split by it: time {column.name!r}"
                )
        other = parts.raw_test if material.test is not None else None
        with placed(self.test, material.formats, material.test_rows):
            return notes + suspicions(material.raw, preparation, material.y, parts.train, parts.test, other)


def read_rows(
    task: Tabular,
    table: Any,
    kind: str | None,
    group: str | None,
    progress: Progress | None,
    formats: Mapping[str, str] | None = None,
) -> Table:
    """A file's rows, or anyone's data frame's, with their targets.

    Parameters
    ----------
    task : Tabular
        Which columns are the target and the time, and where test rows come from.
    table : path or data frame
    kind : str, optional
        "classification", "regression" or "multi_label".
    group : str, optional
        The column whose equal values stay together.
    progress : callable, optional
    formats : dict of column to format, optional
        How columns are read, where that isn't to be told from their cells.

    Raises
    ------
    InputError
        If there are no such columns, no row has a target, or a column has two roles.
    """
    names = as_names(task.target)
    name, frame, formats, notes = read_table(table, task.reading, progress, formats, names)
    try:
        known = np.flatnonzero(TableTarget.present(frame, names))
    except UnknownNameError as error:  # how the file was read may be why
        raise UnknownNameError(f"{error}" + (f" ({'; '.join(notes)})" if notes else "")) from None
    rows, dropped = _with_targets(frame, names, "rows")
    notes += dropped
    path = table if isinstance(table, (str, Path)) else None
    with placed(path, formats, known):
        goal = TableTarget.learn(rows, names, kind)
        y = goal.values(rows)
        order = None if task.time is None else _times(rows, task.time)
    notes += _decision(rows, goal, kind)
    if group is not None and task.time is not None:
        raise InputError("split by a group or by time, not by both")
    for role, column in (("group", group), ("time", task.time)):
        if column in names:
            raise InputError(f"column {column!r} is the target; it can't be the {role} as well")
    test, test_known = None, np.zeros(0, np.int64)
    if task.test is not None:
        _, frame, _, reading = read_table(task.test, task.reading, None, formats)
        test_known = np.flatnonzero(TableTarget.present(frame, names))
        test_rows, dropped = _with_targets(frame, names, "test rows")
        notes += [*reading, *dropped]
        with placed(task.test, formats, test_known):
            test = (test_rows, goal.values(test_rows))
    return Table(
        name=name,
        raw=rows,
        y=y,
        task=goal.task,
        notes=notes,
        groups=None if group is None else _codes(rows, group),
        order=order,
        test=test,
        goal=goal,
        path=path,
        rows=known,
        test_rows=test_known,
        formats=formats,
    )


def read_table(
    table: Any,
    reading: Mapping[str, Any],
    progress: Any,
    formats: Mapping[str, str] | None = None,
    targets: Sequence[str] = (),
) -> tuple[str, Any, Mapping[str, str], list[str]]:
    """Name, data frame, formats of its text, and what is to be said of the reading."""
    if not isinstance(table, (str, Path)):
        return "table", as_polars(table), formats or {}, []
    source = data.read_source(table, formats=formats, targets=targets, progress=progress, **reading)
    return source.path.name.split(".")[0], source.frame, source.formats, list(source.notes)


def _with_targets(frame: Any, names: Sequence[str], rows: str) -> tuple[Any, list[str]]:
    """The rows whose targets are known, and a note on the others."""
    here = TableTarget.present(frame, names)
    if here.all():
        return frame, []
    if not here.any():
        raise InputError(f"target {names[0]!r}: every value is missing")
    return frame.filter(here), [NO_TARGET.say(count=int((~here).sum()), rows=rows, names=", ".join(names))]


def _decision(frame: Any, goal: TableTarget, task: str | None) -> list[str]:
    """What was taken for granted of the target, in a sentence."""
    if task is not None:
        return []
    named = ", ".join(repr(name) for name in goal.names)
    if goal.task != "classification":
        return [(LABELS if goal.task == "multi_label" else NUMBERS).say(named=named)]
    column = frame[goal.names[0]]
    count = column.n_unique()
    if column.dtype.is_numeric() and count > 2:
        return [WHOLE_NUMBERS.say(named=named, count=count)]
    return [CLASSES.say(named=named, count=count)]


def _codes(frame: Any, name: str) -> np.ndarray:
    """Groups as whole numbers; a row without a group is one of its own."""
    column = column_of(frame, name)
    codes = column.rank("dense").cast(float).fill_null(0).to_numpy().astype(np.int64)
    alone = np.flatnonzero(column.is_null().to_numpy())
    codes[alone] = codes.max(initial=0) + 1 + np.arange(len(alone))
    return codes


def _times(frame: Any, name: str) -> np.ndarray:
    column = column_of(frame, name)
    if not column.dtype.is_numeric():
        column = as_moments(column)
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise CellError(name, row, " is missing; rows can only be put in order if all have a time", "time")
    return column.to_physical().to_numpy()
