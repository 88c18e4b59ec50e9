"""ONNX's elementwise operators: arithmetic, functions and activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.graph.tensor import value_of
from backlit.nn.operators.table import Call, fixed, is_whole, operator, plain, require_numbers

# --------------------------------------------------------------------------------------- functions of one array


def _function(name: str, function: Callable[[Any], Any]) -> None:
    def run(call: Call, x: Any) -> Any:
        require_numbers(call, x)
        return function(x)

    operator(name)(run)


def _reciprocal(x: Any) -> Any:
    return fixed(1, x) / x


def _softsign(x: Any) -> Any:
    return x / (ops.abs(x) + fixed(1, x))


def _hard_swish(x: Any) -> Any:
    return x * ops.clip(x * fixed(1 / 6, x) + fixed(0.5, x), 0.0, 1.0)


def _tan(x: Any) -> Any:
    return ops.sin(x) / ops.cos(x)


def _sinh(x: Any) -> Any:
    return (ops.exp(x) - ops.exp(-x)) * fixed(0.5, x)


def _cosh(x: Any) -> Any:
    return (ops.exp(x) + ops.exp(-x)) * fixed(0.5, x)


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "Ceil": lambda x: -ops.floor(-x),
    "Cos": ops.cos,
    "Cosh": _cosh,
    "Erf": ops.erf,
    "Exp": ops.exp,
    "Floor": ops.floor,
    "HardSwish": _hard_swish,
    "Log": ops.log,
    "Mish": lambda x: x * ops.tanh(ops.softplus(x)),
    "Reciprocal": _reciprocal,
    "Round": ops.round,
    "Sigmoid": ops.sigmoid,
    "Sin": ops.sin,
    "Sinh": _sinh,
    "Softplus": ops.softplus,
    "Softsign": _softsign,
    "Sqrt": ops.sqrt,
    "Tan": _tan,
    "Tanh": ops.tanh,
}
for _name, _made in _FUNCTIONS.items():
    _function(_name, _made)


def _same(name: str, function: Callable[[Any], Any]) -> None:
    """A function that whole numbers have as well, and keep their type by."""

    def run(call: Call, x: Any) -> Any:
        if is_whole(x):
            xp, x = plain(x)
            return {"Abs": xp.abs, "Neg": xp.negative, "Sign": xp.sign}.get(name, function)(x)
        return function(x)

    operator(name)(run)


for _name, _made in {"Abs": ops.abs, "Neg": ops.negative, "Sign": ops.sign}.items():
    _same(_name, _made)


@operator("Identity")
def _identity(call: Call, x: Any) -> Any:
    return x


@operator("Relu")
def _relu(call: Call, x: Any) -> Any:
    if is_whole(x):
        xp, x = plain(x)
        return xp.maximum(x, xp.zeros_like(x))
    return ops.relu(x)


@operator("LeakyRelu", "alpha")
def _leaky_relu(call: Call, x: Any) -> Any:
    return ops.leaky_relu(x, slope=call.number("alpha", 0.01))


@operator("PRelu", least=2)
def _prelu(call: Call, x: Any, slope: Any) -> Any:
    if is_whole(x):
        xp, x, slope = plain(x, slope)
        return xp.where(x < 0, x * slope, x)
    return ops.where(value_of(x) < 0, slope * x, x)


@operator("Elu", "alpha")
def _elu(call: Call, x: Any) -> Any:
    return ops.elu(x, alpha=call.number("alpha", 1.0))


@operator("Selu", "alpha", "gamma")
def _selu(call: Call, x: Any) -> Any:
    alpha = call.number("alpha", 1.67326319217681884765625)
    gamma = call.number("gamma", 1.05070102214813232421875)
    return fixed(gamma, x) * ops.elu(x, alpha=alpha)


@operator("Celu", "alpha")
def _celu(call: Call, x: Any) -> Any:
    alpha = fixed(call.number("alpha", 1.0), x)
    return ops.relu(x) + alpha * ops.expm1(ops.minimum(x, fixed(0, x)) / alpha)


@operator("Gelu", "approximate")
def _gelu(call: Call, x: Any) -> Any:
    way = call.text("approximate", "none", ("none", "tanh"))
    return ops.gelu_tanh(x) if way == "tanh" else ops.gelu(x)


@operator("Swish", "alpha")
def _swish(call: Call, x: Any) -> Any:
    return x * ops.sigmoid(x * fixed(call.number("alpha", 1.0), x))


@operator("HardSigmoid", "alpha", "beta")
def _hard_sigmoid(call: Call, x: Any) -> Any:
    return ops.clip(x * fixed(call.number("alpha", 0.2), x) + fixed(call.number("beta", 0.5), x), 0.0, 1.0)


@operator("ThresholdedRelu", "alpha")
def _thresholded_relu(call: Call, x: Any) -> Any:
    return ops.where(value_of(x) > call.number("alpha", 1.0), x, fixed(0, x))


@operator("Shrink", "bias", "lambd")
def _shrink(call: Call, x: Any) -> Any:
    bias, bound = call.number("bias", 0.0), call.number("lambd", 0.5)
    value = value_of(x)
    shrunk = ops.where(value < -bound, x + fixed(bias, x), x - fixed(bias, x))
    return ops.where((value < -bound) | (value > bound), shrunk, fixed(0, x))


@operator("Clip", "min", "max", least=1, most=3)
def _clip(call: Call, x: Any, low: Any = None, high: Any = None) -> Any:
    low = call.number("min") if low is None else low
    high = call.number("max") if high is None else high
    if is_whole(x):
        xp, x = plain(x)
        x = x if low is None else xp.maximum(x, low)
        return x if high is None else xp.minimum(x, high)
    if low is not None:
        x = ops.maximum(x, fixed(low, x) if isinstance(low, float) else low)
    if high is not None:
        x = ops.minimum(x, fixed(high, x) if isinstance(high, float) else high)
    return x


# ------------------------------------------------------------------------------------------------- of several arrays


def _binary(name: str, function: Callable[[Any, Any], Any], whole: str) -> None:
    def run(call: Call, a: Any, b: Any) -> Any:
        if is_whole(a, b):
            xp, a, b = plain(a, b)
            return getattr(xp, whole)(a, b)
        return function(a, b)

    operator(name, least=2)(run)


for _name, _both, _whole in (
    ("Add", ops.add, "add"),
    ("Sub", ops.subtract, "subtract"),
    ("Mul", ops.multiply, "multiply"),
):
    _binary(_name, _both, _whole)


@operator("Div", least=2)
def _divide(call: Call, a: Any, b: Any) -> Any:
    if is_whole(a, b):  # towards zero, as in C
        xp, a, b = plain(a, b)
        quotient = xp.floor_divide(xp.abs(a), xp.abs(b)) if a.dtype.kind == "i" else xp.floor_divide(a, b)
        return (quotient * xp.sign(a) * xp.sign(b)).astype(a.dtype) if a.dtype.kind == "i" else quotient
    return a / b


@operator("Pow", least=2)
def _power(call: Call, a: Any, b: Any) -> Any:
    if is_whole(a):
        xp, a, b = plain(a, b)
        return xp.power(a, b).astype(a.dtype)
    return ops.power(a, b.astype(str(a.dtype)) if str(b.dtype) != str(a.dtype) else b)


@operator("Mod", "fmod", least=2)
def _mod(call: Call, a: Any, b: Any) -> Any:
    xp, a, b = plain(a, b)
    return xp.fmod(a, b) if call.flag("fmod") else xp.mod(a, b)


def _many(name: str, function: Callable[[Any, Any], Any], whole: str) -> None:
    def run(call: Call, *arrays: Any) -> Any:
        if is_whole(*arrays):
            xp, *values = plain(*arrays)
            return reduce(getattr(xp, whole), values)
        return reduce(function, arrays)

    operator(name, most=-1)(run)


for _name, _both, _whole in (
    ("Sum", ops.add, "add"),
    ("Max", ops.maximum, "maximum"),
    ("Min", ops.minimum, "minimum"),
):
    _many(_name, _both, _whole)


@operator("Mean", most=-1)
def _mean(call: Call, *arrays: Any) -> Any:
    return reduce(ops.add, arrays) * fixed(1 / len(arrays), arrays[0])


# ------------------------------------------------------------------------------------------------------- softmax


def _along(name: str, function: Callable[..., Any]) -> None:
    def run(call: Call, x: Any) -> Any:
        require_numbers(call, x)
        if call.version >= 13:
            return function(x, axis=call.axis(call.integer("axis", -1), x.ndim))
        axis = call.axis(call.integer("axis", 1), x.ndim)  # of old: all axes from this one on are one
        flat = x.reshape((math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))
        return function(flat, axis=-1).reshape(tuple(x.shape))

    operator(name, "axis")(run)


def _hardmax(x: Any, axis: int) -> Any:
    xp, value = plain(x)
    places = xp.arange(value.shape[axis]).reshape([-1 if i == axis else 1 for i in range(value.ndim)])
    return (places == xp.expand_dims(xp.argmax(value, axis=axis), axis)).astype(value.dtype)


_along("Softmax", ops.softmax)
_along("LogSoftmax", ops.log_softmax)
_along("Hardmax", _hardmax)


@operator("Dropout", "ratio", "seed", "is_test", least=1, most=3)
def _dropout(call: Call, x: Any, ratio: Any = None, training: Any = None) -> Any:
    if (
        training is not None
        and bool(np.any(np.asarray(value_of(training))))
        and (ratio is None or float(np.asarray(value_of(ratio))) > 0)
    ):
        call.refuse("is in training mode, whose random numbers belong to whoever runs it; export in evaluation mode")
    xp, value = plain(x)
    return (x, xp.ones(value.shape, dtype=bool)) if call.outputs > 1 else x
