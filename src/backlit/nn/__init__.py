"""Layers, losses, initialisers and metrics."""

# A saved network names its layers: whoever loads one finds them all declared.
from backlit.nn import (
    activations,
    containers,
    convolution,
    decoder,
    dropout,
    each_step,
    embedding,
    gru,
    linear,
    lstm,
    normalization,
    pooling,
    recurrent,
    rescale,
    sequence,
    shaping,
    temperature,
    wired,
)

__all__ = [
    "activations",
    "containers",
    "convolution",
    "decoder",
    "dropout",
    "each_step",
    "embedding",
    "gru",
    "linear",
    "lstm",
    "normalization",
    "pooling",
    "recurrent",
    "rescale",
    "sequence",
    "shaping",
    "temperature",
    "wired",
]
