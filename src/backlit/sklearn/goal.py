"""What an estimator learns: the loss, and how its targets are encoded and outputs decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.nn import losses
from backlit.nn.layer import Layer, Network, Shape
from backlit.nn.spec import build
from backlit.train.targets import Targets


@dataclass(frozen=True, eq=False)
class Goal:
    """A network's end: what it is to give, how many numbers, and by which loss.

    Attributes
    ----------
    task : "classification", "multi_label" or "regression"
    classes : array or None
        Of classification.
    outputs : int
        Classes, labels, or numbers a row.
    loss : Loss
    """

    task: str
    classes: np.ndarray | None
    outputs: int
    loss: Any

    @classmethod
    def of(cls, task: str, loss: Any, outputs: int, classes: np.ndarray | None = None) -> Goal:
        """The goal of a task, by its usual loss if there is none."""
        chosen = losses.default_for(task) if loss is None else losses.get(loss)
        fitting = {"classification": ("class", "binary"), "multi_label": ("multi_label",)}.get(task, ("number",))
        if chosen.target not in fitting:
            usual = losses.default_for(task)
            raise InputError(f"{chosen} learns {chosen.target!r} targets, but y is {_told(task)}: {usual} fits, say")
        return cls(task, classes, 1 if chosen.target == "binary" else outputs, chosen)

    def architecture(self, network: Any, activation: str, dropout: float, shape: Shape) -> Layer | Network:
        """The network that an estimator's options describe; layers of the user's own must end as the goal asks.

        Raises
        ------
        InputError, ShapeError
            If they don't fit; the message says what to change.
        """
        if isinstance(network, (Layer, Network)):
            if dropout:
                raise InputError(
                    f"dropout={dropout} is for a network that is named, 'mlp:100' say; put bl.Dropout({dropout}) "
                    "among the layers of your own"
                )
            given = network.output_shape(shape) if isinstance(network, Layer) else network.output_shape
            if given != (self.outputs,):
                what = _told(self.task) if self.classes is None else f"{len(self.classes)} classes"
                raise ShapeError(
                    f"network: {what} need {self.outputs} output{'s' if self.outputs > 1 else ''} for {self.loss}, "
                    f"but it gives rows of shape {given}: end it with bl.Linear({self.outputs}), or give its hidden "
                    "layers by name, 'mlp:64,32'"
                )
            return network
        return build(_words(network), self.outputs, activation, dropout, input_shape=shape)

    def targets(self, y: np.ndarray, weights: np.ndarray | None, standardize: bool) -> Targets:
        """How targets like `y` are encoded, learned once for all that is trained on later."""
        outputs = (self.outputs,)
        if self.classes is not None:
            return Targets.learn(self.classes, self.loss.target, outputs, self.loss)
        if not standardize or self.task != "regression":
            return Targets(self.loss.target, outputs, flat=y.ndim == 1)
        numbers = y.reshape(len(y), -1)
        mean = np.average(numbers, axis=0, weights=weights)
        scale = np.sqrt(np.average((numbers - mean) ** 2, axis=0, weights=weights))
        # Equal numbers differ from their mean by rounding, which isn't to be stretched to 1.
        scale = np.where(scale > 10 * np.finfo(np.float64).eps * np.abs(mean), scale, 1.0)
        return Targets(self.loss.target, outputs, None, y.ndim == 1, tuple(mean.tolist()), tuple(scale.tolist()))


def _told(task: str) -> str:
    return {"classification": "a class a row", "multi_label": "labels of 0 and 1"}.get(task, "numbers")


def _words(network: Any) -> str:
    """A network by name; sizes of hidden layers as scikit-learn writes them are an mlp's."""
    if isinstance(network, str):
        return network
    sizes = network if isinstance(network, (tuple, list)) else (network,)
    if not all(isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size > 0 for size in sizes):
        raise InputError(
            f"network must be a name such as 'mlp:64,32', hidden layers' sizes such as (64, 32), a layer or a "
            f"network, got {network!r:.100}"
        )
    return f"mlp:{','.join(map(str, sizes))}" if sizes else "linear"
