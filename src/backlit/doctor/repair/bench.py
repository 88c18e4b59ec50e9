"""Bench: where recipes are trained and validated, each with each seed once."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from backlit.doctor.repair.budget import Budget
from backlit.doctor.repair.compare import Validation, validate
from backlit.errors import BacklitWarning
from backlit.train.recipe import Recipe
from backlit.train.result import Result

Progress = Callable[[str, float], None]


class StoppedError(Exception):
    """Training was stopped by the user."""


class Bench:
    """Where recipes are trained and validated, each with each seed once.

    A recipe is known by itself, not by what it says: its data and options may be any objects, so whether two that were
    made apart would train the same can't be told. The search hands the same recipe on where it means the same.
    """

    def __init__(self, recipe: Recipe, seeds: int, budget: Budget, progress: Progress | None = None) -> None:
        self.seed, self.seeds, self.budget, self.progress = recipe.seed, seeds, budget, progress
        self.trainings, self.stage = 0, ""
        self._done: dict[tuple[Recipe, int], Validation] = {}

    def know(self, recipe: Recipe, run: Result) -> None:
        """Take a run as what the recipe gives with its own seed."""
        self._done[recipe, 0] = validate(run, recipe)

    def lacking(self, recipe: Recipe, seeds: int) -> int:
        """With how many of the first seeds a recipe hasn't been trained yet."""
        return sum((recipe, number) not in self._done for number in range(seeds))

    def tell(self) -> None:
        """Say what is being tried."""
        if self.progress:
            self.progress(self.stage, min(1.0, self.budget.trainings / self.budget.most))

    def trial(self, recipe: Recipe, number: int) -> Validation:
        """What comes of a recipe with the first, second … seed."""
        key = recipe, number
        if key not in self._done:
            # Only the first is diagnosed, and probes don't change what is learned.
            run = self.train(recipe.replace(seed=self.seed + number, probes=None if number else "standard"))
            self._done[key] = validate(run, recipe)
            self.budget.took[recipe] = max(1, len(run.history))
        return self._done[key]

    def train(self, recipe: Recipe) -> Result:
        """A training, counted; what it warns of was told of the original."""
        self.tell()
        with warnings.catch_warnings(), np.errstate(all="ignore"):  # what diverges loses
            warnings.simplefilter("ignore", BacklitWarning)
            run = recipe.fit(progress=False)
        self.trainings += 1
        self.budget.spend(recipe, run)
        if run.stopped == "interrupted":
            raise StoppedError
        return run
