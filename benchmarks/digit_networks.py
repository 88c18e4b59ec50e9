"""Digits as pictures: a small CNN, and an LSTM that reads 8 rows of 8 grey levels; test accuracy over seeds 0 to 4."""

from __future__ import annotations

import statistics
import time

import numpy as np

import backlit as bl

SEEDS = 5
NETWORKS = {
    "CNN: conv 32, conv 64, pool, dense 128": lambda: (
        (8, 8, 1),
        bl.Sequential(
            bl.Conv2d(32, 3, padding="same", weight_init="kaiming"), bl.ReLU(),
            bl.Conv2d(64, 3, padding="same", weight_init="kaiming"), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(),
            bl.Dropout(0.3), bl.Linear(128, weight_init="kaiming"), bl.ReLU(), bl.Dropout(0.3), bl.Linear(10),
        ),
    ),
    "LSTM of 128 units, row by row": lambda: ((8, 8), bl.Sequential(bl.LSTM(128), bl.Linear(10))),
}  # fmt: skip


def accuracy(name: str, seed: int) -> float:
    """Test accuracy of one training of 40 epochs; a fifth of the digits is held out, by class."""
    shape, network = NETWORKS[name]()
    digits = bl.data.load("digits")
    x, y = np.asarray(digits.x, np.float32).reshape(-1, *shape) / 16, np.asarray(digits.y)
    train, test = bl.data.split(len(x), (0.8, 0.2), seed=seed, stratify=y)
    optimizer = bl.Adam(3e-3 if len(shape) == 2 else 1e-3)
    run = bl.fit(network, x[train], y[train], epochs=40, metrics=[], seed=seed, optimizer=optimizer, progress=False)
    return float((run.predict(x[test]) == y[test]).mean())


def main() -> str:
    """The table as text."""
    head = f"| | {' | '.join(f'seed {seed}' for seed in range(SEEDS))} | mean | s each |\n|---|{'---:|' * (SEEDS + 2)}"
    lines = []
    for name in NETWORKS:
        begin = time.perf_counter()
        found = [accuracy(name, seed) for seed in range(SEEDS)]
        seconds = (time.perf_counter() - begin) / SEEDS
        cells = " | ".join(f"{one:.4f}" for one in found)
        lines.append(f"| {name} | {cells} | {statistics.mean(found):.4f} | {seconds:.0f} |")
    return f"### Digits as pictures: test accuracy\n\n{head}\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(main())
