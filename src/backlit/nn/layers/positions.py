"""Positions: what tells a layer that looks at all steps at once which step comes when."""

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
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import above_zero, option, whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes


def step_numbers(ctx: Context) -> Any:
    """Of each step (rows, time), how many real ones come before it; None where nothing is padding."""
    if ctx.time_mask is None:
        return None
    xp = namespace(ctx.time_mask)
    return xp.maximum(xp.cumsum(ctx.time_mask.astype("int32"), axis=1) - 1, 0)


def angles(time: int, count: int, base: float) -> np.ndarray:
    """``position / base^(i / count)`` of each position and i from 0 to count - 1: (time, count)."""
    return np.arange(time)[:, None] / base ** (np.arange(count) / count)


def sinusoids(time: int, size: int, base: float = 10000.0) -> np.ndarray:
    """Sines and cosines of positions, (time, size): ``sin(p / base^(2i / size))`` at 2i, the cosine at 2i + 1.

    >>> sinusoids(2, 4).round(2).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84, 0.54, 0.01, 1.0]]
    """
    turned = np.arange(time)[:, None] / base ** (2 * np.arange((size + 1) // 2) / size)
    return np.stack([np.sin(turned), np.cos(turned)], axis=-1).reshape(time, -1)[:, :size]


def rotary(x: Any, numbers: Any = None, first: int = 0, base: float = 10000.0) -> Any:
    """Pairs of features turned by an angle that grows with the position: rotary positional encoding.

    Numbers i and i + size/2 of a step are a pair, turned by ``position / base^(2i / size)``. The product of a query and
    a key that both were turned depends on how far apart they are, not on where they are. (The paper pairs neighbours:
    the same but for the order of features, and slower.)

    Parameters
    ----------
    x : (rows, heads, time, size)
        Queries or keys; the size is even.
    numbers : whole numbers (rows, time), optional
        Positions, below `time`; first, first + 1, … if left out.
    first : int
        Position of the first step.
    base : float

    References
    ----------
    Su, Lu, Pan, Murtadha, Wen, Liu: RoFormer: Enhanced Transformer with Rotary Position Embedding, 2021
    (arXiv:2104.09864). By halves: as GPT-NeoX and Llama have it.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(1, 1, 1, 6)).repeat(5, axis=2)  # the same at five positions
    >>> turned = bl.rotary(x)
    >>> scores = (turned @ turned.swapaxes(2, 3))[0, 0]
    >>> bool(np.isclose(scores[0, 2], scores[1, 3]) and np.isclose(scores[1, 3], scores[2, 4]))
    True
    """
    time, size = x.shape[-2:]
    if size % 2:
        raise ShapeError(f"rotary: pairs of features need an even size, got {size} in shape {tuple(x.shape)}")
    turned = angles(first + time, size // 2, base)[first if numbers is None else 0 :]
    cos, sin = (_like(f(turned), x) for f in (np.cos, np.sin))
    if numbers is not None:
        cos, sin = (table[numbers][:, None] for table in (cos, sin))
    first, second = x[..., : size // 2], x[..., size // 2 :]
    return concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)


def _like(table: np.ndarray, x: Any) -> Any:
    """Constants in the type, and of the engine, of an array."""
    value = value_of(x)
    return namespace(value).asarray(table, dtype=value.dtype)


@dataclass(frozen=True, repr=False)
class PositionalEncoding(Layer):
    """Adds to each step what says where it is: (batch, time, features) -> the same.

    - "sinusoidal": ``PE(p, 2i) = sin(p / base^(2i / features))``, ``PE(p, 2i + 1) = cos(p / base^(2i / features))``;
    - "learned": a row of a table for each position ("weight").

    Without it (or `rotary` in the attention), a network of attention can't tell one order of its steps from another.
    Within `Masked`, positions count the steps that aren't padding, wherever that stands.

    Parameters
    ----------
    kind : "sinusoidal" or "learned"
    length : int, optional
        Rows of the learned table: the most steps of a sequence; those of the input it is built for, if left out.
    base : float
        Of the sinusoids' wavelengths, from 2π to base · 2π.
    weight_init : str
        Initialiser of the learned table.

    Raises
    ------
    ShapeError
        If the input isn't (time, features), or is longer than the table.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.PositionalEncoding()({}, np.zeros((1, 2, 4))).round(2).tolist()
    [[[0.0, 1.0, 0.0, 1.0], [0.84, 0.54, 0.01, 1.0]]]

    References
    ----------
    Vaswani et al.: Attention Is All You Need, NIPS 2017 (arXiv:1706.03762), section 3.5. Learned: Gehring, Auli,
    Grangier, Yarats, Dauphin, ICML 2017 (arXiv:1705.03122).
    """

    kind: str = option("sinusoidal", names=("sinusoidal", "learned"))
    length: int | None = whole(None)
    base: float = above_zero(10000.0)
    weight_init: str = "normal:0.02"

    def __post_init__(self) -> None:
        super().__post_init__()
        initializers.get(self.weight_init)
        if self.length and self.kind == "sinusoidal":
            raise InputError(f"{self}: sinusoids go on for any length; leave length out, or use kind='learned'")

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        output = self.output_shape(input_shape)
        if self.kind == "sinusoidal":
            return {}, output
        rows = (self.length or input_shape[0], input_shape[1])
        return {"weight": initializers.get(self.weight_init)(key.child("weight"), rows)}, output

    def output_shape(self, input_shape: Shape) -> Shape:
        require_axes(self, input_shape, 2, "(time, features)")
        if self.length is not None and input_shape[0] > self.length:
            raise ShapeError(f"{self} has {self.length} positions, got sequences of {input_shape[0]} steps")
        return input_shape

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        first = ctx.steps_before(x.shape[1])
        end = first + x.shape[1]
        self.output_shape((end, *x.shape[2:]))
        ctx.require_steps(x)
        numbers = step_numbers(ctx)
        if self.kind == "learned":
            table = params["weight"]
            return x + (table[first:end] if numbers is None else take(table, numbers, axis=0))
        table = _like(sinusoids(end, x.shape[2], self.base), x)
        return x + (table[first:] if numbers is None else table[numbers])
