"""The prober of a run: between calls of the training program it looks at the network, on rows that stay the same."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from backlit import distributed
from backlit import engine as engines
from backlit.engine import Engine
from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.nn.shapes import rows_at
from backlit.threads import one_thread
from backlit.train.batches import Batches
from backlit.train.examples import Examples
from backlit.train.lazy import Lazy
from backlit.train.prepare import Job
from backlit.train.probes.history import ProbeRecord, plain
from backlit.train.probes.hook import ROOT
from backlit.train.probes.look import look_for
from backlit.train.probes.schedule import ProbePlan, probe_plan
from backlit.train.probes.settings import Probes
from backlit.train.program import TrainState

_STREAM = 0x9B0BE  # apart from the seeds of shuffles


class Prober:
    """Probes a run; of an ensemble the first member.

    It holds on to the examples until it draws its rows from them, and to nothing on the device.

    Parameters
    ----------
    job : Job
        Of the run, whose seed chooses the rows.
    settings : Probes
    """

    def __init__(self, job: Job, settings: Probes) -> None:
        program, examples, batches, seed = job.program, job.examples, job.batches[0], job.training.seed
        compiled = program.engine.name != "numpy"
        self.plan = probe_plan(job.network, batches, job.training.epochs, settings, program.members, compiled)
        apart = distributed.count() > 1 and compiled  # the first of several processes looks by itself
        engine = engines.get("numpy" if self.plan.at_once else "xla") if self.plan.at_once or apart else program.engine
        self._look = look_for(
            architecture=job.network.architecture,
            input_shape=program.input_shape,
            loss=program.loss,
            optimizer=job.optimizer,
            penalty=job.training.penalty,
            engine=engine,
            settings=settings,
            several=program.members > 1,
        )
        self._kinds = kinds(job.network)
        self._fetch = program.engine.fetch
        self._to_host = (self.plan.at_once and compiled) or apart
        self._one_thread = self.plan.at_once and compiled
        reduction = program.reduction
        self._sample = Lazy(lambda: _sample(self.plan, examples, batches, reduction, seed, engine))

    def until(self, epoch: int) -> int:
        """Epochs from this one to the next that is probed."""
        return min((planned for planned in self.plan.epochs if planned > epoch), default=epoch + 2**31) - epoch

    def __call__(self, train_state: TrainState, epoch: int) -> ProbeRecord:
        """The record of a run's state after an epoch."""
        if self._to_host:
            train_state = self._fetch(train_state)
        with np.errstate(all="ignore"), one_thread() if self._one_thread else contextlib.nullcontext():
            found = plain(self._look.run(train_state, *self._sample()))
        step = np.asarray(train_state["step"]).reshape(-1)[0]
        return record(epoch, int(step), self.plan.groups * self.plan.size, found, self._kinds)


def _sample(
    plan: ProbePlan, examples: Examples, batches: Batches, reduction: str, seed: int, engine: Engine
) -> tuple[dict[str, Any], float, int, float]:
    """What a look takes besides the state: the rows in groups, and how their gradients become those of an update."""
    groups, size = plan.groups, plan.size
    order = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, _STREAM)))).permutation(
        len(batches.rows)
    )
    places = np.resize(order, groups * size)  # all again, if a carried state needs more rows than there are
    network = examples.network
    dtype = tree.leaves(network.params)[0].dtype if network.params else np.dtype("float32")
    weights = np.ones(len(places)) if batches.weights is None else batches.weights[places]
    rows = batches.rows[places]
    update = min(batches.size * batches.accumulate, len(batches.rows))  # rows in one
    scale = float(weights.mean() * update) if reduction == "sum" else 1.0
    some = rows_at({"x": examples.inputs, "y": examples.encoded, "by_head": examples.by_head}, rows)
    sample = tree.map(
        lambda part: engine.put(part.reshape(groups, size, *part.shape[1:])),
        {**some, "weights": weights.astype(dtype)},
    )
    return sample, scale, min(groups, max(1, update // size)), min(1.0, size / update)


def kinds(network: Network) -> dict[str, str]:
    """The kind of each layer, by the path that records have."""
    return {path or ROOT: type(layer).__name__ for path, layer, *_ in network.rows(containers=True)}


def record(epoch: int, step: int, rows: int, found: Any, kinds: dict[str, str]) -> ProbeRecord:
    """A record from a look's numbers."""
    layers = {path: {"layer": kinds.get(path, ""), **own} for path, own in found.pop("layers").items()}
    return {"epoch": epoch, "step": step, "rows": rows, **found, "layers": layers}
