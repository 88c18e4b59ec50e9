"""A run on a file: what it is given there, what it is judged by, and how good it is."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backlit import data
from backlit.data.from_column import FromColumn
from backlit.data.pictures import Clips, classes_in, shown
from backlit.data.pictures.arrays import read_arrays
from backlit.data.pictures.clips import films_in
from backlit.data.preparation import preparation_of
from backlit.data.series import SeriesPreparation, Windows
from backlit.data.table import TableTarget
from backlit.data.table.placing import placed
from backlit.data.text import Texts
from backlit.errors import InputError
from backlit.nn.layers.decoder import EncoderDecoder
from backlit.tasks.apply_pairs import judge_pairs
from backlit.tasks.judge.forecast import judge_windows
from backlit.tasks.judge.scores import best_guess, judge
from backlit.tasks.judge.streams import judge_stream
from backlit.tasks.judge.worst import mistakes
from backlit.tasks.series import windows_of
from backlit.train.judgement import Judgement


def source_for(run: Any, path: Path, *, keep_text: bool = False) -> data.Source:
    """The file, read as the training's was: the same text means the same values."""
    if goes_on(run):
        raise InputError("this run goes on with a text: backlit generate RUN --prompt …, or run.generate in Python")
    return data.read_source(path, formats=preparation_of(run.preparation).formats, keep_text=keep_text)


def is_forecaster(run: Any) -> bool:
    """Whether the run continues time series."""
    return isinstance(run.preparation, SeriesPreparation)


def takes_pictures(run: Any) -> bool:
    """Whether the run was trained on pictures."""
    return isinstance(run.preparation, data.Pictures)


def reads_pairs(run: Any) -> bool:
    """Whether the run writes texts for other input, or tags it."""
    return isinstance(run.preparation, (FromColumn, Texts)) and not goes_on(run)


def goes_on(run: Any) -> bool:
    """Whether the run goes on with a text."""
    return run.targets.kind == "text" and not isinstance(run.network.architecture, EncoderDecoder)


def refuse_named(run: Any) -> None:
    """Refuse a run of several inputs or outputs, which no file has by name."""
    names = [*run.network.input_names, *run.network.output_names]
    if names:
        raise InputError(
            f"the run has several inputs or outputs by name ({', '.join(names)}), which no file has: use it in Python, "
            "bl.load(folder).predict({...})"
        )


def inputs_of(run: Any, frame: Any, path: Path) -> Any:
    """What the run predicts from: the frame itself for tables, the first columns as numbers for other data."""
    refuse_named(run)
    if isinstance(run.preparation, (data.TablePreparation, data.TextColumn)):
        return frame
    wanted = run.network.input_shape
    if len(wanted) != 1 or frame.width < wanted[0]:
        raise InputError(f"{path} has {frame.width} columns; the run takes {wanted[0]} inputs")
    array, _ = data.as_arrays(frame[:, : wanted[0]])
    return array


def judgement_on(run: Any, path: Path, target: list[str] | None = None) -> tuple[Judgement, list[str]]:
    """How good a run is on a file that has the targets, too, or on a folder of pictures.

    Parameters
    ----------
    run : Run
    path : Path
    target : list of str, optional
        Names of the target columns, if they aren't those of the training.

    Returns
    -------
    Judgement, list of str
        And what is to be said of the reading.

    Raises
    ------
    InputError
        If the file isn't what the run takes, or has no targets.
    """
    refuse_named(run)
    if reads_pairs(run):
        return judge_pairs(run, path, target)
    if goes_on(run):
        return judge_stream(run, path), []
    if is_forecaster(run):
        windows = known_windows(run, path, target)
        return judge_windows(run, windows, run.intervals), list(windows.grid.notes)
    if takes_pictures(run):
        inputs, y, names, notes = known_pictures(run, path, target)
        judgement = _judged(run, "classification", inputs, y)
        return judgement.replace(mistakes=mistakes(run, run.outputs(inputs), y, names=names)), notes
    with told_by_line(run, path, target):
        frame, y, task, notes = known_rows(run, path, target)
        return _judged(run, task, inputs_of(run, frame, path), y), notes


def _judged(run: Any, task: str, inputs: Any, y: np.ndarray) -> Judgement:
    guess = Judgement.of(run.judgement).guess or best_guess(run, task, y)
    return judge(run, task, guess, run.outputs(inputs), y, intervals=run.intervals)


def known_windows(run: Any, path: Path, target: list[str] | None) -> Windows:
    """All windows of a file whose future is known."""
    column = run.preparation.target
    if target and list(target) != [column]:
        raise InputError(f"a run on time series is judged by the column it predicts, {column!r}; rename it in {path}")
    return windows_of(run, source_for(run, path).frame)


def told_by_line(run: Any, path: Path, target: list[str] | None = None) -> contextlib.AbstractContextManager[None]:
    """Tell cells that can't be used by file and line; `known_rows` gave the rows that an error counts."""

    def rows() -> np.ndarray:
        return np.flatnonzero(TableTarget.present(source_for(run, path).frame, target_of(run, target, path).names))

    return placed(path, preparation_of(run.preparation).formats, rows)


def known_rows(run: Any, path: Path, target: list[str] | None) -> tuple[Any, np.ndarray, str, list[str]]:
    """Rows of a file whose targets are known, the targets, the task, and a note on the other rows."""
    refuse_named(run)
    if takes_pictures(run):
        raise InputError(f"the run takes pictures, not tables such as {path}")
    source = source_for(run, path)
    frame = source.frame
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
    notes = list(source.notes)
    if not here.all():
        notes.append(f"{int((~here).sum())} rows have no target and aren't judged")
        frame = frame.filter(here)
    return frame, goal.values(frame), goal.task, notes


def target_of(run: Any, target: list[str] | None, path: Path) -> TableTarget:
    """The target that the run was trained on, under the names that it has in the file."""
    tabular = isinstance(run.preparation, (data.TablePreparation, data.TextColumn))
    trained: TableTarget | None = run.preparation.target if tabular else None
    if trained is None and not target:
        raise InputError(f"say which column of {path} holds the targets: --target COLUMN")
    if trained is None:
        return TableTarget(tuple(target or ()), "classification" if run.classes else "regression")
    if target and len(target) != len(trained.names):
        raise InputError(f"the run predicts {len(trained.names)} columns ({', '.join(trained.names)}); name as many")
    return replace(trained, names=tuple(target)) if target else trained


def known_pictures(
    run: Any, folder: Path, target: list[str] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """The pictures of a folder of classes as bytes, their classes, their names, and what is to be said of them."""
    if folder.suffix.lower() == ".npz":
        pixels, y = read_arrays(folder, target[0] if target else None)
        assert y is not None  # noqa: S101, see `read_arrays`
        return run.preparation.apply(pixels), y, np.array([f"row {row}" for row in range(1, len(pixels) + 1)]), []
    if target:
        raise InputError("--target is for tables; the classes of pictures are the names of their folders")
    listing = classes_in(folder, fewest=1)
    notes = list(listing.notes)
    films = films_in(listing, wanted=True) if isinstance(run.preparation, Clips) else None
    if isinstance(run.preparation, Clips) and films is None:
        raise InputError(
            f"{folder}: the run takes clips; expected folders of frames, or animated files, in class folders"
        )
    classes = np.array(listing.classes if films is None else films.classes)
    known = np.isin(classes, [str(name) for name in run.classes])
    if not known.any():
        raise InputError(f"{folder}: none of its classes is one of the run's ({', '.join(map(str, run.classes))})")
    if not known.all():
        strange = sorted(set(classes[~known].tolist()))
        notes.append(
            f"{int((~known).sum())} pictures of classes that training didn't have ({', '.join(strange)}) aren't judged"
        )
    if films is not None:
        pixels = np.concatenate([run.preparation.of(films.clips[row])[None] for row in np.flatnonzero(known)])
        return pixels, classes[known], np.array(films.names)[known], notes
    paths = [path for path, here in zip(listing.paths, known, strict=True) if here]
    names = np.array([shown(path.relative_to(folder)) for path in paths])
    return run.preparation.apply(paths), classes[known], names, notes
