"""The losses of a run, of which the latest are known one by one, and those of long ago several together.

So a run of any length takes little memory: what a person sees of an update long ago is a place on a curve, and a state
that is gone back to is computed again, with its scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

EXACT = 4096  # updates that are known one by one; of those EXACT·2ᵏ updates ago 2ᵏ are a line
MEANS, LASTS = slice(0, 4, 2), slice(1, 4, 2)  # what lines are of their updates: losses and shares, and those held back


class Curves:
    """What is known of the updates that were made: losses, and shares of rows that are right.

    A run of n updates takes at most ``EXACT * (3 + log2(n / EXACT))`` lines of 40 bytes: 2.3 MB at ten million.
    """

    def __init__(self) -> None:
        self._lines, self._ends, self._count = np.empty((4, 1024)), np.empty(1024, np.int64), 0
        self._full = 3 * EXACT

    loss = property(lambda self: self._lines[0, : self._count])
    held_loss = property(lambda self: self._lines[1, : self._count])
    right = property(lambda self: self._lines[2, : self._count])
    held_right = property(lambda self: self._lines[3, : self._count])
    ends = property(lambda self: self._ends[: self._count], doc="The last update of each line.")

    def __len__(self) -> int:
        """Updates that they tell of."""
        return int(self._ends[self._count - 1]) if self._count else 0

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return self._lines.nbytes + self._ends.nbytes

    def add(self, *lines: Any) -> None:
        """What is known of further updates, one by one, in the order above."""
        begin, length = self._count, len(self)
        self._count += len(lines[0])
        if self._count > len(self._ends):
            more = max(self._count - len(self._ends), len(self._ends) // 2)
            self._lines = np.pad(self._lines, ((0, 0), (0, more)))
            self._ends = np.pad(self._ends, (0, more))
        self._lines[:, begin : self._count] = lines
        self._ends[begin : self._count] = np.arange(length + 1, length + 1 + len(lines[0]))
        if self._count >= self._full:
            self._thin()

    def cut(self, length: int) -> None:
        """Forget what came after an update, and the line that it is in the middle of."""
        self._count = int(np.searchsorted(self.ends, length, "right"))

    def parts_at(self, length: int) -> bool:
        """Whether a line ends with this update, so that a cut there leaves all that came before."""
        return length == 0 or length in self.ends

    def until(self, length: int) -> Curves:
        """What they tell up to an update."""
        found = Curves()
        found._lines, found._ends, found._count = self._lines.copy(), self._ends.copy(), self._count
        found._full = self._full
        found.cut(length)
        return found

    def told(self, start: int, apart: int, count: int) -> np.ndarray:
        """What so many rows of `apart` updates each tell, from an update on: (count, 4), in the order above.

        Means of the training loss and share, and what the last one of them had held back; where updates are known
        together only, by the share of theirs that a row has.
        """
        edges = start + apart * np.arange(count + 1)
        ends = self.ends
        cuts = np.union1d(edges, ends[np.searchsorted(ends, start, "right") : np.searchsorted(ends, edges[-1])])
        rows = np.searchsorted(edges, cuts[:-1], "right") - 1
        lines, sizes = np.searchsorted(ends, cuts[:-1], "right"), np.diff(cuts)
        found = np.empty((count, 4))
        sums = [np.bincount(rows, line[lines] * sizes, minlength=count) for line in self._lines[MEANS]]
        found[:, MEANS] = np.stack(sums, axis=1) / apart
        found[:, LASTS] = self._lines[LASTS, np.searchsorted(ends, edges[1:])].T
        return found

    def _thin(self) -> None:
        """Make one of two neighbours wherever they are long enough ago."""
        size, length = 1, len(self)
        while 2 * size * EXACT <= length:
            ends = self.ends
            sizes = np.diff(ends, prepend=0)
            first = (sizes == size) & ((ends - sizes) % (2 * size) == 0) & (ends + size <= length - 2 * size * EXACT)
            first[:-1] &= sizes[1:] == size
            second = np.flatnonzero(first) + 1
            self._lines[MEANS, second] = (self._lines[MEANS, second - 1] + self._lines[MEANS, second]) / 2
            kept = np.flatnonzero(~first)
            self._lines[:, : len(kept)], self._ends[: len(kept)] = self._lines[:, kept], self._ends[kept]
            self._count, size = len(kept), 2 * size
        self._full = self._count + EXACT
