"""Attention as one operation: block by block of the queries, its derivative in closed form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backlit.errors import ShapeError
from backlit.graph.kernels import product
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.shape import concatenate, pad, stack
from backlit.graph.ops.stable import softmax
from backlit.graph.registry import primitive, sample
from backlit.graph.tensor import value_of

BLOCK, BLOCKS = 64, 8  # queries at once, so that their scores stay in the cache; and the most parts of a sequence
_MASK = np.array([[True, True, False, False, False], [False, True, True, True, True]])


def allowed_keys(like: Any, first: int, shape: tuple[int, ...], causal: bool, mask: Any) -> Any:
    """Where queries may look, to be broadcast to scores (rows, heads, queries, keys); None: everywhere.

    Parameters
    ----------
    like : array
        Of the engine that is wanted.
    first : int
        Place, among the keys, of the first query.
    shape : tuple of int
        (..., queries, keys).
    causal : bool
    mask : boolean array (rows, keys) or None
    """
    below = np.tri(shape[-2], shape[-1], first).astype(bool)[None, None] if causal else None
    if mask is None:
        return below
    keys = value_of(mask).astype(bool)[:, None, None, : shape[-1]]
    return keys if below is None else keys & namespace(value_of(like)).asarray(below)


def shares(query: Any, key: Any, allowed: Any) -> Any:
    """``softmax(Q Kᵀ / √size)`` where keys may be looked at, 0 elsewhere; of a query that may see none, all alike."""
    scores = product(query, key.mT) * (query.shape[-1] ** -0.5)
    if allowed is not None:  # a finite number: infinite ones would make NaN of a query that may see none
        scores = where(allowed, scores, -0.5 * float(np.finfo(str(scores.dtype)).max))
    return softmax(scores)


def _blocks(time: int, causal: bool) -> Iterator[tuple[slice, slice]]:
    """Queries, and the keys that some of them may see."""
    size = max(BLOCK, -(-time // BLOCKS))
    for start in range(0, time, size):
        stop = min(time, start + size)
        yield slice(start, stop), slice(0, stop if causal else time)


def _rule(g: Any, y: Any, qkv: Any, *, causal: bool = False, mask: Any = None) -> Any:
    query, key, value = qkv[0], qkv[1], qkv[2]
    time, scale = query.shape[-2], query.shape[-1] ** -0.5
    by_query, by_key, by_value = [], 0.0, 0.0
    for rows, keys in _blocks(time, causal):
        q, k, v, upstream = query[:, :, rows], key[:, :, keys], value[:, :, keys], g[:, :, rows]
        allowed = allowed_keys(g, rows.start, (rows.stop - rows.start, keys.stop), causal, mask)
        p = shares(q, k, allowed)
        through = (upstream * y[:, :, rows]).sum(axis=-1, keepdims=True)
        by_scores = p * (product(upstream, v.mT) - through) * scale
        if mask is not None:  # a query that may see none has shares that no score changes
            by_scores = where(allowed, by_scores, 0.0)
        by_query.append(product(by_scores, k))
        widths = ((0, 0), (0, 0), (0, time - keys.stop), (0, 0))
        # Aᵀ B as (Bᵀ A)ᵀ: what is transposed is then the smaller of two.
        by_key = by_key + pad(product(q.mT, by_scores).mT, widths=widths)
        by_value = by_value + pad(product(upstream.mT, p).mT, widths=widths)
    return stack([concatenate(by_query, axis=2), by_key, by_value])


def _torch(torch: Any, qkv: Any, causal: bool = False, mask: Any = None) -> Any:
    time = qkv.shape[-2]
    allowed = torch.ones(time, time, dtype=torch.bool).tril() if causal else torch.ones(time, time, dtype=torch.bool)
    if mask is not None:
        allowed = allowed & torch.tensor(mask)[:, None, None]
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # which has second derivatives
        return torch.nn.functional.scaled_dot_product_attention(*qkv, attn_mask=allowed)


@primitive(
    vjp=(_rule,),
    samples=(
        sample((3, 2, 2, 5, 4)),
        sample((3, 2, 1, 5, 2), causal=True),
        sample((3, 2, 2, 5, 2), mask=_MASK),
        sample((3, 1, 1, BLOCK + 3, 2), causal=True),
    ),
    torch=_torch,
    shapes="It needs queries, keys and values of one shape: (3, rows, heads, time, size).",
    gate="takes of the upstream gradient, for each value, the weights' shares; for scores, what changes the shares",
)
def attention(xp: Any, qkv: Any, *, causal: bool = False, mask: Any = None) -> Any:
    """``softmax(Q Kᵀ / √size) V``, head by head: (3, rows, heads, time, size) -> (rows, heads, time, size).

    With P for the shares and G for the upstream gradient, ``∂L/∂V = Pᵀ G``, ``∂L/∂S = P ∘ (G Vᵀ - Σ G ∘ Y)``,
    ``∂L/∂Q = ∂L/∂S K / √size`` and ``∂L/∂K = ∂L/∂Sᵀ Q / √size``. P isn't kept for the backward pass.

    Parameters
    ----------
    qkv : (3, rows, heads, time, size)
        Queries, keys and values.
    causal : bool
        Whether a step sees only itself and the steps before it; what it can't see isn't computed.
    mask : boolean array (rows, time), optional
        False at steps that nobody may look at. A query that may see none takes the mean of all values.

    References
    ----------
    Vaswani et al.: Attention Is All You Need, NIPS 2017 (arXiv:1706.03762). By blocks, the shares computed anew: Dao,
    Fu, Ermon, Rudra, Ré: FlashAttention, NeurIPS 2022 (arXiv:2205.14135).

    >>> import numpy as np
    >>> q = k = np.array([[9.0, 0.0], [0.0, 9.0]])
    >>> attention(np.stack([q, k, [[1.0, 2.0], [3.0, 4.0]]])[:, None, None])[0, 0].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if len(qkv.shape) != 5 or qkv.shape[0] != 3:
        raise ShapeError(f"attention needs queries, keys and values (3, rows, heads, time, size), got {qkv.shape}")
    query, key, value = qkv[0], qkv[1], qkv[2]
    taken = []
    for rows, keys in _blocks(query.shape[-2], causal):
        q, k = query[:, :, rows], key[:, :, keys]
        allowed = allowed_keys(qkv, rows.start, (rows.stop - rows.start, keys.stop), causal, mask)
        taken.append(product(shares(q, k, allowed), value[:, :, keys]))
    return xp.concatenate(taken, axis=2)
