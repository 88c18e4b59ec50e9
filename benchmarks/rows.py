"""Digits by rows: an LSTM reads each picture as 8 time steps of 8 grey levels; test accuracy over seeds 0 to 4."""

from __future__ import annotations

import statistics

import numpy as np

import backlit as bl

SEEDS = 5


def accuracy(seed: int, units: int = 128) -> float:
    """Test accuracy of one training; a fifth of the digits is held out, by class."""
    digits = bl.data.load("digits")
    x, y = np.asarray(digits.x, np.float32).reshape(-1, 8, 8) / 16, np.asarray(digits.y)
    train, test = bl.data.split(len(x), (0.8, 0.2), seed=seed, stratify=y)
    run = bl.fit(
        bl.Sequential(bl.LSTM(units), bl.Linear(10)), x[train], y[train], epochs=40, metrics=[], seed=seed,
        optimizer=bl.chain(bl.ClipGlobalNorm(1.0), bl.Adam(3e-3)), progress=False,
    )  # fmt: skip
    return float((run.predict(x[test]) == y[test]).mean())


def main() -> str:
    """The table as text."""
    found = [accuracy(seed) for seed in range(SEEDS)]
    cells = " | ".join(f"{one:.4f}" for one in found)
    head = f"| {' | '.join(f'seed {seed}' for seed in range(SEEDS))} | mean |\n|{'---:|' * (SEEDS + 1)}"
    return f"### Digits by rows, LSTM: test accuracy\n\n{head}\n| {cells} | {statistics.mean(found):.4f} |\n"


if __name__ == "__main__":
    print(main())
