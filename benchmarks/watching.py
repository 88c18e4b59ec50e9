"""What `bl.watch` costs a training loop in PyTorch: the same loop with it and without, by turns in one process.

Seconds are this process's on its processors, on one thread: what others do on the machine doesn't count in them.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
LIMIT = 0.10  # of a step's time


def mlp() -> tuple[Any, Any, Any, int]:
    """784-512-256-10, batches of 128."""
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    return model, torch.randn(6400, 784), torch.randint(0, 10, (6400,)), 128


def small_mlp() -> tuple[Any, Any, Any, int]:
    """20-32-32-3, batches of 32: a step is hardly more than Python."""
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    return model, torch.randn(6400, 20), torch.randint(0, 3, (6400,)), 32


def cnn() -> tuple[Any, Any, Any, int]:
    """Two convolutions with batch norm on 28×28, batches of 64."""
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 10),
    )  # fmt: skip
    return model, torch.randn(1280, 1, 28, 28), torch.randint(0, 10, (1280,)), 64


def lstm() -> tuple[Any, Any, Any, int]:
    """An LSTM of 64 units over 50 steps of 16 numbers, batches of 64."""
    import torch
    from torch import nn

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(16, 64, batch_first=True), nn.Linear(64, 5)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    return Last(), torch.randn(2560, 50, 16), torch.randint(0, 5, (2560,)), 64


LOOPS: dict[str, tuple[Callable[[], tuple[Any, Any, Any, int]], int]] = {
    "MLP 784-512-256-10": (mlp, 10),
    "MLP 20-32-32-3": (small_mlp, 10),
    "CNN, two convolutions": (cnn, 10),
    "LSTM 64 over 50 steps": (lstm, 10),
}


def trained(make: Callable[[], tuple[Any, Any, Any, int]], epochs: int, watched: bool) -> tuple[float, int, int]:
    """Seconds of a whole training, its updates, and looks."""
    import torch
    from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

    import backlit as bl

    torch.manual_seed(0)
    model, x, y, batch = make()
    data = TensorDataset(x, y)
    loader = DataLoader(data, sampler=BatchSampler(RandomSampler(data), batch, False), batch_size=None)
    loss_fn, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters())
    begin = time.process_time()
    with bl.watch(model, loss_fn, optimizer) if watched else contextlib.nullcontext() as eye:
        for _ in range(epochs):
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss_fn(model(inputs), targets).backward()
                optimizer.step()
    return time.process_time() - begin, epochs * len(loader), len(eye.looks) if eye is not None else 0


def main(options: list[str] | None = None) -> str:
    """A table: milliseconds a step, and what watching adds; with `--doctor`, the doctor's cases in PyTorch."""
    if options and options[0] == "--doctor":
        from benchmarks.doctor import main as doctor

        return doctor(["--torch", *options[1:]])
    import torch

    torch.set_num_threads(1)
    rows = ["### Watching a loop in PyTorch", "", "| | ms a step | watching adds | looks |", "|---|---:|---:|---:|"]
    for name, (make, epochs) in LOOPS.items():
        for watched in (False, True):
            trained(make, 1, watched)
        ratios, steps = [], []
        for _ in range(ROUNDS):
            alone, count, _ = trained(make, epochs, False)
            with_eye, _, looks = trained(make, epochs, True)
            ratios.append(with_eye / alone - 1)
            steps.append(alone / count * 1e3)
        print(f"  {name}: {[f'{ratio:+.1%}' for ratio in ratios]}", file=sys.stderr, flush=True)
        middle = statistics.median(ratios)
        rows.append(f"| {name} | {statistics.median(steps):.3g} | {middle:+.1%} | {looks} |")
    note = f"Medians of {ROUNDS} rounds by turns, one thread, seconds of the process; at most {LIMIT:.0%} is the aim."
    return "\n".join([*rows, "", note]) + "\n"
