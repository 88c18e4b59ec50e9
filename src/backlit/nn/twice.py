"""One layer object at two places of a network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backlit.errors import InputError
from backlit.graph import tree

if TYPE_CHECKING:
    from backlit.nn.context import Params
    from backlit.nn.layer import Layer


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
