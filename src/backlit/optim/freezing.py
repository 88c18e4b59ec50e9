"""Frozen: an optimizer that leaves some parameters as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.optim.transform import State, Transform, Tree
from backlit.settings import option


@dataclass(frozen=True, repr=False)
class Frozen(Transform):
    """Another optimizer, for all parameters but some, which keep their values bit for bit.

    Their gradients count for nothing (no norm that is clipped has them), and no decay or momentum moves them.

    Parameters
    ----------
    inner : Transform
    paths : tuple of str
        Of the parameters that stay: "0/body/0/weight".

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> frozen = optim.Frozen(optim.AdamW(0.1, weight_decay=0.5), ("a",))
    >>> params = {"a": np.array([1.0]), "b": np.array([1.0])}
    >>> updates, _ = frozen.update(params, frozen.init(params), params, 0)
    >>> moved = optim.apply_updates(params, updates)
    >>> moved["a"].tolist(), bool(moved["b"][0] < 1)
    ([1.0], True)
    """

    inner: Any = option()
    paths: tuple[str, ...] = option(())

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "paths", tuple(self.paths))

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """Those of the other optimizer: its rate and options are this one's."""
        return tuple(self.inner.transforms)

    def init(self, params: Tree) -> State:
        """The other optimizer's state."""
        state: State = self.inner.init(params)
        return state

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        """What the other optimizer says, with nothing for what stays."""
        updates, state = self.inner.update(self._without(gradients, 0.0), state, params, step)
        return self._without(updates, -0.0), state  # x + −0 is x for every x, −0 itself included

    def _without(self, values: Tree, nothing: float) -> Tree:
        kept = {
            path: namespace(leaf).full_like(leaf, nothing) if path in self.paths else leaf
            for path, leaf in tree.items(values)
        }
        return tree.map(lambda _, leaf: leaf, values, tree.nest(kept))
