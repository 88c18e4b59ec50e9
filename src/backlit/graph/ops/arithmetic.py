"""Addition, multiplication, their inverses and comparisons that choose, with broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph.op import namespace
from backlit.graph.ops.elementwise import log
from backlit.graph.registry import Draw, between, booleans, positive, primitive, sample
from backlit.graph.tensor import Array, value_of

BROADCAST = "Shapes are matched from the right: two sizes must be equal, or one of them 1; use reshape or expand_dims."
_PAIRS = (sample((2, 3), (2, 3)), sample((2, 3), (3,)), sample((2, 1), (1, 4)), sample((), (3,)))
_NUMBER = (int, float)


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


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    if isinstance(b, _NUMBER):
        if b == 0:
            return g * 0.0
        if b == 2:
            return (2.0 * g) * a
        return g if b == 1 else g * (power(a, b - 1) * b)
    # 0 · 0⁻¹ would be NaN where the power is the constant 1; any other base is as it is, so that second
    # derivatives are right too.
    both_zero = (value_of(a) == 0) & (value_of(b) == 0)
    return g * b * power(where(both_zero, 1.0, a), b - 1)


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    if isinstance(a, _NUMBER) and a > 0:
        return g * y * math.log(a)
    # 0ᵇ stays 0 as b moves (b > 0), though log 0 is infinite.
    return g * y * log(where(value_of(a) == 0, 1.0, a))


@primitive(
    vjp=(_power_base, _power_exponent),
    samples=(
        sample(positive(2, 3), (2, 3)),
        sample(positive(2, 1), between(0.5, 3.0, 3)),
        sample(positive(), (3,)),
    ),
    torch="pow",
    shapes=BROADCAST,
    gate="scales: the base gets upstream · b · aᵇ⁻¹, the exponent upstream · y · log a",
)
def power(xp: Any, a: Any, b: Any) -> Any:
    """Power, elementwise: ``y = aᵇ``; shapes broadcast.

    A whole constant exponent works for every base, negative ones and zero too. Otherwise a negative base
    gives NaN. Conventions: ``0⁰ = 1``; where the base is 0, the derivative by the exponent is 0.

    >>> import numpy as np
    >>> power(np.array([-3.0, 0.0]), 2).tolist()
    [9.0, 0.0]
    """
    if isinstance(b, _NUMBER) and not isinstance(b, np.generic) and getattr(a, "dtype", None) is not None:
        if b == 2:
            return a * a
        if b == 3:  # NumPy's own general power is a hundred times slower
            return a * a * a
        if b == 0.5:
            return xp.sqrt(a)
        if isinstance(b, float) and b.is_integer() and xp is not np and a.dtype.kind == "f":
            b = int(b)  # XLA multiplies
    return a**b


@primitive(vjp=None, samples=(sample((2, 3)),), torch="sign", gate="stops the gradient: its derivative is 0")
def sign(xp: Any, x: Any) -> Any:
    """Sign, elementwise: -1, 0 or 1. A step function: its derivative is zero."""
    return xp.sign(x)


@primitive(
    vjp=(lambda g, y, x: g * sign(value_of(x)),),
    samples=(sample((2, 3)),),
    torch="abs",
    gate="turns the sign of the gradient where the input is negative",
)
def abs(xp: Any, x: Any) -> Any:
    """Distance from zero, elementwise: ``y = |x|``. The derivative at 0 is taken as 0."""
    return xp.abs(x)


def _routed(g: Any, first: Any, second: Any, is_first: Any) -> Any:
    """The upstream gradient where the first is chosen, half of it at ties."""
    ties = first == second
    if namespace(ties) is np and not ties.any():
        return g * is_first
    return g * where(ties, 0.5, is_first).astype(g.dtype)


def _greater(g: Any, a: Any, b: Any) -> Any:
    a, b = value_of(a), value_of(b)
    return _routed(g, a, b, a > b)


@primitive(
    vjp=(lambda g, y, a, b: _greater(g, a, b), lambda g, y, a, b: _greater(g, b, a)),
    samples=(*_PAIRS, sample((2, 3), between(0.1, 0.2))),
    torch="maximum",
    shapes=BROADCAST,
    gate="routes: the greater input gets the upstream gradient, the other nothing (halves at a tie)",
)
def maximum(xp: Any, a: Any, b: Any) -> Any:
    """The greater of two, elementwise; shapes broadcast. At a tie each input gets half of the gradient.

    >>> import numpy as np
    >>> maximum(np.array([-1.0, 2.0]), 0.0).tolist()
    [0.0, 2.0]
    """
    return xp.maximum(a, b)


@primitive(
    vjp=(lambda g, y, a, b: _greater(g, b, a), lambda g, y, a, b: _greater(g, a, b)),
    samples=(*_PAIRS, sample((2, 3), between(0.1, 0.2))),
    torch="minimum",
    shapes=BROADCAST,
    gate="routes: the smaller input gets the upstream gradient, the other nothing (halves at a tie)",
)
def minimum(xp: Any, a: Any, b: Any) -> Any:
    """The smaller of two, elementwise; shapes broadcast. At a tie each input gets half of the gradient."""
    return xp.minimum(a, b)


def _clip_rule(g: Any, y: Any, x: Any, low: Any = None, high: Any = None) -> Any:
    x, low, high = value_of(x), value_of(low), value_of(high)
    if low is None and high is None:
        return g
    if low is None:
        return g * (x <= high)
    if high is None:
        return g * (x >= low)
    return g * ((x >= low) & (x <= high))


@primitive(
    vjp=(_clip_rule, None, None),
    samples=(sample((3, 4), low=-1.05, high=1.02), sample((2, 3), low=0.01), sample((2, 3), high=0.01)),
    torch=lambda torch, x, low=None, high=None: torch.clamp(x, low, high),
    shapes=BROADCAST,
    gate="passes the gradient on between the bounds, stops it outside",
)
def clip(xp: Any, x: Any, low: Any = None, high: Any = None) -> Any:
    """Values held between two bounds, elementwise: ``y = min(max(x, low), high)``.

    The gradient passes at the bounds themselves. None goes to the bounds: for learned ones use
    `maximum` and `minimum`.

    >>> import numpy as np
    >>> clip(np.array([-3.0, 0.5, 3.0]), -1.0, 1.0).tolist()
    [-1.0, 0.5, 1.0]
    """
    if low is not None:
        x = xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


def _where_first(g: Any, y: Any, condition: Any, a: Any, b: Any) -> Any:
    return where(condition, g, 0.0)


def _where_second(g: Any, y: Any, condition: Any, a: Any, b: Any) -> Any:
    return where(condition, 0.0, g)


@primitive(
    vjp=(
        None,
        _where_first,
        _where_second,
    ),
    samples=(
        sample(booleans(2, 3), (2, 3), (2, 3)),
        sample(booleans(2, 1), (3,), ()),
        sample(Draw((3,), 0, 2, "bool"), (2, 3), (2, 1)),
    ),
    torch="where",
    shapes=BROADCAST,
    gate="routes: the chosen input gets the upstream gradient, the other nothing",
)
def where(xp: Any, condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`, elementwise; shapes broadcast.

    An infinite or NaN derivative in the part that isn't chosen still makes the gradient NaN (0 · ∞):
    replace the dangerous *input* too, as in ``where(x > 0, log(where(x > 0, x, 1.0)), 0.0)``.
    """
    return xp.where(condition, a, b)


@primitive(
    vjp=(lambda g, y, x: (2.0 * g) * x,),
    samples=(sample((2, 3)),),
    torch="square",
    gate="scales: upstream times twice the input",
)
def square(xp: Any, x: Any) -> Any:
    """Square, elementwise: ``y = x²``."""
    return x * x


@primitive(
    vjp=(lambda g, y, x: g / (2.0 * y),),
    samples=(sample(positive(2, 3)),),
    torch="sqrt",
    gate="scales: upstream divided by twice the output",
)
def sqrt(xp: Any, x: Any) -> Any:
    """Square root, elementwise: ``y = √x``. The derivative is infinite at 0, and NaN below.

    Where a zero can occur, add a small number first, or use `norm`, whose derivative at 0 is taken as 0.
    """
    return xp.sqrt(x)


def equal(a: Any, b: Any) -> Array:
    """Whether two are equal, elementwise, as a plain boolean array: it has no derivative. Shapes broadcast.

    >>> import numpy as np, backlit as bl
    >>> equal(bl.tensor([1.0, 3.0]), 3.0).tolist()
    [False, True]
    """
    a, b = value_of(a), value_of(b)
    return namespace(a, b).equal(a, b)
