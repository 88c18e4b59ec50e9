"""Successive halving: all candidates train a little, the better ones go on, and few are trained to the end.

K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from backlit.errors import InputError
from backlit.train.search.crew import Crew
from backlit.train.search.trial import DIVERGED, Monitor, Trial

FACTOR = 3  # of the candidates one in so many goes on, for so many times the epochs
LEAST_SHARE = 9  # of all epochs the first rung has one in so many, at least: earlier, all but the rates is noise


@dataclass(frozen=True)
class Rung:
    """How many candidates are trained up to which epoch."""

    trials: int
    epochs: int


def rungs(trials: int, epochs: int, factor: int = FACTOR, least: int | None = None) -> list[Rung]:
    """The rungs of a search over so many candidates, of which the best are trained for so many epochs.

    Parameters
    ----------
    trials, epochs : int
    factor : int
        Of the candidates of a rung one in `factor` goes on to the next, which has `factor` times the epochs.
    least : int, optional
        Epochs of the first rung, at least; by default a ninth of all.

    Examples
    --------
    >>> [(rung.trials, rung.epochs) for rung in rungs(64, 80)]
    [(64, 9), (22, 27), (8, 80)]
    >>> [(rung.trials, rung.epochs) for rung in rungs(1, 80)]
    [(1, 80)]
    """
    if factor < 2:
        raise InputError(f"factor must be a whole number of at least 2, got {factor}")
    least = max(1, round(epochs / LEAST_SHARE)) if least is None else least
    levels = 0
    while factor ** (levels + 1) <= trials and round(epochs / factor ** (levels + 1)) >= least:
        levels += 1
    counts = [max(1, math.ceil(trials / factor**level)) for level in range(levels + 1)]
    lengths = [max(1, round(epochs / factor ** (levels - level))) for level in range(levels + 1)]
    made = [Rung(count, length) for count, length in zip(counts, lengths, strict=True)]
    return [rung for i, rung in enumerate(made) if i + 1 == len(made) or rung.epochs < made[i + 1].epochs]


@dataclass(eq=False)
class Search:
    """A search under way: what is told of it, and all trials as they are.

    Attributes
    ----------
    trials : dict of number to Trial
    rungs : list of Rung
    rung : int
        The one that is climbed.
    finished : set of int
        Rungs that all of theirs have come to.
    """

    trials: dict[int, Trial]
    rungs: Sequence[Rung]
    monitor: Monitor
    rung: int = 0
    finished: set[int] = field(default_factory=set)

    def ranked(self) -> list[Trial]:
        """The best first: those that came farther before others, by cost; ties by number."""
        levels = self.levels()
        return sorted(
            self.trials.values(),
            key=lambda trial: (-levels[trial.number], trial.cost(self.monitor), trial.number),
        )

    def levels(self) -> dict[int, int]:
        """How many rungs each trial has been chosen for after the first; -1 for one that diverged or hasn't begun."""
        levels = dict.fromkeys(self.trials, -1)
        for i, chosen in enumerate(self._chosen()):
            for number in chosen:
                if self.trials[number].history and self.trials[number].ended != DIVERGED:
                    levels[number] = i
        return levels

    def best(self) -> Trial | None:
        """Whose cost is the least among those that came farthest; None if there is none that can be used."""
        for trial in self.ranked():
            if math.isfinite(trial.cost(self.monitor)):
                return trial
        return None

    def climbers(self, rung: int) -> list[Trial]:
        """Who is chosen for a rung."""
        chosen = self._chosen()
        return [self.trials[number] for number in sorted(chosen[rung])] if rung < len(chosen) else []

    def _chosen(self) -> list[set[int]]:
        """Numbers of those chosen for each rung so far: all, then the better ones of each rung that was finished."""
        chosen = [set(self.trials)]
        for i, rung in enumerate(self.rungs[1:], start=1):
            if i - 1 not in self.finished:
                break
            before = [self.trials[number] for number in chosen[-1]]
            costs = {trial.number: self.cost_at(trial, self.rungs[i - 1].epochs) for trial in before}
            order = sorted((cost, number) for number, cost in costs.items() if math.isfinite(cost))
            chosen.append({number for _, number in order[: rung.trials]})
        return chosen

    def cost_at(self, trial: Trial, epochs: int) -> float:
        """What a trial cost when it had come to an epoch."""
        if trial.ended == DIVERGED and trial.epoch < epochs:
            return math.inf
        return min(map(self.monitor.cost, trial.history[:epochs]), default=math.inf)


def halve(
    search: Search,
    crew: Crew,
    done: Callable[[Search, list[Trial]], Any] = lambda search, block: None,
    asked: Callable[[], bool] = lambda: False,
) -> Search:
    """Climb all rungs, or as far as `asked` lets it.

    Candidates that are to be compared with paired seeds have the same seeds in their recipes: as members of one
    ensemble, say, whose starts and shuffles are then the same for all.

    Parameters
    ----------
    search : Search
        Begun or not: trials that have come to a rung aren't trained for it again.
    crew : Crew
    done : callable
        ``done(search, block)`` is told of each block that was trained, and of an empty one after each rung.
    asked : callable
        Whether to end the search as soon as may be.
    """
    for i, rung in enumerate(search.rungs):
        search.rung = i
        if i in search.finished:
            continue
        todo = [trial for trial in search.climbers(i) if not trial.ended and trial.epoch < rung.epochs]
        if todo:
            for block in crew.train(todo, rung.epochs, asked):
                search.trials |= {trial.number: trial for trial in block}
                done(search, block)
        if asked():
            return search
        search.finished.add(i)
        going = {trial.number for trial in search.climbers(i + 1)}
        search.trials = {number: trial if number in going else trial.begun() for number, trial in search.trials.items()}
        done(search, [])
    return search
