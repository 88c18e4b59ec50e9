"""ONNX's operators that make one number of many: sums, means, extremes, norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.graph import ops
from backlit.nn.operators.table import Call, is_whole, known, operator, plain


def _axes(call: Call, x: Any, axes: Any) -> tuple[int, ...] | None:
    """The axes that are reduced; None for none at all."""
    given = call.integers("axes") if axes is None else known(call, axes)
    if given:
        return call.axes(given, x.ndim)
    return None if call.flag("noop_with_empty_axes") else tuple(range(x.ndim))


def _reduction(name: str, function: Callable[..., Any], alone: Callable[[Any], Any] = lambda x: x) -> None:
    def run(call: Call, x: Any, axes: Any = None) -> Any:
        along = _axes(call, x, axes)
        if along is None:
            return alone(x)
        return function(x, axis=along, keepdims=call.flag("keepdims", True))

    operator(name, "axes", "keepdims", "noop_with_empty_axes", least=1, most=2, static=(1,))(run)


def _whole(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's own function for whole numbers, whose type it keeps, and for empty arrays."""

    def run(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
        if is_whole(x):
            xp, x = plain(x)
            return getattr(xp, name)(x, axis=axis, keepdims=keepdims).astype(x.dtype)
        return function(x, axis=axis, keepdims=keepdims)

    return run


def _extreme(name: str, function: Callable[..., Any], lowest: float) -> Callable[..., Any]:
    def run(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
        if 0 in x.shape:  # of no numbers
            xp, x = plain(x)
            first = lowest if x.dtype.kind == "f" else lowest > 0 if x.dtype.kind == "b" else _end(x.dtype, lowest > 0)
            return getattr(xp, name)(x, axis=axis, keepdims=keepdims, initial=first)
        if is_whole(x):
            xp, x = plain(x)
            return getattr(xp, name)(x, axis=axis, keepdims=keepdims)
        return function(x, axis=axis, keepdims=keepdims)

    return run


def _end(dtype: Any, greatest: bool) -> int:
    """The greatest or least whole number of a type."""
    bounds = np.iinfo(str(dtype))
    return int(bounds.max if greatest else bounds.min)


def _mean(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if is_whole(x):
        xp, x = plain(x)
        return xp.trunc(xp.mean(x, axis=axis, keepdims=keepdims)).astype(x.dtype)
    return ops.mean(x, axis=axis, keepdims=keepdims)


def _log_sum(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return ops.log(ops.sum(x, axis=axis, keepdims=keepdims))


def _log_sum_exp(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if 0 in x.shape:
        return _log_sum(ops.exp(x), axis, keepdims)
    return ops.logsumexp(x, axis=axis, keepdims=keepdims)


def _square_sum(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return _whole("sum", ops.sum)(x * x, axis, keepdims)


def _absolute_sum(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if is_whole(x):
        xp, x = plain(x)
        return xp.sum(xp.abs(x), axis=axis, keepdims=keepdims).astype(x.dtype)
    return ops.sum(ops.abs(x), axis=axis, keepdims=keepdims)


def _euclidean(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if is_whole(x):
        xp, x = plain(x)
        return xp.sqrt(xp.sum(x * x, axis=axis, keepdims=keepdims)).astype(x.dtype)
    return ops.norm(x, axis=axis, keepdims=keepdims)


_reduction("ReduceSum", _whole("sum", ops.sum))
_reduction("ReduceProd", _whole("prod", ops.prod))
_reduction("ReduceMean", _mean)
_reduction("ReduceMax", _extreme("max", ops.max, -np.inf))
_reduction("ReduceMin", _extreme("min", ops.min, np.inf))
_reduction("ReduceLogSum", _log_sum, ops.log)
_reduction("ReduceLogSumExp", _log_sum_exp)
_reduction("ReduceSumSquare", _square_sum, lambda x: x * x)
_reduction("ReduceL1", _absolute_sum, ops.abs)
_reduction("ReduceL2", _euclidean, ops.abs)


def _arg(name: str, function: str) -> None:
    def run(call: Call, x: Any) -> Any:
        xp, x = plain(x)
        axis = call.axis(call.integer("axis", 0), x.ndim)
        if call.flag("select_last_index"):
            places = x.shape[axis] - 1 - getattr(xp, function)(xp.flip(x, axis=axis), axis=axis)
        else:
            places = getattr(xp, function)(x, axis=axis)
        return (xp.expand_dims(places, axis) if call.flag("keepdims", True) else places).astype("int64")

    operator(name, "axis", "keepdims", "select_last_index")(run)


_arg("ArgMax", "argmax")
_arg("ArgMin", "argmin")


@operator("CumSum", "exclusive", "reverse", least=2, static=(1,))
def _cumsum(call: Call, x: Any, axis: Any) -> Any:
    along = call.axis(int(np.asarray(axis).reshape(())), x.ndim)
    whole = is_whole(x)
    xp, value = plain(x)
    if call.flag("reverse"):
        x = xp.flip(value, axis=along) if whole else ops.flip(x, axis=along)
    total = xp.cumsum(x, axis=along).astype(value.dtype) if whole else ops.cumsum(x, axis=along)
    total = total - x if call.flag("exclusive") else total
    if call.flag("reverse"):
        total = xp.flip(total, axis=along) if whole else ops.flip(total, axis=along)
    return total
