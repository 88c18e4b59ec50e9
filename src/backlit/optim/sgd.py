"""Gradient descent, with and without momentum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backlit.optim.steps import AddDecayedWeights, AddMomentum, Negate, ScaleByLearningRate
from backlit.optim.transform import Optimizer, Transform
from backlit.settings import RATE, fraction, nonnegative, option

Rate = float | Callable[[Any], Any]


@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent: ``θ ← θ − η v`` with ``v = g``, or with momentum ``v ← μ v + (1 − τ) g``.

    Full batch, mini-batch or one example at a time is the batch size's choice (of `fit`), not the rule's.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.
    momentum : float
        μ in [0, 1), usually 0.9; 0 leaves it out.
    nesterov : bool
        The step goes along ``g + μ v``: the gradient as if the step along v had been made already.
    dampening : float
        τ in [0, 1]; the first velocity isn't dampened.
    weight_decay : float
        λ ≥ 0: ``g + λ θ`` in place of g, the gradient of ½ λ ‖θ‖². Biases are decayed as well; for a choice by
        layer use a penalty.
    maximize : bool
        Go up instead of down.

    Raises
    ------
    InputError
        If a value is out of its range, or `nesterov` is combined with dampening or no momentum.

    References
    ----------
    H. Robbins, S. Monro, "A Stochastic Approximation Method", 1951.
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer = optim.SGD(0.1, momentum=0.9)
    >>> params = {"w": np.array([1.0, -2.0])}
    >>> state = optimizer.init(params)
    >>> for step in range(2):
    ...     updates, state = optimizer.update({"w": 2 * params["w"]}, state, params, step)
    ...     params = optim.apply_updates(params, updates)
    >>> params["w"].round(4).tolist()
    [0.46, -0.92]
    """

    learning_rate: Rate = field(default=0.01, metadata=RATE)
    momentum: float = fraction(0.0)
    nesterov: bool = False
    dampening: float = option(0.0, high=1.0)
    weight_decay: float = nonnegative(0.0)
    maximize: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise self._refuse("nesterov", "needs momentum above 0, got momentum=0.0")
        if self.nesterov and self.dampening:
            raise self._refuse("nesterov", f"needs dampening=0, got dampening={self.dampening}")

    def steps(self) -> tuple[Transform, ...]:
        return (
            *before(self.maximize, self.weight_decay),
            *([AddMomentum(self.momentum, self.nesterov, self.dampening)] if self.momentum else []),
            ScaleByLearningRate(self.learning_rate),
        )


def before(maximize: bool, weight_decay: float) -> list[Transform]:
    """What comes before an optimizer's own steps: ascent, and the gradient of an L2 penalty."""
    negate: list[Transform] = [Negate()] if maximize else []
    return [*negate, AddDecayedWeights(weight_decay)] if weight_decay else negate


@dataclass(frozen=True, repr=False)
class GradientDescent(Optimizer):
    """``θ ← θ − η g``: the textbook's rule, on the gradient of all the data (``batch_size=None`` in `fit`).

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> params = {"w": np.array([3.0])}
    >>> updates, _ = optim.GradientDescent(0.5).update({"w": np.array([2.0])}, {}, params, 0)
    >>> optim.apply_updates(params, updates)["w"].tolist()
    [2.0]
    """

    learning_rate: Rate = field(default=0.01, metadata=RATE)

    def steps(self) -> tuple[Transform, ...]:
        return SGD(self.learning_rate).steps()


@dataclass(frozen=True, repr=False)
class Momentum(Optimizer):
    """``v ← μ v + g``, ``θ ← θ − η v``: the heavy ball.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.
    momentum : float
        μ in (0, 1).

    References
    ----------
    B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

    Examples
    --------
    >>> from backlit import optim
    >>> optim.Momentum(0.1)
    Momentum(learning_rate=0.1)
    """

    learning_rate: Rate = field(default=0.01, metadata=RATE)
    momentum: float = option(0.9, high=1.0, open_low=True, open_high=True)

    def steps(self) -> tuple[Transform, ...]:
        return SGD(self.learning_rate, self.momentum).steps()


@dataclass(frozen=True, repr=False)
class Nesterov(Optimizer):
    """``v ← μ v + g``, ``θ ← θ − η (g + μ v)``: momentum that looks ahead.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.
    momentum : float
        μ in (0, 1).

    References
    ----------
    Y. Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k²)", 1983, in the form
    of Y. Bengio, N. Boulanger-Lewandowski, R. Pascanu, "Advances in optimizing recurrent networks", ICASSP 2013.

    Examples
    --------
    >>> from backlit import optim
    >>> optim.Nesterov(0.1, momentum=0.8)
    Nesterov(learning_rate=0.1, momentum=0.8)
    """

    learning_rate: Rate = field(default=0.01, metadata=RATE)
    momentum: float = option(0.9, high=1.0, open_low=True, open_high=True)

    def steps(self) -> tuple[Transform, ...]:
        return SGD(self.learning_rate, self.momentum, nesterov=True).steps()
