"""A residual network 32×32×3: conv 16, blocks of 16, 32 and 64 channels, batch normalisation; momentum, batch 64."""

from __future__ import annotations

import functools
import os
import sys
import time

import numpy as np

from benchmarks.harness import race, serve, table, timed

BATCH, STEPS = 64, 10
ROUNDS = 7


def numbers() -> tuple[np.ndarray, np.ndarray]:
    """Pictures that a network can learn: ten noisy prototypes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, BATCH * STEPS)
    x = rng.standard_normal((10, 32, 32, 3))[y] + 3 * rng.standard_normal((len(y), 32, 32, 3))
    return (x / 3).astype(np.float32), y.astype(np.int32)


def network():
    """The network in Backlit."""
    import backlit as bl

    def block(channels: int, stride: int) -> bl.Residual:
        return bl.Residual(
            bl.Conv2d(channels, 3, stride, 1, bias=False), bl.BatchNorm(), bl.ReLU(),
            bl.Conv2d(channels, 3, 1, 1, bias=False), bl.BatchNorm(), stride=stride,
        )  # fmt: skip

    return bl.Sequential(
        bl.Conv2d(16, 3, 1, 1, bias=False), bl.BatchNorm(), bl.ReLU(), block(16, 1), bl.ReLU(), block(32, 2),
        bl.ReLU(), block(64, 2), bl.ReLU(), bl.GlobalAvgPool(), bl.Linear(10),
    )  # fmt: skip


def backlit(kernels: bool = True):
    """`bl.fit`, an epoch a round."""
    if not kernels:
        os.environ["BACKLIT_KERNELS"] = "0"
    import backlit as bl

    x, y = numbers()

    def run():
        return bl.fit(
            network(), x, y, loss="cross_entropy", optimizer=bl.Momentum(0.01, 0.9), epochs=1, batch_size=BATCH,
            shuffle=False, seed=0, clip=None, metrics=[],
        )  # fmt: skip

    return timed(run, STEPS)


def torch_network():
    """The network, its blocks as PyTorch's users write them."""
    import torch
    from torch import nn

    class Block(nn.Module):
        """Two convolutions beside a projection where the shape changes."""

        def __init__(self, inputs: int, channels: int, stride: int) -> None:
            super().__init__()
            same = inputs == channels and stride == 1
            self.around = nn.Identity() if same else nn.Conv2d(inputs, channels, 1, stride, bias=False)
            self.through = nn.Sequential(
                nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
                nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
            )  # fmt: skip

        def forward(self, x):
            return torch.relu(self.around(x) + self.through(x))

    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2),
        Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def torch_eager(channels_last: bool = False):
    """The usual loop."""
    import torch
    from torch import nn

    layout = torch.channels_last if channels_last else torch.contiguous_format
    x, y = (torch.from_numpy(part) for part in numbers())
    x, y = x.movedim(-1, 1).contiguous(memory_format=layout), y.long()

    def run():
        torch.manual_seed(0)
        net = torch_network().to(memory_format=layout)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        total = 0.0
        begin = time.perf_counter()
        for rows in torch.arange(len(y)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": total / STEPS}

    return run


CONTESTANTS = {
    "backlit": backlit,
    "backlit, plain path": functools.partial(backlit, kernels=False),
    "PyTorch": torch_eager,
    "PyTorch, channels last": functools.partial(torch_eager, channels_last=True),
}


def main() -> str:
    """The race as text."""
    found = table(race("benchmarks.residual", list(CONTESTANTS), ROUNDS), "backlit", "ms a step", 1e3, "loss")
    return f"### Residual CNN 32×32×3, blocks of 16, 32, 64, batch {BATCH}, momentum\n\n{found}\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main())
