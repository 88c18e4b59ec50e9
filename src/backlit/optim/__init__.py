"""Optimizers, schedules and clipping: pure functions on trees of arrays."""

from typing import Any

from backlit.errors import InputError, unknown
from backlit.optim.adaptive import AdaGrad, Adam, AdamW, RMSprop
from backlit.optim.clipping import ClipGlobalNorm, ClipNorm, ClipValue
from backlit.optim.exact import least_squares, ridge
from backlit.optim.lbfgs import minimize_lbfgs
from backlit.optim.plateau import ReduceOnPlateau, plateau_of, set_factor
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

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def get(optimizer: Any, **options: Any) -> Any:
    """An optimizer by its name, with hyperparameters; an optimizer itself is returned as it is.

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
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise unknown("optimizer", optimizer, OPTIMIZERS)
        kind = OPTIMIZERS[optimizer]
        return Transform.from_dict({"transform": kind.__name__, **options})
    if isinstance(optimizer, type) or not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        hint = "make one: " + f"{optimizer.__name__}()" if isinstance(optimizer, type) else "such as Adam(0.001)"
        raise InputError(f"an optimizer must be a name or an optimizer, {hint}; got {optimizer!r}")
    return optimizer.replace(**options) if options else optimizer


__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AddDecayedWeights",
    "AddMomentum",
    "Chain",
    "ClipGlobalNorm",
    "ClipNorm",
    "ClipValue",
    "Constant",
    "Cosine",
    "Exponential",
    "GradientDescent",
    "InverseTime",
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
    "Step",
    "Transform",
    "WarmUp",
    "apply_updates",
    "as_transform",
    "chain",
    "get",
    "least_squares",
    "minimize_lbfgs",
    "plateau_of",
    "ridge",
    "set_factor",
]
