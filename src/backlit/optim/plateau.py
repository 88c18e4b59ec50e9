"""A learning rate that is reduced when the loss no longer falls, as is seen between epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from backlit.optim.steered import Seen, Steered
from backlit.settings import count, fraction, nonnegative, option


@dataclass(frozen=True, repr=False)
class ReduceOnPlateau(Steered):
    """A fixed rate that is reduced when the loss no longer falls: decided between epochs, from the loss measured there.

    As a schedule it is constant; the decisions are a small pure state machine beside it, and the factor it
    finds is handed to the optimizer's state by `set_factor` (training does that by itself).

    Parameters
    ----------
    start : float
        The rate to begin with.
    factor : float
        What the rate is multiplied by.
    patience : int
        Epochs without improvement that are put up with; one more reduces the rate.
    threshold : float
        Improvement smaller than this doesn't count.
    threshold_mode : "relative" or "absolute"
        Whether the threshold is a share of the best value or a difference.
    cooldown : int
        Epochs after a reduction in which nothing is counted.
    minimum : float
        The rate isn't reduced below this.
    mode : "min" or "max"
        Whether smaller or larger values are better.

    Examples
    --------
    >>> plateau = ReduceOnPlateau(0.1, factor=0.5, patience=1)
    >>> state = plateau.init()
    >>> for loss in (1.0, 0.9, 0.9, 0.9):
    ...     state, factor = plateau.update(loss, state)
    >>> factor
    0.5
    """

    factor: float = fraction(0.1)
    patience: int = count(10, low=0)
    threshold: float = nonnegative(1e-4)
    threshold_mode: str = option("relative", names=("relative", "absolute"))
    cooldown: int = count(0, low=0)
    minimum: float = nonnegative(0.0)
    mode: str = option("min", names=("min", "max"))

    SMALLEST: ClassVar[float] = 1e-8  # a reduction by less than this isn't made

    def init(self) -> dict[str, Any]:
        """State before the first epoch; plain data."""
        return {"best": None, "bad": 0, "cooldown": 0, "factor": 1.0}

    def after(self, seen: Seen, state: dict[str, Any]) -> tuple[dict[str, Any], float]:
        return self.update(seen.loss, state)

    def update(self, value: float, state: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """The state after an epoch with this value, and the factor to multiply the rate by."""
        best, bad, cooldown, factor = state["best"], state["bad"] + 1, state["cooldown"], state["factor"]
        value = float(value)
        if self._better(value, best):
            best, bad = value, 0
        if cooldown > 0:
            cooldown, bad = cooldown - 1, 0
        if bad > self.patience:
            lower = factor * self.factor
            if self.start * lower < self.minimum:
                lower = self.minimum / self.start if self.start else factor
            if self.start * (factor - lower) > self.SMALLEST:
                factor = lower
            cooldown, bad = self.cooldown, 0
        return {"best": best, "bad": bad, "cooldown": cooldown, "factor": factor}, factor

    def _better(self, value: float, best: float | None) -> bool:
        sign = 1.0 if self.mode == "min" else -1.0
        if best is None:
            return sign * value < math.inf
        margin = self.threshold * (best if self.threshold_mode == "relative" else 1.0)
        return sign * value < sign * best - margin
