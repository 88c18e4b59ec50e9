"""Trials: candidates trained side by side from a run's own start, and what its held-out rows cost each of them.

Candidates of one form run one compiled program (`train.search`). Proofs of findings and repairs are made of these.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.doctor.repair.compare import (
    Comparison,
    Validation,
    cap,
    capped,
    compare,
    costs,
    groups,
    validate,
)
from backlit.errors import BacklitError, InputError
from backlit.graph import tree
from backlit.train.inputs import preparation_for
from backlit.train.loop import Loop, LoopState
from backlit.train.prepare import Job, is_exact
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.search import Crew, Groups, Monitor, Trial

MOST_THREADS = 2  # small networks' programs use one core each
HELD = "val_loss"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one training of a candidate came to.

    Attributes
    ----------
    recipe : Recipe
        With its seed.
    epochs : int
        How far it was trained.
    history : tuple of dict
        Losses of each epoch.
    validation : Validation or None
        What it says of the held-out rows after the last of them; None where it diverged.
    """

    recipe: Recipe
    epochs: int
    history: tuple[dict[str, Any], ...]
    validation: Validation | None

    @property
    def best_epoch(self) -> int:
        """The epoch whose held-out loss was the least; 0 without any."""
        values = [_finite(record.get(HELD)) for record in self.history]
        return 1 + values.index(min(values)) if values else 0

    @property
    def excess(self) -> float:
        """The least held-out loss of all epochs, as a share of the last one's: what keeping the best would leave."""
        values = [_finite(record.get(HELD)) for record in self.history]
        if not values or not math.isfinite(values[-1]) or values[-1] <= 0:
            return 1.0
        return max(0.0, min(values)) / values[-1]


def length(recipe: Recipe, run: Result) -> int:
    """Epochs that such a training takes: those that the run had, where early stopping ended it before its time."""
    if run.stopped == "early stopping" and run.history:
        return min(recipe.training.epochs, len(run.history))
    return recipe.training.epochs


def _finite(value: Any) -> float:
    return float(value) if value is not None and math.isfinite(value) else math.inf


@dataclass(eq=False)
class Yardstick:
    """By what candidates are compared: a criterion, in the unit of one run, on the rows that its recipe holds back.

    Parameters
    ----------
    reference : Run
        Whose loss and unit numbers are told in.
    recipe : Recipe
        Of the reference, with its validation rows by number.
    criterion : str
        See `repair.compare.costs`.
    """

    reference: Result
    recipe: Recipe
    criterion: str = "loss"
    _base: Validation | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, reference: Result, base: Validation, criterion: str) -> Yardstick:
        """One of which the reference's answers are known, or those of a run that has taken its place."""
        yardstick = cls(reference, reference.recipe, criterion)
        yardstick._base = base
        return yardstick

    @property
    def base(self) -> Validation:
        """What the reference says of the held-out rows."""
        if self._base is None:
            self._base = validate(self.reference, self.recipe)
        return self._base

    @property
    def most(self) -> float:
        """What a row costs at most."""
        return cap(self.base, self.criterion, self.reference)

    @property
    def group(self) -> np.ndarray:
        """Of which group each row is, see `repair.compare.groups`."""
        return groups(self.base, self.criterion)

    def rows(self, validation: Validation | None) -> np.ndarray:
        """What each row costs (rows,), at most `most`; of a network that diverged the most."""
        if validation is None:
            return capped(np.full(len(self.group), np.nan), self.most)
        return capped(costs(validation, self.criterion, self.reference), self.most)

    def kept(self, outcome: Outcome) -> np.ndarray:
        """What each row costs (rows,) in the end; with early stopping about what it does at the best epoch."""
        rows, stopping = self.rows(outcome.validation), outcome.recipe.training.early_stopping
        best = bool(stopping) and getattr(stopping, "restore_best", True) and self.criterion.endswith("loss")
        return rows * outcome.excess if best else rows

    def cost(self, outcome: Outcome) -> float:
        """What rows cost on average, if the best epoch so far were kept: the less the better."""
        mean = float(self.rows(outcome.validation).mean())
        if outcome.validation is None or not self.criterion.endswith("loss"):
            return mean
        with np.errstate(all="ignore"):  # rows may cost more than what they count for: then the best epoch is far below
            best = float(costs(outcome.validation, self.criterion, self.reference).mean()) * outcome.excess
        return min(mean, best) if math.isfinite(best) else mean

    def compare(self, before: Sequence[Outcome], after: Sequence[Outcome]) -> Comparison:
        """A paired test of two candidates, each with the same seeds, by what they are in the end, see `kept`."""
        pairs = [(self.kept(a), self.kept(b)) for a, b in zip(before, after, strict=True)]
        return compare(np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs]), self.group)


class Trials:
    """Candidates, each with some seeds, that are trained together as far as they are wanted.

    All have the same start where their networks agree, the same batches, and hold back the same rows.

    Parameters
    ----------
    recipes : sequence of Recipe
        With validation rows by number (`Recipe.with_validation`). What can't be trained is left out, see `left_out`.
    seeds : iterable of int
        Added to each recipe's own.
    longest : int
        Epochs that any of them is trained for at most, whatever its recipe says.

    Attributes
    ----------
    updates : int
        Trained so far, all together.
    left_out : dict of int to str
        Candidates that can't be trained, by place, and why.
    """

    def __init__(self, recipes: Sequence[Recipe], seeds: Iterable[int] = (0,), longest: int | None = None) -> None:
        self.recipes, self.seeds = list(recipes), tuple(seeds)
        self.monitor = Monitor(HELD)
        self.groups = Groups(self.monitor)
        self.updates = 0
        self.left_out: dict[int, str] = {}
        self._trials: dict[tuple[int, int], Trial] = {}
        self._outcomes: dict[tuple[int, int], Outcome] = {}
        self._prepared: dict[Any, Any] = {}  # what prepares inputs, so that those who share it share rows on the device
        for place, recipe in enumerate(self.recipes):
            with np.errstate(all="ignore"):
                try:
                    for k, seed in enumerate(self.seeds):
                        trial = Trial(place * len(self.seeds) + k, {}, self._bare(recipe, seed, longest))
                        self.groups.of(trial)
                        self._trials[place, k] = trial
                except BacklitError as error:
                    self.left_out[place] = str(error)
        engine = self.recipes[0].training.engine if self.recipes else "numpy"
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        one = engine == "numpy" or any(group.width > 1 for group in self.groups.groups.values())
        self.crew = Crew(self.groups, 1 if one else min(cores, MOST_THREADS))

    def updates_of(self, place: int, epochs: int = 1) -> int:
        """Updates that so many epochs of a candidate take, with one seed."""
        trial = self._trials[place, 0]
        return self.groups.of(trial).lead.batches[0].steps * epochs

    def train(
        self,
        until: int,
        places: Iterable[int] | None = None,
        seeds: int | None = None,
        asked: Callable[[], bool] = lambda: False,
    ) -> dict[int, list[Outcome]]:
        """Train some candidates up to an epoch, and tell what came of each, a list with an entry a seed.

        Parameters
        ----------
        until : int
            Epoch, counted from the start. Those that have come so far aren't trained again.
        places : iterable of int, optional
            Which candidates; all by default.
        seeds : int, optional
            The first so many seeds; all by default.
        asked : callable
            Whether to end as soon as may be: only those are told of that came to the epoch with each seed.
        """
        every = range(len(self.recipes)) if places is None else places
        chosen = [place for place in every if place not in self.left_out]
        numbers = range(len(self.seeds) if seeds is None else seeds)
        wanted = [(place, k) for place in chosen for k in numbers]
        todo = [trial for key in wanted if not (trial := self._trials[key]).ended and trial.since < until]
        if todo:
            of = {trial.number: key for key, trial in self._trials.items()}
            with np.errstate(all="ignore"):
                for block in self.crew.train(todo, until, asked):
                    for trial in block:
                        self._told(of[trial.number], trial)
        return {
            place: [self._outcomes[place, k] for k in numbers]
            for place in chosen
            if all((place, k) in self._outcomes and self._came((place, k), until) for k in numbers)
        }

    def _came(self, key: tuple[int, int], until: int) -> bool:
        trial = self._trials[key]
        return bool(trial.ended) or trial.since >= min(until, trial.recipe.training.epochs)

    def _told(self, key: tuple[int, int], trial: Trial) -> None:
        """A trial after some more epochs: its state becomes answers for the held-out rows."""
        group = self.groups.of(trial)
        self.updates += group.lead.batches[0].steps * max(0, trial.since - self._trials[key].since)
        self._trials[key] = trial
        job = group.jobs[trial.number]
        validation = None if trial.state is None else validate(_result(job, trial), trial.recipe)
        recipe = self.recipes[key[0]].replace(seed=trial.recipe.seed)
        self._outcomes[key] = Outcome(recipe, trial.epoch, trial.history, validation)

    def _bare(self, recipe: Recipe, seed: int, longest: int | None) -> Recipe:
        """A recipe as it is raced: without what watches it or ends it early."""
        if recipe.streamed:
            raise InputError("a stream can't be trained on with changes side by side")
        key = (id(recipe.training.preparation), id(recipe.x), bool(recipe.architecture.input_names))
        if key not in self._prepared:
            prepared = recipe.prepared().training.preparation
            self._prepared[key] = preparation_for(recipe.network, prepared, recipe.x)
        epochs = recipe.training.epochs if longest is None else longest
        return recipe.replace(
            preparation=self._prepared[key], seed=recipe.seed + seed, probes=None, metrics=[], early_stopping=None,
            until_loss=None, time_limit=None, epochs=1 if is_exact(recipe.training.optimizer) else epochs,
        )  # fmt: skip

    def free(self, places: Iterable[int]) -> None:
        """Forget the states of candidates that won't go on."""
        for place in places:
            for k in range(len(self.seeds)):
                if (place, k) in self._trials:
                    self._trials[place, k] = dataclasses.replace(self._trials[place, k], state=None, since=0)


def _result(job: Job, trial: Trial) -> Result:
    """A run as it would have ended here."""
    structure = tree.flatten(job.start)[1]
    state = tree.unflatten(structure, trial.state or [])
    if job.program.members == 1:
        state = tree.map(lambda part: part[0], state)
    loop = Loop(job)
    loop.state = LoopState(state, trial.since)
    return Result(
        network=loop.network(),
        history=loop.history,
        loss=job.loss,
        targets=job.targets,
        metrics=job.metrics,
        preparation=job.training.preparation,
        optimizer=job.optimizer,
    )


def side_by_side(
    recipes: Sequence[Recipe],
    epochs: int,
    seeds: int = 2,
    asked: Callable[[], bool] = lambda: False,
) -> list[list[Outcome] | None]:
    """Candidates trained for so many epochs with the same seeds; a list of outcomes each, None where there is none.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(90, 3)).astype("float32")
    >>> net, slow = bl.Linear(1, weight_init="zeros"), bl.SGD(1e-4)
    >>> run = bl.fit(net, x, x.sum(axis=1), epochs=2, optimizer=slow, validation=0.3, engine="numpy")
    >>> base = run.recipe.with_validation()
    >>> before, after = side_by_side([base, base.replace(optimizer=bl.SGD(0.1))], epochs=4, seeds=2)
    >>> Yardstick(run, base).compare(before, after).better
    True
    """
    trials = Trials(recipes, range(seeds), epochs)
    done = trials.train(epochs, asked=asked)
    return [done.get(place) for place in range(len(recipes))]
