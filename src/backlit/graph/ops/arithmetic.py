"""Addition, multiplication and their inverses, with broadcasting."""

from __future__ import annotations

from typing import Any

from backlit.graph.op import primitive
from backlit.graph.samples import between, positive, sample

BROADCAST = "Shapes are matched from the right: two sizes must be equal, or one of them 1; use reshape or expand_dims."
_PAIRS = (sample((2, 3), (2, 3)), sample((2, 3), (3,)), sample((2, 1), (1, 4)), sample((), (3,)))


@primitive(
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: g),
    samples=_PAIRS,
    torch="add",
    shapes=BROADCAST,
    gate="distributes: each input gets the upstream gradient as it is",
)
def add(xp: Any, a: Any, b: Any) -> Any:
    """Sum, elementwise: ``y = a + b``; shapes broadcast.

    >>> import numpy as np
    >>> add(np.array([1.0, 2.0]), 10.0).tolist()
    [11.0, 12.0]
    """
    return a + b


@primitive(
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: -g),
    samples=_PAIRS,
    torch="subtract",
    shapes=BROADCAST,
    gate="distributes: the first input gets the upstream gradient, the second its negative",
)
def subtract(xp: Any, a: Any, b: Any) -> Any:
    """Difference, elementwise: ``y = a - b``; shapes broadcast."""
    return a - b


@primitive(
    vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    samples=_PAIRS,
    torch="multiply",
    shapes=BROADCAST,
    gate="swaps: each input gets the upstream gradient times the other input",
)
def multiply(xp: Any, a: Any, b: Any) -> Any:
    """Product, elementwise: ``y = a · b``; shapes broadcast."""
    return a * b


@primitive(
    vjp=(lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b),
    samples=(sample((2, 3), positive(2, 3)), sample((2, 3), positive(3)), sample((), between(-3, -1, 3))),
    torch="divide",
    shapes=BROADCAST,
    gate="swaps: the numerator gets upstream / b, the denominator -upstream · a / b²",
)
def divide(xp: Any, a: Any, b: Any) -> Any:
    """Quotient, elementwise: ``y = a / b``; shapes broadcast. Division by zero gives infinity or NaN."""
    return a / b


@primitive(
    vjp=(lambda g, y, x: -g,), samples=(sample((2, 3)),), torch="negative", gate="turns the sign of the gradient"
)
def negative(xp: Any, x: Any) -> Any:
    """Negative, elementwise: ``y = -x``."""
    return -x
