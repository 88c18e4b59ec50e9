"""Trial: a candidate of a search, and how far its training came."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.train.callbacks import EpochRecord
from backlit.train.prepare import Job
from backlit.train.recipe import Recipe
from backlit.train.scores import by_loss

DIVERGED, STOPPED = "diverged", "early stopping"


@dataclass(frozen=True)
class Monitor:
    """By what trials are ranked: a column of the history, and which direction is good."""

    name: str = "val_loss"
    direction: str = "min"

    def cost(self, record: EpochRecord) -> float:
        """The less the better; infinite for what isn't a number."""
        value = record.get(self.name, math.nan) * (-1 if self.direction == "max" else 1)
        return value if math.isfinite(value) else math.inf

    def of_outputs(self, job: Job) -> bool:
        """Whether outputs are needed for it, and not losses alone."""
        own = job.metrics.get(self.name.removeprefix("val_"))
        return own is not None and not by_loss(own)

    def value(self, cost: float) -> float:
        """A cost as the history has it."""
        return -cost if self.direction == "max" else cost


@dataclass(frozen=True, eq=False)
class Trial:
    """One candidate; a value, so that none is ever half trained.

    Attributes
    ----------
    number : int
    settings : mapping
        What it differs by, in words.
    recipe : Recipe
        With its validation rows by number, or data of its own, so that all are judged on the same rows.
    history : tuple of dict
        Losses and metrics of each epoch so far, means over its members.
    state : list of arrays (members, ...), optional
        What the next update starts from, leaf by leaf; None where it has to be trained again up to there, bit for bit
        the same.
    since : int
        Epochs that led to the state.
    ended : str
        "diverged" or "early stopping", if it won't go on.
    """

    number: int
    settings: Mapping[str, Any]
    recipe: Recipe
    history: tuple[EpochRecord, ...] = ()
    state: list[np.ndarray] | None = field(default=None, repr=False)
    since: int = 0
    ended: str = ""

    @property
    def epoch(self) -> int:
        """Epochs so far."""
        return len(self.history)

    def cost(self, monitor: Monitor) -> float:
        """That of the best epoch so far; infinite if it diverged, or has none."""
        if self.ended == DIVERGED:
            return math.inf
        return min(map(monitor.cost, self.history), default=math.inf)

    def best_epoch(self, monitor: Monitor) -> int:
        """The first epoch that cost least; 0 without any."""
        costs = [monitor.cost(record) for record in self.history]
        return costs.index(min(costs)) + 1 if costs else 0

    def waited(self, monitor: Monitor, patience: int | None) -> bool:
        """Whether so many epochs went by without a better one."""
        return patience is not None and self.epoch - self.best_epoch(monitor) >= patience

    def begun(self) -> Trial:
        """The same without its state, which is made again when it is needed."""
        return dataclasses.replace(self, state=None, since=0)
