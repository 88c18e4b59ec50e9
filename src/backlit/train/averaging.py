"""Local SGD: each device trains alone on its rows of every batch, and every few updates all take their mean.

Between two means nothing is sent, so the cost of a message is paid once in K updates: Stich, "Local SGD Converges Fast
and Communicates Little", 2019 (arXiv:1805.09767). Zinkevich et al., "Parallelized Stochastic Gradient Descent", 2010,
take one mean at the end; with K = 1 and plain SGD it is the synchronous update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backlit.engine import Engine
from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.train.training import Training

Step = Callable[[Any, Any], tuple[Any, Any]]  # (train state, batch) -> (train state, record)
APART = 0x9E3779B9  # from one worker's seed to the next: each drops units of its own


def check_averaging(training: Training, *, whole: bool, exact: bool, carried: bool) -> None:
    """Refuse what can't be trained by each device alone.

    Parameters
    ----------
    training : Training
    whole, exact : bool
        Whether the optimizer needs all rows in every update, or computes the minimum.
    carried : bool
        Whether the network carries a state from batch to batch.

    Raises
    ------
    InputError
        If an option and `average_every` exclude each other; both are named.
    """
    if training.average_every is None:
        return
    what = f"average_every={training.average_every}"
    if training.engine == "numpy":
        raise InputError(f"{what}: the numpy engine computes on one device; use engine='xla'")
    others = {
        f"shard={training.shard!r} (each device needs the whole network)": training.shard is not None,
        f"ensemble={training.ensemble} (train its members one by one)": training.ensemble > 1,
        f"mixup={training.mixup:g} (rows are mixed with those of other devices)": bool(training.mixup),
        f"the optimizer {training.optimizer!r} (it computes the minimum)": exact,
        f"the optimizer {training.optimizer!r} (every update needs all rows)": whole and not exact,
        "a stateful network (its state goes on from row to row)": carried,
    }
    found = [name for name, there in others.items() if there]
    if found:
        raise InputError(f"{what} can't be combined with {found[0]}: leave one of them out")


def epoch_apart(engine: Engine, step: Step, train_state: Any, batches: Any, every: int, workers: int) -> Any:
    """An epoch by workers that take every `every` updates, and the last, their mean.

    ``θ ← θ + 1/W Σ_w (θ_w − θ)``, of the optimizer's state and running statistics, too; the sum is the one thing that
    is sent. Written so, what no worker changes keeps its bits.

    Parameters
    ----------
    engine : Engine
        On whose devices the workers are.
    step : callable
        An update on one device.
    train_state : dict
        Of the last mean.
    batches : dict
        ``rows`` and ``weights`` (steps, accumulate, size), and ``total`` of each step as by `totals`.
    every : int
        Updates from one mean to the next.
    workers : int
        How many; `size` is a multiple.

    Returns
    -------
    train_state, record
        As of an epoch by synchronous updates: the same shapes, rows in the same order.
    """
    steps = tree.leaves(batches)[0].shape[0]
    own = {
        name: tree.map(lambda array: _repeated(array, workers), part) if name == "total" else _split(part, workers)
        for name, part in batches.items()
    }
    own = tree.map(engine.share, own)
    rounds, rest = divmod(steps, every)

    def part(train_state: Any, batches: Any) -> tuple[Any, Any]:
        return _round(engine, step, train_state, batches, workers)

    records = []
    if rounds:
        whole = tree.map(lambda array: _in_rounds(array[:, : rounds * every], rounds), own)
        whole = tree.map(lambda array: engine.share(array, axis=1), whole)
        train_state, record = engine.scan(part, train_state, whole)
        records.append(tree.map(_out_of_rounds, record))
    if rest:
        train_state, record = part(train_state, tree.map(lambda array: array[:, rounds * every :], own))
        records.append(record)
    joined = tree.map(lambda *each: namespace(*each).concatenate(each, axis=1), *records)
    return train_state, _of_all(joined, rows_axis=2 if batches["rows"].shape[1] == 1 else 3)


def _round(engine: Engine, step: Step, begun: Any, batches: Any, workers: int) -> tuple[Any, Any]:
    """Some updates of each worker, and the mean of where they came."""
    apart = tree.map(lambda array: engine.share(_repeated(array, workers)), begun)
    apart["seed"] = apart["seed"] + namespace(apart["seed"]).arange(workers, dtype="uint32") * APART
    ended, record = engine.map(lambda parts: engine.scan(step, *parts), (apart, batches))
    mean = tree.map(lambda before, after: _mean(before, engine.share(after)), begun, ended)
    updates = tree.leaves(batches)[0].shape[1]
    return engine.everywhere({**mean, "seed": begun["seed"], "step": begun["step"] + updates}), record


def _mean(before: Any, after: Any) -> Any:
    """Of floating-point numbers; whole ones, which are the same at all workers, as they are."""
    return before + (after - before).mean(axis=0) if after.dtype.kind == "f" else after.max(axis=0)


def totals(loss: Any, reduction: str, weights: Any, by_head: Any, workers: int) -> Any:
    """What a worker's summed loss is divided by at each step, (steps,) by head.

    It is the batch's whole weight, over the number of workers: so the mean of the workers' gradients is the gradient of
    the batch, also where the last one isn't full and some have fewer rows than others.
    """
    summed = tree.map(lambda each: each.sum(axis=(1, 2)), loss.spread(weights, by_head))
    if reduction == "sum":
        return tree.map(lambda each: (each * 0 + 1) / workers, summed)
    return tree.map(lambda each: (each + (each == 0)) / workers, summed)


def _repeated(array: Any, workers: int) -> Any:
    return namespace(array).broadcast_to(array, (workers, *array.shape))


def _split(array: Any, workers: int) -> Any:
    """(steps, accumulate, size) as (workers, steps, accumulate, size / workers)."""
    steps, parts, size = array.shape
    return namespace(array).moveaxis(array.reshape(steps, parts, workers, size // workers), 2, 0)


def _in_rounds(array: Any, rounds: int) -> Any:
    """(workers, steps, ...) as (rounds, workers, steps of a round, ...)."""
    workers, steps, *rest = array.shape
    return namespace(array).moveaxis(array.reshape(workers, rounds, steps // rounds, *rest), 1, 0)


def _out_of_rounds(array: Any) -> Any:
    """The inverse of `_in_rounds`."""
    rounds, workers, steps, *rest = array.shape
    return namespace(array).moveaxis(array, 0, 1).reshape(workers, rounds * steps, *rest)


def _of_all(record: Any, rows_axis: int) -> Any:
    """What the workers recorded (workers, steps, ...) as a record of whole batches."""

    def rows_together(array: Any) -> Any:
        moved = namespace(array).moveaxis(array, 0, rows_axis - 1)
        return moved.reshape(*moved.shape[: rows_axis - 1], -1, *moved.shape[rows_axis + 1 :])

    ways = {
        "loss": lambda each: each.sum(axis=0),
        "weight": lambda each: each.sum(axis=0),
        "penalty": lambda each: each.mean(axis=0),
        "output": rows_together,
    }
    return {name: tree.map(ways[name], part) for name, part in record.items()}
