"""A Sequential of Keras' as a network of Backlit's, with its weights, to be looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn.layer import Layer, Network
from backlit.nn.layers import activations as act
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.convolution import Conv1d, Conv2d
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm
from backlit.nn.layers.pooling import AvgPool2d, GlobalAvgPool, GlobalMaxPool, MaxPool1d, MaxPool2d
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.shaping import Flatten

_ACTIVATIONS: dict[str, Any] = {
    "relu": act.ReLU, "sigmoid": act.Sigmoid, "tanh": act.Tanh, "softmax": act.Softmax, "elu": act.ELU,
    "selu": act.SELU, "gelu": act.GELU, "silu": act.SiLU, "swish": act.SiLU, "softplus": act.Softplus,
    "leaky_relu": act.LeakyReLU,
}  # fmt: skip
_PLAIN: dict[str, Any] = {
    "Flatten": Flatten, "GlobalAveragePooling1D": GlobalAvgPool, "GlobalAveragePooling2D": GlobalAvgPool,
    "GlobalMaxPooling1D": GlobalMaxPool, "GlobalMaxPooling2D": GlobalMaxPool, "ReLU": act.ReLU, "Softmax": act.Softmax,
    "ELU": act.ELU, "LeakyReLU": act.LeakyReLU,
}  # fmt: skip
Parts = list[tuple[Layer, dict[str, Any]]]


def network_of(model: Any, end: str = "") -> Network:
    """The network with the weights of the moment.

    Parameters
    ----------
    model : keras.Sequential
        Built.
    end : str
        The activation that the loss is told of ("Softmax"), which is left out at the end, since Backlit's loss has it.

    Raises
    ------
    InputError
        If it isn't a Sequential, or has a layer for which there is none here.
    """
    if type(model).__name__ != "Sequential":
        raise InputError(f"bl.KerasWatch looks into keras.Sequential networks, got a {type(model).__name__}")
    parts: Parts = [part for layer in model.layers if type(layer).__name__ != "InputLayer" for part in _parts(layer)]
    if end and parts and type(parts[-1][0]).__name__ == end:
        parts.pop()
    params = {str(number): own for number, (_, own) in enumerate(parts) if own}
    return Network(Sequential(*(layer for layer, _ in parts)), params, tuple(model.input_shape[1:]))


def _parts(layer: Any) -> Parts:
    kind = type(layer).__name__
    weights = [np.asarray(w, dtype=np.float32) for w in layer.get_weights()]
    if kind in _PLAIN:
        return [(_PLAIN[kind](), {})]
    if kind == "Activation":
        return _activation(layer)
    if kind == "Dropout":
        return [(Dropout(float(layer.rate)), {})]
    if kind in ("MaxPooling1D", "MaxPooling2D", "AveragePooling2D"):
        pool: Any = {"MaxPooling1D": MaxPool1d, "MaxPooling2D": MaxPool2d, "AveragePooling2D": AvgPool2d}[kind]
        size = layer.pool_size if isinstance(layer.pool_size, int) else tuple(layer.pool_size)
        return [(pool(size, padding=layer.padding), {})]
    if kind in ("BatchNormalization", "LayerNormalization"):
        norm = (BatchNorm if kind == "BatchNormalization" else LayerNorm)(epsilon=float(layer.epsilon))
        return [(norm, dict(zip(("scale", "bias"), weights[:2], strict=True)))]
    if kind == "Dense":
        return [(Linear(layer.units, bias=layer.use_bias), _named(weights[0].T, weights[1:])), *_activation(layer)]
    if kind in ("Conv1D", "Conv2D"):
        convolution: Any = Conv1d if kind == "Conv1D" else Conv2d
        made = convolution(
            layer.filters, tuple(layer.kernel_size), stride=tuple(layer.strides), padding=layer.padding,
            bias=layer.use_bias,
        )  # fmt: skip
        return [(made, _named(np.moveaxis(weights[0], -1, 0), weights[1:])), *_activation(layer)]
    if kind == "Embedding" and not layer.mask_zero:
        return [(Embedding(layer.input_dim, layer.output_dim), {"weight": weights[0]})]
    if kind in ("SimpleRNN", "LSTM") and layer.use_bias:
        more: dict[str, Any] = {"return_sequences": layer.return_sequences, "reverse": layer.go_backwards}
        cells: Any = RNN if kind == "SimpleRNN" else LSTM
        kernel, recurrent, bias = weights
        return [(cells(layer.units, **more), {"weight": kernel.T, "bias": bias, "recurrent": {"weight": recurrent.T}})]
    raise InputError(f"bl.KerasWatch has no like of the layer {layer.name} ({kind})")


def _named(weight: np.ndarray, rest: list[np.ndarray]) -> dict[str, Any]:
    return {"weight": np.ascontiguousarray(weight), **({"bias": rest[0]} if rest else {})}


def _activation(layer: Any) -> Parts:
    name = getattr(layer.activation, "__name__", "linear")
    if name == "linear":
        return []
    if name not in _ACTIVATIONS:
        raise InputError(f"bl.KerasWatch has no like of the activation {name} of layer {layer.name}")
    return [(_ACTIVATIONS[name](), {})]
