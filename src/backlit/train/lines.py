"""The history's lines: what losses and outputs that the program returned say of each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.nn.shapes import rows_at, with_shape
from backlit.train.callbacks import EpochRecord
from backlit.train.prepare import Job
from backlit.train.scores import measured, named_losses, of_loss

COUNTED = ("rows", "weights")  # what of a batch tells which outputs are whose, and what they count


def with_batches(results: Any, batches: Any) -> Any:
    """What the program returned, and what of its batches `history_lines` needs: they aren't drawn anew for it."""
    return {**results, "batches": {name: batches[name] for name in COUNTED}}


def history_lines(job: Job, results: Any, count: int, first: int, scored: bool = True) -> Iterator[EpochRecord]:
    """Losses and metrics of the first `count` epochs that the program returned, numbered from `first` + 1.

    Metrics of outputs are left out unless `scored`.
    """
    columns = _columns(job, results, count)
    for i in range(count):
        record: EpochRecord = {"epoch": first + i + 1, **{name: column[i] for name, column in columns.items()}}
        record |= derived(job, record)
        if scored and job.program.collect:
            record |= _scores(job, results, i)
        yield record


def _columns(job: Job, results: Any, count: int) -> dict[str, list[float]]:
    """Losses of all epochs of a call, by the names they have in the history; means over an ensemble's members."""
    columns = {}
    for prefix, part in (("", results["train"]), ("val_", results.get("validation"))):
        if part is None:
            continue
        total, weight = (
            tree.map(lambda each: each.sum(axis=2, dtype=np.float64), part[name]) for name in ("loss", "weight")
        )
        if job.program.reduction == "mean":
            total = tree.map(lambda each, of: each / np.where(of == 0, np.nan, of), total, weight)
        for name, losses in named_losses(job.loss, total).items():
            columns[prefix + name] = losses.mean(axis=1).tolist()
        if "penalty" in part:
            columns["penalty"] = part["penalty"].mean(axis=(1, 2), dtype=np.float64).tolist()
    return columns


def _scores(job: Job, results: Any, i: int) -> dict[str, float]:
    """Metrics of an epoch, the i-th of its call, that are computed from outputs."""
    output = tree.map(lambda part: part[i], results["train"]["output"])
    batches = {name: part[min(i, len(part) - 1)] for name, part in results["batches"].items()}  # one if all are alike
    members = [{name: part[member] for name, part in batches.items()} for member in range(len(job.batches))]
    scores = _mean_score(job, output, members, job.examples.encoded, job.examples.by_head)
    if job.held is not None:
        output = tree.map(lambda part: part[i], results["validation"]["output"])
        encoded = job.examples.split.encoded
        validation = _mean_score(job, output, job.held, encoded, job.examples.known)
        scores |= {f"val_{name}": value for name, value in validation.items()}
    return scores


def derived(job: Job, record: EpochRecord) -> dict[str, float]:
    """Metrics that are another way to say the loss, of training and validation."""
    also = of_loss(job.metrics, record)
    if also and "val_loss" in record:
        held = {name.removeprefix("val_"): value for name, value in record.items() if name.startswith("val_")}
        also |= {f"val_{name}": value for name, value in of_loss(job.metrics, held).items()}
    return also


def _mean_score(
    job: Job, outputs: Any, batches: list[dict[str, np.ndarray]], encoded: Any, by_head: Any = None
) -> dict[str, float]:
    """The mean over an ensemble's members, each scored on its own rows."""
    members = [
        _score(job, tree.map(lambda part, i=i: part[i], outputs), own, encoded, by_head)
        for i, own in enumerate(batches)
    ]
    return {name: float(np.mean([member[name] for member in members])) for name in members[0]}


def _score(job: Job, output: Any, epoch: dict[str, np.ndarray], encoded: Any, by_head: Any) -> dict[str, float]:
    """Metrics of one network's outputs, in the targets' own unit; rows that fill up the last batch don't count."""
    rows, weights = epoch["rows"].reshape(-1), epoch["weights"].reshape(-1)
    outputs = with_shape(output, job.output_shape)
    counting = weights > 0
    if not counting.all():
        outputs, rows, weights = rows_at(outputs, counting), rows[counting], weights[counting]
    unit = job.targets.own_unit
    spread = job.loss.spread(weights, rows_at(by_head, rows))
    return measured(job.metrics, unit(outputs), unit(rows_at(encoded, rows)), spread)


def first_bad(results: Any) -> tuple[int, int, int]:
    """Number of epochs before the first with a NaN or infinite loss, the step in it, and the member of the ensemble."""
    bad = _any_bad(results["train"]["loss"])
    if "validation" in results:
        bad[:, :, -1] |= _any_bad(results["validation"]["loss"]).any(axis=2)
    if not bad.any():
        return len(bad), 0, 0
    epoch = int(np.argmax(bad.any(axis=(1, 2))))
    step = int(np.argmax(bad[epoch].any(axis=0)))
    return epoch, step, int(np.argmax(bad[epoch, :, step]))


def _any_bad(losses: Any) -> np.ndarray:
    """Where the loss of any output is NaN or infinite, (epochs, members, steps)."""
    bad: np.ndarray = np.any([~np.isfinite(each) for each in tree.leaves(losses)], axis=0)
    return bad
