"""What a studio begins with: nothing, a state, or a run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layers.containers import Parallel
from backlit.optim.transform import as_transform
from backlit.studio.assigning import begin
from backlit.studio.opening_texts import code_of, reading_letters, text_of
from backlit.studio.plane import plane_of
from backlit.studio.quota import Quota
from backlit.studio.session import Session
from backlit.studio.sets import Rows
from backlit.studio.sharing import linked
from backlit.studio.state import MOST_ROWS, OPTIMIZERS, State

RUN = "run"  # by which the session's files know the run's data
MOST_WEIGHTS = 20_000  # that a state can hold


class RunRows:
    """The data of a run, as its network takes it; in place of a file that was sent."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def rows(self, target: str, inputs: Sequence[str]) -> Rows:
        """All of it: which columns are inputs, the run has decided."""
        return self._rows


def beginning(
    run: Any, link: str | None, quota: Quota | None = None, bound: bool = False, data: Any = None
) -> Callable[[], Session]:
    """What makes a session; what is wrong with a run or a state is told at once.

    Parameters
    ----------
    run : path or Run, optional
    link : str, optional
        A state, as the studio's link holds it, perhaps with a task.
    quota : Quota, optional
        Of each session.
    bound : bool
        Whether a task that the link holds can't be laid aside.
    data : (x, y), optional
        What the run was trained on, where it doesn't tell; of a text x alone, and None.

    Raises
    ------
    InputError
        If it can't be read, or isn't for the studio.
    """
    if run is not None:
        state, rows = opened(run, data)
        return lambda: Session(state, {RUN: RunRows(rows)}, quota)
    if link is None:
        return lambda: Session(quota=quota)
    found, task = linked(link)
    if found.data.name == "file":
        raise InputError(
            "the state is of a file that was dropped, which it doesn't hold: start backlit studio without --state, "
            "drop the file there, and open the state's link"
        )

    def fresh() -> Session:
        session = Session(found.replace(at=0), quota=quota)
        if task is not None:
            begin(session, task, found.replace(at=0))
            session.bound = bound
        return session

    begun = [fresh()]  # made here, since who starts the studio can read what is wrong with it

    def made() -> Session:
        session = begun.pop() if begun else fresh()
        session.aim = found.at
        return session

    return made


def opened(run: Any, data: Any = None) -> tuple[State, Rows]:
    """A run as the studio has it: its network as it was left, and its data.

    Of an ensemble it is the first member. Training begins anew from these weights.

    Parameters
    ----------
    run : path or Run
    data : (x, y), optional
        What it was trained on, as `backlit.fit` was given it; by default what the run holds or tells of. Of a text x
        is the text itself, or a `pathlib.Path` of it, as `backlit.fit_text` takes it, and y None.

    Raises
    ------
    InputError
        If its data can't be found or isn't whole, or it is of a kind that the studio doesn't show.
    """
    from backlit.run import load  # a studio without a run begins without what runs need

    folder = run if isinstance(run, Path) else None
    name, run = ("the run", run) if folder is None else (str(folder), load(folder))
    network, of = run.network, run.targets.kind
    architecture, params = network.architecture, network.params
    if isinstance(architecture, Parallel):
        architecture, params = architecture.layers[0], next(iter(params.values()))
    if network.input_names or network.output_names or of not in ("class", "number", "text"):
        raise InputError(f"{name}: the studio shows networks of one input that learn classes or numbers, or a text")
    if network.size > MOST_WEIGHTS:
        raise InputError(f"{name}: {network.size:,} weights are too many for the studio, which takes {MOST_WEIGHTS:,}")
    weights = dict(tree.items(params))
    if of == "text":
        rows = text_of(run, folder, name, data)
        architecture, weights = reading_letters(architecture, weights, name)
    else:
        rows = _rows(run, folder, name, data)
    optimizer = as_transform(run.optimizer)
    method = type(optimizer.last).__name__.lower()
    batch, held = run.settings.get("batch_size"), 0.2
    state = State.from_dict(
        {
            "data": {"name": "file", "file": RUN},
            "network": {
                "architecture": architecture.to_dict(),
                "weights": {path: np.asarray(leaf).tolist() for path, leaf in weights.items()},
            },
            "training": {
                "optimizer": method if method in OPTIMIZERS else "adam",
                "rate": optimizer.rate or 0.001,
                "batch": batch if isinstance(batch, int) else 0,
                "seed": run.settings.get("seed", 0),
                "loss": "mean_squared_error" if rows.task == "regression" else "",
                "held": held,
            },
        }
    )
    return state, rows


def _rows(run: Any, folder: Path | None, name: str, data: Any) -> Rows:
    """The run's data, read as it was for the training."""
    if data is not None and (data[0] is None) != (data[1] is None):
        raise InputError("give both x and y, or neither")
    raw, y, columns = _held(run, name) if data is None else (*data, None)
    columns = columns or list(getattr(run.preparation, "names", []))
    x, y = np.asarray(run.inputs(raw)), np.asarray(y)
    if y.ndim == 0 or len(x) != len(y):
        raise InputError(f"x and y must have as many rows, got {len(x):,} and {len(y) if y.ndim else repr(y.item())}")
    x, y = x[:MOST_ROWS], y[:MOST_ROWS]
    if x.ndim != 2:
        raise InputError(
            f"{name}: the studio opens runs on tables and texts so far, this one's rows have shape {x.shape[1:]}"
        )
    columns = [str(each) for each in columns or [f"x{i + 1}" for i in range(x.shape[1])]]
    encoded = np.asarray(run.targets.encode(y, "float64"))
    classes = run.classes
    outputs = int(np.prod(run.network.output_shape))
    numbers: Any = encoded.astype(int) if classes is not None else encoded.reshape(len(encoded), -1)[:, 0]
    labels = None if classes is None else [str(each) for each in classes]
    task = "classification" if classes is not None else "regression"
    code = code_of(folder, None if data is None else "(x, y)", "x, y = rows.x, rows.y")
    return Rows(x, numbers, task, columns[: x.shape[1]], labels, outputs, plane_of(x, columns), code)


def _held(run: Any, name: str) -> tuple[Any, Any, list[str] | None]:
    """What a run was trained on: raw inputs, targets, and names of the columns."""
    from backlit.data.datasets import load, names
    from backlit.tasks.apply import source_for

    source = (run.config or {}).get("data")
    if not isinstance(source, str):
        if run.recipe is None:
            raise InputError(
                f"{name} doesn't tell which data it was trained on; the studio opens runs of backlit train, and in a "
                "notebook others with their x and y: bl.Studio(run, x, y)"
            )
        if run.recipe.y is None or run.recipe.streamed:
            raise InputError(
                f"{name} was trained on a stream, of which it holds no rows; give some of them: bl.Studio(run, x, y)"
            )
        return run.recipe.x, run.recipe.y, None
    if source in names():
        data = load(source)
        return data.x, np.array(data.class_names)[data.y] if data.class_names else data.y, data.feature_names
    frame = source_for(run, Path(source)).frame
    target = (run.config or {}).get("target") or [frame.columns[-1]]
    target = target[0] if isinstance(target, list) else target
    columns = list(getattr(run.preparation, "names", [])) or [name for name in frame.columns if name != target]
    return frame, frame[target].to_numpy(), columns
