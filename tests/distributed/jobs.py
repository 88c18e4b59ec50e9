"""What is trained in one process, and in a pair of them: `python -m tests.distributed.jobs OUT [PORT PROCESS]`.

Each job gives plain data and arrays; they are written to a file for each process. One pair of processes trains all.
"""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import polars

import backlit as bl
from backlit import distributed
from backlit.graph import tree
from backlit.train import recipe
from tests.train.several import net as net_of_several
from tests.train.several import rows as rows_of_several

JOBS = {}
FOLDER = []  # of the processes' files
EPOCHS = 25  # of 8 updates


def job(f):
    """Add a job by its function's name."""
    JOBS[f.__name__] = f
    return f


def told(run, x=None):
    """What a run is compared by."""
    lines = [{name: value for name, value in line.items() if name != "seconds"} for line in run.history]
    return {
        "history": lines,
        "params": tree.map(np.asarray, [run.network.params, run.network.state]),
        "stopped": run.stopped,
        "best": run.best_epoch,
        "predicted": None if x is None else tree.map(np.asarray, run.predict(x)),
        "probes": [{key: look[key] for key in ("epoch", "step", "loss", "params")} for look in run.probes],
    }


def rows(n=200, shape=(8,), classes=3):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, *shape)), rng.integers(0, classes, n)
    return x, y


def fitted(network, n=200, shape=(8,), x=None, y=None, **options):
    if x is None:
        x, y = rows(n, shape)
    chosen = {"epochs": EPOCHS, "batch_size": 21, "validation": 0.2, "optimizer": bl.SGD(0.05), "seed": 1} | options
    return told(bl.fit(network, x, y, dtype="float64", progress=False, **chosen), x[:20])


def dense(*more):
    return bl.Sequential(bl.Linear(12), bl.ReLU(), *more, bl.Linear(3))


@job
def dropout_and_batch_norm():
    """Of the whole batch; 160 rows in batches of 21, which two don't share equally."""
    return fitted(dense(bl.BatchNorm(), bl.Dropout(0.3)))


@job
def mixup_accumulated_weighted_penalty():
    weights = np.random.default_rng(1).random(200)
    return fitted(
        dense(bl.Dropout(0.2)), mixup=0.3, accumulate=2, batch_size=11, sample_weight=weights, penalty=bl.L2(0.01),
        class_weight="balanced",
    )  # fmt: skip


@job
def ensemble_of_folds():
    return fitted(dense(), ensemble=3, epochs=6)


@job
def pictures():
    """Bytes up to the device, changed by chance."""
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 255, (60, 8, 8, 1)).astype(np.uint8), rng.integers(0, 3, 60)
    conv = (bl.Conv2d(4, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(3))
    network = bl.Sequential(bl.Rescale((0.0,), (255.0,)), bl.Augment(shift=0.1, rotate=10), *conv)
    return fitted(network, x=x, y=y, batch_size=10, epochs=5)


@job
def recurrent():
    return fitted(
        bl.Sequential(bl.LSTM(5, return_sequences=True), bl.GRU(4), bl.Linear(3)), n=60, shape=(5, 3), epochs=4,
        optimizer=bl.Adam(0.01),
    )  # fmt: skip


@job
def several_inputs_and_outputs():
    x, y = rows_of_several(80)
    run = bl.fit(
        net_of_several(), x, y, dtype="float64", epochs=3, batch_size=14, validation=0.2, seed=1, progress=False,
        optimizer=bl.SGD(0.05), loss_weights={"price": 0.3},
    )  # fmt: skip
    return told(run, x)


@job
def full_batch_of_odd_rows():
    return fitted(bl.Linear(3), n=7, batch_size="full", validation=None, epochs=30)


@job
def fewer_rows_than_processes():
    return fitted(bl.Linear(1), x=np.array([[1.0, 2.0]]), y=np.array([0.5]), validation=None, epochs=9, batch_size=32)


@job
def lbfgs():
    return fitted(bl.Linear(3), n=41, batch_size="full", optimizer="lbfgs", epochs=8, validation=None)


@job
def least_squares():
    x, _ = rows(41)
    return fitted(bl.Linear(1), x=x, y=x.sum(axis=1), batch_size="full", optimizer="least_squares", validation=None)


@job
def early_stopping_and_schedule():
    return fitted(dense(), optimizer=bl.Adam(0.1), schedule="warmup:2 cosine", early_stopping=3, epochs=40)


@job
def plateau_and_callback():
    """A callback ends the training; of two processes the first calls it."""
    called = []

    def ended(end):
        called.append(end.epoch)
        assert distributed.count() == 1
        return end.record["loss"] < 1.0 or end.epoch == 12

    found = fitted(dense(), schedule="plateau:1,0.5", optimizer=bl.SGD(0.5), callbacks=ended, epochs=40)
    return found | {"called": called if distributed.is_first() else "elsewhere"}


@job
def until_loss():
    return fitted(dense(), optimizer=bl.Adam(0.05), until_loss=0.6, epochs=60)


@job
def probes_and_findings():
    x, y = rows()
    run = bl.fit(
        dense(), x * 100, y, dtype="float64", epochs=6, batch_size=21, validation=0.2, seed=1, progress=False,
        optimizer=bl.SGD(0.5), probes=bl.Probes(every=2),
    )  # fmt: skip
    return told(run) | {"findings": [finding.name for finding in run.diagnose()]}


@job
def divergence():
    x, _ = rows()
    run = bl.fit(
        dense(), x, x.sum(axis=1, keepdims=True) @ np.ones((1, 3)), dtype="float64", epochs=9, batch_size=21, seed=1,
        progress=False, optimizer=bl.SGD(30.0), loss="mean_squared_error",
    )  # fmt: skip
    return {"where": (run.diverged.kind, run.diverged.path, run.diverged.epoch, run.diverged.step), "history": []}


@job
def range_test():
    x, y = rows()
    found = bl.lr_find(dense(), x, y, steps=40, dtype="float64", optimizer="sgd", batch_size=21)
    return {"rates": found.rates, "losses": found.losses, "suggestion": found.suggestion}


@job
def table():
    """With a preparation that learns, an ensemble, a calibration and a judgement."""
    rng = np.random.default_rng(4)
    frame = polars.DataFrame(
        {"size": rng.normal(50, 9, 150), "place": rng.choice(["a", "b", "c"], 150), "age": rng.integers(0, 90, 150)}
    )
    price = frame["size"] * 2 + frame["age"] * (frame["place"] == "a")
    run = bl.fit(frame.with_columns(price=price), target="price", network="mlp:8", epochs=3, ensemble=2, progress=False)
    return told(run, frame) | {"scores": run.judgement["scores"]}


@job
def text():
    """A state that is carried from batch to batch."""
    words = "the cat sat on the mat and the dog lay on the log; " * 12
    run = bl.fit_text(words, network="lstm:6", window=8, epochs=2, batch_size=6, progress=False)
    return told(run)


@job
def text_in_odd_batches():
    """Which processes don't share equally: each carries them all."""
    words = "the cat sat on the mat and the dog lay on the log; " * 12
    run = bl.fit_text(words, network="gru:5", window=8, epochs=2, batch_size=5, progress=False)
    return told(run) | {"said": run.generate("the ", 12, seed=1)}


@job
def series():
    t = np.arange(120)
    frame = polars.DataFrame({"t": t, "y": np.sin(t / 3) + t / 50})
    run = bl.fit(
        frame, target="y", time="t", horizon=2, window=5, network="mlp:6", epochs=3, ensemble=2, progress=False
    )
    return told(run)


@job
def kept_and_gone_on_with():
    """A run's folder, which the first process writes; gone on with, and better epochs than the last had again."""
    kept = {
        "checkpoint": FOLDER[0] / "kept",
        "checkpoint_every": 3,
        "optimizer": bl.Adam(0.02),
        "early_stopping": bl.EarlyStopping(30),
    }
    first = fitted(dense(bl.BatchNorm()), epochs=4, **kept)
    resumed = fitted(dense(bl.BatchNorm()), epochs=9, resume=True, **kept)
    return {"first": first, "resumed": resumed, "loaded": told(bl.load(FOLDER[0] / "kept"))}


@job
def refused():
    """What the first process finds wrong with files, every process says."""
    (FOLDER[0] / "other").mkdir(exist_ok=True)
    (FOLDER[0] / "other" / "letter.txt").write_text("mine")
    try:
        fitted(dense(), epochs=1, checkpoint=FOLDER[0] / "other")
    except bl.InputError as error:
        return {"error": str(error).replace(str(FOLDER[0]), "")}


@job
def failing_callback():
    def broken(end):
        raise ZeroDivisionError("mine")

    try:
        fitted(dense(), epochs=2, callbacks=broken)
    except (ZeroDivisionError, bl.ProcessError) as error:
        return {"error": str(error) if distributed.is_first() else "elsewhere", "elsewhere": str(error)}


def _delayed():
    """At random moments a process waits: each for itself."""
    rng = np.random.default_rng(distributed.index())
    for owner, name in ((distributed.telling, "_put"), (distributed.telling, "_wait")):
        inner = getattr(owner, name)

        def late(*given, inner=inner):
            time.sleep(rng.random() * 0.05 if rng.random() < 0.3 else 0)
            return inner(*given)

        setattr(owner, name, late)


@job
def delayed():
    """One process or the other waits at random moments; a clock decides how many epochs a call has."""
    puts = distributed.telling._put, distributed.telling._wait
    _delayed()
    try:
        found = fitted(
            dense(bl.BatchNorm()), optimizer=bl.Adam(0.1), early_stopping=8, epochs=40, probes=bl.Probes(every=4),
            time_limit=600,
        )  # fmt: skip
    finally:
        distributed.telling._put, distributed.telling._wait = puts
    return found


@job
def out_of_time():
    """The first process's clock ends it, at the same epoch everywhere."""
    x, y = rows()
    limit = 2.0 if distributed.is_first() else 2000.0
    run = bl.fit(dense(), x, y, epochs=10**6, batch_size=21, seed=1, progress=False, time_limit=limit)
    return {"stopped": run.stopped, "epochs": len(run.history), "params": run.network.params}


@job
def interrupted():
    """Ctrl-C at the last process alone ends the training everywhere, after the same epoch."""
    x, y = rows()
    if distributed.index() == distributed.count() - 1:
        threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    run = bl.fit(dense(), x, y, epochs=10**6, batch_size=21, seed=1, progress=False)
    return {"stopped": run.stopped, "epochs": len(run.history), "params": run.network.params}


CLOCKED = ("out_of_time", "interrupted")  # what differs from run to run


def in_float64(network, x, y, training, keeper=None, fit=recipe.fit):
    """Tables and their like train in float32; what is compared is trained in more."""
    return fit(network, x, y, training.replace(dtype="float64"), keeper)


def done(names, folder):
    """The jobs' results by name; an error as its text."""
    FOLDER[:] = [folder]
    folder.mkdir(parents=True, exist_ok=True)
    results, recipe.fit = {}, in_float64
    for name in names:
        start = time.time()
        try:
            results[name] = JOBS[name]()
        except Exception:  # noqa: BLE001 - the test tells it
            results[name] = {"failed": traceback.format_exc()}
        results[name]["took"] = time.time() - start
    recipe.fit = in_float64.__defaults__[1]
    return results


def main():
    out, *names = sys.argv[1:]
    place, names = [word for word in names if word.isdigit()], [word for word in names if not word.isdigit()]
    if place:
        port, process, processes = map(int, place)
        bl.distributed.initialize(f"127.0.0.1:{port}", process, processes)
    name = f"of_{distributed.index()}.pickle" if place else "alone.pickle"
    results = done(names or list(JOBS), Path(out) / ("several" if place else "one"))
    Path(out, name).write_bytes(pickle.dumps(results))


if __name__ == "__main__":
    main()
