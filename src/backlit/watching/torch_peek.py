"""A forward pass beside the training: what it changes, running statistics and random numbers, is put back."""

from __future__ import annotations

import contextlib
from typing import Any

import torch


def peek(model: torch.nn.Module, look: Any, args: Any, kwargs: Any) -> None:
    """Run a network once more on what it was given, with a look at its layers.

    For what hooks can't see: a compiled network, and the way to a NaN once it has come. An error of the network's is
    left out, since it isn't the training's.
    """
    with torch.no_grad():
        kept = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices):
        try:
            with torch.no_grad(), contextlib.suppress(RuntimeError, ValueError, TypeError):
                look.begin()
                output = None
                try:
                    output = model.forward(*args, **kwargs)
                finally:
                    look.end(output)
        finally:
            with torch.no_grad():
                for buffer, before in kept:
                    if not torch.equal(buffer, before):
                        buffer.copy_(before)
