"""Bench: where recipes are trained and validated, each with each seed once."""

from __future__ import annotations

import warnings
from collections.abc import Callable

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

    def __init__(self, recipe: Recipe, seeds: int, progress: Progress | None = None) -> None:
        self.seed, self.seeds, self.progress = recipe.seed, seeds, progress
        self.trainings, self.share, self.stage = 0, 0.0, ""
        self._done: dict[tuple[Recipe, int], Validation] = {}

    def know(self, recipe: Recipe, run: Result) -> None:
        """Take a run as what the recipe gives with its own seed."""
        self._done[recipe, 0] = validate(run, recipe)

    def trial(self, recipe: Recipe, number: int) -> Validation:
        """What comes of a recipe with the first, second … seed."""
        key = recipe, number
        if key not in self._done:
            if self.progress:
                self.progress(self.stage, self.share)
            # Only the first is diagnosed, and probes don't change what is learned.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BacklitWarning)  # told of the original, and not to be told again
                run = recipe.fit(seed=self.seed + number, probes=None if number else "standard", progress=False)
            self.trainings += 1
            if run.stopped == "interrupted":
                raise StoppedError
            self._done[key] = validate(run, recipe)
        return self._done[key]
