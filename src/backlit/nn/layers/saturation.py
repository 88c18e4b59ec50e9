"""Where an activation is saturated: where its own derivative has all but gone."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np

from backlit.errors import ZeroGradientWarning
from backlit.graph.derivatives import vjp
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.layers.recurrent import RNN

SHARE = 0.01  # of the activation's largest slope: below it, a value counts as saturated
_RANGE, _POINTS = 40.0, 80_001  # where slopes are looked at: from -40 to 40, 1000 to the unit
_BY_ONE = (
    activations.ELU,
    activations.GELU,
    activations.SELU,
    activations.Identity,
    activations.LeakyReLU,
    activations.ReLU,
    activations.SiLU,
    activations.Sigmoid,
    activations.Softplus,
    activations.Step,
    activations.Tanh,
)


@functools.lru_cache(maxsize=64)
def limits(layer: Layer) -> tuple[float, float] | None:
    """Inputs up to the first number, and from the second on, are saturated; None if `layer` is no such activation.

    There the derivative is below 1 % of the activation's largest one: for sigmoid beyond ±5.98, for tanh beyond
    ±2.99, for ReLU at 0 and below. Found from the layer's own derivative, so it holds for its own hyperparameters.

    Examples
    --------
    >>> import backlit as bl
    >>> limits(bl.Tanh()), limits(bl.ReLU()), limits(bl.LeakyReLU())
    ((-2.994, 2.994), (0.0, inf), (-inf, inf))
    """
    if not isinstance(layer, _BY_ONE):
        return None
    x = np.linspace(-_RANGE, _RANGE, _POINTS)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ZeroGradientWarning)  # of a step
        _, pull = vjp(lambda x: layer({}, x), x)
        slope = np.abs(pull(np.ones_like(x))[0])
    live = np.flatnonzero((slope >= SHARE * slope.max()) & (slope > 0))
    if not len(live):  # no slope anywhere: all inputs are
        return math.inf, -math.inf
    low = -math.inf if live[0] == 0 else round(float(x[live[0] - 1]), 6)
    high = math.inf if live[-1] == len(x) - 1 else round(float(x[live[-1] + 1]), 6)
    return low, high


def saturated(layer: Layer, x: Any, y: Any) -> Any:
    """Which of a layer's outputs are saturated: a boolean array like `y`; None where the layer has no such notion.

    Parameters
    ----------
    layer : Layer
        An activation, or a simple recurrent layer, whose states are the outputs of one.
    x, y : array
        Its input and output.
    """
    if isinstance(layer, activations.Softmax):  # its slope yᵢ (1 - yᵢ) is at most 1/4
        return y * (1.0 - y) < SHARE / 4
    if isinstance(layer, RNN):
        function = activations.get(layer.activation)
        bounds = limits(function)
        low, high = (float(np.asarray(function({}, np.asarray(b)))) for b in bounds) if bounds else (0.0, 0.0)
        return (y <= low) | (y >= high)
    bounds = limits(layer)
    return None if bounds is None else (x <= bounds[0]) | (x >= bounds[1])
