"""ONNX's comparisons, logic, types and constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.graph.tensor import value_of
from backlit.nn.operators.table import Call, is_whole, known, operator, plain, shape_of

# As ONNX numbers them (TensorProto.DataType).
TYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
         11: "float64", 12: "uint32", 13: "uint64"}  # fmt: skip


def _compare(name: str, function: Callable[[Any, Any, Any], Any]) -> None:
    def run(call: Call, a: Any, b: Any) -> Any:
        xp, a, b = plain(a, b)
        return function(xp, a, b)

    operator(name, least=2)(run)


for _name, _made in {
    "Equal": lambda xp, a, b: xp.equal(a, b),
    "Greater": lambda xp, a, b: xp.greater(a, b),
    "GreaterOrEqual": lambda xp, a, b: xp.greater_equal(a, b),
    "Less": lambda xp, a, b: xp.less(a, b),
    "LessOrEqual": lambda xp, a, b: xp.less_equal(a, b),
    "And": lambda xp, a, b: xp.logical_and(a, b),
    "Or": lambda xp, a, b: xp.logical_or(a, b),
    "Xor": lambda xp, a, b: xp.logical_xor(a, b),
}.items():
    _compare(_name, _made)


@operator("Not")
def _not(call: Call, x: Any) -> Any:
    xp, x = plain(x)
    return xp.logical_not(x)


@operator("IsNaN")
def _is_nan(call: Call, x: Any) -> Any:
    xp, x = plain(x)
    return xp.isnan(x)


@operator("IsInf", "detect_negative", "detect_positive")
def _is_inf(call: Call, x: Any) -> Any:
    xp, x = plain(x)
    signs = (x > 0) & call.flag("detect_positive", True) | (x < 0) & call.flag("detect_negative", True)
    return xp.isinf(x) & signs


@operator("Where", least=3)
def _where(call: Call, condition: Any, a: Any, b: Any) -> Any:
    if is_whole(a, b):
        xp, condition, a, b = plain(condition, a, b)
        return xp.where(condition, a, b)
    return ops.where(value_of(condition), a, b)


def typed(call: Call, number: Any) -> str:
    """The name of a type that ONNX numbers."""
    if number not in TYPES:
        call.refuse(
            f"asks for ONNX's type number {number}, which Backlit doesn't have; it has {', '.join(TYPES.values())}"
        )
    return TYPES[number]


def cast(x: Any, dtype: str) -> Any:
    """The same numbers in another type; a gradient goes through from one floating-point type to another."""
    if str(x.dtype) == dtype:
        return x
    if dtype.startswith("float") and x.dtype.kind == "f":
        return ops.astype(x, dtype=dtype)
    _, x = plain(x)
    return (x != 0) if dtype == "bool" else x.astype(dtype)


@operator("Cast", "to", "saturate", "round_mode")
def _cast(call: Call, x: Any) -> Any:
    return cast(x, typed(call, call.integer("to")))


@operator("CastLike", "saturate", "round_mode", least=2)
def _cast_like(call: Call, x: Any, like: Any) -> Any:
    return cast(x, str(like.dtype))


# --------------------------------------------------------------------------------------------------- constants

VALUES = ("value", "value_float", "value_floats", "value_int", "value_ints")


@operator("Constant", *VALUES, least=0)
def _constant(call: Call) -> Any:
    given = [name for name in VALUES if name in call.attributes]
    if len(given) != 1:
        call.refuse(f"needs one of {', '.join(VALUES)}, has {', '.join(given) or 'none'}")
    value = call.attributes[given[0]]
    return value if given[0] == "value" else np.asarray(value, dtype="float32" if "float" in given[0] else "int64")


@operator("ConstantOfShape", "value", static=(0,))
def _constant_of_shape(call: Call, shape: Any) -> Any:
    value = np.asarray(call.attributes.get("value", np.zeros(1, "float32"))).reshape(-1)
    if value.size != 1:
        call.refuse(f"needs one value to fill its output with, got {value.size}")
    sizes = known(call, shape)
    call.require_size(sizes)
    return np.full(sizes, value[0], dtype=value.dtype)


@operator("Shape", "start", "end")
def _shape(call: Call, x: Any) -> Any:
    shape = shape_of(x)
    return np.array(shape[call.integer("start", 0) : call.integer("end", len(shape))], dtype=np.int64)


@operator("Size")
def _size(call: Call, x: Any) -> Any:
    return np.array(int(np.prod(shape_of(x), dtype=np.int64)), dtype=np.int64)


@operator("Range", least=3, static=(0, 1, 2))
def _range(call: Call, start: Any, stop: Any, step: Any) -> Any:
    first, last, by = (np.asarray(each).reshape(()) for each in (start, stop, step))
    if not by or not all(np.isfinite(each) for each in (first, last, by)):
        call.refuse(f"counts from {first} to {last} by {by}")
    call.require_size((max(0, int((float(last) - float(first)) / float(by)) + 1),))
    return np.arange(first.item(), last.item(), by.item(), dtype=first.dtype)


@operator("EyeLike", "dtype", "k")
def _eye_like(call: Call, x: Any) -> Any:
    dtype = typed(call, call.integer("dtype")) if "dtype" in call.attributes else str(x.dtype)
    rows, columns = shape_of(x)
    return np.eye(rows, columns, k=int(call.integer("k", 0)), dtype=np.dtype(dtype))


@operator("OneHot", "axis", least=3, static=(1,))
def _one_hot(call: Call, places: Any, depth: Any, values: Any) -> Any:
    xp, places, values = plain(places, values)
    count = int(np.asarray(depth).reshape(()))
    call.require_size((max(count, 0), *places.shape))
    places = places.astype("int64")
    axis = call.axis(call.integer("axis", -1), places.ndim + 1)
    numbers = xp.arange(count).reshape([-1 if i == axis else 1 for i in range(places.ndim + 1)])
    places = xp.expand_dims(xp.where(places < 0, places + count, places), axis)
    return xp.where(numbers == places, values[1], values[0])
