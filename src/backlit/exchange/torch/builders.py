"""Layers as PyTorch modules: PyTorch's own where it has one, else a module of `backlit.exchange.torch.own`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from backlit.exchange.torch import attention, own
from backlit.exchange.torch import recurrent as r
from backlit.exchange.torch.part import Part
from backlit.exchange.weights.layouts import write
from backlit.exchange.weights.order import FIRST, LAST, order_of
from backlit.graph import tree
from backlit.graph.ops.convolution import transposed
from backlit.graph.window import window
from backlit.nn.layer import Layer
from backlit.nn.layers import activations as act
from backlit.nn.layers.augment import Augment
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.dropout import DropConnect, Dropout
from backlit.nn.layers.embedding import EmbedColumns, Embedding, OneHot
from backlit.nn.layers.encoding import PiecewiseLinear
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backlit.nn.layers.pooling import (
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from backlit.nn.layers.positions import PositionalEncoding
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.rescale import Rescale, Temperature
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.shaping import Flatten, Permute, Reshape, Select
from backlit.nn.layers.transformer import MultiHeadAttention, ScaledDotProductAttention

Builder = Callable[[Part], nn.Module]


def filled(part: Part, module: nn.Module) -> nn.Module:
    """The module with the layer's values, as PyTorch lays them out; frozen ones don't require a gradient."""
    tensors = write(part.layer, part.params, part.state)
    still = (
        tree.nest(
            {
                path: np.full(np.shape(leaf), _own_path(part, path) not in part.frozen, dtype=float)
                for path, leaf in tree.items(part.params)
            }
        )
        if part.params
        else {}
    )
    learns = write(part.layer, still, part.state)
    dtypes = {str(array.dtype) for array in tensors.values() if array.dtype.kind == "f"}
    module = module.to(getattr(torch, dtypes.pop())) if dtypes else module
    if not isinstance(part.step.into, str):
        order = np.argsort(order_of(part.step.into))
        tensors = {name: _in_order(part.layer, array, order) for name, array in tensors.items()}
    module.load_state_dict({name: torch.tensor(np.array(array)) for name, array in tensors.items()})
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(bool(np.any(learns[name])))
    return module


def _own_path(part: Part, path: str) -> str:
    return f"{part.path}/{path}" if part.path else path


def _in_order(layer: Layer, array: np.ndarray, order: np.ndarray) -> np.ndarray:
    """A weight's columns, or values by feature, for a flattened picture as PyTorch has it."""
    if isinstance(layer, Linear):
        return array[:, order] if array.ndim == 2 else array
    return array[order] if array.shape == order.shape else array


def _linear(part: Part) -> nn.Module:
    inputs = part.params["weight"].shape[1]
    if not isinstance(part.layer, DropConnect):
        return filled(part, nn.Linear(inputs, part.layer.units, bias=part.layer.bias))
    module = own.DropConnect(inputs, part.layer.units, bias=part.layer.bias)
    module.rate = part.layer.rate
    return filled(part, module)


def _embedding(part: Part) -> nn.Module:
    return filled(part, nn.Embedding(part.layer.count, part.layer.size))


# ------------------------------------------------------------------------------------ lines and pictures


def _in_mask(part: Part, module: nn.Module, fill: float = 0.0) -> nn.Module:
    """What wants channels first, between layers that have padding and channels last."""
    if not part.step.masked:
        return module
    axes = len(part.step.shape)
    first, last = own.Permute(axes, *range(1, axes)), own.Permute(*range(2, axes + 1), 1)
    return own.Hidden(nn.Sequential(first, module, last), fill)


def _convolution(part: Part) -> nn.Module:
    layer, sizes = part.layer, part.step.shape[:-1]
    w = window(str(layer), sizes, layer._kernel, layer.stride, layer.padding, layer.dilation, layer.groups)
    even = all(before == after for before, after in w.padding)
    padding: Any = tuple(before for before, _ in w.padding) if even else 0
    if layer.padding == "same" and set(w.stride) == {1}:
        padding, even = "same", True
    kind: Any = ({1: nn.Conv1d, 2: nn.Conv2d} if even else {1: own.Conv1d, 2: own.Conv2d})[layer.axes]
    options = {"dilation": w.dilation, "groups": layer.groups, "bias": layer.bias, "padding": padding}
    conv = filled(part, kind(part.step.shape[-1], layer.channels, w.kernel, w.stride, **options))
    if not even:
        conv.border = _flat(w.padding)
    return _in_mask(part, conv)


def _flat(pairs: Any, sign: int = 1) -> tuple[int, ...]:
    """A border as PyTorch has it: axes from the last."""
    return tuple(sign * size for pair in reversed(pairs) for size in pair)


def _border(pairs: Any, value: float) -> nn.Module:
    """A border of a number around lines or pictures."""
    return {1: nn.ConstantPad1d, 2: nn.ConstantPad2d}[len(pairs)](_flat(pairs), value)


def _transposed(part: Part) -> nn.Module:
    layer, sizes = part.layer, part.step.shape[:-1]
    settings = (layer.stride, layer.padding, layer.output_padding, layer.dilation)
    w, full = transposed(str(layer), sizes, layer._kernel, *settings)
    even = all(before == after for before, after in w.padding)
    plain = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}
    kind: Any = (plain if even else {1: own.ConvTranspose1d, 2: own.ConvTranspose2d})[layer.axes]
    border = tuple(before for before, _ in w.padding) if even else (0,) * len(sizes)
    cut = [0 if even else sum(pair) for pair in w.padding]
    made = [(n - 1) * s + e - 2 * b for n, s, e, b in zip(sizes, w.stride, w.extent, border, strict=True)]
    extra = tuple(size + c - m for size, c, m in zip(full, cut, made, strict=True))
    options = {"dilation": w.dilation, "groups": layer.groups, "bias": layer.bias}
    conv = kind(part.step.shape[-1], layer.channels, w.kernel, w.stride, border, extra, **options)
    conv = filled(part, conv)
    if not even:
        conv.border = _flat(w.padding, -1)
    return _in_mask(part, conv)


def _pooling(part: Part) -> nn.Module:
    layer = part.layer
    stride = layer.size if layer.stride is None else layer.stride
    w = window(str(layer), part.step.shape[:-1], _many(layer.size, layer.axes), stride, layer.padding)
    even = all(b == a and 2 * b <= k for (b, a), k in zip(w.padding, w.kernel, strict=True))
    maximum = isinstance(layer, (MaxPool1d, MaxPool2d))
    if maximum:
        kind: Any = {1: nn.MaxPool1d, 2: nn.MaxPool2d}[layer.axes]
    else:
        kind = {1: nn.AvgPool1d, 2: nn.AvgPool2d}[layer.axes]
    border = tuple(before for before, _ in w.padding) if even else (0,) * layer.axes
    pool = kind(w.kernel, w.stride, border, **({} if maximum else {"count_include_pad": False}))
    if not even:
        edge = _border(w.padding, -np.inf if maximum else 0.0)
        pool = nn.Sequential(edge, pool) if maximum else own.MeanOf(nn.Sequential(edge, pool))
    return _in_mask(part, pool)


def _many(size: Any, axes: int) -> tuple[int, ...]:
    return tuple(size) if isinstance(size, (tuple, list)) else (size,) * axes


def _adaptive(part: Part) -> nn.Module:
    return _in_mask(part, nn.AdaptiveAvgPool2d((part.layer.rows, part.layer.columns or part.layer.rows)))


def _global(kinds: dict[int, Any], general: Callable[[], nn.Module], fill: float) -> Builder:
    def builder(part: Part) -> nn.Module:
        axes = len(part.step.shape) - 1
        if part.step.into == FIRST and axes in kinds:
            return nn.Sequential(kinds[axes](1), nn.Flatten())
        if part.step.into == FIRST:
            return nn.Sequential(own.Permute(*range(2, axes + 2), 1), general())
        return own.Hidden(general(), fill) if part.step.masked and fill else general()

    return builder


def _batch_norm(part: Part) -> nn.Module:
    layer, shape = part.layer, part.step.shape
    kind = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d}.get(len(shape))
    if kind is None or (part.step.into == LAST and len(shape) > 1):
        part.refuse("PyTorch normalises batches of lines and pictures with channels first; it is elsewhere here")
    return filled(part, kind(shape[-1], eps=layer.epsilon, momentum=layer.momentum, affine=layer.affine))


def _layer_norm(part: Part) -> nn.Module:
    layer = part.layer
    shape = part.step.shape[-layer.axes :]
    return filled(part, nn.LayerNorm(shape, eps=layer.epsilon, elementwise_affine=layer.affine))


def _rms_norm(part: Part) -> nn.Module:
    layer = part.layer
    shape = part.step.shape[-layer.axes :]
    return filled(part, nn.RMSNorm(shape, eps=layer.epsilon, elementwise_affine=layer.affine))


def _attention(part: Part) -> nn.Module:
    layer = part.layer
    if part.step.shape[-1] != layer.units:
        part.refuse(
            f"PyTorch's attention gives as many features as it gets, not {layer.units} of {part.step.shape[-1]}"
        )
    return filled(part, attention.MultiHeadAttention(layer))


def _prelu(part: Part) -> nn.Module:
    return filled(part, nn.PReLU(part.step.shape[-1] if part.layer.by_feature else 1))


def _dropout(part: Part) -> nn.Module:
    axes = len(part.step.shape)
    if not part.layer.by_channel or axes == 1:
        return nn.Dropout(part.layer.rate)
    kind = {2: nn.Dropout1d, 3: nn.Dropout2d}.get(axes)
    if kind is None:
        part.refuse("PyTorch drops whole channels of lines and pictures only")
    return _in_mask(part, kind(part.layer.rate))


# ----------------------------------------------------------------------------------------- recurrent


def _recurrent(part: Part) -> nn.Module:
    layer = part.layer
    _require_sequences(part, layer)
    if not _native(layer) or layer.reverse or part.step.masked:
        return _steps(part)
    return filled(part, _kernel(layer, part.step.shape[-1], both=False))


def _steps(part: Part) -> nn.Module:
    params = dict(tree.items(part.params))
    return _requiring(part, r.Steps(part.layer, params))


def _require_sequences(part: Part, layer: Any) -> None:
    if layer.stateful or layer.return_states:
        part.refuse("stateful and return_states have no counterpart in a module that gives one tensor")


def _native(layer: Any) -> bool:
    """Whether PyTorch's kernels have this form."""
    plain = not (layer.dropout or layer.recurrent_dropout) and layer.initial == "zeros"
    return plain and not getattr(layer, "peepholes", False) and getattr(layer, "reset_after", True)


def _kernel(layer: Any, features: int, both: bool) -> nn.Module:
    options: dict[str, Any] = {"bias": layer.bias, "batch_first": True, "bidirectional": both}
    if isinstance(layer, LSTM):
        options["proj_size"] = layer.projection
    if isinstance(layer, RNN):
        options["nonlinearity"] = layer.activation
    kind: Any = {RNN: r.RNN, LSTM: r.LSTM, GRU: r.GRU}[type(layer)]
    module = kind(features, layer.units, **options)
    module.sequences = layer.return_sequences
    return module


def _bidirectional(part: Part) -> nn.Module:
    layer = part.layer
    _require_sequences(part, layer.body)
    if _native(layer.body) and layer.combine == "concatenate" and not part.step.masked:
        return filled(part, _kernel(layer.body, part.step.shape[-1], both=True))
    forward, backward = (_steps(part.inside(name, inner)) for name, inner in layer.parts())
    return r.Bidirectional(forward, backward, layer.combine)


# ------------------------------------------------------------------------------------------------ others


def _requiring(part: Part, module: own.Own) -> nn.Module:
    """A module of our own, whose frozen parameters don't require a gradient."""
    for name, path in module.paths.items():
        getattr(module, name).requires_grad_(_own_path(part, path) not in part.frozen)
    return module


def _own(kind: Callable[..., own.Own]) -> Builder:
    """A module of our own, with the layer's values."""

    def builder(part: Part) -> nn.Module:
        params = dict(tree.items(part.params)) if part.params else {}
        return _requiring(part, kind(part.layer, params, part.state))

    return builder


def _rescale(part: Part) -> nn.Module:
    state = part.state
    if part.step.into == FIRST:
        state = {name: array.reshape(-1, *[1] * (len(part.step.shape) - 1)) for name, array in state.items()}
    return own.Rescale(part.layer, {}, state)


def _reshape(part: Part) -> nn.Module:
    before, after = part.step.shape, part.layer.output_shape(part.step.shape)
    if len(after) == 1:
        return nn.Flatten()
    return nn.Unflatten(1, after) if len(before) == 1 else own.Reshape(part.layer)


def _softmax(part: Part) -> nn.Module:
    return nn.Softmax(dim=1 if part.step.into == FIRST else -1)


def _simple(kind: Callable[..., nn.Module], **names: str) -> Builder:
    """A module of PyTorch's without values, with some of the layer's settings under its names."""

    def builder(part: Part) -> nn.Module:
        return kind(**{theirs: getattr(part.layer, ours) for theirs, ours in names.items()})

    return builder


def _gelu(part: Part) -> nn.Module:
    return nn.GELU("tanh" if part.layer.approximate else "none")


BUILDERS: dict[type[Layer], Builder] = {
    Linear: _linear,
    DropConnect: _linear,
    Embedding: _embedding,
    Conv1d: _convolution,
    Conv2d: _convolution,
    ConvTranspose1d: _transposed,
    ConvTranspose2d: _transposed,
    MaxPool1d: _pooling,
    MaxPool2d: _pooling,
    AvgPool1d: _pooling,
    AvgPool2d: _pooling,
    AdaptiveAvgPool2d: _adaptive,
    GlobalAvgPool: _global({1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}, own.Mean, 0.0),
    GlobalMaxPool: _global({1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d}, own.Maximum, -np.inf),
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    RMSNorm: _rms_norm,
    MultiHeadAttention: _attention,
    ScaledDotProductAttention: _own(attention.ScaledDotProduct),
    PositionalEncoding: _own(attention.PositionalEncoding),
    Dropout: _dropout,
    RNN: _recurrent,
    LSTM: _recurrent,
    GRU: _recurrent,
    Bidirectional: _bidirectional,
    Flatten: _simple(nn.Flatten),
    Reshape: _reshape,
    Permute: lambda part: own.Permute(*part.layer.axes),
    Select: _own(own.Select),
    Rescale: _rescale,
    Temperature: _own(own.Temperature),
    OneHot: _own(own.OneHot),
    EmbedColumns: _own(own.EmbedColumns),
    PiecewiseLinear: _own(own.PiecewiseLinear),
    Augment: _simple(nn.Identity),  # pictures are changed in training alone
    act.Identity: _simple(nn.Identity),
    act.Step: _own(own.Step),
    act.Sigmoid: _simple(nn.Sigmoid),
    act.Tanh: _simple(nn.Tanh),
    act.ReLU: _simple(nn.ReLU),
    act.LeakyReLU: _simple(nn.LeakyReLU, negative_slope="slope"),
    act.PReLU: _prelu,
    act.ELU: _simple(nn.ELU, alpha="alpha"),
    act.SELU: _simple(nn.SELU),
    act.GELU: _gelu,
    act.SiLU: _simple(nn.SiLU),
    act.Softplus: _simple(nn.Softplus),
    act.Softmax: _softmax,
}
