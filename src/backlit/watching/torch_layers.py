"""PyTorch's modules, functions and parameters, as layers and weights that the doctor's rules know."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.nn.layer import Layer
from backlit.nn.layers import activations as act
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm
from backlit.nn.layers.pooling import AvgPool1d, AvgPool2d, GlobalAvgPool, MaxPool1d, MaxPool2d
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.shaping import Flatten
from backlit.watching.shadow import foreign

MOST_DROPPED = 0.999  # a dropout of 1 is written so

_ACTIVATIONS: dict[str, Callable[[], Layer]] = {
    "relu": act.ReLU, "relu6": act.ReLU, "sigmoid": act.Sigmoid, "tanh": act.Tanh, "gelu": act.GELU, "silu": act.SiLU,
    "elu": act.ELU, "selu": act.SELU, "leaky_relu": act.LeakyReLU, "softplus": act.Softplus, "softmax": act.Softmax,
    "log_softmax": act.Identity, "identity": act.Identity, "logsigmoid": act.Identity,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[[], Layer]] = {
    **{name: kind for name, kind in _ACTIVATIONS.items() if name != "identity"},
    **{f"{name}_": _ACTIVATIONS[name] for name in ("relu", "sigmoid", "tanh", "elu", "selu", "leaky_relu")},
    "flatten": Flatten,
    "dropout": lambda: Dropout(0.5),
}
_HANDING_ON = (
    "reshape", "view", "squeeze", "unsqueeze", "contiguous", "to", "float", "transpose", "permute", "flatten", "clone",
    "__get__", "size", "movedim", "type", "double", "half", "bfloat16",
)  # fmt: skip
POOLING = ("mean", "sum", "max", "amax", "logsumexp")  # over time, say


def of_module(module: Any) -> Layer | None:
    """The layer that a module without modules of its own is; None for one whose modules are looked at one by one."""
    name = type(module).__name__
    if name in _MODULES:
        return _MODULES[name](module)
    for base in type(module).__mro__[1:]:  # a user's subclass of nn.Linear, say
        if base.__module__.startswith("torch.nn.modules") and base.__name__ in _MODULES:
            return _MODULES[base.__name__](module)
    if name.lower() in _ACTIVATIONS and type(module).__module__.startswith("torch.nn"):
        return _ACTIVATIONS[name.lower()]()
    return foreign(name) if not next(module.children(), None) else None


def of_function(function: Any, kwargs: dict[str, Any]) -> Layer | None:
    """The layer that a function of PyTorch's is; None for arithmetic, reshaping and so on."""
    name = getattr(function, "__name__", "")
    if name not in _FUNCTIONS:
        return None
    layer = _FUNCTIONS[name]()
    if isinstance(layer, Dropout):
        return dataclasses.replace(layer, rate=min(float(kwargs.get("p", 0.5)), MOST_DROPPED))
    return layer


def hands_on(function: Any) -> bool:
    """Whether a function only brings its argument into another form."""
    return getattr(function, "__name__", "") in _HANDING_ON


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, (tuple, list)) else value


def _conv(kind: Any) -> Callable[[Any], Layer]:
    return lambda module: kind(module.out_channels, _pair(module.kernel_size), bias=module.bias is not None)


def _recurrent(kind: Any) -> Callable[[Any], Layer]:
    def make(module: Any) -> Layer:
        extra = {"activation": module.nonlinearity} if kind is RNN else {}
        dropped = min(float(module.dropout), MOST_DROPPED) if module.num_layers > 1 else 0.0
        return kind(module.hidden_size, return_sequences=True, dropout=dropped, **extra)

    return make


_MODULES: dict[str, Callable[[Any], Layer]] = {
    "Linear": lambda module: Linear(module.out_features, bias=module.bias is not None),
    "Conv1d": _conv(Conv1d),
    "Conv2d": _conv(Conv2d),
    "ConvTranspose1d": _conv(ConvTranspose1d),
    "ConvTranspose2d": _conv(ConvTranspose2d),
    **{f"BatchNorm{axes}d": lambda _: BatchNorm() for axes in (1, 2, 3)},
    "SyncBatchNorm": lambda _: BatchNorm(),
    **{name: (lambda _: LayerNorm()) for name in ("LayerNorm", "GroupNorm", "RMSNorm")},
    **{f"InstanceNorm{axes}d": lambda _: LayerNorm() for axes in (1, 2, 3)},
    **{
        name: (lambda module: Dropout(min(float(module.p), MOST_DROPPED)))
        for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
    },
    "Flatten": lambda _: Flatten(),
    "Embedding": lambda module: Embedding(module.num_embeddings, module.embedding_dim),
    "EmbeddingBag": lambda module: Embedding(module.num_embeddings, module.embedding_dim),
    "MaxPool1d": lambda module: MaxPool1d(_pair(module.kernel_size)),
    "MaxPool2d": lambda module: MaxPool2d(_pair(module.kernel_size)),
    "AvgPool1d": lambda module: AvgPool1d(_pair(module.kernel_size)),
    "AvgPool2d": lambda module: AvgPool2d(_pair(module.kernel_size)),
    "AdaptiveAvgPool1d": lambda _: GlobalAvgPool(),
    "AdaptiveAvgPool2d": lambda _: GlobalAvgPool(),
    "RNN": _recurrent(RNN),
    "LSTM": _recurrent(LSTM),
    "GRU": _recurrent(GRU),
    "MultiheadAttention": lambda _: foreign("MultiheadAttention"),
}


def channels_last(layer: Layer, value: np.ndarray) -> np.ndarray:
    """An array (rows, channels, ...) of a picture as Backlit has them, with channels last; others as they are."""
    return np.moveaxis(value, 1, -1) if value.ndim > 2 and pictures(layer) else value


def pictures(layer: Layer) -> bool:
    """Whether channels come second in what a layer takes and gives."""
    return isinstance(layer, (Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, BatchNorm, MaxPool1d, MaxPool2d,
                              AvgPool1d, AvgPool2d, GlobalAvgPool))  # fmt: skip


def place_of(layer: Layer, name: str) -> str:
    """Where a parameter of a module stands among its layer's: "weight", "recurrent/weight", "bias"."""
    if layer.recurrent:
        kind, _, rest = name.partition("_")
        number = rest.removeprefix("ih").removeprefix("hh").removeprefix("_l0")
        own = f"recurrent/{kind}" if rest.startswith("hh") else kind
        return f"{own}{number}"
    return name


def weights_last(layer: Layer, name: str, value: np.ndarray) -> np.ndarray:
    """A weight (units, inputs, *kernel) as (units, *kernel, inputs)."""
    if value.ndim < 3 or "weight" not in name:
        return value
    if isinstance(layer, (ConvTranspose1d, ConvTranspose2d)):
        value = np.swapaxes(value, 0, 1)
    return np.moveaxis(value, 1, -1)
