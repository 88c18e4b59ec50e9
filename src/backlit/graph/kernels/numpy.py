"""NumPy's kernels: loops as Python runs them, patches by `sliding_window_view`, and one matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backlit.graph import tree
from backlit.graph.kernels.blocks import block
from backlit.graph.window import Sizes, Window

_ERF = np.vectorize(math.erf, otypes=[float])  # number by number


def erf(x: Any) -> Any:
    """Error function, elementwise."""
    try:
        from scipy import special  # NumPy has none; imported when needed, since importing it takes long
    except ModuleNotFoundError:  # as in a browser
        return np.asarray(_ERF(x), np.asarray(x).dtype)
    return special.erf(x)


def linear(x: Any, weight: Any) -> Any:
    """``x Wᵀ``: (..., inputs), (units, inputs) -> (..., units)."""
    return x @ weight.mT


def linear_weight(x: Any, g: Any) -> Any:
    """Its gradient by the weight, ``Gᵀ x``: (rows, inputs), (rows, units) -> (units, inputs)."""
    return g.mT @ x


def recurrence(kind: str, arrays: dict[str, Any], mask: Any, keep: Any, **settings: Any) -> None:
    """No form of a recurrence but the plain one."""


def scan(f: Callable[..., Any], carry: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` along the first axis of `xs`, or back; the last carry and the stacked ys."""
    leaves, structure = tree.flatten(xs)
    steps = range(len(leaves[0]))
    return repeat(
        lambda c, i: f(c, tree.unflatten(structure, [leaf[i] for leaf in leaves])),
        carry,
        steps[::-1] if reverse else steps,
    )


def repeat(f: Callable[..., Any], carry: Any, steps: range) -> tuple[Any, Any]:
    """``carry, y = f(carry, i)`` for each i of a range that counts up or down; the ys stacked in the order of i."""
    ys = []
    for i in steps:
        carry, y = f(carry, i)
        ys.append(y)
    return carry, tree.map(lambda *parts: np.stack(parts), *(ys if steps.step > 0 else reversed(ys)))


def _patches(x: np.ndarray, window: Window) -> np.ndarray:
    """What the kernel covers at each position, by group: (groups, batch · positions, taps · channels / groups)."""
    if window.padded:
        x = np.pad(x, ((0, 0), *window.padding, (0, 0)))
    axes = range(1, x.ndim - 1)
    views: Any = sliding_window_view(x, window.extent, axis=tuple(axes))
    views = views[(slice(None), *[slice(None, None, step) for step in window.stride])]
    views = views[(..., *[slice(None, None, step) for step in window.dilation])]
    channels = x.shape[-1] // window.groups
    views = np.moveaxis(views, x.ndim - 1, -1)  # (batch, *positions, *kernel, channels)
    rows = views.reshape(_count(views.shape[: x.ndim - 1]), window.taps, window.groups, channels)
    return rows.transpose(2, 0, 1, 3).reshape(window.groups, rows.shape[0], window.taps * channels)


def _by_group(g: np.ndarray, groups: int) -> np.ndarray:
    """(batch, *positions, out) as (groups, batch · positions, out / groups)."""
    return g.reshape(_count(g.shape[:-1]), groups, g.shape[-1] // groups).transpose(1, 0, 2)


def _matrix(weight: np.ndarray, groups: int) -> np.ndarray:
    """The weight as one matrix a group: (groups, out / groups, taps · channels / groups)."""
    return weight.reshape(groups, weight.shape[0] // groups, _count(weight.shape[1:]))


def _count(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=int))


def _blocks(
    batch: int, positions: Sizes, weight_shape: Sequence[int], window: Window, itemsize: int
) -> Iterator[slice]:
    """Parts of the batch whose patches stay in the cache."""
    each = _count(positions) * _count(weight_shape[1:]) * window.groups * itemsize
    size = block(batch, each)
    return (slice(start, start + size) for start in range(0, batch, size or 1))


def conv(x: np.ndarray, weight: np.ndarray, window: Window) -> np.ndarray:
    """Convolution: patches · weightᵀ."""
    positions = window.positions(x.shape[1:-1])
    matrix = _matrix(weight, window.groups).mT
    y = np.empty((x.shape[0], *positions, weight.shape[0]), dtype=np.result_type(x, weight))
    for part in _blocks(x.shape[0], positions, weight.shape, window, x.itemsize):
        rows = _patches(x[part], window) @ matrix
        y[part] = rows.transpose(1, 0, 2).reshape(y[part].shape)
    return y


def conv_weight(x: np.ndarray, g: np.ndarray, window: Window) -> np.ndarray:
    """Its adjoint in the weight: gradientᵀ · patches."""
    shape = (g.shape[-1], *window.kernel, x.shape[-1] // window.groups)
    total = np.zeros(_matrix(np.empty(shape, dtype=bool), window.groups).shape, dtype=np.result_type(x, g))
    for part in _blocks(x.shape[0], g.shape[1:-1], shape, window, x.itemsize):
        total += _by_group(g[part], window.groups).mT @ _patches(x[part], window)
    return total.reshape(shape)


def conv_input(g: np.ndarray, weight: np.ndarray, window: Window, sizes: Sizes) -> np.ndarray:
    """Its adjoint in x: gradient · weight, added up where the patches came from."""
    channels = weight.shape[-1] * window.groups
    matrix = _matrix(weight, window.groups)
    x = np.empty((g.shape[0], *sizes, channels), dtype=np.result_type(g, weight))
    for part in _blocks(g.shape[0], g.shape[1:-1], weight.shape, window, g.itemsize):
        rows = _by_group(g[part], window.groups) @ matrix
        rows = rows.reshape(*rows.shape[:2], window.taps, weight.shape[-1]).transpose(2, 1, 0, 3)
        x[part] = fold(list(rows.reshape(window.taps, *g[part].shape[:-1], channels)), window, sizes)
    return x


def fold(parts: Sequence[np.ndarray], window: Window, sizes: Sizes) -> np.ndarray:
    """Each tap's part added where the tap was: (batch, *positions, channels) -> (batch, *sizes, channels)."""
    first = parts[0]
    padded = [before + n + after for n, (before, after) in zip(sizes, window.padding, strict=True)]
    x = np.zeros((first.shape[0], *padded, first.shape[-1]), dtype=first.dtype)
    for part, place in zip(parts, window.slices(first.shape[1:-1]), strict=True):
        x[place] += part
    return x[(slice(None), *[slice(p[0], p[0] + n) for n, p in zip(sizes, window.padding, strict=True)])]
