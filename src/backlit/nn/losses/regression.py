"""Losses for numbers: how far an output is from its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.graph.ops import stable
from backlit.graph.ops.arithmetic import abs as absolute
from backlit.graph.ops.arithmetic import square
from backlit.nn.hyperparameters import above_zero
from backlit.nn.losses.base import (
    Loss,
    by_example,
    same_shape,
)


@dataclass(frozen=True, repr=False)
class SquaredError(Loss):
    """``L = Σᵢ (ŷᵢ - yᵢ)²``, the sum over an example's outputs; ``∂L/∂ŷ = 2 (ŷ - y)``.

    Parameters
    ----------
    half : bool
        ``L = ½ Σᵢ (ŷᵢ - yᵢ)²``, so that the gradient is just the error.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredError()(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])).tolist()
    [5.0]
    """

    half: bool = False

    def __call__(self, output: Any, target: Any) -> Any:
        losses = by_example(square(output - same_shape(self, output, target)), total=True)
        return 0.5 * losses if self.half else losses


@dataclass(frozen=True, repr=False)
class MeanSquaredError(Loss):
    """``L = 1/k Σᵢ (ŷᵢ - yᵢ)²``, the mean over an example's k outputs; ``∂L/∂ŷ = 2/k (ŷ - y)``.

    Examples
    --------
    >>> import numpy as np
    >>> MeanSquaredError()(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])).tolist()
    [2.5]
    """

    def __call__(self, output: Any, target: Any) -> Any:
        return by_example(square(output - same_shape(self, output, target)))


@dataclass(frozen=True, repr=False)
class MeanAbsoluteError(Loss):
    """``L = 1/k Σᵢ |ŷᵢ - yᵢ|``; ``∂L/∂ŷ = 1/k sign(ŷ - y)``, 0 where they are equal.

    Examples
    --------
    >>> import numpy as np
    >>> MeanAbsoluteError()(np.array([[1.0, -2.0]]), np.array([[0.0, 0.0]])).tolist()
    [1.5]
    """

    def __call__(self, output: Any, target: Any) -> Any:
        return by_example(absolute(output - same_shape(self, output, target)))


@dataclass(frozen=True, repr=False)
class Huber(Loss):
    """Squared for small errors, absolute for large: ``e²/2`` where ``|e| ≤ delta``, else ``delta (|e| - delta/2)``.

    With e = ŷ - y, averaged over the outputs; ``∂L/∂ŷ = 1/k clip(e, -delta, delta)``.

    Examples
    --------
    >>> import numpy as np
    >>> Huber(delta=1.0)(np.array([[0.5], [3.0]]), np.array([[0.0], [0.0]])).tolist()
    [0.125, 2.5]

    References
    ----------
    Huber: Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 35, 1964.
    """

    delta: float = above_zero(1.0)

    def __call__(self, output: Any, target: Any) -> Any:
        return by_example(stable.huber(output - same_shape(self, output, target), delta=self.delta))
