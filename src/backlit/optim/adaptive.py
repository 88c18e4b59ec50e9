"""Optimizers with a rate of its own for each weight: AdaGrad, RMSprop, Adam, AdamW."""

from __future__ import annotations

from dataclasses import dataclass, field

from backlit.optim.schedules import InverseTime
from backlit.optim.sgd import Rate, before
from backlit.optim.steps import (
    AddDecayedWeights,
    AddMomentum,
    ScaleByAdaGrad,
    ScaleByAdam,
    ScaleByLearningRate,
    ScaleByRMS,
)
from backlit.optim.transform import Optimizer, Transform
from backlit.settings import RATE, fraction, nonnegative


@dataclass(frozen=True, repr=False)
class AdaGrad(Optimizer):
    """``G ← G + g²``, ``θ ← θ − η g / (√G + ε)``: weights that moved much move less.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.
    learning_rate_decay : float
        k ≥ 0: the rate of update t (from 0) is ``η / (1 + k t)``.
    epsilon : float
        ε ≥ 0, added after the root.
    initial_accumulator : float
        G to begin with, ≥ 0.
    weight_decay : float
        λ ≥ 0: ``g + λ θ`` in place of g.
    maximize : bool
        Go up instead of down.

    Raises
    ------
    InputError
        If a value is out of its range.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods", JMLR 12, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer = optim.AdaGrad(0.5)
    >>> params = {"w": np.array([1.0, 1.0])}
    >>> updates, state = optimizer.update({"w": np.array([0.01, 100.0])}, optimizer.init(params), params, 0)
    >>> updates["w"].round(6).tolist()  # whatever the gradient's size, the first step has that of η
    [-0.5, -0.5]
    """

    learning_rate: Rate = field(default=0.01, metadata=RATE)
    learning_rate_decay: float = nonnegative(0.0)
    epsilon: float = nonnegative(1e-10)
    initial_accumulator: float = nonnegative(0.0)
    weight_decay: float = nonnegative(0.0)
    maximize: bool = False

    def steps(self) -> tuple[Transform, ...]:
        eta, decay = self.learning_rate, self.learning_rate_decay
        return (
            *before(self.maximize, self.weight_decay),
            ScaleByAdaGrad(self.epsilon, self.initial_accumulator),
            ScaleByLearningRate(InverseTime(eta, decay) if decay else eta),
        )


@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    """``v ← ρ v + (1 − ρ) g²``, ``θ ← θ − η g / (√v + ε)``: AdaGrad that forgets.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.
    decay : float
        ρ in [0, 1).
    epsilon : float
        ε ≥ 0, added after the root.
    centered : bool
        Divide by ``√(v − ḡ²) + ε``, an estimate of the gradient's standard deviation, with ``ḡ ← ρ ḡ + (1 − ρ) g``.
    momentum : float
        μ in [0, 1): the scaled gradients are accumulated, ``b ← μ b + g / (√v + ε)``, ``θ ← θ − η b``.
    weight_decay : float
        λ ≥ 0: ``g + λ θ`` in place of g.
    maximize : bool
        Go up instead of down.

    Raises
    ------
    InputError
        If a value is out of its range.

    References
    ----------
    G. Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012.
    A. Graves, "Generating Sequences With Recurrent Neural Networks", arXiv 1308.0850, 2013 (centered).

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer = optim.RMSprop(0.01, decay=0.75)
    >>> params = {"w": np.array([1.0, 1.0])}
    >>> updates, state = optimizer.update({"w": np.array([0.01, 100.0])}, optimizer.init(params), params, 0)
    >>> updates["w"].round(6).tolist()
    [-0.02, -0.02]
    """

    learning_rate: Rate = field(default=0.01, metadata=RATE)
    decay: float = fraction(0.99)
    epsilon: float = nonnegative(1e-8)
    centered: bool = False
    momentum: float = fraction(0.0)
    weight_decay: float = nonnegative(0.0)
    maximize: bool = False

    def steps(self) -> tuple[Transform, ...]:
        return (
            *before(self.maximize, self.weight_decay),
            ScaleByRMS(self.decay, self.epsilon, self.centered),
            *([AddMomentum(self.momentum)] if self.momentum else []),
            ScaleByLearningRate(self.learning_rate),
        )


@dataclass(frozen=True, repr=False)
class _Moments(Optimizer, abstract=True):
    """Base of Adam and its kin, which scale by running means of g and g²."""

    learning_rate: Rate = field(default=0.001, metadata=RATE)
    beta1: float = fraction(0.9)
    beta2: float = fraction(0.999)
    epsilon: float = nonnegative(1e-8)
    weight_decay: float = nonnegative(0.0)
    amsgrad: bool = False
    maximize: bool = False

    @property
    def scaling(self) -> ScaleByAdam:
        """The step that scales."""
        return ScaleByAdam(self.beta1, self.beta2, self.epsilon, self.amsgrad)


@dataclass(frozen=True, repr=False)
class Adam(_Moments):
    """``θ ← θ − η m̂ / (√v̂ + ε)``: running means of g and g², their bias corrected.

    ``m ← β₁ m + (1 − β₁) g``, ``v ← β₂ v + (1 − β₂) g²``, ``m̂ = m / (1 − β₁ᵗ)``, ``v̂ = v / (1 − β₂ᵗ)`` with t from 1.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0 (the paper's α); roughly the size of a weight's step.
    beta1, beta2 : float
        In [0, 1).
    epsilon : float
        ε ≥ 0, added after the root (the paper's ε̂ is the other one).
    weight_decay : float
        λ ≥ 0: ``g + λ θ`` in place of g, which the scaling then distorts; `AdamW` doesn't.
    amsgrad : bool
        Divide by the largest v so far.
    maximize : bool
        Go up instead of down.

    Raises
    ------
    InputError
        If a value is out of its range.

    References
    ----------
    D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    S. Reddi, S. Kale, S. Kumar, "On the Convergence of Adam and Beyond", ICLR 2018 (AMSGrad).

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer = optim.Adam(0.1)
    >>> params = {"w": np.array([1.0, 1.0])}
    >>> updates, state = optimizer.update({"w": np.array([0.01, 100.0])}, optimizer.init(params), params, 0)
    >>> updates["w"].round(6).tolist()
    [-0.1, -0.1]
    """

    def steps(self) -> tuple[Transform, ...]:
        return (
            *before(self.maximize, self.weight_decay),
            self.scaling,
            ScaleByLearningRate(self.learning_rate),
        )


@dataclass(frozen=True, repr=False)
class AdamW(_Moments):
    """``θ ← θ − η (m̂ / (√v̂ + ε) + λ θ)``: Adam whose weight decay stays out of its running means.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0; it scales the decay, too.
    beta1, beta2 : float
        In [0, 1).
    epsilon : float
        ε ≥ 0, added after the root.
    weight_decay : float
        λ ≥ 0.
    amsgrad : bool
        Divide by the largest v so far.
    maximize : bool
        Go up instead of down (the decay still shrinks).

    Raises
    ------
    InputError
        If a value is out of its range.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer = optim.AdamW(0.1, weight_decay=0.5)
    >>> params = {"w": np.array([2.0])}
    >>> updates, state = optimizer.update({"w": np.zeros(1)}, optimizer.init(params), params, 0)
    >>> updates["w"].tolist()
    [-0.1]
    """

    weight_decay: float = nonnegative(0.01)

    def steps(self) -> tuple[Transform, ...]:
        return (
            *before(self.maximize, 0.0),
            self.scaling,
            *([AddDecayedWeights(self.weight_decay)] if self.weight_decay else []),
            ScaleByLearningRate(self.learning_rate),
        )
