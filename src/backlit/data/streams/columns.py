"""Columns of a data set as arrays: what a network without a preparation is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.streams.dividing import TRAINING
from backlit.data.streams.parts import WINDOW, Allotment, Learned, TablePart
from backlit.data.streams.sampling import joined
from backlit.data.streams.stream import Block
from backlit.data.streams.table import Piece, StreamedTable
from backlit.data.table.target import TableTarget
from backlit.errors import InputError


@dataclass(frozen=True, eq=False)
class ColumnStream:
    """Blocks of numbers from columns of a table, and one column as the target."""

    table: StreamedTable
    inputs: tuple[str, ...]
    target: str
    seed: int = 0
    shuffle: bool = True

    @classmethod
    def of(
        cls, table: StreamedTable, *, inputs: str | Sequence[str] | None = None, target: str | None = None,
        seed: int = 0, shuffle: bool = True,
    ) -> ColumnStream:  # fmt: skip
        """The stream of some columns; of all but the target, if none are named."""
        if target is None:
            raise InputError(f"say which column of {table.name} to predict: target= one of {', '.join(table.columns)}")
        names = [inputs] if isinstance(inputs, str) else inputs
        chosen = [name for name in table.columns if name != target] if names is None else list(names)
        table.require_columns([*chosen, target])
        if target in chosen:
            raise InputError(f"column {target!r} is the target, no input")
        return cls(table, tuple(chosen), target, seed, shuffle)

    @property
    def rows(self) -> int | None:
        """Of one pass, if it is known."""
        return self.table.rows

    def state(self) -> dict[str, Any]:
        """The table's, the columns and the order."""
        return {
            **self.table.state(), "inputs": list(self.inputs), "target": self.target,
            "seed": self.seed, "shuffle": self.shuffle,
        }  # fmt: skip

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Block]:
        """The rows of a pass: see `Stream`."""
        allotment = Allotment()
        known = getattr(self.table, "pieces", None)
        if known is None:
            yield from self._passing(epoch, shard, shards)
            return
        for piece in known:
            allotment.add(piece, np.full(piece.rows, TRAINING, np.uint8))
        goal = Learned(TableTarget((self.target,), ""))
        part = _Raw(
            self.table, allotment, TRAINING, goal, list(self.inputs), self.table.rows or 0, self.seed, self.shuffle
        )
        for block in part.batches(epoch, shard, shards):
            yield self._as_arrays(block.x, block.y, block.where)

    def _passing(self, epoch: int, shard: int, shards: int) -> Iterator[Block]:
        """Of a table that is read from its beginning: every so many-th row, those of some pieces mixed."""
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch, shard, shards))))
        passed, count = 0, 0
        window: list[tuple[Piece, Any, np.ndarray]] = []
        for piece, raw in self.table.scan([*self.inputs, self.target]):
            frame = self.table.typed(raw, piece)
            rows = np.arange((shard - passed) % shards, frame.height, shards)
            passed += frame.height
            window.append((piece, frame[rows] if shards > 1 else frame, rows))
            count += len(rows)
            if not self.shuffle or count >= WINDOW * self.table.step:
                yield self._together(window, rng)
                window, count = [], 0
        if window:
            yield self._together(window, rng)

    def _together(self, window: list[tuple[Piece, Any, np.ndarray]], rng: np.random.Generator) -> Block:
        """The rows of some pieces, mixed."""
        frame = joined([frame for _, frame, _ in window])
        owner = np.repeat(np.arange(len(window)), [len(rows) for *_, rows in window])
        within = np.concatenate([rows for *_, rows in window])
        if self.shuffle:
            order = rng.permutation(frame.height)
            frame, owner, within = frame[order], owner[order], within[order]

        def where(row: int) -> str:
            return self.table.place(window[owner[row]][0], int(within[row]))

        return self._as_arrays(frame, frame[self.target], where)

    def _as_arrays(self, frame: Any, target: Any, where: Any) -> Block:
        columns = [_numbers(frame[name]) for name in self.inputs]
        x = columns[0] if len(columns) == 1 and columns[0].ndim > 1 else None
        if x is None:
            wide = next((name for name, column in zip(self.inputs, columns, strict=True) if column.ndim > 1), None)
            if wide is not None:
                raise InputError(f"column {wide!r} holds lists, which can't stand beside other inputs; name it alone")
            x = np.stack(columns, axis=1)
        if target.null_count():
            row = int(target.is_null().arg_max() or 0)
            raise InputError(f"{where(row)}: target {self.target!r} is missing; drop the rows without a target")
        return Block(x, target.to_numpy(), where=where)


class _Raw(TablePart):
    """A part whose target is left as it is."""

    def _block(self, frame: Any, pieces: Any, owner: np.ndarray, within: np.ndarray) -> Block:
        def where(row: int) -> str:
            return self.table.place(pieces[owner[row]], int(within[row]))

        return Block(frame.select(self.columns), frame[self.learned.target.names[0]], where=where)


def _numbers(column: Any) -> np.ndarray:
    """A column of numbers, or of lists of numbers of one length, as float32 or whole numbers."""
    import polars as pl

    kind = column.dtype
    if isinstance(kind, pl.List):
        lengths = column.list.len().unique()
        if len(lengths) != 1 or column.null_count():
            raise InputError(f"column {column.name!r} holds lists of different lengths; every row needs as many values")
        column = column.list.to_array(int(lengths[0]))
        kind = column.dtype
    inner = kind
    while isinstance(inner, pl.Array):
        inner = inner.inner
    if not (inner.is_numeric() or inner == pl.Boolean):
        raise InputError(
            f"column {column.name!r} holds {kind}, no numbers; name the inputs that are numbers (inputs=[...]), or let "
            "columns be understood: bl.fit_table, backlit train"
        )
    values: np.ndarray = column.to_numpy()
    return values.astype(np.float32) if values.dtype.kind in "fb" else values
