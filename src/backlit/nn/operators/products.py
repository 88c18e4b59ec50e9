"""ONNX's matrix products."""

from __future__ import annotations

from typing import Any

from backlit.graph import ops
from backlit.nn.operators.table import Call, fixed, is_whole, operator, plain


@operator("MatMul", least=2)
def _matmul(call: Call, a: Any, b: Any) -> Any:
    if is_whole(a, b):
        xp, a, b = plain(a, b)
        return xp.matmul(a, b)
    return ops.matmul(a, b)


@operator("Gemm", "alpha", "beta", "transA", "transB", least=2, most=3)
def _gemm(call: Call, a: Any, b: Any, c: Any = None) -> Any:
    if a.ndim != 2 or b.ndim != 2:
        call.refuse(f"multiplies matrices, got shapes {tuple(a.shape)} and {tuple(b.shape)}")
    a = ops.matrix_transpose(a) if call.flag("transA") else a
    b = ops.matrix_transpose(b) if call.flag("transB") else b
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    y = ops.matmul(a, b)
    y = y if alpha == 1 else y * fixed(alpha, y)
    if c is None or not beta:
        return y
    return y + (c if beta == 1 else c * fixed(beta, y))


@operator("Einsum", "equation", most=-1)
def _einsum(call: Call, *arrays: Any) -> Any:
    equation = str(call.text("equation", "")).replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    if not arrow:  # letters that occur once, in the alphabet's order
        letters = inputs.replace(",", "").replace("...", "")
        output = ("..." if "..." in inputs else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    terms = inputs.split(",")
    if any(len(term.replace("...", "")) != len(set(term.replace("...", ""))) for term in terms):
        call.refuse(f"takes a diagonal: {equation!r} names an axis twice in one array")
    if len(terms) != len(arrays):
        call.refuse(f"has {len(arrays)} arrays for {equation!r}")
    return ops.einsum(f"{inputs}->{output}", *arrays)
