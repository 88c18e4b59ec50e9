"""Bench: where networks are trained and judged, each recipe and seed once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from backlit.doctor.repair import compare as held
from backlit.errors import BacklitWarning
from backlit.train.recipe import Recipe

Progress = Callable[[str, float], None]


class StoppedError(Exception):
    """Training was stopped by the user."""


class Bench:
    """Where networks are trained and judged, each recipe and seed once."""

    def __init__(self, recipe: Recipe, seeds: int, progress: Progress | None = None) -> None:
        self.seed, self.seeds, self.progress = recipe.seed, seeds, progress
        self.trainings, self.share, self.stage = 0, 0.0, ""
        self._known: dict[tuple[int, int], held.Judged] = {}
        self._kept: list[Recipe] = []  # so that their ids stay theirs

    def know(self, recipe: Recipe, run: Any) -> None:
        """Take a run as what the recipe gives with its own seed."""
        self._kept.append(recipe)
        self._known[id(recipe), 0] = held.judged(run, recipe)

    def trial(self, recipe: Recipe, number: int) -> held.Judged:
        """What comes of a recipe with the first, second … seed."""
        key = id(recipe), number
        if key not in self._known:
            if self.progress:
                self.progress(self.stage, self.share)
            # Only the first is diagnosed, and probes don't change what is learned.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BacklitWarning)  # told of the original, and not to be told again
                run = recipe.fit(seed=self.seed + number, probes=None if number else "standard", progress=False)
            self.trainings += 1
            if run.stopped == "interrupted":
                raise StoppedError
            self._kept.append(recipe)
            self._known[key] = held.judged(run, recipe)
        return self._known[key]
