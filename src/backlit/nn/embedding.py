"""Word vectors: a learned row for each whole number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph.ops.indexing import take
from backlit.nn import initializers
from backlit.nn.layer import Context, Layer, Params, Shape, require_positive
from backlit.nn.random import Key


@dataclass(frozen=True, repr=False)
class Embedding(Layer):
    """Row i of a table for each whole number i: (batch, ...) -> (batch, ..., size).

    The same as a one-hot vector times the table, without the zeros: only the rows that occur get a gradient, and a
    number that occurs twice gets the sum.

    Parameters
    ----------
    count : int
        How many rows; inputs are from 0 to count - 1.
    size : int
        Length of a row.
    weight_init : str
        Initialiser's name.

    Raises
    ------
    InputError
        If an input isn't a whole number, or has no row (in a compiled program the output is then NaN).

    Examples
    --------
    >>> import backlit as bl
    >>> words = bl.Embedding(1000, 16).build((5,))
    >>> words([[3, 1, 4, 1, 5]]).shape
    (1, 5, 16)
    """

    count: int
    size: int
    weight_init: str = "normal:1"

    def __post_init__(self) -> None:
        require_positive(self, count=self.count, size=self.size)
        initializers.get(self.weight_init)

    @property
    def takes_integers(self) -> bool:
        return True

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        table = initializers.get(self.weight_init)(key.child("weight"), (self.count, self.size))
        return {"weight": table}, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.size)

    def __call__(self, params: Params, x: Any, ctx: Context = Context()) -> Any:  # noqa: B008
        if x.dtype.kind not in "iu":
            raise InputError(f"inputs must be whole numbers from 0 to {self.count - 1}, got dtype {x.dtype}")
        if isinstance(x, np.ndarray) and x.size and (x.min() < 0 or x.max() >= self.count):
            raise InputError(f"inputs must be from 0 to {self.count - 1}, got {x.min()} to {x.max()}")
        return take(params["weight"], x, axis=0)
