"""Whatever gives blocks of rows, as a `Stream`; and a stream's rows shared out to parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.streams.arrays import ArrayStream, hash_of
from backlit.data.streams.columns import ColumnStream
from backlit.data.streams.dividing import PARTS, parts_of
from backlit.data.streams.given import is_dataset, is_function, is_once, name_of
from backlit.data.streams.opening import open_table
from backlit.data.streams.stream import Block, Stream
from backlit.errors import InputError, ShapeError

ASKED = ("epoch", "shard", "shards")  # that a function of the user's may want to know


def is_stream(thing: Any) -> bool:
    """Whether something gives its rows in blocks: a `Stream`, a function that yields, or a data set of a library.

    >>> is_stream(np.zeros(3)), is_stream(lambda: iter(()))
    (False, True)
    """
    if isinstance(thing, type):
        return False
    return isinstance(thing, Stream) or is_function(thing) or is_once(thing) or is_dataset(thing)


def as_stream(
    x: Any, y: Any = None, *, weights: Any = None, seed: int = 0, shuffle: bool = True, **columns: Any
) -> Any:
    """Data as a `Stream`; None for what is none.

    Parameters
    ----------
    x : Stream, function, data set, or array
        A function is called in each epoch, and gives blocks; it may ask for ``epoch``, ``shard`` and ``shards``. A data
        set is pyarrow's or Hugging Face's. Arrays, `numpy.memmap` among them, come with `y`.
    y : array, optional
    weights : array, optional
    seed : int
    shuffle : bool
    **columns
        Of a data set: `inputs`, a list of columns of numbers, or one column of lists; `target`, a column.

    Raises
    ------
    InputError
        For a generator, which gives its blocks only once.

    Examples
    --------
    >>> def squares():
    ...     for start in range(0, 6, 3):
    ...         x = np.arange(start, start + 3.0)
    ...         yield x[:, None], x**2
    >>> [y.tolist() for x, y in as_stream(squares).batches(epoch=0)]
    [[0.0, 1.0, 4.0], [9.0, 16.0, 25.0]]
    """
    if isinstance(x, Stream) and not isinstance(x, type):
        _refuse_targets(y, "a stream")
        return x
    if is_once(x):
        raise InputError(
            f"a {type(x).__name__} gives its blocks once, but each epoch reads them anew: give the function that makes "
            "it, without calling it"
        )
    if is_function(x):
        _refuse_targets(y, "a function")
        return FunctionStream(x)
    if is_dataset(x):
        _refuse_targets(y, "a data set")
        return ColumnStream.of(open_table(x), seed=seed, shuffle=shuffle, **columns)
    leaves = list(x.values()) if isinstance(x, Mapping) else [x]
    if leaves and y is not None and all(isinstance(leaf, np.ndarray) for leaf in leaves):
        return ArrayStream(x, y if isinstance(y, Mapping) else np.asanyarray(y), weights, seed, shuffle)
    return None


def _refuse_targets(y: Any, what: str) -> None:
    if y is not None:
        raise InputError(f"{what} gives targets with its inputs; leave out y")


@dataclass(frozen=True, eq=False)
class FunctionStream:
    """Blocks that a function gives, called anew for each pass.

    Of a function that doesn't ask for `shard` and `shards`, each process takes every so many-th row.
    """

    function: Callable[..., Any]

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        """What the function gives: see `Stream`."""
        known = {"epoch": epoch, "shard": shard, "shards": shards}
        wanted = _wanted(self.function)
        blocks = self.function(**{name: known[name] for name in wanted})
        if not hasattr(blocks, "__iter__"):
            raise InputError(
                f"{name_of(self.function)} gives {type(blocks).__name__}; expected a function that yields blocks (x, y)"
            )
        own = {"shard", "shards"} <= set(wanted)
        passed = 0
        for number, given in enumerate(blocks):
            block = as_block(given, f"block {number} of {name_of(self.function)}")
            if own or shards == 1:
                yield given
                continue
            rows = rows_of(block.x)
            chosen = np.arange((shard - passed) % shards, rows, shards)
            passed += rows
            yield rows_from(block, chosen)

    def state(self) -> dict[str, Any]:
        """The function's name: what it gives can't be told before."""
        return {"function": name_of(self.function)}


def _wanted(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()
    return tuple(name for name in ASKED if name in parameters)


def as_block(given: Any, what: str = "a block") -> Block:
    """What a stream gave as a `Block`.

    Raises
    ------
    InputError
        If it is neither a block nor (x, y) or (x, y, weights).
    ShapeError
        If x, y and weights differ in their numbers of rows.
    """
    if isinstance(given, Block):
        block = given
    elif isinstance(given, (tuple, list)) and len(given) in (2, 3):
        block = Block(*given)
    else:
        told = f"a {type(given).__name__}" + (f" of {len(given)}" if isinstance(given, (tuple, list)) else "")
        raise InputError(f"{what} is {told}; expected (x, y) or (x, y, weights)")
    lengths = [rows_of(tree) for tree in (block.x, block.y, block.weights) if tree is not None]
    if len(set(lengths)) > 1:
        raise ShapeError(
            f"{what}: x has {lengths[0]} rows, y {lengths[1]}" + "".join(f", weights {n}" for n in lengths[2:])
        )
    return block


def rows_of(tree: Any) -> int:
    """Rows of an array, of a dict of arrays, or of a data frame."""
    leaf = next(iter(tree.values())) if isinstance(tree, Mapping) else tree
    return len(leaf)


def rows_from(block: Block, rows: np.ndarray) -> Block:
    """Some rows of a block."""

    def taken(tree: Any) -> Any:
        if tree is None:
            return None
        if isinstance(tree, Mapping):
            return {name: taken(leaf) for name, leaf in tree.items()}
        return tree[rows] if hasattr(tree, "shape") else np.asarray(tree)[rows]

    where = block.where
    told = None if where is None else lambda row: where(int(rows[row]))
    return Block(taken(block.x), taken(block.y), taken(block.weights), told)


@dataclass(frozen=True, eq=False)
class PartStream:
    """The rows of a stream that belong to one part, told by a hash of what they hold.

    So a row is in the same part in whatever order it comes, and equal rows are in one part. Of a stream whose rows
    differ from pass to pass, a part has each time other rows, and about as many.

    Attributes
    ----------
    varies : bool
        That its passes needn't be equally long: only training rows are read more than once as they come.
    """

    stream: Stream
    shares: tuple[float, ...]
    part: int
    seed: int

    @property
    def varies(self) -> bool:
        """Whether passes may have different numbers of rows."""
        return self.part == 0

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Block]:
        """The part's rows; all but training rows come as in the first epoch."""
        blocks = self.stream.batches(epoch if self.part == 0 else 0, shard, shards)
        for number, given in enumerate(blocks):
            block = as_block(given, f"block {number}")
            hashes = hash_of(block.x) ^ (hash_of(block.y) * np.uint64(2 * self.seed + 3))
            parts = parts_of(hashes, np.array(self.shares))
            rows = np.flatnonzero(parts == self.part)
            if len(rows):
                yield rows_from(block, rows)

    def state(self) -> dict[str, Any]:
        """The stream's, and which part it is."""
        return {**self.stream.state(), "shares": list(self.shares), "part": PARTS[self.part], "split_seed": self.seed}


@dataclass(frozen=True, eq=False)
class Parts:
    """Training, validation and test rows of a stream; None for a part without a share."""

    train: Stream
    validation: Stream | None
    test: Stream | None


def parts(stream: Stream, *, validation: float = 0.2, test: float = 0.0, seed: int = 0) -> Parts:
    """A stream's rows shared out by a hash: of their numbers for arrays, of what they hold for other streams.

    Raises
    ------
    InputError
        If the shares aren't shares.

    Examples
    --------
    >>> stream = ArrayStream(np.zeros((1000, 2)), np.zeros(1000))
    >>> shared = parts(stream, validation=0.2, test=0.1)
    >>> shared.train.rows + shared.validation.rows + shared.test.rows
    1000
    """
    if not (0 <= validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise InputError(
            f"validation={validation!r} and test={test!r}: shares must lie between 0 and 1, and leave rows to train on"
        )
    shares: Sequence[float] = (1 - validation - test, validation, test)

    def part(place: int) -> Any:
        if not shares[place]:
            return None
        if isinstance(stream, ArrayStream):
            return stream.of(tuple(shares), place, seed)
        return PartStream(stream, tuple(shares), place, seed)

    if not validation and not test:
        return Parts(stream, None, None)
    return Parts(part(0), part(1), part(2))
