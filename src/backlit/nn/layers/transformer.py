"""Attention of several heads, and the Transformer's block that is built around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, ShapeError
from backlit.graph.ops.attention import allowed_keys, attention, shares
from backlit.graph.ops.shape import stack, transpose
from backlit.nn import initializers
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import below_one, option, whole
from backlit.nn.layer import Layer, require_axes
from backlit.nn.layers import activations
from backlit.nn.layers.containers import Residual, _Chain
from backlit.nn.layers.dropout import Dropout, keep_factors
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.normalization import LayerNorm, RMSNorm
from backlit.nn.layers.positions import rotary, step_numbers

NORMS = {"layernorm": LayerNorm, "rmsnorm": RMSNorm}


@dataclass(frozen=True, repr=False)
class ScaledDotProductAttention(Layer):
    """What each step takes from all steps, head by head: (batch, time, 3 · features) -> (batch, time, features).

    The input holds queries, keys and values, one after another, each cut into heads of ``size = features / heads``:
    ``softmax(Q Kᵀ / √size) V``. A tap sees the softmax, (batch, heads, time, time), as "weights" below the layer's
    path. Within `Masked`, nobody looks at padding.

    Parameters
    ----------
    heads : int
    causal : bool
        Whether a step sees only itself and the steps before it.
    dropout : float
        Share of the weights that are left out while training.
    rotary : bool
        Whether queries and keys are turned by their positions: see `rotary`.

    Raises
    ------
    ShapeError
        If the input isn't (time, 3 · features) with features that the heads share evenly.

    References
    ----------
    Vaswani et al.: Attention Is All You Need, NIPS 2017 (arXiv:1706.03762), section 3.2.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.array([[[9.0, 0, 9, 0, 1, 2], [0, 9, 0, 9, 3, 4]]])  # of each step: query, key, value
    >>> bl.ScaledDotProductAttention(1)({}, x).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """

    heads: int = whole()
    causal: bool = False
    dropout: float = below_one(0.0)
    rotary: bool = False

    def output_shape(self, input_shape: Shape) -> Shape:
        require_axes(self, input_shape, 2, "(time, 3 · features)")
        time, size = input_shape
        if size % 3 or (size // 3) % self.heads:
            raise ShapeError(
                f"{self} needs queries, keys and values of equal sizes, a multiple of {self.heads} (one part for each "
                f"head), got {size} numbers a step"
            )
        if self.rotary and size // 3 // self.heads % 2:
            raise ShapeError(
                f"{self}: rotary turns pairs, so each head needs an even size, got {size // 3 // self.heads}"
            )
        return (time, size // 3)

    def init(self, key: Any, input_shape: Shape) -> tuple[Params, Shape]:
        return {}, self.output_shape(input_shape)

    def cost(self, input_shape: Shape) -> int:
        time, size = input_shape
        return 2 * time * time * (size // 3)

    def __call__(
        self, params: Params, x: Any, ctx: Context | None = None, memory: Any = None, memory_mask: Any = None
    ) -> Any:
        """The output; with a `memory` (see `MultiHeadAttention`), x holds queries, and it keys and values."""
        ctx = ensure_context(ctx)
        if memory is not None:
            query, pair = self._by_head(x, 1)[0], self._by_head(memory, 2)
            return self._joined(self._weights(ctx, query, pair[0], memory_mask) @ pair[1])
        self.output_shape(tuple(x.shape[1:]))
        ctx.require_steps(x)
        stacked = self._by_head(x, 3)
        if self.rotary:
            place = {"numbers": step_numbers(ctx), "first": ctx.steps_before(x.shape[1])}
            stacked = stack([rotary(stacked[0], **place), rotary(stacked[1], **place), stacked[2]])
        if ctx.cache is not None:
            return self._read_on(ctx, stacked)
        if ctx.tap is None and not (ctx.training and self.dropout):  # nobody sees the weights
            return self._joined(attention(stacked, causal=self.causal, mask=ctx.time_mask))
        return self._joined(self._weights(ctx, stacked[0], stacked[1], ctx.time_mask) @ stacked[2])

    def _read_on(self, ctx: Context, stacked: Any) -> Any:
        """What new steps take from themselves and all that were read before, whose keys and values were kept."""
        if not self.causal or ctx.time_mask is not None:
            raise InputError(f"{self}: only causal attention without padding can read a sequence piece by piece")
        seen = ctx.with_earlier("keys and values", stacked[1:], axis=3)
        return self._joined(self._weights(ctx, stacked[0], seen[0], None) @ seen[1])

    def _weights(self, ctx: Context, query: Any, key: Any, mask: Any) -> Any:
        """What each query takes of each value: (rows, heads, queries, keys)."""
        queries, keys = query.shape[-2], key.shape[-2]
        allowed = allowed_keys(query, keys - queries, (queries, keys), self.causal, mask)
        weights = ctx.show("weights", shares(query, key, allowed))
        return weights * keep_factors(ctx, self.dropout, weights) if ctx.training and self.dropout else weights

    def _by_head(self, x: Any, count: int) -> Any:
        """(count, rows, heads, time, size), from (rows, time, count · heads · size)."""
        rows, time, _ = x.shape
        return transpose(x.reshape((rows, time, count, self.heads, -1)), axes=(2, 0, 3, 1, 4))

    def _joined(self, taken: Any) -> Any:
        """(rows, time, heads · size), from (rows, heads, time, size)."""
        by_step = transpose(taken, axes=(0, 2, 1, 3))
        return by_step.reshape((*by_step.shape[:2], -1))


@dataclass(frozen=True, repr=False)
class MultiHeadAttention(_Chain):
    """Each step looks at all steps, with several heads: (batch, time, features) -> (batch, time, units).

    ``Q, K, V = x W_qkvᵀ + b``; each head takes ``softmax(Qₕ Kₕᵀ / √size) Vₕ``; ``y = [head₁, head₂, …] W_outᵀ + b``.
    W_qkv is "qkv/weight", (3 · units, features), and W_out "out/weight", (units, units): PyTorch's in_proj_weight and
    out_proj.weight. A tap reads each head's weights as "attend/weights", (batch, heads, time, time).

    Within `Masked`, nobody looks at padding; what comes out at padding itself means nothing.

    Parameters
    ----------
    units : int
        A multiple of the heads.
    heads : int
    causal : bool
        Whether a step sees only itself and the steps before it.
    dropout : float
        Share of the weights that are left out while training.
    bias : bool
    rotary : bool
        Whether queries and keys are turned by their positions: see `rotary`.
    weight_init : str
        Initialiser's name.

    Raises
    ------
    InputError
        If the heads can't share the units.

    References
    ----------
    Vaswani et al.: Attention Is All You Need, NIPS 2017 (arXiv:1706.03762).

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> layer = bl.MultiHeadAttention(8, 2, causal=True)
    >>> network = layer.build((5, 8))
    >>> seen = {}
    >>> y, _ = network.apply(network.params, np.ones((1, 5, 8)), tap=lambda path, y: seen.setdefault(path, y))
    >>> y.shape, seen["attend/weights"].shape, seen["attend/weights"][0, 0, 1].tolist()
    ((1, 5, 8), (1, 2, 5, 5), [0.5, 0.5, 0.0, 0.0, 0.0])

    A call by itself may look at another sequence, `memory` (rows, steps, features), with a `memory_mask` (rows, steps)
    that is False at its padding: attention from a decoder to an encoder.

    >>> bl.MultiHeadAttention(8, 2)(network.params, np.ones((1, 5, 8)), memory=np.ones((1, 7, 8))).shape
    (1, 5, 8)
    """

    units: int = whole()
    heads: int = whole()
    causal: bool = False
    dropout: float = below_one(0.0)
    bias: bool = True
    rotary: bool = False
    weight_init: str = "xavier"

    def __post_init__(self) -> None:
        super().__post_init__()
        initializers.get(self.weight_init)
        require_heads(self, self.units, self.heads, self.rotary)

    def parts(self) -> list[tuple[str, Layer]]:
        return [
            ("qkv", Linear(3 * self.units, self.bias, self.weight_init)),
            ("attend", ScaledDotProductAttention(self.heads, self.causal, self.dropout, self.rotary)),
            ("out", Linear(self.units, self.bias, self.weight_init)),
        ]

    def init(self, key: Any, input_shape: Shape) -> tuple[Params, Shape]:
        require_axes(self, input_shape, 2, "(time, features)")
        return super().init(key, input_shape)

    def __call__(
        self, params: Params, x: Any, ctx: Context | None = None, memory: Any = None, memory_mask: Any = None
    ) -> Any:
        """The output for ``x: (rows, time, features)``, which looks at itself, or at a `memory`."""
        if memory is None:
            return super().__call__(params, x, ctx)
        if self.causal or self.rotary:
            raise InputError(
                f"{self}: {'causal' if self.causal else 'rotary'} has no meaning for a memory; leave it out"
            )
        ctx = ensure_context(ctx)
        (_, qkv), (_, attend), (_, out) = self.parts()
        cut = {name: (leaf[: self.units], leaf[self.units :]) for name, leaf in params["qkv"].items()}
        query, pair = (qkv({name: part[i] for name, part in cut.items()}, of) for i, of in ((0, x), (1, memory)))
        taken = ctx.run("attend", attend, {}, query, memory=pair, memory_mask=memory_mask)
        return ctx.run("out", out, params, taken)


def require_heads(layer: Layer, units: int, heads: int, turned: bool) -> None:
    """Refuse units that the heads can't share evenly."""
    if units % heads:
        raise InputError(f"{layer}: units must be a multiple of the heads, got {units} and {heads}")
    if turned and units // heads % 2:
        raise InputError(f"{layer}: rotary turns pairs, so units / heads must be even, got {units // heads}")


@dataclass(frozen=True, repr=False)
class TransformerBlock(_Chain):
    """Attention, then two dense layers, both with a skip connection and a norm: (batch, time, units) -> the same.

    With the norm first, ``x ← x + attention(norm(x))``, ``x ← x + W₂ f(W₁ norm(x))``; else, as in the first paper,
    ``x ← norm(x + attention(x))``, ``x ← norm(x + W₂ f(W₁ x))``, which needs a warm-up of the learning rate.

    Parameters
    ----------
    units : int
        Features of each step; a multiple of the heads.
    heads : int
    hidden : int, optional
        Units of W₁; four times `units` if left out.
    activation : str
        f.
    norm_first : bool
    norm : "layernorm" or "rmsnorm"
    causal, rotary : bool
        As of `MultiHeadAttention`.
    dropout : float
        Share that is left out, while training, of the attention's weights, of f's outputs and of what is added to x.

    References
    ----------
    Vaswani et al.: Attention Is All You Need, NIPS 2017 (arXiv:1706.03762). Norm first: Xiong et al., On Layer
    Normalization in the Transformer Architecture, ICML 2020 (arXiv:2002.04745).

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Embedding(50, 16), bl.PositionalEncoding(), bl.TransformerBlock(16, 4)).build((9,))
    >>> network([[3, 1, 4, 1, 5, 9, 2, 6, 5]]).shape
    (1, 9, 16)
    """

    units: int = whole()
    heads: int = whole()
    hidden: int | None = whole(None)
    activation: str = "gelu"
    norm_first: bool = True
    norm: str = option("layernorm", names=tuple(NORMS))
    causal: bool = False
    rotary: bool = False
    dropout: float = below_one(0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        activations.get(self.activation)
        require_heads(self, self.units, self.heads, self.rotary)

    def parts(self) -> list[tuple[str, Layer]]:
        drop = [Dropout(self.dropout)] if self.dropout else []
        attention = MultiHeadAttention(
            self.units, self.heads, causal=self.causal, dropout=self.dropout, rotary=self.rotary
        )
        bend = activations.get(self.activation)
        start = "kaiming" if self.activation != "linear" else "xavier"
        dense = (Linear(self.hidden or 4 * self.units, weight_init=start), bend, *drop, Linear(self.units), *drop)
        norm = NORMS[self.norm]()
        if self.norm_first:
            return [
                ("attention", Residual(norm, attention, *drop, projection=False)),
                ("dense", Residual(norm, *dense, projection=False)),
            ]
        return [
            ("attention", Residual(attention, *drop, projection=False)),
            ("norm1", norm),
            ("dense", Residual(*dense, projection=False)),
            ("norm2", norm),
        ]
