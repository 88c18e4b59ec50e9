"""What a studio begins with: nothing, a state, or a run's folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn import losses
from backlit.nn.layer import Network
from backlit.nn.layers.containers import Parallel
from backlit.optim.transform import as_transform
from backlit.studio.assigning import begin
from backlit.studio.opening_rows import in_lines, rows_of_run
from backlit.studio.opening_texts import reading_letters, text_of
from backlit.studio.quota import Quota
from backlit.studio.session import Session
from backlit.studio.sets import Rows
from backlit.studio.sharing import linked
from backlit.studio.state import MOST_WEIGHTS, OPTIMIZERS, State

RUN = "run"  # by which the session's files know the run's data
KINDS = ("class", "number", "multi_label", "text")  # of what is learned


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
    _require_shown(run, name)
    network = first_of(run.network)
    if run.targets.kind == "text":
        rows = text_of(run, folder, name, data)
        weights = dict(tree.items(network.params))
        architecture, weights = reading_letters(network.architecture, weights, name)
        network = Network.empty(architecture, rows.x.shape[1:], str(network.dtype)).replace(params=tree.nest(weights))
    else:
        rows = rows_of_run(run, folder, name, data)
        network = in_lines(network, rows.x.shape[1:])
    return state_of_run(run, rows), dataclasses.replace(rows, network=network)


def _require_shown(run: Any, name: str) -> None:
    """Refuse what the studio doesn't show, and say what does."""
    network, kind = run.network, run.targets.kind
    instead = f"`backlit show {name}` and bl.draw(run.network) show the network"
    names = (*network.input_names, *network.output_names)
    if names:
        raise InputError(
            f"{name} has several inputs or outputs ({', '.join(names)}); the studio shows networks of one input that "
            f"learn classes or numbers, or a text. {instead}"
        )
    if kind not in KINDS or (kind == "class" and len(network.output_shape) > 1):
        raise InputError(
            f"{name} learns an answer for each step, or a text for another one; the studio shows networks that learn "
            f"one class or numbers for each row, or go on with a text. {instead}"
        )
    if network.size > MOST_WEIGHTS:
        raise InputError(
            f"{name}: {network.size:,} weights are too many for the studio, which takes {MOST_WEIGHTS:,}. {instead}"
        )


def first_of(network: Network) -> Network:
    """The network; of an ensemble the first member."""
    if not isinstance(network.architecture, Parallel):
        return network
    name = next(iter(network.params))
    part, params = network.architecture.layers[0], network.params[name]
    state = {path.removeprefix(f"{name}/"): each for path, each in network.state.items() if path.startswith(f"{name}/")}
    return Network.empty(part, network.input_shape, str(network.dtype)).replace(params=params, state=state)


def state_of_run(run: Any, rows: Rows) -> State:
    """How the run was trained, as far as a state can say it, from the network that it left on."""
    optimizer = as_transform(run.optimizer)
    method, rate = type(optimizer.last).__name__.lower(), optimizer.rate
    batch = run.settings.get("batch_size")
    told = next((name for name in losses.names() if losses.get(name) == run.loss), "")
    usual = rows.task == "classification" or rows.encoding is not None
    return State.from_dict(
        {
            "data": {"name": "file", "file": RUN},
            "network": {"of_run": True},
            "training": {
                "optimizer": method if method in OPTIMIZERS else "adam",
                "rate": rate if isinstance(rate, float) else getattr(rate, "highest", None) or 0.001,
                "batch": batch if isinstance(batch, int) else 0,
                "seed": run.settings.get("seed", 0),
                "loss": "" if usual else told or "mean_squared_error",
                "held": 0.2,
                "dtype": str(run.network.dtype),
            },
        }
    )
