"""Soft thresholding: gradient descent whose weights become exactly 0 under an L1 penalty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.optim.steps import cast, eta_at, factor_of
from backlit.optim.transform import Optimizer, State, Transform, Tree
from backlit.settings import RATE, nonnegative


@dataclass(frozen=True, repr=False)
class SoftThreshold(Optimizer):
    """Proximal gradient descent for ``loss + λ Σ |θ|``: ``θ' = θ − η g``, ``θ ← sign(θ') · max(0, |θ'| − η λ)``.

    A penalty's gradient, λ sign(θ), carries a weight a little past 0 at each step; this one stops there. It takes the
    place of both the optimizer and the penalty. What has a single axis (biases, scales, shifts) is left alone.

    It is the step of plain gradient descent: what comes before it in a chain changes g and not λ, so after momentum μ,
    whose steps are 1 / (1 − μ) times as long, λ counts (1 − μ) times as much.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.
    strength : float
        λ ≥ 0.

    References
    ----------
    I. Daubechies, M. Defrise, C. De Mol, "An iterative thresholding algorithm for linear inverse problems with a
    sparsity constraint", 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> sparse = optim.SoftThreshold(0.1, strength=0.5)
    >>> params = {"weight": np.array([[1.0, 0.03]])}
    >>> updates, _ = sparse.update({"weight": np.zeros((1, 2))}, sparse.init(params), params, 0)
    >>> optim.apply_updates(params, updates)["weight"].round(6).tolist()
    [[0.95, 0.0]]
    """

    learning_rate: float | Callable[[Any], Any] = field(metadata=RATE)
    strength: float = nonnegative()

    def steps(self) -> tuple[Transform, ...]:
        return (ScaleByLearningRateAndThreshold(self.learning_rate, self.strength),)


@dataclass(frozen=True, repr=False)
class ScaleByLearningRateAndThreshold(Transform):
    """The step of `SoftThreshold`; `set_factor` finds its state by the first words of its name."""

    numbers: ClassVar[tuple[str, ...]] = ("learning_rate", "strength")

    learning_rate: float | Callable[[Any], Any] = field(metadata=RATE)
    strength: float = nonnegative()

    def init(self, params: Tree) -> State:
        return factor_of(self.learning_rate, params)

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        eta = eta_at(self.learning_rate, state, step)
        least = eta * self.strength

        def change(gradient: Any, weight: Any) -> Any:
            moved = -cast(eta, gradient) * gradient
            if weight.ndim < 2:
                return moved
            xp = namespace(weight)
            aim = weight + moved
            kept = xp.sign(aim) * xp.maximum(abs(aim) - cast(least, weight), xp.zeros((), dtype=weight.dtype))
            return xp.where(kept == 0, -weight, kept - weight)  # so that weight and update cancel to the last bit

        return tree.map(change, gradients, params), state
