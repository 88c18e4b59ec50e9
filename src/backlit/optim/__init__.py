"""Optimizers, schedules and clipping: pure functions on trees of arrays."""

from typing import Any

from backlit.errors import InputError, unknown
from backlit.optim.adaptive import AdaGrad, Adam, AdamW, RMSprop
from backlit.optim.budget import Budget
from backlit.optim.clipping import ClipGlobalNorm, ClipNorm, ClipValue
from backlit.optim.exact import LeastSquares, least_squares, ridge
from backlit.optim.freezing import Frozen
from backlit.optim.lbfgs import minimize_lbfgs
from backlit.optim.plateau import ReduceOnPlateau
from backlit.optim.proximal import SoftThreshold
from backlit.optim.quasi_newton import LBFGS
from backlit.optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    OneCycle,
    Schedule,
    Step,
    WarmUp,
)
from backlit.optim.sgd import SGD, GradientDescent, Momentum, Nesterov
from backlit.optim.steered import Seen, set_factor, steered_of
from backlit.optim.steps import (
    AddDecayedWeights,
    AddMomentum,
    Negate,
    ScaleByAdaGrad,
    ScaleByAdam,
    ScaleByLearningRate,
    ScaleByRMS,
)
from backlit.optim.transform import Chain, Optimizer, Transform, apply_updates, as_transform, chain
from backlit.optim.words import scheduled, settings_of
from backlit.settings import declared

OPTIMIZERS: dict[str, type[Transform]] = {
    "gradient_descent": GradientDescent,
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
    "least_squares": LeastSquares,
}


def get(optimizer: Any, **options: Any) -> Any:
    """An optimizer by its name, with hyperparameters; an optimizer itself is returned as it is.

    A name may bring settings: "adam:beta1=0.8,beta2=0.99"; "momentum:0.95" is the first besides the learning rate.

    Raises
    ------
    UnknownNameError
        If there is no optimizer of this name.
    InputError
        If it has no such hyperparameter, a value is out of its range, or it is no optimizer.

    Examples
    --------
    >>> from backlit import optim
    >>> optim.get("adam", learning_rate=0.01)
    Adam(learning_rate=0.01)
    >>> optim.get("momentum:0.95", learning_rate=0.1)
    Momentum(learning_rate=0.1, momentum=0.95)
    """
    if isinstance(optimizer, str):
        kind = named(optimizer)
        takes = [option for name, option in declared(kind).items() if name != "learning_rate"]
        return Transform.from_dict({"transform": kind.__name__, **settings_of(optimizer, takes), **options})
    if isinstance(optimizer, type) or not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        hint = "make one: " + f"{optimizer.__name__}()" if isinstance(optimizer, type) else "such as Adam(0.001)"
        raise InputError(f"an optimizer must be a name or an optimizer, {hint}; got {optimizer!r}")
    return optimizer.replace(**options) if options else optimizer


def named(spec: str) -> type[Transform]:
    """The kind of optimizer that a word such as "momentum:0.95" names.

    Raises
    ------
    UnknownNameError
        If there is no optimizer of this name.
    """
    name = spec.partition(":")[0]
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    return OPTIMIZERS[name]


__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AddDecayedWeights",
    "AddMomentum",
    "Budget",
    "Chain",
    "ClipGlobalNorm",
    "ClipNorm",
    "ClipValue",
    "Constant",
    "Cosine",
    "Exponential",
    "Frozen",
    "GradientDescent",
    "InverseTime",
    "LeastSquares",
    "Momentum",
    "Negate",
    "Nesterov",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "ReduceOnPlateau",
    "ScaleByAdaGrad",
    "ScaleByAdam",
    "ScaleByLearningRate",
    "ScaleByRMS",
    "Schedule",
    "Seen",
    "SoftThreshold",
    "Step",
    "Transform",
    "WarmUp",
    "apply_updates",
    "as_transform",
    "chain",
    "get",
    "least_squares",
    "minimize_lbfgs",
    "named",
    "ridge",
    "scheduled",
    "set_factor",
    "steered_of",
]
