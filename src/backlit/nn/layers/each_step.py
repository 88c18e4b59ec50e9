"""A layer for single examples, at every step of a sequence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, ShapeError
from backlit.graph.op import namespace
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.key import Key
from backlit.nn.layer import Layer, init_part
from backlit.nn.layers.containers import Sequential, require_layers


@dataclass(frozen=True, repr=False, init=False)
class EachStep(Layer):
    """The same layers at each step of a sequence: (rows, time, ...) -> (rows, time, ...), time not mixed.

    So a network for pictures reads the frames of a film, and a recurrent layer what it makes of them.

    Parameters
    ----------
    *layers : Layer
        One, or several one after another; their parameters are under "body".

    Examples
    --------
    >>> import backlit as bl
    >>> eye = bl.EachStep(bl.Conv2d(8, 3), bl.ReLU(), bl.GlobalMaxPool())
    >>> bl.Sequential(eye, bl.LSTM(16), bl.Linear(4)).build((6, 20, 20, 1)).output_shape
    (4,)
    """

    body: Layer

    def __init__(self, *layers: Layer, body: Layer | None = None) -> None:
        parts = layers if body is None else (body, *layers)
        if not parts:
            raise InputError("EachStep needs at least one layer, as in bl.EachStep(bl.Conv2d(16, 3))")
        require_layers("EachStep", parts)
        object.__setattr__(self, "body", parts[0] if len(parts) == 1 else Sequential(*parts))

    def parts(self) -> list[tuple[str, Layer]]:
        return [("body", self.body)]

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("body", self.body, self._step(input_shape))]

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        own, shape = init_part(key, "body", self.body, self._step(input_shape))
        return ({"body": own} if own else {}), (input_shape[0], *shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.body.output_shape(self._step(input_shape)))

    def cost(self, input_shape: Shape) -> int:
        return input_shape[0] * self.body.cost(self._step(input_shape))

    def _step(self, input_shape: Shape) -> Shape:
        if len(input_shape) < 2:
            raise ShapeError(f"{self} needs inputs of shape (time, ...), got {input_shape}")
        return input_shape[1:]

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        rows, time = x.shape[:2]
        ctx = dataclasses.replace(ctx, time_mask=None, mask=self._real(ctx, rows, time))
        y = ctx.run("body", self.body, params, x.reshape((rows * time, *x.shape[2:])))
        return y.reshape((rows, time, *y.shape[1:]))

    def _real(self, ctx: Context, rows: int, time: int) -> Any:
        """Which steps, (rows · time,), are neither padding nor of a row that fills up the batch."""
        if ctx.mask is None and ctx.time_mask is None:
            return None
        xp = namespace(ctx.mask if ctx.time_mask is None else ctx.time_mask)
        real = xp.ones((rows, time), dtype=bool)
        if ctx.mask is not None:
            real = real & ctx.mask[:, None]
        if ctx.time_mask is not None:
            real = real & ctx.time_mask
        return real.reshape(-1)

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.body.layers)) if isinstance(self.body, Sequential) else repr(self.body)
        return f"EachStep({inside})"
