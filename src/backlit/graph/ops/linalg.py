"""Linear algebra."""

from __future__ import annotations

from typing import Any

from backlit.graph.op import primitive
from backlit.graph.samples import sample


def _matmul_first(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(b.shape) == 1:
        return g[..., None] * b
    if len(a.shape) == 1:
        return (g[..., None, :] @ b.mT)[..., 0, :]
    return g @ b.mT


def _matmul_second(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(a.shape) == 1:
        return a[:, None] * g[..., None, :] if len(b.shape) > 1 else g * a
    if len(b.shape) == 1:
        return (a * g[..., None]).reshape(-1, a.shape[-1]).sum(axis=0)
    return a.mT @ g


@primitive(
    vjp=(_matmul_first, _matmul_second),
    samples=(
        sample((2, 3), (3, 4)),
        sample((3,), (3, 4)),
        sample((2, 3), (3,)),
        sample((3,), (3,)),
        sample((5, 2, 3), (3, 4)),
        sample((5, 2, 3), (1, 3, 4)),
        sample((3,), (5, 3, 4)),
        sample((5, 2, 3), (3,)),
    ),
    torch="matmul",
    shapes="The last size of the first must equal the second-to-last size of the second (its only one, for a vector).",
    gate="swaps: ∂L/∂A = upstream · Bᵀ, ∂L/∂B = Aᵀ · upstream",
)
def matmul(xp: Any, a: Any, b: Any) -> Any:
    """Matrix product ``Y = A B`` over the last two axes; the axes before them broadcast.

    a : (..., n, k) or (k,); b : (..., k, m) or (k,). Gradients: ``∂L/∂A = G Bᵀ``, ``∂L/∂B = Aᵀ G``.

    >>> import numpy as np
    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    return a @ b


@primitive(
    vjp=(lambda g, y, x: g.mT,),
    samples=(sample((2, 3)), sample((5, 2, 3))),
    torch=lambda torch, x: x.mT,
    gate="routes each gradient back to its element",
)
def matrix_transpose(xp: Any, x: Any) -> Any:
    """The last two axes swapped: (..., n, m) -> (..., m, n)."""
    return x.mT
