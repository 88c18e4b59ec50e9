"""Losses for classes and labels: how improbable the network finds what is true."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.op import namespace
from backlit.graph.ops import stable
from backlit.graph.ops.elementwise import relu
from backlit.graph.ops.indexing import take_along_axis
from backlit.graph.tensor import value_of
from backlit.nn.hyperparameters import at_least_zero, option
from backlit.nn.losses.base import (
    Loss,
    by_example,
    class_targets,
    one_hot,
    real_steps,
    require_classes,
    same_shape,
)


@dataclass(frozen=True, repr=False)
class NegativeLogLikelihood(Loss):
    """``L = -ln P(y | x)``, where the network's outputs are the classes' probabilities (it ends in `Softmax`).

    ``∂L/∂p = -1/p`` for the true class, 0 for the others. From scores, `CrossEntropy` gives the same value and is
    exact where a probability is too small for a floating-point number.

    Parameters
    ----------
    log : bool
        The outputs are logarithms of probabilities: ``L = -output[y]``.

    Examples
    --------
    >>> import numpy as np
    >>> NegativeLogLikelihood()(np.array([[0.5, 0.5]]), np.array([1])).round(4).tolist()
    [0.6931]
    """

    log: bool = False

    @property
    def target(self) -> str:
        return "class"

    @property
    def activation(self) -> str | None:
        return "softmax" if self.log else "identity"  # softmax of logarithms of probabilities gives them back

    def __call__(self, output: Any, target: Any) -> Any:
        require_classes(self, output)
        target = class_targets(self, output, target)
        target, counts = real_steps(output, target)
        target_outputs = take_along_axis(output, target[..., None], axis=-1)[..., 0]
        return by_example(-target_outputs if self.log else stable.negative_log(target_outputs), counts=counts)


@dataclass(frozen=True, repr=False)
class CrossEntropy(Loss):
    """``L = -ln softmax(s)_y``, from scores s, one for each class; ``∂L/∂s = softmax(s) - one_hot(y)``.

    Of a sequence, (batch, time, classes), the mean over its steps; a target of -1 is padding, which doesn't count.

    Parameters
    ----------
    label_smoothing : float
        Targets are mixed with the uniform distribution: ``(1 - ε) one_hot(y) + ε / classes``.
    class_weights : tuple of float, optional
        A factor for each class's term. They multiply the loss and are not divided out of the mean;
        ``class_weight`` of `backlit.fit` does both.

    Examples
    --------
    >>> import numpy as np
    >>> CrossEntropy()(np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([0, 1])).round(4).tolist()
    [0.6931, 10000.0]

    References
    ----------
    Label smoothing: Szegedy et al., Rethinking the Inception Architecture, CVPR 2016 (arXiv:1512.00567).
    """

    label_smoothing: float = option(0.0, low=0.0, high=1.0, open_high=True, words="from 0 to below 1")
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.class_weights is not None:
            weights = tuple(float(weight) for weight in self.class_weights)
            if not all(0 <= weight < math.inf for weight in weights):
                raise InputError(f"CrossEntropy: class_weights must be finite and at least 0, got {weights}")
            object.__setattr__(self, "class_weights", weights)

    @property
    def target(self) -> str:
        return "class"

    @property
    def activation(self) -> str | None:
        return "softmax"

    def __call__(self, output: Any, target: Any) -> Any:
        require_classes(self, output)
        target, counts = real_steps(output, class_targets(self, output, target))
        true = stable.cross_entropy(output, target)
        if self.class_weights is None and not self.label_smoothing:
            return by_example(true, counts=counts)
        classes = output.shape[-1]
        weights = np.ones(classes) if self.class_weights is None else np.asarray(self.class_weights)
        if len(weights) != classes:
            raise ShapeError(f"{self}: {len(weights)} class_weights for {classes} outputs")
        weights = namespace(value_of(output)).asarray(weights, dtype=output.dtype)
        losses = true * weights[value_of(target)]
        if self.label_smoothing:
            spread = -(stable.log_softmax(output, axis=-1) * weights).mean(axis=-1)
            losses = (1.0 - self.label_smoothing) * losses + self.label_smoothing * spread
        return by_example(losses, counts=counts)


@dataclass(frozen=True, repr=False)
class SoftCrossEntropy(Loss):
    """``L = -Σⱼ pⱼ ln softmax(s)ⱼ``: cross entropy with target probabilities p; ``∂L/∂s = softmax(s) - p``.

    Examples
    --------
    >>> import numpy as np
    >>> SoftCrossEntropy()(np.array([[0.0, 0.0]]), np.array([[0.9, 0.1]])).round(4).tolist()
    [0.6931]
    """

    @property
    def target(self) -> str:
        return "probability"

    @property
    def activation(self) -> str | None:
        return "softmax"

    def __call__(self, output: Any, target: Any) -> Any:
        require_classes(self, output)
        return by_example(stable.cross_entropy_probabilities(output, same_shape(self, output, target)))


@dataclass(frozen=True, repr=False)
class BinaryCrossEntropy(Loss):
    """``L = -t ln σ(s) - (1 - t) ln(1 - σ(s))``, from scores s; ``∂L/∂s = σ(s) - t``.

    Averaged over the outputs, if there are several.

    Parameters
    ----------
    multi_label : bool
        Several yes-or-no targets for each example, rather than one of two classes on one output.

    Examples
    --------
    >>> import numpy as np
    >>> BinaryCrossEntropy()(np.array([[0.0], [1e4]]), np.array([[1.0], [0.0]])).round(4).tolist()
    [0.6931, 10000.0]
    """

    multi_label: bool = False

    @property
    def target(self) -> str:
        return "multi_label" if self.multi_label else "binary"

    @property
    def activation(self) -> str | None:
        return "sigmoid"

    def __call__(self, output: Any, target: Any) -> Any:
        return by_example(stable.binary_cross_entropy(output, same_shape(self, output, target)))


@dataclass(frozen=True, repr=False)
class Hinge(Loss):
    """Multi-class support vector machine: ``L = Σ_{j≠y} max(0, s_j - s_y + margin)``.

    Each class that comes nearer than the margin to the true one's score gets the gradient 1, and the true class
    minus their number; a class at exactly the margin gets 0.

    Examples
    --------
    >>> import numpy as np
    >>> Hinge()(np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0]]), np.array([0, 1])).round(4).tolist()
    [2.9, 0.0]

    References
    ----------
    Weston, Watkins: Support Vector Machines for Multi-Class Pattern Recognition, ESANN 1999.
    """

    margin: float = at_least_zero(1.0)

    @property
    def target(self) -> str:
        return "class"

    def __call__(self, output: Any, target: Any) -> Any:
        require_classes(self, output)
        target = class_targets(self, output, target)
        true = take_along_axis(output, target[..., None], axis=-1)
        over = relu(output - true + self.margin)
        return by_example((over * ~one_hot(target, output.shape[-1])).sum(axis=-1))
