"""Predictions for 1, 1,000 and 100,000 rows: `run.predict` against PyTorch and ONNX Runtime on the exported file.

A classifier of digits (64-128-64-10), and one of a table with eight columns, categories and gaps among them, whose
preparation is inside the file. Rows come as people have them: an array, and a data frame of which `feed` makes inputs.
A CNN (28×28, 32 and 64 kernels, pooling, 128 units) and an LSTM (32 steps of 65 numbers, 256 units) classify 1,000.
PyTorch predicts in inference mode, the CNN with channels last, the quicker layout.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Result, race, serve

MANY, SOME, TIMES = 100_000, 1000, 50
HEAVY = {"cnn": (28, 28, 1), "lstm": (32, 65)}
COUNTS = {"one": (1, TIMES), "some": (SOME, 10), "many": (MANY, 1)}  # rows, and how often for a mean


def _run(work: str) -> tuple[Any, Any]:
    """A run, and as many rows as it is to predict."""
    import numpy as np
    import polars as pl

    import backlit as bl

    rng = np.random.default_rng(0)
    if work in HEAVY:
        x = rng.normal(size=(SOME, *HEAVY[work])).astype("float32")
        return bl.fit(_heavy(work), x[:200], rng.integers(0, 10, 200), epochs=1, seed=0, progress=False), x
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


def _heavy(work: str) -> Any:
    import backlit as bl

    if work == "lstm":
        return bl.Sequential(bl.LSTM(256), bl.Linear(10))
    convolutions = (bl.Conv2d(32, 3), bl.ReLU(), bl.Conv2d(64, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten())
    return bl.Sequential(*convolutions, bl.Linear(128), bl.ReLU(), bl.Linear(10))


def _timed(predict: Callable[[Any], Any], rows: Any) -> dict[str, float]:
    """Seconds for each number of rows, the mean of several times."""
    seconds = {}
    for name, (count, times) in COUNTS.items():
        if count > len(rows) or (count < SOME == len(rows)):
            continue
        part = rows[:count]
        predict(part)
        begin = time.perf_counter()
        for _ in range(times):
            predict(part)
        seconds[name] = (time.perf_counter() - begin) / times
    return {"seconds": seconds.get("many", seconds["some"]), **seconds}


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


def _pytorch(work: str) -> Any:
    import torch
    from torch import nn

    class Last(nn.Module):
        """The last state of a recurrent layer."""

        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(65, 256, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[0][:, -1]

    layers = {
        "digits": (nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)),
        "cnn": (
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Linear(128, 10),
        ),
        "lstm": (Last(), nn.Linear(256, 10)),
    }  # fmt: skip
    network = nn.Sequential(*layers[work]).eval()
    if work == "cnn":
        network = network.to(memory_format=torch.channels_last)
    rows = _run(work)[1]

    def predict(part: Any) -> Any:
        x = torch.from_numpy(part)
        with torch.inference_mode():
            return network(x.permute(0, 3, 1, 2) if work == "cnn" else x).argmax(1).numpy()

    return lambda: _timed(predict, rows)


RACES = {
    "digits": {"run.predict": _backlit, "onnxruntime": _onnxruntime, "PyTorch": _pytorch},
    "table": {"run.predict": _backlit, "onnxruntime": _onnxruntime},
    "cnn": {"run.predict": _backlit, "PyTorch": _pytorch},
    "lstm": {"run.predict": _backlit, "PyTorch": _pytorch},
}
CONTESTANTS = {
    f"{name}, {work}": lambda make=make, work=work: make(work)
    for work, contestants in RACES.items()
    for name, make in contestants.items()
}


def _cell(result: Result, key: str, scale: float) -> str:
    return f"{scale * result.median(key):,.4g}" if key in result.rounds[0] else ""


def _ratios(results: dict[str, Result]) -> list[str]:
    """The best of the others beside `run.predict`: their time divided by its own, larger is better."""
    lines = []
    for work in RACES:
        ours = results.get(f"run.predict, {work}")
        others = [results[f"{name}, {work}"] for name in list(RACES[work])[1:] if f"{name}, {work}" in results]
        if ours is None or not others:
            continue
        cells = [
            f"{min(other.median(key) for other in others) / ours.median(key):.2f}" if key in ours.rounds[0] else ""
            for key in COUNTS
        ]
        lines.append(f"| best of the others ÷ run.predict, {work} | {' | '.join(cells)} | |")
    return lines


def main() -> str:
    """The race as text."""
    results = race("benchmarks.inference", list(CONTESTANTS), rounds=5)
    lines = [f"| | 1 row (µs) | {SOME:,} rows (ms) | {MANY:,} rows (ms) | spread |", "|---|---:|---:|---:|---:|"]
    for name, result in results.items():
        cells = _cell(result, "one", 1e6), _cell(result, "some", 1e3), _cell(result, "many", 1e3)
        lines.append(f"| {name} | {' | '.join(cells)} | {result.spread()} |")
    head = "### Predictions: `run.predict` against PyTorch, and ONNX Runtime on the exported file\n\n"
    return head + "\n".join([*lines, *_ratios(results)]) + "\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main())
