"""ONNX's operators that change shapes: reshape, transpose, join, split, cut, pad, repeat."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.graph.tensor import Tensor
from backlit.nn.operators.table import Call, known, operator, plain, shape_of


@operator("Reshape", "allowzero", "shape", least=1, most=2, static=(1,))
def _reshape(call: Call, x: Any, shape: Any = None) -> Any:
    wanted = list(call.integers("shape", ()) if shape is None else known(call, shape))
    return ops.reshape(x, shape=reshaped(call, shape_of(x), wanted))


def reshaped(call: Call, shape: tuple[int, ...], wanted: list[int]) -> tuple[int, ...]:
    """The sizes that `Reshape` makes of a shape: 0 keeps the one in its place, -1 is what is left over."""
    if not call.flag("allowzero"):
        if any(size == 0 and i >= len(shape) for i, size in enumerate(wanted)):
            call.refuse(f"keeps a size of its input of shape {shape} that isn't there: {tuple(wanted)}")
        wanted = [shape[i] if size == 0 else size for i, size in enumerate(wanted)]
    rest = math.prod(size for size in wanted if size != -1)
    if wanted.count(-1) > 1 or any(size < -1 for size in wanted):
        call.refuse(f"can't make shape {tuple(wanted)}: only one size may be -1")
    if -1 in wanted and (not rest or math.prod(shape) % rest):
        call.refuse(f"can't make shape {tuple(wanted)} of {shape}")
    made = tuple(math.prod(shape) // rest if size == -1 else size for size in wanted)
    if math.prod(made) != math.prod(shape):
        call.refuse(f"can't make shape {tuple(wanted)} of {shape}: the numbers of elements differ")
    return made


@operator("Flatten", "axis")
def _flatten(call: Call, x: Any) -> Any:
    axis = call.integer("axis", 1)
    if not -x.ndim <= axis <= x.ndim:
        call.refuse(f"has axis {axis}, its input has {x.ndim} axes")
    axis = axis + x.ndim if axis < 0 else axis
    return ops.reshape(x, shape=(math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@operator("Transpose", "perm")
def _transpose(call: Call, x: Any) -> Any:
    order = call.integers("perm", tuple(reversed(range(x.ndim))))
    if sorted(order) != list(range(x.ndim)):
        call.refuse(f"has perm {order}, which isn't an order of {x.ndim} axes")
    return ops.transpose(x, axes=order)


@operator("Squeeze", "axes", least=1, most=2, static=(1,))
def _squeeze(call: Call, x: Any, axes: Any = None) -> Any:
    given = call.integers("axes") if axes is None else known(call, axes)
    shape = shape_of(x)
    along = {i for i, size in enumerate(shape) if size == 1} if given is None else set(call.axes(given, x.ndim))
    if any(shape[i] != 1 for i in along):
        call.refuse(f"drops axes {sorted(along)} of shape {shape}: only those of size 1 can be dropped")
    return ops.reshape(x, shape=tuple(size for i, size in enumerate(shape) if i not in along))


@operator("Unsqueeze", "axes", least=1, most=2, static=(1,))
def _unsqueeze(call: Call, x: Any, axes: Any = None) -> Any:
    given = call.integers("axes", ()) if axes is None else known(call, axes)
    along = call.axes(given, x.ndim + len(given))
    sizes = iter(shape_of(x))
    return ops.reshape(x, shape=tuple(1 if i in along else next(sizes) for i in range(x.ndim + len(given))))


@operator("Concat", "axis", most=-1)
def _concat(call: Call, *arrays: Any) -> Any:
    axis = call.axis(call.integer("axis", 1), arrays[0].ndim)
    if not any(isinstance(x, Tensor) for x in arrays):
        xp, *values = plain(*arrays)
        return xp.concatenate(values, axis=axis)
    return ops.concatenate(list(arrays), axis=axis)


@operator("Split", "axis", "split", "num_outputs", least=1, most=2, static=(1,))
def _split(call: Call, x: Any, split: Any = None) -> Any:
    axis = call.axis(call.integer("axis", 0), x.ndim)
    sizes = call.integers("split") if split is None else known(call, split)
    size = x.shape[axis]
    if sizes is None:
        count = call.integer("num_outputs", call.outputs)
        if not 1 <= count <= max(size, call.outputs):
            call.refuse(f"splits into {count} parts")
        each = -(-size // count)
        sizes = [max(0, min(each, size - i * each)) for i in range(count)]
    if sum(sizes) != size or any(part < 0 for part in sizes):
        call.refuse(f"splits an axis of size {size} into {list(sizes)}")
    ends = np.cumsum([0, *sizes]).tolist()
    front = (slice(None),) * axis
    return tuple(x[(*front, slice(start, stop))] for start, stop in pairwise(ends))


@operator("Slice", "axes", "ends", "starts", "steps", least=1, most=5, static=(1, 2, 3, 4))
def _slice(call: Call, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None) -> Any:
    first = list(call.integers("starts", ()) if starts is None else known(call, starts))
    last = list(call.integers("ends", ()) if ends is None else known(call, ends))
    along = (call.integers("axes") if axes is None else known(call, axes)) or list(range(len(first)))
    by = [1] * len(first) if steps is None else known(call, steps)
    if not len(first) == len(last) == len(along) == len(by) or 0 in by:
        call.refuse(f"has starts {first}, ends {last}, axes {list(along)} and steps {by}, which don't fit each other")
    index = [slice(None)] * x.ndim
    for start, stop, axis, step in zip(first, last, call.axes(along, x.ndim), by, strict=True):
        index[axis] = _bounds(start, stop, step, x.shape[axis])
    return x[tuple(index)]


def _bounds(start: int, stop: int, step: int, size: int) -> slice:
    """ONNX's bounds, which are clipped to the axis, as Python's, where -1 means the last."""
    if step > 0:
        return slice(start, stop, step)
    start, stop = (place + size if place < 0 else place for place in (start, stop))
    start, stop = min(start, size - 1), max(stop, -1)
    return slice(max(start, 0), None if stop < 0 else stop, step) if start >= 0 else slice(0, 0)


@operator("Expand", least=2, static=(1,))
def _expand(call: Call, x: Any, shape: Any) -> Any:
    try:
        wanted = np.broadcast_shapes(shape_of(x), tuple(known(call, shape)))
    except ValueError:
        call.refuse(f"can't repeat an array of shape {shape_of(x)} to {tuple(known(call, shape))}")
    call.require_size(wanted)
    return ops.broadcast_to(x, shape=tuple(int(size) for size in wanted))


@operator("Tile", least=2, static=(1,))
def _tile(call: Call, x: Any, repeats: Any) -> Any:
    times, shape = known(call, repeats), shape_of(x)
    if len(times) != x.ndim or any(time < 0 for time in times):
        call.refuse(f"repeats {times} times along the axes of shape {shape}")
    call.require_size([time * size for time, size in zip(times, shape, strict=True)])
    apart = ops.reshape(x, shape=tuple(n for size in shape for n in (1, size)))
    spread = ops.broadcast_to(apart, shape=tuple(n for pair in zip(times, shape, strict=True) for n in pair))
    return ops.reshape(spread, shape=tuple(time * size for time, size in zip(times, shape, strict=True)))


@operator("Pad", "mode", "pads", "value", least=1, most=4, static=(1, 2, 3))
def _pad(call: Call, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    mode = call.text("mode", "constant", ("constant", "reflect", "edge", "wrap"))
    widths = list(call.integers("pads", ()) if pads is None else known(call, pads))
    along = call.axes(range(x.ndim) if axes is None else known(call, axes), x.ndim)
    if len(widths) != 2 * len(along):
        call.refuse(f"has {len(widths)} widths for {len(along)} axes, needs two for each")
    fill = call.number("value", 0.0) if value is None else np.asarray(value).reshape(-1)[0].item()
    for i, axis in enumerate(along):
        x = _bordered(call, x, axis, widths[i], widths[i + len(along)], mode, fill)
    return x


def _bordered(call: Call, x: Any, axis: int, before: int, after: int, mode: str, fill: Any) -> Any:
    """A border along one axis; a negative width cuts off."""
    front, size = (slice(None),) * axis, x.shape[axis]
    if before < 0 or after < 0:
        if max(-before, 0) + max(-after, 0) > size:
            call.refuse(f"cuts {(-before, -after)} off an axis of size {size}")
        x = x[(*front, slice(max(-before, 0), size - max(-after, 0)))]
        before, after, size = max(before, 0), max(after, 0), x.shape[axis]
    if not before and not after:
        return x
    call.require_size([n + (before + after) * (i == axis) for i, n in enumerate(shape_of(x))])
    if mode == "constant":
        return ops.pad(x, widths=[(before, after) if i == axis else (0, 0) for i in range(x.ndim)], value=fill)
    return x[(*front, np.pad(np.arange(size), (before, after), mode=mode))]  # type: ignore[call-overload]


@operator("DepthToSpace", "blocksize", "mode")
def _depth_to_space(call: Call, x: Any) -> Any:
    block, (n, c, h, w) = call.integer("blocksize"), _pictures(call, x)
    if not block or c % (block * block):
        call.refuse(f"can't make blocks of {block} × {block} out of {c} channels")
    if call.text("mode", "DCR", ("DCR", "CRD")) == "DCR":
        apart = ops.transpose(ops.reshape(x, shape=(n, block, block, -1, h, w)), axes=(0, 3, 4, 1, 5, 2))
    else:
        apart = ops.transpose(ops.reshape(x, shape=(n, -1, block, block, h, w)), axes=(0, 1, 4, 2, 5, 3))
    return ops.reshape(apart, shape=(n, c // block**2, h * block, w * block))


@operator("SpaceToDepth", "blocksize", "mode")
def _space_to_depth(call: Call, x: Any) -> Any:
    block, (n, c, h, w) = call.integer("blocksize"), _pictures(call, x)
    if not block or h % block or w % block:
        call.refuse(f"can't cut a picture of {h} × {w} into blocks of {block} × {block}")
    apart = ops.reshape(x, shape=(n, c, h // block, block, w // block, block))
    columns_first = call.text("mode", "DCR", ("DCR", "CRD")) == "DCR"
    moved = ops.transpose(apart, axes=(0, 3, 5, 1, 2, 4) if columns_first else (0, 1, 3, 5, 2, 4))
    return ops.reshape(moved, shape=(n, c * block**2, h // block, w // block))


def _pictures(call: Call, x: Any) -> tuple[int, ...]:
    if x.ndim != 4:
        call.refuse(f"needs pictures (batch, channels, height, width), got shape {shape_of(x)}")
    return shape_of(x)


@operator("Trilu", "upper", least=1, most=2, static=(1,))
def _trilu(call: Call, x: Any, k: Any = None) -> Any:
    place = 0 if k is None else int(np.asarray(k).reshape(()))
    keep = np.tri(
        int(x.shape[-2]), int(x.shape[-1]), k=place - 1 if call.flag("upper", True) else place, dtype=np.bool_
    )
    keep = ~keep if call.flag("upper", True) else keep
    return ops.where(keep, x, np.zeros((), str(x.dtype)))
