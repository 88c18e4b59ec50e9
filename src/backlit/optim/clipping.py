"""Clipping of gradients, to be put before an optimizer: ``chain(ClipGlobalNorm(1.0), Adam())``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.optim.steps import cast
from backlit.optim.transform import State, Transform, Tree
from backlit.settings import option, positive

TINY = 1e-6  # added to the norm, as PyTorch does


@dataclass(frozen=True, repr=False)
class ClipValue(Transform):
    """``g ← min(max(g, −c), c)``, element by element: changes the gradient's direction.

    Parameters
    ----------
    limit : float
        c > 0.

    Examples
    --------
    >>> import numpy as np
    >>> ClipValue(1.0).update({"w": np.array([0.5, -7.0])}, {}, None, 0)[0]["w"].tolist()
    [0.5, -1.0]
    """

    limit: float = positive()

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        return tree.map(lambda g: namespace(g).clip(g, -self.limit, self.limit), gradients), state


def norm(arrays: list[Any], order: float) -> Any:
    """The norm of all elements of some arrays together."""
    if order == math.inf:
        parts = [namespace(a).max(abs(a)) for a in arrays]
        return namespace(*parts).max(namespace(*parts).stack(parts))
    if order == 2.0:
        return sum((a * a).sum() for a in arrays) ** 0.5
    return sum((abs(a) ** order).sum() for a in arrays) ** (1.0 / order)


def _shrink(total: Any, limit: float) -> Any:
    return namespace(total).minimum(limit / (total + TINY), 1.0)


@dataclass(frozen=True, repr=False)
class ClipNorm(Transform):
    """``g ← g · min(1, c / (‖g‖ₚ + 10⁻⁶))``, each array by its own norm.

    Parameters
    ----------
    limit : float
        c > 0.
    order : float
        p > 0; infinity for the largest absolute value.

    Examples
    --------
    >>> import numpy as np
    >>> gradients = {"a": np.array([3.0, 4.0]), "b": np.array([0.1])}
    >>> clipped, _ = ClipNorm(1.0).update(gradients, {}, None, 0)
    >>> clipped["a"].round(4).tolist(), clipped["b"].tolist()
    ([0.6, 0.8], [0.1])
    """

    limit: float = positive()
    order: float = option(2.0, open_low=True)

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        return tree.map(lambda g: g * cast(_shrink(norm([g], self.order), self.limit), g), gradients), state


@dataclass(frozen=True, repr=False)
class ClipGlobalNorm(Transform):
    """``g ← g · min(1, c / (‖g‖ₚ + 10⁻⁶))``, all arrays by the norm of the whole gradient: its direction stays.

    Parameters
    ----------
    limit : float
        c > 0.
    order : float
        p > 0; infinity for the largest absolute value.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> gradients = {"a": np.array([3.0]), "b": np.array([4.0])}
    >>> clipped, _ = ClipGlobalNorm(1.0).update(gradients, {}, None, 0)
    >>> clipped["a"].round(4).tolist(), clipped["b"].round(4).tolist()
    ([0.6], [0.8])
    """

    limit: float = positive()
    order: float = option(2.0, open_low=True)

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        leaves = tree.leaves(gradients)
        if not leaves:
            return gradients, state
        shrink = _shrink(norm(leaves, self.order), self.limit)
        return tree.map(lambda g: g * cast(shrink, g), gradients), state
