"""Targets of a network of several outputs: those of each, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError, about
from backlit.nn import losses
from backlit.nn.losses import Heads, Loss
from backlit.nn.shapes import Shapes
from backlit.train.targets import Targets


@dataclass(frozen=True, eq=False)
class HeadTargets:
    """How the targets of each output are encoded, and its outputs decoded: `Targets` by name, asked alike.

    Parameters
    ----------
    heads : dict of name to Targets

    Examples
    --------
    >>> targets = HeadTargets({"price": Targets("number", (1,), flat=True)})
    >>> targets.decode({"price": np.array([[2.5]])})["price"].tolist()
    [2.5]
    """

    kind: ClassVar[str] = "heads"
    labels: ClassVar[None] = None

    heads: dict[str, Targets]

    @classmethod
    def learn(cls, y: Mapping[str, np.ndarray], outputs: Shapes, loss: Heads, standardize: bool = False) -> HeadTargets:
        """Learn each output's encoding from its training targets; refuse what doesn't fit, naming the output."""
        heads = {}
        for name, own in loss.losses.items():
            with about(f"output {name!r}"):
                heads[name] = Targets.learn(y[name], own.target, outputs[name], own, standardize)
        return cls(heads)

    @property
    def outputs(self) -> Shapes:
        """The shape of each output."""
        return Shapes({name: targets.outputs for name, targets in self.heads.items()})

    @property
    def classes(self) -> dict[str, list[Any]]:
        """The classes of each output that has some."""
        return {name: list(targets.labels.classes) for name, targets in self.heads.items() if targets.labels}

    def _each(self, values: Any, ask: Callable[[Targets, Any], Any]) -> dict[str, Any]:
        made = {}
        for name, targets in self.heads.items():
            with about(f"output {name!r}"):
                made[name] = ask(targets, values[name])
        return made

    def encode(self, y: Any, dtype: str) -> dict[str, Any]:
        """Targets as the losses take them."""
        return self._each(y, lambda targets, own: targets.encode(np.asarray(own), dtype))

    def own_unit(self, values: Any) -> dict[str, Any]:
        """Outputs or encoded targets in the unit that the targets came in."""
        return self._each(values, lambda targets, own: targets.own_unit(own))

    def decode(self, outputs: Any) -> dict[str, Any]:
        """Raw outputs as predictions."""
        return self._each(outputs, lambda targets, own: targets.decode(own))

    def probabilities(self, outputs: Any, activation: Mapping[str, str | None]) -> dict[str, Any]:
        """Raw outputs as probabilities, of the outputs that have some."""
        kinds = {name: targets for name, targets in self.heads.items() if targets.kind != "number"}
        having = {name: targets for name, targets in kinds.items() if activation[name]}
        if not having:
            raise InputError("no output of this network has probabilities; use predict")
        return {name: targets.probabilities(outputs[name], activation[name]) for name, targets in having.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"kind": self.kind, "heads": {name: targets.to_dict() for name, targets in self.heads.items()}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> HeadTargets:
        """The inverse of `to_dict`."""
        heads = data.get("heads")
        if not isinstance(heads, dict) or not heads:
            raise InputError("targets of several outputs need those of each, under 'heads'")
        made = {}
        for name, own in heads.items():
            with about(f"output {name!r}"):
                made[name] = Targets.from_dict(own)
        return cls(made)


def loss_for(given: Any, weights: Mapping[str, float] | None, names: tuple[str, ...], y: Any) -> Loss:
    """The loss of a training: the one that was asked for, else the usual one for the targets; of each output.

    Parameters
    ----------
    given : loss, name, function, None, or dict of output to one of these
    weights : dict of output to float, optional
    names : tuple of str
        The network's outputs; empty if there is but one.
    y : array, or dict of arrays
        The targets.
    """
    if not names:
        if isinstance(given, (Mapping, Heads)) or weights is not None:
            what = "loss_weights" if weights is not None else "loss"
            raise InputError(f"{what} is by output, but the network has one output: give one loss, loss='mse' say")
        return losses.get(given) if given is not None else _usual(y)
    if isinstance(given, Heads):
        if set(given.losses) != set(names):
            raise InputError(f"{given}: the network's outputs are {', '.join(names)}")
        return Heads(given.heads, weights) if weights else given
    by_name = dict(given) if isinstance(given, Mapping) else dict.fromkeys(names, given)
    for name in by_name:
        if name not in names:
            raise InputError(f"loss: {name!r} is no output; the network's outputs are {', '.join(map(repr, names))}")
    made = {}
    for name in names:
        with about(f"output {name!r}"):
            own = by_name.get(name)
            made[name] = losses.get(own) if own is not None else _usual(y[name])
    return Heads(made, weights)


def _usual(y: np.ndarray) -> Loss:
    return losses.default_for("regression" if y.dtype.kind == "f" else "classification")
