"""Layers, losses, initialisers and metrics."""

# A saved network names its layers: whoever loads one finds them all declared.
from backlit.nn import (
    activations,
    augment,
    containers,
    convolution,
    dropout,
    embedding,
    gru,
    linear,
    lstm,
    normalization,
    pooling,
    recurrent,
    sequence,
    shaping,
    temperature,
    wired,
)

__all__ = [
    "activations",
    "augment",
    "containers",
    "convolution",
    "dropout",
    "embedding",
    "gru",
    "linear",
    "lstm",
    "normalization",
    "pooling",
    "recurrent",
    "sequence",
    "shaping",
    "temperature",
    "wired",
]
