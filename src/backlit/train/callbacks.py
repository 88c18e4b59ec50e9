"""What a user can do between epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backlit import distributed
from backlit.errors import unknown
from backlit.settings import Record, count, option
from backlit.verbs import verb

if TYPE_CHECKING:
    from backlit.nn.layer import Network

EpochRecord = dict[str, Any]  # a line of the history


@dataclass(eq=False)
class EpochEnd:
    """What a callback gets after each epoch.

    Attributes
    ----------
    epoch : int
        Number of the epoch just done, from 1.
    record : dict
        Its line of the history: loss, metrics, val_loss, val_*, seconds.
    history : list of dict
        All lines so far.
    probes : list of dict
        What the probes have told so far (see `ProbeHistory`); a look at this epoch comes after it.
    settings : dict
        What `fit` was called with, as plain data.
    """

    epoch: int
    record: EpochRecord
    history: list[EpochRecord]
    _network: Callable[[], Network] = field(repr=False)
    probes: list[dict[str, Any]] = field(default_factory=list, repr=False)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def network(self) -> Network:
        """The network as it is after this epoch."""
        return self._network()


Callback = Callable[[EpochEnd], Any]  # returning True ends the training after this epoch


class Follower:
    """A callback that is also told how a training ends; trackers are such.

    A subclass is called with each `EpochEnd`, as any callback.

    Attributes
    ----------
    gradients : bool
        Whether the probes are to keep histograms of gradients for it.
    """

    gradients: bool = False

    def __call__(self, end: EpochEnd) -> Any:
        """After an epoch; True ends the training."""

    def finish(self, run: Any) -> None:
        """The run is whole: trained and, if it is to be judged, judged."""

    def fail(self, error: BaseException) -> None:
        """Training raised this."""


def finished(callbacks: Iterable[Callback], run: Any) -> None:
    """Tell the followers among callbacks of the run that came of their training; in the first of several processes."""
    for callback in callbacks if distributed.is_first() else ():
        if isinstance(callback, Follower):
            callback.finish(run)


@contextmanager
def followed(callbacks: Iterable[Callback]) -> Iterator[None]:
    """Tell the followers among callbacks of an error that ends the training."""
    try:
        yield
    except BaseException as error:
        for callback in callbacks:
            if isinstance(callback, Follower):
                callback.fail(error)
        raise


@dataclass(frozen=True)
class EarlyStopping(Record):
    """Stop when a watched value hasn't improved for `patience` epochs, and go back to the best weights.

    Parameters
    ----------
    patience : int
        Epochs without improvement that are waited for.
    monitor : str or None
        A column of the history; by default "val_loss" with validation, else "loss".
    min_delta : float
        Least change that counts as improvement.
    direction : "min", "max" or None
        Whether small or large is good; by default known from the metric ("min" for losses).
    restore_best : bool
        Whether the run ends with the best weights (else with the last).

    Examples
    --------
    >>> import backlit as bl
    >>> bl.EarlyStopping(patience=5)
    EarlyStopping(patience=5, monitor=None, min_delta=0.0, direction=None, restore_best=True)
    """

    patience: int = count(10, words="a whole number of at least 1")
    monitor: str | None = option(None)
    min_delta: float = option(0.0, open_high=True, words="at least 0")
    direction: str | None = option(None, names=("min", "max"))
    restore_best: bool = option(True)

    def _title(self) -> str:
        return "EarlyStopping: "


class History(list[EpochRecord]):
    """The lines of a run's history, one dict an epoch.

    Examples
    --------
    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history["loss"]
    [0.5, 0.25]
    """

    def __getitem__(self, key: Any) -> Any:
        """A column by name, or lines by number."""
        if isinstance(key, str):
            if not any(key in record for record in self):
                raise unknown("column of the history", key, {name for record in self for name in record})
            return [record.get(key) for record in self]
        return super().__getitem__(key)

    _repr_html_ = verb("backlit.report.notebook:of_history", "What a notebook shows: curves, and the last epochs.")

    def frame(self) -> Any:
        """The history as a polars DataFrame (`.to_pandas()` turns it into a pandas one)."""
        import polars

        return polars.DataFrame(list(self))
