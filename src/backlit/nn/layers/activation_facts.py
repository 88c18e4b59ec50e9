"""What one should know of each activation before choosing it; the tests measure every entry."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.aligned import aligned
from backlit.errors import unknown
from backlit.graph.ops import activation as functions


@dataclass(frozen=True)
class Facts:
    """Facts about an activation.

    Attributes
    ----------
    name : str
    function : callable
        ``function(x)``.
    formula, derivative : str
        For people to read; y is the output.
    low, high : float
        The outputs' range; infinite where there is no bound.
    largest_slope : float
        The largest derivative: what a gradient is multiplied with at most.
    mean : float
        Mean output for standard normal inputs.
    saturates : tuple of str
        On which sides ("left", "right") the derivative goes to zero.
    monotone : bool
        Whether a greater input never gives a smaller output: then the loss of one layer with it can be convex.
    smooth_at_0 : bool
        Whether there is a derivative at 0, and not two, of the left and of the right.
    cost : str
        Work for each number, forward.
    elementwise : bool
        Whether each output depends on its own input alone.
    """

    name: str
    function: Callable[[Any], Any]
    formula: str
    derivative: str
    low: float
    high: float
    largest_slope: float
    mean: float
    saturates: tuple[str, ...]
    cost: str
    monotone: bool = True
    smooth_at_0: bool = True
    elementwise: bool = True

    @property
    def bends(self) -> bool:
        """Whether it is anything but the identity."""
        return self.name != "linear"

    @property
    def zero_centred(self) -> str:
        """Whether outputs of centred inputs are centred: "yes", "nearly" or "no" (|mean| below 0.02, 0.25, above)."""
        return "yes" if abs(self.mean) < 0.02 else "nearly" if abs(self.mean) < 0.25 else "no"


_INF = math.inf
_BOTH = ("left", "right")


_HALF_MEAN = 0.398942  # of max(x, 0), for standard normal inputs: 1 / √(2π)
_EXPONENTIAL_MEAN = 0.238422  # of max(1 - eˣ, 0): 1/2 - √e Φ(-1)


def leaky(slope: float) -> Facts:
    """The facts of a leaky ReLU with this slope below 0.

    >>> leaky(0.5).mean
    0.1995
    """
    return Facts(
        "leaky_relu",
        lambda x: functions.leaky_relu(x, slope=slope),
        f"x if x > 0 else {slope:g} x",
        f"1 if x > 0 else {slope:g}",
        -_INF if slope > 0 else 0,
        _INF,
        max(1.0, abs(slope)),
        round(_HALF_MEAN * (1 - slope), 4),
        () if slope else ("left",),
        "1 comparison, 1 product",
        monotone=slope >= 0,
        smooth_at_0=slope == 1,
    )


def exponential(alpha: float) -> Facts:
    """The facts of an ELU with this alpha.

    >>> exponential(2.0).low
    -2.0
    """
    scaled = "eˣ - 1" if alpha == 1 else f"{alpha:g} (eˣ - 1)"
    return Facts(
        "elu",
        lambda x: functions.elu(x, alpha=alpha),
        f"x if x > 0 else {scaled}",
        f"1 if x > 0 else y + {alpha:g}",
        min(-alpha, 0),
        _INF,
        max(1.0, abs(alpha)),
        round(_HALF_MEAN - alpha * _EXPONENTIAL_MEAN, 4),
        ("left",),
        "1 exponential, 1 comparison",
        monotone=alpha >= 0,
        smooth_at_0=alpha == 1,
    )


def _parametric(x: Any) -> Any:
    return functions.prelu(x, np.asarray(0.25, dtype=x.dtype))


FACTS: dict[str, Facts] = {
    entry.name: entry
    for entry in (
        Facts("step", functions.step, "1 if x > 0 else 0", "0", 0, 1, 0.0, 0.5, _BOTH, "1 comparison",
              smooth_at_0=False),
        Facts("linear", functions.linear, "x", "1", -_INF, _INF, 1.0, 0.0, (), "none"),
        Facts("sigmoid", functions.sigmoid, "1 / (1 + e⁻ˣ)", "y (1 - y)", 0, 1, 0.25, 0.5, _BOTH,
              "1 exponential, 1 division"),
        Facts("tanh", functions.tanh, "(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)", "1 - y²", -1, 1, 1.0, 0.0, _BOTH,
              "1 exponential, 1 division"),
        Facts("relu", functions.relu, "max(x, 0)", "1 if x > 0 else 0", 0, _INF, 1.0, 0.3989, ("left",),
              "1 comparison", smooth_at_0=False),
        leaky(0.01),
        Facts("prelu", _parametric, "x if x > 0 else a x, a learned (0.25 at first)",
              "1 if x > 0 else a; by a: min(x, 0)", -_INF, _INF, 1.0, 0.2992, (), "1 comparison, 1 product",
              smooth_at_0=False),
        exponential(1.0),
        Facts("selu", functions.selu, "1.0507 x if x > 0 else 1.7581 (eˣ - 1)",
              "1.0507 if x > 0 else y + 1.7581", -1.7581, _INF, 1.7581, 0.0, ("left",),
              "1 exponential, 1 comparison, 1 product", smooth_at_0=False),
        Facts("gelu", functions.gelu, "x Φ(x)", "Φ(x) + x φ(x)", -0.1700, _INF, 1.1289, 0.2821, ("left",),
              "1 error function, 2 products", monotone=False),
        Facts("gelu_tanh", functions.gelu_tanh, "x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))",
              "(1 + t)/2 + x/2 (1 - t²) √(2/π) (1 + 0.134145 x²), t the tanh", -0.1700, _INF, 1.1290, 0.2821,
              ("left",), "1 exponential, 1 division, 6 products", monotone=False),
        Facts("silu", functions.silu, "x / (1 + e⁻ˣ)", "σ (1 + x (1 - σ)), σ the sigmoid", -0.2785, _INF, 1.0998,
              0.2066, ("left",), "1 exponential, 1 division", monotone=False),
        Facts("softplus", functions.softplus, "ln(1 + eˣ)", "1 / (1 + e⁻ˣ)", 0, _INF, 1.0, 0.8061, ("left",),
              "1 exponential, 1 logarithm"),
        # Of a whole line of numbers; slope and mean are those of two classes.
        Facts("softmax", functions.softmax, "eˣ / Σ eˣ", "∂yᵢ/∂xⱼ = yᵢ ((i = j) - yⱼ)", 0, 1, 0.25, 0.5, _BOTH,
              "1 exponential, 1 division, 1 comparison, 2 sums",
              elementwise=False),
    )
}  # fmt: skip


def facts(name: str) -> Facts:
    """The facts of one activation.

    Examples
    --------
    >>> sigmoid = facts("sigmoid")
    >>> sigmoid.largest_slope, sigmoid.zero_centred, sigmoid.saturates
    (0.25, 'no', ('left', 'right'))
    """
    if name not in FACTS:
        raise unknown("activation", name, FACTS)
    return FACTS[name]


def table() -> str:
    """All facts as text, a line each.

    Examples
    --------
    >>> table().splitlines()[0].split()
    ['name', 'formula', 'range', 'slope', '≤', 'zero-centred', 'saturates', 'monotone', 'at', '0', 'cost']
    """
    header = ("name", "formula", "range", "slope ≤", "zero-centred", "saturates", "monotone", "at 0", "cost")
    rows = [header]
    for entry in FACTS.values():
        low, high = (f"{bound:g}" if math.isfinite(bound) else "∞" for bound in (entry.low, entry.high))
        bounds = f"{'-' if math.isinf(entry.low) else ''}{low} to {high}"
        sides = ", ".join(entry.saturates) or "nowhere"
        slope, monotone = f"{entry.largest_slope:g}", "yes" if entry.monotone else "no"
        shape = "jump" if entry.name == "step" else "smooth" if entry.smooth_at_0 else "kink"
        rows.append((entry.name, entry.formula, bounds, slope, entry.zero_centred, sides, monotone, shape, entry.cost))
    return aligned(rows)
