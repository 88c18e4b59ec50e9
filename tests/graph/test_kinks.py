"""By hand: kinks, ties, zeros and numbers so large that the naive formula overflows; in both engines."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import scipy.special

import backlit as bl
from backlit import ops

Runner = Callable[..., Any]


@pytest.fixture(params=["numpy", "xla"])
def run(request: pytest.FixtureRequest) -> Runner:
    """Call a function of arrays, at once or compiled."""

    def call(f: Callable[..., Any], *args: Any) -> Any:
        if request.param == "numpy":
            return f(*args)
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, jax.jit(f)(*args))

    return call


def slope(f: Callable[..., Any]) -> Callable[..., Any]:
    return bl.grad(lambda *x: ops.sum(f(*x)))


def curvature(f: Callable[..., Any]) -> Callable[..., Any]:
    return slope(slope(f))


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (ops.abs, [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]),
        (ops.relu, [-2.0, 0.0, 2.0], [0.0, 0.0, 1.0]),
        (lambda x: ops.maximum(x, 0.0), [-2.0, 0.0, 2.0], [0.0, 0.5, 1.0]),
        (lambda x: ops.maximum(0.0, x), [-2.0, 0.0, 2.0], [0.0, 0.5, 1.0]),
        (lambda x: ops.minimum(x, 1.0), [-2.0, 1.0, 2.0], [1.0, 0.5, 0.0]),
        (lambda x: ops.clip(x, -1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
        (ops.sqrt, [0.0, 4.0], [INF, 0.25]),
        (ops.norm, [0.0, 0.0], [0.0, 0.0]),
        (lambda x: ops.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.6, 0.8]]),
        (ops.std, [5.0, 5.0, 5.0], [0.0, 0.0, 0.0]),
        (ops.max, [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
        (ops.min, [2.0, 2.0, 2.0, 5.0], [1 / 3, 1 / 3, 1 / 3, 0.0]),
        (lambda x: ops.max(x, axis=0), [[1.0, 2.0], [1.0, 1.0]], [[0.5, 1.0], [0.5, 0.0]]),
        (ops.prod, [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
        (ops.prod, [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]),
        (lambda x: ops.prod(x, axis=1), [[0.0, 5.0], [2.0, 7.0]], [[5.0, 0.0], [7.0, 2.0]]),
        (lambda x: x**2, [-3.0, 0.0], [-6.0, 0.0]),
        (lambda x: x**3, [-3.0, 0.0], [27.0, 0.0]),
        (lambda x: x**2.0, [-3.0, 0.0], [-6.0, 0.0]),
        (lambda x: x**5, [-1.0, 0.0], [5.0, 0.0]),
        (lambda x: x**5.0, [-1.0, 0.0], [5.0, 0.0]),
        (lambda x: x**1, [-3.0, 0.0], [1.0, 1.0]),
        (lambda x: x**0, [-3.0, 0.0], [0.0, 0.0]),
        (lambda x: x**-1, [-2.0, 4.0], [-0.25, -1 / 16]),
        (lambda x: x**0.5, [0.0, 4.0], [INF, 0.25]),
        (lambda x: x**1.5, [0.0, 4.0], [0.0, 3.0]),
        (lambda x: x ** np.array([0.0, 1.0, 2.0, 3.0]), [0.0, 0.0, 0.0, -2.0], [0.0, 1.0, 0.0, 12.0]),
        (lambda x: ops.where(x > 0, x, 2.0 * x), [-1.0, 0.0, 1.0], [2.0, 2.0, 1.0]),
        (ops.logsumexp, [-INF, -INF], [0.0, 0.0]),
        (ops.logsumexp, [-INF, 0.0], [0.0, 1.0]),
    ],
)
def test_first_derivative(run: Runner, f: Any, x: list[Any], expected: list[Any]) -> None:
    np.testing.assert_allclose(run(slope(f), np.array(x)), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (ops.abs, [-2.0, 0.0, 2.0], [0.0, 0.0, 0.0]),
        (ops.relu, [-2.0, 0.0, 2.0], [0.0, 0.0, 0.0]),
        (lambda x: x**2, [-3.0, 0.0], [2.0, 2.0]),
        (lambda x: x**3, [-3.0, 0.0], [-18.0, 0.0]),
        (lambda x: x ** np.array([2.0, 1.0, 0.0]), [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]),
        (lambda x: ops.relu(x) ** 2, [-2.0, 0.0, 2.0], [0.0, 0.0, 2.0]),
        (lambda x: ops.maximum(x, 0.0) ** 2, [-2.0, 2.0], [0.0, 2.0]),
    ],
)
def test_second_derivative(run: Runner, f: Any, x: list[Any], expected: list[Any]) -> None:
    np.testing.assert_allclose(run(curvature(f), np.array(x)), expected, rtol=1e-14)


def test_second_derivatives_of_a_product_with_zeros() -> None:
    hessian = bl.hessian(ops.prod)(np.array([0.0, 2.0, 0.0]))
    np.testing.assert_array_equal(hessian, [[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])


def test_a_tie_of_two_tensors_is_shared_evenly(run: Runner) -> None:
    both = bl.grad(lambda pair: ops.maximum(*pair).sum() + 10.0 * ops.minimum(*pair).sum())
    a, b = run(both, [np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 0.0])])
    np.testing.assert_array_equal(a, [5.5, 10.0, 1.0])
    np.testing.assert_array_equal(b, [5.5, 1.0, 10.0])


def test_the_derivative_by_the_exponent_at_base_zero(run: Runner) -> None:
    base, exponent = np.array([0.0, 0.0, 2.0]), np.array([2.0, 0.0, 3.0])
    by_base, by_exponent = run(bl.grad(lambda a, b: ops.power(a, b).sum(), argnums=(0, 1)), base, exponent)
    np.testing.assert_allclose(by_base, [0.0, 0.0, 12.0])
    np.testing.assert_allclose(by_exponent, [0.0, 0.0, 8.0 * np.log(2.0)])
    np.testing.assert_allclose(run(slope(lambda b: 2.0**b), exponent), 2.0**exponent * np.log(2.0))


# -------------------------------------------------------------------------------------------- extremes

FAR = [-1e4, -800.0, -90.0, 0.0, 90.0, 800.0, 1e4]
LABELS = np.array([0, 3, 6])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (ops.sigmoid, scipy.special.expit),
        (ops.softplus, lambda x: np.logaddexp(x, 0.0)),
        (ops.tanh, np.tanh),
        (ops.logsumexp, scipy.special.logsumexp),
        (ops.softmax, scipy.special.softmax),
        (ops.log_softmax, scipy.special.log_softmax),
        (lambda x: ops.cross_entropy(ops.stack([x, x, x]), LABELS), lambda x: 1e4 - x[LABELS]),
        (
            lambda x: ops.cross_entropy_probabilities(x, np.full(7, 1 / 7, dtype=x.dtype)),
            lambda x: 1e4 - x.sum() / 7,
        ),
        (lambda x: ops.binary_cross_entropy(x, 1.0), lambda x: np.logaddexp(-x, 0.0)),
        (lambda x: ops.binary_cross_entropy(x, 0.0), lambda x: np.logaddexp(x, 0.0)),
    ],
    ids=[
        "sigmoid",
        "softplus",
        "tanh",
        "logsumexp",
        "softmax",
        "log_softmax",
        "labels",
        "probabilities",
        "yes",
        "no",
    ],
)
def test_far_numbers_stay_finite(run: Runner, f: Any, expected: Any, dtype: str) -> None:
    x = np.array(FAR, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, first, second = run(lambda x: (f(x), slope(f)(x), curvature(f)(x)), x)
    np.testing.assert_allclose(
        value, expected(x.astype("float64")), rtol=1e-5, atol=1e-30 if dtype == "float64" else 1e-37
    )
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    assert value.dtype == first.dtype == second.dtype == dtype


def test_sigmoid_keeps_relative_accuracy_in_its_tail(run: Runner) -> None:
    x = np.linspace(-700.0, 30.0, 1001)
    np.testing.assert_allclose(run(ops.sigmoid, x), scipy.special.expit(x), rtol=4e-16 * 4)
    x32 = np.linspace(-80.0, 30.0, 1001, dtype="float32")
    np.testing.assert_allclose(run(ops.sigmoid, x32), scipy.special.expit(x32.astype("float64")), rtol=1e-6)


def test_log1p_expm1_and_softplus_are_exact_near_zero_and_far_left(run: Runner) -> None:
    tiny = np.array([1e-18, -1e-18])
    np.testing.assert_allclose(run(ops.log1p, tiny), tiny, rtol=1e-15)
    np.testing.assert_allclose(run(ops.expm1, tiny), tiny, rtol=1e-15)
    np.testing.assert_allclose(run(slope(ops.expm1), np.array([-50.0])), np.exp([-50.0]), rtol=1e-14)
    np.testing.assert_allclose(run(ops.softplus, np.array([-50.0])), np.exp([-50.0]), rtol=1e-14)


def test_the_gradient_of_cross_entropy_is_softmax_less_target(run: Runner) -> None:
    logits = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1e4]])
    labels = np.array([2, 1])
    expected = scipy.special.softmax(logits, axis=1) - np.eye(3)[labels]
    np.testing.assert_allclose(run(slope(lambda x: ops.cross_entropy(x, labels)), logits), expected, atol=1e-15)
    soft = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    expected = scipy.special.softmax(logits, axis=1) - soft
    np.testing.assert_allclose(
        run(slope(lambda x: ops.cross_entropy_probabilities(x, soft)), logits), expected, atol=1e-15
    )
    np.testing.assert_allclose(
        run(slope(lambda x: ops.binary_cross_entropy(x, soft)), logits), scipy.special.expit(logits) - soft, atol=1e-15
    )


def test_labels_out_of_range_are_nan_in_a_compiled_program() -> None:
    with jax.enable_x64(True):
        losses = jax.jit(ops.cross_entropy)(np.zeros((2, 3)), np.array([0, 3]))
        rows = jax.jit(ops.take)(np.ones((2, 3)), np.array([0, 2]))
    assert np.isnan(losses).tolist() == [False, True]
    assert np.isnan(rows[1]).all()


def test_the_softmax_of_equal_numbers_is_even_whatever_their_size() -> None:
    for x in (-1e4, 0.0, 1e4):
        np.testing.assert_allclose(ops.softmax(np.full(4, x)), 0.25)


def test_negative_places_count_from_the_end(run: Runner) -> None:
    x, places = np.arange(6.0).reshape(3, 2), np.array([-1, 0, -3])
    for f in (lambda x: ops.take(x, places), lambda x: ops.getitem(x, index=places)):
        np.testing.assert_array_equal(run(f, x), x[places])
        np.testing.assert_array_equal(run(slope(f), x), [[2.0, 2.0], [0.0, 0.0], [1.0, 1.0]])
    by_line = np.array([[-1], [-2], [1]])
    np.testing.assert_array_equal(run(lambda x: ops.take_along_axis(x, by_line), x), [[1.0], [2.0], [5.0]])
    np.testing.assert_array_equal(
        run(slope(lambda x: ops.take_along_axis(x, by_line)), x), [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    )
