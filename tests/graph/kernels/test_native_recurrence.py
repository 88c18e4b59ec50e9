"""RNN, GRU and LSTM by the native kernels against the plain path in float64, and where they are taken."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import backlit as bl
from backlit.errors import ShapeError
from backlit.graph.kernels.native import calls
from backlit.graph.kernels.native.recurrence import native_recurrence
from backlit.graph.ops.gru import gru
from backlit.graph.ops.lstm import lstm
from backlit.graph.ops.recurrence import rnn

OPS = {"rnn": (rnn, 1), "gru": (gru, 3), "lstm": (lstm, 4)}
SIZES = [(3, 2, 5), (1, 1, 1), (7, 13, 33), (4, 1, 8), (2, 70, 65)]  # time, rows, units
kinds = pytest.mark.parametrize("kind", OPS)


def drawn(kind: str, sizes: tuple[int, int, int], added: bool = False) -> list[np.ndarray]:
    """Inputs in float32."""
    rng = np.random.default_rng(0)
    time, rows, units = sizes
    gates = OPS[kind][1]
    arrays = [
        rng.normal(size=(time, rows, gates * units)),
        rng.normal(size=(gates * units, units)) / np.sqrt(units),
        rng.normal(size=(rows, units)),
        *({"gru": [rng.normal(size=units)], "lstm": [rng.normal(size=(rows, units))]}.get(kind, [])),
        *([rng.normal(size=sizes) * 0.1] if added else []),
    ]
    return [array.astype(np.float32) for array in arrays]


def options(sizes: tuple[int, int, int], masked: bool, dropped: bool, reverse: bool) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    time, rows, units = sizes
    keep = (rng.random((rows, units)) < 0.8).astype(np.float32) * np.float32(1.25)
    return {
        "mask": rng.random((time, rows)) < 0.7 if masked else None,
        "keep": keep if dropped else None,
        "reverse": reverse,
    }


def value_and_gradients(
    kind: str, arrays: list[np.ndarray], through: Any = bl.compile, **settings: Any
) -> tuple[float, list[np.ndarray]]:
    """Of a sum of all states (and cells) by random weights."""
    rng = np.random.default_rng(2)
    shape = (*arrays[0].shape[:2], arrays[2].shape[1])
    weights = [rng.normal(size=shape).astype(arrays[0].dtype) for _ in range(2)]

    def loss(*arrays: Any) -> Any:
        results = OPS[kind][0](*arrays, **settings)
        used = results[:2] if kind == "lstm" else results[:1]
        return sum((result * weight).sum() for result, weight in zip(used, weights, strict=False))

    value, gradients = through(bl.value_and_grad(loss, tuple(range(len(arrays)))))(*arrays)
    return float(value), [np.asarray(gradient) for gradient in gradients]


def calls_in(kind: str, arrays: list[Any], **settings: Any) -> int:
    """Native calls in the compiled program of value and gradients."""
    f = bl.value_and_grad(lambda *a: (OPS[kind][0](*a, **settings)[0] ** 2).sum(), tuple(range(len(arrays))))
    with jax.enable_x64(True):
        return str(jax.make_jaxpr(lambda *a: f(*a))(*arrays)).count("backlit_")


def by_numpy(f: Any) -> Any:
    """The plain path's lines on NumPy arrays: nothing is compiled of what is compared with."""
    return f


def assert_close(kind: str, sizes: tuple[int, int, int], added: bool, **settings: Any) -> None:
    arrays = drawn(kind, sizes, added)
    value, gradients = value_and_gradients(kind, arrays, **settings)
    doubled = {k: v.astype(np.float64) if k == "keep" and v is not None else v for k, v in settings.items()}
    arrays = [a.astype(np.float64) for a in arrays]
    right, right_gradients = value_and_gradients(kind, arrays, by_numpy, form="scan", **doubled)
    assert abs(value - right) <= 1e-5 * max(1.0, abs(right)) * np.sqrt(arrays[0].size)
    for gradient, expected in zip(gradients, right_gradients, strict=True):
        assert gradient.dtype == np.float32
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-5 * max(np.abs(expected).max(), 1e-2))


@kinds
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_equals_the_plain_path(kind: str, sizes: tuple[int, int, int], instructions: str) -> None:
    assert calls_in(kind, drawn(kind, sizes)) == 2
    assert_close(kind, sizes, added=False, **options(sizes, False, False, False))


@kinds
@pytest.mark.parametrize("choice", ["mask", "keep reverse", "mask keep added", "mask reverse added", "added"])
def test_equals_the_plain_path_with_each_option(kind: str, choice: str, instructions: str) -> None:
    """Every combination is tried by the driver under sanitizers."""
    masked, dropped, reverse, added = [name in choice for name in ("mask", "keep", "reverse", "added")]
    assert_close(kind, (5, 4, 19), added, **options((5, 4, 19), masked, dropped, reverse))


def test_relu_equals_the_plain_path(instructions: str) -> None:
    assert_close("rnn", (6, 7, 40), True, activation="relu", **options((6, 7, 40), True, True, False))


@kinds
def test_a_nan_stays_one(kind: str, instructions: str) -> None:
    arrays = drawn(kind, (3, 2, 5))
    arrays[0][1, 0, 0] = np.nan
    states = np.asarray(bl.compile(OPS[kind][0])(*arrays)[0])
    assert np.isfinite(states[0]).all()
    assert np.isnan(states[1, 0, 0])
    assert np.isnan(states[2, 0]).all()
    assert np.isfinite(states[:, 1]).all()


@kinds
def test_large_inputs_saturate(kind: str, instructions: str) -> None:
    arrays = drawn(kind, (3, 2, 5))
    arrays[0] *= np.float32(1e30)
    states = np.asarray(bl.compile(OPS[kind][0])(*arrays)[0])
    right = OPS[kind][0](*[a.astype(np.float64) for a in arrays])[0]
    np.testing.assert_allclose(states, right, atol=1e-5)


@pytest.mark.slow
@kinds
def test_second_derivatives_take_the_plain_path(kind: str, instructions: str) -> None:
    arrays = drawn(kind, (3, 2, 4))

    def slope(*arrays: Any) -> Any:
        first = bl.grad(lambda *a: (OPS[kind][0](*a)[0] ** 2).sum(), (0, 1))(*arrays)
        return sum((part * part).sum() for part in first)

    found = bl.compile(bl.grad(slope, (0, 1, 2)))(*arrays)
    right = bl.grad(slope, (0, 1, 2))(*[a.astype(np.float64) for a in arrays])  # by NumPy
    for one, other in zip(found, right, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())


@kinds
def test_map_calls_one_after_another(kind: str, instructions: str) -> None:
    """As ensembles do."""
    arrays = drawn(kind, (3, 2, 5))
    scales = np.array([0.5, 1.0, 2.0], dtype=np.float32)
    operation = OPS[kind][0]
    mapped = jax.jit(jax.vmap(lambda scale: operation(arrays[0] * scale, *map(jax.numpy.asarray, arrays[1:]))[0]))
    for scale, found in zip(scales, mapped(scales), strict=True):
        right = operation(arrays[0] * scale, *arrays[1:], form="scan")[0]
        np.testing.assert_allclose(found, right, atol=1e-5)


@kinds
def test_other_types_take_the_plain_path(kind: str, instructions: str) -> None:
    assert calls_in(kind, [a.astype(np.float64) for a in drawn(kind, (3, 2, 5))]) == 0


def test_what_has_no_kernel_takes_the_plain_path(instructions: str) -> None:
    a, weight, h, c = drawn("lstm", (3, 2, 5))
    assert calls_in("gru", drawn("gru", (3, 2, 5))[:3]) == 0  # the reset gate before the product
    assert calls_in("lstm", [a, weight, h, c], form="scan") == 0
    empty = [np.zeros((3, 0, 20), np.float32), weight, np.zeros((0, 5), np.float32), np.zeros((0, 5), np.float32)]
    assert calls_in("lstm", empty) == 0


@kinds
def test_no_time_steps_are_refused_as_ever(kind: str, instructions: str) -> None:
    arrays = drawn(kind, (3, 2, 5))
    with pytest.raises(ShapeError, match="no time steps"):
        bl.compile(OPS[kind][0])(arrays[0][:0], *arrays[1:])


def test_arrays_beyond_2_31_take_the_plain_path(instructions: str) -> None:
    large = jax.ShapeDtypeStruct((2**20, 2**9, 4 * 2), np.float32)
    small = jax.ShapeDtypeStruct((8, 2), np.float32)
    given = {"a": large, "weight": small, "h": small, "c": small}
    assert native_recurrence("lstm", given, None, None) is None
    assert (
        native_recurrence("lstm", {**given, "a": jax.ShapeDtypeStruct((2, 4, 8), np.float32)}, None, None) is not None
    )


def test_several_devices_take_the_plain_path(instructions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls.jax, "device_count", lambda: 2)
    assert calls_in("lstm", drawn("lstm", (3, 2, 5))) == 0


def test_wrong_sizes_are_an_error_and_no_crash(instructions: str) -> None:
    a, weight, h, c = map(jax.numpy.asarray, drawn("lstm", (3, 2, 5)))
    function = calls.call("backlit_forward", [(3, 2, 5), (3, 2, 5), (3, 2, 20), (4,)])
    none, mask = calls.optional(None), calls.optional(None, np.bool_)
    with pytest.raises(jax.errors.JaxRuntimeError, match="shapes don't fit"):
        jax.block_until_ready(
            function(a, weight, h, c, none, none, none, mask, sizes=calls.as_sizes(4, 3, 2, 5, 1), reverse=0, relu=0)
        )
