"""Shared by the commands that use a run on a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.errors import InputError


def source_for(run: Any, path: Path, *, keep_text: bool = False) -> Any:
    """The file, read as the training's was: the same text means the same values."""
    from backlit import data
    from backlit.data.preparation import preparation_of

    if run.targets.kind == "text":
        raise InputError("this run writes texts: use backlit generate RUN --prompt …, or run.write in Python")
    formats = preparation_of(run.preparation).formats
    return data.read_source(path, formats=formats, keep_text=keep_text)


def is_forecaster(run: Any) -> bool:
    """Whether the run continues time series."""
    from backlit.data.series import SeriesPreparation

    return isinstance(run.preparation, SeriesPreparation)


def judged_windows(run: Any, path: Path, target: list[str] | None) -> Any:
    """All windows of a file whose future is known."""
    from backlit.cli.output import note
    from backlit.tasks.series import windows_of

    own = run.preparation.target
    if target and list(target) != [own]:
        raise InputError(f"a run on time series is judged by the column it predicts, {own!r}; rename it in {path}")
    windows = windows_of(run, source_for(run, path).frame)
    for found in windows.grid.notes:
        note(found)
    return windows


def inputs_of(run: Any, frame: Any, path: Path) -> Any:
    """What the run predicts from: the frame itself for tables, the first columns as numbers for other data."""
    from backlit import data

    if isinstance(run.preparation, (data.TablePreparation, data.TextColumn)):
        return frame
    wanted = run.network.input_shape
    if len(wanted) != 1 or frame.width < wanted[0]:
        raise InputError(f"{path} has {frame.width} columns; the run takes {wanted[0]} inputs")
    array, _ = data.as_arrays(frame[:, : wanted[0]])
    return array


def takes_pictures(run: Any) -> bool:
    """Whether the run was trained on pictures."""
    from backlit.data import Pictures

    return isinstance(run.preparation, Pictures)


def judged_rows(run: Any, path: Path, target: list[str] | None) -> tuple[Any, Any, str]:
    """Rows of a file whose targets are known, the targets, and the task."""
    from backlit.cli.output import note
    from backlit.data.table import TableTarget

    if takes_pictures(run):
        raise InputError(f"the run takes pictures, not tables such as {path}")
    frame = source_for(run, path).frame
    goal = target_of(run, target, path)
    absent = [name for name in goal.names if name not in frame.columns]
    if absent:
        raise InputError(
            f"{path} has no column {absent[0]!r} to judge by; name it with --target if it is called otherwise there "
            "(backlit predict needs no targets)"
        )
    here = TableTarget.present(frame, goal.names)
    if not here.any():
        raise InputError(f"{path}: no row has a target ({', '.join(goal.names)})")
    if not here.all():
        note(f"{int((~here).sum())} rows have no target and aren't judged")
        frame = frame.filter(here)
    return frame, goal.values(frame), goal.task


def target_of(run: Any, target: list[str] | None, path: Path) -> Any:
    """The target that the run was trained on, under the names that it has in the file."""
    from dataclasses import replace

    from backlit.data import TablePreparation, TextColumn
    from backlit.data.table import TableTarget

    own = run.preparation.target if isinstance(run.preparation, (TablePreparation, TextColumn)) else None
    if own is None and not target:
        raise InputError(f"say which column of {path} holds the targets: --target COLUMN")
    if own is None:
        return TableTarget(tuple(target or ()), "classification" if run.classes else "regression")
    if target and len(target) != len(own.names):
        raise InputError(f"the run predicts {len(own.names)} columns ({', '.join(own.names)}); name as many")
    return replace(own, names=tuple(target)) if target else own


def judged_pictures(run: Any, folder: Path, target: list[str] | None) -> tuple[Any, Any, Any]:
    """The pictures of a folder of classes as bytes, their classes, and their names."""
    import numpy as np

    from backlit.cli.output import note
    from backlit.data.pictures import classes_in, shown

    if target:
        raise InputError("--target is for tables; the classes of pictures are the names of their folders")
    listing = classes_in(folder, fewest=1)
    for sentence in listing.notes:
        note(sentence)
    known = np.isin(listing.classes, [str(name) for name in run.classes])
    if not known.any():
        raise InputError(f"{folder}: none of its classes is one of the run's ({', '.join(map(str, run.classes))})")
    if not known.all():
        strange = sorted(set(np.array(listing.classes)[~known].tolist()))
        note(
            f"{int((~known).sum())} pictures of classes that training didn't have ({', '.join(strange)}) aren't judged"
        )
    paths = [path for path, here in zip(listing.paths, known, strict=True) if here]
    names = np.array([shown(path.relative_to(folder)) for path in paths])
    return run.preparation.apply(paths), np.array(listing.classes)[known], names
