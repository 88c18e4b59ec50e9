"""Loss: what every loss has, and the checks and sums that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.op import namespace
from backlit.graph.tensor import value_of
from backlit.nn.hyperparameters import check, short_repr
from backlit.registry import register


@dataclass(frozen=True)
class Loss:
    """Base of all losses; subclass it as a frozen dataclass for one of your own.

    Attributes
    ----------
    target : str
        What the targets are: "class" (whole numbers, (batch,)), "probability" (shape of the output), "number"
        (shape of the output), "binary" (0 or 1, (batch, 1)) or "multi_label" (0 or 1, shape of the output).
    activation : str or None
        What turns the network's raw output into probabilities: "softmax", "sigmoid", "identity" if it is
        probabilities already, or None if nothing does.

    Examples
    --------
    A loss of one's own, which may be given to `backlit.fit` and is saved with the run:

    >>> import backlit as bl, numpy as np
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class LogCosh(bl.Loss):
    ...     def __call__(self, output, target):
    ...         error = output - target
    ...         return (error + bl.ops.softplus(-2 * error) - np.log(2.0).item()).sum(axis=1)
    >>> LogCosh()(np.array([[0.0], [3.0]]), np.array([[0.0], [0.0]])).round(3).tolist()
    [0.0, 2.309]
    """

    kinds: ClassVar[dict[str, type[Loss]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register(Loss.kinds, cls.__name__, cls, "loss")

    def __post_init__(self) -> None:
        """Check hyperparameters that are declared with a range."""
        check(self)

    @property
    def target(self) -> str:
        return "number"

    @property
    def activation(self) -> str | None:
        return None

    def __call__(self, output: Any, target: Any) -> Any:
        """Losses (batch,) of outputs (batch, ...) and targets."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, output, target)")

    def by_head(self, output: Any, target: Any) -> Any:
        """Losses (batch,) of each output by its name; of the one output of most networks as they are."""
        return self(output, target)

    def joined(self, values: Any) -> Any:
        """What is minimised, of a number for each head as `by_head` has them: their weighted sum, or the one itself."""
        return values

    def spread(self, weights: Any, by_head: Any = None) -> Any:
        """The weight of each row in each head's loss, in the form of `by_head`.

        Parameters
        ----------
        weights : array (batch,)
        by_head : dict of name to array (batch,), optional
            What they are multiplied by for each head.
        """
        return weights

    def __repr__(self) -> str:
        return short_repr(self)


def _array(values: Any) -> Any:
    return values if hasattr(values, "shape") else np.asarray(values)


def same_shape(loss: Loss, output: Any, target: Any) -> Any:
    """The target as an array, if its shape is the output's."""
    target = _array(target)
    if tuple(output.shape) == tuple(target.shape):
        return target if target.dtype.kind == "f" else target.astype(output.dtype)
    message = f"{loss}: outputs have shape {tuple(output.shape)}, targets {tuple(target.shape)}: they must be equal"
    if tuple(output.shape) == (*target.shape, 1):
        message += "; use targets.reshape(-1, 1)"
    elif (*output.shape, 1) == tuple(target.shape):
        message += "; use targets.reshape(-1)"
    raise ShapeError(message)


def class_targets(loss: Loss, output: Any, target: Any) -> Any:
    """The target as an array, if it holds one class for each line of scores."""
    target = _array(target)
    expected = tuple(output.shape[:-1])
    if target.dtype.kind not in "iu":
        raise InputError(
            f"{loss}: targets must be whole numbers, the classes' numbers, got dtype {target.dtype}; use astype(int), "
            "or loss='soft_cross_entropy' if they are probabilities"
        )
    if tuple(target.shape) == expected:
        return target
    message = (
        f"{loss}: outputs of shape {tuple(output.shape)} need targets of shape {expected}, got {tuple(target.shape)}"
    )
    if tuple(target.shape) == (*expected, 1):
        message += "; use targets.reshape(-1)"
    elif tuple(target.shape) == tuple(output.shape):
        message += "; use targets.argmax(axis=-1) if they are one-hot"
    raise ShapeError(message)


def require_classes(loss: Loss, output: Any) -> None:
    """Refuse outputs that don't hold a score for each of at least two classes."""
    if len(output.shape) < 2 or output.shape[-1] < 2:
        raise ShapeError(
            f"{loss} needs an output for each class, (batch, classes) with at least 2, got {tuple(output.shape)}; "
            "for two classes on one output use loss='binary_cross_entropy'"
        )


def one_hot(target: Any, classes: int) -> Any:
    """Booleans (..., classes), True at each target."""
    labels = value_of(target)
    return labels[..., None] == namespace(labels).arange(classes, dtype=labels.dtype)


def real_steps(output: Any, target: Any) -> tuple[Any, Any]:
    """For sequences, (batch, time, classes): the targets with class 0 for padding (-1), and which steps aren't padding.

    The latter is None where there is no axis of time: then every target counts.
    """
    if len(output.shape) < 3:
        return target, None
    labels = value_of(target)
    counts = labels >= 0
    return namespace(labels).where(counts, labels, 0), counts


def by_example(losses: Any, total: bool = False, counts: Any = None) -> Any:
    """Losses (batch, ...) as (batch,): sum or mean over all axes but the first; the mean over those that count."""
    if counts is not None:
        counts = counts.astype(losses.dtype)
        axes = tuple(range(1, len(losses.shape)))
        number = counts.sum(axis=axes)
        return (losses * counts).sum(axis=axes) / (number + (number == 0))
    axes = tuple(range(1, len(losses.shape)))
    if not axes:
        return losses
    return losses.sum(axis=axes) if total else losses.mean(axis=axes)


@dataclass(frozen=True, repr=False)
class FunctionLoss(Loss):
    """A plain function ``(output, target) -> (batch,)`` as a loss for numbers; such a run can't be saved."""

    function: Callable[[Any, Any], Any]

    def __call__(self, output: Any, target: Any) -> Any:
        losses = self.function(output, target)
        expected = tuple(output.shape[:1])
        if tuple(getattr(losses, "shape", ())) != expected:
            got = tuple(getattr(losses, "shape", ()))
            raise ShapeError(f"{self}: must return one loss an example, shape {expected}, got {got}; don't sum rows")
        return losses

    def __repr__(self) -> str:
        return f"FunctionLoss({getattr(self.function, '__name__', self.function)})"
