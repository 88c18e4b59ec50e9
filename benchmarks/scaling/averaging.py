"""Means every K updates instead of a sum in each: what is sent, and what the network has learned, by K."""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.scaling import table, told, worker

EVERY = (None, 1, 4, 16, 64)
SEEDS = 5
WORKERS = 8


def compiled_of(fit: Callable[[], Any]) -> Any:
    """The training program that a training compiles, as JAX has it."""
    from backlit.engine.compiled import Compiled

    found, call = [], Compiled.__call__

    def watched(self: Any, *args: Any) -> Any:
        jitted = self._jitted
        if self.name == "_train":
            self._jitted = lambda *own: found.append(jitted.lower(*own).compile()) or jitted(*own)
        try:
            return call(self, *args)
        finally:
            self._jitted = jitted

    Compiled.__call__ = watched
    try:
        fit()
    finally:
        Compiled.__call__ = call
    return found[0]


def collectives_of(fit: Callable[[], Any]) -> int:
    """All-reduces that one epoch of a training runs, counted through the loops of its compiled program."""
    return executed(compiled_of(fit).as_text())


def executed(text: str) -> int:
    """All-reduces that a program runs: those of a loop's body as often as it runs; a loop of unknown length once."""
    bodies: dict[str, list[str]] = {}
    for line in text.splitlines():
        head = re.match(r"(?:ENTRY )?%?([\w.\-]+) \(.*\{$", line)
        if head:
            own = bodies.setdefault(("ENTRY " if line.startswith("ENTRY") else "") + head[1], [])
        elif bodies:
            own.append(line)
    entry = next(name for name in bodies if name.startswith("ENTRY "))

    def count(name: str) -> int:
        found = 0
        for line in bodies[name]:
            found += "all-reduce(" in line or "all-reduce-start(" in line
            for called in re.findall(r"(?:body|calls|to_apply)=%?([\w.\-]+)", line):
                times = re.search(r'known_trip_count":\{"n":"(\d+)"', line) if "while(" in line else None
                found += count(called) * (int(times[1]) if times else 1)
        return found

    return count(entry)


def work(seeds: int) -> None:
    """Validation accuracy on the digits by K and seed, and the all-reduces of an epoch."""
    import numpy as np
    from sklearn.datasets import load_digits

    import backlit as bl

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)

    def fit(every: int | None, seed: int, epochs: int = 20) -> Any:
        net = bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(10))
        return bl.fit(
            net, x, y, epochs=epochs, batch_size=16, validation=0.25, optimizer=bl.Momentum(0.02), seed=seed,
            devices=WORKERS, average_every=every, probes=None, metrics=["accuracy"],
        )  # fmt: skip

    result = {}
    for every in EVERY:
        last = [fit(every, seed).history[-1] for seed in range(seeds)]
        result[str(every)] = {
            "accuracy": [line["val_accuracy"] for line in last],
            "loss": [line["loss"] for line in last],
            "sent": collectives_of(lambda every=every: fit(every, 0, 1)),
        }
    print(json.dumps(result), flush=True)


def figure(quick: bool) -> str:
    """By K: all-reduces an epoch, the training loss, and the accuracy on rows held back."""
    seeds = 2 if quick else SEEDS
    found = told(worker("benchmarks.scaling.averaging", str(seeds), JAX_NUM_CPU_DEVICES=str(WORKERS)))
    rows = []
    for every, line in found.items():
        accuracy = line["accuracy"]
        rows.append(
            [
                "a sum in each update" if every == "None" else f"K = {every}",
                str(line["sent"]),
                f"{statistics.mean(line['loss']):.4f}",
                f"{statistics.mean(accuracy):.4f} ({min(accuracy):.4f}–{max(accuracy):.4f})",
            ]
        )
    return (
        f"### Means every K updates: digits, 64-64-10, {WORKERS} devices, batches of 16, 20 epochs of 85 updates, "
        f"{seeds} seeds\n\n"
        f"{table(['', 'all-reduces an epoch', 'training loss', 'accuracy, rows held back'], rows)}\n"
    )


if __name__ == "__main__":
    work(int(sys.argv[2]))
