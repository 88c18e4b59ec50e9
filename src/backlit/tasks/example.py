"""One example of the user's own, as the network of a run takes it, with its target."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit import data
from backlit.data.preparation import preparation_of
from backlit.data.series import SeriesPreparation
from backlit.errors import InputError, unknown
from backlit.tasks import apply

USAGE = "expected a row such as area=50,district=Mapo, numbers such as 0.5,-1.2 for a data set, or a file"


@dataclass(frozen=True, eq=False)
class Example:
    """An example as arrays.

    Attributes
    ----------
    x : array (1, ...)
        Prepared.
    y : array (1, ...) or None
        Encoded as the run's loss takes it; None if the target wasn't told.
    """

    x: np.ndarray
    y: np.ndarray | None


def example_of(run: Any, row: str, answer: str | None = None) -> Example:
    """A row as it is typed, or the first of a file, for a run.

    Parameters
    ----------
    run : Run
    row : str
        "area=50,district=Mapo", with the target if it is known; "0.5,-1.2" for a run on arrays; or a file: a table, of
        which the first row is taken, or a picture.
    answer : str, optional
        The target, where the row doesn't tell it: a class or a number.

    Raises
    ------
    InputError
        If the row or the answer doesn't fit the run; the message says what does.
    """
    apply.refuse_named(run)
    if run.targets.kind == "text" or isinstance(run.preparation, SeriesPreparation):
        raise InputError("one row is for runs on tables, texts, pictures and data sets")
    raw, told = _read(run, row)
    if answer is not None and told is not None:
        raise InputError(f"the row tells the target already ({told[0]!r}): leave out the answer, or the column")
    y = told if answer is None else _answer(run, answer)
    x = run.inputs(raw)
    return Example(x, None if y is None else run.targets.encode(y, str(run.network.dtype)))


def _read(run: Any, row: str) -> tuple[Any, np.ndarray | None]:
    """The raw example, and its target if it is in it."""
    path = Path(row)
    if "=" not in row and path.is_file():
        if apply.takes_pictures(run):
            return data.pictures.read_as(run.preparation.form, [path]).pixels, None
        return _of_table(run, path)
    if "=" in row and preparation_of(run.preparation).column_names:
        return _of_pairs(run, row)
    try:
        numbers = np.array([[float(part) for part in row.split(",")]])
    except ValueError:
        raise InputError(f"row {row!r}: {USAGE}") from None
    wanted = run.network.input_shape
    if preparation_of(run.preparation).rows() or numbers[0].size != int(np.prod(wanted)):
        names = ", ".join(preparation_of(run.preparation).column_names)
        takes = f"the columns {names}, as name=value" if names else f"{int(np.prod(wanted))} numbers"
        raise InputError(f"row {row!r}: the run takes {takes}")
    return numbers.reshape(1, *wanted), None


def _of_pairs(run: Any, row: str) -> tuple[Any, np.ndarray | None]:
    """A row of a table, read as a file of that one row would be."""
    known = [*preparation_of(run.preparation).column_names, *preparation_of(run.preparation).target_names]
    pairs = [part.partition("=") for part in next(csv.reader([row]))]
    for name, equals, _ in pairs:
        if not equals:
            raise InputError(f"row {row!r}: {name!r} has no value: {USAGE}")
        if name.strip() not in known:
            raise InputError(f"row {row!r}: {unknown('column', name.strip(), known)}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerows([[name.strip() for name, _, _ in pairs], [value.strip() for _, _, value in pairs]])
        return _of_table(run, path)


def _of_table(run: Any, path: Path) -> tuple[Any, np.ndarray | None]:
    frame = apply.source_for(run, path).frame[:1]
    if not frame.height:
        raise InputError(f"{path} has no row")
    tabular = isinstance(run.preparation, (data.TablePreparation, data.TextColumn))
    goal = run.preparation.target if tabular else None
    known = goal is not None and all(name in frame.columns and frame[name].null_count() == 0 for name in goal.names)
    return apply.inputs_of(run, frame, path), goal.values(frame) if goal is not None and known else None


def _answer(run: Any, answer: str) -> np.ndarray:
    """The target that was typed, as the run's targets are."""
    if run.classes:
        named = {str(name): name for name in run.classes}
        if answer not in named:
            raise InputError(f"answer: {unknown('class', answer, named)}")
        return np.array([named[answer]])
    try:
        numbers = [float(part) for part in answer.split(",")]
    except ValueError:
        numbers = []
    outputs = int(np.prod(run.network.output_shape))
    if len(numbers) != outputs:
        raise InputError(f"answer {answer!r}: the run predicts {outputs} number{'s' if outputs > 1 else ''}")
    return np.array(numbers if outputs == 1 else [numbers])
