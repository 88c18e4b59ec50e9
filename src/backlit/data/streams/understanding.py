"""A table larger than memory understood in one pass: its columns, its target, which part each row is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.data.streams import dividing
from backlit.data.streams.dividing import DROPPED, TEST, TRAINING, VALIDATION, Division
from backlit.data.streams.goal import Goal
from backlit.data.streams.kinds import Outlook, first_readings
from backlit.data.streams.learned import as_number, learned, told_approximate
from backlit.data.streams.parts import Allotment, Learned, TablePart
from backlit.data.streams.reading import Reader
from backlit.data.streams.sampling import Sample
from backlit.data.streams.summaries import Numbers, Summary, Unlike, UnlikeError
from backlit.data.streams.table import NUMBER, TEXT, Piece, StreamedTable, bytes_of_row
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.preparation import TablePreparation, ranked
from backlit.data.table.target import TableTarget, as_names
from backlit.data.table.understanding import WISHES
from backlit.data.table.values import CellError
from backlit.errors import InputError, unknown
from backlit.languages import Template

HEAD = 20_000  # rows by which the pass begins
TRIES = 10  # times that a column, or the target, may turn out otherwise
READING = "understanding the columns"
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

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Asked:
    """What is to be understood.

    Parameters
    ----------
    target : str or list of str
    task : "classification", "regression" or "multi_label", optional
        Told from the target if left out.
    split : sequence of float
        Shares of training, validation and, if there are three, test rows.
    seed : int
        Of the split and of the order of training rows.
    group : str, optional
        A column whose equal values stay in one part.
    time : str, optional
        A column by whose order rows are split: the latest are the test rows.
    wishes : dict of column to kind
        See `backlit.data.table.understand`.
    shuffle : bool
        Whether training rows come in another order in each epoch.
    """

    target: Sequence[str]
    task: str | None = None
    split: Sequence[float] = (0.7, 0.15, 0.15)
    seed: int = 0
    group: str | None = None
    time: str | None = None
    wishes: Mapping[str, str] = field(default_factory=dict)
    shuffle: bool = True


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
    wishes = _checked(table, asked)
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
        run = _Pass(table, asked, outlook, reader, goal, division)
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


def _checked(table: StreamedTable, asked: Asked) -> dict[str, str]:
    """The wishes, with those that a group or time brings; columns and roles are checked."""
    table.require_columns(asked.target)
    for name, wish in asked.wishes.items():
        if name not in table.schema:
            raise unknown("column", name, table.schema)
        if name in asked.target:
            raise InputError(f"column {name!r} is the target, no input")
        if wish not in WISHES:
            raise unknown(f"kind for column {name!r}", wish, WISHES)
    if asked.group is not None and asked.time is not None:
        raise InputError("split by a group or by time, not by both")
    wishes = dict(asked.wishes)
    for role, column in (("group", asked.group), ("time", asked.time)):
        if column is None:
            continue
        table.require_columns([column])
        if column in asked.target:
            raise InputError(f"column {column!r} is the target; it can't be the {role} as well")
        wishes.setdefault(column, "drop")  # a date's seasons are looked at: see `understand`
    return wishes


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


class _Pass:
    """One pass over a table."""

    def __init__(
        self, table: StreamedTable, asked: Asked, outlook: Outlook, reader: Reader, goal: Goal, division: Division
    ) -> None:
        self.table, self.asked, self.outlook, self.reader = table, asked, outlook, reader
        self.goal, self.division = goal, division
        self.samples: dict[int, Sample] = {}
        self.allotment = Allotment()
        self.summaries: dict[str, Summary] = {}
        self.kinds: dict[str, Any] = {}
        self.dropped, self.first_dropped = 0, ""
        self.leading = [*asked.target, asked.group, asked.time]  # without which rows can't be told apart

    def go(self, head: Any, progress: Progress) -> None:
        """Read all pieces, once."""
        names = [name for name in self.table.schema if name not in self.asked.target]
        self.summaries = {name: self.outlook.summary(head[name]) for name in names}
        self.kinds = {name: head[name].dtype for name in names}
        width = sum(TEXT if self.reader.is_text(name) else NUMBER for name in self.table.schema)
        width = max(width, bytes_of_row(head))
        self.samples = {part: Sample(self.asked.seed, width) for part in (TRAINING, TEST)}
        whole = self.table.rows or self.table.bytes or 0
        done, last = 0, None
        for count, (piece, raw) in enumerate(self.table.scan()):
            frame, texts = self.reader.values(raw, piece)
            if self.reader.unlike:
                here = TableTarget.present(frame, self.asked.target)
                self._look(piece, frame, np.flatnonzero(here))
            else:
                self._take(piece, frame, texts)
            done += piece.rows if self.table.rows else piece.size
            progress(READING, min(done / whole, 1.0) if whole else 0.0)
            if self.reader.unlike:  # as much again tells of further columns: so there are few passes, and none is long
                last = 2 * count + 1 if last is None else last
                if count >= last or any(name in self.reader.unlike for name in self.leading):
                    break
        if self.reader.unlike:
            raise UnlikeError(*self.reader.unlike.values())
        if not self.allotment.pieces:
            raise InputError(f"{self.table.name} has no rows")

    def _look(self, piece: Piece, frame: Any, rows: np.ndarray) -> None:
        """Refuse what can't be used in these rows; columns that are of another kind are remembered."""
        kept = frame if len(rows) == frame.height else frame[rows]
        for name, summary in self.summaries.items():
            if name in self.reader.unlike:
                continue
            try:
                summary.look(kept[name])
            except UnlikeError as error:
                self.reader.unlike[name] = error.unlike[0]
            except CellError as error:
                raise error.at(self.table.place(piece, int(rows[error.row]))) from None

    def _take(self, piece: Piece, frame: Any, texts: Mapping[str, Any]) -> None:
        """One piece; `texts` are columns of numbers with slips, as they stand."""
        here = TableTarget.present(frame, self.asked.target)
        parts = self.division.of(piece, frame)
        parts[~here] = DROPPED
        if not here.all() and not self.dropped:
            self.first_dropped = self.table.place(piece, int(here.argmin()))
        self.dropped += int((~here).sum())
        self.allotment.add(piece, parts)
        rows = np.flatnonzero(here)
        kept = frame if len(rows) == frame.height else frame[rows]
        try:
            if len(rows):
                self.goal.add(kept.select(self.asked.target), parts[rows])
        except CellError as error:
            raise error.at(self.table.place(piece, int(rows[error.row]))) from None
        self._look(piece, frame, rows)
        if self.reader.unlike:
            return
        if texts:
            frame = frame.with_columns(list(texts.values()))
        train = frame.filter(parts == TRAINING)
        for name, summary in self.summaries.items():
            summary.add(train[name])
        for part, sample in self.samples.items():
            sample.add(piece, frame, np.flatnonzero(parts == part))

    def columns(self, sample: Any) -> tuple[Column, ...]:
        """The columns that the pass found."""
        ranks: list[np.ndarray] = []

        def goal() -> np.ndarray:
            if not ranks:
                ranks.append(ranked(sample[self.asked.target[0]]))
            return ranks[0]

        columns: list[Column] = []
        unlike: list[Unlike] = []
        for name, summary in self.summaries.items():
            wish, pinned = self.outlook.wishes.get(name), self.outlook.pinned.get(name)
            try:
                columns.append(learned(summary, self.kinds[name], wish, sample[name], goal, pinned))
            except UnlikeError as error:
                unlike += error.unlike
        if unlike:
            raise UnlikeError(*unlike)
        if any(column.inputs for column in columns):
            return tuple(columns)
        hopes = tuple(self._hoped(column) for column in columns)
        if not any(column.inputs for column in hopes):
            reasons = "; ".join(f"{column.name}: {column.done}" for column in columns) or "there is no other column"
            raise InputError(f"no column is left to learn from ({reasons})")
        return hopes

    def _hoped(self, column: Column) -> Column:
        """Numbers that seemed to name the rows as numbers, where there is nothing else."""
        summary = self.summaries[column.name]
        if isinstance(column, LeftOut) and column.what == "identifier" and isinstance(summary, Numbers):
            return as_number(summary)
        return column


def _understood(run: _Pass, target: TableTarget, notes: Sequence[Any]) -> Understanding:
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


def _require_rows(run: _Pass, counts: Sequence[int], known: Sequence[int]) -> None:
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


def _told(run: _Pass, counts: Sequence[int], known: Sequence[int]) -> list[Any]:
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
