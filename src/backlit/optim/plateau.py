"""A learning rate that is reduced when the loss no longer falls, as is seen between epochs."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError
from backlit.optim.rate import FromStart
from backlit.settings import count, fraction, nonnegative, option


@dataclass(frozen=True, repr=False)
class ReduceOnPlateau(FromStart):
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

    def at(self, xp: ModuleType, t: Any) -> Any:
        return self.start + 0.0 * t

    def init(self) -> dict[str, Any]:
        """State before the first epoch; plain data."""
        return {"best": None, "bad": 0, "cooldown": 0, "factor": 1.0}

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


def plateau_of(part: Any) -> ReduceOnPlateau | None:
    """The `ReduceOnPlateau` in an optimizer, a chain or a schedule; None if there is none.

    >>> from backlit import optim
    >>> plateau_of(optim.chain(optim.ClipValue(1.0), optim.Adam(ReduceOnPlateau(0.1))))
    ReduceOnPlateau(start=0.1)
    """
    if isinstance(part, ReduceOnPlateau):
        return part
    if isinstance(part, (tuple, list)):
        inside = list(part)
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        inside = [getattr(part, field.name) for field in dataclasses.fields(part)]
    else:
        return None
    return next((plateau for plateau in map(plateau_of, inside) if plateau is not None), None)


def set_factor(state: dict[str, Any], value: float) -> dict[str, Any]:
    """The optimizer's state with another factor on the learning rate, as `ReduceOnPlateau` decides it.

    Raises
    ------
    InputError
        If the optimizer has no `ReduceOnPlateau` as its learning rate.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer = optim.SGD(optim.ReduceOnPlateau(0.1))
    >>> state = set_factor(optimizer.init({"w": np.ones(2)}), 0.5)
    >>> float(state["scale_by_learning_rate"]["factor"])
    0.5
    """
    replaced = 0

    def visit(node: dict[str, Any]) -> dict[str, Any]:
        nonlocal replaced
        new = {}
        for key, child in node.items():
            if key.startswith("scale_by_learning_rate") and "factor" in child:
                replaced += 1
                old = child["factor"]  # one number, or one for each member of an ensemble
                child = {**child, "factor": np.full(old.shape, value, dtype=old.dtype)}
            elif isinstance(child, dict):
                child = visit(child)
            new[key] = child
        return new

    changed = visit(state)
    if not replaced:
        raise InputError("set_factor: the optimizer has no factor; give it learning_rate=ReduceOnPlateau(...)")
    return changed
