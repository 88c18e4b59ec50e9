"""Layers made of layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError
from backlit.nn.layer import Context, Layer, Params, Shape, init_part
from backlit.nn.random import Key


@dataclass(frozen=True, repr=False, init=False)
class Sequential(Layer):
    """Layers one after another; their names are "0", "1", ….

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(10)).build((64,)).size
    4810
    """

    layers: tuple[Layer, ...]

    def __init__(self, *args: Layer, layers: tuple[Layer, ...] | None = None) -> None:
        parts = tuple(args) if layers is None else tuple(layers)
        for i, part in enumerate(parts):
            if not isinstance(part, Layer):
                raise InputError(f"Sequential: part {i} must be a layer such as bl.Linear(64), got {part!r}")
        object.__setattr__(self, "layers", parts)

    def parts(self) -> list[tuple[str, Layer]]:
        return [(str(i), layer) for i, layer in enumerate(self.layers)]

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params: Params = {}
        shape = input_shape
        for name, layer in self.parts():
            own, shape = init_part(key, name, layer, shape)
            if own:
                params[name] = own
        return params, shape

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        opened = []
        for name, layer in self.parts():
            opened.append((name, layer, input_shape))
            input_shape = layer.output_shape(input_shape)
        return opened

    def output_shape(self, input_shape: Shape) -> Shape:
        for _, layer in self.parts():
            input_shape = layer.output_shape(input_shape)
        return input_shape

    def __call__(self, params: Params, x: Any, ctx: Context = Context()) -> Any:  # noqa: B008
        for name, layer in self.parts():
            x = ctx.run(name, layer, params, x)
        return x

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"
