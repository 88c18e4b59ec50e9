"""What a person changes by hand in the middle of training, as functions of the update's number.

So that training with changes is one training, which a single call of `backlit.fit` repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.optim.rate import Schedule
from backlit.optim.transform import State, Transform, Tree
from backlit.settings import option

Held = tuple[
    str, int, int, int
]  # path of a parameter, its row, the first update and the first that isn't held any more
Edit = tuple[str, tuple[int, ...], int, float]  # path of a parameter, index, the update after which it is set, value
FOREVER = 2**31 - 1


@dataclass(frozen=True, repr=False)
class Rates(Schedule):
    """A rate that someone changed: ``rates[i]`` from update ``at_updates[i]`` on; the first from 0.

    Examples
    --------
    >>> schedule = Rates(rates=(0.1, 0.01), at_updates=(0, 100))
    >>> schedule(99), schedule(100)
    (0.1, 0.01)
    """

    rates: tuple[float, ...] = option()
    at_updates: tuple[int, ...] = option()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "rates", tuple(map(float, self.rates)))
        object.__setattr__(self, "at_updates", tuple(map(int, self.at_updates)))
        first, *later = self.at_updates or (1,)
        if first != 0 or len(self.rates) != len(self.at_updates) or sorted({0, *later}) != list(self.at_updates):
            raise InputError(
                "Rates: each rate needs the update from which it holds, 0 first, then growing; got "
                f"rates={self.rates}, at_updates={self.at_updates}"
            )

    @property
    def highest(self) -> float:
        """The greatest of the rates."""
        return max(self.rates)

    def at(self, xp: ModuleType, t: Any) -> Any:
        rate = self.rates[0] + 0.0 * t
        for value, since in zip(self.rates[1:], self.at_updates[1:], strict=True):
            rate = xp.where(t >= since, value, rate)
        return rate


@dataclass(frozen=True, repr=False)
class Scripted(Transform):
    """Another optimizer, with rows of parameters held and single weights set at certain updates.

    Parameters
    ----------
    inner : Transform
    held : tuple of (path, row, first, last)
        In the updates first ≤ t < last the row keeps its values bit for bit.
    edits : tuple of (path, index, update, value)
        After that update the weight has the value: what the update adds is the difference, so the last bit may differ.

    Examples
    --------
    >>> import numpy as np
    >>> from backlit import optim
    >>> optimizer = Scripted(optim.SGD(1.0), held=(("w", 0, 0, 1),), edits=(("w", (1,), 1, 7.0),))
    >>> params, state = {"w": np.array([5.0, 5.0])}, {}
    >>> for step in range(2):
    ...     updates, state = optimizer.update({"w": np.ones(2)}, state, params, step)
    ...     params = optim.apply_updates(params, updates)
    ...     print(params["w"].tolist())
    [5.0, 4.0]
    [4.0, 7.0]
    """

    inner: Any = option()
    held: tuple[Held, ...] = option(())
    edits: tuple[Edit, ...] = option(())

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "held", tuple(tuple(each) for each in self.held))
        edits = tuple((path, tuple(index), update, value) for path, index, update, value in self.edits)
        object.__setattr__(self, "edits", edits)

    @property
    def title(self) -> str:
        """The other optimizer's name: in a chain its state stands under that, with changes by hand or without."""
        return str(getattr(self.inner, "title", type(self.inner).__name__))

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """Those of the other optimizer: its rate and options are this one's."""
        return tuple(self.inner.transforms)

    def init(self, params: Tree) -> State:
        """The other optimizer's state."""
        state: State = self.inner.init(params)
        return state

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        """What the other optimizer says, but for what is held or set."""
        updates, state = self.inner.update(gradients, state, params, step)
        before = dict(tree.items(params))
        changed = {path: self._of(path, leaf, before[path], step) for path, leaf in tree.items(updates)}
        return tree.map(lambda _, leaf: leaf, updates, tree.nest(changed)), state

    def _of(self, path: str, update: Any, before: Any, step: Any) -> Any:
        xp = namespace(update)
        for where, row, first, last in self.held:
            if where == path:
                mask = np.zeros(update.shape, bool)
                mask[row] = True
                update = xp.where(mask & (step >= first) & (step < last), xp.full_like(update, -0.0), update)
        for where, index, at, value in self.edits:
            if where == path:
                mask = np.zeros(update.shape, bool)
                mask[index] = True
                update = xp.where(mask & (step == at), value - before, update)
        return update
