"""Losses by name, and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from backlit.errors import InputError, unknown
from backlit.nn.losses.base import FunctionLoss, Loss
from backlit.nn.losses.classification import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    NegativeLogLikelihood,
    SoftCrossEntropy,
)
from backlit.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, SquaredError
from backlit.registry import OWN
from backlit.schema import fitted, parts

_NAMED: dict[str, Loss] = {
    "squared_error": SquaredError(),
    "mean_squared_error": MeanSquaredError(),
    "mse": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "mae": MeanAbsoluteError(),
    "huber": Huber(),
    "negative_log_likelihood": NegativeLogLikelihood(),
    "nll": NegativeLogLikelihood(),
    "cross_entropy": CrossEntropy(),
    "soft_cross_entropy": SoftCrossEntropy(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "multi_label_cross_entropy": BinaryCrossEntropy(multi_label=True),
    "hinge": Hinge(),
}

_DEFAULTS: dict[str, Loss] = {
    "classification": CrossEntropy(),
    "binary": BinaryCrossEntropy(),
    "multi_label": BinaryCrossEntropy(multi_label=True),
    "probability": SoftCrossEntropy(),
    "regression": MeanSquaredError(),
}


def names() -> list[str]:
    """All known names."""
    return list(_NAMED)


def get(loss: str | Loss | Callable[[Any, Any], Any]) -> Loss:
    """The loss of a name; a `Loss` as it is; a function ``(output, target) -> (batch,)`` as a loss for numbers.

    Raises
    ------
    UnknownNameError
        If there is no such name.

    Examples
    --------
    >>> get("cross_entropy")
    CrossEntropy()
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, type) and issubclass(loss, Loss):
        raise InputError(f"a loss is an instance: {loss.__name__}(), got the class {loss.__name__}")
    if callable(loss):
        return FunctionLoss(loss)
    if loss not in _NAMED:
        raise unknown("loss", loss, _NAMED)
    return _NAMED[loss]


def built_in(loss: Loss) -> bool:
    """Whether a loss is one of Backlit's, rather than a user's.

    >>> built_in(CrossEntropy()), built_in(get(lambda output, target: output[:, 0]))
    (True, False)
    """
    return type(loss) in {type(named) for named in _NAMED.values()}


def default_for(task: str) -> Loss:
    """The usual loss of a task: "classification", "binary", "multi_label", "probability" or "regression".

    Examples
    --------
    >>> default_for("regression")
    MeanSquaredError()
    """
    if task not in _DEFAULTS:
        raise unknown("task", task, _DEFAULTS)
    return _DEFAULTS[task]


def to_dict(loss: Loss) -> dict[str, Any]:
    """Plain data for JSON; `from_dict` is the inverse.

    Raises
    ------
    InputError
        If the loss is a plain function, which can't be told in data.
    """
    if isinstance(loss, FunctionLoss):
        raise InputError(f"{loss} can't be saved; make it a subclass of backlit.Loss, which is saved by its name")
    return {"loss": type(loss).__name__, **{f.name: _plain(getattr(loss, f.name)) for f in dataclasses.fields(loss)}}


def _plain(value: Any) -> Any:
    """A setting as plain data; parts of a loss of several heads tell of themselves."""
    if isinstance(value, tuple) and value and all(hasattr(part, "to_dict") for part in value):
        return [part.to_dict() for part in value]
    return value


def from_dict(data: dict[str, Any]) -> Loss:
    """The loss that `to_dict` described; a loss of your own must have been defined (imported) before.

    Examples
    --------
    >>> from_dict(to_dict(Huber(delta=2.0)))
    Huber(delta=2.0)
    """
    rest = dict(data)
    name = fitted(str, rest.pop("loss", None), "the name of the loss")
    if name not in Loss.kinds:
        raise unknown("loss", name, Loss.kinds)
    if Loss.kinds[name].__module__.startswith(OWN):
        return Loss.kinds[name](**parts(Loss.kinds[name], rest, name))
    try:
        return Loss.kinds[name](**{key: tuple(v) if isinstance(v, list) else v for key, v in rest.items()})
    except TypeError as error:
        raise InputError(f"loss {name} can't be made from {sorted(rest)}: {error}") from error
