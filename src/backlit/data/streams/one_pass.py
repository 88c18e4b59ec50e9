"""One pass over a table larger than memory: what it sees of columns, target and parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backlit.data.streams.asked import Asked
from backlit.data.streams.dividing import DROPPED, TEST, TRAINING, Division
from backlit.data.streams.goal import Goal
from backlit.data.streams.kinds import Outlook
from backlit.data.streams.learned import as_number, learned
from backlit.data.streams.parts import Allotment
from backlit.data.streams.reading import Reader
from backlit.data.streams.sampling import Sample
from backlit.data.streams.summaries import Numbers, Summary, Unlike, UnlikeError
from backlit.data.streams.table import NUMBER, TEXT, Piece, StreamedTable, bytes_of_row
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.preparation import ranked
from backlit.data.table.target import TableTarget
from backlit.data.table.values import CellError
from backlit.errors import InputError

READING = "understanding the columns"

Progress = Callable[[str, float], None]


class Pass:
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
