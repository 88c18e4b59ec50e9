"""Arrays that are read a slice at a time, as `numpy.memmap` on disk are: as a `Stream`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from backlit.data.streams import hashing
from backlit.data.streams.dividing import PARTS, parts_of
from backlit.data.streams.stream import Block
from backlit.data.streams.table import rows_within
from backlit.errors import InputError, ShapeError

WINDOW = 4  # pieces whose rows are mixed


@dataclass(frozen=True, eq=False)
class ArrayStream:
    """Rows of arrays in blocks; in each epoch in another order, if they are shuffled.

    Parameters
    ----------
    x : array (rows, ...), or dict of arrays by input
    y : array (rows,) or (rows, targets), or dict of arrays by output
    weights : array (rows,), optional
    seed : int
    shuffle : bool
        Whether slices come in an order of their own in each epoch, and rows of some of them are mixed.
    shares : tuple of float, optional
        Of the parts that rows are shared out to by a hash of their numbers.
    part : int
        Which of these parts it is.

    Raises
    ------
    ShapeError
        If arrays differ in their numbers of rows.

    Examples
    --------
    >>> stream = ArrayStream(np.arange(8.0)[:, None], np.arange(8), shuffle=False)
    >>> [block.y.tolist() for block in stream.batches(0, shard=1, shards=2)]
    [[4, 5, 6, 7]]
    """

    x: Any
    y: Any
    weights: Any = None
    seed: int = 0
    shuffle: bool = True
    shares: tuple[float, ...] | None = None
    part: int = 0

    def __post_init__(self) -> None:
        lengths = {name: len(leaf) for name, leaf in self._leaves.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ShapeError(f"arrays that are read together need as many rows each, got {told}")
        if not self._length:
            raise InputError("there are no rows to train on")

    @property
    def _leaves(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, tree in (("x", self.x), ("y", self.y), ("weights", self.weights)):
            if isinstance(tree, Mapping):
                found |= {f"{name}[{key!r}]": leaf for key, leaf in tree.items()}
            elif tree is not None:
                found[name] = tree
        return found

    @property
    def _length(self) -> int:
        return len(next(iter(self._leaves.values())))

    @cached_property
    def _step(self) -> int:
        width = sum(leaf.dtype.itemsize * int(np.prod(leaf.shape[1:])) for leaf in self._leaves.values())
        return rows_within(width)

    @cached_property
    def _counts(self) -> np.ndarray:
        """Rows of each piece that belong to the part."""
        return np.array([len(self._rows(place)) for place in range(-(-self._length // self._step))], np.int64)

    @property
    def rows(self) -> int:
        """Of one pass."""
        return self._length if self.shares is None else int(self._counts.sum())

    def rows_of_shard(self, shard: int, shards: int) -> int:
        """Rows of a pass of one shard."""
        return self.rows * (shard + 1) // shards - self.rows * shard // shards

    def _rows(self, place: int) -> np.ndarray:
        """Numbers, within a piece, of the rows that belong to the part."""
        start = place * self._step
        rows = min(self._step, self._length - start)
        if self.shares is None:
            return np.arange(rows)
        parts = parts_of(hashing.of_places(self.seed, 0, start, rows), np.array(self.shares))
        return np.flatnonzero(parts == self.part)

    def of(self, shares: tuple[float, ...], part: int, seed: int) -> ArrayStream:
        """One part of the rows; all but the first come as they stand."""
        return replace(self, shares=shares, part=part, seed=seed, shuffle=self.shuffle and part == 0)

    def state(self) -> dict[str, Any]:
        """What the arrays look like, and their first and last rows' hash; the order, and the part."""
        leaves = {name: [str(leaf.dtype), list(leaf.shape)] for name, leaf in self._leaves.items()}
        ends = [hash_of(_taken(tree, np.array([0, self._length - 1]))) for tree in (self.x, self.y)]
        part = {} if self.shares is None else {"shares": list(self.shares), "part": PARTS[self.part]}
        digest = [int(value) for end in ends for value in end]
        return {"arrays": leaves, "ends": digest, "seed": self.seed, "shuffle": self.shuffle, **part}

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Block]:
        """The rows of a pass: see `Stream`."""
        order = np.flatnonzero(self._counts)
        if self.shuffle:
            order = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch)))).permutation(order)
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch, shard, shards))))
        total = self.rows
        first, last = total * shard // shards, total * (shard + 1) // shards
        end, window = 0, []
        for place in order.tolist():
            start, end = end, end + int(self._counts[place])
            low, high = max(first, start) - start, min(last, end) - start
            if low < high:
                window.append((place, self._rows(place)[low:high]))
            if len(window) == (WINDOW if self.shuffle else 1):
                yield self._block(window, rng)
                window = []
        if window:
            yield self._block(window, rng)

    def _block(self, window: list[tuple[int, np.ndarray]], rng: np.random.Generator) -> Block:
        numbers = np.concatenate([rows + place * self._step for place, rows in window])
        order = rng.permutation(len(numbers)) if self.shuffle else None

        def taken(tree: Any) -> Any:
            """Slices are read whole, which disks are quick at, and their rows mixed in memory."""
            if tree is None:
                return None
            if isinstance(tree, Mapping):
                return {name: taken(leaf) for name, leaf in tree.items()}
            starts = [place * self._step for place, _ in window]
            slices = [
                np.asarray(tree[start : start + self._step])[rows]
                for start, (_, rows) in zip(starts, window, strict=True)
            ]
            whole = np.concatenate(slices)
            return whole if order is None else whole[order]

        ordered = numbers if order is None else numbers[order]
        return Block(taken(self.x), taken(self.y), taken(self.weights), lambda row: f"row {int(ordered[row])}")


def _taken(tree: Any, rows: np.ndarray) -> Any:
    if isinstance(tree, Mapping):
        return {name: np.asarray(leaf[rows]) for name, leaf in tree.items()}
    return np.asarray(tree[rows])


def hash_of(tree: Any) -> np.ndarray:
    """Hashes of rows by what they hold, uint64 (rows,): of an array, a dict of arrays, or a data frame."""
    import polars as pl

    if isinstance(tree, Mapping):
        parts = [hash_of(tree[name]) for name in sorted(tree)]
        weighted = np.stack([part * np.uint64(2 * place + 3) for place, part in enumerate(parts)])
        return hashing.mixed(weighted.sum(axis=0, dtype=np.uint64))
    if isinstance(tree, pl.DataFrame):
        return hashing.of_rows(tree, 0)
    values = np.asarray(tree)
    if values.dtype.kind in "biuf":
        flat = values.reshape(len(values), -1).astype(np.float64) + 0.0
        flat[np.isnan(flat)] = 0.125
        bits = flat.view(np.uint64)
        bits ^= bits >> np.uint64(32)
        factors = hashing.mixed(np.arange(1, bits.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
        return hashing.mixed((bits * factors).sum(axis=1, dtype=np.uint64))
    texts = pl.Series([str(value) for value in values.reshape(len(values), -1).tolist()], dtype=pl.String)
    return hashing.mixed(hashing.of_column(texts))
