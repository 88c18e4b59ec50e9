"""PyTorch's functions and methods of tensors as layers of Backlit, by their names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from backlit.exchange.torch import attention_in
from backlit.exchange.torch.indexing import (
    attribute,
    joined,
    known,
    permute,
    place,
    reshape,
    same,
    state,
    transpose,
)
from backlit.exchange.torch.reader import Half, Last, Padded, Reader, Value
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.pooling import (
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.shaping import Reshape

Function = Callable[..., Any]


# --------------------------------------------------------------------------------------- activations


def _elementwise(layer: Layer) -> Function:
    def reading(r: Reader, x: Value, inplace: bool = False) -> Value:
        return r.alike(layer, x)

    return reading


ELEMENTWISE: dict[str, Function] = {
    "relu": _elementwise(activations.ReLU()),
    "tanh": _elementwise(activations.Tanh()),
    "sigmoid": _elementwise(activations.Sigmoid()),
    "silu": _elementwise(activations.SiLU()),
    "selu": _elementwise(activations.SELU()),
}


def gelu(r: Reader, x: Value, approximate: str = "none") -> Value:
    """The exact form, or that with tanh."""
    return r.alike(activations.GELU(approximate=approximate == "tanh"), x)


def elu(r: Reader, x: Value, alpha: float = 1.0, inplace: bool = False) -> Value:
    """As `ELU`."""
    return r.alike(activations.ELU(float(alpha)), x)


def leaky_relu(r: Reader, x: Value, negative_slope: float = 0.01, inplace: bool = False) -> Value:
    """As `LeakyReLU`."""
    return r.alike(activations.LeakyReLU(float(negative_slope)), x)


def softplus(r: Reader, x: Value, beta: float = 1.0, threshold: float = 20.0) -> Value:
    """PyTorch's is x beyond its threshold, which is 2e-9 off."""
    if beta != 1 or threshold < 20:
        r.refuse("only beta=1 and a threshold of 20 or more have a counterpart")
    return r.alike(activations.Softplus(), x)


def softmax(r: Reader, x: Value, dim: int | None = None, **_: Any) -> Value:
    """Along the last axis, which another one is made."""
    if dim is None:
        r.refuse("say along which axis: dim=-1")
    return r.alike(activations.Softmax(), r.last(x, dim))


def log_softmax(r: Reader, x: Value, dim: int | None = None, **_: Any) -> Value:
    """There is no such layer: the loss has it."""
    r.refuse("leave it out: Backlit's loss 'cross_entropy' takes the scores before it")


def dropout(r: Reader, x: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> Value:
    """As `Dropout`; nothing where it never drops."""
    return r.alike(Dropout(float(p)), x) if training and p else x


def dropout_channels(r: Reader, x: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> Value:
    """Whole channels, which come second in PyTorch."""
    return r.alike(Dropout(float(p), by_channel=True), r.channels_last(x)) if training and p else x


# ---------------------------------------------------------------------------------- layers with weights


def dense(
    r: Reader, x: Value, module: nn.Module | None, weight: Any, bias: Any = None, layer: Linear | None = None
) -> Value:
    """A `Linear` on the last axis; behind a flattened picture its columns are put in the picture's order."""
    if not isinstance(weight, torch.Tensor) or (bias is not None and not isinstance(bias, torch.Tensor)):
        r.refuse("its weights are computed from the input")
    x = r.last(x, -1)
    layer = layer or Linear(weight.shape[0], bias=bias is not None)
    tensors = {"weight": weight} | ({} if bias is None else {"bias": bias})
    values = r.learned(module or nn.Module(), layer, **tensors)
    if x.order is not None:
        values["params"]["weight"] = values["params"]["weight"][:, x.order]
    return r.add(layer, [x], x.axes, r.shape(), **values)


def _linear(r: Reader, x: Value, weight: Any, bias: Any = None) -> Value:
    return dense(r, x, None, weight, bias)


# -------------------------------------------------------------------------------------------- pooling


def pictures(r: Reader, x: Value, axes: int) -> Value:
    """A value whose channels PyTorch has second, as Backlit's layers on `axes` axes take it."""
    if len(x.shape) != axes + 2:
        r.refuse(f"it needs a batch with {axes + 2} axes, got a value of shape {x.shape}")
    return r.channels_last(x)


def _as_many(number: Any, axes: int) -> tuple[int, ...]:
    return tuple(number) if isinstance(number, (tuple, list)) else (number,) * axes


def short(sizes: Any) -> Any:
    """One number for several that are alike."""
    return sizes[0] if isinstance(sizes, (tuple, list)) and len(set(sizes)) == 1 else sizes


def pad(r: Reader, x: Value, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Padded:
    """A border of one number around lines or pictures; PyTorch counts axes from the last."""
    pairs = tuple((pad[i], pad[i + 1]) for i in range(0, len(pad), 2))[::-1]
    if mode != "constant" or len(pairs) != len(x.shape) - 2 or min(map(min, pairs)) < 0:
        r.refuse("of borders only constant ones around lines and pictures have a counterpart")
    return Padded(x, pairs, float(value or 0.0))


def bordered(r: Reader, x: Any, own: Any, fill: float, axes: int) -> tuple[Value, Any]:
    """The value, and the border of a layer that has one of its own and may take over a waiting one."""
    if not isinstance(x, Padded):
        return x, own
    if isinstance(own, str):
        own = [(0, 0)] * axes if own == "valid" else r.refuse("two borders, one of them 'same', have no counterpart")
    mine = [pair if isinstance(pair, tuple) else (pair, pair) for pair in _as_many(own, axes)]
    if x.fill != fill or (fill and any(map(any, mine))):
        r.refuse(f"the border must be of {fill} here, got {x.fill}")
    return x.x, tuple((a + b, c + d) for (a, c), (b, d) in zip(mine, x.pairs, strict=True))


def _pooled(r: Reader, kinds: tuple[Any, Any], x: Value, kernel: Any, stride: Any, padding: Any, ceil: bool) -> Value:
    maximum = kinds[0] is MaxPool1d
    axes = len((x.x if isinstance(x, Padded) else x).shape) - 2
    x, border = bordered(r, x, short(_as_many(padding, axes)), -math.inf if maximum else math.nan, axes)
    x = pictures(r, x, axes)
    size = short(_as_many(kernel, axes))
    step = size if stride is None else short(_as_many(stride, axes))
    layer = kinds[axes - 1](size, None if step == size else step, border or "valid")
    if ceil and layer.output_shape(x.sizes) != tuple(r.shape()[axis] for axis in x.axes[1:]):
        r.refuse("ceil_mode=True gives a window that hangs over the edge, which has no counterpart")
    return r.add(layer, [x], x.axes, r.shape())


def max_pool(
    r: Reader,
    x: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    **more: Any,
) -> Value:
    """As `MaxPool1d` and `MaxPool2d`."""
    if more.get("return_indices") or set(_as_many(dilation, 1)) != {1}:
        r.refuse("return_indices and dilation have no counterpart")
    return _pooled(r, (MaxPool1d, MaxPool2d), x, kernel_size, stride, padding, more.get("ceil_mode", False))


def avg_pool(
    r: Reader,
    x: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    **more: Any,
) -> Value:
    """As `AvgPool1d` and `AvgPool2d`, whose border doesn't count."""
    counts = more.get("count_include_pad", True) and any(_as_many(padding, 1))
    if more.get("divisor_override") is not None or counts:
        r.refuse("a border that counts (count_include_pad=True) and divisor_override have no counterpart")
    return _pooled(r, (AvgPool1d, AvgPool2d), x, kernel_size, stride, padding, ceil_mode)


def adaptive_avg_pool(r: Reader, x: Value, output_size: Any) -> Value:
    """Means over a grid of so many places."""
    axes = len(x.shape) - 2
    x, target = pictures(r, x, axes), r.shape()
    if math.prod(target[2:]) == 1:
        pooled = r.add(GlobalAvgPool(), [x], (0, 1), target[:2])
        return r.add(Reshape((*target[2:], target[1])), [pooled], x.axes, target)
    if axes == 2:
        return r.add(AdaptiveAvgPool2d(*target[2:]), [x], x.axes, target)
    return _divided(r, AvgPool1d, x)


def adaptive_max_pool(r: Reader, x: Value, output_size: Any, return_indices: bool = False) -> Value:
    """The greatest of each part, where all parts are of one size."""
    if return_indices:
        r.refuse("return_indices has no counterpart")
    axes = len(x.shape) - 2
    return _divided(r, (MaxPool1d, MaxPool2d)[axes - 1], pictures(r, x, axes))


def _divided(r: Reader, kind: Any, x: Value) -> Value:
    target = r.shape()
    if any(whole % part for whole, part in zip(x.shape[2:], target[2:], strict=True)):
        r.refuse(f"places {x.shape[2:]} can't be divided evenly into {target[2:]}")
    sizes = tuple(whole // part for whole, part in zip(x.shape[2:], target[2:], strict=True))
    return r.add(kind(short(sizes)), [x], x.axes, target)


def _over(layer: Layer) -> Function:
    """A mean or maximum over axes, of which one must be left besides the batch."""

    def reading(r: Reader, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Value:
        if not isinstance(x, Value) or dim is None:
            r.refuse("over everything it mixes rows of the batch; say over which axes: dim=(2, 3)")
        gone = sorted(axis % len(x.shape) for axis in _as_many(dim, 1))
        left = [axis for axis in x.axes[1:] if axis not in gone]
        if x.axes[0] in gone or len(left) != 1:
            r.refuse("besides the batch one axis must be left, that of channels or features")
        x = r.ordered(x, (x.axes[0], *gone, *left))
        kept = sorted((x.axes[0], left[0]))
        axes = tuple(kept.index(axis) for axis in (x.axes[0], left[0]))
        pooled = r.add(layer, [x], axes, tuple(x.shape[axis] for axis in kept))
        if not keepdim:
            return pooled
        return r.add(Reshape((*(1 for _ in gone), x.shape[left[0]])), [pooled], x.axes, r.shape())

    return reading


def _max(r: Reader, x: Value, dim: Any = None, keepdim: bool = False) -> Any:
    if not isinstance(dim, int):
        r.refuse("say along which axis: dim=1; of two tensors it has no counterpart")
    return _Maximum(x, dim, keepdim)


@dataclasses.dataclass(frozen=True)
class _Maximum:
    """What torch.max gives: values, and indices that nobody may ask for."""

    x: Value
    dim: int
    keepdim: bool


# ----------------------------------------------------------------------------------------- arithmetic


def _add(r: Reader, x: Any, other: Any, alpha: float = 1) -> Value:
    if not isinstance(x, Value):
        x, other = other, x
    if isinstance(other, torch.Tensor) and other.numel() > 1:
        return attention_in.positions(r, x, other)
    if isinstance(other, Value) and alpha == 1:
        if x.shape != other.shape:
            r.refuse(f"values of shapes {x.shape} and {other.shape} are added; they must be alike")
        if x.places != other.places:
            x, other = r.settled(x), r.settled(other)
        other = other if other.axes == x.axes else r.ordered(other, x.axes)
        both = [x, r.alike(Identity(), other)] if x.node == other.node else [x, other]
        return dataclasses.replace(r.add(Identity(), both, x.axes, x.shape), places=x.places)
    return r.alike(Rescale((-_number(r, other) * alpha,), (1.0,)), x)


def _subtract(r: Reader, x: Any, other: Any) -> Value:
    if not isinstance(x, Value) or isinstance(other, Value):
        r.refuse("a difference has no counterpart, but that of a value and a number")
    return r.alike(Rescale((_number(r, other),), (1.0,)), x)


def _multiply(r: Reader, x: Any, other: Any) -> Value:
    x, other = (x, other) if isinstance(x, Value) else (other, x)
    if isinstance(other, Value):
        r.refuse("Backlit has no layer for products of two values")
    return _scaled(r, x, 1 / _number(r, other, above_zero=True))


def _divide(r: Reader, x: Any, other: Any) -> Value:
    if not isinstance(x, Value) or isinstance(other, Value):
        r.refuse("a quotient has no counterpart, but that of a value and a number")
    return _scaled(r, x, _number(r, other, above_zero=True))


def _scaled(r: Reader, x: Value, scale: float) -> Value:
    return r.alike(Rescale((0.0,), (scale,)), x)


def _number(r: Reader, other: Any, above_zero: bool = False) -> float:
    if isinstance(other, torch.Tensor) and other.numel() == 1 and not isinstance(other, nn.Parameter):
        other = other.item()
    if isinstance(other, bool) or not isinstance(other, (int, float)) or (above_zero and other <= 0):
        wanted = "a number above zero" if above_zero else "a number"
        r.refuse(f"the other side must be {wanted}, got {_short(other)}")
    return float(other)


def _short(value: Any) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)


def _cat(r: Reader, tensors: Sequence[Any], dim: int = 0) -> Value:
    if all(isinstance(part, Half) for part in tensors):
        return joined(r, tensors)
    if not all(isinstance(part, Value) for part in tensors):
        r.refuse("only values that are computed from the input can be put together")
    first = r.last(r.settled(tensors[0]), dim)
    if first.axes[0] == dim % len(first.shape):
        r.refuse("rows of the batch would be put together")
    parts = [first, *(r.ordered(part, first.axes) for part in tensors[1:])]
    seen: list[str] = []
    for i, part in enumerate(parts):
        parts[i] = r.alike(Identity(), part) if part.node in seen else part
        seen.append(parts[i].node)
    if len(parts) == 1:
        return first
    return r.add(Identity(), parts, first.axes, r.shape(), combine="concatenate")


def _getitem(r: Reader, x: Any, index: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return x[index]
    if isinstance(x, _Maximum):
        if index != 0:
            r.refuse("places of the greatest numbers have no counterpart, only the numbers")
        return FUNCTIONS["amax"](r, x.x, x.dim, x.keepdim)
    if isinstance(x, Last) and isinstance(index, int):
        return state(r, x, index)
    index = index if isinstance(index, tuple) else (index,)
    if isinstance(x, Value) and Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[slice(None)] * (len(x.shape) - len(index) + 1), *index[at + 1 :])
    numbers = [axis for axis, one in enumerate(index) if one != slice(None)]
    if not isinstance(x, Value) or len(numbers) != 1 or not isinstance(index[numbers[0]], int):
        r.refuse("of an index only one number has a counterpart, as in x[:, -1]")
    return place(r, x, numbers[0], index[numbers[0]])


_MEAN, _MAXIMUM = _over(GlobalAvgPool()), _over(GlobalMaxPool())

FUNCTIONS: dict[str, Function] = {
    **ELEMENTWISE,
    "gelu": gelu,
    "elu": elu,
    "leaky_relu": leaky_relu,
    "softplus": softplus,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "dropout": dropout,
    "dropout1d": dropout_channels,
    "dropout2d": dropout_channels,
    "linear": _linear,
    **dict.fromkeys(("max_pool1d", "max_pool2d"), max_pool),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d"), avg_pool),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d"), adaptive_avg_pool),
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_max_pool2d"), adaptive_max_pool),
    "mean": _MEAN,
    "amax": _MAXIMUM,
    "max": _max,
    **dict.fromkeys(("add", "iadd", "radd"), _add),
    **dict.fromkeys(("sub", "subtract"), _subtract),
    **dict.fromkeys(("mul", "multiply"), _multiply),
    **dict.fromkeys(("truediv", "div", "divide"), _divide),
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    "getitem": _getitem,
    "select": lambda r, x, dim, index: place(r, x, dim % len(x.shape), index),
    **dict.fromkeys(("flatten", "reshape", "view", "squeeze", "unsqueeze", "unflatten"), reshape),
    "permute": permute,
    **dict.fromkeys(("transpose", "swapaxes"), transpose),
    **dict.fromkeys(("contiguous", "clone", "float", "double", "long", "to", "type_as", "identity"), same),
    **dict.fromkeys(("size", "dim", "numel", "flatten_parameters"), known),
    "getattr": attribute,
    "pad": pad,
}
