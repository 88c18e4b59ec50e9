"""Pooling: one number for each window of a line or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph import kernels
from backlit.graph.op import operation
from backlit.graph.registry import composite, sample
from backlit.graph.tensor import value_of
from backlit.graph.window import Padding, Sizes, Window, per_axis, window


def pooling_window(
    owner: str, sizes: Sizes, size: int | Sequence[int], stride: int | Sequence[int] | None, padding: Padding
) -> Window:
    """The window of a pooling; each of its positions covers at least one number that isn't border."""
    kernel = per_axis(owner, "size", size, len(sizes))
    result = window(owner, sizes, kernel, kernel if stride is None else stride, padding)
    if any(n >= k for k, pair in zip(kernel, result.padding, strict=True) for n in pair):
        raise InputError(f"{owner}: padding must be below the window's size {kernel}, got {padding!r}")
    return result


def _pooling(owner: str, x: Any, size: Any, stride: Any, padding: Any) -> Window:
    shape = tuple(np.shape(value_of(x)))
    if len(shape) < 3:
        raise ShapeError(
            f"{owner}: x needs shape (batch, size, channels) or (batch, height, width, channels), got {shape}"
        )
    return pooling_window(owner, shape[1:-1], size, stride, padding)


# ----------------------------------------------------------------------------------------------- the greatest


def _shares(xp: Any, x: Any, y: Any, window: Window) -> list[Any]:
    """For each tap, which part of its window's gradient it gets: 1 for the greatest; equal parts at a tie."""
    is_greatest = [(view == y).astype(y.dtype) for view in window.views(xp, x, -np.inf)]
    ties = reduce(add, is_greatest)
    return [one / ties for one in is_greatest]


def _route_rule(u: Any, z: Any, g: Any, x: Any, y: Any, window: Window) -> Any:
    return _pick(u, x, y, window=window)


@operation(
    vjp=(_route_rule, None, None),
    gate="routes each number to the greatest of its window",
)
def _route(xp: Any, g: Any, x: Any, y: Any, *, window: Window) -> Any:
    parts = [g * share for share in _shares(xp, x, y, window)]
    return kernels.of(xp).fold(parts, window, tuple(x.shape[1:-1]))


@operation(
    vjp=(lambda g, z, u, x, y, window: _route(g, x, y, window=window), None, None),
    gate="routes each number back to where the greatest was",
)
def _pick(xp: Any, u: Any, x: Any, y: Any, *, window: Window) -> Any:
    return reduce(
        add, [view * share for view, share in zip(window.views(xp, u), _shares(xp, x, y, window), strict=True)]
    )


@operation(
    name="max_pool",
    vjp=(lambda g, y, x, window: _route(g, value_of(x), value_of(y), window=window),),
    gate="routes: the greatest number of each window gets the upstream gradient, the others nothing "
    "(equal shares at a tie)",
)
def _max_pool(xp: Any, x: Any, *, window: Window) -> Any:
    return reduce(xp.maximum, window.views(xp, x, -np.inf))


def _torch_pool(name: str, **settings: Any) -> Any:
    def call(torch: Any, x: Any, size: Any, stride: Any = None, padding: Any = 0) -> Any:
        function = getattr(torch.nn.functional, f"{name}_pool{x.ndim - 2}d")
        return function(x.movedim(-1, 1), size, stride, padding, **settings).movedim(1, -1)

    return call


_SAMPLES = (
    sample((2, 6, 3), size=2),
    sample((2, 7, 2), size=3, stride=2, padding=1),
    sample((2, 4, 6, 2), size=2),
    sample((1, 5, 6, 2), size=(3, 2), stride=(1, 2), padding=(1, 0)),
)


@composite(samples=_SAMPLES, torch=_torch_pool("max"))
def max_pool(
    x: Any, *, size: int | Sequence[int], stride: int | Sequence[int] | None = None, padding: Padding = 0
) -> Any:
    """The greatest number of each window, channel by channel; numbers that tie share the gradient evenly, as in `max`.

    Parameters
    ----------
    x : (batch, size, channels) or (batch, height, width, channels)
    size : int, or one an axis
        The window's.
    stride : int, or one an axis
        Step from one window to the next; the window's size, if left out.
    padding : as of `conv`
        Border that never is the greatest; below the window's size.

    Returns
    -------
    (batch, *positions, channels)
        ``positions = ⌊(size + padding - window) / stride⌋ + 1``.

    Raises
    ------
    ShapeError
        If the window is larger than the padded input, or x has too few axes.
    InputError
        If a setting isn't one of those above.

    >>> import numpy as np
    >>> max_pool(np.array([[[1.0], [5.0], [2.0], [3.0]]]), size=2).tolist()
    [[[5.0], [3.0]]]
    """
    return _max_pool(x, window=_pooling("max_pool", x, size, stride, padding))


# ---------------------------------------------------------------------------------------------------- the mean


def _window_sum_rule(g: Any, y: Any, x: Any, window: Window) -> Any:
    return _spread(g, window=window, sizes=tuple(x.shape[1:-1]))


@operation(
    vjp=(_window_sum_rule,),
    gate="distributes: every number gets the sum of the upstream gradients of the windows that cover it",
)
def _window_sum(xp: Any, x: Any, *, window: Window) -> Any:
    return reduce(add, window.views(xp, x))


@operation(
    vjp=(lambda u, y, g, window, sizes: _window_sum(u, window=window),),
    gate="adds up: every window's number gets the sum of the upstream gradients that it covers",
)
def _spread(xp: Any, g: Any, *, window: Window, sizes: Sizes) -> Any:
    return kernels.of(xp).fold([g] * window.taps, window, sizes)


@composite(samples=_SAMPLES, torch=_torch_pool("avg", count_include_pad=False))
def avg_pool(
    x: Any, *, size: int | Sequence[int], stride: int | Sequence[int] | None = None, padding: Padding = 0
) -> Any:
    """The mean of each window, channel by channel; a border doesn't count (PyTorch's ``count_include_pad=False``).

    Parameters, shapes and errors as of `max_pool`.

    >>> import numpy as np
    >>> avg_pool(np.array([[[1.0], [5.0], [2.0], [3.0]]]), size=2).tolist()
    [[[3.0], [2.5]]]
    """
    covering = _pooling("avg_pool", x, size, stride, padding)
    total = _window_sum(x, window=covering)
    if not covering.padded:
        return total * (1.0 / covering.taps)
    shape = tuple(np.shape(value_of(x)))
    covered = _window_sum(np.ones((1, *shape[1:-1], 1)), window=covering)
    return total * (1.0 / covered).astype(total.dtype)
