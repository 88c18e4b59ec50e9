"""Transform: a pure step from gradients to updates; optimizers are chains of them."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.optim.rate import Schedule
from backlit.settings import Hyperparameters

Tree = Any  # of arrays, in the parameters' structure
State = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Transform(Hyperparameters):
    """Base of optimizers and of the steps they are made of; subclass it as a frozen dataclass.

    Everything is pure: state goes in and comes out. Arrays may be NumPy's or JAX's (traced ones, too).

    Examples
    --------
    A step of one's own, put before an optimizer:

    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> from backlit import optim
    >>> @dataclass(frozen=True, repr=False)
    ... class SignOnly(optim.Transform):
    ...     def update(self, gradients, state, params, step):
    ...         return {name: np.sign(g) for name, g in gradients.items()}, state
    >>> optimizer = optim.chain(SignOnly(), optim.SGD(0.1))
    >>> params = {"w": np.array([1.0, 1.0])}
    >>> updates, state = optimizer.update({"w": np.array([30.0, -0.2])}, optimizer.init(params), params, 0)
    >>> optim.apply_updates(params, updates)["w"].tolist()
    [0.9, 1.1]
    """

    family: ClassVar[str] = "transform"
    own_rate: ClassVar[float | None] = None  # the learning rate that suits it, where others' don't
    whole: ClassVar[bool] = False  # whether every update must see all rows
    exact: ClassVar[bool] = False  # whether the minimum is computed, so that there is nothing to descend
    numbers: ClassVar[tuple[str, ...]] = ()  # fields that `update` takes as arrays, too: see `train.numbers`

    def __getstate__(self) -> dict[str, Any]:
        """The hyperparameters alone: what was worked out of them is no part of a copy, nor of joblib's hash."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """The transforms of a chain; any other is a chain of one."""
        return (self,)

    @property
    def last(self) -> Transform:
        """The last transform of a chain, which is the optimizer; otherwise this one."""
        return self.transforms[-1] if self.transforms else self

    @property
    def rate(self) -> float | None:
        """The learning rate, of a schedule its greatest, as far as it is plain to see; None if there is none.

        Examples
        --------
        >>> from backlit import optim
        >>> optim.chain(optim.ClipGlobalNorm(1.0), optim.Adam(optim.Cosine(0.01, steps=100))).rate
        0.01
        """
        rate = self.option("learning_rate")
        return rate.highest if isinstance(rate, Schedule) else float(rate) if isinstance(rate, (int, float)) else None

    def option(self, name: str) -> Any:
        """A hyperparameter, of a chain that of the last transform that has it; None if none does.

        Examples
        --------
        >>> from backlit import optim
        >>> optim.chain(optim.ClipGlobalNorm(1.0), optim.Adam()).option("limit")
        1.0
        """
        values = (getattr(part, name, None) for part in reversed(self.transforms))
        return next((value for value in values if value is not None), None)

    def init(self, params: Tree) -> State:
        """State before the first update: a tree of arrays, empty if none is needed."""
        return {}

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        """What is to be added to the parameters (or handed to the next step), and the new state.

        Parameters
        ----------
        gradients : tree of arrays
            In the structure of `params`.
        state : dict
            As `init` or the last `update` returned it.
        params : tree of arrays
            Before the update.
        step : int or integer array
            Number of updates done so far: 0 the first time.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update(self, gradients, state, params, step)")


@dataclass(frozen=True, repr=False)
class Chain(Transform):
    """Transforms one after the other: each gets what the one before it returned.

    The state is a dict with an entry for each transform that has one, named for its class ("scale_by_adam"; a second
    one of a kind is "scale_by_adam_2").
    """

    transforms: tuple[Transform, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what isn't a transform, and a second optimizer."""
        object.__setattr__(self, "transforms", tuple(self.transforms))
        for part in self.transforms:
            if not _is_transform(part):
                raise InputError(f"chain takes transforms and optimizers, got {part!r}")
        optimizers = [part for part in self.transforms if isinstance(part, Optimizer)]
        if len(optimizers) > 1:
            raise InputError(
                f"chain takes one optimizer, got {optimizers[0]!r} and {optimizers[1]!r}: the second would take the "
                "first's updates for gradients; leave one of them out"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of each transform in the state."""
        names, times = [], Counter[str]()
        for part in self.transforms:
            name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", getattr(part, "title", type(part).__name__)).lower()
            times[name] += 1
            names.append(name if times[name] == 1 else f"{name}_{times[name]}")
        return tuple(names)

    def init(self, params: Tree) -> State:
        states = {name: part.init(params) for name, part in zip(self.names, self.transforms, strict=True)}
        return {name: state for name, state in states.items() if state}

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        new = {}
        with np.errstate(all="ignore"):  # whether training diverged is told by its loss
            for name, part in zip(self.names, self.transforms, strict=True):
                gradients, after = part.update(gradients, state.get(name, {}), params, step)
                if after:
                    new[name] = after
        return gradients, new

    def __repr__(self) -> str:
        return f"chain({', '.join(map(repr, self.transforms))})"


def chain(*transforms: Transform) -> Chain:
    """Transforms one after the other, the optimizer last.

    Raises
    ------
    InputError
        If something among them isn't a transform, or two are optimizers.

    Examples
    --------
    >>> from backlit import optim
    >>> optim.chain(optim.ClipGlobalNorm(1.0), optim.Adam(0.01))
    chain(ClipGlobalNorm(limit=1.0), Adam(learning_rate=0.01))
    """
    return Chain(transforms)


def as_transform(optimizer: Any) -> Transform:
    """Any optimizer as a transform, to ask what it is made of.

    One of another kind, which only has ``init`` and ``update``, is a chain of one; anything else, such as the record
    of an optimizer that this process doesn't know, is a transform of which nothing is known.

    Examples
    --------
    >>> as_transform({"transform": "Mine"}).rate is None
    True
    """
    if isinstance(optimizer, Transform):
        return optimizer
    return Chain((optimizer,)) if _is_transform(optimizer) else Transform()


def _is_transform(optimizer: Any) -> bool:
    return hasattr(optimizer, "init") and hasattr(optimizer, "update")


def apply_updates(params: Tree, updates: Tree) -> Tree:
    """The parameters after an update: ``params + updates``, leaf by leaf.

    >>> apply_updates({"w": 1.0}, {"w": -0.25})
    {'w': 0.75}
    """
    return tree.map(lambda p, u: p + u, params, updates)


@dataclass(frozen=True, repr=False)
class Optimizer(Transform, abstract=True):
    """Base of the optimizers: a name and hyperparameters for a chain of steps."""

    def steps(self) -> tuple[Transform, ...]:
        """The steps it is made of."""
        raise NotImplementedError(f"{type(self).__name__} must define steps(self)")

    @cached_property
    def chain(self) -> Chain:
        """The steps as one transform."""
        return Chain(self.steps())

    def init(self, params: Tree) -> State:
        return self.chain.init(params)

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        return self.chain.update(gradients, state, params, step)
