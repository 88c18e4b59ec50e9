"""Encodings of numbers: a layer that lets a network bend at given places of each input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.ops.arithmetic import clip
from backlit.graph.ops.indexing import getitem
from backlit.graph.ops.shape import concatenate
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes

MOST_SHOWN = 12  # knots in a layer's text


@dataclass(frozen=True, repr=False)
class PiecewiseLinear(Layer):
    """Each number also as its place between knots: (batch, inputs) -> (batch, pieces + inputs).

    Knots ``k₀ < k₁ < … < k_T`` cut an input x into T pieces, and piece t becomes the output
    ``2 · clip((x − k_{t−1}) / (k_t − k_{t−1}), 0, 1) − 1``: -1 below the piece, 1 above it, a line inside. A `Linear`
    behind it can then be any function of x that is linear between knots, where of x alone it is one line. The inputs
    themselves follow the pieces, so that lines go on beyond the last knots, and codes of categories stay at the end.

    Knots are running values that never change: they have the network's type.

    Parameters
    ----------
    knots : tuple of tuples of float
        For each of the first inputs its knots, in rising order; none for one that stays as it is. Inputs without an
        entry stay as they are.

    Raises
    ------
    InputError
        If knots aren't finite and rising, or there is only one.
    ShapeError
        If there are fewer inputs than entries.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS
    2022, section 3.1 (from 0 to 1 there, and without the inputs).

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.PiecewiseLinear(((0.0, 1.0, 3.0),)).build((2,))
    >>> network(np.array([[0.5, 7.0], [2.0, 7.0]])).tolist()
    [[0.0, -1.0, 0.5, 7.0], [1.0, 0.0, 2.0, 7.0]]
    """

    knots: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        for i, places in enumerate(self.knots):
            rising = all(math.isfinite(place) for place in places) and list(places) == sorted(set(places))
            if len(places) == 1 or not rising:
                raise InputError(
                    f"PiecewiseLinear: knots of input {i} must be two or more finite numbers in rising order, "
                    f"or none, got {places!r}"
                )
        if not any(self.knots):
            raise InputError("PiecewiseLinear needs knots for at least one input")

    @property
    def pieces(self) -> tuple[int, ...]:
        """How many pieces each of the first inputs has."""
        return tuple(max(len(places) - 1, 0) for places in self.knots)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        require_axes(self, input_shape, 1, "(inputs,)")
        if input_shape[0] < len(self.knots):
            raise ShapeError(f"{self} needs at least {len(self.knots)} inputs, got {input_shape[0]}")
        return {}, (sum(self.pieces) + input_shape[0],)

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        low = np.array([place for places in self.knots for place in places[:-1]])
        high = np.array([place for places in self.knots for place in places[1:]])
        return {"low": low, "factor": 1 / (high - low)}

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        of_piece = np.repeat(np.arange(len(self.knots)), self.pieces)
        numbers = getitem(x, index=(slice(None), of_piece))
        pieces = clip((numbers - ctx.state("low")) * ctx.state("factor"), 0.0, 1.0)
        return concatenate([2.0 * pieces - 1.0, x], axis=-1)

    def cost(self, input_shape: Shape) -> int:
        return sum(self.pieces)

    def __repr__(self) -> str:
        """Short where there are many knots: they are in `knots`, and in a run's files."""
        cut = sum(1 for places in self.knots if places)
        few = sum(map(len, self.knots)) <= MOST_SHOWN
        return (
            f"PiecewiseLinear({self.knots!r})" if few else f"PiecewiseLinear({cut} inputs, {sum(self.pieces)} pieces)"
        )
