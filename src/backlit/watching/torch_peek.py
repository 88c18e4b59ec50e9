"""A forward pass beside the training, which changes neither running statistics nor random numbers of it."""

from __future__ import annotations

import contextlib
from typing import Any

import torch


def peek(model: torch.nn.Module, look: Any, args: Any, kwargs: Any) -> None:
    """Run a network once more on what it was given, with a look at its layers.

    For what hooks can't see: a compiled network, and the way to a NaN once it has come. Running statistics are copies
    in this pass. An error of the network's is left out, since it isn't the training's.
    """
    copies = {name: buffer.detach().clone() for name, buffer in model.named_buffers()}
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with (
        torch.random.fork_rng(devices=devices),
        torch.no_grad(),
        contextlib.suppress(RuntimeError, ValueError, TypeError),
    ):
        look.begin()
        output = None
        try:
            output = torch.func.functional_call(model, copies, args, kwargs)
        finally:
            look.end(output)
