"""Containers for recurrent layers: both directions, and sequences of different length."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import where
from backlit.graph.tensor import value_of
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.key import Key
from backlit.nn.layer import Layer, init_part
from backlit.nn.layers.containers import Sequential, merge, merged_shape, require_layers, require_way
from backlit.nn.layers.recurrent import _Recurrent


@dataclass(frozen=True, repr=False)
class Bidirectional(Layer):
    """A recurrent layer and its twin that reads from the end, put together: every output knows both sides.

    Parameters
    ----------
    body : RNN, LSTM or GRU
        Its parameters are under "forward", those of the twin under "backward".
    combine : "concatenate", "sum" or "mean"
        How the two outputs become one.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Bidirectional(bl.LSTM(16, return_sequences=True)).output_shape((20, 3))
    (20, 32)

    With ``return_states=True``, the dict has "forward" and "backward", each as of that layer.

    References
    ----------
    Schuster, Paliwal: Bidirectional Recurrent Neural Networks, IEEE Transactions on Signal Processing 45(11), 1997.
    """

    body: _Recurrent
    combine: str = "concatenate"

    def __post_init__(self) -> None:
        require_way("Bidirectional", self.combine)
        if not isinstance(self.body, _Recurrent) or self.body.reverse:
            raise InputError(
                f"Bidirectional needs a recurrent layer that reads forward, such as bl.LSTM(64), got {self.body!r}"
            )
        if self.body.stateful:
            raise InputError(
                f"Bidirectional: {self.body!r} carries its state to the next batch, but the way back starts at "
                "the end of it; leave stateful out"
            )

    def parts(self) -> list[tuple[str, Layer]]:
        return [("forward", self.body), ("backward", dataclasses.replace(self.body, reverse=True))]

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params = {name: init_part(key, name, layer, input_shape)[0] for name, layer in self.parts()}
        return params, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = [layer.output_shape(input_shape) for _, layer in self.parts()]
        return merged_shape("Bidirectional", self.combine, shapes)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        results = [ctx.run(name, layer, params, x) for name, layer in self.parts()]
        if not self.body.return_states:
            return merge(self.combine, results)
        (forward, forward_states), (backward, backward_states) = results
        return merge(self.combine, [forward, backward]), {"forward": forward_states, "backward": backward_states}


@dataclass(frozen=True, repr=False, init=False)
class Masked(Layer):
    """Layers for sequences of different length, filled up at their ends (or anywhere) with a value.

    A time step at which the input, or each of its features, equals `value` is padding: recurrent layers inside stand
    still there, in both directions, and their outputs for it are 0. So padding never changes a result.

    Parameters
    ----------
    *layers : Layer
        One layer, or several one after another (their parameters are under "body"). Layers that change the number of
        time steps belong outside.
    value : float
        What sequences are filled up with, NaN included; for whole numbers (an embedding comes first) the number.

    Raises
    ------
    InputError
        If a sequence is all padding (in a compiled program its output is then NaN).

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Masked(bl.LSTM(4)).build((3, 2))
    >>> short, long = np.ones((1, 2, 2), "float32"), np.pad(np.ones((1, 2, 2), "float32"), ((0, 0), (0, 1), (0, 0)))
    >>> bool((network(long) == bl.Masked(bl.LSTM(4)).build((2, 2))(short)).all())
    True
    """

    body: Layer
    value: float = 0.0

    def __init__(self, *layers: Layer, body: Layer | None = None, value: float = 0.0) -> None:
        parts = layers if body is None else (body, *layers)
        if not parts:
            raise InputError("Masked needs at least one layer, as in bl.Masked(bl.LSTM(64))")
        require_layers("Masked", parts)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"Masked: value must be a number, got {value!r}")
        object.__setattr__(self, "body", parts[0] if len(parts) == 1 else Sequential(*parts))
        object.__setattr__(self, "value", value)

    def parts(self) -> list[tuple[str, Layer]]:
        return [("body", self.body)]

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        body_params, shape = init_part(key, "body", self.body, input_shape)
        return {"body": body_params}, shape

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.body.output_shape(input_shape)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        mask = time_mask("Masked", x, self.value)
        if math.isnan(self.value):  # what isn't a number would spoil sums though it is passed over
            x = where(mask.reshape(mask.shape + (1,) * (len(x.shape) - 2)), x, 0.0)
        output = dataclasses.replace(ctx, time_mask=mask).run("body", self.body, params, x)
        return output if namespace(mask) is np else _spoilt(output, mask.any(axis=1))

    def __repr__(self) -> str:
        value = "" if self.value == 0.0 else f", value={self.value!r}"
        return f"Masked({self.body!r}{value})"


def time_mask(where: str, x: Any, padding: float) -> Any:
    """Which steps (rows, time) of sequences (rows, time, ...) aren't padding.

    Raises
    ------
    InputError
        If a sequence is nothing but padding; in a compiled program nobody can tell.
    """
    values = value_of(x)
    if len(values.shape) < 2:
        raise ShapeError(f"{where} needs inputs of shape (rows, time, ...), got {tuple(values.shape)}")
    xp = namespace(values)
    known = ~xp.isnan(values) if math.isnan(padding) else values != padding
    mask = xp.any(known.reshape(*values.shape[:2], -1), axis=2)
    if xp is np and not mask.any(axis=1).all():
        rows = np.flatnonzero(~mask.any(axis=1))
        raise InputError(
            f"{where}: {len(rows)} of {len(mask)} sequences are nothing but padding ({padding}), the first in "
            f"row {rows[0]}; leave them out, or fill up with another value"
        )
    return mask


def _spoilt(output: Any, full: Any) -> Any:
    """NaN for the rows that have no time steps."""
    if isinstance(output, tuple):
        return (_spoilt(output[0], full), *output[1:])
    return where(full.reshape((-1,) + (1,) * (len(output.shape) - 1)), output, np.nan)


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
        body_params, shape = init_part(key, "body", self.body, self._step(input_shape))
        return ({"body": body_params} if body_params else {}), (input_shape[0], *shape)

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
