"""One-hot input: whole numbers as rows of zeros with a one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph.op import namespace
from backlit.graph.tensor import value_of
from backlit.nn.context import Context, Params, Shape
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_positive


@dataclass(frozen=True, repr=False)
class OneHot(Layer):
    """A one at the place that each whole number names, zeros elsewhere: (batch, ...) -> (batch, ..., count).

    The same as an `Embedding` whose table is the identity and stays it. A `Linear` behind it looks up a column of its
    weight for each number.

    Parameters
    ----------
    count : int
        How many places; inputs are from 0 to count - 1.

    Raises
    ------
    InputError
        If an input isn't a whole number, or has no place (in a compiled program its row is then NaN).

    Examples
    --------
    >>> import backlit as bl
    >>> bl.OneHot(3).build((2,))([[0, 2]]).tolist()
    [[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]
    """

    count: int

    def __post_init__(self) -> None:
        require_positive(self, count=self.count)

    @property
    def takes_integers(self) -> bool:
        return True

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        return {}, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.count)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        numbers = value_of(x)
        if numbers.dtype.kind not in "iu":
            raise InputError(f"inputs must be whole numbers from 0 to {self.count - 1}, got dtype {numbers.dtype}")
        xp = namespace(numbers)
        known = (numbers >= 0) & (numbers < self.count)
        if xp is np and not known.all():
            raise InputError(f"inputs must be from 0 to {self.count - 1}, got {numbers.min()} to {numbers.max()}")
        rows = (numbers[..., None] == xp.arange(self.count)).astype("float32")
        return rows if xp is np else xp.where(known[..., None], rows, xp.float32(np.nan))
