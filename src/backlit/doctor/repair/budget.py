"""Budget: how much mending may train, in updates, so that it can be told beforehand how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backlit.doctor.trials import length
from backlit.train.recipe import Recipe
from backlit.train.result import Result

TRAININGS = 20  # of the run's own length, at most


@dataclass(eq=False)
class Budget:
    """Updates that mending may take, and those that it took.

    Attributes
    ----------
    unit : int
        Updates of one training as the run was to have it; as it had it, where early stopping ended it.
    spent : int
    most : float
        Trainings of that length, at most.
    stopped : tuple or None
        Early stopping that ended the run, and after how many epochs: others that it watches are expected to take as
        many.
    took : dict of Recipe to int
        Epochs that trainings of a recipe took, where that is known.
    """

    unit: int
    rows: int
    spent: int = 0
    most: float = TRAININGS
    stopped: tuple[Any, int] | None = None
    took: dict[Recipe, int] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe, run: Result | None = None, most: float = TRAININGS) -> Budget:
        """That of mending what a recipe makes, or made: a run."""
        rows = min(map(len, recipe.examples().split.training))
        budget = cls(1, rows, most=most)
        if run is not None and run.stopped == "early stopping":
            budget.stopped = recipe.training.early_stopping, length(recipe, run)
        budget.unit = max(1, budget.updates(recipe))
        return budget

    def epochs(self, recipe: Recipe) -> int:
        """Epochs that a training of a recipe takes, as far as can be told."""
        training, most = recipe.training, recipe.training.epochs
        if self.stopped is not None and training.early_stopping == self.stopped[0]:
            most = min(most, self.stopped[1])
        return self.took.get(recipe, most)

    def updates(self, recipe: Recipe, epochs: int | None = None) -> int:
        """Updates of a training of a recipe, or of some epochs of it."""
        training = recipe.training
        epochs = self.epochs(recipe) if epochs is None else epochs
        if training.steps_per_epoch:
            return training.steps_per_epoch * epochs
        size = training.batch_size if isinstance(training.batch_size, int) else self.rows
        return -(-self.rows // (min(size, self.rows) * training.accumulate)) * epochs

    def spend(self, recipe: Recipe, run: Result) -> None:
        """A training is done."""
        self.spent += self.updates(recipe, max(1, len(run.history)))

    @property
    def trainings(self) -> float:
        """What was spent, in trainings of the run's own length."""
        return self.spent / self.unit

    @property
    def left(self) -> float:
        """What is left, in trainings of the run's own length."""
        return self.most - self.trainings

    def share(self, recipe: Recipe, epochs: int | None = None) -> float:
        """What a training costs, in trainings of the run's own length."""
        return self.updates(recipe, epochs) / self.unit
