"""Gestures: films of a moving digit, its direction as class; a small CNN sees each frame, an LSTM their order."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

import backlit as bl

SEEDS, FILMS, TEST = 3, 4000, 1000


def network() -> bl.Layer:
    """Two convolutions at each frame, then an LSTM over the frames."""
    eye = bl.EachStep(
        bl.Conv2d(8, 3, padding="same"), bl.ReLU(), bl.MaxPool2d(2), bl.Conv2d(16, 3, padding="same"), bl.ReLU(),
        bl.MaxPool2d(2), bl.Flatten(), bl.Linear(32), bl.ReLU(),
    )  # fmt: skip
    return bl.Sequential(eye, bl.LSTM(32), bl.Linear(len(bl.data.DIRECTIONS)))


def accuracy(seed: int) -> float:
    """Test accuracy of one training; the digits of the test films are in no training film."""
    digits = np.asarray(bl.data.load("digits").x, np.float32).reshape(-1, 8, 8) / 16
    known, new = bl.data.split(len(digits), (0.8, 0.2), seed=seed)
    x, y = bl.data.gestures(digits[known], FILMS, seed=2 * seed)
    held = bl.data.gestures(digits[new], TEST, seed=2 * seed + 1)
    run = bl.fit(network(), x, y, epochs=12, optimizer=bl.Adam(2e-3), metrics=[], seed=seed, progress=False)
    return float((run.predict(held[0]) == held[1]).mean())


def main() -> str:
    """The table as text."""
    lines = [
        "### Gestures, CNN then LSTM: test accuracy on digits that weren't seen",
        "",
        "| seed | accuracy | s |",
        "|---|---:|---:|",
    ]
    found = []
    for seed in range(SEEDS):
        begin = time.perf_counter()
        found.append(accuracy(seed))
        lines.append(f"| {seed} | {found[-1]:.4f} | {time.perf_counter() - begin:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join([*lines, f"| mean | {statistics.mean(found):.4f} | |"]) + "\n"


if __name__ == "__main__":
    print(main())
