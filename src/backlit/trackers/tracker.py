"""Tracker: what all trackers have in common; one that fails is told once, and the training goes on without it."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backlit.errors import TrackerWarning
from backlit.run import Run
from backlit.train.callbacks import EpochEnd, Follower

LONGEST = 500  # characters of a setting


class Tracker(Follower):
    """A callback that writes down what a training does: ``bl.fit(..., callbacks=[tracker])``.

    A subclass says what is done when a training begins, after each epoch, with each look of the probes, and at the end.
    One tracker may follow several trainings, one after another.

    Whatever goes wrong in it (a full disk, a server that doesn't answer) ends the tracking, not the training: a
    `TrackerWarning` says so, once.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> class Printing(bl.trackers.Tracker):
    ...     def begin(self, end): print(end.settings["loss"])
    ...     def epoch(self, end): print(end.epoch)
    ...     def end(self, run): print(run.stopped)
    >>> run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=2, callbacks=[Printing()])
    MeanSquaredError()
    1
    2
    epochs done
    """

    def __init__(self) -> None:
        self._begun, self._failed, self._looks = False, False, 0

    @abstractmethod
    def begin(self, end: EpochEnd) -> None:
        """A training has begun; this is its first epoch's end."""

    @abstractmethod
    def epoch(self, end: EpochEnd) -> None:
        """An epoch is done."""

    def look(self, record: Mapping[str, Any]) -> None:
        """The probes have looked inside: see `ProbeHistory`."""

    @abstractmethod
    def end(self, run: Run) -> None:
        """The run is whole."""

    def broken(self, error: BaseException) -> None:
        """Training raised this, and there is no run."""

    def __call__(self, end: EpochEnd) -> None:
        """Write down an epoch."""
        if not self._begun:
            self.__dict__.update(_begun=True, _failed=False, _looks=0)
            self._safely(lambda: self.begin(end))
        self._safely(lambda: self._told(end))

    def finish(self, run: Any) -> None:
        """Write down the end."""
        if self._begun:  # else no epoch was done
            self._safely(lambda: self._last(Run.of(run)))
        self._begun = False

    def fail(self, error: BaseException) -> None:
        """Write down that training raised an error."""
        if self._begun:
            self._safely(lambda: self.broken(error))
        self._begun = False

    def _told(self, end: EpochEnd) -> None:
        self.epoch(end)
        self._look_at(end.probes)

    def _last(self, run: Run) -> None:
        self._look_at(run.probes)
        self.end(run)

    def _look_at(self, probes: list[dict[str, Any]]) -> None:
        """Tell of the looks since the last time: one is taken after the epoch that it is of was told."""
        new, self._looks = probes[self._looks :], len(probes)
        for record in new:
            self.look(record)

    def _safely(self, act: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            act()
        except Exception as error:  # noqa: BLE001, since nothing that a tracker does may end a training
            self._failed = True
            what = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]
            warnings.warn(
                f"{type(self).__name__} failed, so that this training isn't tracked any further: {what}",
                TrackerWarning,
                stacklevel=2,
            )


def numbers(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of an epoch's line, without its own."""
    return {name: float(value) for name, value in record.items() if name != "epoch" and isinstance(value, (int, float))}


def flow(record: Mapping[str, Any]) -> dict[str, float]:
    """How gradients flow, from a look: each layer's ‖∂L/∂a‖ and each parameter's ‖Δw‖ / ‖w‖, by names with a path."""
    told = {f"gradient_norm/{path}": layer.get("gradient_norm") for path, layer in record["layers"].items()}
    told |= {f"update_ratio/{path}": param.get("update_ratio") for path, param in record.get("params", {}).items()}
    return {name: value for name, value in told.items() if value is not None}


def histograms(record: Mapping[str, Any]) -> Iterator[tuple[str, float, float, list[int]]]:
    """Activations and gradients of a look as name, least and greatest value, and counts in equal bins between them."""
    for kind, parts in (("activations", record["layers"]), ("gradients", record.get("gradients", {}))):
        for path, told in parts.items():
            low, high, counts = told.get("min"), told.get("max"), told.get("histogram")
            if counts and sum(counts) and low is not None and high is not None:
                yield f"{kind}/{path}", low, high, counts


def results(run: Run) -> dict[str, float]:
    """What a judged run scored on rows that training never saw, and its baseline, by name."""
    judgement = run.judgement or {}
    found = {f"test_{name}": value for name, value in (judgement.get("scores") or {}).items()}
    found |= {f"baseline_{name}": value for name, value in (judgement.get("baseline") or {}).items()}
    return {
        name: float(value) for name, value in found.items() if isinstance(value, (int, float)) and math.isfinite(value)
    }


def settings(end: EpochEnd) -> dict[str, str]:
    """The options of a training and its network, as short texts."""
    told = {name: value for name, value in end.settings.items() if value is not None and value is not False}
    told |= {"network": end.network.architecture, "parameters": end.network.size}
    return {name: str(value)[:LONGEST] for name, value in told.items()}
