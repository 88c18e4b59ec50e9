"""Values in other shapes, axes in another order, places along an axis: what only changes how numbers are counted."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from backlit.exchange.torch.reader import Half, Last, Reader, Value
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.shaping import Select

# ------------------------------------------------------------------------------------- recurrent states


def joined(r: Reader, halves: Sequence[Half]) -> Value:
    """The last states of both directions, the first one forward: a `Bidirectional` that gives them."""
    forward, backward = (halves[0], halves[-1])
    if len(halves) != 2 or forward.backward or not backward.backward or forward.sequence != backward.sequence:
        r.refuse("of a recurrent layer in both directions, first the forward and then the backward state can be joined")
    return both_ends(r, forward.sequence)


def both_ends(r: Reader, sequence: Value) -> Value:
    """The last states of both directions, of which the sequence is known."""
    end = r.add(Identity(), [sequence], (0, 1), r.shape())
    r.ends[end.node] = sequence.node
    return end


def state(r: Reader, states: Last, index: int) -> Value | Half:
    """One of a recurrent module's last states."""
    if states.what == "cell":
        r.refuse("the memory cell's last state has no counterpart, only the hidden one")
    index %= states.count * states.ways
    if index // states.ways != states.count - 1:
        r.refuse("only the last of the stacked layers' states has a counterpart")
    if states.ways == 2:
        return Half(states.sequence, index % 2 == 1)
    return place(r, states.sequence, states.sequence.axes[1], -1)


def place(r: Reader, x: Value, axis: int, index: int) -> Value:
    """One place along an axis of PyTorch's, which goes."""
    x = r.settled(x)
    if axis == x.axes[0]:
        r.refuse("it picks a row of the batch")
    at = x.axes.index(axis)
    axes = [other - (other > axis) for other in x.axes if other != axis]
    return r.add(Select(index, at), [x], axes, [size for other, size in enumerate(x.shape) if other != axis])


# --------------------------------------------------------------------------------------------- shapes


def reshape(r: Reader, x: Any, *_: Any, **__: Any) -> Any:
    """The shape that the example got; the batch must stay an axis of its own."""
    if isinstance(x, Last) and x.count * x.ways == 1:
        return state(r, x, 0)
    shape = r.shape()
    batch = r.shapes[r.node].batch
    if shape == x.shape:
        return x
    if batch is None or shape[batch] != x.shape[x.axes[0]]:
        r.refuse(f"{x.shape} becomes {shape}, which mixes the batch with another axis")
    if len(shape) == 2 and x.axes == (0, *range(2, len(x.shape)), 1) and len(x.shape) in (3, 4):
        flat = r.reshaped(x, shape, (0, 1))
        mixed = x.shape[1] > 1 and math.prod(x.shape[2:]) > 1
        return dataclasses.replace(flat, places=x.sizes) if mixed else flat
    rest = shape[2:] if len(shape) > 2 else ()
    if len(x.axes) == 4 and x.axes == (0, 2, 3, 1) and shape[:2] == x.shape[:2] and len(rest) == 1:
        return r.reshaped(x, shape, (0, 2, 1))  # places in one row, channels as they are
    x = r.settled(x)
    ones = _with_ones(x, shape)
    if ones is not None:
        return r.reshaped(x, shape, ones)
    if x.axes[0] != 0 or batch != 0:
        r.refuse("with the batch as its second axis it has no counterpart; use batch_first=True")
    return r.reshaped(r.natural(x), shape, range(len(shape)))


def _with_ones(x: Value, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes of a value that has only got, or lost, axes of size 1 (the batch's aside); None for any other."""
    old = [axis for axis in range(len(x.shape)) if x.shape[axis] > 1 or axis == x.axes[0]]
    batch = old.index(x.axes[0])
    big = [size > 1 for size in shape]
    new = [axis for axis in range(len(shape)) if big[axis]]
    if x.shape[x.axes[0]] == 1 or [shape[axis] for axis in new] != [x.shape[axis] for axis in old]:
        return None
    to = dict(zip(old, new, strict=True))
    kept = [to[axis] for axis in x.axes if axis in to]
    ones = [axis for axis in range(len(shape)) if not big[axis]]
    return (new[batch], *[axis for axis in kept if axis != new[batch]], *ones)


def flatten(r: Reader, x: Value, start_dim: int = 0, end_dim: int = -1) -> Value:
    """As `reshape`."""
    return reshape(r, x)


def permuted(r: Reader, x: Value, order: Sequence[int]) -> Value:
    """Only the names of axes change: axis ``order[i]`` is called i."""
    x = r.settled(x)
    order = [axis % len(x.shape) for axis in order]
    axes = tuple(order.index(axis) for axis in x.axes)
    return dataclasses.replace(x, axes=axes, shape=tuple(x.shape[axis] for axis in order))


def permute(r: Reader, x: Value, *dims: Any) -> Value:
    """As `permuted`, with PyTorch's arguments."""
    return permuted(r, x, dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims)


def transpose(r: Reader, x: Value, dim0: int, dim1: int) -> Value:
    """Two axes change places."""
    order = list(range(len(x.shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permuted(r, x, order)


def same(r: Reader, x: Any, *_: Any, **__: Any) -> Any:
    """What is as it was."""
    return x


def known(r: Reader, x: Any, *_: Any, **__: Any) -> Any:
    """What depends on shapes and types alone: the example's."""
    return r.shapes[r.node].value


def attribute(r: Reader, x: Any, name: str) -> Any:
    """An attribute of a tensor."""
    if name in ("T", "mT"):
        return transpose(r, x, -2, -1)
    if name not in ("shape", "dtype", "device", "ndim"):
        r.refuse(f"its attribute {name} has no counterpart")
    return r.shapes[r.node].value
