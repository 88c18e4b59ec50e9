"""Layers, losses, initialisers and metrics."""

# A saved network names its layers: whoever loads one finds them all declared.
from backlit.nn import (
    activations,
    containers,
    dropout,
    embedding,
    gru,
    linear,
    lstm,
    normalization,
    recurrent,
    sequence,
    shaping,
    wired,
)

__all__ = [
    "activations",
    "containers",
    "dropout",
    "embedding",
    "gru",
    "linear",
    "lstm",
    "normalization",
    "recurrent",
    "sequence",
    "shaping",
    "wired",
]
