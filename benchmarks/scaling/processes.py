"""What a second process costs: processor seconds of the same training in one process and in two that share each batch.

Wall time tells nothing where both share the cores that one alone would use.
"""

from __future__ import annotations

import json
import socket
import sys
import time

import numpy as np

from benchmarks.scaling import table, told, worker

ROWS, COLUMNS, BATCH = 8192, 64, 4096
EPOCHS = 10


def work(index: int, processes: int, port: int, epochs: int) -> None:
    """One of the processes: processor seconds of some epochs, the first (with compiling) apart."""
    import backlit as bl

    if processes > 1:
        bl.distributed.initialize(f"127.0.0.1:{port}", index, processes)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    y = rng.integers(0, 10, ROWS)
    network = bl.Sequential(bl.Linear(1024), bl.ReLU(), bl.Linear(1024), bl.ReLU(), bl.Linear(10))
    options = {"batch_size": BATCH, "progress": False, "probes": None, "chunk": 1, "optimizer": "sgd"}
    bl.fit(network, x, y, epochs=1, **options)
    begin, started = time.process_time(), time.perf_counter()
    run = bl.fit(network, x, y, epochs=epochs, **options)
    print(json.dumps([time.process_time() - begin, time.perf_counter() - started, run.history[-1]["loss"]]), flush=True)


def measured(processes: int, epochs: int) -> np.ndarray:
    """Processor seconds of all, wall seconds, loss."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = (str(processes), str(port), str(epochs))
    workers = [
        worker("benchmarks.scaling.processes", str(index), *words, NPROC=str(max(1, 2 // processes)))
        for index in range(processes)
    ]
    results = np.array([told(each) for each in workers])
    return np.array([results[:, 0].sum(), results[:, 1].max(), results[0, 2]])


def figure(quick: bool) -> str:
    """The table; the two take turns, and the median of the turns counts."""
    turns = 1 if quick else 3
    found = {count: [] for count in (1, 2)}
    for _ in range(turns):
        for count, results in found.items():
            results.append(measured(count, EPOCHS))
    medians = {count: np.median(results, axis=0) for count, results in found.items()}
    updates = EPOCHS * -(-ROWS // BATCH)
    rows = [
        [
            str(count), f"{processor:.2f}", f"{1000 * processor / updates:.0f}", f"{processor / medians[1][0]:.2f}",
            f"{wall:.2f}", f"{loss:.6f}",
        ]
        for count, (processor, wall, loss) in medians.items()
    ]  # fmt: skip
    heads = ["processes", "processor s", "ms an update", "of one process's", "wall s", "loss"]
    return (
        f"## Two processes on one machine\n\nmlp:1024,1024, {COLUMNS} columns, batches of {BATCH} rows, {updates} "
        f"updates; processor time of all processes.\n\n{table(heads, rows)}\n"
    )


if __name__ == "__main__":
    work(*map(int, sys.argv[2:]))
