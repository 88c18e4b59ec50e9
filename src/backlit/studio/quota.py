"""How much of the machine a session may take: all of it for one person, a share for each pupil of a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from backlit.studio.state import MOST_UPDATES, MOST_WEIGHTS

KEPT_BYTES = 256 * 2**20
FILES = 4
CLASS_KEPT_BYTES, CLASS_UPDATES, CLASS_WEIGHTS, CLASS_FILES = 2**30, 1_000_000, 50_000, 1
CLASS_UNATTENDED = 600.0


@dataclass(frozen=True)
class Quota:
    """What one session may take.

    Parameters
    ----------
    kept_bytes : int
        Of the states that each of its networks keeps to go back to, at least four of them. Rows, files that were sent,
        what is known of each update, and maps for frames aren't counted.
    updates : int
        That are made.
    weights : int
        Of a network.
    files : int
        That were sent and are kept, besides what the networks learn from.
    unattended : float or None
        Seconds that a training plays on while nobody asks for anything; None: for ever.
    engine : str
        Whatever a state says; "auto": as the state says. A class has "numpy": thirty networks that are compiled at
        once hold everyone up.
    """

    kept_bytes: int = KEPT_BYTES
    updates: int = MOST_UPDATES
    weights: int = MOST_WEIGHTS
    files: int = FILES
    unattended: float | None = None
    engine: str = "auto"

    @classmethod
    def of_a_class(cls, pupils: int) -> Self:
        """The share of each of so many: together their kept states take no more than 2 GiB, two networks each.

        >>> Quota.of_a_class(32).kept_bytes == 2**30 // 32
        True
        """
        kept = min(KEPT_BYTES, CLASS_KEPT_BYTES // max(1, pupils))
        return cls(kept, CLASS_UPDATES, CLASS_WEIGHTS, CLASS_FILES, CLASS_UNATTENDED, "numpy")
