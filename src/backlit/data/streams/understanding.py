"""A table larger than memory understood in one pass: its columns, its target, which part each row is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.streams import dividing
from backlit.data.streams.asked import Asked
from backlit.data.streams.dividing import DROPPED, TEST, TRAINING, VALIDATION, Division
from backlit.data.streams.goal import Goal
from backlit.data.streams.kinds import Outlook, first_readings
from backlit.data.streams.learned import told_approximate
from backlit.data.streams.one_pass import Pass, Progress
from backlit.data.streams.parts import Learned, TablePart
from backlit.data.streams.reading import Reader
from backlit.data.streams.summaries import Unlike, UnlikeError
from backlit.data.streams.table import StreamedTable
from backlit.data.table.preparation import TablePreparation
from backlit.data.table.target import TableTarget, as_names
from backlit.errors import InputError
from backlit.languages import Template

HEAD = 20_000  # rows by which the pass begins
TRIES = 10  # times that a column, or the target, may turn out otherwise
NO_TARGET = Template(
    "{count} rows have no target ({names}) and are dropped, the first in {place}",
    "목푯값({names})이 없는 {count}개를 뺐습니다. 처음은 {place}입니다.",
)
AGAIN = Template(
    "{name!r} turned out otherwise than its first rows told, so the pass began anew",
    "‘{name}’ 열이 처음에 본 것과 달라서 다시 읽었습니다.",
)

IN_ORDER = Template(
    "{name} can only be read from its beginning: rows come in its order in each epoch, mixed with those near them; if "
    "they are sorted, shuffle them before, or save them as Parquet",
    "{name}: 처음부터 차례로만 읽을 수 있어서 에포크마다 원래 순서로 오며 가까운 행끼리만 섞입니다. 정렬되어 있다면 "
    "미리 섞거나 Parquet으로 저장하세요.",
)


@dataclass(frozen=True, eq=False)
class Understanding:
    """What one pass told of a table.

    Attributes
    ----------
    preparation : TablePreparation
        As of a table in memory, learned from the training rows alone.
    goal : TableTarget
    train, validation, test : TablePart
        `Stream`s; test has no rows if the split has two shares.
    classes, class_counts : list or None
    target_moments : tuple of two lists, or None
    sample, sample_y : polars.DataFrame and array
        Training rows, at most 20,000, each taken with the same chance.
    test_sample, test_sample_y : polars.DataFrame and array, or None
        The same of the test rows.
    rows : int
        With a target.
    notes : list of str
        What was found and done, what is approximate.
    """

    preparation: TablePreparation
    goal: TableTarget
    train: TablePart
    validation: TablePart
    test: TablePart
    sample: Any
    sample_y: np.ndarray
    test_sample: Any
    test_sample_y: Any
    rows: int
    notes: list[Any]

    @property
    def classes(self) -> list[Any] | None:
        """The target's classes, in the order of `Labels`."""
        return self.train.classes

    @property
    def class_counts(self) -> list[int] | None:
        """Training rows of each class."""
        return self.train.class_counts

    @property
    def target_moments(self) -> tuple[list[float], list[float]] | None:
        """Mean and standard deviation of number targets over the training rows."""
        return self.train.target_moments


def understand(
    table: StreamedTable, target: str | Sequence[str], progress: Progress | None = None, **options: Any
) -> Understanding:
    """Understand a table's columns in one pass, in bounded memory, and divide its rows.

    Kinds of columns, their scaling and levels follow the rules that hold for tables in memory. Counts and moments are
    exact; quantiles and levels are where values are few, and otherwise as near as the notes say.

    Parameters
    ----------
    table : StreamedTable
        See `open_table`.
    target : str or list of str
    progress : callable, optional
        ``progress(stage, share)`` as it goes on.
    **options
        The other fields of `Asked`: task, split, seed, group, time, wishes, shuffle.

    Raises
    ------
    InputError
        If there is no such column, a cell can't be used (file, row and column are named), or a part has no rows.
    """
    asked = Asked(as_names(target), **options)
    shares = dividing.shares_of(asked.split)
    wishes = asked.checked(table)
    raw = table.head(HEAD)
    outlook = Outlook(wishes, width=len(table.schema))
    notes: list[Any] = []
    if table.untyped:
        table_options = getattr(table, "options", None)
        outlook.separator = getattr(table, "separator", None)
        if table_options is not None:
            outlook.markers, outlook.decimal = table_options.markers, table_options.decimal
        notes += first_readings(raw, outlook)
        _classes_of_words(raw, asked, outlook, table_options)
    pinned: TableTarget | None = None
    division: Division | None = None
    times = Counter[str]()  # that a column turned out otherwise
    while not times or max(times.values()) <= TRIES:
        reader = Reader(table, outlook)
        head = reader.head(raw)
        if asked.time is not None and asked.time not in asked.wishes and not head[asked.time].dtype.is_numeric():
            wishes[asked.time] = "season"
        goal = Goal(asked.target, asked.task, head, pinned)
        if division is None or asked.time is None:  # that by time reads the table, too
            division = _division(table, asked, shares, head)
        run = Pass(table, asked, outlook, reader, goal, division)
        try:
            run.go(head, progress or (lambda stage, share: None))
            if not any(run.allotment.counts(part).any() for part in range(DROPPED)):
                raise InputError(f"target {asked.target[0]!r}: every value is missing")
            final = goal.final()
            if final == goal.target:
                return _understood(run, final, notes)
            pinned = final
            times[asked.target[0]] += 1
        except UnlikeError as error:
            for unlike in error.unlike:
                note = _pin(outlook, unlike)
                notes += [] if unlike.column in times else [note]
                times[unlike.column] += 1
                division = None if unlike.column == asked.time else division
    raise InputError(
        f"{table.name}: column {times.most_common(1)[0][0]!r} holds too many kinds of values; say what it is: "
        "wishes={...} (--columns)"
    )


def _classes_of_words(raw: Any, asked: Asked, outlook: Outlook, options: Any) -> None:
    """Targets of text in which words for missing values are classes."""
    from backlit.data.files import cells

    if options is not None and options.missing is not None:
        return
    for name in asked.target:
        reading = cells.Reading(outlook.formats[name], cells.parse(raw[name], outlook.formats[name])[0])
        outlook.formats[name] = cells.as_classes(raw[name], reading).format


def _division(table: StreamedTable, asked: Asked, shares: np.ndarray, head: Any) -> Division:
    if asked.group is not None:
        return dividing.by_group(shares, asked.seed, asked.group)
    if asked.time is not None:
        return dividing.by_time(shares, table, asked.time)
    return dividing.by_chance(shares, asked.seed, head)


def _pin(outlook: Outlook, unlike: Unlike) -> Any:
    """What the pass has learned of a column, for the next one."""
    if unlike.why != "format":
        outlook.pinned[unlike.column] = unlike.why
    if unlike.sample is not None:
        outlook.samples[unlike.column] = unlike.sample
    return AGAIN.say(name=unlike.column)


def _understood(run: Pass, target: TableTarget, notes: Sequence[Any]) -> Understanding:
    """What the pass found, put together."""
    table, asked, goal = run.table, run.asked, run.goal
    counts = [int(run.allotment.counts(part).sum()) for part in range(3)]
    known = [count - (goal.unknown_rows(part) if part else 0) for part, count in enumerate(counts)]
    _require_rows(run, counts, known)
    sample, test_sample = run.samples[TRAINING].frame(), run.samples[TEST].frame()
    for name, column_summary in run.summaries.items():
        run.reader.settle(name, column_summary)
    columns = run.columns(sample)
    formats = run.reader.formats()
    table.formats = formats
    preparation = TablePreparation(columns, target, formats)
    facts = Learned(
        target,
        goal.labels,
        goal.label_counts,
        ([m.mean for m in goal.moments], [m.deviation for m in goal.moments]) if goal.moments else None,
    )
    used = [column.name for column in columns if column.inputs]
    told = table.state() | {
        "target": list(target.names), "split": list(asked.split), "group": asked.group, "time": asked.time,
    }  # fmt: skip
    train, validation, test = (
        TablePart(
            table, run.allotment, part, facts, used, known[part], asked.seed, asked.shuffle and part == TRAINING, told
        )
        for part in range(3)
    )
    test_y = None if test_sample is None else target.values(test_sample)
    if test_y is not None and facts.classes is not None:
        here = np.isin(test_y, np.array(facts.classes))
        test_sample, test_y = test_sample.filter(here), test_y[here]
    order = [] if table.seekable or not asked.shuffle else [IN_ORDER.say(name=table.name)]
    said = [*table.notes, *order, *notes, *run.reader.notes(), *_told(run, counts, known)]
    return Understanding(
        preparation, target, train, validation, test, sample, target.values(sample), test_sample, test_y, sum(counts),
        [*said, *told_approximate(run.summaries, columns)],
    )  # fmt: skip


def _require_rows(run: Pass, counts: Sequence[int], known: Sequence[int]) -> None:
    """Refuse parts without rows."""
    asked = run.asked
    if not known[VALIDATION] and counts[VALIDATION]:
        raise InputError("no validation row has a class that training has; split in another way")
    for part in range(len(asked.split)):
        if not counts[part]:
            by = (
                f"of column {asked.group!r}, whose values are too few"
                if asked.group
                else "of the rows, which are too few"
            )
            raise InputError(
                f"{run.table.name}: no row is left for {dividing.PARTS[part]}: {sum(counts)} rows were shared out by a "
                f"hash {by}; give more rows or a larger share, or read the table whole"
            )


def _told(run: Pass, counts: Sequence[int], known: Sequence[int]) -> list[Any]:
    """What is to be said of rows and parts."""
    notes = [run.division.note]
    if run.dropped:
        names = ", ".join(run.asked.target)
        notes.insert(0, NO_TARGET.say(count=run.dropped, names=names, place=run.first_dropped))
    lacking = [(counts[part] - known[part], dividing.PARTS[part]) for part in (VALIDATION, TEST)]
    notes += [
        f"{count} {part} rows have a class that training doesn't have; they are left out"
        for count, part in lacking
        if count
    ]
    return notes
