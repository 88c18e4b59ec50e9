"""Functions of one number, applied to every element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph import kernels
from backlit.graph.registry import Draw, between, positive, primitive, sample
from backlit.graph.tensor import value_of

_ONE = (sample((2, 3)),)
_AWAY_FROM_STEPS = (sample(Draw((6,), make=lambda rng: np.array([-1.7, -0.6, -0.3, 0.2, 0.8, 1.3]))),)
_STOPS = "stops the gradient: its derivative is 0"


@primitive(vjp=(lambda g, y, x: g * y,), samples=_ONE, torch="exp", gate="scales: upstream times the output")
def exp(xp: Any, x: Any) -> Any:
    """Exponential, elementwise: ``y = eˣ``.

    >>> import numpy as np
    >>> exp(np.array([0.0])).tolist()
    [1.0]
    """
    return xp.exp(x)


@primitive(
    vjp=(lambda g, y, x: g / x,),
    samples=(sample(positive(2, 3)),),
    torch="log",
    gate="scales: upstream divided by the input",
)
def log(xp: Any, x: Any) -> Any:
    """Natural logarithm, elementwise: ``y = ln x``; -infinity at 0, NaN below (`debug_nans` tells where)."""
    return xp.log(x)


@primitive(
    vjp=(lambda g, y, x: g / (1.0 + x),),
    samples=(sample(between(-0.8, 2.0, 2, 3)),),
    torch="log1p",
    gate="scales: upstream divided by 1 + x",
)
def log1p(xp: Any, x: Any) -> Any:
    """``y = ln(1 + x)``, elementwise, exact near 0."""
    return xp.log1p(x)


@primitive(vjp=(lambda g, y, x: g * exp(x),), samples=_ONE, torch="expm1", gate="scales: upstream times eˣ")
def expm1(xp: Any, x: Any) -> Any:
    """``y = eˣ - 1``, elementwise, exact near 0."""
    return xp.expm1(x)


def _sin_rule(g: Any, y: Any, x: Any) -> Any:
    return g * cos(x)


@primitive(vjp=(_sin_rule,), samples=_ONE, torch="sin", gate="scales: upstream times cos x")
def sin(xp: Any, x: Any) -> Any:
    """Sine of an angle in radians, elementwise."""
    return xp.sin(x)


@primitive(vjp=(lambda g, y, x: -g * sin(x),), samples=_ONE, torch="cos", gate="scales: upstream times -sin x")
def cos(xp: Any, x: Any) -> Any:
    """Cosine of an angle in radians, elementwise."""
    return xp.cos(x)


@primitive(
    vjp=(lambda g, y, x: g * (1.0 - y * y),),
    samples=_ONE,
    torch="tanh",
    gate="scales: upstream times 1 - y², at most 1, near 0 where it saturates",
)
def tanh(xp: Any, x: Any) -> Any:
    """Hyperbolic tangent, elementwise: from -1 to 1, ``y' = 1 - y²``."""
    return xp.tanh(x)


@primitive(
    vjp=(lambda g, y, x: g * (y * (1.0 - y)),),
    samples=_ONE,
    torch="sigmoid",
    gate="scales: upstream times y · (1 - y), at most 1/4, near 0 where it saturates",
)
def sigmoid(xp: Any, x: Any) -> Any:
    """Logistic function, elementwise: ``y = 1 / (1 + e⁻ˣ)``, from 0 to 1, ``y' = y (1 - y)``.

    Finite for every x, and exact to the last digits where y is small: far on the left e⁻ˣ is
    infinite at worst, and its inverse 0.

    >>> import numpy as np
    >>> sigmoid(np.array([-1e4, 0.0, 1e4])).tolist()
    [0.0, 0.5, 1.0]
    """
    y = xp.exp(-x)
    y += 1.0
    return 1.0 / y


@primitive(
    vjp=(lambda g, y, x: g * sigmoid(x),),
    samples=_ONE,
    torch=lambda torch, x: torch.nn.functional.softplus(x, threshold=1e9),
    gate="scales: upstream times sigmoid x",
)
def softplus(xp: Any, x: Any) -> Any:
    """A smooth ramp, elementwise: ``y = ln(1 + eˣ)``, finite for every x.

    >>> import numpy as np
    >>> softplus(np.array([-1e4, 1e4])).tolist()
    [0.0, 10000.0]
    """
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


@primitive(
    vjp=(lambda g, y, x: g * ((2.0 / math.sqrt(math.pi)) * exp(-(x * x))),),
    samples=_ONE,
    torch="erf",
    gate="scales: upstream times 2/√π · exp(-x²)",
)
def erf(xp: Any, x: Any) -> Any:
    """Error function, elementwise: ``y = 2/√π ∫₀ˣ exp(-t²) dt``.

    >>> import numpy as np
    >>> erf(np.array([1.0])).round(6).tolist()
    [0.842701]
    """
    return kernels.of(xp).erf(x)


@primitive(
    vjp=(lambda g, y, x: g * (value_of(x) > 0),),
    samples=_ONE,
    torch="relu",
    gate="routes: passes the gradient on where the input is positive, stops it elsewhere",
)
def relu(xp: Any, x: Any) -> Any:
    """Rectifier, elementwise: ``y = max(x, 0)``. The derivative at 0 is taken as 0."""
    return xp.maximum(x, 0.0)


@primitive(
    vjp=None,
    samples=_AWAY_FROM_STEPS,
    torch=lambda torch, x: (x > 0).to(x.dtype),
    gate=_STOPS,
)
def step(xp: Any, x: Any) -> Any:
    """Heaviside's step, elementwise: 1 where x > 0, else 0. Its derivative is zero.

    >>> import numpy as np
    >>> step(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    x = xp.asarray(x)
    return (x > 0).astype(x.dtype)


@primitive(vjp=None, samples=_AWAY_FROM_STEPS, torch="floor", gate=_STOPS)
def floor(xp: Any, x: Any) -> Any:
    """The greatest whole number that isn't above x, elementwise. Its derivative is zero."""
    return xp.floor(x)


@primitive(vjp=None, samples=_AWAY_FROM_STEPS, torch="round", gate=_STOPS)
def round(xp: Any, x: Any) -> Any:
    """The nearest whole number, elementwise; halves go to the even one. Its derivative is zero."""
    return xp.round(x)
