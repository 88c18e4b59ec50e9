"""How many rows each class has, how often it was called, how often rightly; and pairs, if they aren't too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.train.judgement import ClassScores

MOST_PAIRED = 1000  # classes; a matrix of more would be most of what a run's folder and a process's memory hold


def share(part: int, of: int) -> float | None:
    """``part / of``; None of nothing."""
    return None if not of else float(part / of)


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of rows by class, each (classes,).

    Attributes
    ----------
    rows, calls, hits : int array (classes,)
        Rows of the class, rows that were called so, and those that were both.
    matrix : int array (classes, classes) or None
        True classes down, called ones across; None for more than `MOST_PAIRED` classes.

    Examples
    --------
    >>> counts = Counts.of(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    >>> counts.rows.tolist(), counts.calls.tolist(), counts.hits.tolist(), counts.matrix.tolist()
    ([2, 1], [1, 2], [1, 1], [[1, 1], [0, 1]])
    """

    rows: np.ndarray
    calls: np.ndarray
    hits: np.ndarray
    matrix: np.ndarray | None

    @classmethod
    def of(cls, truth: np.ndarray, called: np.ndarray, classes: int) -> Counts:
        """Of rows by their true class's number and the called one's."""
        rows, calls, hits = (np.bincount(codes, minlength=classes) for codes in (truth, called, truth[truth == called]))
        matrix = None
        if classes <= MOST_PAIRED:
            matrix = np.bincount(truth * classes + called, minlength=classes**2).reshape(classes, classes)
        return cls(rows, calls, hits, matrix)

    def __add__(self, other: Counts) -> Counts:
        matrix = None if self.matrix is None or other.matrix is None else self.matrix + other.matrix
        return Counts(self.rows + other.rows, self.calls + other.calls, self.hits + other.hits, matrix)

    def scores(self, names: Sequence[Any]) -> tuple[ClassScores, ...]:
        """Rows, recall and precision of each class."""
        return tuple(
            ClassScores(name, int(rows), share(hits, rows), share(hits, calls))
            for name, rows, calls, hits in zip(names, self.rows, self.calls, self.hits, strict=True)
        )

    @property
    def confusion(self) -> Any:
        """The matrix as plain numbers; None without."""
        return None if self.matrix is None else self.matrix.tolist()
