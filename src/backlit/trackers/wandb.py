"""Weights & Biases: curves, histograms and test scores, kept in a folder until `wandb sync` sends them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown
from backlit.extras import need
from backlit.run import Run
from backlit.trackers.tracker import Tracker, flow, histograms, numbers, results, settings
from backlit.train.callbacks import EpochEnd

MODES = ("offline", "online")
EXTRA = {"extra": "wandb", "why": "tracking with Weights & Biases"}


class WandB(Tracker):
    """Tell Weights & Biases of a training; offline unless told otherwise, so that nothing leaves the machine.

    The history's columns, gradient norms and update ratios by look of the probes, histograms of activations and
    gradients, the settings as its config, a judged run's test scores as its summary. Steps are epochs; what the probes
    tell has ``probe_epoch`` as its own axis, since it comes after the epoch was told.

    Parameters
    ----------
    project : str
    name : str, optional
        Of the run; by default Weights & Biases chooses one.
    folder : path
        Where the run is kept: in its folder ``wandb``, from which ``wandb sync`` sends it.
    mode : "offline" or "online"
    tags : list of str

    Raises
    ------
    InputError
        If the package `wandb` isn't installed, or an option is of the wrong kind.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.trackers.WandB("houses", folder="runs").mode
    'offline'
    """

    gradients = True

    def __init__(
        self,
        project: str = "backlit",
        name: str | None = None,
        folder: str | Path = ".",
        mode: str = "offline",
        tags: tuple[str, ...] | list[str] = (),
    ) -> None:
        super().__init__()
        need("wandb", **EXTRA)
        if mode not in MODES:
            raise unknown("mode of WandB", mode, MODES)
        if not project or not isinstance(project, str):
            raise InputError(f"WandB: project must be a name, got {project!r}")
        self.project, self.name, self.folder, self.mode, self.tags = project, name, Path(folder), mode, tuple(tags)
        self._run: Any = None

    def begin(self, end: EpochEnd) -> None:
        """A run of Weights & Biases, with the settings."""
        wandb = need("wandb", **EXTRA)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=self.project,
            name=self.name,
            dir=str(self.folder),
            mode=self.mode,
            tags=list(self.tags),
            config=settings(end),
            reinit="create_new",  # a run that the user has of their own goes on beside it
            settings=wandb.Settings(
                silent=True, console="off", save_code=False, disable_git=True, x_disable_stats=True, x_disable_meta=True
            ),
        )
        self._run.define_metric("probe_epoch")
        for kind in ("gradient_norm", "update_ratio", "activations", "gradients"):
            self._run.define_metric(f"{kind}/*", step_metric="probe_epoch")

    def epoch(self, end: EpochEnd) -> None:
        """The line of the history."""
        self._run.log(numbers(end.record), step=end.epoch)

    def look(self, record: Mapping[str, Any]) -> None:
        """Activations and gradients."""
        wandb = need("wandb", **EXTRA)
        told: dict[str, Any] = {"probe_epoch": record["epoch"], **flow(record)}
        for name, low, high, counts in histograms(record):
            edges = np.linspace(low, high, len(counts) + 1)
            told[name] = wandb.Histogram(np_histogram=(counts, edges.tolist()))
        self._run.log(told)

    def end(self, run: Run) -> None:
        """Test scores, and how it ended."""
        self._run.summary.update({**results(run), "stopped": run.stopped, "epochs": len(run.history)})
        self._close(0)

    def broken(self, error: BaseException) -> None:
        """The run is marked as failed."""
        self._close(1)

    def _close(self, status: int) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.finish(exit_code=status)
