"""PyTorch's modules as layers of Backlit: what each is called with, what it has learned."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import nn

from backlit.exchange.torch import attention_in, own
from backlit.exchange.torch import functions as f
from backlit.exchange.torch import indexing as i
from backlit.exchange.torch import recurrent as own_recurrent
from backlit.exchange.torch.attention import MultiHeadAttention
from backlit.exchange.torch.own import DropConnect as DropConnectModule
from backlit.exchange.torch.own import Own, Permute, Reorder, Rescale
from backlit.exchange.torch.reader import Last, Reader, Value
from backlit.graph import tree
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.dropout import DropConnect, Dropout
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.sequence import Bidirectional

_CONVOLUTIONS = {nn.Conv1d: Conv1d, nn.Conv2d: Conv2d, own.Conv1d: Conv1d, own.Conv2d: Conv2d}
_TRANSPOSED = {nn.ConvTranspose1d: ConvTranspose1d, nn.ConvTranspose2d: ConvTranspose2d}


def _linear(r: Reader, m: nn.Linear, x: Value) -> Value:
    return f.dense(r, x, m, m.weight, m.bias)


def _settings(m: Any) -> dict[str, Any]:
    """What convolutions of both kinds have in common."""
    settings = {"stride": f.short(m.stride), "dilation": f.short(m.dilation), "groups": m.groups}
    return {**settings, "bias": m.bias is not None, "padding": f.short(m.padding) or "valid"}


def _convolution(r: Reader, m: Any, x: Any) -> Value:
    if m.padding_mode != "zeros":
        r.refuse(f"padding_mode={m.padding_mode!r} has no counterpart, only zeros")
    settings = _settings(m)
    x = f.pad(r, x, m.border) if hasattr(m, "border") else x
    x, settings["padding"] = f.bordered(r, x, settings["padding"], 0.0, len(m.kernel_size))
    x = f.pictures(r, x, len(m.kernel_size))
    layer = _CONVOLUTIONS[type(m)](m.out_channels, f.short(m.kernel_size), **settings)
    return r.add(layer, [x], x.axes, r.shape(), **r.learned(m, layer))


def _transposed(r: Reader, m: Any, x: Value, output_size: Any = None) -> Value:
    if output_size is not None:
        r.refuse("output_size has no counterpart; use output_padding")
    x = f.pictures(r, x, len(m.kernel_size))
    kind = _TRANSPOSED[type(m)]
    extra = f.short(m.output_padding)
    layer = kind(m.out_channels, f.short(m.kernel_size), output_padding=extra, **_settings(m))
    return r.add(layer, [x], x.axes, r.shape(), **r.learned(m, layer))


def _batch_norm(r: Reader, m: Any, x: Value) -> Value:
    if not m.track_running_stats or m.momentum is None:
        r.refuse("without running statistics, or with momentum=None, it has no counterpart")
    layer = BatchNorm(momentum=m.momentum, epsilon=m.eps, affine=m.affine)
    values = r.learned(m, layer)
    if x.order is not None:
        for name in ("params", "state"):
            values[name] = {key: array[x.order] for key, array in values[name].items()}
    elif len(x.shape) > 2:
        x = r.channels_last(x)
    return r.alike(layer, x, **values)


def _layer_norm(r: Reader, m: nn.LayerNorm, x: Value) -> Value:
    count = len(m.normalized_shape)
    x = r.settled(x)
    theirs = tuple(range(len(x.shape) - count, len(x.shape)))
    if set(x.axes[-count:]) != set(theirs):
        x = r.ordered(x, [*[axis for axis in x.axes if axis not in theirs], *theirs])
    layer = LayerNorm(axes=count, epsilon=m.eps, affine=m.elementwise_affine)
    values = r.learned(m, layer)
    order = [theirs.index(axis) for axis in x.axes[-count:]]
    values["params"] = {name: array.transpose(order) for name, array in values["params"].items()}
    return r.alike(layer, x, **values)


def _embedding(r: Reader, m: nn.Embedding, x: Value) -> Value:
    if m.max_norm is not None or m.scale_grad_by_freq:
        r.refuse("max_norm and scale_grad_by_freq have no counterpart")
    if m.padding_idx is not None:
        r.refuse(
            "the row of padding_idx would learn here; set padding_idx=None, or wrap what reads it in bl.Masked later"
        )
    layer = Embedding(m.num_embeddings, m.embedding_dim)
    return r.add(layer, [x], (*x.axes, len(x.shape)), r.shape(), **r.learned(m, layer))


def _prelu(r: Reader, m: nn.PReLU, x: Value) -> Value:
    if m.num_parameters > 1:
        x = r.last(x, 1)
    layer = activations.PReLU(by_feature=m.num_parameters > 1)
    return r.alike(layer, x, **r.learned(m, layer))


def _output_only(r: Reader, m: Any, x: Value) -> Any:
    """Our own, which give the output alone: every step's, or the last of each direction."""
    sequence, states = _recurrent(r, m, x)
    last = states[0] if isinstance(states, tuple) else states
    if m.sequences:
        return sequence
    return i.both_ends(r, sequence) if last.ways == 2 else i.place(r, sequence, 1, -1)


def _recurrent(r: Reader, m: Any, x: Value, start: Any = None) -> Any:
    """Stacked and in both directions: a layer for each, with dropout between."""
    for part in start if isinstance(start, tuple) else () if start is None else (start,):
        if not hasattr(part, "detach") or bool(part.detach().any()):
            r.refuse("it starts from states that were computed; only zeros, PyTorch's default, have a counterpart")
    if len(x.shape) != 3:
        r.refuse(f"it needs a batch (batch, time, features), got a value of shape {x.shape}")
    x = r.ordered(x, (0, 1, 2) if m.batch_first else (1, 0, 2))
    tensors = dict(m.state_dict(keep_vars=True))
    sequence = x
    for number in range(m.num_layers):
        layer: Any = _layer_of(m)
        layer = Bidirectional(layer) if m.bidirectional else layer
        mark = f"_l{number}"
        values = {}
        for name, tensor in tensors.items():
            stem = name.partition("_reverse")[0]
            if stem.endswith(mark):
                values[f"{stem.removesuffix(mark)}_l0{name[len(stem) :]}"] = tensor
        size = (m.proj_size or m.hidden_size) * (2 if m.bidirectional else 1)
        sequence = r.add(layer, [sequence], x.axes, (*x.shape[:2], size), **r.learned(m, layer, **values))
        if m.dropout and number + 1 < m.num_layers:
            sequence = r.alike(Dropout(m.dropout), sequence)
    last = Last(sequence, m.num_layers, 2 if m.bidirectional else 1)
    if isinstance(m, nn.LSTM):
        return sequence, (last, Last(sequence, last.count, last.ways, "cell"))
    return sequence, last


def _layer_of(m: Any) -> Layer:
    options: dict[str, Any] = {"return_sequences": True, "bias": m.bias}
    if isinstance(m, nn.LSTM):
        return LSTM(m.hidden_size, projection=m.proj_size, forget_bias=0.0, **options)
    if isinstance(m, nn.GRU):
        return GRU(m.hidden_size, **options)
    return RNN(m.hidden_size, activation=m.nonlinearity, **options)


def _rms_norm(r: Reader, m: nn.RMSNorm, x: Value) -> Value:
    count = len(m.normalized_shape)
    x = r.natural(x) if x.axes[-count:] != tuple(range(len(x.shape) - count, len(x.shape))) else r.settled(x)
    epsilon = m.eps if m.eps is not None else torch.finfo(m.weight.dtype if m.elementwise_affine else torch.float32).eps
    layer = RMSNorm(axes=count, epsilon=epsilon, affine=m.elementwise_affine)
    return r.alike(layer, x, **r.learned(m, layer))


def _reordered(r: Reader, m: Reorder, x: Value) -> Value:
    """A flattened picture's numbers, in the order in which Backlit has them anyway."""
    if x.order is None or not np.array_equal(m.order.numpy(force=True), x.order):
        r.refuse("it puts features in an order that isn't that of a flattened picture")
    return dataclasses.replace(x, places=())


def _own(r: Reader, m: Own, x: Value) -> Value:
    """A module of our own, for which there is a layer: `to_torch` made it."""
    x = r.natural(x)
    shape = (x.shape[0], *m.layer.output_shape(x.sizes))
    tensors = {path: getattr(m, name) for name, path in m.paths.items()}
    for path, tensor in tensors.items():
        r.take(tensor, path)
    params = tree.nest({path: tensor.detach().cpu().numpy() for path, tensor in tensors.items()}) if tensors else {}
    frozen = tuple(path for path, tensor in tensors.items() if not tensor.requires_grad)
    return r.add(m.layer, [x], range(len(shape)), shape, params=params, frozen=frozen)


def _rescale(r: Reader, m: Rescale, x: Value) -> Value:
    return r.alike(m.layer, r.channels_last(x) if m.shift.dim() > 1 else r.last(x, -1))


def _drop_connect(r: Reader, m: DropConnectModule, x: Value) -> Value:
    return f.dense(r, x, m, m.weight, m.bias, DropConnect(m.out_features, bias=m.bias is not None, rate=m.rate))


def _flatten(r: Reader, m: nn.Flatten, x: Value) -> Value:
    return i.flatten(r, x, m.start_dim, m.end_dim)


def _activation(function: Any, *names: str) -> Any:
    """A module that does what a function does, with some of its attributes as arguments."""

    def reading(r: Reader, m: nn.Module, x: Value) -> Any:
        return function(r, x, **{name: getattr(m, name) for name in names})

    return reading


_POOL = ("kernel_size", "stride", "padding", "ceil_mode")

MODULES: dict[type, Any] = {
    nn.RMSNorm: _rms_norm,
    nn.MultiheadAttention: attention_in.attention,
    nn.TransformerEncoderLayer: attention_in.block,
    nn.TransformerEncoder: attention_in.encoder,
    **dict.fromkeys((own_recurrent.RNN, own_recurrent.LSTM, own_recurrent.GRU), _output_only),
    **dict.fromkeys(Own.__subclasses__(), _own),
    Reorder: _reordered,
    Permute: lambda r, m, x: i.permuted(r, x, (0, *m.axes)),
    Rescale: _rescale,
    **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d), lambda r, m, x: f.pad(r, x, m.padding)),
    **dict.fromkeys((nn.ConstantPad1d, nn.ConstantPad2d), lambda r, m, x: f.pad(r, x, m.padding, value=m.value)),
    DropConnectModule: _drop_connect,
    MultiHeadAttention: attention_in.own_attention,
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    own.Conv1d: _convolution,
    own.Conv2d: _convolution,
    nn.ConvTranspose1d: _transposed,
    nn.ConvTranspose2d: _transposed,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.Embedding: _embedding,
    nn.RNN: _recurrent,
    nn.LSTM: _recurrent,
    nn.GRU: _recurrent,
    nn.PReLU: _prelu,
    nn.Identity: lambda r, m, x: x,
    nn.Flatten: _flatten,
    nn.Unflatten: lambda r, m, x: i.reshape(r, x),
    nn.ReLU: _activation(f.ELEMENTWISE["relu"]),
    nn.Tanh: _activation(f.ELEMENTWISE["tanh"]),
    nn.Sigmoid: _activation(f.ELEMENTWISE["sigmoid"]),
    nn.SiLU: _activation(f.ELEMENTWISE["silu"]),
    nn.SELU: _activation(f.ELEMENTWISE["selu"]),
    nn.GELU: _activation(f.gelu, "approximate"),
    nn.ELU: _activation(f.elu, "alpha"),
    nn.LeakyReLU: _activation(f.leaky_relu, "negative_slope"),
    nn.Softplus: _activation(f.softplus, "beta", "threshold"),
    nn.Softmax: _activation(f.softmax, "dim"),
    nn.LogSoftmax: _activation(f.log_softmax, "dim"),
    nn.Dropout: _activation(f.dropout, "p"),
    nn.Dropout1d: _activation(f.dropout_channels, "p"),
    nn.Dropout2d: _activation(f.dropout_channels, "p"),
    nn.MaxPool1d: _activation(f.max_pool, *_POOL, "dilation", "return_indices"),
    nn.MaxPool2d: _activation(f.max_pool, *_POOL, "dilation", "return_indices"),
    nn.AvgPool1d: _activation(f.avg_pool, *_POOL, "count_include_pad"),
    nn.AvgPool2d: _activation(f.avg_pool, *_POOL, "count_include_pad", "divisor_override"),
    nn.AdaptiveAvgPool1d: _activation(f.adaptive_avg_pool, "output_size"),
    nn.AdaptiveAvgPool2d: _activation(f.adaptive_avg_pool, "output_size"),
    nn.AdaptiveMaxPool1d: _activation(f.adaptive_max_pool, "output_size", "return_indices"),
    nn.AdaptiveMaxPool2d: _activation(f.adaptive_max_pool, "output_size", "return_indices"),
}
