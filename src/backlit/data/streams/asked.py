"""What is to be understood of a table larger than memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backlit.data.streams.table import StreamedTable
from backlit.data.table.understanding import WISHES
from backlit.errors import InputError, unknown


@dataclass(frozen=True)
class Asked:
    """What is to be understood.

    Parameters
    ----------
    target : str or list of str
    task : "classification", "regression" or "multi_label", optional
        Told from the target if left out.
    split : sequence of float
        Shares of training, validation and, if there are three, test rows.
    seed : int
        Of the split and of the order of training rows.
    group : str, optional
        A column whose equal values stay in one part.
    time : str, optional
        A column by whose order rows are split: the latest are the test rows.
    wishes : dict of column to kind
        See `backlit.data.table.understand`.
    shuffle : bool
        Whether training rows come in another order in each epoch.
    """

    target: Sequence[str]
    task: str | None = None
    split: Sequence[float] = (0.7, 0.15, 0.15)
    seed: int = 0
    group: str | None = None
    time: str | None = None
    wishes: Mapping[str, str] = field(default_factory=dict)
    shuffle: bool = True

    def checked(self, table: StreamedTable) -> dict[str, str]:
        """The wishes, with those that a group or time brings; columns and roles are checked."""
        table.require_columns(self.target)
        for name, wish in self.wishes.items():
            if name not in table.schema:
                raise unknown("column", name, table.schema)
            if name in self.target:
                raise InputError(f"column {name!r} is the target, no input")
            if wish not in WISHES:
                raise unknown(f"kind for column {name!r}", wish, WISHES)
        if self.group is not None and self.time is not None:
            raise InputError("split by a group or by time, not by both")
        wishes = dict(self.wishes)
        for role, column in (("group", self.group), ("time", self.time)):
            if column is None:
                continue
            table.require_columns([column])
            if column in self.target:
                raise InputError(f"column {column!r} is the target; it can't be the {role} as well")
            wishes.setdefault(column, "drop")  # a date's seasons are looked at: see `understanding.understand`
        return wishes
