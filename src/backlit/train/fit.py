"""`fit`: data, network, loss and optimizer in; a trained `Run` out."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import DivergedError, InputError
from backlit.nn.layer import Layer, Network
from backlit.optim.plateau import plateau_of
from backlit.train import progress as progress_display
from backlit.train.callbacks import Callback, EarlyStopping
from backlit.train.lazy import Later
from backlit.train.loop import Loop
from backlit.train.prepare import Job, check_counts, complete, prepare, scorer
from backlit.train.probes.facts import start_of
from backlit.train.probes.prober import Prober
from backlit.train.probes.settings import Probes, chosen
from backlit.train.result import Run
from backlit.train.training import OF_THE_CALL, Recipe


def tables_too(function: Callable[..., Run]) -> Callable[..., Run]:
    """Make ``fit(table, target=...)`` the same call as ``fit_table(table, target=...)``; the run keeps its recipe."""

    @wraps(function)
    def either(*args: Any, **options: Any) -> Run:
        from backlit.tasks.fit import fit_table

        if "target" in options:
            return fit_table(*args, **options)
        if len(args) == 1 and not isinstance(args[0], (Layer, Network)) and not {"x", "y"} & set(options):
            raise InputError("say which column of the table to predict: bl.fit(table, target='...')")
        run = function(*args, **options)
        given = dict(zip(("network", "x", "y"), args, strict=False)) | options
        kept = {name: value for name, value in given.items() if name not in OF_THE_CALL}
        run.recipe = Recipe(kept.pop("network"), kept.pop("x"), kept.pop("y"), kept)
        return run

    return either


@tables_too
def fit(
    network: Layer | Network,
    x: Any,
    y: Any,
    *,
    loss: Any = None,
    optimizer: Any = "adam",
    epochs: int = 20,
    batch_size: int | None = 32,
    validation: Any = None,
    seed: int = 0,
    metrics: Any = None,
    penalty: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    early_stopping: EarlyStopping | int | None = None,
    callbacks: Sequence[Callback] | Callback = (),
    accumulate: int = 1,
    reduction: str = "mean",
    shuffle: bool = True,
    engine: str = "xla",
    dtype: str = "float32",
    preparation: Any = None,
    standardize_targets: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 10,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    chunk: int | None = None,
    strict: bool = False,
    config: dict[str, Any] | None = None,
    ensemble: int = 1,
    time_limit: float | None = None,
    clip: float | str | None = "auto",
    steps_per_epoch: int | None = None,
    encoding: Any = None,
    mixup: float = 0.0,
    probes: Probes | str | None = "standard",
    devices: int = 1,
) -> Run:
    """Train a network: ``fit(network, x, y)``. For tables there is ``fit(table, target="price")``, see `fit_table`.

    Parameters
    ----------
    network : Layer or Network
        An architecture, whose parameters are drawn from `seed`, or a network, whose parameters are the start.
    x : array, nested list or data frame, (rows, ...)
        Inputs.
    y : array, list or series, (rows,) or (rows, outputs)
        Targets: classes (of any type) or numbers.
    loss : str or loss, optional
        By default cross entropy for classes, mean squared error for numbers.
    optimizer : str or Transform
        ``"adam"``, ``bl.SGD(0.1, momentum=0.9)``, ``bl.chain(bl.ClipGlobalNorm(1.0), bl.Adam(1e-3))``.
    epochs : int
        Passes over the training rows.
    batch_size : int or None
        Rows an update; None takes all of them (full-batch gradient descent). The last batch may be smaller; it is used.
    validation : float, pair (x, y), or None
        Share of the rows held back (stratified by class), or data of one's own.
    seed : int
        Origin of all randomness: the same seed gives the same run, bit for bit on one machine and engine.
    metrics : list, optional
        Names ("accuracy", "f1", "auc", "r2", ...) or functions ``(outputs, targets, weights) -> float`` of arrays; by
        default accuracy for classes, RMSE and R² for numbers. ``metrics=[]`` computes the loss alone.
    penalty : penalty, optional
        ``bl.L2(1e-4)``, ``bl.L1(1e-3, only="0/*") + bl.L2(1e-4)``: added to the data loss.
    sample_weight : array (rows,), optional
        Weight of each row in the loss.
    class_weight : "balanced" or dict of class to weight, optional
        Weight of each class in the loss; multiplies `sample_weight`.
    early_stopping : EarlyStopping or int, optional
        An int is its patience.
    callbacks : callable or list of callables
        Called after each epoch with an `EpochEnd`; returning True ends the training.
    accumulate : int
        Batches of which gradients are added to one update.
    reduction : "mean" or "sum"
        Over the rows of an update: Σ w·l / Σ w or Σ w·l.
    shuffle : bool
        Whether rows are shuffled anew in each epoch.
    engine : "xla" or "numpy"
        Compiled, or operation by operation.
    dtype : "float32" or "float64"
        Of parameters, inputs and arithmetic.
    preparation : object with ``apply(raw) -> array``, optional
        Applied to `x` here and to whatever the run is used on later; saved with it.
    standardize_targets : bool
        Train numbers as ``(y - mean) / std``; predictions and metrics are in the targets' own unit again.
    checkpoint : path, optional
        Folder that holds the run at every moment: written every `checkpoint_every` epochs, and at the end.
    resume : bool
        Go on from the state in `checkpoint`, bit for bit as if there had been no stop.
    overwrite : bool
        Replace a run that is already in `checkpoint`; it stays until the new one is first written.
    progress : bool, optional
        True: a live table in terminals and notebooks, plain lines elsewhere; False: nothing; by default the
        table alone. On standard error.
    chunk : int, optional
        Most epochs that one call of the compiled program may run; chosen by size if left out. Doesn't change results.
    strict : bool
        Raise `DivergedError` instead of returning a run that diverged.
    config : dict, optional
        Plain data that is kept with the run: what would train it again.
    ensemble : int
        Networks that are trained at once, in one program, each with a start, a shuffling and a dropout of its own, and
        then used as one: `Run.network` is a `Parallel` of them that averages their probabilities, or numbers. The
        history has means over the members, and early stopping and `ReduceOnPlateau` go by them: one best epoch, one
        rate for all. The first member is what the seed gives without an ensemble.
    time_limit : float, optional
        Seconds after which training ends, compiling included; the epoch that is under way is finished.
    clip : float, "auto" or None
        Norm to which the gradient is clipped. "auto": 1 for recurrent networks whose optimizer doesn't clip, since one
        long sequence can make their gradient arbitrarily large; none for others.
    steps_per_epoch : int, optional
        Updates that make an epoch, where a pass over all rows takes too long to wait for; the next epoch goes on with
        the rows that follow.
    encoding : object, optional
        How targets are encoded and outputs decoded, where it isn't to be learned from `y`: a `Targets` or the like.
    mixup : float
        Above 0: every row is blended with another of its batch, ``λ x + (1 − λ) x'`` with one λ ~ Beta(mixup, mixup) a
        batch, and its loss is that of both targets, ``λ l(out, y) + (1 − λ) l(out, y')``; 0.2 is usual (Zhang et al.,
        arXiv:1710.09412). The history's training loss is this one; its training metrics hold outputs for blended inputs
        against the row's own target, and so look worse than they are. Validation isn't mixed. Layers that change their
        input by chance (`Augment`) get it blended.
    probes : "standard", Probes or None
        What is measured inside the network while it trains, see `Probes`; the standard costs a few percent. None:
        nothing.
    devices : int
        Devices that share the work on each batch (graphics cards, or parts of the processor): each computes the
        gradient of its rows, and their sum makes the update, so that the result is that of one device, to rounding.
        Of the compiled engine; `batch_size` must be a multiple, unless it takes all rows. Each holds data and
        parameters whole. On a processor this gains nothing, since XLA uses all its cores for one device, too.

    Returns
    -------
    Run

    Raises
    ------
    ShapeError, InputError
        If data, targets, network and options don't fit together; the message says what to change.
    DivergedError
        With `strict`, if a NaN or infinity appeared.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    >>> run = bl.fit(net, x, ["no", "yes", "yes", "no"], epochs=200, batch_size=None, optimizer=bl.Adam(0.05))
    >>> run.predict(x).tolist()
    ['no', 'yes', 'yes', 'no']
    """
    check_counts(epochs=epochs, checkpoint_every=checkpoint_every, **({} if chunk is None else {"chunk": chunk}))
    begin = _clock(time_limit)
    stopping = EarlyStopping(early_stopping) if isinstance(early_stopping, int) else early_stopping
    watching = chosen(probes)
    job = prepare(
        network, x, y, loss=loss, optimizer=optimizer, batch_size=batch_size, validation=validation, seed=seed,
        metrics=metrics, penalty=penalty, sample_weight=sample_weight, class_weight=class_weight, accumulate=accumulate,
        reduction=reduction, shuffle=shuffle, engine=engine, dtype=dtype, preparation=preparation,
        standardize_targets=standardize_targets, epochs=epochs, chunk=chunk, ensemble=ensemble,
        clip=clip, steps_per_epoch=steps_per_epoch, encoding=encoding, mixup=mixup,
        devices=devices,
    )  # fmt: skip
    stopping, direction = complete(stopping, job)
    settings = {
        "epochs": epochs, "batch_size": batch_size, "seed": seed, "engine": engine, "dtype": dtype,
        "accumulate": accumulate, "reduction": reduction, "shuffle": shuffle,
        "standardize_targets": standardize_targets, "ensemble": ensemble, "mixup": mixup or None,
        "steps_per_epoch": steps_per_epoch, "devices": devices, "data": fingerprint(job),
        "validation": validation if isinstance(validation, (int, float)) else validation is not None,
        "loss": repr(job.loss), "optimizer": repr(job.optimizer), "penalty": repr(penalty) if penalty else None,
    }  # fmt: skip
    weighing = {  # told for whoever trains again; a resumed run may have other patience
        "class_weight": class_weight if isinstance(class_weight, str) else class_weight is not None,
        "sample_weight": sample_weight is not None,
        "early_stopping": None if stopping is None else asdict(stopping),
    }  # fmt: skip
    prober = None if watching is None else prober_of(job, watching, epochs, seed)
    if prober is not None and watching is not None and watching.watch:
        prober(job.carry, 0)  # a node that doesn't exist is told before anything is trained
    told = None if prober is None else Later(lambda: start_of(job, prober, int(seed)))
    display = progress_display.create(progress, epochs)
    listeners = [callbacks] if callable(callbacks) else list(callbacks)
    plateau = plateau_of(job.optimizer)
    loop = Loop(
        program=job.program,
        network=job.network,
        data=job.data,
        batches=job.batches,
        held=job.held,
        judge=job.judge,
        scores=scorer(job),
        of_loss={name: metric for name, metric in job.metrics.items() if hasattr(metric, "of_loss")},
        epochs=epochs,
        early_stopping=stopping,
        direction=direction,
        callbacks=tuple(listeners),
        display=display.show,
        plateau=plateau,
        plateau_state=plateau.init() if plateau else None,
        carry=job.carry,
        deadline=None if time_limit is None else begin + time_limit,
        prober=prober,
    )

    def run_now() -> Run:
        return Run(
            network=loop.network_at(loop.carry_to_keep()),
            history=loop.history,
            loss=job.loss,
            targets=job.targets,
            metrics=job.metrics,
            stopped=loop.stopped,
            diverged=loop.diverged,
            best_epoch=loop.best_epoch or None,
            settings=settings | weighing,
            preparation=preparation,
            optimizer=job.optimizer,
            folder=Path(checkpoint) if checkpoint else None,
            config=config,
            probed=loop.probed(),
            told=told,
        )

    if checkpoint is not None:
        from backlit.store.checkpoint import Checkpoint

        keeper = Checkpoint(Path(checkpoint), settings, resume, overwrite)
        with keeper.open(loop):
            loop.save, loop.save_every = lambda state: keeper.write(state, run_now()), checkpoint_every
            loop.run()
            run = run_now()
            if run.history:  # else there is nothing that is worth a folder
                keeper.write(loop, run)
    elif resume:
        raise InputError("resume=True needs checkpoint=FOLDER, the folder to go on from")
    else:
        loop.run()
        run = run_now()
    display.close(run.history[-1] if run.history else None, ending(run))
    if strict and run.diverged:
        raise DivergedError(ending(run))
    return run


def prober_of(job: Job, settings: Probes, epochs: int, seed: int) -> Prober:
    """The prober of a job: of its first member, if it trains several networks."""
    return Prober(settings, job.program, job.network, job.data, job.batches[0], epochs, int(seed))


def fingerprint(job: Job) -> str:
    """What tells one job's training data from another's: their shapes and targets, and how raw rows become inputs."""
    shapes = (job.network.input_shape, job.encoded.shape, [len(own.rows) for own in job.batches])
    told = json.dumps([str(shapes), job.targets.to_dict()], default=str, sort_keys=True)
    return hashlib.sha256(told.encode() + np.ascontiguousarray(job.encoded).tobytes()).hexdigest()[:16]


def _clock(time_limit: float | None) -> float:
    """Now, if the limit is a number of seconds above zero or none."""
    if time_limit is not None:
        number = isinstance(time_limit, (int, float)) and not isinstance(time_limit, bool)
        if not number or not 0 < time_limit < math.inf:
            raise InputError(f"time_limit must be a number of seconds above 0, got {time_limit!r}")
    return time.monotonic()


def ending(run: Run) -> str:
    """Why training ended before its time, in a sentence; empty if it didn't."""
    done = len(run.history)
    if run.diverged:
        where = run.diverged
        member = f" of member {where.member}" if where.member else ""
        return (
            f"training diverged: the loss was NaN or infinite in epoch {where.epoch}, step {where.step}; "
            f"first bad value{member}: {where.layer}. Kept the weights of epoch {done}. "
            "Lower the learning rate, or look at the data"
        )
    if run.stopped == "early stopping":
        return f"stopped after epoch {done}: no improvement since epoch {run.best_epoch}, whose weights are kept"
    if run.stopped == "interrupted" and not done:
        return "interrupted before the first epoch was done: nothing was learned, and nothing is kept"
    if run.stopped == "interrupted":
        return f"interrupted after epoch {done}; what was trained is kept"
    if run.stopped == "time limit":
        best = f"; kept the weights of epoch {run.best_epoch}" if run.best_epoch else ""
        return f"the time limit was reached after epoch {done}{best}"
    return f"stopped by a callback after epoch {done}" if run.stopped == "callback" else ""
