"""Functions that would overflow, or lose digits, if they were put together from simpler ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import ShapeError
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import clip
from backlit.graph.ops.elementwise import exp, sigmoid
from backlit.graph.registry import between, integers, positive, primitive, sample
from backlit.graph.tensor import value_of

TINY = 1e-30  # smaller probabilities count as this one: their logarithm and its slope stay finite in float32
_LINES = (sample((2, 3)), sample((2, 3), axis=0), sample((4,)))


@primitive(
    vjp=(lambda g, y, x, axis=-1: y * (g - (g * y).sum(axis=axis, keepdims=True)),),
    samples=_LINES,
    torch=lambda torch, x, axis=-1: torch.softmax(x, dim=axis),
    gate="shares: y · (upstream - Σ upstream · y), so that what one gains the others lose",
)
def softmax(xp: Any, x: Any, *, axis: int = -1) -> Any:
    """Shares along an axis: ``yᵢ = e^xᵢ / Σⱼ e^xⱼ``, positive, with sum 1; finite for every finite x.

    The Jacobian matrix is ``diag(y) - y yᵀ``.

    >>> import numpy as np
    >>> softmax(np.array([1e4, 1e4])).tolist()
    [0.5, 0.5]
    """
    y = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    y /= xp.sum(y, axis=axis, keepdims=True)
    return y


@primitive(
    vjp=(lambda g, y, x, axis=-1: g - exp(y) * g.sum(axis=axis, keepdims=True),),
    samples=_LINES,
    torch=lambda torch, x, axis=-1: torch.log_softmax(x, dim=axis),
    gate="shares: upstream - softmax · Σ upstream",
)
def log_softmax(xp: Any, x: Any, *, axis: int = -1) -> Any:
    """Logarithm of `softmax`: ``yᵢ = xᵢ - ln Σⱼ e^xⱼ``, finite for every finite x."""
    x = x - xp.max(x, axis=axis, keepdims=True)
    return x - xp.log(xp.sum(xp.exp(x), axis=axis, keepdims=True))


def _cross_entropy_rule(g: Any, y: Any, logits: Any, labels: Any) -> Any:
    labels = value_of(labels)
    target = labels[..., None] == namespace(labels).arange(logits.shape[-1], dtype=labels.dtype)
    return (softmax(logits) - target) * g[..., None]


@primitive(
    vjp=(_cross_entropy_rule, None),
    samples=(sample((4, 3), integers(3, 4)), sample((2, 4, 3), integers(3, 2, 4)), sample((3,), integers(3))),
    torch=lambda torch, logits, labels: torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), reduction="none"
    ).reshape(labels.shape),
    shapes="logits need shape (..., classes), labels (...).",
    gate="compares: (softmax - target) · upstream",
)
def cross_entropy(xp: Any, logits: Any, labels: Any) -> Any:
    """Negative log probability of each true class: ``y = ln Σⱼ e^xⱼ - x_label``.

    The gradient by the logits is ``softmax(x) - one_hot(label)``.

    Parameters
    ----------
    logits : (..., k)
        Scores before softmax.
    labels : (...), whole numbers
        The true classes, 0 to k - 1.

    Returns
    -------
    (...)
        One loss an example, in nats.

    Raises
    ------
    ShapeError
        If the labels' shape isn't that of the logits without the last axis, or a label is out of range
        (in a compiled program, where values aren't known, such a loss is NaN).
    TypeError
        If the labels aren't whole numbers.

    >>> import numpy as np
    >>> cross_entropy(np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([0, 1])).round(4).tolist()
    [0.6931, 10000.0]
    """
    labels = xp.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"cross_entropy: labels must be whole numbers, got dtype {labels.dtype}; "
            "use astype, or cross_entropy_probabilities if they are probabilities"
        )
    classes = logits.shape[-1]
    if logits.shape[:-1] != labels.shape:
        raise ShapeError(
            f"cross_entropy: labels need shape {tuple(logits.shape[:-1])}, one for each row of logits "
            f"{tuple(logits.shape)}, got {tuple(labels.shape)}"
        )
    if xp is np and labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ShapeError(
            f"cross_entropy: labels must be from 0 to {classes - 1}, the number of classes less one, "
            f"got {labels.min()} to {labels.max()}"
        )
    top = xp.max(logits, axis=-1, keepdims=True)
    total = xp.log(xp.sum(xp.exp(logits - top), axis=-1))
    true = xp.take_along_axis(logits, labels[..., None], axis=-1)
    return total + (top - true)[..., 0]


@primitive(
    vjp=(
        lambda g, y, logits, p: g[..., None] * (softmax(logits) * p.sum(axis=-1, keepdims=True) - p),
        lambda g, y, logits, p: -g[..., None] * log_softmax(logits),
    ),
    samples=(sample((4, 3), between(0.1, 0.9, 4, 3)), sample((3,), between(0.1, 0.9, 3))),
    torch=lambda torch, logits, p: -(p * torch.log_softmax(logits, dim=-1)).sum(-1),
    shapes="logits and probabilities need one shape (..., classes).",
    gate="compares: (softmax · Σ target - target) · upstream",
)
def cross_entropy_probabilities(xp: Any, logits: Any, probabilities: Any) -> Any:
    """Cross entropy with target probabilities: ``y = -Σⱼ pⱼ ln softmax(x)ⱼ``, one loss for each (..., k) row.

    The gradient by the logits is ``softmax(x) - p`` where the probabilities sum to 1.
    """
    if logits.shape != probabilities.shape:
        raise ShapeError(
            f"cross_entropy_probabilities: logits have shape {tuple(logits.shape)}, "
            f"probabilities {tuple(probabilities.shape)}: they must be equal"
        )
    x = logits - xp.max(logits, axis=-1, keepdims=True)
    total = xp.log(xp.sum(xp.exp(x), axis=-1, keepdims=True))
    return xp.sum(probabilities * (total - x), axis=-1)


@primitive(
    vjp=(
        lambda g, y, x, t: g * (sigmoid(x) - t),
        lambda g, y, x, t: -g * x,
    ),
    samples=(sample((2, 3), between(0.0, 1.0, 2, 3)),),
    torch=lambda torch, x, t: torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none"),
    shapes="logits and targets need one shape.",
    gate="compares: (sigmoid - target) · upstream",
)
def binary_cross_entropy(xp: Any, logits: Any, targets: Any) -> Any:
    """Cross entropy of yes-or-no targets, elementwise: ``y = ln(1 + eˣ) - t x``, finite for every finite x.

    Targets are from 0 to 1. The gradient by the logits is ``sigmoid(x) - t``.

    Raises
    ------
    ShapeError
        If the shapes differ; a single number may stand for all targets.

    >>> import numpy as np
    >>> binary_cross_entropy(np.array([0.0, 1e4]), np.array([1.0, 0.0])).round(4).tolist()
    [0.6931, 10000.0]
    """
    if not isinstance(targets, (int, float)) and logits.shape != targets.shape:
        raise ShapeError(
            f"binary_cross_entropy: logits have shape {tuple(logits.shape)}, targets {tuple(targets.shape)}: "
            "they must be equal; use reshape"
        )
    return xp.maximum(logits, 0.0) - logits * targets + xp.log1p(xp.exp(-xp.abs(logits)))


@primitive(
    vjp=(lambda g, y, x, delta=1.0: g * clip(x, -delta, delta),),
    samples=(sample((3, 4)), sample((3, 4), delta=0.7)),
    torch=lambda torch, x, delta=1.0: torch.nn.functional.huber_loss(
        x, torch.zeros_like(x), reduction="none", delta=delta
    ),
    gate="clips: upstream times the input, held between -delta and delta",
)
def huber(xp: Any, x: Any, *, delta: float = 1.0) -> Any:
    """Huber's loss of an error, elementwise: ``x²/2`` up to `delta`, ``delta (|x| - delta/2)`` beyond.

    >>> import numpy as np
    >>> huber(np.array([0.5, 3.0])).tolist()
    [0.125, 2.5]
    """
    size = xp.abs(x)
    inner = xp.minimum(size, delta)
    return inner * (size - 0.5 * inner)


@primitive(
    vjp=(lambda g, y, p: g,),
    samples=(sample(positive(2, 3)),),
    torch=lambda torch, p: torch.clamp(p, min=TINY),
    gate="passes the gradient on, also below 1e-30",
)
def at_least_tiny(xp: Any, p: Any) -> Any:
    """A probability to divide by, elementwise: ``y = max(p, 1e-30)``, ``y' = 1``.

    >>> import numpy as np
    >>> at_least_tiny(np.array([0.0, 0.5])).tolist()
    [1e-30, 0.5]
    """
    return xp.maximum(p, TINY)


@primitive(
    vjp=(lambda g, y, p: -g / at_least_tiny(p),),
    samples=(sample(between(0.1, 0.9, 2, 3)),),
    torch=lambda torch, p: -torch.log(p),
    gate="scales: upstream times -1 / p",
)
def negative_log(xp: Any, p: Any) -> Any:
    """Negative logarithm of a probability, elementwise: ``y = -ln p``, in nats; ``y' = -1 / p``.

    A probability below 1e-30 counts as 1e-30: value and slope are finite, in float32 too.

    >>> import numpy as np
    >>> negative_log(np.array([0.0, 0.5])).round(4).tolist()
    [69.0776, 0.6931]
    """
    return -xp.log(xp.maximum(p, TINY))
