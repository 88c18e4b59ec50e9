"""Streams that two processes share: `python -m tests.distributed.streams FOLDER PORT PROCESS PROCESSES`."""

import json
import sys
from pathlib import Path

import numpy as np

import backlit as bl
from backlit import distributed
from backlit.data.streams import open_table, understand
from backlit.graph import tree
from backlit.tasks.judge import in_blocks
from backlit.train.streamed import blocks
from tests.train.streamed.common import Blocks

ROWS, BATCH = 101, 8  # of which the first has 50, the second 51


def rows(n=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    return x, (x[:, 0] + 0.3 * rng.normal(size=n) > 0).astype(int)


def interleaved(n, batch, shares=2):
    """The order in which processes, that share batches equally, use rows that are cut into equal shares."""
    parts = [list(range(n * i // shares, n * (i + 1) // shares)) for i in range(shares)]
    step, order = batch // shares, []
    for start in range(0, max(map(len, parts)), step):
        for part in parts:
            order += part[start : start + step]
    return np.array(order)


def net(*more):
    return bl.Sequential(bl.Linear(6), bl.BatchNorm(), bl.Tanh(), *more, bl.Linear(2))


class AllInOne(Blocks):
    """All rows are the first shard's."""

    def batches(self, epoch, shard=0, shards=1):
        return super().batches(epoch) if shard == 0 else iter(())


class Deaf(Blocks):
    """Knows nothing of shards."""

    def batches(self, epoch, shard=0, shards=1):
        return super().batches(epoch)


class Failing(Blocks):
    """The last shard's rows can't be read in the third pass."""

    def batches(self, epoch, shard=0, shards=1):
        for block in super().batches(epoch, shard, shards):
            if epoch == 2 and shard == shards - 1:
                raise OSError("the disk is gone")
            yield block


def fitted(stream, network=None, **options):
    chosen = {"epochs": 3, "batch_size": BATCH, "dtype": "float64", "shuffle": False, "optimizer": bl.SGD(0.1)}
    chosen |= {"metrics": ["accuracy", "auc"], "progress": False, "probes": None} | options
    return told(bl.fit(network or net(), stream, **chosen))


def told(run):
    history = [{name: value for name, value in line.items() if name != "seconds"} for line in run.history]
    params = [np.asarray(leaf).tolist() for leaf in tree.leaves([run.network.params, run.network.state])]
    return {"history": history, "params": params}


def error_of(work):
    try:
        work()
    except bl.BacklitError as error:
        kept = getattr(error, "run", None)
        return {"error": f"{type(error).__name__}: {error}", "epochs": 0 if kept is None else len(kept.history)}
    return {"error": None}


def in_order(order, **known):
    x, y = rows()
    return Blocks(x[order], y[order], np.random.default_rng(3).random(ROWS)[order], size=17, **known)


def weighted(order, held, rows_known=True):
    """Rows with weights; held-out rows in another stream."""
    known = {"rows": ROWS} if rows_known else {}
    x, y = rows(40, 1)
    return fitted(in_order(order, **known), validation=Blocks(x[held], y[held], size=9), accumulate=2, batch_size=4)


def by_steps(order):
    """Epochs that are shares of a pass."""
    return fitted(in_order(order, rows=ROWS), steps_per_epoch=5, batch_size=BATCH)


def members(order):
    return fitted(in_order(order), ensemble=2, batch_size=BATCH)


def carried(order):
    """A state that goes on from batch to batch."""
    x, y = rows(96)
    network = bl.Sequential(bl.LSTM(3, stateful=BATCH), bl.Linear(2))
    return fitted(Blocks(x[order][:, :, None], y[order], size=11), network)


def empty(batch):
    """One process has all rows, the other none."""
    x, y = rows()
    return fitted(AllInOne(x, y), batch_size=batch, validation=(x[:31], y[:31]))


def table(folder):
    """A table's parts, judged by all: shuffled, in float32."""
    found = understand(open_table(folder), "kind", split=(0.6, 0.2, 0.2))
    run = bl.fit(
        bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(2)), found.train, preparation=found.preparation, epochs=4,
        batch_size=32, validation=found.validation, metrics=["accuracy", "auc"], mixup=0.2, optimizer=bl.Adam(0.02),
        progress=False, probes=None,
    )  # fmt: skip
    judged = in_blocks.judge_in_blocks(run, "classification", found.test, found)
    with distributed.alone():
        by_itself = in_blocks.judge_in_blocks(run, "classification", found.test, found)
    told_of = {"judged": judged, "alone": by_itself}
    return told(run) | {name: [one.rows, one.scores, one.confusion] for name, one in told_of.items()}


def diverging():
    x, _ = rows()
    run = bl.fit(
        bl.Sequential(bl.Linear(6), bl.Linear(1)), Blocks(x * 1e6, x[:, :1] * 1e6, size=11), epochs=9, batch_size=BATCH,
        optimizer=bl.SGD(30.0), dtype="float64", loss="mean_squared_error", progress=False, probes=None,
    )  # fmt: skip
    return {"where": [run.stopped, run.diverged.kind, run.diverged.epoch, run.diverged.step]}


def found(folder):
    all_rows, held = np.arange(ROWS), np.arange(40)
    x, y = rows()
    yield "weighted", weighted(all_rows, held)
    yield "counted", weighted(all_rows, held, rows_known=False)
    yield "by steps", by_steps(all_rows)
    yield "members", members(all_rows)
    yield "empty", empty(BATCH)
    yield "table", table(folder)
    yield "diverging", diverging()
    yield "failing", error_of(lambda: fitted(Failing(x, y), epochs=4))
    yield "deaf", error_of(lambda: fitted(Deaf(x, y, rows=ROWS)))
    yield "one row", error_of(lambda: fitted(Blocks(x, y), batch_size=1))
    yield "carried", carried(np.arange(96))
    odd = bl.Sequential(bl.LSTM(3, stateful=5), bl.Linear(2))
    yield "odd", error_of(lambda: fitted(Blocks(x[:100, :, None], y[:100]), odd, batch_size=5))


def main():
    folder, *place = sys.argv[1:]
    port, process, processes = map(int, place)
    bl.distributed.initialize(f"127.0.0.1:{port}", process, processes)
    blocks.ROWS = 40
    Path(folder, f"of_{process}.json").write_text(json.dumps(dict(found(Path(folder) / "parts"))))


if __name__ == "__main__":
    main()
