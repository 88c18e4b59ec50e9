"""Predictions for 1 and for 100,000 rows: `run.predict` against ONNX Runtime on the run's exported file.

A classifier of digits (64-128-64-10), and one of a table with eight columns, categories and gaps among them, whose
preparation is inside the file. Rows come as people have them: an array, and a data frame of which `feed` makes inputs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import Any

from benchmarks.harness import race, serve

MANY, TIMES = 100_000, 50
WORK = ("digits", "table")


def _run(work: str) -> tuple[Any, Any]:
    """A run, and 100,000 rows."""
    import numpy as np
    import polars as pl

    import backlit as bl

    rng = np.random.default_rng(0)
    if work == "digits":
        digits = bl.data.load("digits")
        network = bl.Sequential(bl.Linear(128), bl.ReLU(), bl.Linear(64), bl.ReLU(), bl.Linear(10))
        x = (digits.x / 16).astype("float32")
        run = bl.fit(network, x, digits.y, epochs=2, seed=0, progress=False)
        return run, x[rng.integers(0, len(x), MANY)]
    columns = {f"number {i}": rng.normal(size=MANY) for i in range(5)}
    columns |= {f"category {i}": rng.choice(["red", "green", "blue"], MANY) for i in range(3)}
    frame = pl.DataFrame(columns).with_columns(
        pl.when(pl.Series(rng.random(MANY) < 0.1)).then(None).otherwise(pl.col("number 0")).alias("number 0")
    )
    target = pl.Series("y", np.where(columns["number 1"] > 0, "yes", "no"))
    run = bl.fit(frame[:2000].with_columns(target[:2000]), target="y", epochs=2, seed=0, progress=False)
    return run, frame


def _timed(predict: Any, rows: Any) -> dict[str, float]:
    """Seconds for all rows, and for one, the mean of several."""
    begin = time.perf_counter()
    predict(rows)
    many = time.perf_counter() - begin
    one = rows[:1]
    begin = time.perf_counter()
    for _ in range(TIMES):
        predict(one)
    return {"seconds": many, "one": (time.perf_counter() - begin) / TIMES}


def _backlit(work: str) -> Any:
    run, rows = _run(work)
    return lambda: _timed(run.predict, rows)


def _onnxruntime(work: str) -> Any:
    import onnxruntime

    run, rows = _run(work)
    with tempfile.TemporaryDirectory() as folder:
        exported = run.export(f"{folder}/run.onnx")
        session = onnxruntime.InferenceSession(f"{folder}/run.onnx")
    return lambda: _timed(lambda part: session.run(["label"], exported.feed(part)), rows)


CONTESTANTS = {
    f"{name}, {work}": lambda make=make, work=work: make(work)
    for work in WORK
    for name, make in (("run.predict", _backlit), ("onnxruntime", _onnxruntime))
}


def main() -> str:
    """The race as text."""
    results = race("benchmarks.inference", list(CONTESTANTS), rounds=5)
    lines = [f"| | 1 row (µs) | {MANY:,} rows (ms) | spread |", "|---|---:|---:|---:|"]
    for name, result in results.items():
        one, many = f"{1e6 * result.median('one'):,.0f}", f"{1e3 * result.median():,.1f}"
        lines.append(f"| {name} | {one} | {many} | {result.spread()} |")
    head = "### Predictions: `run.predict` against ONNX Runtime on the exported file\n\n"
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main())
