"""Soft thresholding: the step that makes weights exactly 0 under an L1 penalty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.optim.steps import cast
from backlit.optim.transform import State, Transform, Tree
from backlit.settings import RATE, nonnegative


@dataclass(frozen=True, repr=False)
class SoftThreshold(Transform):
    """``θ ← sign(θ') · max(0, |θ'| − η λ)`` with ``θ' = θ + u``: after an optimizer, the proximal step of ``λ Σ |θ|``.

    A penalty's gradient, λ sign(θ), carries a weight a little past 0 at each step; this one stops there. It comes last
    in a chain, takes the penalty's place, and has the optimizer's own learning rate. What has a single axis (biases,
    scales, shifts) is left alone.

    Parameters
    ----------
    strength : float
        λ ≥ 0.
    learning_rate : float or schedule
        η, as the optimizer before it has it.

    References
    ----------
    I. Daubechies, M. Defrise, C. De Mol, "An iterative thresholding algorithm for linear inverse problems with a
    sparsity constraint", 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> sparse = optim.chain(optim.SGD(0.1), optim.SoftThreshold(0.5, 0.1))
    >>> params = {"weight": np.array([[1.0, 0.03]])}
    >>> updates, _ = sparse.update({"weight": np.zeros((1, 2))}, sparse.init(params), params, 0)
    >>> optim.apply_updates(params, updates)["weight"].round(6).tolist()
    [[0.95, 0.0]]
    """

    numbers: ClassVar[tuple[str, ...]] = ("strength", "learning_rate")

    strength: float = nonnegative()
    learning_rate: float | Callable[[Any], Any] = field(default=0.01, metadata=RATE)

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        eta: Any = self.learning_rate(step) if callable(self.learning_rate) else self.learning_rate
        least = eta * self.strength

        def thresholded(update: Any, weight: Any) -> Any:
            if weight.ndim < 2:
                return update
            xp = namespace(weight)
            moved = weight + update
            kept = xp.sign(moved) * xp.maximum(abs(moved) - cast(least, weight), xp.zeros((), dtype=weight.dtype))
            return xp.where(kept == 0, -weight, kept - weight)  # so that weight and update cancel to the last bit

        return tree.map(thresholded, gradients, params), state
