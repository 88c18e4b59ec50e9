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
    run: Path | None, link: str | None, quota: Quota | None = None, bound: bool = False
) -> Callable[[], Session]:
    """What makes a session; what is wrong with a run or a state is told at once.

    Parameters
    ----------
    run : path, optional
    link : str, optional
        A state, as the studio's link holds it, perhaps with a task.
    quota : Quota, optional
        Of each session.
    bound : bool
        Whether a task that the link holds can't be laid aside.

    Raises
    ------
    InputError
        If it can't be read, or isn't for the studio.
    """
    if run is not None:
        state, rows = opened(run)
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


def opened(folder: Path) -> tuple[State, Rows]:
    """A run as the studio has it: its network as it was left, and its data.

    Of an ensemble it is the first member. Training begins anew from these weights.

    Raises
    ------
    InputError
        If its data can't be found, or it is of a kind that the studio doesn't show.
    """
    from backlit.run import load  # a studio without a run begins without what runs need

    run = load(folder)
    network = run.network
    architecture, params = network.architecture, network.params
    if isinstance(architecture, Parallel):
        architecture, params = architecture.layers[0], next(iter(params.values()))
    if network.input_names or network.output_names or run.targets.kind not in ("class", "number"):
        raise InputError(f"{folder}: the studio shows networks of one input that learn classes or numbers")
    if network.size > MOST_WEIGHTS:
        raise InputError(
            f"{folder}: {network.size:,} weights are too many for the studio, which takes {MOST_WEIGHTS:,}"
        )
    rows = _rows(run, folder)
    optimizer = as_transform(run.optimizer)
    kind = type(optimizer.last).__name__.lower()
    batch, held = run.settings.get("batch_size"), 0.2
    state = State.from_dict(
        {
            "data": {"name": "file", "file": RUN},
            "network": {
                "architecture": architecture.to_dict(),
                "weights": {path: np.asarray(leaf).tolist() for path, leaf in tree.items(params)},
            },
            "training": {
                "optimizer": kind if kind in OPTIMIZERS else "adam",
                "rate": optimizer.rate or 0.001,
                "batch": batch if isinstance(batch, int) else 0,
                "seed": run.settings.get("seed", 0),
                "loss": "" if rows.task == "classification" else "mean_squared_error",
                "held": held,
            },
        }
    )
    return state, rows


def _rows(run: Any, folder: Path) -> Rows:
    """The run's data, read as it was for the training."""
    from backlit.data.datasets import load, names
    from backlit.tasks.apply import source_for

    source = (run.config or {}).get("data")
    if not isinstance(source, str):
        raise InputError(f"{folder} doesn't tell which data it was trained on; the studio opens runs of backlit train")
    if source in names():
        data = load(source)
        raw, y, columns = data.x, data.y, data.feature_names
        y = np.array(data.class_names)[y] if data.class_names else y
    else:
        frame = source_for(run, Path(source)).frame
        target = (run.config or {}).get("target") or [frame.columns[-1]]
        target = target[0] if isinstance(target, list) else target
        raw, y = frame, frame[target].to_numpy()
        columns = list(getattr(run.preparation, "names", [])) or [name for name in frame.columns if name != target]
    x = np.asarray(run.inputs(raw))[:MOST_ROWS]
    if x.ndim != 2:
        raise InputError(f"{folder}: the studio opens runs on tables so far, this one's rows have shape {x.shape[1:]}")
    encoded = np.asarray(run.targets.encode(y[:MOST_ROWS], "float64"))
    classes = run.classes
    shown = folder.as_posix() if not folder.is_absolute() and ".." not in folder.parts else folder.name
    code = (
        f"from pathlib import Path\n\nfrom backlit.studio.opening import opened\n\nrows = opened(Path({shown!r}))[1]\n"
        "x, y = rows.x, rows.y"
    )
    outputs = int(np.prod(run.network.output_shape))
    numbers: Any = encoded.astype(int) if classes is not None else encoded.reshape(len(encoded), -1)[:, 0]
    labels = None if classes is None else [str(each) for each in classes]
    task = "classification" if classes is not None else "regression"
    return Rows(
        x, numbers, task, [str(name) for name in columns][: x.shape[1]], labels, outputs, plane_of(x, columns), code
    )
