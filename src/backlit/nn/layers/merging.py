"""How several arrays become one: where branches of a network meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from backlit.errors import ShapeError, unknown
from backlit.graph.ops.elementwise import softplus
from backlit.graph.ops.reduction import logsumexp
from backlit.graph.ops.shape import concatenate, stack
from backlit.graph.ops.stable import log_softmax
from backlit.nn.layer import Shape

WAYS = ("concatenate", "sum", "mean", "mean_softmax", "mean_sigmoid")


def require_way(kind: str, way: str) -> None:
    """Refuse an unknown way."""
    if way not in WAYS:
        raise unknown(f"combine of {kind}", way, WAYS)


def merged_shape(where: str, way: str, shapes: Sequence[Shape]) -> Shape:
    """Shape, without the batch axis, of some arrays put together.

    >>> merged_shape("here", "concatenate", [(4, 2), (4, 3)])
    (4, 5)
    """
    first = shapes[0]
    if len(shapes) == 1:
        return first
    if way == "concatenate":
        if not first or any(not shape or shape[:-1] != first[:-1] for shape in shapes):
            raise ShapeError(
                f"{where}: shapes {_listed(shapes)} can't be concatenated: all sizes but the last must be equal"
            )
        return (*first[:-1], sum(shape[-1] for shape in shapes))
    if any(shape != first for shape in shapes):
        raise ShapeError(
            f"{where}: shapes {_listed(shapes)} have no {way}: they must be equal; use combine='concatenate'"
        )
    return first


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(str, shapes))


def merge(way: str, arrays: Sequence[Any]) -> Any:
    """The arrays put together: one after another along the last axis, or added, or averaged.

    Logits can be averaged as probabilities: "mean_softmax" gives ``log(mean of softmax(z))``, "mean_sigmoid"
    ``logit(mean of sigmoid(z))``.
    """
    if len(arrays) == 1:
        return arrays[0]
    if way == "concatenate":
        return concatenate(list(arrays), axis=-1)
    if way == "mean_softmax":
        return logsumexp(stack([log_softmax(z, axis=-1) for z in arrays]), axis=0) - math.log(len(arrays))
    if way == "mean_sigmoid":  # log σ(z) = -softplus(-z), and log(1 - σ(z)) = -softplus(z)
        yes, no = (logsumexp(stack([-softplus(sign * z) for z in arrays]), axis=0) for sign in (-1, 1))
        return yes - no
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total * (1.0 / len(arrays)) if way == "mean" else total
