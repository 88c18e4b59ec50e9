"""Which rows go into which batch: drawn on the host, from the seed and the epoch alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.train.mixup import Mixup


@dataclass(frozen=True, eq=False)
class Batches:
    """Row numbers and weights of every batch of an epoch.

    The last batch is filled up with row 0 at weight zero, so that all have one shape and every row is used
    exactly once.

    Parameters
    ----------
    rows : int array (n,)
        The rows to take from the data.
    size : int
        Rows in a batch.
    weights : float array (n,) or None
        Weight of each of these rows; 1 if None.
    seed : int or None
        Rows are shuffled anew in each epoch by the seed and the epoch's number; None leaves them in order.
    accumulate : int
        Batches of which the gradients are added up to one update.
    mixup : Mixup or None
        How rows are mixed with others of their batch.
    """

    rows: np.ndarray
    size: int
    weights: np.ndarray | None = None
    seed: int | None = None
    accumulate: int = 1
    mixup: Mixup | None = None

    @property
    def steps(self) -> int:
        """Updates in an epoch."""
        return -(-len(self.rows) // (self.size * self.accumulate))

    @property
    def full(self) -> bool:
        """Whether an epoch is a single batch of all rows as they are, so that all epochs are alike."""
        return self.steps == 1 and self.accumulate == 1 and self.mixup is None

    def epoch(self, number: int) -> dict[str, np.ndarray]:
        """``rows`` (int32) and ``weights`` (float32) of shape (steps, accumulate, size); with mixup, its draws, too."""
        n = len(self.rows)
        if self.seed is None or self.full:
            order = np.arange(n)
        else:
            order = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, number)))).permutation(n)
        shape = (self.steps, self.accumulate, self.size)
        rows = np.zeros(shape, np.int32).reshape(-1)
        weights = np.zeros(shape, np.float32).reshape(-1)
        rows[:n] = self.rows[order]
        weights[:n] = 1.0 if self.weights is None else self.weights[order]
        epoch = {"rows": rows.reshape(shape), "weights": weights.reshape(shape)}
        return epoch if self.mixup is None else epoch | self.mixup.draw(number, epoch["weights"])

    def epochs(self, first: int, count: int, length: int) -> dict[str, np.ndarray]:
        """Epochs first … first + count - 1 stacked, filled up with zeros to `length`; just one if all are alike."""
        if self.full:
            return {key: part[None] for key, part in self.epoch(0).items()}
        parts = [self.epoch(first + i) for i in range(count)]

        def stack(key: str) -> Any:
            stacked = np.zeros((length, *parts[0][key].shape), parts[0][key].dtype)
            stacked[:count] = [part[key] for part in parts]
            return stacked

        return {key: stack(key) for key in parts[0]}
