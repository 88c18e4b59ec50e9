"""Layers that write a sequence: a decoder, and the encoder that tells it what to write about."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, unknown
from backlit.graph.op import namespace
from backlit.graph.ops.elementwise import tanh
from backlit.graph.ops.indexing import take
from backlit.graph.ops.linalg import linear
from backlit.graph.ops.shape import concatenate
from backlit.graph.tensor import value_of
from backlit.nn import initializers
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import below_one, whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, init_part
from backlit.nn.layers.attention import AdditiveAttention, dot_attention
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.sequence import time_mask

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
ATTENTIONS = ("dot", "additive")
Memory = dict[str, Any]  # what the encoder said, in the form in which the decoder looks at it


@dataclass(frozen=True, repr=False)
class Decoder(Layer):
    """Writes tokens one after another: (rows, features) or (rows, time, features) -> logits (rows, steps, tokens).

    Each step sees the token before it and its own state, ``hₜ = cell(E[wₜ₋₁], hₜ₋₁)``, where ``h₀ = tanh(B m)`` comes
    from the input (of a sequence: the mean m over its steps). With attention, the step then takes from the input what
    fits, ``aₜ = attention(hₜ, input)``, and both make the logits, ``V tanh(C [aₜ, hₜ])``; without, ``V hₜ``.

    While training, the token before is the true one (teacher forcing), whole sequences at once. In use it is the one
    that the decoder itself finds likeliest; see `beam_search` for a wider search.

    Parameters
    ----------
    tokens : int
        How many there are to choose from.
    steps : int
        Most tokens of a sequence, its end included.
    units : int
    cell : "lstm", "gru" or "rnn"
    layers : int
        Recurrent layers, one above another.
    embedding : int
        Length of a token's vector.
    attention : "dot" or "additive", optional
        For inputs with an axis of time: see `dot_attention`, `AdditiveAttention`.
    dropout : float
        Share of each recurrent layer's inputs that is left out while training.
    start, end : int
        Tokens that stand before the first and after the last.

    Raises
    ------
    ShapeError
        If attention is wanted where the input has no axis of time.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Decoder(tokens=30, steps=6, units=8).build((4,))
    >>> network(np.zeros((2, 4), "float32")).shape
    (2, 6, 30)

    References
    ----------
    Sutskever, Vinyals, Le, NIPS 2014 (arXiv:1409.3215). Attention after the recurrent step: Luong, Pham, Manning, EMNLP
    2015 (arXiv:1508.04025).
    """

    tokens: int = whole()
    steps: int = whole()
    units: int = whole(128)
    cell: str = "lstm"
    layers: int = whole(1)
    embedding: int = whole(64)
    attention: str | None = None
    dropout: float = below_one(0.0)
    start: int = 2
    end: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell not in CELLS:
            raise unknown("cell of Decoder", self.cell, CELLS)
        if self.attention is not None and self.attention not in ATTENTIONS:
            raise unknown("attention of Decoder", self.attention, ATTENTIONS)
        if not (0 <= self.start < self.tokens and 0 <= self.end < self.tokens):
            raise InputError(f"Decoder: start and end must be tokens from 0 to {self.tokens - 1}, got {self}")
        self._cells()

    def _cells(self) -> list[Any]:
        kind = CELLS[self.cell]
        return [kind(self.units, return_sequences=True, dropout=self.dropout) for _ in range(self.layers)]

    def _attention(self) -> AdditiveAttention:
        return AdditiveAttention(self.units)

    # ------------------------------------------------------------------------------------- parameters, shapes

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        output = self.output_shape(input_shape)
        features = input_shape[-1]
        draw = initializers.get("xavier")

        def dense(name: str, inputs: int, outputs: int) -> Params:
            return {"weight": draw(key.child(name), (inputs, outputs)).T, "bias": np.zeros(outputs)}

        table = initializers.get("normal:1")(key.child("embedding"), (self.tokens, self.embedding))
        params: Params = {"embedding": {"weight": table}}
        size = self.embedding
        for i, cell in enumerate(self._cells()):
            params[f"cell{i}"] = init_part(key, f"cell{i}", cell, (self.steps, size))[0]
            for state in cell.states:
                params[f"start{i}_{state}"] = dense(f"start{i}_{state}", features, self.units)
            size = self.units
        if self.attention == "additive":
            params["attention"] = self._attention().init(key.child("attention"), self.units, features)
        if self.attention == "dot":
            params["attention"] = {"weight": draw(key.child("attention"), (features, self.units)).T}
        if self.attention:
            params["combined"] = dense("combined", features + self.units, self.units)
        params["output"] = dense("output", self.units, self.tokens)
        return params, output

    def output_shape(self, input_shape: Shape) -> Shape:
        expected = (2,) if self.attention else (1, 2)
        if len(input_shape) not in expected:
            shapes = "(time, features)" if self.attention else "(features,) or (time, features)"
            raise ShapeError(
                f"{self} needs inputs of shape {shapes}, got {input_shape}; an encoder such as "
                "bl.LSTM(64, return_sequences=True) gives a sequence, bl.LSTM(64) or bl.Flatten() a row"
            )
        return (self.steps, self.tokens)

    def cost(self, input_shape: Shape) -> int:
        features = input_shape[-1]
        sizes = [self.embedding, *[self.units] * (self.layers - 1)]
        count = sum(cell.cost((self.steps, size)) for cell, size in zip(self._cells(), sizes, strict=True))
        if self.attention:
            count += self.steps * (2 * input_shape[0] * features + (features + self.units) * self.units)
        return int(count + self.steps * self.units * self.tokens)

    # ---------------------------------------------------------------------------------------------- the call

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        memory, states = self.begin(params, x, ctx)
        if ctx.targets is not None:
            return self.advance(params, memory, states, self._before(ctx.targets), ctx)[0]
        xp = namespace(value_of(x))
        token = xp.full((x.shape[0], 1), self.start, dtype="int32")
        ended = xp.zeros((x.shape[0],), dtype=bool)
        written: list[Any] = []
        for _ in range(self.steps):
            logits, states, _ = self.advance(params, memory, states, token, ctx, keep=True)
            written.append(logits)
            token = value_of(logits).argmax(axis=-1).astype("int32")
            ended = ended | (token[:, 0] == self.end)
            if xp is np and ended.all():  # what follows the end says nothing
                written += [np.zeros_like(logits)] * (self.steps - len(written))
                break
        return concatenate(written, axis=1)

    def _before(self, targets: Any) -> Any:
        """The token before each target."""
        xp = namespace(targets)
        if tuple(targets.shape[1:]) != (self.steps,):
            raise ShapeError(f"{self} needs targets of shape (rows, {self.steps}), got {tuple(targets.shape)}")
        first = xp.full((targets.shape[0], 1), self.start, dtype=targets.dtype)
        return xp.concat([first, xp.where(targets >= 0, targets, self.end)[:, :-1]], axis=1)

    def begin(self, params: Params, x: Any, ctx: Context) -> tuple[Memory, list[dict[str, Any]]]:
        """What attention looks at, and each recurrent layer's states before the first step."""
        mask = ctx.time_mask
        memory: Memory = {}
        if self.attention:
            memory = {"keys": linear(x, params["attention"]["weight"]) if self.attention == "dot" else x, "values": x}
            memory |= {} if mask is None else {"mask": mask}
        if len(x.shape) == 3:
            if mask is None:
                x = x.mean(axis=1)
            else:  # padding is zero in x
                count = mask.astype(x.dtype).sum(axis=1)[:, None]
                x = x.sum(axis=1) / (count + (count == 0))
        starts = [
            {name: tanh(_dense(params[f"start{i}_{name}"], x)) for name in cell.states}
            for i, cell in enumerate(self._cells())
        ]
        return memory, starts

    def advance(
        self, params: Params, memory: Memory, states: list[Any], tokens: Any, ctx: Context, keep: bool = False
    ) -> tuple[Any, list[Any], Any]:
        """Logits (rows, n, tokens) of the steps that follow `tokens` (rows, n).

        With `keep`, also the states after them; with attention, its weights (rows, n, time).
        """
        ctx = dataclasses.replace(ctx, time_mask=None)
        y = take(params["embedding"]["weight"], tokens, axis=0)
        after = []
        for i, cell in enumerate(self._cells()):
            if keep:
                cell = dataclasses.replace(cell, return_states=True)
            y = ctx.run(f"cell{i}", cell, params, y, initial=states[i])
            if keep:
                y, cell_states = y
                after.append(cell_states["last"])
        weights = None
        if self.attention:
            look = dot_attention if self.attention == "dot" else self._look(params)
            taken, weights = look(y, memory["keys"], memory["values"], mask=memory.get("mask"))
            y = tanh(_dense(params["combined"], concatenate([taken, y], axis=-1)))
        return _dense(params["output"], y), after, weights

    def _look(self, params: Params) -> Any:
        attention = self._attention()
        return lambda query, keys, values, mask: attention(params["attention"], query, keys, values, mask=mask)


@dataclass(frozen=True, repr=False)
class EncoderDecoder(Layer):
    """An encoder of any kind, and a `Decoder` that writes from what it says.

    Parameters
    ----------
    encoder : Layer
        Its output has shape (rows, features), or (rows, time, features), which attention needs.
    decoder : Decoder
    padding : float, optional
        What shorter input sequences are filled up with: recurrent layers of the encoder stand still there (as in
        `Masked`), and attention doesn't look there.

    Examples
    --------
    A reader of sequences with attention, and a writer of captions for pictures:

    >>> import backlit as bl
    >>> reader = bl.Sequential(bl.Embedding(30, 16), bl.LSTM(32, return_sequences=True))
    >>> writer = bl.Decoder(tokens=30, steps=10, units=32, attention="dot")
    >>> bl.EncoderDecoder(reader, writer, padding=0).output_shape((12,))
    (10, 30)
    >>> bl.EncoderDecoder(bl.Linear(64), bl.Decoder(tokens=30, steps=10)).output_shape((64,))
    (10, 30)
    """

    encoder: Layer
    decoder: Decoder
    padding: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.encoder, Layer) or not isinstance(self.decoder, Decoder):
            raise InputError(f"EncoderDecoder needs a layer and a bl.Decoder, got {self.encoder!r}, {self.decoder!r}")

    def parts(self) -> list[tuple[str, Layer]]:
        return [("encoder", self.encoder), ("decoder", self.decoder)]

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        between = self.encoder.output_shape(input_shape)
        return [("encoder", self.encoder, input_shape), ("decoder", self.decoder, between)]

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params: Params = {}
        shape = input_shape
        for name, layer in self.parts():
            part_params, shape = init_part(key, name, layer, shape)
            params |= {name: part_params} if part_params else {}
        return params, shape

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.decoder.output_shape(self.encoder.output_shape(input_shape))

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        encoded, inner = self.encode(params, x, ctx)
        return inner.run("decoder", self.decoder, params, encoded)

    def encode(self, params: Params, x: Any, ctx: Context) -> tuple[Any, Context]:
        """The encoder's output, and the context that knows which of its steps are padding."""
        if self.padding is not None:
            ctx = dataclasses.replace(ctx, time_mask=time_mask("EncoderDecoder", x, self.padding))
        return ctx.run("encoder", self.encoder, params, x), ctx


def _dense(params: Params, x: Any) -> Any:
    return linear(x, params["weight"]) + params["bias"]
