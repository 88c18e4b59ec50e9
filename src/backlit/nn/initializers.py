"""Where weights start: initialisers by name.

A name may carry a number: "normal:0.05", "constant:1", "kaiming:0.1". Shapes have inputs and outputs as their
last two axes; axes before them are a convolution's kernel, so that fan-in = kernel size · inputs.

==================  =====================================================  =====================================
name                distribution                                           made for
==================  =====================================================  =====================================
zeros, ones         0, 1                                                   biases, gains
constant:c          c                                                      showing that equal weights stay equal
normal:std          N(0, std²), std = 0.01 by default                      the first, naive rule
uniform:bound       U(-bound, bound), bound = 0.05 by default              embeddings
xavier              U(-a, a), a = √(6 / (fan-in + fan-out))                tanh, sigmoid, linear outputs
xavier_normal       N(0, 2 / (fan-in + fan-out))                           the same
xavier_fan_in       N(0, 1 / fan-in)                                       the same, forward pass alone
kaiming:slope       N(0, 2 / ((1 + slope²) · fan-in)), slope 0             ReLU; leaky ReLU with its slope
kaiming_uniform:s   U(-a, a), a = √(6 / ((1 + s²) · fan-in))               the same
lecun               N(0, 1 / fan-in)                                       SELU
orthogonal:gain     gain · Q, rows or columns orthonormal, gain 1          deep linear and recurrent layers
==================  =====================================================  =====================================

Keras' names will do as well: glorot_uniform is xavier, glorot_normal xavier_normal, he_normal kaiming, he_uniform
kaiming_uniform, lecun_normal lecun.

Examples
--------
>>> from backlit.nn.key import Key
>>> round(float(get("kaiming")(Key(0), (200, 300)).std()), 2)  # √(2 / 200)
0.1

References
----------
Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
He, Zhang, Ren, Sun: Delving Deep into Rectifiers, ICCV 2015 (arXiv:1502.01852).
LeCun, Bottou, Orr, Müller: Efficient BackProp, 1998.
Klambauer, Unterthiner, Mayr, Hochreiter: Self-Normalizing Neural Networks, NeurIPS 2017 (arXiv:1706.02515).
Saxe, McClelland, Ganguli: Exact solutions to the nonlinear dynamics of learning, ICLR 2014 (arXiv:1312.6120).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, unknown
from backlit.nn.key import Key
from backlit.registry import register as register_name
from backlit.threads import one_thread

Initializer = Callable[[Key, tuple[int, ...]], np.ndarray]


def fans(shape: tuple[int, ...], name: str = "this initializer") -> tuple[int, int]:
    """Fan-in and fan-out of a weight: how many numbers go into each output, and out of each input.

    Examples
    --------
    >>> fans((100, 10)), fans((3, 3, 16, 32))
    ((100, 10), (144, 288))
    """
    if len(shape) < 2:
        raise ShapeError(
            f"{name} needs a weight of shape (..., inputs, outputs), got {shape}; "
            "for biases use 'zeros', 'constant:c', 'normal:std' or 'uniform:bound'"
        )
    kernel = math.prod(shape[:-2])
    return kernel * shape[-2], kernel * shape[-1]


def _constant(key: Key, shape: tuple[int, ...], value: float) -> np.ndarray:
    return np.full(shape, value)


def _normal(key: Key, shape: tuple[int, ...], std: float) -> np.ndarray:
    return key.generator().normal(0.0, std, shape)


def _uniform(key: Key, shape: tuple[int, ...], bound: float) -> np.ndarray:
    return key.generator().uniform(-bound, bound, shape)


def _xavier(key: Key, shape: tuple[int, ...]) -> np.ndarray:
    return _uniform(key, shape, math.sqrt(6.0 / sum(fans(shape, "xavier"))))


def _xavier_normal(key: Key, shape: tuple[int, ...]) -> np.ndarray:
    return _normal(key, shape, math.sqrt(2.0 / sum(fans(shape, "xavier_normal"))))


def _xavier_fan_in(key: Key, shape: tuple[int, ...]) -> np.ndarray:
    return _normal(key, shape, math.sqrt(1.0 / fans(shape, "xavier_fan_in")[0]))


def _lecun(key: Key, shape: tuple[int, ...]) -> np.ndarray:
    return _normal(key, shape, math.sqrt(1.0 / fans(shape, "lecun")[0]))


def _kaiming(key: Key, shape: tuple[int, ...], slope: float) -> np.ndarray:
    return _normal(key, shape, math.sqrt(2.0 / ((1.0 + slope**2) * fans(shape, "kaiming")[0])))


def _kaiming_uniform(key: Key, shape: tuple[int, ...], slope: float) -> np.ndarray:
    return _uniform(key, shape, math.sqrt(6.0 / ((1.0 + slope**2) * fans(shape, "kaiming_uniform")[0])))


def _orthogonal(key: Key, shape: tuple[int, ...], gain: float) -> np.ndarray:
    fans(shape, "orthogonal")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    with one_thread():
        q, r = np.linalg.qr(key.generator().normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # without this the distribution isn't uniform over orthogonal matrices
    return gain * (q if rows >= columns else q.T).reshape(shape)


@dataclass(frozen=True)
class _Kind:
    """How one name is read.

    Attributes
    ----------
    function : callable
        ``function(key, shape)``, or ``function(key, shape, number)``.
    default : float, optional
        Of its number; without one, the number is required.
    takes_number : bool
    least : float
        The smallest number.
    by_fans : bool
        Whether it looks at fan-in or fan-out, and so needs a weight with both.
    """

    function: Callable[..., np.ndarray]
    default: float | None = None
    takes_number: bool = False
    least: float = -math.inf
    by_fans: bool = False


_KINDS: dict[str, _Kind] = {
    "zeros": _Kind(lambda key, shape: _constant(key, shape, 0.0)),
    "ones": _Kind(lambda key, shape: _constant(key, shape, 1.0)),
    "constant": _Kind(_constant, None, True),
    "normal": _Kind(_normal, 0.01, True, 0.0),
    "uniform": _Kind(_uniform, 0.05, True, 0.0),
    "xavier": _Kind(_xavier, by_fans=True),
    "xavier_normal": _Kind(_xavier_normal, by_fans=True),
    "xavier_fan_in": _Kind(_xavier_fan_in, by_fans=True),
    "kaiming": _Kind(_kaiming, 0.0, True, by_fans=True),
    "kaiming_uniform": _Kind(_kaiming_uniform, 0.0, True, by_fans=True),
    "lecun": _Kind(_lecun, by_fans=True),
    "orthogonal": _Kind(_orthogonal, 1.0, True, by_fans=True),
}
_ALSO = {  # the names that Keras has
    "glorot_uniform": "xavier", "glorot_normal": "xavier_normal", "he_normal": "kaiming",
    "he_uniform": "kaiming_uniform", "lecun_normal": "lecun",
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {name: kind.function for name, kind in _KINDS.items()}


def names() -> list[str]:
    """All known names."""
    return list(_KINDS)


def get(name: str) -> Initializer:
    """The initialiser of a name: a function ``(key, shape) -> float64 array``.

    Parameters
    ----------
    name : str
        Such as "xavier" or "normal:0.05".

    Raises
    ------
    UnknownNameError
        If there is no such name.
    InputError
        If the number after the colon is missing, not wanted, or not a number.

    Examples
    --------
    >>> get("constant:0.5")(Key(0), (2,)).tolist()
    [0.5, 0.5]
    """
    if not isinstance(name, str):
        raise InputError(
            f"an initializer is chosen by name, such as 'xavier' or 'normal:0.05', got {name!r}; "
            "give a function of your own a name with backlit.initializers.register"
        )
    kind_name, colon, text = name.partition(":")
    kind = _KINDS.get(_ALSO.get(kind_name, kind_name))
    if kind is None:
        raise unknown("initializer", kind_name, [*_KINDS, *_ALSO])
    if not kind.takes_number:
        if colon:
            raise InputError(f"initializer {kind_name!r} takes no number, got {name!r}")
        return _Named(kind_name, kind)
    number = kind.default
    if colon:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number < kind.least:
            least = f" of at least {kind.least:g}" if math.isfinite(kind.least) else ""
            raise InputError(
                f"initializer {name!r}: after the colon there must be a finite number{least}, got {text!r}"
            )
    if number is None:
        raise InputError(f"initializer {kind_name!r} needs a number, as in '{kind_name}:0.5'")
    return _Named(kind_name, kind, number)


@dataclass(frozen=True)
class _Named:
    """An initialiser that was asked for by name, with its number if it takes one."""

    name: str
    kind: _Kind
    number: float | None = None

    def __call__(self, key: Key, shape: tuple[int, ...]) -> np.ndarray:
        if key.allowance is not None:
            key.allowance.take(shape)
        if not key.draws:
            if self.kind.by_fans:
                fans(shape, self.name)
            try:
                return np.broadcast_to(0.0, shape)
            except ValueError as error:  # more numbers than can be counted
                raise InputError(f"weights of shape {shape} are more than any computer holds") from error
        return self.kind.function(key, shape, *(() if self.number is None else (self.number,)))


def register(name: str, function: Initializer) -> None:
    """Give an initialiser of your own a name, so that layers can use and save it.

    Parameters
    ----------
    name : str
        Letters, digits, "_"; to be registered again before a network that uses it is loaded.
    function : callable
        ``function(key, shape) -> array``; take random numbers from ``key.generator()``, so that the same seed
        gives the same weights.

    Raises
    ------
    InputError
        If the name is taken, by Backlit or another function, or no plain name.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.initializers.register("tiny", lambda key, shape: 1e-3 * key.generator().normal(size=shape))
    >>> bool(abs(bl.Linear(2, weight_init="tiny").build(3).params["weight"]).max() < 0.01)
    True
    """
    if not name.isidentifier():
        raise InputError(f"an initializer's name has letters, digits and '_' only, got {name!r}")

    def checked(key: Key, shape: tuple[int, ...]) -> np.ndarray:
        values: Any = np.asarray(function(key, shape), dtype=float)
        if values.shape != tuple(shape):
            raise ShapeError(f"initializer {name!r} was asked for shape {tuple(shape)} and returned {values.shape}")
        return values

    if name in _ALSO:
        raise InputError(f"initializer {name!r} is Backlit's already, another name of {_ALSO[name]!r}; choose another")
    register_name(_FUNCTIONS, name, function, "initializer")
    _KINDS[name] = _Kind(checked)
