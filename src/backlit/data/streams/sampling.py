"""A sample of rows that pass by: each has the same chance, and the same rows are taken however they are cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.streams import hashing
from backlit.data.streams.table import Piece

ROWS = 20_000  # that knots, warnings and looks are taken from, as in memory
MEMORY = 1 << 26  # bytes of a sample, about
SEED = 0x5A3B  # apart from the seed of the split, which would prefer some rows


class Sample:
    """Rows with the least hashes of their places.

    Parameters
    ----------
    seed : int
    width : int
        Bytes of a row, about.
    """

    def __init__(self, seed: int, width: int) -> None:
        self.seed, self.most = seed + SEED, max(1000, min(ROWS, MEMORY // max(width, 1)))
        self._frames: list[Any] = []
        self._ranks: list[np.ndarray] = []
        self._count, self._bound = 0, np.uint64(2**64 - 1)

    def add(self, piece: Piece, frame: Any, rows: np.ndarray) -> None:
        """Some rows of a piece, by their numbers."""
        ranks = hashing.of_places(self.seed, piece.file, piece.start, frame.height)[rows]
        taken = ranks <= self._bound
        if not taken.any():
            return
        self._frames.append(frame[rows[taken]])
        self._ranks.append(ranks[taken])
        self._count += int(taken.sum())
        if self._count > 2 * self.most:
            self._cut()

    def _cut(self) -> None:
        frame, ranks = joined(self._frames), np.concatenate(self._ranks)
        if len(ranks) > self.most:
            kept = np.sort(np.argpartition(ranks, self.most - 1)[: self.most])  # in their order
            frame, ranks = frame[kept], ranks[kept]
            self._bound = ranks.max()
        self._frames, self._ranks, self._count = [frame], [ranks], len(ranks)

    def frame(self) -> Any:
        """The sample, in the rows' order; None of none."""
        if not self._frames:
            return None
        self._cut()
        return self._frames[0]


def joined(frames: list[Any]) -> Any:
    """Frames one below another; numbers become text in columns that are text elsewhere."""
    import polars as pl

    if len(frames) == 1:
        return frames[0]
    texts = {column.name for frame in frames for column in frame.get_columns() if column.dtype == pl.String}
    alike = [
        frame.with_columns(
            [frame[name].cast(pl.String) for name in texts if frame[name].dtype not in (pl.String, pl.Null)]
        )
        for frame in frames
    ]
    return pl.concat(alike, how="vertical_relaxed")
