"""A user's own script, in which nothing speaks of processes: `python script.py FOLDER [WHAT]`."""

import sys

import numpy as np

import backlit as bl

if __name__ == "__main__":  # else it is looked at for examples
    folder, *what = sys.argv[1:]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4))
    y = (x[:, 0] > 0).astype(int)
    if what == ["computes first"]:
        bl.compile(bl.ops.sum)(x)
    run = bl.fit(
        bl.Sequential(bl.Linear(5), bl.Tanh(), bl.Linear(2)), x, y, epochs=4, batch_size=10, dtype="float64",
        checkpoint=folder, overwrite=True, progress=True,
    )  # fmt: skip
    if what == ["fails"] and bl.distributed.index() == 1:
        raise ZeroDivisionError("mine")
    if what == ["fails"]:
        bl.distributed.barrier("never reached by the other")
    sys.stdout.write(
        f"{bl.distributed.index()} of {bl.distributed.count()}: {run.history[-1]['loss']!r} {run.predict(x[:3])}\n"
    )
