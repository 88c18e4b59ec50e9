"""ONNX's normalisations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.nn.operators.table import Call, fixed, operator, require_numbers


def _standardized(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    centred = x - x.mean(axis=axes, keepdims=True)
    return centred / ops.sqrt(ops.square(centred).mean(axis=axes, keepdims=True) + fixed(epsilon, x))


def _by_channel(v: Any, ndim: int) -> Any:
    """One number a channel, beside arrays (batch, channels, ...)."""
    return ops.reshape(v, shape=(-1, *(1,) * (ndim - 2)))


@operator("BatchNormalization", "epsilon", "momentum", "spatial", "training_mode", least=5)
def _batch_normalization(call: Call, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    epsilon, ndim = call.number("epsilon", 1e-5), x.ndim
    if not call.flag("spatial", True):
        call.refuse("has spatial=0: one mean for each place, which Backlit's BatchNorm doesn't have")
    scale, bias = _by_channel(scale, ndim), _by_channel(bias, ndim)
    if not call.flag("training_mode"):
        centred = x - _by_channel(mean, ndim)
        return centred / ops.sqrt(_by_channel(variance, ndim) + fixed(epsilon, x)) * scale + bias
    axes, momentum = (0, *range(2, ndim)), call.number("momentum", 0.9)
    y = _standardized(x, axes, epsilon) * scale + bias
    new_mean = mean * fixed(momentum, x) + x.mean(axis=axes) * fixed(1 - momentum, x)
    new_variance = variance * fixed(momentum, x) + x.var(axis=axes) * fixed(1 - momentum, x)
    return y, new_mean, new_variance


@operator("LayerNormalization", "axis", "epsilon", "stash_type", least=2, most=3)
def _layer_normalization(call: Call, x: Any, scale: Any, bias: Any = None) -> Any:
    axes = tuple(range(call.axis(call.integer("axis", -1), x.ndim), x.ndim))
    epsilon = fixed(call.number("epsilon", 1e-5), x)
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    inverse = fixed(1, x) / ops.sqrt(ops.square(centred).mean(axis=axes, keepdims=True) + epsilon)
    y = centred * inverse * scale
    return (y if bias is None else y + bias), mean, inverse


@operator("RMSNormalization", "axis", "epsilon", "stash_type", least=2)
def _rms_normalization(call: Call, x: Any, scale: Any) -> Any:
    axes = tuple(range(call.axis(call.integer("axis", -1), x.ndim), x.ndim))
    mean = ops.square(x).mean(axis=axes, keepdims=True)
    return x / ops.sqrt(mean + fixed(call.number("epsilon", 1e-5), x)) * scale


@operator("InstanceNormalization", "epsilon", least=3)
def _instance_normalization(call: Call, x: Any, scale: Any, bias: Any) -> Any:
    y = _standardized(x, tuple(range(2, x.ndim)), call.number("epsilon", 1e-5))
    return y * _by_channel(scale, x.ndim) + _by_channel(bias, x.ndim)


@operator("GroupNormalization", "epsilon", "num_groups", "stash_type", least=3)
def _group_normalization(call: Call, x: Any, scale: Any, bias: Any) -> Any:
    groups, shape = call.integer("num_groups"), tuple(x.shape)
    if not groups or shape[1] % groups:
        call.refuse(f"can't split {shape[1]} channels into {groups} groups")
    apart = ops.reshape(x, shape=(shape[0], groups, -1))
    y = ops.reshape(_standardized(apart, (2,), call.number("epsilon", 1e-5)), shape=shape)
    if scale.shape[0] == groups != shape[1]:  # one number a group, before version 21
        scale, bias = (_spread(v, shape[1] // groups) for v in (scale, bias))
    return y * _by_channel(scale, x.ndim) + _by_channel(bias, x.ndim)


def _spread(v: Any, times: int) -> Any:
    return ops.reshape(ops.broadcast_to(ops.reshape(v, shape=(-1, 1)), shape=(v.shape[0], times)), shape=(-1,))


@operator("MeanVarianceNormalization", "axes")
def _mean_variance(call: Call, x: Any) -> Any:
    axes = call.axes(call.integers("axes", (0, 2, 3)), x.ndim)
    centred = x - x.mean(axis=axes, keepdims=True)
    return centred / (ops.sqrt(ops.square(centred).mean(axis=axes, keepdims=True)) + fixed(1e-9, x))


@operator("LpNormalization", "axis", "p")
def _lp_normalization(call: Call, x: Any) -> Any:
    axis, p = call.axis(call.integer("axis", -1), x.ndim), call.integer("p", 2)
    if p not in (1, 2):
        call.refuse(f"has p={p}, expected 1 or 2")
    size = ops.abs(x).sum(axis=axis, keepdims=True) if p == 1 else ops.norm(x, axis=axis, keepdims=True)
    return x / ops.where(np.asarray(1.0, str(x.dtype)) * (size > 0) > 0, size, fixed(1, x))


@operator("LRN", "alpha", "beta", "bias", "size")
def _local_response(call: Call, x: Any) -> Any:
    require_numbers(call, x)
    size = call.integer("size")
    if not size or not 1 <= size <= 2 * x.shape[1] + 1:
        call.refuse(f"has size={size}, expected a whole number from 1 to twice the channels")
    before, channels = math.floor((size - 1) / 2), x.shape[1]
    around = ops.pad(
        ops.square(x), widths=[(before, size - 1 - before) if i == 1 else (0, 0) for i in range(x.ndim)], value=0.0
    )
    total = around[:, 0:channels]
    for i in range(1, size):
        total = total + around[:, i : i + channels]
    alpha, bias = call.number("alpha", 1e-4) / size, call.number("bias", 1.0)
    return x / ops.power(total * fixed(alpha, x) + fixed(bias, x), fixed(call.number("beta", 0.75), x))
