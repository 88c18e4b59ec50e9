"""Shared by the commands that use a run on a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.errors import InputError


def table_for(run: Any, path: Path) -> Any:
    """The file as a data frame, if the run was trained on a table."""
    from backlit import data

    frame = data.read(path)
    if isinstance(run.preparation, data.TablePreparation):
        return frame
    wanted = run.network.input_shape
    if len(wanted) == 1 and frame.width >= wanted[0]:
        return frame
    raise InputError(f"{path} has {frame.width} columns; the run takes {wanted[0]} inputs")


def inputs_of(run: Any, frame: Any) -> Any:
    """What the run predicts from: the frame itself for tables, the first columns as numbers for other data."""
    from backlit import data

    if isinstance(run.preparation, data.TablePreparation):
        return frame
    array, _ = data.as_arrays(frame[:, : run.network.input_shape[0]])
    return array
