"""Backlit's operations in ONNX's, for layers of the user's own: see `own_layers.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.onnx.graph import FLOAT, INT, TRUE, Shape, Value
from backlit.exchange.onnx.layers import activations
from backlit.exchange.onnx.mapping import Site
from backlit.nn.layers.activations import GELU

ALIKE = {
    "abs": "Abs", "cos": "Cos", "erf": "Erf", "exp": "Exp", "floor": "Floor", "log": "Log", "negative": "Neg",
    "relu": "Relu", "round": "Round", "selu": "Selu", "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin",
    "softplus": "Softplus", "sqrt": "Sqrt", "tanh": "Tanh",
}  # fmt: skip
PAIRS = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max",
    "minimum": "Min",
}  # fmt: skip
REDUCTIONS = {
    "sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd",
    "logsumexp": "ReduceLogSumExp", "norm": "ReduceL2",
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """A whole number that is so many times the number of rows."""

    times: int


@dataclass(frozen=True)
class Call:
    """One operation as it was called.

    Attributes
    ----------
    inputs : list of Value or None
    static : dict
        Its settings.
    shape : tuple of int and str
        Of the result.
    x : Value
        The layer's input, which knows how many rows there are.
    """

    name: str
    inputs: list[Any]
    static: dict[str, Any]
    shape: Shape
    x: Value


OPERATIONS: dict[str, Callable[[Site, Call], Value]] = {}


def maps(*names: str) -> Callable[[Callable[[Site, Call], Value]], Callable[[Site, Call], Value]]:
    """Declare which operations a function writes."""

    def declare(function: Callable[[Site, Call], Value]) -> Callable[[Site, Call], Value]:
        for name in names:
            OPERATIONS[name] = function
        return function

    return declare


def sizes_of(site: Site, x: Value, sizes: Sequence[int | Rows]) -> Value:
    """A shape as a value, in which the number of rows is that of x."""
    if not any(isinstance(size, Rows) for size in sizes):
        return site.graph.axes(*sizes)  # type: ignore[arg-type]
    rows = site.graph.size(x, 0, 1)
    parts = []
    for size in sizes:
        if isinstance(size, Rows):
            parts.append(rows if size.times == 1 else site.node("Mul", rows, site.graph.axes(size.times)))
        else:
            parts.append(site.graph.axes(size))
    return parts[0] if len(parts) == 1 else site.node("Concat", *parts, shape=(len(parts),), dtype=INT, axis=0)


def _floats(site: Site, values: Sequence[Value]) -> list[Value]:
    """Values of one type: numbers with a point, if any is."""
    dtype = FLOAT if any(value.dtype == FLOAT for value in values) else values[0].dtype
    return [site.graph.cast(value, dtype) for value in values]


# ------------------------------------------------------------------------------------------ number by number


@maps(*ALIKE)
def alike(site: Site, call: Call) -> Value:
    """Operators that do the same."""
    return site.node(ALIKE[call.name], call.inputs[0], shape=call.shape)


@maps(*PAIRS)
def pair(site: Site, call: Call) -> Value:
    """Two numbers make one."""
    return site.node(PAIRS[call.name], *_floats(site, call.inputs), shape=call.shape)


@maps("identity", "stop_gradient")
def same(site: Site, call: Call) -> Value:
    """The value itself."""
    return call.inputs[0]


@maps("square")
def square(site: Site, call: Call) -> Value:
    """``x · x``."""
    return site.node("Mul", call.inputs[0], call.inputs[0], shape=call.shape)


@maps("log1p")
def log1p(site: Site, call: Call) -> Value:
    """``ln(1 + x)``."""
    return site.node("Log", site.node("Add", call.inputs[0], site.number(1.0)), shape=call.shape)


@maps("expm1")
def expm1(site: Site, call: Call) -> Value:
    """``eˣ - 1``."""
    return site.node("Sub", site.node("Exp", call.inputs[0]), site.number(1.0), shape=call.shape)


@maps("step")
def step(site: Site, call: Call) -> Value:
    """``x > 0`` as a number."""
    return site.graph.cast(site.node("Greater", call.inputs[0], site.number(0.0), dtype=TRUE), FLOAT)


@maps("silu")
def silu(site: Site, call: Call) -> Value:
    """``x · σ(x)``."""
    return site.node("Mul", call.inputs[0], site.node("Sigmoid", call.inputs[0]))


@maps("gelu")
def gelu(site: Site, call: Call) -> Value:
    """As the layer."""
    return activations.gelu(site, GELU(), call.inputs[0])


@maps("elu")
def elu(site: Site, call: Call) -> Value:
    """With its alpha."""
    return site.node("Elu", call.inputs[0], alpha=float(call.static.get("alpha", 1.0)))


@maps("leaky_relu")
def leaky_relu(site: Site, call: Call) -> Value:
    """With its slope."""
    return site.node("LeakyRelu", call.inputs[0], alpha=float(call.static.get("slope", 0.01)))


@maps("prelu")
def prelu(site: Site, call: Call) -> Value:
    """With its slopes."""
    return site.node("PRelu", *call.inputs, shape=call.shape)


@maps("softmax", "log_softmax")
def softmax(site: Site, call: Call) -> Value:
    """Along an axis."""
    op = "Softmax" if call.name == "softmax" else "LogSoftmax"
    return site.node(op, call.inputs[0], axis=int(call.static.get("axis", -1)))


@maps("clip")
def clip(site: Site, call: Call) -> Value:
    """Between bounds, each of which may be left out."""
    x, *given = call.inputs
    for i, (name, op) in enumerate((("low", "Max"), ("high", "Min"))):
        bound = given[i] if i < len(given) else call.static.get(name)
        if bound is not None:
            bound = bound if isinstance(bound, Value) else site.graph.constant(np.asarray(bound, FLOAT))
            x = site.node(op, *_floats(site, [x, bound]), shape=call.shape)
    return x


@maps("where")
def where(site: Site, call: Call) -> Value:
    """One of two values."""
    condition, *values = call.inputs
    return site.node("Where", site.graph.cast(condition, TRUE), *_floats(site, values), shape=call.shape, dtype=FLOAT)


@maps("astype")
def astype(site: Site, call: Call) -> Value:
    """Numbers with a point are float32 in the file."""
    kind = np.dtype(call.static["dtype"]).kind
    return site.graph.cast(call.inputs[0], {"f": FLOAT, "b": TRUE}.get(kind, INT))


# --------------------------------------------------------------------------------------------------- sums


def _axes(call: Call) -> tuple[int, ...]:
    axis, count = call.static.get("axis"), len(call.inputs[0].shape)
    axes = range(count) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(int(one) % count for one in axes)


def _reduced(site: Site, op: str, call: Call, x: Value, keep: bool | None = None) -> Value:
    axes, kept = _axes(call), bool(call.static.get("keepdims", False)) if keep is None else keep
    shape = tuple(1 if i in axes else size for i, size in enumerate(x.shape) if kept or i not in axes)
    return site.node(op, x, site.graph.axes(*axes), shape=shape, keepdims=int(kept))


@maps(*REDUCTIONS)
def reduction(site: Site, call: Call) -> Value:
    """Over some axes, or all."""
    return _reduced(site, REDUCTIONS[call.name], call, call.inputs[0])


@maps("var", "std")
def variance(site: Site, call: Call) -> Value:
    """The mean square about the mean; with a correction, times n / (n - correction)."""
    x = call.inputs[0]
    centred = site.node("Sub", x, _reduced(site, "ReduceMean", call, x, keep=True), shape=x.shape)
    found = _reduced(site, "ReduceMean", call, site.node("Mul", centred, centred))
    correction = float(call.static.get("correction", 0))
    if correction:
        sizes = [x.shape[axis] for axis in _axes(call)]
        if not all(isinstance(size, int) for size in sizes):
            raise InputError(f"{call.name} over the rows of a batch with correction={correction:g} can't be written")
        count = float(np.prod(sizes))
        found = site.node("Mul", found, site.number(count / (count - correction)))
    return site.node("Sqrt", found) if call.name == "std" else found


@maps("cumsum")
def cumsum(site: Site, call: Call) -> Value:
    """Along an axis."""
    axis = site.graph.constant(np.array(call.static.get("axis", -1), np.int64), "axis")
    return site.node("CumSum", call.inputs[0], axis)


# -------------------------------------------------------------------------------------------------- shapes


@maps("reshape")
def reshape(site: Site, call: Call) -> Value:
    """By the result's shape: a size that grows with the rows is what is left."""
    shape = call.static["shape"]
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if sum(isinstance(size, Rows) or size == -1 for size in sizes) > 1:
        return site.node("Reshape", call.inputs[0], sizes_of(site, call.x, sizes), shape=call.shape)
    plain = [-1 if isinstance(size, Rows) else int(size) for size in sizes]
    return site.node("Reshape", call.inputs[0], site.graph.axes(*plain), shape=call.shape)


@maps("broadcast_to")
def broadcast_to(site: Site, call: Call) -> Value:
    """Expand."""
    return site.node("Expand", call.inputs[0], sizes_of(site, call.x, call.static["shape"]), shape=call.shape)


@maps("transpose", "matrix_transpose")
def transpose(site: Site, call: Call) -> Value:
    """Axes in another order."""
    count = len(call.shape)
    axes = call.static.get("axes") or range(count - 1, -1, -1)
    if call.name == "matrix_transpose":
        axes = [*range(count - 2), count - 1, count - 2]
    return site.node("Transpose", call.inputs[0], shape=call.shape, perm=[int(axis) % count for axis in axes])


@maps("expand_dims", "squeeze")
def ones(site: Site, call: Call) -> Value:
    """Axes of size 1, put in or taken out."""
    axis = call.static.get("axis")
    if axis is None:
        axis = tuple(i for i, size in enumerate(call.inputs[0].shape) if size == 1)
    count = max(len(call.shape), len(call.inputs[0].shape))
    axes = [int(one) % count for one in (axis if isinstance(axis, tuple) else (axis,))]
    op = "Unsqueeze" if call.name == "expand_dims" else "Squeeze"
    return site.node(op, call.inputs[0], site.graph.axes(*axes), shape=call.shape)


@maps("pad")
def pad(site: Site, call: Call) -> Value:
    """A border of one value."""
    widths = call.static["widths"]
    pads = site.graph.axes(*[pair[0] for pair in widths], *[pair[1] for pair in widths])
    return site.node("Pad", call.inputs[0], pads, site.number(float(call.static.get("value", 0.0))), shape=call.shape)


@maps("flip")
def flip(site: Site, call: Call) -> Value:
    """Backwards along axes."""
    axes, graph = _axes(call), site.graph
    starts, ends, steps = ([number] * len(axes) for number in (-1, np.iinfo(np.int64).min, -1))
    return site.node("Slice", call.inputs[0], *(graph.axes(*one) for one in (starts, ends, axes, steps)))


@maps("concatenate")
def concatenate(site: Site, call: Call) -> Value:
    """One after another."""
    axis = int(call.static.get("axis", 0))
    return site.node("Concat", *_floats(site, call.inputs), shape=call.shape, axis=axis)


@maps("stack")
def stack(site: Site, call: Call) -> Value:
    """One beside another, along a new axis."""
    axis = int(call.static.get("axis", 0)) % len(call.shape)
    one = tuple(1 if i == axis else size for i, size in enumerate(call.shape))
    parts = [site.node("Unsqueeze", x, site.graph.axes(axis), shape=one) for x in _floats(site, call.inputs)]
    return site.node("Concat", *parts, shape=call.shape, axis=axis)


# ------------------------------------------------------------------------------------------------- products


@maps("matmul")
def matmul(site: Site, call: Call) -> Value:
    """The matrix product."""
    return site.node("MatMul", *_floats(site, call.inputs), shape=call.shape)


@maps("linear")
def linear(site: Site, call: Call) -> Value:
    """``x Wᵀ``."""
    x, weight = call.inputs
    turned = site.node("Transpose", weight, shape=weight.shape[::-1], perm=[1, 0])
    return site.node("MatMul", x, turned, shape=call.shape)


@maps("einsum")
def einsum(site: Site, call: Call) -> Value:
    """Einstein's sum."""
    terms = call.static["subscripts"].split("->")[0].split(",")
    spread = {len(x.shape) - len(term) + 3 for x, term in zip(call.inputs, terms, strict=True) if "..." in term}
    if len(spread) > 1:
        raise InputError("an einsum whose ... stands for different numbers of axes can't be written; name the axes")
    return site.node("Einsum", *call.inputs, shape=call.shape, equation=call.static["subscripts"])


# --------------------------------------------------------------------------------------------------- places


@maps("take")
def take(site: Site, call: Call) -> Value:
    """Entries of an axis."""
    axis = int(call.static.get("axis", 0))
    return site.node("Gather", *call.inputs, shape=call.shape, axis=axis)


@maps("take_along_axis")
def take_along_axis(site: Site, call: Call) -> Value:
    """Entries of an axis, others for each place."""
    axis = int(call.static.get("axis", -1))
    return site.node("GatherElements", *call.inputs, shape=call.shape, axis=axis)


@maps("getitem")
def getitem(site: Site, call: Call) -> Value:
    """Whole numbers, slices, None, ``...``, and at most one array of places."""
    index = call.static["index"]
    index = index if isinstance(index, tuple) else (index,)
    x = call.inputs[0]
    taken = sum(part is not None and part is not Ellipsis for part in index)
    spread = next((i for i, part in enumerate(index) if part is Ellipsis), len(index))
    between = [slice(None)] * (len(x.shape) - taken)
    index = (*index[:spread], *between, *index[spread + 1 :])
    if sum(isinstance(part, np.ndarray) for part in index) > 1:
        raise InputError("an index of several arrays can't be written; take one axis after another")
    graph, axis, single, new = site.graph, 0, [], []
    slices: list[tuple[int, int, int, int]] = []
    result = 0
    for part in index:
        if part is None:
            new.append(result)
            result += 1
            continue
        if isinstance(part, np.ndarray):
            if part.dtype.kind == "b":
                part = np.flatnonzero(part)
            x = site.node("Gather", x, graph.constant(part.astype(np.int64), "places"), axis=axis)
            if part.ndim != 1:
                raise InputError("an index of an array with several axes can't be written; use backlit.ops.take")
        elif isinstance(part, slice):
            slices += _sliced(part, axis)
        else:
            slices.append((int(part), int(part) + 1 or np.iinfo(np.int64).max, axis, 1))
            single.append(axis)
        result += not isinstance(part, (int, np.integer))
        axis += 1
    if slices:
        starts, ends, axes, steps = (graph.axes(*numbers) for numbers in zip(*slices, strict=True))
        x = site.node("Slice", x, starts, ends, axes, steps)
    x = site.node("Squeeze", x, graph.axes(*single)) if single else x
    x = site.node("Unsqueeze", x, graph.axes(*new)) if new else x
    return Value(x.name, call.shape, x.dtype)


def _sliced(part: slice, axis: int) -> list[tuple[int, int, int, int]]:
    """Start, end, axis and step; nothing for a slice that takes all."""
    if part == slice(None):
        return []
    if any(isinstance(end, Rows) for end in (part.start, part.stop, part.step)):
        raise InputError("an index that depends on the number of rows can't be written")
    step, far = (1 if part.step is None else int(part.step)), np.iinfo(np.int64)
    start = part.start if part.start is not None else (0 if step > 0 else -1)
    stop = part.stop if part.stop is not None else (far.max if step > 0 else far.min)
    return [(int(start), int(stop), axis, step)]
