"""60,000 × 784 float32 in memory: peak of the whole process while `bl.fit` trains on it."""

from __future__ import annotations

import resource
import subprocess
import sys

ROWS, COLUMNS = 60_000, 784
LIMIT = 2 * ROWS * COLUMNS * 4 / 2**20 + 600


def work() -> None:
    """Make the data without temporary copies, train an epoch with validation, print the peak in MiB."""
    import numpy as np

    import backlit as bl

    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    y = rng.integers(0, 10, ROWS)
    net = bl.Sequential(bl.Linear(512), bl.ReLU(), bl.Linear(256), bl.ReLU(), bl.Linear(10))
    run = bl.fit(net, x, y, epochs=2, batch_size=128, validation=0.1, seed=0)
    print(run.history[-1]["loss"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> str:
    """The measurement as text."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--worker"], capture_output=True, text=True, check=True
    )
    peak = float(done.stdout.split()[-1])
    data = ROWS * COLUMNS * 4 / 2**20
    return (
        f"### Memory: {ROWS:,} × {COLUMNS} float32 ({data:.0f} MiB)\n\n| | MiB |\n|---|---:|\n"
        f"| peak of the process | {peak:.0f} |\n| limit: twice the data + 600 | {LIMIT:.0f} |\n"
    )


if __name__ == "__main__":
    work() if "--worker" in sys.argv else print(main())
