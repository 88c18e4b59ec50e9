"""A training's state, kept in memory: `partial_fit` goes on from it, optimizer and all."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backlit.train.callbacks import History
from backlit.train.loop import Loop
from backlit.train.result import Result

AT_THE_END = 2**31  # epochs from one writing to the next: more than there ever are


@dataclass
class Kept:
    """Where a training ended, as NumPy arrays, and a `Keeper` by which the next one begins there.

    Attributes
    ----------
    train_state : dict or None
        Parameters, optimizer state, running statistics, step and seed; None before the first training.
    epoch : int
        Epochs done.
    plateau : dict or None
        Of a steered rate, such as `ReduceOnPlateau`.
    history : History
    every : int
        Epochs from one writing to the next.
    """

    train_state: Any = None
    epoch: int = 0
    plateau: dict[str, Any] | None = None
    history: History = field(default_factory=History)
    every: int = AT_THE_END

    @contextlib.contextmanager
    def open(self, loop: Loop, settings: dict[str, Any]) -> Iterator[bool]:
        """Set the loop to where the training before it ended, if there was one."""
        if self.train_state is not None:
            state = loop.job.program.put(self.train_state)
            loop.state = dataclasses.replace(loop.state, train_state=state, epoch=self.epoch, plateau=self.plateau)
            loop.history = History(self.history)
        yield False

    def write(self, loop: Loop, result: Result) -> None:
        """Remember where the training ended: at the network that it kept, where that isn't the last."""
        state = loop.job.program.engine.fetch(loop.state.train_state)
        if loop.job.program.members == 1:
            state = {**state, "params": result.network.params, "state": result.network.state}
        self.train_state, self.epoch, self.plateau = state, loop.state.epoch, loop.state.plateau
        self.history = History(result.history)
