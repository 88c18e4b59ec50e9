"""ONNX's convolutions and poolings, whose channels come second; Backlit's operations have them last."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.graph.window import reach
from backlit.nn.operators.table import Call, is_whole, operator, plain, require_numbers, size_of

Pairs = tuple[tuple[int, int], ...]
_PADS = ("auto_pad", "dilations", "kernel_shape", "pads", "strides")
_WAYS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


def channels_last(x: Any) -> Any:
    """(batch, channels, ...) as (batch, ..., channels)."""
    return ops.transpose(x, axes=(0, *range(2, x.ndim), 1))


def channels_second(x: Any) -> Any:
    """(batch, ..., channels) as (batch, channels, ...)."""
    return ops.transpose(x, axes=(0, x.ndim - 1, *range(1, x.ndim - 1)))


def steps(call: Call, name: str, axes: int) -> tuple[int, ...]:
    """Strides or dilations, one an axis."""
    numbers = call.integers(name, (1,) * axes)
    if len(numbers) != axes or min(numbers) < 1:
        call.refuse(f"needs {axes} {name} of at least 1, got {numbers}")
    return numbers


def border(call: Call, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> Pairs:
    """Padding before and after, one pair an axis, as attributes `pads` or `auto_pad` say."""
    axes = len(kernel)
    strides, dilations = steps(call, "strides", axes), steps(call, "dilations", axes)
    way = call.text("auto_pad", "NOTSET", _WAYS)
    if way == "NOTSET":
        pads = call.integers("pads", (0,) * 2 * axes)
        if len(pads) != 2 * axes or min(pads) < 0:
            call.refuse(f"needs {2 * axes} pads of at least 0, got {pads}")
        call.require_size([n + a + b for n, a, b in zip(sizes, pads[:axes], pads[axes:], strict=True)])
        return tuple(zip(pads[:axes], pads[axes:], strict=True))
    if way == "VALID":
        return ((0, 0),) * axes
    extent = [reach(k, d) for k, d in zip(kernel, dilations, strict=True)]
    totals = [max((-(-n // s) - 1) * s + e - n, 0) for n, e, s in zip(sizes, extent, strides, strict=True)]
    pairs = [(total // 2, total - total // 2) for total in totals]
    return tuple(pair if way == "SAME_UPPER" else pair[::-1] for pair in pairs)


def kernel_of(call: Call, weight: Any) -> tuple[int, ...]:
    """The kernel's size, which `kernel_shape` may say again."""
    kernel = tuple(int(size) for size in weight.shape[2:])
    if call.integers("kernel_shape", kernel) != kernel:
        call.refuse(f"has kernel_shape {call.integers('kernel_shape')}, but a weight of shape {tuple(weight.shape)}")
    return kernel


def _require_axes(call: Call, x: Any, weight: Any) -> None:
    require_numbers(call, x, weight)
    if x.ndim < 3 or x.ndim != weight.ndim:
        call.refuse(
            f"needs inputs (batch, channels, ...) and a weight of as many axes, got shapes "
            f"{tuple(x.shape)} and {tuple(weight.shape)}"
        )


@operator("Conv", "group", *_PADS, least=2, most=3)
def _conv(call: Call, x: Any, weight: Any, bias: Any = None) -> Any:
    _require_axes(call, x, weight)
    kernel, dtype = kernel_of(call, weight), str(x.dtype)
    if dtype == "float16":  # sums of many products need more digits
        x, weight = ops.astype(x, dtype="float32"), ops.astype(weight, dtype="float32")
    y = ops.conv(
        channels_last(x),
        channels_last(weight),
        stride=steps(call, "strides", len(kernel)),
        padding=border(call, tuple(x.shape[2:]), kernel),
        dilation=steps(call, "dilations", len(kernel)),
        groups=call.integer("group", 1),
    )
    y = channels_second(y if bias is None else y + bias)
    return ops.astype(y, dtype=dtype) if dtype == "float16" else y


@operator("ConvTranspose", "group", "output_padding", "output_shape", *_PADS, least=2, most=3)
def _conv_transpose(call: Call, x: Any, weight: Any, bias: Any = None) -> Any:
    _require_axes(call, x, weight)
    kernel = kernel_of(call, weight)
    padding, extra = cut(call, tuple(x.shape[2:]), kernel)
    strides = steps(call, "strides", len(kernel))
    call.require_size([n * s + e for n, s, e in zip(x.shape[2:], strides, extra, strict=True)])
    y = ops.conv_transpose(
        channels_last(x),
        channels_last(weight),
        stride=steps(call, "strides", len(kernel)),
        dilation=steps(call, "dilations", len(kernel)),
        groups=call.integer("group", 1),
    )
    # What is cut off may be more than the kernel's reach, and output_padding more than a step: both after the fact.
    y = ops.pad(y, widths=[(0, 0), *[(0, e) for e in extra], (0, 0)])
    ends = [slice(before, n - after) for (before, after), n in zip(padding, y.shape[1:-1], strict=True)]
    y = y[(slice(None), *ends)]
    return channels_second(y if bias is None else y + bias)


def cut(call: Call, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[Pairs, tuple[int, ...]]:
    """What a transposed convolution cuts off its output, a pair an axis, and what it adds at the end."""
    axes = len(kernel)
    strides, dilations = steps(call, "strides", axes), steps(call, "dilations", axes)
    extra = call.integers("output_padding", (0,) * axes)
    way, wanted = call.text("auto_pad", "NOTSET", _WAYS), call.integers("output_shape")
    if len(extra) != axes or min(extra) < 0:
        call.refuse(f"needs {axes} numbers output_padding of at least 0, got {extra}")
    if wanted is None and not way.startswith("SAME"):
        return border(call, sizes, kernel), extra
    wanted = wanted or tuple(n * s for n, s in zip(sizes, strides, strict=True))
    wanted = wanted[-axes:]
    full = [(n - 1) * s + reach(k, d) for n, s, k, d in zip(sizes, strides, kernel, dilations, strict=True)]
    totals = [max(n + e - w, 0) for n, e, w in zip(full, extra, wanted, strict=True)]
    added = tuple(e + max(w - n - e, 0) for n, e, w in zip(full, extra, wanted, strict=True))
    pairs = [(total // 2, total - total // 2) for total in totals]
    return tuple(pair if way != "SAME_LOWER" else pair[::-1] for pair in pairs), added


# ------------------------------------------------------------------------------------------------------ pooling


def pooling(call: Call, sizes: tuple[int, ...]) -> tuple[tuple[int, ...], Pairs, Pairs]:
    """A pooling's kernel, its padding, and with it what `ceil_mode` adds at the end for one more window."""
    kernel = call.integers("kernel_shape")
    if kernel is None or len(kernel) != len(sizes) or min(kernel) < 1:
        call.refuse(f"needs a kernel_shape of {len(sizes)} sizes, got {kernel}")
    pairs = border(call, sizes, kernel)
    if not call.flag("ceil_mode") or call.text("auto_pad", "NOTSET") != "NOTSET":
        return kernel, pairs, pairs
    strides, dilations = steps(call, "strides", len(kernel)), steps(call, "dilations", len(kernel))
    larger: list[tuple[int, int]] = []
    for n, (before, after), k, s, d in zip(sizes, pairs, kernel, strides, dilations, strict=True):
        count = -(-(n + before + after - reach(k, d)) // s) + 1
        if (count - 1) * s >= n + before:  # a window has to begin before the end
            count -= 1
        larger.append((before, max(after, (count - 1) * s + reach(k, d) - n - before)))
    return kernel, pairs, tuple(larger)


@operator("MaxPool", "ceil_mode", "storage_order", *_PADS)
def _max_pool(call: Call, x: Any) -> Any:
    if call.outputs > 1:
        call.refuse("gives the places of its greatest numbers as well, which Backlit's pooling doesn't")
    whole = is_whole(x)
    kernel, _, padding = pooling(call, tuple(x.shape[2:]))
    lowest = np.iinfo(str(x.dtype)).min if whole else -np.inf
    views = _views(call, x, kernel, padding, lowest)
    return reduce(plain(x)[0].maximum if whole else ops.maximum, views)


def _views(call: Call, x: Any, kernel: tuple[int, ...], padding: Pairs, fill: float) -> list[Any]:
    """For each place of the kernel the numbers that it meets."""
    axes = len(kernel)
    strides, dilations = steps(call, "strides", axes), steps(call, "dilations", axes)
    if any(any(pair) for pair in padding):
        x = ops.pad(x, widths=[(0, 0), (0, 0), *padding], value=fill)
    counts = [(n - reach(k, d)) // s + 1 for n, k, d, s in zip(x.shape[2:], kernel, dilations, strides, strict=True)]
    if min(counts) < 1:
        call.refuse(f"has a kernel of {kernel}, larger than its input of shape {tuple(x.shape)}")
    call.require_size((size_of(kernel), *x.shape[:2], *counts))
    places = np.ndindex(*kernel)
    return [
        x[
            (
                slice(None),
                slice(None),
                *[
                    slice(p * d, p * d + (c - 1) * s + 1, s)
                    for p, d, c, s in zip(place, dilations, counts, strides, strict=True)
                ],
            )
        ]
        for place in places
    ]


@operator("AveragePool", "ceil_mode", "count_include_pad", *_PADS)
def _average_pool(call: Call, x: Any) -> Any:
    require_numbers(call, x)
    sizes = tuple(x.shape[2:])
    kernel, counted, padding = pooling(call, sizes)
    total = sum(_views(call, x, kernel, padding, 0.0))
    ones = np.ones((1, 1, *sizes), dtype=str(x.dtype))
    if call.flag("count_include_pad"):
        ones = np.pad(ones, [(0, 0), (0, 0), *counted], constant_values=1)
        padding = tuple((0, after - own) for (_, after), (_, own) in zip(padding, counted, strict=True))
    return total / sum(np.asarray(view) for view in _views(call, ones, kernel, padding, 0.0))


@operator("GlobalAveragePool")
def _global_average_pool(call: Call, x: Any) -> Any:
    return x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)


@operator("GlobalMaxPool")
def _global_max_pool(call: Call, x: Any) -> Any:
    return x.max(axis=tuple(range(2, x.ndim)), keepdims=True)
