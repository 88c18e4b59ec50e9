"""Where an activation is saturated: where its own derivative has all but gone."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from backlit.errors import ZeroGradientWarning
from backlit.graph.derivatives import vjp
from backlit.nn.key import Key
from backlit.nn.layers.activation_facts import Facts

SHARE = 0.01  # of the activation's largest slope: below it, a value counts as saturated
_RANGE, _POINTS = 40.0, 80_001  # where slopes are looked at: from -40 to 40, 1000 to the unit


class Activation(Protocol):
    """What is asked of a layer here."""

    @property
    def facts(self) -> Facts | None: ...

    @property
    def init(self) -> Callable[[Key, tuple[int, ...]], tuple[dict[str, Any], tuple[int, ...]]]: ...

    def __call__(self, params: dict[str, Any], x: Any) -> Any: ...


@functools.lru_cache(maxsize=64)
def limits(layer: Activation) -> tuple[float, float] | None:
    """Inputs up to the first number, and from the second on, are saturated; None if `layer` is no such activation.

    There the derivative is below 1 % of the activation's largest one: for sigmoid beyond ±5.98, for tanh beyond
    ±2.99, for ReLU at 0 and below. Found from the layer's own derivative, so it holds for its own hyperparameters.
    An activation of whole rows (softmax), or one that is learned (PReLU), has no such limits.

    Examples
    --------
    >>> import backlit as bl
    >>> limits(bl.Tanh()), limits(bl.ReLU()), limits(bl.LeakyReLU())
    ((-2.994, 2.994), (0.0, inf), (-inf, inf))
    """
    if layer.facts is None or not layer.facts.elementwise or layer.init(Key.undrawn(), (1,))[0]:
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
