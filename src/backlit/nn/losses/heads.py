"""Heads: the loss of a network of several outputs, a loss and a weight for each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

from backlit.errors import InputError
from backlit.nn.losses.base import Loss
from backlit.nn.losses.naming import from_dict, get, to_dict
from backlit.nn.shapes import named
from backlit.schema import fitted


@dataclass(frozen=True)
class Head:
    """One output's part of the loss.

    Attributes
    ----------
    name : str
        The output's.
    loss : Loss
    weight : float
        How much it counts, λ.
    """

    name: str
    loss: Loss
    weight: float = 1.0

    def __post_init__(self) -> None:
        number = isinstance(self.weight, Real) and not isinstance(self.weight, bool)
        if not number or not 0 <= self.weight < math.inf:
            raise InputError(
                f"loss_weights: {self.name!r} must have a finite number of at least 0, got {self.weight!r}"
            )
        object.__setattr__(self, "weight", float(self.weight))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"name": self.name, "loss": to_dict(self.loss), "weight": self.weight}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        name, weight = fitted(str, data.get("name"), "name"), fitted(float, data.get("weight"), "weight")
        return cls(name, from_dict(fitted(dict[str, Any], data.get("loss"), "loss")), weight)


@dataclass(frozen=True, repr=False)
class Heads(Loss):
    """A loss for each output of a network, added up: ``Σ λ l(output, target)`` over the heads.

    `backlit.fit` makes it of ``loss={"kind": "cross_entropy", "price": "mse"}`` and ``loss_weights={"price": 0.1}``.

    Parameters
    ----------
    heads : tuple of Head, or dict of name to loss
    weights : dict of name to float, optional
        λ of heads; 1 for those that it leaves out. A head of weight 0 is measured, but not learned.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> loss = Heads({"kind": "cross_entropy", "price": "mse"}, weights={"price": 0.5})
    >>> outputs = {"kind": np.zeros((1, 2)), "price": np.array([[3.0]])}
    >>> loss(outputs, {"kind": np.array([0]), "price": np.array([[1.0]])}).round(3).tolist()
    [2.693]
    """

    heads: tuple[Head, ...]

    def __init__(self, heads: Any, weights: Mapping[str, float] | None = None) -> None:
        if isinstance(heads, Mapping):
            heads = tuple(Head(str(name), get(loss)) for name, loss in heads.items())
        heads = tuple(heads)
        if not heads or len({head.name for head in heads}) < len(heads):
            raise InputError(f"Heads needs a loss for each output, each name once, got {heads!r}")
        for head in heads:
            if head.name.startswith("val_"):
                raise InputError(
                    f"output {head.name!r}: names with 'val_' in front are the history's, of held-out rows"
                )
        for name in weights or ():
            if name not in {head.name for head in heads}:
                raise InputError(f"loss_weights: {name!r} is no output; there is {', '.join(h.name for h in heads)}")
        if weights:
            heads = tuple(dataclasses.replace(h, weight=weights.get(h.name, h.weight)) for h in heads)
        if not any(head.weight for head in heads):
            raise InputError("loss_weights: every output has weight 0, so there is nothing to learn")
        object.__setattr__(self, "heads", heads)

    @property
    def losses(self) -> dict[str, Loss]:
        """The loss of each head."""
        return {head.name: head.loss for head in self.heads}

    @property
    def weights(self) -> dict[str, float]:
        """λ of each head."""
        return {head.name: head.weight for head in self.heads}

    @property
    def target(self) -> str:
        return "heads"

    @property
    def activation(self) -> Any:
        """Of each head's loss, by its name."""
        return {name: loss.activation for name, loss in self.losses.items()}

    def by_head(self, output: Any, target: Any) -> dict[str, Any]:
        names = tuple(self.losses)
        outputs, targets = named(output, names, "outputs", "output"), named(target, names, "targets", "output")
        return {name: loss(outputs[name], targets[name]) for name, loss in self.losses.items()}

    def joined(self, values: Any) -> Any:
        total: Any = 0.0
        for name, weight in self.weights.items():
            total = total + values[name] * weight
        return total

    def spread(self, weights: Any, by_head: Any = None) -> Any:
        if by_head is None:
            return dict.fromkeys(self.losses, weights)
        return {name: weights * by_head[name].astype(weights.dtype) for name in self.losses}

    def __call__(self, output: Any, target: Any) -> Any:
        return self.joined(self.by_head(output, target))

    def __repr__(self) -> str:
        listed = ", ".join(
            f"{head.name}: {head.weight:g} × {head.loss}" if head.weight != 1 else f"{head.name}: {head.loss}"
            for head in self.heads
        )
        return f"Heads({listed})"
