"""What a user may say about a search, declared once: signatures, flags and checks come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backlit.errors import unknown
from backlit.settings import Record, count, option

SEARCH = "Search"  # a heading of the command's help
TRIALS = 64
BACKENDS = ("here", "ray", "dask")


@dataclass(frozen=True, repr=False)
class Wishes(Record):
    """How a search goes, whatever is tuned.

    Parameters
    ----------
    trials : int, optional
        Candidates that are trained a little; 64 by default, or all where there are fewer.
    space : dict, optional
        What is tried, by setting: a range in a tuple, ``(1e-4, 1e-1)``, a list of values, or words,
        ``"1e-4..1e-1"``. By default what suits the kind of data.
    by : str, optional
        What candidates are ranked by, on rows that are held back: the loss by default, or a metric: "accuracy".
    factor : int
        One candidate in so many goes on to the next rung, with so many times the epochs.
    workers : int, optional
        Processes that train side by side; by default threads of this one, as many as there are cores.
    backend : "here", "ray" or "dask"
        Who trains: this machine, or a cluster that is there already.
    address : str, optional
        Of the cluster: "auto" or "ray://host:10001", "tcp://scheduler:8786". Left out, a local one is begun.
    """

    trials: int | None = count(None, panel=SEARCH, help=f"Candidates, {TRIALS} by default, or all if there are fewer.")
    space: Mapping[str, Any] | None = option(None, kinds=(Mapping,), words="a dict of setting to range or list")
    by: str | None = option(
        None, panel=SEARCH, help="Rank by this metric of the held-out rows, accuracy say; by default by the loss"
    )
    factor: int = count(
        3, low=2, panel=SEARCH, help="One candidate in so many goes on, for so many times the epochs", unit="candidates"
    )
    workers: int | None = count(
        None, panel=SEARCH, help="Processes that train side by side; by default threads, as many as there are cores."
    )
    backend: str = option("here", panel=SEARCH, help="Who trains: here, or a cluster's workers: ray or dask")
    address: str | None = option(
        None, panel=SEARCH, help="Of the cluster, ray://head:10001 or tcp://scheduler:8786; by default a local one"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.backend not in BACKENDS:
            raise unknown("backend", self.backend, BACKENDS)
