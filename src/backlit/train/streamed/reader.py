"""From what a stream yields to rows as training takes them: prepared, checked against those before, and encoded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import BacklitError, InputError, ShapeError, StreamError
from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.nn.shapes import rows_at, rows_of, shape_of
from backlit.train.inputs import inputs_of, outcomes_of
from backlit.train.training import Training
from backlit.train.weights import weights_from


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a stream: inputs and targets as the program takes them, weights (rows,) or None, and weights by head."""

    x: Any
    y: Any
    weights: np.ndarray | None
    by_head: Any

    def __len__(self) -> int:
        return rows_of(self.y)

    def part(self, start: int, stop: int) -> Rows:
        """Some of the rows, in the same memory."""
        return self.at(slice(start, stop))

    def at(self, places: Any) -> Rows:
        """Rows at these places."""
        return Rows(*(rows_at(part, places) for part in (self.x, self.y, self.weights, self.by_head)))


def together(parts: list[Rows]) -> Rows:
    """Rows of several parts, one after the other."""
    if len(parts) == 1:
        return parts[0]

    def joined(name: str) -> Any:
        return tree.map(lambda *arrays: np.concatenate(arrays), *[getattr(part, name) for part in parts])

    return Rows(joined("x"), joined("y"), joined("weights"), joined("by_head"))


def unpacked(block: Any) -> tuple[Any, Any, Any]:
    """x, y and weights of a block, which may be a `Block` or a tuple."""
    if isinstance(block, (tuple, list)) and len(block) in (2, 3):
        return block[0], block[1], block[2] if len(block) == 3 else None
    if hasattr(block, "x") and hasattr(block, "y"):
        return block.x, block.y, getattr(block, "weights", None)
    got = f"a tuple of {len(block)}" if isinstance(block, (tuple, list)) else type(block).__name__
    raise InputError(f"a stream must yield (x, y), (x, y, weights) or bl.data.Block, got {got}")


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Say of whatever goes wrong inside in which block of a stream it does."""
    try:
        yield
    except StreamError:
        raise
    except BacklitError as error:
        raise StreamError(f"{what}: {error}") from error
    except Exception as error:
        raise StreamError(f"{what}: the stream raised {type(error).__name__}: {error}") from error


def blocks_of(stream: Any, number: int, shard: int, shards: int, what: str) -> Iterator[tuple[str, Any]]:
    """The blocks of one pass, each with what to call it in messages."""
    count = 1
    with reading(f"{what}, block 1 of pass {number + 1}"):
        blocks = iter(stream.batches(number, shard, shards))
    with contextlib.closing(blocks) if hasattr(blocks, "close") else contextlib.nullcontext():
        while True:
            place = f"{what}, block {count} of pass {number + 1}"
            with reading(place):
                block = next(blocks, None)
            if block is None:
                return
            yield place, block
            count += 1


class Alike:
    """Refuses blocks that differ from the first: what they hold would be read as something else."""

    def __init__(self) -> None:
        self._first: dict[str, Any] = {}

    def require(self, what: str, now: Any) -> None:
        """Of this kind all blocks must have the same."""
        first = self._first.setdefault(what, now)
        if first != now:
            raise InputError(f"{what} {_shown(now)}, in the first block {_shown(first)}: all blocks must be alike")

    def require_targets(self, outcomes: Any) -> None:
        """Targets of all blocks must be of one type."""
        self.require("targets of type", tree.map(_kind, outcomes))


@dataclass(eq=False)
class Reader:
    """Makes `Rows` of blocks, all of them alike.

    Parameters
    ----------
    network : Network
    targets : Targets or the like
    training : Training
        Its preparation, dtype, and weights of classes (by class, no words).
    held : bool
        Whether these rows are held back: their weights tell only which targets count.
    """

    network: Network
    targets: Any
    training: Training
    held: bool = False
    _alike: Alike = field(default_factory=Alike, init=False)

    def read(self, block: Any) -> Rows:
        """The rows of a block.

        Raises
        ------
        ShapeError, InputError
            If it isn't like those before, or a value can't be learned from.
        """
        x, y, weights = unpacked(block)
        try:
            return self._read(x, y, weights)
        except BacklitError as error:
            place = getattr(block, "where", None)
            row = getattr(error, "row", None)
            if callable(place) and isinstance(row, int):
                raise InputError(f"{error} ({place(row)})") from error
            raise

    def _read(self, x: Any, y: Any, weights: Any) -> Rows:
        training = self.training
        inputs = inputs_of(self.network, training.preparation, x, training.dtype)
        if shape_of(inputs) != self.network.input_shape:
            raise ShapeError(f"rows of shape {shape_of(inputs)}; the network takes {self.network.input_shape}")
        n = rows_of(inputs)
        outcomes = outcomes_of(self.network.output_names, training.preparation, x, y, n)
        self._alike.require("inputs of type", tree.map(lambda part: part.dtype.name, inputs))
        self._alike.require_targets(outcomes)
        self._alike.require("weights", weights is not None)
        if n:
            self.network.check_inputs(inputs)
        encoded = self.targets.encode(outcomes, training.dtype)
        by_class = training.class_weight if not self.held else None
        own, by_head = weights_from(n, self.targets, encoded, weights, by_class, training.dtype, whole=False)
        return Rows(inputs, encoded, None if self.held else own, by_head)


def _kind(outcomes: np.ndarray) -> str:
    """Numbers, whole numbers, truth values or text."""
    kinds = {"f": "numbers", "i": "whole numbers", "u": "whole numbers", "b": "truth values"}
    return kinds.get(outcomes.dtype.kind, "text")


def _shown(value: Any) -> str:
    return {True: "given", False: "missing"}.get(value, str(value)) if isinstance(value, bool) else str(value)
