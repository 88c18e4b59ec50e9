"""Windows: what was known at a time, and what came next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.series.grid import Grid
from backlit.errors import InputError


@dataclass(eq=False)
class Windows:
    """Windows of a grid, by the row at which their future begins.

    Examples
    --------
    >>> import polars as pl
    >>> grid = Grid.of(pl.DataFrame({"t": [1, 2, 3, 4, 5], "y": [1.0, 2.0, 3.0, 4.0, 5.0]}), "y", "t")
    >>> windows = Windows.all(grid, window=2, horizon=1)
    >>> windows.past.tolist(), windows.future.tolist()
    ([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], [[3.0], [4.0], [5.0]])
    """

    grid: Grid
    begins: np.ndarray
    window: int
    horizon: int

    @classmethod
    def all(cls, grid: Grid, window: int, horizon: int) -> Windows:
        """All windows within one piece whose last known value and whose future were in the table.

        A filled value lies between its neighbours, so one at the end of the past would know the future.
        """
        row = np.arange(len(grid.values))
        unknown = np.concatenate([[0], np.cumsum(grid.filled)])
        begins = row[(row - window >= grid.first) & (row + horizon - 1 <= grid.last)]
        begins = begins[unknown[begins + horizon] - unknown[begins - 1] == 0]
        return cls(grid, begins, window, horizon)

    @classmethod
    def latest(cls, grid: Grid, window: int, horizon: int) -> Windows:
        """The last window of each series, whose future isn't known.

        Raises
        ------
        InputError
            If a series is shorter than the window since its last gap; the shortest is named.
        """
        ends = np.flatnonzero(np.append(np.diff(grid.series) != 0, True))
        lengths = ends - grid.first[ends] + 1
        if (lengths < window).any():
            short = int(lengths.argmin())
            series_text = f"series {grid.names[grid.series[ends[short]]]!r}" if len(grid.names) > 1 else "the series"
            raise InputError(
                f"{series_text} has {lengths[short]} steps without a long gap at its end; the window needs {window}: "
                "give more of the past"
            )
        return cls(grid, ends + 1, window, horizon)

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, rows: Any) -> Windows:
        return Windows(self.grid, self.begins[rows], self.window, self.horizon)

    @property
    def places(self) -> np.ndarray:
        """The place of the first step to be predicted, int64 (rows,)."""
        return self.grid.places[self.begins - 1] + 1

    @property
    def series(self) -> np.ndarray:
        """Which of the grid's series, int (rows,)."""
        return self.grid.series[self.begins - 1]

    @property
    def rows(self) -> np.ndarray:
        """The grid's rows that each window looks back on, int (rows, window)."""
        return self.begins[:, None] + np.arange(-self.window, 0)

    @property
    def past(self) -> np.ndarray:
        """The target's values that are known, (rows, window)."""
        return self.grid.values[self.rows]

    @property
    def future(self) -> np.ndarray:
        """The target's values that are to be predicted, (rows, horizon)."""
        return self.grid.values[self.begins[:, None] + np.arange(self.horizon)]

    def again(self, season: int) -> np.ndarray | None:
        """The values a season before each step to be predicted, (rows, horizon); None if a piece is too short.

        Where the horizon is longer than the season, the last one that is known comes again.
        """
        rows = self.begins[:, None] - season + np.arange(self.horizon) % season
        return None if (rows[:, 0] < self.grid.first[self.begins - 1]).any() else self.grid.values[rows]


def split_in_time(windows: Windows, fractions: Sequence[float]) -> tuple[list[np.ndarray], int]:
    """Row numbers of parts that follow each other in time, all series at the same times, and how many are in none.

    A window belongs to a part if its whole future lies in it. Those whose future reaches into the next part belong to
    none: what one part learns to predict, no other part is judged on. A window's past may reach into earlier parts.

    Parameters
    ----------
    windows : Windows
    fractions : sequence of float
        Share of each part.

    Raises
    ------
    InputError
        If a part would be empty.
    """
    begins = windows.places
    ordered = np.sort(begins)
    shares = np.cumsum(fractions)[:-1] / np.sum(fractions)
    borders = [int(ordered[min(int(share * len(ordered)), len(ordered) - 1)]) for share in shares]
    for i in reversed(range(len(borders))):  # a part is at least a horizon long, so that one window fits
        after = borders[i + 1] - windows.horizon if i + 1 < len(borders) else int(ordered[-1])
        borders[i] = min(borders[i], after)
    for i in range(len(borders)):
        borders[i] = max(borders[i], (borders[i - 1] if i else int(ordered[0])) + windows.horizon)
    ends = [*borders, np.iinfo(np.int64).max]
    starts = [np.iinfo(np.int64).min, *borders]
    parts = [
        np.flatnonzero((begins >= start) & (begins <= end - windows.horizon))
        for start, end in zip(starts, ends, strict=True)
    ]
    if not all(len(part) for part in parts):
        sizes = ", ".join(str(len(part)) for part in parts)
        raise InputError(
            f"too few windows to split in time: {len(windows)} of window {windows.window} and horizon "
            f"{windows.horizon} give parts of {sizes}; at least {windows.window + len(parts) * windows.horizon} steps "
            "without a long gap are needed: give more of the past, a shorter window or a shorter horizon"
        )
    return parts, len(windows) - sum(map(len, parts))
