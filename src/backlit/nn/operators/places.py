"""ONNX's operators that pick elements by their places."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.graph.tensor import value_of
from backlit.nn.operators.table import Call, known, operator, plain


def _places(call: Call, indices: Any, size: int) -> Any:
    """Places from the front; those that can be looked at must be inside."""
    xp, indices = plain(indices)
    if indices.dtype.kind not in "iu":
        call.refuse(f"needs whole numbers as places, got {indices.dtype}")
    if isinstance(indices, np.ndarray) and indices.size and (indices.min() < -size or indices.max() >= size):
        call.refuse(f"picks places from {indices.min()} to {indices.max()} along an axis of size {size}")
    return xp.where(indices < 0, indices + size, indices)


@operator("Gather", "axis", least=2)
def _gather(call: Call, x: Any, indices: Any) -> Any:
    axis = call.axis(call.integer("axis", 0), x.ndim)
    places = _places(call, indices, x.shape[axis])
    return x[(*(slice(None),) * axis, places)]


@operator("GatherElements", "axis", least=2)
def _gather_elements(call: Call, x: Any, indices: Any) -> Any:
    axis = call.axis(call.integer("axis", 0), x.ndim)
    places = _places(call, indices, x.shape[axis])
    grid = [
        np.arange(size).reshape([-1 if i == j else 1 for j in range(places.ndim)])
        for i, size in enumerate(places.shape)
    ]
    return x[tuple(places if i == axis else part for i, part in enumerate(grid))]


@operator("GatherND", "batch_dims", least=2)
def _gather_nd(call: Call, x: Any, indices: Any) -> Any:
    _, places = plain(indices)
    batch, depth = call.integer("batch_dims", 0), places.shape[-1]
    if not 0 <= batch < min(x.ndim, places.ndim) or batch + depth > x.ndim:
        call.refuse(f"picks by {places.shape} from shape {tuple(x.shape)} with batch_dims={batch}")
    rows = places.ndim - 1
    grid = [np.arange(places.shape[i]).reshape([-1 if i == j else 1 for j in range(rows)]) for i in range(batch)]
    picked = [_places(call, places[..., i], x.shape[batch + i]) for i in range(depth)]
    return x[(*grid, *picked)]


@operator("ScatterElements", "axis", "reduction", least=3)
def _scatter_elements(call: Call, x: Any, indices: Any, updates: Any) -> Any:
    call.text("reduction", "none", ("none", "add"))
    axis = call.axis(call.integer("axis", 0), x.ndim)
    places = _places(call, indices, x.shape[axis])
    grid = np.ix_(*[np.arange(size) for size in places.shape])
    return _scattered(call, x, tuple(places if i == axis else part for i, part in enumerate(grid)), updates)


@operator("ScatterND", "reduction", least=3)
def _scatter_nd(call: Call, x: Any, indices: Any, updates: Any) -> Any:
    call.text("reduction", "none", ("none", "add"))
    _, places = plain(indices)
    if not places.ndim or places.shape[-1] > x.ndim:
        call.refuse(f"sets places {places.shape} of shape {tuple(x.shape)}")
    picked = [_places(call, places[..., i], x.shape[i]) for i in range(places.shape[-1])]
    return _scattered(call, x, tuple(picked), updates)


def _scattered(call: Call, x: Any, index: tuple[Any, ...], updates: Any) -> Any:
    if call.text("reduction", "none") == "none":  # what is there goes
        xp, value = plain(x)
        keep = ops.scatter_add(xp.ones(value.shape, "int32"), value_of(updates).astype("int32") * 0 + 1, index=index)
        x = ops.where(value_of(keep) == 1, x, np.zeros((), str(x.dtype)))
    return ops.scatter_add(x, updates, index=index)


@operator("TopK", "axis", "largest", "sorted", "k", least=1, most=2, static=(1,))
def _top_k(call: Call, x: Any, count: Any = None) -> Any:
    """Both the numbers and their places; of equal ones the first comes first, as ONNX wants it."""
    axis = call.axis(call.integer("axis", -1), x.ndim)
    size = int(x.shape[axis])
    (most,) = known(call, call.integer("k") if count is None else count) or [0]
    if not 0 <= most <= size:
        call.refuse(f"asks for {most} of the {size} numbers along axis {axis}")
    xp, plain_x = plain(x)
    if call.flag("largest", True):  # backwards twice, so that a stable order stays one
        order = size - 1 - xp.flip(xp.argsort(xp.flip(plain_x, axis=axis), axis=axis, stable=True), axis=axis)
    else:
        order = xp.argsort(plain_x, axis=axis, stable=True)
    places = order[(*(slice(None),) * axis, slice(most))].astype("int64")
    grid = [np.arange(n).reshape([-1 if i == j else 1 for j in range(x.ndim)]) for i, n in enumerate(places.shape)]
    return x[tuple(places if i == axis else part for i, part in enumerate(grid))], places
