"""PyTorch's attention, Transformer layers and positions as layers of Backlit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import fx, nn

from backlit.exchange.torch.reader import Reader, Value
from backlit.nn.layer import Layer
from backlit.nn.layers.normalization import LayerNorm
from backlit.nn.layers.positions import PositionalEncoding, sinusoids
from backlit.nn.layers.transformer import MultiHeadAttention, TransformerBlock

_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu", "Tanh": "tanh"}


def attention(
    r: Reader,
    m: nn.MultiheadAttention,
    query: Any,
    key: Any,
    value: Any,
    key_padding_mask: Any = None,
    **more: Any,
) -> tuple[Value, None]:
    """Of a sequence with itself; its weights can't be asked for."""
    if not isinstance(query, Value) or query != key or query != value:
        r.refuse("query, key and value must be one sequence: Backlit's networks look at themselves")
    if key_padding_mask is not None:
        r.refuse("padding has no counterpart inside; wrap what reads the sequence in bl.Masked later")
    if m.bias_k is not None or m.add_zero_attn or not m._qkv_same_embed_dim:
        r.refuse("add_bias_kv, add_zero_attn, kdim and vdim have no counterpart")
    layer = MultiHeadAttention(
        m.embed_dim,
        m.num_heads,
        causal=_causal(r, more.get("attn_mask")),
        dropout=m.dropout,
        bias=m.in_proj_bias is not None,
    )
    return _in_time(r, m, query, layer), None


def own_attention(r: Reader, m: Any, x: Value) -> Value:
    """What `to_torch` makes of a `MultiHeadAttention`."""
    return _in_time(r, m, x, m.layer)


def block(
    r: Reader,
    m: nn.TransformerEncoderLayer,
    src: Value,
    src_mask: Any = None,
    src_key_padding_mask: Any = None,
    is_causal: bool = False,
) -> Value:
    """A `TransformerBlock`."""
    if src_key_padding_mask is not None:
        r.refuse("padding has no counterpart inside; wrap what reads the sequence in bl.Masked later")
    name = getattr(m.activation, "__name__", type(m.activation).__name__)
    if name not in _ACTIVATIONS:
        r.refuse(
            f"its activation {name} has no counterpart here; there are {', '.join(sorted(set(_ACTIVATIONS.values())))}"
        )
    if m.self_attn.in_proj_bias is None or m.linear1.bias is None:
        r.refuse("bias=False has no counterpart")
    if {m.norm1.eps, m.norm2.eps} != {LayerNorm().epsilon}:
        r.refuse(f"layer_norm_eps must be {LayerNorm().epsilon}")
    layer = TransformerBlock(
        m.self_attn.embed_dim,
        m.self_attn.num_heads,
        hidden=m.linear1.out_features,
        activation=_ACTIVATIONS[name],
        norm_first=m.norm_first,
        causal=_causal(r, src_mask),
        dropout=m.dropout.p,
    )
    return _in_time(r, m, src, layer, m.self_attn.batch_first)


def encoder(r: Reader, m: nn.TransformerEncoder, src: Value, mask: Any = None, **more: Any) -> Value:
    """Blocks, and a norm behind them."""
    for layer in m.layers:
        src = block(r, layer, src, mask, more.get("src_key_padding_mask"))
    if m.norm is None:
        return src
    if not isinstance(m.norm, nn.LayerNorm):
        r.refuse(f"the norm behind its layers is {type(m.norm).__name__}; only LayerNorm has a counterpart")
    norm = LayerNorm(epsilon=m.norm.eps, affine=m.norm.elementwise_affine)
    return r.alike(norm, src, **r.learned(m.norm, norm))


def _in_time(r: Reader, m: Any, x: Value, layer: Layer, batch_first: bool | None = None) -> Value:
    first = m.batch_first if batch_first is None else batch_first
    if len(x.shape) != 3:
        r.refuse(f"it needs a batch (batch, time, features), got a value of shape {x.shape}")
    x = r.ordered(x, (0, 1, 2) if first else (1, 0, 2))
    return r.alike(layer, x, **r.learned(m, layer))


def _causal(r: Reader, mask: Any) -> bool:
    """Whether a mask is that of steps to come; none at all is fine, another is refused."""
    if mask is None:
        return False
    if not isinstance(mask, torch.Tensor):
        r.refuse("its mask is computed from the input")
    hidden = mask if mask.dtype == torch.bool else torch.isneginf(mask)
    future = torch.ones(mask.shape[-2:], dtype=torch.bool, device=mask.device).triu(1)
    rest = mask if mask.dtype == torch.bool else torch.where(hidden, 0.0, mask)
    if not torch.equal(hidden, future.expand(mask.shape)) or (mask.dtype != torch.bool and bool(rest.any())):
        r.refuse("of masks only the causal one has a counterpart: a step sees itself and the steps before it")
    return True


# ------------------------------------------------------------------------------------------- positions


def positions(r: Reader, x: Value, table: torch.Tensor) -> Value:
    """A sequence plus something known: a learned table, or sines and cosines."""
    x = r.last(r.settled(x), -1)
    axis = x.axes[1] if len(x.axes) == 3 else -1
    rows = table.detach().cpu().numpy()
    rows = rows.reshape([size for size in rows.shape if size > 1] if rows.ndim > 2 else rows.shape)
    time, size = x.shape[axis], x.shape[-1]
    if axis < 0 or rows.shape != (time, size):
        r.refuse(f"a value of shape {x.shape} and something known of shape {tuple(table.shape)} are added; that has a "
                 "counterpart only if it gives each step of a sequence its position, (time, features)")  # fmt: skip
    if not _learned(r, table):
        close = np.abs(rows - sinusoids(time, size)).max() < 1e-5
        if not close:
            r.refuse("what is added is neither learned nor the sines and cosines of positions")
        return r.alike(PositionalEncoding(), x)
    weight = _source(r)
    if weight is None:
        r.refuse("what is added was computed from something learned; only a table of positions has a counterpart")
    whole = weight.reshape(-1, size)
    if not np.array_equal(whole[:time].detach().cpu().numpy(), rows):
        r.refuse("of the table of positions the first rows must be added, in their order")
    layer = PositionalEncoding("learned", length=whole.shape[0])
    values = r.learned(nn.Module(), layer, weight=weight)
    values["params"] = {"weight": values["params"]["weight"].reshape(-1, size)}
    return r.alike(layer, x, **values)


def _learned(r: Reader, table: torch.Tensor) -> bool:
    """Whether a parameter is behind a constant."""
    return _source(r) is not None or table.requires_grad


def _source(r: Reader) -> nn.Parameter | None:
    """The parameter that the constant of a sum was read from: by an index, or as an embedding of positions."""
    for node in r.node.all_input_nodes:
        while isinstance(node, fx.Node) and not isinstance(r.values.get(node), Value):
            if node.op == "get_attr":
                value = r.shapes[node].value
                return value if isinstance(value, nn.Parameter) else None
            if node.op == "call_module":
                module = r.graph.get_submodule(str(node.target))
                return module.weight if isinstance(module, nn.Embedding) else None
            inputs = [one for one in node.all_input_nodes if isinstance(r.shapes[one].value, torch.Tensor)]
            if len(inputs) != 1:
                break
            node = inputs[0]
    return None
