"""Activation functions: of arrays and Tensors, elementwise but for `softmax`."""

from __future__ import annotations

import math
from typing import Any

from backlit.graph.ops.arithmetic import BROADCAST, clip, minimum, where
from backlit.graph.ops.elementwise import erf, exp, relu, sigmoid, softplus, step, tanh
from backlit.graph.ops.stable import softmax
from backlit.graph.registry import between, composite, primitive, sample
from backlit.graph.tensor import value_of

__all__ = [
    "elu",
    "gelu",
    "gelu_tanh",
    "leaky_relu",
    "linear",
    "prelu",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "step",
    "tanh",
]

# The fixed point at which inputs of mean 0 and variance 1 keep both, to double precision
# (Klambauer et al., 2017, equation 14).
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772

_SQRT_HALF = math.sqrt(0.5)
_SQRT_2_OVER_PI = math.sqrt(2.0 / math.pi)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
_CUBE = 0.044715


_ONE = (sample((2, 3)),)


def linear(x: Any) -> Any:
    """The input itself: ``y = x``, ``y' = 1``."""
    return x


def _both_sides(xp: Any, x: Any, left: Any) -> Any:
    """The input where it is positive, else `left`, which is 0 there: a sum is many times as fast as `where`."""
    return xp.maximum(x, 0.0) + left


@primitive(
    vjp=(lambda g, y, x, slope=0.01: g * where(value_of(x) > 0, 1.0, slope),),
    samples=(sample((2, 3)), sample((2, 3), slope=0.3)),
    torch=lambda torch, x, slope=0.01: torch.nn.functional.leaky_relu(x, slope),
    gate="scales: upstream where the input is positive, slope · upstream elsewhere",
)
def leaky_relu(xp: Any, x: Any, *, slope: float = 0.01) -> Any:
    """Rectifier that leaks: ``y = x`` for x > 0, else ``slope · x``; the derivative at 0 is the slope.

    >>> import numpy as np
    >>> leaky_relu(np.array([-2.0, 3.0]), slope=0.1).tolist()
    [-0.2, 3.0]
    """
    return _both_sides(xp, x, slope * xp.minimum(x, 0.0))


@primitive(
    vjp=(
        lambda g, y, x, slope: g * where(value_of(x) > 0, 1.0, slope),
        lambda g, y, x, slope: g * minimum(x, 0.0),
    ),
    samples=(sample((2, 3), between(0.1, 0.4)), sample((2, 3), between(0.1, 0.4, 3))),
    torch=lambda torch, x, slope: torch.where(x > 0, x, slope * x),
    shapes=BROADCAST,
    gate="scales: as leaky_relu; the slope gets upstream · input where the input is negative",
)
def prelu(xp: Any, x: Any, slope: Any) -> Any:
    """Leaky rectifier whose slope is learned: ``∂y/∂slope = min(x, 0)``; the slope broadcasts against x.

    >>> import numpy as np
    >>> prelu(np.array([-2.0, 3.0]), np.array(0.25)).tolist()
    [-0.5, 3.0]
    """
    return _both_sides(xp, x, slope * xp.minimum(x, 0.0))


def _elu_slope(x: Any, alpha: float) -> Any:
    return where(value_of(x) > 0, 1.0, alpha * exp(minimum(x, 0.0)))


@primitive(
    vjp=(lambda g, y, x, alpha=1.0: g * _elu_slope(x, alpha),),
    samples=(sample((2, 3)), sample((2, 3), alpha=0.7)),
    torch=lambda torch, x, alpha=1.0: torch.nn.functional.elu(x, alpha),
    gate="scales: upstream where the input is positive, alpha · eˣ · upstream elsewhere",
)
def elu(xp: Any, x: Any, *, alpha: float = 1.0) -> Any:
    """Exponential linear unit: ``y = x`` for x > 0, else ``alpha (eˣ - 1)``; the derivative at 0 is alpha.

    >>> import numpy as np
    >>> elu(np.array([-1e4, 3.0])).tolist()
    [-1.0, 3.0]
    """
    return _both_sides(xp, x, alpha * xp.expm1(xp.minimum(x, 0.0)))


@primitive(
    vjp=(lambda g, y, x: g * (SELU_SCALE * _elu_slope(x, SELU_ALPHA)),),
    samples=_ONE,
    torch="selu",
    gate="scales: 1.0507 · upstream where the input is positive, 1.7581 · eˣ · upstream elsewhere",
)
def selu(xp: Any, x: Any) -> Any:
    """`elu` scaled so that mean 0 and variance 1 are kept from layer to layer (with "lecun" weights).

    >>> import numpy as np
    >>> selu(np.array([-1e4, 1.0])).round(4).tolist()
    [-1.7581, 1.0507]
    """
    return SELU_SCALE * _both_sides(xp, x, SELU_ALPHA * xp.expm1(xp.minimum(x, 0.0)))


def _normal_share(x: Any) -> Any:
    """Φ: the share of the standard normal distribution below x."""
    return 0.5 * (1.0 + erf(x * _SQRT_HALF))


@primitive(
    vjp=(lambda g, y, x: g * (_normal_share(x) + x * (exp(-0.5 * (x * x)) * _DENSITY)),),
    samples=_ONE,
    torch="nn.functional.gelu",
    gate="scales: upstream times Φ(x) + x · φ(x)",
)
def gelu(xp: Any, x: Any) -> Any:
    """Gaussian error linear unit: ``y = x · Φ(x)``, ``y' = Φ(x) + x · φ(x)``, exact by way of erf.

    Φ and φ are the standard normal distribution and its density.

    >>> import numpy as np
    >>> gelu(np.array([-1.0, 1.0])).round(4).tolist()
    [-0.1587, 0.8413]
    """
    return x * _normal_share(x)


@composite(
    samples=_ONE,
    torch=lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
)
def gelu_tanh(x: Any) -> Any:
    """`gelu` without erf: ``y = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))``, within 0.0005 of it.

    >>> import numpy as np
    >>> gelu_tanh(np.array([-1.0, 1.0])).round(4).tolist()
    [-0.1588, 0.8412]
    """
    u = clip(x, -10.0, 10.0)  # tanh is ±1 to the last digit there, and u³ stays finite
    return (0.5 * x) * (1.0 + tanh(_SQRT_2_OVER_PI * (u + _CUBE * (u * u * u))))


def _silu_slope(x: Any) -> Any:
    share = sigmoid(x)
    return share * (1.0 + x * (1.0 - share))


@primitive(
    vjp=(lambda g, y, x: g * _silu_slope(x),),
    samples=_ONE,
    torch="nn.functional.silu",
    gate="scales: upstream times σ(x) (1 + x (1 - σ(x)))",
)
def silu(xp: Any, x: Any) -> Any:
    """Sigmoid-weighted input (also "swish"): ``y = x · σ(x)``.

    >>> import numpy as np
    >>> silu(np.array([-1e4, 1.0])).round(4).tolist()
    [-0.0, 0.7311]
    """
    return x * sigmoid(x)
