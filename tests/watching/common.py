"""Training loops in PyTorch as people write them, watched or not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

import backlit as bl


def classes(rows: int = 480, columns: int = 8, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes of noisy points."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, columns, generator=generator)
    return x, x[:, :3].argmax(dim=1)


def mlp(columns: int = 8, outputs: int = 3) -> torch.nn.Module:
    nn = torch.nn
    return nn.Sequential(nn.Linear(columns, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, outputs))


def train(
    model: torch.nn.Module,
    loss_fn: Callable[..., Any],
    data: tuple[torch.Tensor, torch.Tensor] | None = None,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    watched: bool = True,
    epochs: int = 6,
    batch: int = 32,
    workers: int = 0,
    step: Callable[..., None] | None = None,
    **options: Any,
) -> Any:
    """A loop with a loader, and an evaluation after each epoch."""
    x, y = data or classes()
    cut = int(0.75 * len(x))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005) if optimizer is None else optimizer
    order = torch.Generator().manual_seed(1)
    training = DataLoader(
        TensorDataset(x[:cut], y[:cut]), batch_size=batch, shuffle=True, generator=order, num_workers=workers
    )
    held = DataLoader(TensorDataset(x[cut:], y[cut:]), batch_size=64)
    with bl.watch(model, loss_fn, optimizer, **options) if watched else contextlib.nullcontext() as eye:
        for _ in range(epochs):
            model.train()
            for inputs, targets in training:
                if step is not None:
                    step(model, loss_fn, optimizer, inputs, targets)
                    continue
                optimizer.zero_grad()
                loss_fn(model(inputs), targets).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for inputs, targets in held:
                    loss_fn(model(inputs), targets)
    return eye
