"""Trackers by words, as the command takes them: "tensorboard:logs"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backlit.errors import unknown
from backlit.trackers.mlflow import MLflow
from backlit.trackers.tensorboard import TensorBoard
from backlit.trackers.tracker import Tracker
from backlit.trackers.wandb import WandB

# Of each tracker's place, and of what the run is called.
MADE: dict[str, Callable[[str, str], Tracker]] = {
    "tensorboard": lambda place, name: TensorBoard(Path(place or "runs/tensorboard") / name),
    "mlflow": lambda place, name: MLflow(uri=place or None, name=name),
    "wandb": lambda place, name: WandB(folder=place or "runs", name=name),
}


def named(words: str, name: str) -> Tracker:
    """A tracker by its name and, behind a colon, its place.

    ``tensorboard:FOLDER`` (event files in ``FOLDER/name``), ``mlflow:URI`` (a store), ``wandb:FOLDER`` (offline).

    Parameters
    ----------
    words : str
    name : str
        What the run is called there.

    Raises
    ------
    UnknownNameError
        If there is no such tracker.
    InputError
        If its package isn't installed.

    Examples
    --------
    >>> named("wandb:runs", "houses").folder.name
    'runs'
    """
    kind, _, place = words.partition(":")
    if kind not in MADE:
        raise unknown("tracker", kind, MADE)
    return MADE[kind](place, name)
