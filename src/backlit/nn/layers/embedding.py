"""Embeddings: a learned vector for each word, or for each level of a table's categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.op import namespace
from backlit.graph.ops.indexing import take
from backlit.graph.ops.shape import concatenate
from backlit.graph.tensor import value_of
from backlit.nn import initializers
from backlit.nn.context import Context, Params, Shape
from backlit.nn.hyperparameters import whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes


def require_places(x: Any, count: int, what: str = "inputs") -> None:
    """Refuse all but whole numbers from 0 to count - 1; the first other one is named."""
    if x.dtype.kind not in "iu":
        raise InputError(f"{what} must be whole numbers from 0 to {count - 1}, got dtype {x.dtype}")
    if x.size and (x.min() < 0 or x.max() >= count):
        row, *place = np.argwhere((x < 0) | (x >= count))[0].tolist()
        at = f"row {row}" + (f", place {', '.join(map(str, place))}" if place else "")
        raise InputError(f"{what} must be from 0 to {count - 1}, got {x[(row, *place)]} in {at}")


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

    count: int = whole()
    size: int = whole()
    weight_init: str = "normal:1"

    def __post_init__(self) -> None:
        super().__post_init__()
        initializers.get(self.weight_init)

    @property
    def takes_integers(self) -> bool:
        return True

    def check_inputs(self, x: np.ndarray) -> None:
        require_places(x, self.count)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        table = initializers.get(self.weight_init)(key.child("weight"), (self.count, self.size))
        return {"weight": table}, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.size)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        if isinstance(x, np.ndarray) or x.dtype.kind not in "iu":
            self.check_inputs(x)
        return take(params["weight"], x, axis=0)


@dataclass(frozen=True, repr=False)
class EmbedColumns(Layer):
    """The last inputs are codes of categories; each is replaced by a learned vector: (batch, n) -> (batch, m).

    With numbers ``x`` and codes ``c``, the output is ``[x, E₁[c₁], E₂[c₂], …]``, as in C. Guo and F. Berkhahn, "Entity
    embeddings of categorical variables", 2016, arXiv:1604.06737. Codes come as floating-point numbers, since they share
    an array with the numbers (exact up to 2²⁴).

    Parameters
    ----------
    counts : tuple of int
        Vectors of each category: its codes are from 0 to count - 1.
    sizes : tuple of int, optional
        Length of each category's vectors; by default ``min(50, 1.6 · count^0.56)``, rounded.
    weight_init : str
        Initialiser's name.

    Raises
    ------
    ShapeError
        If there are fewer inputs than categories.
    InputError
        If sizes don't belong to counts.

    Examples
    --------
    >>> import backlit as bl
    >>> net = bl.EmbedColumns((100,), (3,)).build((2,))
    >>> net([[0.5, 7.0], [0.1, 99.0]]).shape
    (2, 4)
    """

    counts: tuple[int, ...]
    sizes: tuple[int, ...] | None = None
    weight_init: str = "normal:0.1"

    def __post_init__(self) -> None:
        if not self.counts or len(self.widths) != len(self.counts) or min(*self.counts, *self.widths) < 1:
            raise InputError(f"EmbedColumns needs a count and a size from 1 for each category, got {self}")
        initializers.get(self.weight_init)

    @property
    def widths(self) -> tuple[int, ...]:
        """Lengths of the vectors."""
        return self.sizes or tuple(min(50, round(1.6 * count**0.56)) for count in self.counts)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        draw = initializers.get(self.weight_init)
        pairs = zip(self.counts, self.widths, strict=True)
        params = {str(i): draw(key.child(str(i)), (count, size)) for i, (count, size) in enumerate(pairs)}
        return params, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        require_axes(self, input_shape, 1, "(inputs,)")
        if input_shape[0] < len(self.counts):
            raise ShapeError(f"{self} needs at least {len(self.counts)} inputs, got {input_shape[0]}")
        return (input_shape[0] - len(self.counts) + sum(self.widths),)

    def check_inputs(self, x: np.ndarray) -> None:
        first = x.shape[-1] - len(self.counts)
        for i, count in enumerate(self.counts):
            with np.errstate(invalid="ignore"):
                codes = x[:, first + i].astype(np.int64)
            require_places(codes, count, f"codes of column {first + i}")

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        first = x.shape[-1] - len(self.counts)
        codes = value_of(x)[:, first:].astype("int32")
        vectors = [take(params[str(i)], codes[:, i], axis=0) for i in range(len(self.counts))]
        return concatenate([x[:, :first], *vectors], axis=-1) if first else concatenate(vectors, axis=-1)


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

    count: int = whole()

    @property
    def takes_integers(self) -> bool:
        return True

    def check_inputs(self, x: np.ndarray) -> None:
        require_places(x, self.count)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        return {}, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.count)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        numbers = value_of(x)
        xp = namespace(numbers)
        if xp is np or numbers.dtype.kind not in "iu":
            self.check_inputs(numbers)
        known = (numbers >= 0) & (numbers < self.count)
        rows = (numbers[..., None] == xp.arange(self.count)).astype("float32")
        return rows if xp is np else xp.where(known[..., None], rows, xp.float32(np.nan))
