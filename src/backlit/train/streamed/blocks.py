"""Blocks: rows of a stream cut into pieces of one shape, and the batches in each.

The last block of a pass is filled up with rows that no batch uses, and runs fewer updates: so every row is used exactly
once, and the updates are those of the same rows in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import StreamError
from backlit.graph import tree
from backlit.train.batches import Batches
from backlit.train.mixup import Mixup
from backlit.train.streamed.passes import Passes
from backlit.train.streamed.reader import Reader, Rows, blocks_of, reading, together
from backlit.train.streamed.sharing import Sharing

BYTES = 8 * 2**20  # of a block's rows, about
ROWS = 1 << 16  # of a block, at most, unless one update has more
PASS = 1 << 24  # blocks in a pass, at most: each block's shuffle has a number of its own


@dataclass(frozen=True)
class Layout:
    """How rows are laid out in blocks.

    Attributes
    ----------
    size, accumulate : int
        Rows of a batch, of this process, and batches of an update.
    updates : int
        In a block.
    epoch : int or None
        Updates that make an epoch; None: those of a pass.
    width : int or None
        Rows to which each batch is filled up, so that devices share it equally.
    """

    size: int
    accumulate: int
    updates: int
    epoch: int | None = None
    width: int | None = None

    @classmethod
    def of(cls, size: int, accumulate: int, bytes_of_row: int, epoch: int | None, width: int | None = None) -> Layout:
        """Blocks of rows of so many bytes."""
        update = size * accumulate
        rows = min(ROWS, BYTES // max(1, bytes_of_row))
        return cls(size, accumulate, max(1, min(rows // update, epoch or rows)), epoch, width)

    @property
    def update(self) -> int:
        """Rows of an update."""
        return self.size * self.accumulate

    @property
    def rows(self) -> int:
        """Rows of a block."""
        return self.update * self.updates


@dataclass(frozen=True, eq=False)
class Block:
    """Rows on the device with their batches, and on the host what their outputs are held against.

    Attributes
    ----------
    data : dict
        x, y and weights by head, as the program takes them.
    batches : dict
        On the device, each with (members,) updates, 1, accumulate, size.
    updates : int
        That it has; the rest is filled up.
    y, by_head : of the rows, on the host
    order : list of dict
        For each member "rows" and "weights" of its batches, flat, on the host.
    place : str
        Where in the stream it begins.
    walk : list of dict
        For each member its batches, on the host.
    x : of the rows, on the host; None with one process
    """

    data: dict[str, Any]
    batches: dict[str, Any]
    updates: int
    rows: int
    y: Any
    by_head: Any
    order: list[dict[str, np.ndarray]]
    place: str
    walk: list[dict[str, np.ndarray]] = field(default_factory=list)
    x: Any = None


END = None  # in the place of a block: the epoch is over
ReadPass = Callable[[int], Iterator[tuple[str, Rows]]]


class Cutter:
    """Takes rows in pieces of any size, gives them in pieces of the size that is asked for."""

    def __init__(self) -> None:
        self._parts: list[Rows] = []
        self.waiting = 0

    def push(self, rows: Rows) -> None:
        """Rows that come after those before."""
        self._parts.append(rows)
        self.waiting += len(rows)

    def take(self, count: int) -> Rows:
        """The next rows, as many as there are up to `count`."""
        taken, left = [], count
        while left and self._parts:
            first = self._parts[0]
            if len(first) <= left:
                taken.append(self._parts.pop(0))
            else:
                taken.append(first.part(0, left))
                self._parts[0] = first.part(left, len(first))
            left -= len(taken[-1])
        self.waiting -= count - left
        return together(taken)


@dataclass(frozen=True, eq=False)
class Cut:
    """Rows of a block and its updates, what to call their place in the stream, their pass, and its number in it."""

    rows: Rows
    updates: int
    place: str
    number: int
    count: int


class Cuts:
    """The rows of block after block from an epoch on, and an `END` after each epoch.

    Parameters
    ----------
    read : callable
        ``read(pass)``: the rows of a pass in pieces, each with what to call it.
    layout : Layout
    passes : Passes
        What is known of how many rows there are in one.
    idle : Rows, optional
        A row of weight zero, for blocks that other processes have and this one hasn't.
    """

    def __init__(self, read: ReadPass, layout: Layout, passes: Passes, idle: Rows | None = None) -> None:
        self._read, self._layout, self._passes, self._idle = read, layout, passes, idle

    def since(self, epoch: int) -> Iterator[Cut | None]:
        """From an epoch on, for ever."""
        updates = self._layout.epoch
        number, self._skipped = self._passes.at(epoch, updates, self._layout.update)
        # What is left of the epoch in which the pass begins: what is skipped is cut as it was when it was trained on.
        self._left = updates and (self._skipped % updates or updates)
        while True:
            yield from self._pass(number)
            if self._left is None:
                yield END
            number += 1

    def _pass(self, number: int) -> Iterator[Cut | None]:
        cutter, rows, count, place = Cutter(), 0, 0, ""
        self._to_come = self._passes.updates
        for name, piece in self._read(number):
            place = place if cutter.waiting else name
            cutter.push(piece)
            rows += len(piece)
            while self._to_come != 0 and cutter.waiting >= self._room() * self._layout.update:
                room = self._room()
                yield from self._next(Cut(cutter.take(room * self._layout.update), room, place, number, count))
                place, count = name, count + 1
        if cutter.waiting and self._to_come is None:
            updates = -(-cutter.waiting // self._layout.update)
            yield from self._next(Cut(cutter.take(cutter.waiting), updates, place, number, count))
        while self._to_come:  # until the process with the most rows is through
            room = self._room()
            last = cutter.take(room * self._layout.update) if cutter.waiting else self._idle
            if last is not None:
                yield from self._next(Cut(last, room, place, number, count))
            count += 1
        self._passes.check(number, rows)

    def _room(self) -> int:
        """Updates of the next block: fewer at the end of an epoch, and of a pass of several processes."""
        most = self._layout.updates
        return min(self._left or most, self._to_come or most, most)

    def _next(self, cut: Cut) -> Iterator[Cut | None]:
        if self._to_come is not None:
            self._to_come -= cut.updates
        skipped = self._skipped > 0
        if skipped:
            self._skipped -= cut.updates
        else:
            yield cut
        if self._left is not None:
            self._left -= cut.updates
            if not self._left:
                self._left = self._layout.epoch
                if not skipped:
                    yield END


@dataclass(frozen=True, eq=False)
class Maker:
    """Makes blocks for the program of rows.

    Parameters
    ----------
    layout : Layout
    seeds : list of int or None
        Each member's, by which the rows of each block are shuffled; None leaves them in order.
    carried : bool
        Whether the network carries a state from batch to batch.
    mixup : list of Mixup or None
        Each member's.
    sharing : Sharing
        Between processes.
    steps : bool
        Whether batches have an axis for single updates, as `Program.train` takes them.
    """

    layout: Layout
    seeds: list[int | None]
    carried: bool
    mixup: list[Mixup | None]
    sharing: Sharing
    steps: bool = True

    def made(self, cut: Cut) -> Block:
        """The block of some rows, on the device."""
        layout, rows, n = self.layout, cut.rows, len(cut.rows)
        members = [self._batches(cut, seed, mixup) for seed, mixup in zip(self.seeds, self.mixup, strict=True)]
        if self.carried and cut.count:
            members = [{**one, "fresh": np.zeros_like(one["fresh"])} for one in members]
        filled = [{name: self._filled(part) for name, part in one.items()} for one in members]
        batches = filled[0] if len(filled) == 1 else tree.map(lambda *parts: np.stack(parts), *filled)
        data = {"x": rows.x, "y": rows.y, "weights": rows.by_head}
        data = tree.map(lambda part: _grown(part, layout.rows), data)
        data, batches = self.sharing.put(data, batches)
        order = [{name: one[name].reshape(-1) for name in ("rows", "weights")} for one in members]
        own = rows.x if self.sharing.count > 1 else None
        return Block(data, batches, cut.updates, n, rows.y, rows.by_head, order, cut.place, members, own)

    def _batches(self, cut: Cut, seed: int | None, mixup: Mixup | None) -> dict[str, np.ndarray]:
        """A member's batches of a block; those of several processes are mixed among each one's rows."""
        layout, sharing, rows = self.layout, self.sharing, cut.rows
        several = sharing.count > 1
        batches = Batches(
            np.arange(len(rows)), layout.size, rows.weights, seed, layout.accumulate, carried=self.carried,
            mixup=None if several else mixup, width=layout.width,
        )  # fmt: skip
        drawn = batches.epoch((cut.number * sharing.count + sharing.index) * PASS + cut.count)
        if not several:
            return drawn
        drawn = {name: _grown(part, cut.updates) for name, part in drawn.items()}
        # The shares that rows are mixed by are numbers of the whole batch: all processes draw the same.
        return drawn if mixup is None else drawn | mixup.draw(cut.number * PASS + cut.count, drawn["weights"])

    def _filled(self, part: np.ndarray) -> np.ndarray:
        grown = _grown(part, self.layout.updates)
        return grown[:, None] if self.steps else grown


def _grown(part: np.ndarray, count: int) -> np.ndarray:
    """Rows filled up with zeros."""
    if len(part) == count:
        return part
    whole = np.zeros((count, *part.shape[1:]), part.dtype)
    whole[: len(part)] = part
    return whole


def passes_of(stream: Any, reader: Reader, sharing: Sharing, what: str) -> ReadPass:
    """What reads the rows of a pass of this process's share, as `cut` takes it."""

    def read(number: int) -> Iterator[tuple[str, Rows]]:
        for place, block in blocks_of(stream, number, sharing.index, sharing.count, what):
            with reading(place):
                rows = reader.read(block)
            if len(rows):
                yield place, rows

    return read


def without_end(read: ReadPass) -> ReadPass:
    """Pass after pass as one: of shares that needn't be equally long, so that no process waits for another."""

    def reads(number: int) -> Iterator[tuple[str, Rows]]:
        while True:
            rows = 0
            for place, piece in read(number):
                rows += len(piece)
                yield place, piece
            if not rows:
                raise StreamError(f"a process's share of the stream ended at once: pass {number + 1} had no rows")
            number += 1

    return reads
