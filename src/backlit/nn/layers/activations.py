"""Activations as layers; their functions are operations of the graph, facts about them in `activation_facts.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import unknown
from backlit.graph.ops.activation import (
    elu,
    gelu,
    gelu_tanh,
    leaky_relu,
    linear,
    prelu,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    step,
    tanh,
)
from backlit.nn.context import Context, Params, Shape
from backlit.nn.hyperparameters import finite
from backlit.nn.key import Key
from backlit.nn.layer import Layer
from backlit.nn.layers.activation_facts import FACTS, Facts, exponential, facts, leaky, table
from backlit.nn.layers.saturation import SHARE

__all__ = [
    "ELU",
    "FACTS",
    "GELU",
    "SELU",
    "Facts",
    "Identity",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Step",
    "Tanh",
    "elu",
    "facts",
    "gelu",
    "gelu_tanh",
    "get",
    "leaky_relu",
    "linear",
    "names",
    "prelu",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "step",
    "table",
    "tanh",
]


@dataclass(frozen=True, repr=False)
class _Activation(Layer):
    """Base of the activations: layers of which facts are known."""

    known_as: ClassVar[str]  # its name among the facts

    @property
    def facts(self) -> Facts:
        return FACTS[self.known_as]


@dataclass(frozen=True, repr=False)
class Identity(_Activation):
    """``y = x``: the linear activation."""

    known_as: ClassVar[str] = "linear"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return linear(x)


@dataclass(frozen=True, repr=False)
class Step(_Activation):
    """``y = 1`` where x > 0, else 0: the perceptron's activation.

    Its derivative is zero, so nothing before it learns by gradient; see `backlit.Perceptron` for its own rule.
    """

    known_as: ClassVar[str] = "step"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return step(x)


@dataclass(frozen=True, repr=False)
class Sigmoid(_Activation):
    """``y = 1 / (1 + e⁻ˣ)``, from 0 to 1; ``y' = y (1 - y)`` is at most 1/4: gradients shrink from layer to layer."""

    known_as: ClassVar[str] = "sigmoid"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return sigmoid(x)


@dataclass(frozen=True, repr=False)
class Tanh(_Activation):
    """Hyperbolic tangent, from -1 to 1; ``y' = 1 - y²`` is at most 1."""

    known_as: ClassVar[str] = "tanh"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return tanh(x)


@dataclass(frozen=True, repr=False)
class ReLU(_Activation):
    """``y = max(x, 0)``; the derivative at 0 is taken as 0."""

    known_as: ClassVar[str] = "relu"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return relu(x)


@dataclass(frozen=True, repr=False)
class LeakyReLU(_Activation):
    """``y = x`` for x > 0, else ``slope · x``: never saturates."""

    known_as: ClassVar[str] = "leaky_relu"

    slope: float = finite(0.01)

    @property
    def facts(self) -> Facts:
        return leaky(self.slope)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return leaky_relu(x, slope=self.slope)


@dataclass(frozen=True, repr=False)
class PReLU(_Activation):
    """`LeakyReLU` whose slope is learned.

    Parameters
    ----------
    start : float
        The slope to start from.
    by_feature : bool
        One slope for each size of the last axis, rather than one for all.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.PReLU(by_feature=True).build((3,)).params["slope"].tolist()
    [0.25, 0.25, 0.25]

    References
    ----------
    He, Zhang, Ren, Sun: Delving Deep into Rectifiers, ICCV 2015 (arXiv:1502.01852).
    """

    known_as: ClassVar[str] = "prelu"

    start: float = finite(0.25)
    by_feature: bool = False

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        return {"slope": np.full(input_shape[-1:] if self.by_feature else (), float(self.start))}, input_shape

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return prelu(x, params["slope"])


@dataclass(frozen=True, repr=False)
class ELU(_Activation):
    """``y = x`` for x > 0, else ``alpha (eˣ - 1)``.

    References
    ----------
    Clevert, Unterthiner, Hochreiter: Fast and Accurate Deep Network Learning by ELUs, ICLR 2016 (arXiv:1511.07289).
    """

    known_as: ClassVar[str] = "elu"

    alpha: float = finite(1.0)

    @property
    def facts(self) -> Facts:
        return exponential(self.alpha)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return elu(x, alpha=self.alpha)


@dataclass(frozen=True, repr=False)
class SELU(_Activation):
    """Scaled `ELU`: keeps mean 0 and variance 1 from layer to layer, if weights start as "lecun".

    References
    ----------
    Klambauer, Unterthiner, Mayr, Hochreiter: Self-Normalizing Neural Networks, NeurIPS 2017 (arXiv:1706.02515).
    """

    known_as: ClassVar[str] = "selu"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return selu(x)


@dataclass(frozen=True, repr=False)
class GELU(_Activation):
    """``y = x · Φ(x)``, Φ the standard normal distribution; ``approximate=True`` takes the form with tanh.

    References
    ----------
    Hendrycks, Gimpel: Gaussian Error Linear Units, 2016 (arXiv:1606.08415).
    """

    known_as: ClassVar[str] = "gelu"

    approximate: bool = False

    @property
    def facts(self) -> Facts:
        return FACTS["gelu_tanh" if self.approximate else "gelu"]

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return gelu_tanh(x) if self.approximate else gelu(x)


@dataclass(frozen=True, repr=False)
class SiLU(_Activation):
    """``y = x · σ(x)``, also called swish."""

    known_as: ClassVar[str] = "silu"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return silu(x)


@dataclass(frozen=True, repr=False)
class Softplus(_Activation):
    """``y = ln(1 + eˣ)``: a smooth rectifier; ``y' = σ(x)``."""

    known_as: ClassVar[str] = "softplus"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return softplus(x)


@dataclass(frozen=True, repr=False)
class Softmax(_Activation):
    """Shares along the last axis: ``yᵢ = e^xᵢ / Σⱼ e^xⱼ``.

    As a last layer it goes with the loss "negative_log_likelihood"; "cross_entropy" takes the scores before it.
    """

    known_as: ClassVar[str] = "softmax"

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return softmax(x, axis=-1)

    def saturated(self, x: Any, y: Any) -> Any:
        return y * (1.0 - y) < SHARE / 4  # its slope yᵢ (1 - yᵢ) is at most 1/4


_LAYERS: dict[str, Layer] = {
    "step": Step(),
    "linear": Identity(),
    "identity": Identity(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "prelu": PReLU(),
    "elu": ELU(),
    "selu": SELU(),
    "gelu": GELU(),
    "gelu_tanh": GELU(approximate=True),
    "silu": SiLU(),
    "softplus": Softplus(),
    "softmax": Softmax(),
}


def names() -> list[str]:
    """All known names."""
    return list(_LAYERS)


def get(name: str | Layer) -> Layer:
    """The activation layer of a name; a layer is returned as it is.

    Raises
    ------
    UnknownNameError
        If there is no such name.

    Examples
    --------
    >>> get("leaky_relu")
    LeakyReLU()
    """
    if isinstance(name, Layer):
        return name
    if name not in _LAYERS:
        raise unknown("activation", name, _LAYERS)
    return _LAYERS[name]
