"""Progress of a search: one line that changes in a terminal, lines now and then elsewhere, on standard error."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field

from backlit.aligned import visible
from backlit.train.progress import duration
from backlit.train.search import Rung, Search

SECONDS = 2.0  # between two lines
WIDTH = 118  # characters of the one that changes


@dataclass(eq=False)
class Progress:
    """What is shown of a search.

    Parameters
    ----------
    wanted : bool or None
        True: lines also where there is no terminal; None: only in one; False: nothing.
    deadline : float, optional
        When the search ends in any case, by `time.monotonic`.
    """

    wanted: bool | None
    deadline: float | None = None
    began: float = field(default_factory=time.monotonic)
    last: float = -1e9
    first: float = math.nan  # share that was done when this process began
    open: bool = False

    def show(self, search: Search) -> None:
        """Show how far the search is."""
        terminal = sys.stderr.isatty()
        if self.wanted is False or not (terminal or self.wanted):
            return
        share = done(search)
        if math.isnan(self.first):
            self.first = share
        whole = search.rung + 1 == len(search.rungs) and share >= 1
        if time.monotonic() - self.last < (0.1 if terminal else SECONDS) and not whole:
            return
        self.last = time.monotonic()
        line = visible(told(search, self._left(share)))
        if terminal:
            sys.stderr.write(f"\r{line[:WIDTH]:<{WIDTH}}")
            self.open = True
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """The line stays, and what follows begins a new one."""
        if self.open:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self.open = False

    def _left(self, share: float) -> str:
        gone = time.monotonic() - self.began
        if share <= self.first:
            return ""
        rest = gone * (1 - share) / (share - self.first)
        if self.deadline is not None:
            rest = min(rest, max(0.0, self.deadline - time.monotonic()))
        return f"; about {duration(rest)} left" if rest >= 1 else ""


def done(search: Search) -> float:
    """The share of all epochs that are trained."""
    whole = sum(rung.trials * (rung.epochs - before) for rung, before in _steps(search))
    gone = 0
    for i, (rung, before) in enumerate(_steps(search)):
        climbers = search.climbers(i)
        spare = rung.trials - len(climbers) if climbers else 0  # fewer than planned: some diverged
        gone += spare * (rung.epochs - before)
        for trial in climbers:
            far = rung.epochs if trial.ended else min(trial.epoch, rung.epochs)
            gone += max(0, far - before)
    return min(1.0, gone / max(1, whole))


def _steps(search: Search) -> list[tuple[Rung, int]]:
    befores = [0, *(rung.epochs for rung in search.rungs)]
    return list(zip(search.rungs, befores, strict=False))


def told(search: Search, left: str = "") -> str:
    """How far the search is, in a line."""
    rung = search.rungs[search.rung]
    climbers = search.climbers(search.rung)
    there = sum(trial.ended != "" or trial.epoch >= rung.epochs for trial in climbers)
    best = search.best()
    score = ""
    if best is not None:
        score = (
            f"; best {search.monitor.name} {search.monitor.value(best.cost(search.monitor)):.4f} (trial {best.number})"
        )
    where = f"rung {search.rung + 1} of {len(search.rungs)}"
    return f"{where}: {there} of {len(climbers)} trials at epoch {rung.epochs}{score}{left}"
