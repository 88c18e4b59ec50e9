"""A learning rate that is steered between epochs: by a factor in the optimizer's state, which training sets."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.optim.rate import FromStart


@dataclass(frozen=True)
class Seen:
    """What is known after an epoch.

    Attributes
    ----------
    loss : float
        Of the validation rows, or of training where there are none.
    spent : float
        The share of what training may take that is used up: of its epochs or its time, whichever is more.
    """

    loss: float
    spent: float


@dataclass(frozen=True, repr=False)
class Steered(FromStart, abstract=True):
    """Base of rates that are multiplied by a factor which is decided between epochs.

    As schedules they are constant; the decisions are a small pure state machine beside it: `init` and `after`.
    """

    def at(self, xp: ModuleType, t: Any) -> Any:
        return self.start + 0.0 * t

    def init(self) -> dict[str, Any]:
        """State before the first epoch; plain data."""
        return {}

    def after(self, seen: Seen, state: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """The state after an epoch, and the factor to multiply the rate by."""
        raise NotImplementedError(f"{type(self).__name__} must define after(self, seen, state)")


def steered_of(part: Any) -> Steered | None:
    """The `Steered` rate in an optimizer, a chain or a schedule; None if there is none.

    >>> from backlit import optim
    >>> steered_of(optim.chain(optim.ClipValue(1.0), optim.Adam(optim.ReduceOnPlateau(0.1))))
    ReduceOnPlateau(start=0.1)
    """
    if isinstance(part, Steered):
        return part
    if isinstance(part, (tuple, list)):
        inside = list(part)
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        inside = [getattr(part, field.name) for field in dataclasses.fields(part)]
    else:
        return None
    return next((steered for steered in map(steered_of, inside) if steered is not None), None)


def set_factor(state: dict[str, Any], value: float) -> dict[str, Any]:
    """The optimizer's state with another factor on the learning rate, as a `Steered` rate decides it.

    Raises
    ------
    InputError
        If the optimizer has no `Steered` rate.

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
