"""What a network may be built of, and for; all else is refused before any weight is drawn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.tensor import Array
from backlit.nn.context import Params
from backlit.nn.key import Key

if TYPE_CHECKING:
    from backlit.nn.layer import Layer

DTYPES = ("float32", "float64")


def require_start(seed: Any, dtype: Any) -> None:
    """Refuse what no weights can be drawn from."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {seed!r}")
    try:
        known = np.dtype(dtype).name in DTYPES
    except TypeError:
        known = False
    if not known:
        raise InputError(f"dtype must be {' or '.join(map(repr, DTYPES))}, got {dtype!r}")


def require_size(architecture: Any, input_shape: Any) -> int:
    """Refuse a network that is larger than the limits allow, before any weight is drawn; how many weights it has.

    Raises
    ------
    InputError
        With the limit, and how it is raised.
    """
    count, pending = 0, [(architecture, 1)]
    while pending:
        layer, depth = pending.pop()
        count += 1
        bounds.require("layers", count, "the network has at least")
        bounds.require("nesting", depth, "the network has layers in layers, at least")
        pending += [(part, depth + 1) for _, part in layer.parts()]
    try:
        params, _ = architecture.init(Key.undrawn(), input_shape)
    except MemoryError as error:
        raise InputError(bounds.beyond("parameters", "the network has more weights than there is memory")) from error
    size = sum(math.prod(np.shape(leaf)) for leaf in tree.leaves(params))
    bounds.require("parameters", size, "the network has")
    return size


def start_state(architecture: Layer, shape: Any, dtype: str) -> dict[str, Array]:
    """The running values before any training, by path."""
    state = tree.flatten_dict(architecture.init_state(shape))
    return {path: np.asarray(value, dtype=dtype) for path, value in state.items()}


def refuse_shared(architecture: Layer, params: Params) -> None:
    """Refuse a layer with parameters that was given for two places: each place would learn weights of its own.

    Elsewhere the same object twice means the same weights, so whoever wrote it may expect that. A container that makes
    several layers of one that it was given, such as `Bidirectional`, is understood.

    Raises
    ------
    InputError
        With both places.
    """
    learned = [path.rpartition("/")[0] for path, _ in tree.items(params)]
    seen: set[int] = set()
    for layer in _given(architecture):
        if id(layer) in seen:
            first, second, *_ = (path for path, part in architecture.walk() if part is layer)
            if any(path == first or path.startswith(f"{first}/") for path in learned):
                raise InputError(
                    f"layer {second} is the same object as layer {first} ({layer}), but layers don't share weights: "
                    "give each place one of its own, copy.copy(layer) say"
                )
        seen.add(id(layer))


def _given(value: Any) -> Iterator[Layer]:
    """The layers in a value's fields and their parts, as they were written: once for each time."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            inside = getattr(value, field.name)
            if hasattr(inside, "walk"):
                yield inside
            yield from _given(inside)
    elif isinstance(value, (tuple, list)):
        for item in value:
            if hasattr(item, "walk"):
                yield item
            yield from _given(item)
