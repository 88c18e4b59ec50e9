"""Where a run is kept while it trains, and how often it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backlit.errors import InputError
from backlit.settings import Record, option, whole

if TYPE_CHECKING:  # the command's help is made from this file, and quick
    from pathlib import Path


@dataclass(frozen=True, repr=False)
class Checkpoint(Record):
    """A folder that holds the run at every moment: ``bl.fit(..., checkpoint=bl.Checkpoint("runs/a", every=5))``.

    Parameters
    ----------
    folder : path
    every : int, optional
        Epochs from one writing to the next; the folder is written at the end, too. By default 10, or of quick epochs
        as many more as keep writing at a twentieth of the time.
    resume : bool
        Go on from the state in the folder, bit for bit as if there had been no stop.
    overwrite : bool
        Replace a run that is already there; it stays until the new one is first written.

    Raises
    ------
    InputError
        If a value is of the wrong kind.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Checkpoint("runs/a", every=5)
    Checkpoint(folder='runs/a', every=5)
    """

    folder: str | Path = option()
    every: int | None = whole(None, unit="epochs", scope="call")
    resume: bool = option(False, scope="call")
    overwrite: bool = option(False, scope="call")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resume and self.overwrite:
            raise InputError("resume goes on with the run in the folder, overwrite replaces it: choose one of them")
