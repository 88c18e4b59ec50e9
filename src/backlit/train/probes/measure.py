"""Arrays reduced to a few numbers, where they are: on NumPy, or within a compiled program."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph.op import namespace

BINS = 24
SAMPLE = 8192  # about so many values make a histogram


def norm(a: Any, axis: Any = None) -> Any:
    """√Σa², in 64 bits, where squares of small 32-bit numbers don't vanish."""
    xp = namespace(a)
    if xp is np and axis is None:
        flat = a.reshape(-1)
        total = np.dot(flat, flat)  # several times as quick, and as good unless squares leave the range of 32 bits
        if 1e-20 < total < 1e30:
            return np.sqrt(total)
    return xp.sqrt(xp.square(a.astype(xp.float64)).sum(axis=axis))


def gradient_norm(g: Any, axes: tuple[int, ...]) -> Any:
    """Root mean square over the rows (first axis) of the norm of each row's gradient over the other `axes`."""
    return norm(g, axes) / math.sqrt(g.shape[0])


def numbers(value: Any, gradient: Any, off: Any, mask: Any, steps: bool, bins: bool) -> Any:
    """What is told of one layer.

    Parameters
    ----------
    value : array (rows, ..., units)
        Activations.
    gradient : array like `value`, or None
        Each row's gradient.
    off : boolean array like `value`, or None
        Where the activation is saturated.
    mask : boolean array (rows, time) or None
        False at padding, which doesn't count.
    steps : bool
        Whether to tell them by the second axis, time, as well.
    bins : bool
        Whether to make a histogram.
    """
    if value.ndim == 1:
        value, gradient, off = (None if a is None else a[:, None] for a in (value, gradient, off))
    xp = namespace(value)
    count = None if mask is None else mask[..., None].astype(value.dtype)

    def average(a: Any, axes: tuple[int, ...] | None) -> Any:
        if count is None:
            return a.mean(axis=axes, dtype=value.dtype)
        a = a.astype(value.dtype)
        total = (count + xp.zeros_like(value)).sum(axis=axes)
        return xp.where(count > 0, a, xp.zeros_like(a)).sum(axis=axes) / xp.maximum(total, xp.ones_like(total))

    def spread(axes: tuple[int, ...] | None, mean: Any) -> Any:
        return xp.sqrt(average(xp.square(value - mean), axes))

    def among(a: Any, otherwise: float) -> Any:
        return a if count is None else xp.where(count > 0, a, xp.full_like(a, otherwise))

    axes = tuple(range(value.ndim))
    mean = average(value, axes)
    zero = value == 0
    quiet = zero if off is None else off
    found = {
        "mean": mean,
        "std": spread(axes, mean),
        "min": among(value, math.inf).min(),
        "max": among(value, -math.inf).max(),
        "zeros": average(zero, axes),
        "dead": _always(quiet, count).astype(value.dtype).mean(),
        "bad": 1.0 - average(xp.isfinite(value), axes),
    }
    if off is not None:
        found["saturated"] = average(off, axes)
    if gradient is not None:
        found["gradient_norm"] = gradient_norm(gradient, axes)
    if bins:
        found["histogram"] = histogram(among(value, math.nan), found["min"], found["max"])
    if steps:
        others = (0, 2)
        by_step = average(value, others)
        found["steps"] = {"mean": by_step, "std": spread(others, by_step[:, None])}
        if off is not None:
            found["steps"]["saturated"] = average(off, others)
        if gradient is not None:
            found["steps"]["gradient_norm"] = gradient_norm(gradient, others)
    return found


def _always(quiet: Any, count: Any) -> Any:
    """Units that are quiet everywhere."""
    if count is not None:
        quiet = quiet | (count == 0)
    return quiet.reshape(-1, quiet.shape[-1]).all(axis=0)


def histogram(value: Any, low: Any, high: Any) -> Any:
    """How many values lie in each of equal bins from `low` to `high`, of a sample that takes all units alike.

    The bins are the layer's own range, which is known by then: the values are still there, on the device.
    """
    xp = namespace(value)
    stride = max(1, math.prod(value.shape) // SAMPLE)
    while math.gcd(stride, value.shape[-1]) > 1:
        stride += 1
    sample = value.reshape(-1)[::stride, None]
    edges = low + (high - low) * xp.arange(1, BINS, dtype=value.dtype) / BINS
    above = (sample >= edges[None]).sum(axis=0)
    total = (sample == sample).sum(axis=0)  # what isn't padding or NaN
    ends = xp.concatenate([total, above, xp.zeros_like(total)])
    return ends[:-1] - ends[1:]


def spread(value: Any) -> dict[str, Any]:
    """Where an array's values lie: its least, its greatest, and a histogram between them."""
    low, high = value.min(), value.max()
    return {"min": low, "max": high, "histogram": histogram(value.reshape(-1, 1), low, high)}


def one_signed(gradient: Any) -> Any:
    """Share of a layer's units whose incoming weights' gradients have all one sign: they can only move together.

    `gradient` is (units, ...). Units without any gradient don't count.
    """
    flat = gradient.reshape(gradient.shape[0], -1)
    low, high = flat.min(axis=1), flat.max(axis=1)
    moving = ((low != 0) | (high != 0)).sum()
    return ((low > 0) | (high < 0)).sum() / (moving + (moving == 0))
