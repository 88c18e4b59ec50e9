"""Attention and positions as PyTorch modules, with padding that a `Masked` tells them of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from backlit.exchange.torch.own import Own
from backlit.nn.layer import Layer
from backlit.nn.layers.positions import angles, sinusoids


def attended(layer: Any, qkv: Tensor, mask: Tensor | None, training: bool) -> Tensor:
    """What each step takes from all: ``qkv: (batch, time, 3 · features)``."""
    rows, time, _ = qkv.shape
    query, key, value = qkv.reshape(rows, time, 3, layer.heads, -1).permute(2, 0, 3, 1, 4)
    if layer.rotary:
        query, key = _turned(query, mask), _turned(key, mask)
    allowed = None
    if mask is not None or layer.causal:
        allowed = torch.ones(rows, 1, time, time, dtype=torch.bool, device=qkv.device)
        allowed = allowed.tril() if layer.causal else allowed
        allowed = allowed if mask is None else allowed & mask[:, None, None]
        allowed = allowed | ~allowed.any(dim=-1, keepdim=True)  # a step before which all is padding sees all
    dropout = layer.dropout if training else 0.0
    taken = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed, dropout_p=dropout)
    return taken.transpose(1, 2).flatten(2)


def _turned(x: Tensor, mask: Tensor | None) -> Tensor:
    """Rotary positional encoding, by halves: see `backlit.rotary`."""
    time, size = x.shape[-2:]
    turn = torch.tensor(angles(time, size // 2, 10000.0), dtype=x.dtype, device=x.device)
    if mask is not None:
        turn = turn[(mask.cumsum(1) - 1).clamp(min=0)][:, None]
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * turn.cos() - second * turn.sin(), first * turn.sin() + second * turn.cos()], dim=-1)


class MultiHeadAttention(nn.MultiheadAttention):
    """`torch.nn.MultiheadAttention` of a sequence with itself; causal and with rotary positions, if the layer is."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer.units, layer.heads, dropout=layer.dropout, bias=layer.bias, batch_first=True)
        self.layer: Any = layer
        self.time_mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, features)``."""
        qkv = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        return self.out_proj(attended(self.layer, qkv, self.time_mask, self.training))


class ScaledDotProduct(Own):
    """Attention of queries, keys and values that come side by side."""

    def __init__(self, layer: Layer, *values: Any) -> None:
        super().__init__(layer, *values)
        self.time_mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, 3 · features)``."""
        return attended(self.layer, x, self.time_mask, self.training)


class PositionalEncoding(Own):
    """Adds sines and cosines of positions, or learned rows."""

    def __init__(self, layer: Layer, *values: Any) -> None:
        super().__init__(layer, *values)
        self.time_mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, features)``."""
        layer: Any = self.layer
        if layer.kind == "learned":
            table = self.weight
        else:
            table = torch.tensor(sinusoids(x.shape[1], x.shape[2], layer.base), dtype=x.dtype, device=x.device)
        if self.time_mask is None:
            return x + table[: x.shape[1]]
        return x + table[(self.time_mask.cumsum(1) - 1).clamp(min=0)]
