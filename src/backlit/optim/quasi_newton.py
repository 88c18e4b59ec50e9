"""L-BFGS as an optimizer: one step an update, along a direction that knows the curvature of the last few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.optim.rate import rate_at
from backlit.optim.steered import steered_of
from backlit.optim.steps import cast
from backlit.optim.transform import State, Transform, Tree
from backlit.settings import RATE, count

SMALLEST = 1e-10  # of y·s: pairs below it say nothing of a minimum's curvature


@dataclass(frozen=True, repr=False)
class LBFGS(Transform):
    """``θ ← θ − η H g`` with H from the last few moves s and changes y of the gradient: a quasi-Newton method.

    For all rows at once and a loss that is the same every time: with ``batch_size=None`` and without dropout. Each
    epoch is one step of length η, without a line search (`minimize_lbfgs` has one); the first step is no longer than
    ``η / Σ|g|`` where the gradient is large, since nothing is known of the curvature yet.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0, usually 1.
    memory : int
        Moves and changes that are kept.

    References
    ----------
    D. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization", Math. Programming 45, 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer, params, steepness = optim.LBFGS(), {"w": np.array([0.1, -0.2])}, np.array([1.0, 10.0])
    >>> state = optimizer.init(params)
    >>> for step in range(12):
    ...     updates, state = optimizer.update({"w": steepness * params["w"]}, state, params, step)
    ...     params = optim.apply_updates(params, updates)
    >>> bool(np.abs(params["w"]).max() < 1e-6)
    True
    """

    own_rate: ClassVar[float | None] = 1.0
    whole: ClassVar[bool] = True

    learning_rate: float | Callable[[Any], Any] = field(default=1.0, metadata=RATE)
    memory: int = count(10)

    def __post_init__(self) -> None:
        super().__post_init__()
        steered = steered_of(self.learning_rate)
        if steered is not None:
            name = type(steered).__name__
            raise self._refuse("learning_rate", f"can't be a {name}, set between epochs; choose another schedule")

    def init(self, params: Tree) -> State:
        flat = _flat(params)
        xp = namespace(flat)
        pairs = xp.zeros((self.memory, *flat.shape), dtype=flat.dtype)
        rho = xp.zeros((self.memory,), dtype=flat.dtype)
        # Of a pair that isn't there yet rho is 0, and it leaves every vector as it is.
        return {"gradient": 0 * flat, "move": 0 * flat, "moves": pairs, "changes": pairs, "rho": rho}

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        g = _flat(gradients)
        xp = namespace(g)
        pairs = self._remember(xp, g, state)
        direction = _direction(xp, g, pairs)
        shorter = xp.minimum(1.0, 1.0 / xp.maximum(xp.abs(g).sum(), SMALLEST))
        eta = cast(rate_at(self.learning_rate, xp, step * 1.0), g) * xp.where(step == 0, shorter, 1.0).astype(g.dtype)
        move = eta * direction
        return _like(move, gradients), {"gradient": g, "move": move, **pairs}

    def _remember(self, xp: Any, g: Any, state: State) -> State:
        """The pairs with the last move and its change of the gradient, if it tells of a curvature upwards."""
        s, y = state["move"], g - state["gradient"]
        product = (y * s).sum()
        telling = product > SMALLEST
        rho = 1.0 / xp.where(telling, product, 1.0)

        def pushed(old: Any, new: Any) -> Any:
            return xp.where(telling, xp.concatenate([old[1:], new[None]]), old)

        return {
            "moves": pushed(state["moves"], s),
            "changes": pushed(state["changes"], y),
            "rho": pushed(state["rho"], rho),
        }


def _direction(xp: Any, g: Any, pairs: State) -> Any:
    """``−H g`` by the two loops of Nocedal's, over the pairs from the newest to the oldest and back."""
    moves, changes, rho = pairs["moves"], pairs["changes"], pairs["rho"]
    newest = changes[-1]
    length = (newest * newest).sum()
    q, shares = -g, []
    for i in reversed(range(len(rho))):
        share = rho[i] * (moves[i] * q).sum()
        shares.append(share)
        q = q - share * changes[i]
    known = rho[-1] != 0
    r = q * xp.where(known, 1.0 / xp.where(known, rho[-1] * length, 1.0), 1.0).astype(g.dtype)
    for i, share in enumerate(reversed(shares)):
        r = r + moves[i] * (share - rho[i] * (changes[i] * r).sum())
    return r


def _flat(values: Tree) -> Any:
    leaves = [leaf.reshape(-1) for leaf in tree.leaves(values)]
    return namespace(leaves[0]).concatenate(leaves)


def _like(flat: Any, values: Tree) -> Tree:
    """A flat vector in the structure and shapes of a tree."""
    leaves, structure = tree.flatten(values)
    parts, start = [], 0
    for leaf in leaves:
        parts.append(flat[start : start + leaf.size].reshape(leaf.shape))
        start += leaf.size
    return tree.unflatten(structure, parts)
