"""XLA's kernels: loops of the compiled program, and for each convolution the quickest of four forms.

Which form follows from shape and device:

==========  =======================================================================  ===========================
form        what it does                                                             chosen
==========  =======================================================================  ===========================
taps        a sum of shifted inputs, each times a row of the weight                  depthwise, on processors
native      our own, products of overlapping rows without patches (`native`)         float32, on one processor
patches     what the kernel covers side by side, then one matrix product             all others, on processors
own         XLA's convolution                                                        on accelerators
==========  =======================================================================  ===========================

Milliseconds on 2 cores, float32, batch 128, 26×26×32 to 64, kernel 3×3: forward, gradient by x, by the weight.

=======================  ====================  =====================
form                     in one program        within a loop
=======================  ====================  =====================
own                      55, 26, 86            1136, 231, 2792
patches                  22, 17, 26            27, 23, 27
=======================  ====================  =====================

Training runs within a loop, where XLA's CPU backend has only its plainest convolution. Outside of one, some shapes are
up to twice as quick by XLA's own (one channel and a large kernel); within, none that was tried steadily is. Depthwise,
batch 64, 16×16×64, 3×3, forward: taps 1.7, patches 15, own 21.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from backlit.graph import tree
from backlit.graph.kernels.blocks import block
from backlit.graph.kernels.native import convolution, dense
from backlit.graph.kernels.native.convolution import NATIVE
from backlit.graph.kernels.native.recurrence import Recurrence, native_recurrence
from backlit.graph.precision import is_narrow
from backlit.graph.window import Sizes, Window


def erf(x: Any) -> Any:
    """Error function, elementwise."""
    return jax.scipy.special.erf(x)


def narrow_product(a: Any, b: Any) -> Any:
    """Matrix product of float32 arrays, rounded to bfloat16, with sums in float32; of other types as they are."""
    if a.dtype != np.float32 or b.dtype != np.float32:
        return a @ b
    return jnp.matmul(a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), preferred_element_type=np.float32)


def _product(a: Any, b: Any) -> Any:
    return narrow_product(a, b) if is_narrow() else a @ b


def linear(x: Any, weight: Any) -> Any:
    """``x Wᵀ``: (..., inputs), (units, inputs) -> (..., units)."""
    if not is_narrow() and dense.takes_linear(x, weight):
        return dense.linear(x.reshape(-1, x.shape[-1]), weight).reshape(*x.shape[:-1], weight.shape[0])
    return _product(x, weight.mT)


def linear_weight(x: Any, g: Any) -> Any:
    """Its gradient by the weight, ``Gᵀ x``: (rows, inputs), (rows, units) -> (units, inputs)."""
    native = not is_narrow() and dense.takes_linear_weight(x, g)
    return dense.linear_weight(x, g) if native else _product(g.mT, x)


def narrow_einsum(subscripts: str, *arrays: Any) -> Any:
    """The same of `einsum`, of each of the products that it is made of; a single array is none."""
    if len(arrays) == 1 or any(array.dtype != np.float32 for array in arrays):
        return jnp.einsum(subscripts, *arrays, optimize="greedy")
    return jnp.einsum(subscripts, *arrays, optimize="greedy", _dot_general=_narrow_dot)


def _narrow_dot(a: Any, b: Any, dimension_numbers: Any, *rest: Any, **settings: Any) -> Any:
    """`lax.dot_general`, with its inputs rounded: arrays, or what an earlier product gave."""
    settings["preferred_element_type"] = np.float32
    return lax.dot_general(a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), dimension_numbers, *rest, **settings)


# ------------------------------------------------------------------------------------------------------ loops


def scan(f: Callable[..., Any], carry: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` along the first axis of `xs`, or back, as one loop of the compiled program."""
    body = Flat(f, carry, xs)
    carry_leaves, y_leaves = lax.scan(body, tree.leaves(carry), tree.leaves(xs), reverse=reverse)
    return body.carry(carry_leaves), body.y(y_leaves)


def recurrence(kind: str, arrays: dict[str, Any], mask: Any, keep: Any, **settings: Any) -> Recurrence | None:
    """A whole "rnn", "gru" or "lstm" in one call forward and one back, where the native kernels have it."""
    return None if is_narrow() else native_recurrence(kind, arrays, mask, keep, **settings)


class Flat:
    """A loop's body between lists of leaves: JAX sorts the keys of dicts, and ours keep their order."""

    def __init__(self, f: Callable[..., Any], carry: Any, x: Any) -> None:
        self._f = f
        self._carry = tree.flatten(carry)[1]
        self._x = tree.flatten(x)[1]
        self._y: Any = None

    def __call__(self, carry: list[Any], x: list[Any]) -> tuple[list[Any], list[Any]]:
        new, y = self._f(tree.unflatten(self._carry, carry), tree.unflatten(self._x, x))
        y_leaves, self._y = tree.flatten(y)
        return tree.leaves(new), y_leaves

    def carry(self, leaves: list[Any]) -> Any:
        """The carry of these leaves."""
        return tree.unflatten(self._carry, leaves)

    def y(self, leaves: list[Any]) -> Any:
        """What the body gives at each step, of these leaves."""
        return tree.unflatten(self._y, leaves)


# ------------------------------------------------------------------------------------------------ convolution


def form(window: Window, channels: int, out: int, *arrays: Any) -> Any:
    """The quickest form for this window, from so many channels to so many: its `conv`, `conv_input`, `conv_weight`."""
    if jax.default_backend() != "cpu":
        return OWN
    if window.groups == channels == out > 1:
        return TAPS
    return NATIVE if arrays and not is_narrow() and convolution.takes(window, *arrays) else PATCHES


def conv(x: Any, weight: Any, window: Window) -> Any:
    """Convolution."""
    x, weight = _alike(x, weight)
    return form(window, x.shape[-1], weight.shape[0], x, weight).conv(x, weight, window)


def conv_input(g: Any, weight: Any, window: Window, sizes: Sizes) -> Any:
    """Its adjoint in x."""
    g, weight = _alike(g, weight)
    return form(window, weight.shape[-1] * window.groups, g.shape[-1], g, weight).conv_input(g, weight, window, sizes)


def conv_weight(x: Any, g: Any, window: Window) -> Any:
    """Its adjoint in the weight."""
    x, g = _alike(x, g)
    return form(window, x.shape[-1], g.shape[-1], x, g).conv_weight(x, g, window)


def fold(parts: Sequence[Any], window: Window, sizes: Sizes) -> Any:
    """Each tap's part added where the tap was: (batch, *positions, channels) -> (batch, *sizes, channels)."""
    return _laid(parts, window, sizes) if window.tiles else reduce(add, _spread(parts, window, sizes))


def _laid(parts: Sequence[Any], window: Window, sizes: Sizes) -> Any:
    """`fold` where no two taps meet: parts laid side by side, a quarter of the time that adding them up takes."""
    batch, *positions, channels = parts[0].shape
    axes = len(positions)
    x = jnp.stack(parts, axis=axes + 1).reshape(batch, *positions, *window.kernel, channels)
    order = [axis for i in range(axes) for axis in (1 + i, 1 + axes + i)]  # each axis of positions before its taps
    full = [n * k for n, k in zip(positions, window.kernel, strict=True)]
    x = x.transpose(0, *order, 1 + 2 * axes).reshape(batch, *full, channels)
    rest = [(0, size - n) for size, n in zip(sizes, full, strict=True)]
    return jnp.pad(x, ((0, 0), *rest, (0, 0))) if any(after for _, after in rest) else x


def _spread(parts: Sequence[Any], window: Window, sizes: Sizes) -> list[Any]:
    """Each part at the places of its tap, among zeros."""
    zero = jnp.zeros((), dtype=parts[0].dtype)
    spread = []
    for part, offset in zip(parts, window.offsets(), strict=True):
        places = []
        for n, start, step, (before, _), size in zip(
            part.shape[1:-1], offset, window.stride, window.padding, sizes, strict=True
        ):
            low = start - before  # negative where the tap stood on the border, whose share is cut off
            places.append((low, size - low - ((n - 1) * step + 1), step - 1))
        spread.append(lax.pad(part, zero, ((0, 0, 0), *places, (0, 0, 0))))
    return spread


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Both in the type that a product of them has."""
    dtype = jnp.result_type(a, b)
    return jnp.asarray(a, dtype=dtype), jnp.asarray(b, dtype=dtype)


# -------------------------------------------------------------------------------------------- taps, depthwise


def _rows(weight: Any) -> list[Any]:
    """For each tap its factor for each channel."""
    flat = weight.reshape(weight.shape[0], -1)
    return [flat[:, tap] for tap in range(flat.shape[1])]


def tap_conv(x: Any, weight: Any, window: Window) -> Any:
    """Convolution: a sum over taps."""
    return reduce(add, [view * row for view, row in zip(window.views(jnp, x), _rows(weight), strict=True)])


def tap_conv_input(g: Any, weight: Any, window: Window, sizes: Sizes) -> Any:
    """Its adjoint in x: each tap's share, where the tap was."""
    return fold([g * row for row in _rows(weight)], window, sizes)


def tap_conv_weight(x: Any, g: Any, window: Window) -> Any:
    """Its adjoint in the weight: for each tap the sum of products over batch and positions."""
    axes = tuple(range(g.ndim - 1))
    sums = [(view * g).sum(axis=axes) for view in window.views(jnp, x)]
    return jnp.stack(sums, axis=1).reshape(g.shape[-1], *window.kernel, 1)


# ------------------------------------------------------------------------------------ patches and a product


def _patches(x: Any, window: Window) -> Any:
    """What the kernel covers at each position, by group: (groups, batch · positions, taps · channels / groups)."""
    views = window.views(jnp, x)
    count = math.prod(views[0].shape[:-1])
    rows = jnp.concatenate(views, axis=-1)
    if window.groups == 1:
        return rows.reshape(1, count, window.taps * x.shape[-1])
    channels = x.shape[-1] // window.groups
    rows = rows.reshape(count, window.taps, window.groups, channels).transpose(2, 0, 1, 3)
    return rows.reshape(window.groups, count, window.taps * channels)


def _by_group(g: Any, groups: int) -> Any:
    """(batch, *positions, out) as (groups, batch · positions, out / groups)."""
    return g.reshape(math.prod(g.shape[:-1]), groups, g.shape[-1] // groups).transpose(1, 0, 2)


def _matrix(weight: Any, groups: int) -> Any:
    """The weight as one matrix a group: (groups, out / groups, taps · channels / groups)."""
    return weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))


def _block(batch: int, positions: Sizes, window: Window, channels: int, itemsize: int) -> int:
    return block(batch, max(math.prod(positions) * window.taps * channels * itemsize, 1))


def _in_blocks(size: int, *arrays: Any) -> tuple[Any, ...]:
    """Arrays (batch, ...) as (batch / size, size, ...)."""
    return tuple([a.reshape(a.shape[0] // size, size, *a.shape[1:]) for a in arrays])


def _each_block(f: Callable[[Any], Any], size: int, x: Any) -> Any:
    """`f` of so many examples at a time."""
    if size == x.shape[0]:
        return f(x)
    y = lax.map(f, *_in_blocks(size, x))
    return y.reshape(x.shape[0], *y.shape[2:])


def patch_conv(x: Any, weight: Any, window: Window) -> Any:
    """Convolution: patches · weightᵀ."""
    matrix = _matrix(weight, window.groups).mT

    def some(x: Any) -> Any:
        rows = _product(_patches(x, window), matrix)
        return rows.transpose(1, 0, 2).reshape(x.shape[0], *positions, weight.shape[0])

    positions = window.positions(x.shape[1:-1])
    size = _block(x.shape[0], positions, window, x.shape[-1], x.dtype.itemsize)
    return _each_block(some, size, x)


def patch_conv_input(g: Any, weight: Any, window: Window, sizes: Sizes) -> Any:
    """Its adjoint in x: gradient · weight, added up where the patches came from."""
    matrix = _matrix(weight, window.groups)
    channels = weight.shape[-1] * window.groups

    def some(g: Any) -> Any:
        rows = _product(_by_group(g, window.groups), matrix)
        rows = rows.reshape(*rows.shape[:2], window.taps, weight.shape[-1]).transpose(1, 2, 0, 3)
        rows = rows.reshape(*g.shape[:-1], window.taps, channels)
        return fold([rows[..., tap, :] for tap in range(window.taps)], window, sizes)

    return _each_block(some, _block(g.shape[0], g.shape[1:-1], window, channels, g.dtype.itemsize), g)


def patch_conv_weight(x: Any, g: Any, window: Window) -> Any:
    """Its adjoint in the weight: gradientᵀ · patches."""

    def some(x: Any, g: Any) -> Any:
        return _product(_by_group(g, window.groups).mT, _patches(x, window))

    size = _block(x.shape[0], g.shape[1:-1], window, x.shape[-1], x.dtype.itemsize)
    if size == x.shape[0]:
        total = some(x, g)
    else:
        shape = (window.groups, g.shape[-1] // window.groups, window.taps * (x.shape[-1] // window.groups))
        total, _ = lax.scan(
            lambda total, part: (total + some(*part), None), jnp.zeros(shape, x.dtype), _in_blocks(size, x, g)
        )
    return total.reshape(g.shape[-1], *window.kernel, x.shape[-1] // window.groups)


# -------------------------------------------------------------------------------------------------- XLA's own


def _names(axes: int, *roles: str) -> tuple[str, ...]:
    """Layouts as XLA writes them: "N*C" as "NHWC" for two axes."""
    return tuple([role.replace("*", "DHW"[-axes:]) for role in roles])


def _convolved(x: Any, weight: Any, **settings: Any) -> Any:
    """XLA's convolution, in the precision that is asked for."""
    if is_narrow() and x.dtype == np.float32:
        x, weight = x.astype(jnp.bfloat16), weight.astype(jnp.bfloat16)
        settings["preferred_element_type"] = np.float32
    return lax.conv_general_dilated(x, weight, **settings)


def own_conv(x: Any, weight: Any, window: Window) -> Any:
    """Convolution."""
    return _convolved(
        x,
        weight,
        window_strides=window.stride,
        padding=window.padding,
        rhs_dilation=window.dilation,
        feature_group_count=window.groups,
        dimension_numbers=_names(len(window.kernel), "N*C", "O*I", "N*C"),
    )


def own_conv_input(g: Any, weight: Any, window: Window, sizes: Sizes) -> Any:
    """Its adjoint in x: a convolution of the gradient, spread out by the stride, with the kernel turned round."""
    axes, groups = len(window.kernel), window.groups
    out, channels = weight.shape[0] // groups, weight.shape[-1]
    turned = jnp.flip(weight, axis=tuple(range(1, axes + 1))).reshape(groups, out, *window.kernel, channels)
    turned = jnp.moveaxis(turned, -1, 1).reshape(groups * channels, out, *window.kernel)
    padding = [
        (reach - 1 - before, size + before - (n - 1) * step - 1)
        for n, step, reach, (before, _), size in zip(
            g.shape[1:-1], window.stride, window.extent, window.padding, sizes, strict=True
        )
    ]
    return _convolved(
        g,
        turned,
        window_strides=(1,) * axes,
        padding=padding,
        lhs_dilation=window.stride,
        rhs_dilation=window.dilation,
        feature_group_count=groups,
        dimension_numbers=_names(axes, "N*C", "OI*", "N*C"),
    )


def own_conv_weight(x: Any, g: Any, window: Window) -> Any:
    """Its adjoint in the weight: a convolution of x with the gradient, channels and batch having changed places."""
    padding = [
        (before, reach + (n - 1) * step - size - before)
        for n, step, reach, (before, _), size in zip(
            g.shape[1:-1], window.stride, window.extent, window.padding, x.shape[1:-1], strict=True
        )
    ]
    return _convolved(
        x,
        g,
        window_strides=window.dilation,
        padding=padding,
        rhs_dilation=window.stride,
        batch_group_count=window.groups,
        dimension_numbers=_names(len(window.kernel), "C*N", "I*O", "C*N"),
    )


TAPS = SimpleNamespace(conv=tap_conv, conv_input=tap_conv_input, conv_weight=tap_conv_weight)
PATCHES = SimpleNamespace(conv=patch_conv, conv_input=patch_conv_input, conv_weight=patch_conv_weight)
OWN = SimpleNamespace(conv=own_conv, conv_input=own_conv_input, conv_weight=own_conv_weight)
