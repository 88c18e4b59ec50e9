"""A learning rate that falls to nothing by the time that training must end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.optim.steered import Seen, Steered
from backlit.settings import fraction


@dataclass(frozen=True, repr=False)
class Budget(Steered):
    """A rate that falls evenly to nothing over what training may take: its epochs or its time limit.

    ``η = η₀ (1 − s (1 − e))``, s being the share that is used up, of epochs or time, whichever is more; it is set
    between epochs. A schedule that counts updates can't do that under a time limit: how many there will be isn't known.
    Li, Yumer and Ramanan, "Budgeted Training" (2020), found that falling evenly to nothing does best under a budget.

    Parameters
    ----------
    start : float
        η₀, the rate to begin with.
    end : float
        e, the share of it that is left at the end.

    Examples
    --------
    >>> from backlit import optim
    >>> budget = optim.Budget(0.1)
    >>> budget.after(optim.Seen(loss=1.0, spent=0.75), budget.init())
    ({}, 0.25)
    """

    end: float = fraction(0.0)

    def after(self, seen: Seen, state: dict[str, Any]) -> tuple[dict[str, Any], float]:
        return state, 1.0 - min(seen.spent, 1.0) * (1.0 - self.end)
