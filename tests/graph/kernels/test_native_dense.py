"""Dense layers by the native kernels against NumPy's products in float64."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import backlit as bl
from backlit.graph.kernels import xla
from backlit.graph.kernels.native import dense
from backlit.graph.precision import products_in

FORWARD = [(16, 1000, 100), (64, 1000, 100), (17, 801, 97), (37, 257, 130), (64, 256, 64)]
BACK = [(2048, 65, 64), (256, 128, 64), (1001, 33, 35), (5000, 9, 35), (300, 127, 29)]


def drawn(rows: int, inputs: int, units: int) -> tuple[np.ndarray, ...]:
    """x, weight and upstream in float32."""
    rng = np.random.default_rng(0)
    return tuple(
        [rng.normal(size=shape).astype(np.float32) for shape in ((rows, inputs), (units, inputs), (rows, units))]
    )


def assert_close(found: Any, right: np.ndarray) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-5 * np.abs(right).max())


def calls_in(f: Any, *arrays: Any) -> int:
    """Native calls in the program of a function."""
    return str(jax.make_jaxpr(f)(*arrays)).count("backlit_dense")


@pytest.mark.parametrize("case", FORWARD, ids=str)
def test_few_long_rows(case: Any, instructions: str) -> None:
    x, weight, _ = drawn(*case)
    assert dense.takes_linear(x, weight)
    assert_close(xla.linear(x, weight), x.astype(np.float64) @ weight.astype(np.float64).T)


@pytest.mark.parametrize("case", BACK, ids=str)
def test_the_gradient_over_many_rows(case: Any, instructions: str) -> None:
    x, _, g = drawn(*case)
    assert dense.takes_linear_weight(x, g)
    assert_close(xla.linear_weight(x, g), g.astype(np.float64).T @ x.astype(np.float64))


def test_a_layer_s_value_and_gradients(instructions: str) -> None:
    """Of rows in two axes, through the operation and its rules, once with each kernel."""
    for rows, inputs, units, native in (((4, 8), 400, 90, 1), ((20, 100), 64, 40, 1)):
        x, weight, g = [
            a.reshape(*rows, -1) if len(a) == np.prod(rows) else a for a in drawn(np.prod(rows), inputs, units)
        ]

        def loss(x: Any, weight: Any, g: Any) -> Any:
            return (bl.ops.linear(x, weight) * g).sum()

        gradients = bl.grad(loss, (0, 1))
        assert calls_in(bl.compile(bl.value_and_grad(loss, (0, 1))), x, weight, g) == native
        found = bl.compile(gradients)(x, weight, g)
        right = gradients(*[a.astype(np.float64) for a in (x, weight, g)])
        for one, other in zip(found, right, strict=True):
            assert_close(np.asarray(one), other)


def test_a_row_s_result_has_the_same_bits_in_any_company(instructions: str) -> None:
    x, weight, _ = drawn(64, 1001, 99)
    whole, half = (np.asarray(jax.jit(dense.linear)(part, weight)) for part in (x, x[16:33]))
    np.testing.assert_array_equal(whole[16:33], half)


def test_a_map_calls_one_after_another(instructions: str) -> None:
    """As ensembles do."""
    x, weight, _ = drawn(16, 1000, 100)
    weights = np.stack([weight, 2 * weight])
    found = jax.jit(jax.vmap(lambda weight: xla.linear(x, weight)))(weights)
    assert_close(np.asarray(found[1]), x.astype(np.float64) @ (2.0 * weight.astype(np.float64)).T)


def test_derivatives_of_second_order(instructions: str) -> None:
    x, weight, _ = drawn(16, 512, 150)

    def slope(x: Any, weight: Any) -> Any:
        first = bl.grad(lambda *a: (bl.ops.linear(*a) ** 2).sum(), (0, 1))(x, weight)
        return sum((part * part).sum() for part in first)

    found, right = [bl.compile(bl.grad(slope, (0, 1)))(*map(t, (x, weight))) for t in (np.float32, np.float64)]
    for one, other in zip(found, right, strict=True):
        assert_close(np.asarray(one), np.asarray(other))


def test_what_has_no_kernel_is_xla_s(instructions: str) -> None:
    x, weight, g = drawn(64, 1000, 100)
    assert calls_in(xla.linear, x, weight) == 1
    assert not dense.takes_linear(x.astype(np.float64), weight)
    assert calls_in(xla.linear, x[:0], weight) == 0
    assert calls_in(xla.linear, x[0], weight) == 0
    assert calls_in(xla.linear, x[:15], weight) == 0  # too few rows for the work to be shared out
    assert calls_in(xla.linear, x[:, :200], weight[:, :200]) == 0
    assert calls_in(xla.linear_weight, x, g) == 0
    with products_in("bfloat16"):
        assert (
            calls_in(lambda *a: xla.linear(*a), x, weight) == 0
        )  # a function of its own: JAX knows the other's program
    huge = jax.ShapeDtypeStruct((2**25, 128), np.float32)
    assert not dense.takes_linear_weight(huge, jax.ShapeDtypeStruct((2**25, 64), np.float32))  # 2³¹ numbers
