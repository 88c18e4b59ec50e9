"""A stack of linear layers is one linear layer: the product of their matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn.layer import Layer, Network, Params
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.dropout import DropConnect
from backlit.nn.layers.linear import Linear


def collapse(network: Network) -> Network:
    """The same function with neighbouring linear layers multiplied into one.

    ``W₂ (W₁ x + b₁) + b₂ = (W₂ W₁) x + (W₂ b₁ + b₂)``: without an activation between them, more layers can't
    express more. Identity layers go, too; everything else stays.

    Parameters
    ----------
    network : Network
        Of a `Sequential`.

    Returns
    -------
    Network
        Equal to the given one, up to rounding, in evaluation mode.

    Examples
    --------
    >>> import backlit as bl
    >>> deep = bl.Sequential(bl.Linear(50), bl.Linear(40), bl.Linear(2)).build((3,))
    >>> flat = bl.collapse(deep)
    >>> flat, deep.size
    (Network(Sequential(Linear(2)), input_shape=(3,), 8 parameters), 2322)
    """
    if not isinstance(network, Network) or not isinstance(network.architecture, Sequential):
        raise InputError(
            f"collapse needs a network of a Sequential, as Sequential(...).build(...) makes, got {network!r}"
        )
    layers: list[Layer] = []
    params: Params = {}
    state: dict[str, Any] = {}
    for old, layer in network.architecture.parts():
        if type(layer) is Identity:
            continue
        layer_params = network.params.get(old, {})
        if _is_linear(layer) and layers and _is_linear(layers[-1]):
            name = str(len(layers) - 1)
            params[name] = _product(params[name], layer_params)
            last = Linear(params[name]["weight"].shape[0], bias="bias" in params[name])
            layers[-1] = last
            continue
        name = str(len(layers))
        layers.append(layer)
        if layer_params:
            params[name] = layer_params
        for path, value in network.state.items():
            if path.startswith(f"{old}/"):
                state[f"{name}{path[len(old) :]}"] = value
    return network.replace(architecture=Sequential(*layers), params=params, state=state)


def _is_linear(layer: Layer) -> bool:
    return type(layer) in (Linear, DropConnect)


def _product(first: Params, second: Params) -> Params:
    """Weight and bias of second after first; sums in float64, so that the product costs no digits."""
    w1, w2 = (np.asarray(part["weight"], dtype=np.float64) for part in (first, second))
    dtype = first["weight"].dtype
    product: Params = {"weight": (w2 @ w1).astype(dtype)}
    if "bias" in first or "bias" in second:
        bias = np.zeros(w2.shape[0])
        if "bias" in first:
            bias = bias + w2 @ np.asarray(first["bias"], dtype=np.float64)
        if "bias" in second:
            bias = bias + np.asarray(second["bias"], dtype=np.float64)
        product["bias"] = bias.astype(dtype)
    return product
