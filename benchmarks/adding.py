"""The adding problem: two numbers, marked somewhere in a long sequence, are to be added up.

Hochreiter and Schmidhuber's (1997), as in Le, Jaitly and Hinton (arXiv:1504.00941): inputs are uniform in [0, 1), with
a mark at one step of each half. Whoever ignores the marks says 1, with an error of 1/6 = 0.167. Try T = 400, too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

import backlit as bl

TRAINING, TEST, BATCH, UNITS = 20_000, 2_000, 100, 64
LAYERS = {
    "LSTM": lambda: bl.LSTM(UNITS),
    "GRU": lambda: bl.GRU(UNITS),
    "RNN, tanh": lambda: bl.RNN(UNITS, recurrent_init="normal:0.01"),  # the plain start
    "RNN, tanh, orthogonal start": lambda: bl.RNN(UNITS),
}
EPOCHS = {100: 15, 400: 40}


def draw(rows: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (rows, steps, 2) of number and mark, and the sums (rows,)."""
    rng = np.random.default_rng(seed)
    x = np.zeros((rows, steps, 2), np.float32)
    x[:, :, 0] = rng.random((rows, steps))
    half = steps // 2
    places = np.stack([rng.integers(0, half, rows), rng.integers(half, steps, rows)], axis=1)
    x[np.arange(rows)[:, None], places, 1] = 1
    return x, x[np.arange(rows)[:, None], places, 0].sum(axis=1)


def reach(layer: bl.Layer, params: dict, x: np.ndarray) -> float:
    """Gradient of the last state's sum by the first inputs, relative to that by the last ones."""
    by_x = bl.grad(lambda x: layer(params, x).sum())(x)
    size = np.linalg.norm(by_x, axis=(0, 2))
    return float(size[:5].mean() / size[-5:].mean())


def learn(name: str, steps: int, seed: int, epochs: int) -> dict[str, float]:
    """Test error and seconds of one training."""
    layer = LAYERS[name]()
    x, y = draw(TRAINING, steps, 2 * seed)
    held = draw(TEST, steps, 2 * seed + 1)
    begin = time.perf_counter()
    run = bl.fit(
        bl.Sequential(layer, bl.Linear(1)), x, y, loss="mse", batch_size=BATCH, epochs=epochs, seed=seed,
        optimizer=bl.chain(bl.ClipGlobalNorm(1.0), bl.Adam(2e-3)), metrics=[], progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    return {
        "error": run.evaluate(*held)["loss"],
        "seconds": seconds,
        "reach": reach(layer, run.network.params["0"], held[0][:20]),
    }


def main(options: Sequence[str] = ()) -> str:
    """The table as text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int)
    chosen = parser.parse_args(options)
    steps, epochs = chosen.steps, chosen.epochs or EPOCHS.get(chosen.steps, 15)
    lines = [
        f"### Adding problem, T = {steps}: {UNITS} units, {TRAINING} sequences, {epochs} epochs (chance: 0.167)",
        "",
        "| | test error, mean of squares | worst | gradient at the first ÷ last steps | s |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in LAYERS:
        found = [learn(name, steps, seed, epochs) for seed in range(chosen.seeds)]
        errors = [one["error"] for one in found]
        gradient, seconds = (np.median([one[key] for one in found]) for key in ("reach", "seconds"))
        lines.append(f"| {name} | {np.mean(errors):.5f} | {max(errors):.5f} | {gradient:.1e} | {seconds:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(main(sys.argv[1:]))
