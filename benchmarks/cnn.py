"""A convolutional network 28×28×1: conv 32, conv 64 (3×3), pool 2, dense 128, 10; SGD with momentum, batch 128."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from benchmarks.harness import race, serve, table, timed

BATCH, STEPS = 128, 10
ROUNDS = 5


def numbers() -> tuple[np.ndarray, np.ndarray]:
    """Pictures that a network can learn: ten noisy prototypes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, BATCH * STEPS)
    x = rng.standard_normal((10, 28, 28, 1))[y] + 3 * rng.standard_normal((len(y), 28, 28, 1))
    return (x / 3).astype(np.float32), y.astype(np.int32)


def weights() -> dict[str, np.ndarray]:
    """The same start for all, by our names and in our layout."""
    rng = np.random.default_rng(1)
    shapes = {"0": (32, 3, 3, 1), "2": (64, 3, 3, 32), "6": (128, 9216), "8": (10, 128)}
    return {
        name: (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)
        for name, shape in shapes.items()
    }


def training(probes="standard", engine: str = "xla"):
    """A function that trains for an epoch."""
    import backlit as bl

    x, y = numbers()
    net = bl.Sequential(
        bl.Conv2d(32, 3), bl.ReLU(), bl.Conv2d(64, 3), bl.ReLU(), bl.MaxPool2d(2),
        bl.Flatten(), bl.Linear(128), bl.ReLU(), bl.Linear(10),
    ).build((28, 28, 1))  # fmt: skip
    params = {name: {"weight": weight, "bias": np.zeros(len(weight), np.float32)} for name, weight in weights().items()}
    net = net.replace(params=params)

    def run():
        return bl.fit(
            net, x, y, loss="cross_entropy", optimizer=bl.Momentum(0.01, 0.9), epochs=1, batch_size=BATCH,
            shuffle=False, seed=0, engine=engine, probes=probes,
        )  # fmt: skip

    return run


def backlit(engine: str = "xla"):
    """`bl.fit`, an epoch a round."""
    return timed(training(engine=engine), STEPS)


def backlit_plain():
    """The same with the native kernels turned off."""
    os.environ["BACKLIT_KERNELS"] = "0"
    return backlit()


def backlit_numpy():
    """The same on NumPy."""
    return backlit("numpy")


def torch_eager(channels_last: bool = False):
    """The usual loop."""
    import torch
    from torch import nn

    x, y = (torch.from_numpy(a) for a in numbers())
    x, y = x.movedim(-1, 1).contiguous(), y.long()
    start = weights()
    # Our pictures are flattened with the channels last.
    start["6"] = np.ascontiguousarray(start["6"].reshape(128, 12, 12, 64).transpose(0, 3, 1, 2)).reshape(128, -1)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    criterion = nn.CrossEntropyLoss()

    def run():
        net = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
        )  # fmt: skip
        with torch.no_grad():
            for name, weight in start.items():
                layer = net[int(name)]
                layer.weight.copy_(torch.from_numpy(np.moveaxis(weight, -1, 1) if weight.ndim == 4 else weight))
                layer.bias.zero_()
        net = net.to(memory_format=layout)
        pictures = x.to(memory_format=layout)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        begin = time.perf_counter()
        total = 0.0
        for rows in torch.arange(len(y)).split(BATCH):
            optimizer.zero_grad()
            loss = criterion(net(pictures[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": total / STEPS}

    return run


def torch_channels_last():
    """The same with PyTorch's other layout in memory."""
    return torch_eager(channels_last=True)


CONTESTANTS = {
    "backlit": backlit,
    "backlit, plain path": backlit_plain,
    "PyTorch": torch_eager,
    "PyTorch, channels last": torch_channels_last,
    "backlit, NumPy engine": backlit_numpy,
}


def main() -> str:
    """The race as text."""
    found = table(race("benchmarks.cnn", list(CONTESTANTS), ROUNDS), "backlit", "ms a step", 1e3, "loss")
    return f"### CNN 28×28×1, conv 32, conv 64, pool, dense 128, batch {BATCH}, momentum\n\n{found}\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main())
