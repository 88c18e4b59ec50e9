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
    updates : int, optional
        Updates that make an epoch: a share of a pass over the rows, or more than one. Each epoch goes on where the one
        before ended. By default an epoch is a pass.
    carried : bool
        Whether the network carries a state from batch to batch, and must be told when to start anew.
    mixup : Mixup or None
        How rows are mixed with others of their batch.
    width : int, optional
        Rows to which every batch is filled up, with row 0 at weight zero, so that devices share it equally.
    """

    rows: np.ndarray
    size: int
    weights: np.ndarray | None = None
    seed: int | None = None
    accumulate: int = 1
    updates: int | None = None
    carried: bool = False
    mixup: Mixup | None = None
    width: int | None = None

    @property
    def steps(self) -> int:
        """Updates in an epoch."""
        return self.updates or self.steps_of_pass

    @property
    def steps_of_pass(self) -> int:
        """Updates that use every row once."""
        return -(-len(self.rows) // (self.size * self.accumulate))

    @property
    def full(self) -> bool:
        """Whether every update uses all rows as they are, so that their order doesn't matter."""
        every = self.steps == self.steps_of_pass == 1 and self.accumulate == 1
        return every and not self.carried and self.mixup is None

    def epoch(self, number: int) -> dict[str, np.ndarray]:
        """``rows`` (int32) and ``weights`` of shape (steps, accumulate, width or size); with mixup, its draws, too.

        Of a carried state also ``fresh``, booleans (steps, accumulate), true for the first batch of a pass.
        """
        if self.updates is None:
            return self._pass(number, slice(None))
        passes, places = np.divmod(number * self.steps + np.arange(self.steps), self.steps_of_pass)
        parts = [self._pass(int(one), places[passes == one]) for one in np.unique(passes)]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def _pass(self, number: int, places: np.ndarray | slice) -> dict[str, np.ndarray]:
        """The updates at some places of a pass."""
        n = len(self.rows)
        if self.seed is None or self.full:
            order = np.arange(n)
        else:
            order = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, number)))).permutation(n)
        shape = (self.steps_of_pass, self.accumulate, self.size)
        rows = np.zeros(shape, np.int32).reshape(-1)
        weights = np.zeros(shape, np.float32 if self.weights is None else self.weights.dtype).reshape(-1)
        rows[:n] = self.rows[order]
        weights[:n] = 1.0 if self.weights is None else self.weights[order]
        whole = {"rows": rows.reshape(shape), "weights": weights.reshape(shape)}
        if self.carried:
            whole["fresh"] = np.arange(shape[0] * self.accumulate).reshape(shape[:2]) == 0
        if self.mixup is not None:
            whole |= self.mixup.draw(number, whole["weights"])
        return {key: self._filled(key, part[places]) for key, part in whole.items()}

    def _filled(self, key: str, part: np.ndarray) -> np.ndarray:
        """What batches have for each row, filled up to their width; rows that fill up are mixed with themselves."""
        surplus = (self.width or self.size) - self.size
        if not surplus or part.ndim < 3:
            return part
        filling = np.arange(self.size, self.size + surplus) if key == "partners" else np.zeros(surplus)
        more = np.broadcast_to(filling.astype(part.dtype), (*part.shape[:2], surplus))
        return np.concatenate([part, more], axis=2)

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
