"""How rows are laid out in blocks for this process, which is one of several or the only one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import distributed
from backlit.errors import InputError
from backlit.nn.shapes import rows_of
from backlit.train.prepare import VALIDATION_ROWS, divisible
from backlit.train.streamed.blocks import Cuts, Layout, passes_of, without_end
from backlit.train.streamed.passes import Passes
from backlit.train.streamed.reader import Reader, Rows, blocks_of, reading, unpacked
from backlit.train.streamed.sharing import Sharing, sound
from backlit.train.training import Training


@dataclass(frozen=True, eq=False)
class Shares:
    """How rows are laid out for this process, one of several or the only one.

    Parameters
    ----------
    sharing : Sharing
    training : Training
    carried : bool
        Whether the network carries a state, so that batches can't be filled up.
    kept : Rows
        Some rows of the stream.
    """

    sharing: Sharing
    training: Training
    carried: bool
    kept: Rows

    def layout(self, size: int, accumulate: int, nbytes: int, epoch: int | None) -> Layout:
        """Of batches of so many rows, over all processes."""
        sharing, devices = self.sharing, self.training.devices
        if sharing.count == 1:
            return Layout.of(size, accumulate, nbytes, epoch, None if self.carried else size + -size % devices)
        if self.carried and size % (sharing.count * devices):
            raise InputError(
                f"batch_size={size}: the network carries a state from batch to batch, so that {sharing.count} "
                f"processes must share a batch equally: choose a multiple of {sharing.count * devices}"
            )
        sizes = sharing.sizes(size)
        width = max(sizes) + -max(sizes) % devices
        of_all = Layout.of(width, accumulate, nbytes * self.training.ensemble, epoch, width)
        return dataclasses.replace(of_all, size=sizes[sharing.index])

    def held_layout(self, size: int, nbytes: int) -> Layout:
        """Of the rows that are held back."""
        count, devices = self.sharing.count, self.training.devices
        rows = size if self.carried else divisible(max(size, VALIDATION_ROWS), devices * count, whole=True)
        return Layout.of(rows // count, 1, nbytes, None)

    def passes(self, stream: Any, layout: Layout, rows: int | None, what: str) -> Passes:
        """What is known of a pass of this process's share of a stream of so many rows."""
        sharing, varies = self.sharing, getattr(stream, "varies", False)
        if sharing.count == 1 or (rows is None and layout.epoch is not None):
            return Passes(rows, what, varies=varies)
        own = sound(lambda: length_of(stream, sharing, what))
        told = distributed.gathered({"rows": own, "updates": -(-own // layout.update)})
        total = sum(one["rows"] for one in told)
        if not total or (total != (rows or total) and not varies):
            whole = "" if rows is None else f", the whole {rows:,}"
            raise InputError(
                f"{what}: the shares of {sharing.count} processes have {total:,} rows{whole}: "
                "batches(epoch, shard, shards) must give each row to exactly one share"
            )
        return Passes(own, what, max(one["updates"] for one in told), varies)

    def cuts(self, stream: Any, reader: Reader, layout: Layout, passes: Passes) -> Cuts:
        """The rows of this process's share, block by block."""
        read = passes_of(stream, reader, self.sharing, passes.what)
        if self.sharing.count == 1:
            return Cuts(read, layout, passes)
        if passes.updates is None:
            return Cuts(without_end(read), layout, passes)
        one = self.kept.part(0, 1)
        weightless = np.zeros(1, np.float32 if one.weights is None else one.weights.dtype)
        return Cuts(read, layout, passes, dataclasses.replace(one, weights=weightless))


def length_of(stream: Any, sharing: Sharing, what: str) -> int:
    """Rows of this process's shard, which are counted in a pass of its own where the stream doesn't tell."""
    told = getattr(stream, "rows_of_shard", None)
    rows = None if told is None else told(sharing.index, sharing.count)
    if rows is not None:
        return int(rows)
    rows = 0
    for place, block in blocks_of(stream, 0, sharing.index, sharing.count, what):
        with reading(place):
            rows += rows_of(unpacked(block)[1])
    return rows
