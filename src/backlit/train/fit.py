"""Training from end to end: examples, the loop with all who listen to it, and the result."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Protocol

from backlit import distributed
from backlit.distributed.same import check_same, decided
from backlit.errors import DivergedError, InputError, StreamError
from backlit.interrupts import held
from backlit.nn.layer import Layer, Network
from backlit.train import progress
from backlit.train.callbacks import EarlyStopping, Follower, followed
from backlit.train.compared import decisive, rhythm
from backlit.train.inputs import preparation_for
from backlit.train.loop import Listeners, Loop, Saving
from backlit.train.prepare import Job, is_exact, prepare
from backlit.train.probes.facts import start_of
from backlit.train.probes.prober import Prober
from backlit.train.probes.settings import probes_of
from backlit.train.result import Result, ending
from backlit.train.scores import columns_of
from backlit.train.streamed.sources import stream_of
from backlit.train.training import Training


class Keeper(Protocol):
    """Who keeps a run in a folder while it trains: see `backlit.store.checkpoint`."""

    @property
    def every(self) -> int | None:
        """Epochs from one writing to the next; None for what takes little of the time."""

    def open(self, loop: Loop, settings: dict[str, Any]) -> contextlib.AbstractContextManager[bool]:
        """The place for this run alone, and the loop as it was left there, if it is to go on.

        It gives whether nothing is there, so that the run may be written before its first epoch.
        """

    def write(self, loop: Loop, result: Result) -> None:
        """Write the run as it is now, and what is needed to go on."""


def fit(network: Layer | Network, x: Any, y: Any, training: Training, keeper: Keeper | None = None) -> Result:
    """Train a network on arrays.

    Parameters
    ----------
    network, x, y :
        As for `backlit.fit`.
    training : Training
        Its other options.
    keeper : Keeper, optional
        Who keeps the run in the folder that `training.checkpoint` names.

    Raises
    ------
    ShapeError, InputError
        If data, targets, network and options don't fit together; the message says what to change.
    DivergedError
        With `strict`, if a NaN or infinity appeared.
    """
    start = time.monotonic()
    distributed.join()
    job = _job(network, x, y, training)
    training = job.training
    stopping = completed(training.early_stopping, job)
    settings = training.replace(loss=job.loss, optimizer=job.optimizer, early_stopping=stopping).to_dict()
    settings |= {"data": job.fingerprint(), **job.told}
    check_same({"network": repr(job.network.architecture), **decisive(settings), **rhythm(training, job, stopping)})
    prober = _prober(job)
    facts = None if prober is None else start_of(job, prober)

    def result() -> Result:
        return Result(
            network=loop.network(),
            history=loop.history,
            loss=job.loss,
            targets=job.targets,
            metrics=job.metrics,
            stopped=loop.stopped,
            diverged=loop.diverged,
            best_epoch=loop.best_epoch,
            settings=settings,
            preparation=training.preparation,
            optimizer=job.optimizer,
            folder=training.folder,
            config=training.config,
            probed=loop.probed(),
            told=facts,
        )

    deadline = None if training.time_limit is None else start + training.time_limit
    best = (None, None) if stopping is None else (stopping.monitor, stopping.direction)
    goal = progress.Goal(training.epochs, *best, deadline)
    first = distributed.is_first()
    following = followed(training.listeners if first else ())
    with following, progress.shown(training.progress if first else False, goal) as display, held() as asked:
        saving = None if keeper is None else Saving(keeper.every, lambda: keeper.write(loop, result()))
        listeners = Listeners(decided(training.listeners), display.show, prober, saving, asked, settings)
        loop = loop_for(job)(job, stopping, listeners, deadline=deadline)
        with contextlib.nullcontext(False) if keeper is None else keeper.open(loop, settings) as free:
            if saving is not None and free:  # whatever happens from here on, there is something to go on with
                loop.save(saving)
            try:
                loop.run()
            except StreamError as error:  # what was trained until then isn't lost
                loop.stopped = "stream failed"
                if loop.history:
                    error.run = kept = result()
                    if keeper is not None:
                        keeper.write(loop, kept)
                raise
            run = result()
            if keeper is not None and run.history:  # else there is nothing that is worth a folder
                keeper.write(loop, run)
        display.end(run.history[-1] if run.history else None, ending(run))
    if training.strict and run.diverged:
        raise DivergedError(ending(run))
    return run


def _job(network: Layer | Network, x: Any, y: Any, training: Training) -> Job:
    """What is trained, on arrays or on a stream."""
    stream = stream_of(x, y, training)
    if stream is not None:
        from backlit.train.streamed.prepare import prepare_stream

        return prepare_stream(network, stream, training)
    training = training.replace(preparation=preparation_for(network, training.preparation, x))
    return prepare(network, x, y, training.replace(epochs=1) if is_exact(training.optimizer) else training)


def loop_for(job: Job) -> type[Loop]:
    """The loop that runs such a job."""
    if type(job) is Job:
        return Loop
    from backlit.train.streamed.loop import StreamLoop

    return StreamLoop


def _prober(job: Job) -> Prober | None:
    """Who looks inside, if anyone is to; a node to be watched that doesn't exist is told before anything is trained."""
    probes = probes_of(job.training.probes)
    if probes is None:
        return None
    if any(isinstance(callback, Follower) and callback.gradients for callback in job.training.listeners):
        probes = probes.replace(gradients=True)
    prober = Prober(job, probes)
    if probes.watch:
        prober(job.start, 0)
    return prober


def completed(stopping: EarlyStopping | int | None, job: Job) -> EarlyStopping | None:
    """Early stopping with its monitor and direction filled in."""
    if stopping is None or isinstance(stopping, int):
        return None if stopping is None else completed(EarlyStopping(stopping), job)
    monitor = stopping.monitor or ("val_loss" if job.validation else "loss")
    columns = columns_of(job.loss, job.metrics)
    columns += [f"val_{name}" for name in columns] if job.validation else []
    if monitor not in columns:
        raise InputError(f"EarlyStopping: nothing called {monitor!r} is measured; there is {', '.join(columns)}")
    metric = job.metrics.get(monitor.removeprefix("val_"))
    return stopping.replace(
        monitor=monitor, direction=stopping.direction or getattr(metric, "direction", None) or "min"
    )
