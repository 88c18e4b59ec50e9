"""Networks by words, as people type them: "mlp:64,32", "linear"."""

from __future__ import annotations

import re

from backlit.errors import InputError, unknown
from backlit.nn import activations
from backlit.nn.containers import Sequential
from backlit.nn.dropout import Dropout
from backlit.nn.embedding import EmbedColumns
from backlit.nn.layer import Layer
from backlit.nn.linear import Linear

RECTIFIED = ("relu", "leaky_relu", "prelu", "elu", "gelu", "silu")


def build(
    words: str, outputs: int, activation: str = "relu", dropout: float = 0.0, embedded: tuple[int, ...] = ()
) -> Sequential:
    """The network that words describe.

    Parameters
    ----------
    words : str
        "mlp:64,32" (hidden layers of 64 and 32 units), "mlp" (one of 64) or "linear" (none).
    outputs : int
    activation : str
        Between the layers.
    dropout : float
        Share of units dropped after each hidden layer.
    embedded : tuple of int
        Counts of the categories whose codes are the last inputs: see `EmbedColumns`.

    Raises
    ------
    InputError
        For other words, or sizes that aren't whole numbers above zero.

    Examples
    --------
    >>> build("mlp:8", 3, activation="tanh")
    Sequential(Linear(8), Tanh(), Linear(3))
    """
    kind, _, sizes = words.partition(":")
    if kind not in ("mlp", "linear"):
        raise unknown("network", kind, ("mlp", "linear"))
    if kind == "linear" and sizes:
        raise InputError(f"network {words!r}: linear has no hidden layers; use mlp:{sizes}")
    if kind == "mlp" and not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", sizes or "64", re.ASCII):
        raise InputError(f"network {words!r}: expected hidden layers' sizes such as mlp:64,32")
    hidden = [int(size) for size in (sizes or "64").split(",")] if kind == "mlp" else []
    start = "kaiming" if activation in RECTIFIED else "lecun" if activation == "selu" else "xavier"
    activations.get(activation)
    layers: list[Layer] = [EmbedColumns(embedded)] if embedded else []
    for size in hidden:
        layers += [Linear(size, weight_init=start), activations.get(activation)]
        if dropout:
            layers.append(Dropout(dropout))
    return Sequential(*layers, Linear(outputs))
