"""Convolutions by the native kernels against the patches' form in float64, over windows of all kinds."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import backlit as bl
from backlit.graph.kernels import numpy as plain
from backlit.graph.kernels import xla
from backlit.graph.kernels.native import convolution as native
from backlit.graph.window import Window, window

# batch, sizes, channels, outputs, kernel, then stride, padding, dilation, groups
CASES = [
    (3, (9, 9), 2, 5, (3, 3)),
    (3, (9, 8), 3, 16, (3, 3), 1, 1),
    (2, (10, 11), 16, 32, (3, 3), 2, 1),
    (2, (10, 11), 16, 32, (1, 1), 2),
    (2, (8, 8), 64, 70, (3, 3), 1, "same"),
    (1, (13, 12), 3, 7, (5, 4), (3, 2), ((2, 1), (0, 3))),
    (2, (26, 26), 32, 64, (3, 3)),
    (2, (7, 9), 33, 17, (3, 3), 2, "same"),
    (2, (6, 6), 4, 4, (2, 2), 3),
    (5, (28, 28), 1, 32, (3, 3)),
    (2, (9, 10), 4, 6, (3, 3), 2, 2, 3, 2),
    (2, (12, 7), 6, 9, (3, 2), (2, 3), 1, 2, 3),
    (3, (17,), 5, 7, (4,), 1, 1),
    (3, (17,), 6, 8, (3,), 2, 2, 2, 2),
    (1, (1, 1), 1, 1, (1, 1)),
    (2, (4, 4), 3, 5, (1, 1), 4, 4),
    (2, (5, 5), 3, 4, (5, 5)),
    (2, (8, 8), 130, 30, (3, 3), 1, 1),
    (2, (20,), 300, 9, (7,), 1, "same"),
    (17, (4, 4), 3, 2, (3, 3), 1, 1),
]


def problem(case: Any) -> tuple[Window, np.ndarray, np.ndarray, np.ndarray]:
    """Window, and x, weight and upstream in float32."""
    batch, sizes, channels, outputs, kernel, *settings = case
    where = window("test", sizes, kernel, *settings)
    rng = np.random.default_rng(0)
    shapes = (
        (batch, *sizes, channels),
        (outputs, *kernel, channels // where.groups),
        (batch, *where.positions(sizes), outputs),
    )
    x, weight, g = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    return where, x, weight, g


def assert_close(found: Any, right: np.ndarray) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-5 * np.abs(right).max())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_the_plain_path(case: Any, instructions: str) -> None:
    where, x, weight, g = problem(case)
    x64, weight64, g64 = [array.astype(np.float64) for array in (x, weight, g)]
    x, weight, g = map(jnp.asarray, (x, weight, g))
    assert native.takes(where, x, weight)
    assert_close(xla.conv(x, weight, where), plain.conv(x64, weight64, where))
    sizes = x.shape[1:-1]
    assert_close(xla.conv_input(g, weight, where, sizes), plain.conv_input(g64, weight64, where, sizes))
    assert_close(xla.conv_weight(x, g, where), plain.conv_weight(x64, g64, where))


def test_derivatives_of_second_order(instructions: str) -> None:
    _, x, weight, _ = problem(CASES[2])

    def slope(x: Any, weight: Any) -> Any:
        first = bl.grad(lambda *a: (bl.ops.conv(*a, stride=2, padding=1) ** 2).sum(), (0, 1))(x, weight)
        return sum((part * part).sum() for part in first)

    native_ones = bl.compile(bl.grad(slope, (0, 1)))(x, weight)
    plain_ones = bl.grad(slope, (0, 1))(x.astype(np.float64), weight.astype(np.float64))  # by NumPy
    for found, right in zip(native_ones, plain_ones, strict=True):
        assert_close(found, np.asarray(right))


def test_a_map_calls_one_after_another(instructions: str) -> None:
    where, x, weight, _ = problem(CASES[1])
    weights = jnp.stack([jnp.asarray(weight), jnp.asarray(2.0 * weight)])
    found = jax.jit(jax.vmap(lambda weight: xla.conv(jnp.asarray(x), weight, where)))(weights)
    assert_close(found[1], plain.conv(x.astype(np.float64), 2.0 * weight.astype(np.float64), where))


def test_what_has_no_kernel_takes_another_form(instructions: str) -> None:
    where, x, weight, _ = problem(CASES[0])
    assert not native.takes(where, x.astype(np.float64), weight)
    assert not native.takes(where, x[:0], weight)
    assert not native.takes(where, jax.ShapeDtypeStruct((2**20, 2**6, 2**6, 2), np.float32), weight)
    cube = window("test", (5, 5, 5), (3, 3, 3))
    assert not native.takes(cube, np.zeros((1, 5, 5, 5, 1), np.float32), np.zeros((1, 3, 3, 3, 1), np.float32))
    assert not native.takes(window("test", (20, 20), (17, 17)), x, weight)
    depthwise = window("test", (9, 9), (3, 3), groups=4)
    x = np.zeros((1, 9, 9, 4), np.float32)
    assert xla.form(depthwise, 4, 4, x, x) is xla.TAPS


def test_training_is_as_on_the_plain_path(instructions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it at once, in a compiled loop: two epochs of a small network."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 10, 10, 2)).astype(np.float32), rng.integers(0, 3, 24)
    network = bl.Sequential(bl.Conv2d(5, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(3))
    settings = {"epochs": 2, "batch_size": 8, "seed": 0, "probes": None, "metrics": []}
    ours = bl.fit(network, x, y, **settings)
    theirs = bl.fit(network, x, y, engine="numpy", **settings)
    assert ours.history[-1]["loss"] == pytest.approx(theirs.history[-1]["loss"], rel=1e-5)
