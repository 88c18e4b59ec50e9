"""How Keras keeps what a kind of layer has learned: a list of arrays, used in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.nn.context import Params
from backlit.nn.layer import Layer
from backlit.nn.layers.activations import PReLU
from backlit.nn.layers.convolution import _Convolution
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backlit.nn.layers.recurrent import _Recurrent
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.transformer import MultiHeadAttention

Arrays = Sequence[np.ndarray]


def read(layer: Any, arrays: Arrays) -> tuple[Params, dict[str, Any]]:
    """A layer's parameters and running values from Keras' arrays.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> read(bl.Linear(2), [np.ones((3, 2)), np.zeros(2)])[0]["weight"].shape
    (2, 3)
    """
    if isinstance(layer, (Linear, _Convolution)):
        moved = arrays[0].T if isinstance(layer, Linear) else np.moveaxis(arrays[0], -1, 0)
        return {"weight": moved, **({"bias": arrays[1]} if layer.bias else {})}, {}
    if isinstance(layer, Bidirectional):
        half = len(arrays) // 2
        parts = {"forward": arrays[:half], "backward": arrays[half:]}
        return {name: read(layer.body, part)[0] for name, part in parts.items()}, {}
    if isinstance(layer, _Recurrent):
        return _read_recurrent(layer, arrays), {}
    if isinstance(layer, MultiHeadAttention):
        return _read_attention(layer, arrays), {}
    names: tuple[str, ...] = ("weight",)
    if isinstance(layer, (BatchNorm, LayerNorm, RMSNorm)):
        names = ("scale", "bias") if layer.affine else ()
        names = names[:1] if isinstance(layer, RMSNorm) else names
    if isinstance(layer, PReLU):
        return {"slope": arrays[0].reshape(-1) if layer.by_feature else arrays[0].reshape(())}, {}
    running = dict(zip(("mean", "variance"), arrays[len(names) :], strict=False))
    return dict(zip(names, arrays, strict=False)), running if isinstance(layer, BatchNorm) else {}


def write(layer: Any, params: Params, state: dict[str, Any]) -> list[np.ndarray]:
    """A layer's values as Keras has them."""
    if isinstance(layer, (Linear, _Convolution)):
        weight = params["weight"]
        moved = weight.T if isinstance(layer, Linear) else np.moveaxis(weight, 0, -1)
        return [moved, *([params["bias"]] if layer.bias else [])]
    if isinstance(layer, Bidirectional):
        return [*write(layer.body, params["forward"], {}), *write(layer.body, params["backward"], {})]
    if isinstance(layer, _Recurrent):
        return _write_recurrent(layer, params)
    if isinstance(layer, MultiHeadAttention):
        return _write_attention(layer, params)
    if isinstance(layer, PReLU):
        return [params["slope"]]
    values = [params[name] for name in ("weight", "scale", "bias") if name in params]
    return values + [state[name] for name in ("mean", "variance") if name in state]


def _gates(layer: Layer, rows: np.ndarray) -> np.ndarray:
    """A GRU's update gate first, as in Keras, or back: the reset gate is first in Backlit."""
    if not isinstance(layer, GRU):
        return rows
    reset, update, candidate = np.split(rows, 3)
    return np.concatenate([update, reset, candidate])


def _read_recurrent(layer: Any, arrays: Arrays) -> Params:
    params: Params = {
        "weight": _gates(layer, arrays[0].T),
        "recurrent": {"weight": _gates(layer, arrays[1].T)},
    }
    if layer.bias:
        bias = arrays[2]
        if isinstance(layer, GRU) and layer.reset_after:
            first, second = (_gates(layer, row) for row in bias)
            gates = 2 * layer.units
            params["bias"] = first + np.concatenate([second[:gates], np.zeros_like(second[gates:])])
            params["recurrent"]["bias"] = second[gates:]
        else:
            params["bias"] = _gates(layer, bias)
    return params


def _write_recurrent(layer: Any, params: Params) -> list[np.ndarray]:
    arrays = [_gates(layer, params["weight"]).T, _gates(layer, params["recurrent"]["weight"]).T]
    if layer.bias:
        bias = _gates(layer, params["bias"])
        if isinstance(layer, GRU) and layer.reset_after:
            second = np.concatenate([np.zeros(2 * layer.units, bias.dtype), params["recurrent"]["bias"]])
            bias = np.stack([bias, second])
        arrays.append(bias)
    return arrays


def _read_attention(layer: Any, arrays: Arrays) -> Params:
    """Kernels (features, heads, size) of query, key and value, and (heads, size, features) of the output."""
    step = 2 if layer.bias else 1
    kernels = [array.reshape(array.shape[0], -1).T for array in arrays[: 3 * step : step]]
    out = arrays[3 * step]
    params: Params = {"qkv": {"weight": np.concatenate(kernels)}, "out": {"weight": out.reshape(-1, out.shape[-1]).T}}
    if layer.bias:
        params["qkv"]["bias"] = np.concatenate([array.reshape(-1) for array in arrays[1:6:2]])
        params["out"]["bias"] = arrays[7]
    return params


def _write_attention(layer: Any, params: Params) -> list[np.ndarray]:
    heads, size = layer.heads, layer.units // layer.heads
    weights = np.split(params["qkv"]["weight"], 3)
    biases = np.split(params["qkv"]["bias"], 3) if layer.bias else [None] * 3
    arrays: list[np.ndarray] = []
    for weight, bias in zip(weights, biases, strict=True):
        arrays.append(weight.T.reshape(-1, heads, size))
        arrays += [] if bias is None else [bias.reshape(heads, size)]
    arrays.append(params["out"]["weight"].T.reshape(heads, size, -1))
    return arrays + ([params["out"]["bias"]] if layer.bias else [])
