"""A small regression with one hidden layer, written out for NumPy and JAX arrays, and again in PyTorch."""

import numpy as np
import torch

from backlit.graph.op import namespace

STEPS = 50
BATCH = 16


def start(dtype="float64"):
    rng = np.random.default_rng(7)
    shapes = {"0": {"weight": (4, 6), "bias": (6,)}, "2": {"weight": (6, 3), "bias": (3,)}}
    return {
        layer: {name: rng.normal(0, 0.5, shape).astype(dtype) for name, shape in parts.items()}
        for layer, parts in shapes.items()
    }


def batches(dtype="float64", steps=STEPS):
    rng = np.random.default_rng(8)
    return rng.normal(size=(steps, BATCH, 4)).astype(dtype), rng.normal(size=(steps, BATCH, 3)).astype(dtype)


def gradients(params, x, y):
    """Of the mean squared error of tanh(x W₀ + b₀) W₂ + b₂, by hand."""
    hidden = namespace(x, params["0"]["weight"]).tanh(x @ params["0"]["weight"] + params["0"]["bias"])
    error = hidden @ params["2"]["weight"] + params["2"]["bias"] - y
    up = error * (2.0 / (error.shape[0] * error.shape[1]))
    down = (up @ params["2"]["weight"].T) * (1.0 - hidden * hidden)
    return {
        "0": {"weight": x.T @ down, "bias": down.sum(axis=0)},
        "2": {"weight": hidden.T @ up, "bias": up.sum(axis=0)},
    }


def torch_trajectory(make_optimizer, make_scheduler=None, clip=None):
    """Parameters after each step, as PyTorch computes them; `clip(parameters)` before each."""
    params = {k: {n: torch.tensor(a, requires_grad=True) for n, a in part.items()} for k, part in start().items()}
    leaves = [leaf for part in params.values() for leaf in part.values()]
    optimizer = make_optimizer(leaves)
    scheduler = make_scheduler(optimizer) if make_scheduler else None
    trajectory = []
    for x, y in zip(*map(torch.from_numpy, batches()), strict=True):
        optimizer.zero_grad()
        hidden = torch.tanh(x @ params["0"]["weight"] + params["0"]["bias"])
        ((hidden @ params["2"]["weight"] + params["2"]["bias"] - y) ** 2).mean().backward()
        if clip:
            clip(leaves)
        optimizer.step()
        if scheduler:
            scheduler.step()
        trajectory.append([leaf.detach().numpy().copy() for leaf in leaves])
    return trajectory
