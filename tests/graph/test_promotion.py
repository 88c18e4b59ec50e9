"""The type of a result is the same in both engines, whatever the inputs' types."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import backlit as bl
from backlit import ops
from backlit.graph.registry import REGISTRY

WHOLE = ("bool", "uint8", "int8", "int16", "int32", "int64", "uint32")
REAL = ("float32", "float64")
UNLIKE = (
    "inverse",
    "power",
    "round",
    "scatter",
    "scatter_add",
    "sign",
    "solve",
)  # of truth values


def inputs_of(name: str, types: tuple[str, ...]) -> list[np.ndarray]:
    """The first sample of an operation, its real inputs in these types."""
    rng = np.random.default_rng(0)
    remaining = iter(types)
    arrays = [draw.array(rng) for draw in REGISTRY[name].samples[0].inputs]
    cast = []
    for array in arrays:
        if array.dtype.kind != "f":
            cast.append(array)
            continue
        dtype = np.dtype(next(remaining))
        cast.append((np.abs(array) * 1.4 + 1 if dtype.kind in "iub" else array).astype(dtype))
    return cast


def results(name: str, arrays: Any) -> list[Any]:
    entry = REGISTRY[name]
    found = entry.samples[0].call(entry.function, *arrays)
    return list(found) if isinstance(found, (list, tuple)) else [found]


def real_inputs(name: str) -> int:
    return sum(draw.array(np.random.default_rng(0)).dtype.kind == "f" for draw in REGISTRY[name].samples[0].inputs)


def combinations(name: str) -> list[tuple[str, ...]]:
    count = real_inputs(name)
    if not count:
        return []
    alike = [(dtype,) * count for dtype in (*WHOLE, *REAL)]
    first = [(dtype,) + (real,) * (count - 1) for dtype in (*WHOLE, *REAL) for real in REAL]
    last = [(real,) * (count - 1) + (dtype,) for dtype in (*WHOLE, *REAL) for real in REAL]
    return alike + (first + last if count > 1 else [])


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_both_engines_give_the_same_type(name: str) -> None:
    for types in combinations(name):
        if "bool" in types and name in UNLIKE:
            continue
        arrays = inputs_of(name, types)
        try:
            ours = [np.asarray(value).dtype for value in results(name, arrays)]
        except (TypeError, bl.ShapeError) as error:
            if "numpy boolean" not in str(error):
                raise
            continue  # NumPy has no -x of truth values
        with jax.enable_x64(True):
            traced = jax.eval_shape(lambda *xs: results(name, xs), *arrays)
        assert ours == [value.dtype for value in traced], types
        if any(dtype in WHOLE for dtype in types) and any(dtype in REAL for dtype in types):
            widest = np.result_type(*[dtype for dtype in types if dtype in REAL])
            assert all(dtype == widest for dtype in ours if dtype.kind == "f"), types  # whole numbers widen nothing


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint32"])
@pytest.mark.parametrize(
    "f", [ops.exp, ops.sigmoid, ops.softplus, ops.softmax, ops.silu, ops.log_softmax, ops.std, ops.mean, ops.sqrt]
)
def test_whole_numbers_are_worth_what_the_same_real_ones_are(f: Any, dtype: str) -> None:
    x = np.array([1, 2, 5, 90], dtype=dtype)
    expected = f(x.astype("float64"))
    for run in (f, bl.compile(f)):
        found = np.asarray(run(x))
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_running_sums_of_whole_numbers_do_not_wrap() -> None:
    x = np.full(5, 100, dtype="uint8")
    for run in (ops.cumsum, bl.compile(ops.cumsum)):
        assert np.asarray(run(x)).tolist() == [100, 200, 300, 400, 500]


def test_what_a_program_returns_stays_float64() -> None:
    slope = bl.compile(bl.grad(lambda w: ops.sum(w * w)))
    w = np.array([1.0, 2.0])
    for _ in range(3):
        w = w - 0.1 * slope(w)
    assert type(w) is np.ndarray
    assert w.dtype == np.float64
    np.testing.assert_allclose(w, np.array([1.0, 2.0]) * 0.8**3, rtol=1e-15)


@pytest.mark.parametrize(
    "pick",
    [
        lambda w: w[7],
        lambda w: w[-5],
        lambda w: ops.getitem(w, index=[1, 9]),
        lambda w: ops.take(w, [7]),
        lambda w: ops.take(w, np.array([-5])),
        lambda w: ops.take_along_axis(w, np.array([4])),
        lambda w: ops.scatter(w, shape=(3,), index=[0, 1, 2, 3]),
        lambda w: ops.scatter_add(w, 1.0, index=4),
        bl.grad(lambda w: w[7]),
        bl.grad(lambda w: ops.sum(w[[0, 4]])),
    ],
)
def test_a_constant_place_outside_is_refused_while_compiling(pick: Any) -> None:
    with pytest.raises((IndexError, bl.ShapeError), match="bounds"):
        bl.compile(pick)(np.arange(4.0))


def test_constant_places_inside_are_taken() -> None:
    w = np.arange(4.0)
    both = bl.compile(lambda w: (w[-1], w[1:9], ops.take(w, [-4, 3]), w[np.array([True, False, False, True])]))(w)
    assert [np.asarray(part).tolist() for part in both] == [3.0, [1.0, 2.0, 3.0], [0.0, 3.0], [0.0, 3.0]]
