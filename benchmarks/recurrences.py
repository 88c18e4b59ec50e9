"""Recurrent layers against PyTorch's: letters in, the next letter out, one epoch of a few steps a round, Adam.

Rows are (batch × time, vocabulary, hidden). "plain path" is Backlit with its native kernels turned off. `python -m
benchmarks recurrences lstm-small gru` runs some rows alone.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.harness import Contestant, race, serve, table, timed


@dataclass(frozen=True)
class Row:
    """What is trained."""

    kind: str
    batch: int
    time: int
    vocabulary: int
    hidden: int
    steps: int
    both_ways: bool = False

    def __str__(self) -> str:
        ways = ", both ways" if self.both_ways else ""
        return f"{self.kind}{ways} {self.batch}×{self.time}, vocabulary {self.vocabulary}, hidden {self.hidden}"


ROWS = {
    "lstm": Row("LSTM", 32, 64, 65, 256, 20),
    "lstm-small": Row("LSTM", 16, 32, 65, 64, 200),
    "lstm-tiny": Row("LSTM", 1, 4, 65, 8, 2000),
    "lstm-large": Row("LSTM", 64, 128, 256, 512, 3),
    "both-ways": Row("LSTM", 32, 64, 65, 256, 10, both_ways=True),
    "gru": Row("GRU", 32, 64, 65, 256, 20),
    "rnn": Row("RNN", 32, 64, 65, 256, 40),
}


def numbers(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """One-hot letters, and those that follow: a text in which every letter tells much of the next."""
    rng = np.random.default_rng(0)
    follows = rng.integers(0, row.vocabulary, (row.vocabulary, 3))
    text = np.zeros((row.batch * row.steps, row.time + 1), np.int64)
    text[:, 0] = rng.integers(0, row.vocabulary, len(text))
    for t in range(row.time):
        text[:, t + 1] = follows[text[:, t], rng.integers(0, 3, len(text))]
    return np.eye(row.vocabulary, dtype=np.float32)[text[:, :-1]], text[:, 1:]


def backlit(row: Row, kernels: bool = True):
    """`bl.fit`, an epoch a round."""
    if not kernels:
        os.environ["BACKLIT_KERNELS"] = "0"
    import backlit as bl

    x, codes = numbers(row)
    y = np.eye(row.vocabulary, dtype=np.float32)[codes]
    make = {"LSTM": bl.LSTM, "GRU": bl.GRU, "RNN": bl.RNN}[row.kind]
    layer = make(row.hidden, return_sequences=True)
    if row.both_ways:
        layer = bl.Bidirectional(layer)
    network = bl.Sequential(layer, bl.Linear(row.vocabulary))

    def run():
        return bl.fit(
            network, x, y, loss="soft_cross_entropy", optimizer=bl.Adam(1e-3), epochs=1, batch_size=row.batch,
            metrics=[], shuffle=False, clip=None, seed=0,
        )  # fmt: skip

    return timed(run, row.steps)


def torch_eager(row: Row):
    """The usual loop."""
    import torch
    from torch import nn

    x, y = (torch.from_numpy(part) for part in numbers(row))
    make = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}[row.kind]

    def run():
        torch.manual_seed(0)
        layer = make(row.vocabulary, row.hidden, batch_first=True, bidirectional=row.both_ways)
        readout = nn.Linear(row.hidden * (1 + row.both_ways), row.vocabulary)
        optimizer = torch.optim.Adam([*layer.parameters(), *readout.parameters()], lr=1e-3)
        total = 0.0
        begin = time.perf_counter()
        for rows in torch.arange(len(x)).split(row.batch):
            optimizer.zero_grad()
            logits = readout(layer(x[rows])[0])
            loss = nn.functional.cross_entropy(logits.reshape(-1, row.vocabulary), y[rows].reshape(-1))
            loss.backward()
            optimizer.step()
            total += loss.item()
        return {"seconds": (time.perf_counter() - begin) / row.steps, "loss": total / row.steps}

    return run


def contestants(row: Row) -> dict[str, Contestant]:
    """Of a row."""
    return {
        "backlit": functools.partial(backlit, row),
        "backlit, plain path": functools.partial(backlit, row, kernels=False),
        "PyTorch": functools.partial(torch_eager, row),
    }


CONTESTANTS = {
    f"{name}: {who}": contestant for name, row in ROWS.items() for who, contestant in contestants(row).items()
}


def main(options: Sequence[str] = ()) -> str:
    """The races as text."""
    parts = []
    for name in options or ROWS:
        row = ROWS[name]
        names = [f"{name}: {who}" for who in contestants(row)]
        unit, scale = ("µs a step", 1e6) if row.hidden < 32 else ("ms a step", 1e3)
        parts.append(f"### {row}, Adam\n\n{table(race('benchmarks.recurrences', names), names[0], unit, scale)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main(sys.argv[1:]))
