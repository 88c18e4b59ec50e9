"""Change: one remedy applied to a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backlit.train.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Change:
    """A recipe after one remedy.

    Attributes
    ----------
    words : str
        What was changed: "learning rate 1 → 0.1".
    recipe : Recipe
    criterion : str
        What it is judged by: "loss", "balanced error" or "error", see `held`.
    config : dict or None
        The same as options of `backlit train`, or None if its options can't say it.
    """

    words: str
    recipe: Recipe
    criterion: str = "loss"
    config: dict[str, Any] | None = None


# The ways to mend a finding, of which the best is tried: none if there is nothing to do here. It gets what was trained,
# with held-out rows by number (`Recipe.with_validation`), and the run that came of it.
Remedy = Callable[[Recipe, Any], list[Change]]
