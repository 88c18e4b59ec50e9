"""Layers that change shapes and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, ShapeError
from backlit.nn.context import Context, Params, Shape
from backlit.nn.key import Key
from backlit.nn.layer import Layer


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    """Each example's numbers in one row: (batch, a, b, ...) -> (batch, a · b · ...).

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Flatten().output_shape((8, 8, 3))
    (192,)
    """

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        return {}, (math.prod(input_shape),)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return x.reshape((x.shape[0], math.prod(x.shape[1:])))


@dataclass(frozen=True, repr=False)
class Reshape(Layer):
    """Each example in another shape: (batch, ...) -> (batch, *shape).

    Parameters
    ----------
    shape : tuple of int
        Sizes without the batch axis; one may be -1, for whatever is left.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Reshape((8, -1)).output_shape((64,))
    (8, 8)
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = tuple(self.shape) if isinstance(self.shape, (tuple, list)) else (self.shape,)
        if any(isinstance(n, bool) or not isinstance(n, int) or (n < 1 and n != -1) for n in shape) or (
            shape.count(-1) > 1
        ):
            raise InputError(
                f"Reshape: shape must hold whole numbers of at least 1, one of them may be -1, got {shape}"
            )
        object.__setattr__(self, "shape", shape)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        size = math.prod(input_shape)
        known = math.prod(n for n in self.shape if n != -1)
        if size % known or (-1 not in self.shape and size != known):
            raise ShapeError(f"{self}: inputs of shape {input_shape} have {size} numbers, which don't fit {self.shape}")
        return {}, tuple(size // known if n == -1 else n for n in self.shape)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return x.reshape((x.shape[0], *self.output_shape(tuple(x.shape[1:]))))
