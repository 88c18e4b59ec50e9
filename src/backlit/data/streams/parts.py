"""The parts of a table that is read in pieces: training rows in a new order each epoch, the others as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.data.streams.dividing import DROPPED, PARTS, TRAINING
from backlit.data.streams.sampling import joined
from backlit.data.streams.stream import Block
from backlit.data.streams.table import Piece, StreamedTable
from backlit.data.table.target import TableTarget
from backlit.data.table.values import CellError
from backlit.errors import InputError

WINDOW = 4  # full pieces from all over the table whose rows are mixed
MOST = 64  # pieces that are mixed, where they are small


class Allotment:
    """Which part each row is in: two bits a row, kept from the pass that understood the table."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._bits: list[tuple[np.ndarray, np.ndarray]] = []
        self._counts: list[np.ndarray] = []

    def add(self, piece: Piece, parts: np.ndarray) -> None:
        """The next piece's rows."""
        self.pieces.append(piece)
        self._bits.append((np.packbits(parts & 1), np.packbits(parts >> 1)))
        self._counts.append(np.bincount(parts, minlength=DROPPED + 1))

    def rows(self, place: int, part: int) -> np.ndarray:
        """Numbers, within the piece, of the rows of a part."""
        low, high = (np.unpackbits(bits, count=self.pieces[place].rows) for bits in self._bits[place])
        return np.flatnonzero((low == (part & 1)) & (high == part >> 1))

    def counts(self, part: int) -> np.ndarray:
        """Rows of a part in each piece."""
        return np.array([counts[part] for counts in self._counts], np.int64)


@dataclass(frozen=True, eq=False)
class Learned:
    """What is known of the target once all rows passed by: it serves all parts.

    Attributes
    ----------
    target : TableTarget
    classes : list or None
        In the order of `Labels`.
    class_counts : list of int or None
        Training rows of each.
    moments : tuple of two lists, or None
        Mean and standard deviation of each target that is a number, over the training rows.
    """

    target: TableTarget
    classes: list[Any] | None = None
    class_counts: list[int] | None = None
    moments: tuple[list[float], list[float]] | None = None


@dataclass(frozen=True, eq=False)
class TablePart:
    """Rows of one part of a table, as a `Stream`.

    Training rows come in another order in each epoch: pieces in an order drawn from seed and epoch, the rows of some of
    them mixed. Several processes share them out to a row, whatever the pieces are.

    Attributes
    ----------
    table : StreamedTable
    allotment : Allotment
    part : int
        0 for training, 1 for validation, 2 for test.
    learned : Learned
    columns : list of str
        That inputs are made of.
    rows : int
        Of one pass.
    seed : int
    shuffle : bool
    told : dict
        What tells this data from other data.
    """

    table: StreamedTable
    allotment: Allotment
    part: int
    learned: Learned
    columns: list[str]
    rows: int
    seed: int = 0
    shuffle: bool = False
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> list[Any] | None:
        """The target's classes, in the order of `Labels`; None for other targets."""
        return self.learned.classes

    @property
    def class_counts(self) -> list[int] | None:
        """Training rows of each class."""
        return self.learned.class_counts

    @property
    def target_moments(self) -> tuple[list[float], list[float]] | None:
        """Mean and standard deviation of each target over the training rows, where they are numbers."""
        return self.learned.moments

    def __repr__(self) -> str:
        return f"TablePart({self.table.name!r}, {PARTS[self.part]}, {self.rows:,} rows)"

    def state(self) -> dict[str, Any]:
        """The data, how it was split, and the order it comes in."""
        return {**self.told, "part": PARTS[self.part], "seed": self.seed, "shuffle": self.shuffle}

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Block]:
        """The rows of a pass, in blocks: see `Stream`.

        Raises
        ------
        InputError
            If a file has changed since the table was understood.
        """
        if not 0 <= shard < shards:
            raise InputError(f"shard must lie between 0 and {shards - 1}, got {shard}")
        self.table.require_same()
        chosen = self._chosen(epoch, shard, shards)
        pieces = self._sought(chosen) if self.table.seekable else self._passing(chosen)
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch, shard, shards))))
        window: list[tuple[Piece, Any, np.ndarray]] = []
        enough, count = self.table.step * (WINDOW if self.shuffle else 1), 0
        for loaded in pieces:
            window.append(loaded)
            count += len(loaded[2])
            if count >= enough or (self.shuffle and len(window) >= MOST) or not self.shuffle:
                yield from self._mixed(window, rng)
                window, count = [], 0
        if window:
            yield from self._mixed(window, rng)

    def rows_of_shard(self, shard: int, shards: int) -> int | None:
        """Rows of a pass of one shard; None where rows are left out that only reading tells."""
        counted = int(self.allotment.counts(self.part).sum())
        return _ends(self.rows, shard, shards)[2] if counted == self.rows else None

    def _chosen(self, epoch: int, shard: int, shards: int) -> list[tuple[int, int, int]]:
        """Pieces by number, in the epoch's order, each with the first and last of its rows that are this shard's."""
        counts = self.allotment.counts(self.part)
        order = np.flatnonzero(counts)
        if self.shuffle:
            order = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch)))).permutation(order)
        ends = np.cumsum(counts[order])
        total = int(counts.sum())
        first, last, _ = _ends(total, shard, shards)
        chosen = []
        for place, end in zip(order.tolist(), ends.tolist(), strict=True):
            start = end - int(counts[place])
            low, high = max(first, start), min(last, end)
            if low < high:
                chosen.append((place, low - start, high - start))
        return chosen

    def _sought(self, chosen: Sequence[tuple[int, int, int]]) -> Iterator[tuple[Piece, Any, np.ndarray]]:
        for place, low, high in chosen:
            piece = self.allotment.pieces[place]
            yield piece, self.table.read(piece, self._needed), self.allotment.rows(place, self.part)[low:high]

    def _passing(self, chosen: Sequence[tuple[int, int, int]]) -> Iterator[tuple[Piece, Any, np.ndarray]]:
        """The same of a table that is read from its beginning, in its own order."""
        wanted = {place: (low, high) for place, low, high in chosen}
        expected = self.allotment.pieces
        for place, (piece, frame) in enumerate(self.table.scan(self._needed)):
            if place >= len(expected) or frame.height != expected[place].rows:
                raise InputError(
                    f"{self.table.name} gives other rows than in its first pass: it must give the same ones, in the "
                    "same order, each time"
                )
            if place in wanted:
                low, high = wanted[place]
                yield piece, frame, self.allotment.rows(place, self.part)[low:high]

    @property
    def _needed(self) -> list[str]:
        return list(dict.fromkeys([*self.columns, *self.learned.target.names]))

    def _mixed(self, window: list[tuple[Piece, Any, np.ndarray]], rng: np.random.Generator) -> Iterator[Block]:
        """Blocks of the rows of some pieces: one for each, of rows of all."""
        frames = [self.table.typed(frame, piece) for piece, frame, _ in window]
        owner = np.repeat(np.arange(len(window)), [len(rows) for *_, rows in window])
        within = np.concatenate([rows for *_, rows in window])
        if self.shuffle:  # rows are chosen and mixed at once: to take them is most of the work
            order = rng.permutation(len(owner))
            owner, within = owner[order], within[order]
            starts = np.cumsum([0, *(frame.height for frame in frames[:-1])])
            whole = joined(frames).rechunk()[starts[owner] + within]  # from one piece of memory it takes a quarter
        else:
            whole = joined([frame[rows] for frame, (*_, rows) in zip(frames, window, strict=True)])
        pieces = [piece for piece, *_ in window]
        step = -(-whole.height // max(1, whole.height // self.table.step))
        for start in range(0, whole.height, step):
            block = slice(start, start + step)
            yield self._block(whole[start : start + step], pieces, owner[block], within[block])

    def _block(self, frame: Any, pieces: list[Piece], owner: np.ndarray, within: np.ndarray) -> Block:
        target = self.learned.target

        def where(row: int) -> str:
            return self.table.place(pieces[owner[row]], int(within[row]))

        try:
            y = target.values(frame)
        except CellError as error:
            raise error.at(where(error.row)) from None
        if self.part != TRAINING and self.learned.classes is not None:
            known = np.isin(y, np.array(self.learned.classes))
            if not known.all():
                kept = np.flatnonzero(known)
                return Block(frame[kept].select(self.columns), y[kept], where=lambda row: where(int(kept[row])))
        return Block(frame.select(self.columns), y, where=where)


def _ends(total: int, shard: int, shards: int) -> tuple[int, int, int]:
    """Of so many rows the first of a shard, the first of the next, and how many are between."""
    first, last = total * shard // shards, total * (shard + 1) // shards
    return first, last, last - first
