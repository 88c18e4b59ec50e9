"""LSTM, batch 32, T 64, vocabulary 65, hidden 256, Adam: time of a step of a character model."""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.harness import race, serve, table, timed

BATCH, TIME, VOCABULARY, HIDDEN, STEPS = 32, 64, 65, 256, 20


def numbers() -> tuple[np.ndarray, np.ndarray]:
    """One-hot letters, and those that follow: a text in which every letter tells much of the next."""
    rng = np.random.default_rng(0)
    follows = rng.integers(0, VOCABULARY, (VOCABULARY, 3))
    text = np.zeros((BATCH * STEPS, TIME + 1), np.int64)
    text[:, 0] = rng.integers(0, VOCABULARY, BATCH * STEPS)
    for t in range(TIME):
        text[:, t + 1] = follows[text[:, t], rng.integers(0, 3, BATCH * STEPS)]
    return np.eye(VOCABULARY, dtype=np.float32)[text[:, :-1]], text[:, 1:]


def weights() -> dict[str, np.ndarray]:
    """The same start for all."""
    rng = np.random.default_rng(1)
    bound = HIDDEN**-0.5
    shapes = {"input": (4 * HIDDEN, VOCABULARY), "recurrent": (4 * HIDDEN, HIDDEN), "output": (VOCABULARY, HIDDEN)}
    return {name: rng.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes.items()}


def training(probes="standard"):
    """A function that trains for an epoch."""
    import backlit as bl

    x, codes = numbers()
    y = np.eye(VOCABULARY, dtype=np.float32)[codes]
    w = weights()
    net = bl.Sequential(bl.LSTM(HIDDEN, return_sequences=True), bl.Linear(VOCABULARY)).build((TIME, VOCABULARY))
    net = net.replace(
        params={
            "0": {
                "weight": w["input"],
                "bias": np.zeros(4 * HIDDEN, np.float32),
                "recurrent": {"weight": w["recurrent"]},
            },
            "1": {"weight": w["output"], "bias": np.zeros(VOCABULARY, np.float32)},
        }
    )

    def run():
        return bl.fit(
            net, x, y, loss="soft_cross_entropy", optimizer=bl.Adam(1e-3), epochs=1, batch_size=BATCH, metrics=[],
            shuffle=False, clip=None, probes=probes,
        )  # fmt: skip

    return run


def backlit():
    """`bl.fit`."""
    return timed(training(), STEPS)


def torch_eager():
    """The usual loop."""
    import torch

    x, y = (torch.from_numpy(part) for part in numbers())
    criterion = torch.nn.CrossEntropyLoss()

    def run():
        w = {name: torch.from_numpy(part) for name, part in weights().items()}
        lstm, readout = torch.nn.LSTM(VOCABULARY, HIDDEN, batch_first=True), torch.nn.Linear(HIDDEN, VOCABULARY)
        with torch.no_grad():
            lstm.weight_ih_l0.copy_(w["input"])
            lstm.weight_hh_l0.copy_(w["recurrent"])
            readout.weight.copy_(w["output"])
            for bias in (lstm.bias_ih_l0, lstm.bias_hh_l0, readout.bias):
                bias.zero_()
        lstm.bias_hh_l0.requires_grad_(False)  # one bias does
        optimizer = torch.optim.Adam(
            [p for p in [*lstm.parameters(), *readout.parameters()] if p.requires_grad], lr=1e-3
        )
        total = 0.0
        begin = time.perf_counter()
        for rows in torch.arange(BATCH * STEPS).split(BATCH):
            optimizer.zero_grad()
            logits = readout(lstm(x[rows])[0])
            loss = criterion(logits.reshape(-1, VOCABULARY), y[rows].reshape(-1))
            loss.backward()
            optimizer.step()
            total += loss.item()
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": total / STEPS}

    return run


CONTESTANTS = {"backlit": backlit, "PyTorch": torch_eager}


def main() -> str:
    """The race as text."""
    found = table(race("benchmarks.lstm", list(CONTESTANTS)), "backlit", "ms a step", 1e3, "loss")
    head = f"### LSTM, batch {BATCH}, T {TIME}, vocabulary {VOCABULARY}, hidden {HIDDEN}, Adam"
    return f"{head}\n\n{found}\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main())
