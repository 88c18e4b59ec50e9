"""Functions made into their derivatives: trees of arguments, closures, Jacobians, Hessians, products with matrices."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import backlit as bl
from backlit import ops

X = np.array([0.3, -1.2, 0.7])


@dataclasses.dataclass
class Pair:
    weight: Any
    rest: Any = None


class Point(NamedTuple):
    x: Any
    y: Any


# ---------------------------------------------------------------------------------------------- arguments


def test_arguments_may_be_nested_dicts_lists_tuples_and_dataclasses() -> None:
    tree = {
        "b": [np.array([1.0, 2.0]), (np.array(3.0), None)],
        "a": Pair(np.array([[2.0]], dtype="float32"), {"deep": 4.0}),
        "p": Point(5.0, np.array([6.0])),
    }

    def f(t: Any) -> Any:
        squares = (t["b"][0] ** 2).sum() * t["b"][1][0]
        return squares + (t["a"].weight ** 2).sum() * t["a"].rest["deep"] + t["p"].x * t["p"].y[0]

    value, gradient = bl.value_and_grad(f)(tree)
    assert value == 5 * 3 + 4 * 4 + 30
    assert list(gradient) == ["b", "a", "p"]
    assert gradient["b"][0].tolist() == [6.0, 12.0]
    assert gradient["b"][1] == (5.0, None)
    assert type(gradient["a"]) is Pair
    assert gradient["a"].weight.dtype == np.float32
    assert gradient["a"].weight.tolist() == [[16.0]]
    assert gradient["a"].rest == {"deep": 4.0}
    assert type(gradient["p"]) is Point
    assert (gradient["p"].x, gradient["p"].y.tolist()) == (6.0, [5.0])


def test_argnums_choose_and_keywords_pass() -> None:
    def f(a: Any, b: Any, *, scale: float) -> Any:
        return scale * a * b * b

    assert bl.grad(f)(2.0, 3.0, scale=10.0) == 90.0
    assert bl.grad(f, argnums=1)(2.0, 3.0, scale=10.0) == 120.0
    assert bl.grad(f, argnums=(1, 0))(2.0, 3.0, scale=10.0) == (120.0, 90.0)
    assert bl.grad(f, argnums=(0,))(2.0, 3.0, scale=10.0) == (90.0,)


def test_other_arguments_may_be_anything() -> None:
    f = lambda x, words, labels: (x * len(words)).sum() + x[labels].sum()
    assert bl.grad(f)(X, ["a", "b"], np.array([0, 0])).tolist() == [4.0, 2.0, 2.0]


def test_aux_is_handed_through_as_plain_arrays() -> None:
    f = lambda x: ((x * x).sum(), {"twice": 2.0 * x, "word": "yes"})
    (value, aux), gradient = bl.value_and_grad(f, has_aux=True)(X)
    assert value == (X * X).sum()
    assert type(aux["twice"]) is np.ndarray
    assert aux["twice"].tolist() == (2 * X).tolist()
    assert aux["word"] == "yes"
    gradient2, aux2 = bl.grad(f, has_aux=True)(X)
    assert gradient.tolist() == gradient2.tolist() == (2 * X).tolist()
    assert aux2["word"] == "yes"


def test_results_that_dont_depend_on_the_argument() -> None:
    assert bl.grad(lambda x: 5.0)(X).tolist() == [0.0, 0.0, 0.0]
    assert bl.grad(lambda x, y: (y * y).sum(), argnums=(0, 1))(X, X)[0].tolist() == [0.0, 0.0, 0.0]
    assert bl.jacobian(lambda x: np.ones(2))(X).tolist() == np.zeros((2, 3)).tolist()
    assert bl.jacobian(lambda x: 3.0)(X).tolist() == [0.0, 0.0, 0.0]
    value, pull = bl.vjp(lambda x: 3.0, X)
    assert value == 3.0
    assert pull(1.0)[0].tolist() == [0.0, 0.0, 0.0]


# ------------------------------------------------------------------------------------------- higher orders


def test_derivatives_of_any_order() -> None:
    f: Callable[..., Any] = lambda x: x**5
    expected = [5 * 2.0**4, 20 * 2.0**3, 60 * 2.0**2, 120 * 2.0, 120.0, 0.0]
    for value in expected:
        f = bl.grad(f)
        assert f(2.0) == pytest.approx(value)


def test_derivatives_within_derivatives_keep_their_variables_apart() -> None:
    """x (d/dy (x y²)) at y = 2 is 4x², whose derivative at 3 is 24."""
    assert bl.grad(lambda x: x * bl.grad(lambda y: x * y * y)(2.0))(3.0) == 24.0
    assert bl.grad(lambda x: x * bl.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert bl.grad(lambda x: bl.grad(lambda y: y * y * x)(x))(3.0) == 12.0


def test_a_derivative_of_a_closure_over_an_outer_variable() -> None:
    def penalty(weight: Any) -> Any:
        slope = bl.grad(lambda x: ops.tanh(x * weight).sum())(X)
        return (slope * slope).sum()

    error = bl.check_gradients(penalty, np.array([0.5, -0.4, 2.0]))
    assert error < 1e-7


def test_backward_through_a_gradient() -> None:
    x = bl.tensor(2.0)
    bl.grad(lambda y: y**3)(x).backward()
    assert x.grad == 12.0


def torch_network(x: Any, w: Any) -> Any:
    return torch.tanh(x @ w).softmax(-1)


def our_network(x: Any, w: Any) -> Any:
    return ops.softmax(ops.tanh(x @ w))


W = np.array([[0.4, -0.3], [1.1, 0.2], [-0.5, 0.9]])


@pytest.mark.parametrize("argnums", [0, 1, (0, 1)])
def test_jacobian_equals_torch_func(argnums: int | tuple[int, ...]) -> None:
    ours = bl.jacobian(our_network, argnums)(X, W)
    theirs = torch.func.jacrev(torch_network, argnums)(torch.tensor(X), torch.tensor(W))
    for mine, other in zip(np.atleast_1d(ours) if argnums != (0, 1) else ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("argnums", [0, 1])
def test_hessian_equals_torch_func(argnums: int) -> None:
    ours = bl.hessian(lambda x, w: our_network(x, w)[0], argnums)(X, W)
    # Backward twice; torch.func.hessian goes through code that PyTorch itself warns of.
    slope = torch.func.jacrev(lambda x, w: torch_network(x, w)[0], argnums)
    theirs = torch.func.jacrev(slope, argnums)(torch.tensor(X), torch.tensor(W))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


def test_vjp_equals_torch_func_and_may_be_called_often() -> None:
    value, pull = bl.vjp(our_network, X, W)
    their_value, their_pull = torch.func.vjp(torch_network, torch.tensor(X), torch.tensor(W))
    np.testing.assert_allclose(value, their_value, rtol=1e-14)
    for upstream in ([1.0, 0.0], [0.3, -2.0]):
        for mine, other in zip(
            pull(np.array(upstream)), their_pull(torch.tensor(upstream, dtype=torch.float64)), strict=True
        ):
            np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-15)
    (only,) = bl.vjp(our_network, X, W, argnums=(1,))[1](np.array([1.0, 0.0]))
    np.testing.assert_allclose(only, pull(np.array([1.0, 0.0]))[1])
    np.testing.assert_allclose(bl.vjp(our_network, X, W, argnums=1)[1](np.array([1.0, 0.0])), only)


def test_jacobians_of_trees_keep_the_structure_of_result_and_argument() -> None:
    f = lambda p: {"sum": p["a"] + p["b"], "product": [p["a"] * p["b"]]}
    found = bl.jacobian(f)({"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])})
    assert found["sum"]["a"].tolist() == np.eye(2).tolist()
    assert found["product"][0]["a"].tolist() == np.diag([3.0, 4.0]).tolist()
    assert found["product"][0]["b"].tolist() == np.diag([1.0, 2.0]).tolist()


def test_hessian_of_a_tree_is_a_tree_of_trees() -> None:
    found = bl.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 5.0})
    assert found == {"a": {"a": 10.0, "b": 6.0}, "b": {"a": 6.0, "b": 0.0}}


def test_jacobian_of_a_gradient_of_a_matrix_has_four_axes() -> None:
    assert bl.jacobian(lambda w: X @ w)(W).shape == (2, 3, 2)
    assert bl.hessian(lambda w: ((X @ w) ** 2).sum())(W).shape == (3, 2, 3, 2)


# ------------------------------------------------- Jacobian matrices written out, and their products


def explicit_softmax(x: np.ndarray) -> np.ndarray:
    y = np.exp(x) / np.exp(x).sum()
    return np.diag(y) - np.outer(y, y)


@pytest.mark.parametrize(
    ("f", "matrix"),
    [
        (ops.softmax, explicit_softmax),
        (ops.exp, lambda x: np.diag(np.exp(x))),
        (ops.tanh, lambda x: np.diag(1 - np.tanh(x) ** 2)),
        (ops.relu, lambda x: np.diag((x > 0) * 1.0)),
        (lambda x: x * x, lambda x: np.diag(2 * x)),
        (ops.sum, lambda x: np.ones((1, 3))),
        (lambda x: ops.cumsum(x), lambda x: np.tril(np.ones((3, 3)))),
        (lambda x: x @ W, lambda x: W.T),
        (lambda x: x[[2, 0, 2]], lambda x: np.eye(3)[[2, 0, 2]]),
    ],
    ids=["softmax", "exp", "tanh", "relu", "square", "sum", "cumsum", "matmul", "getitem"],
)
def test_a_pull_is_the_upstream_row_times_the_jacobian_matrix(f: Any, matrix: Any) -> None:
    jacobian = bl.jacobian(f)(X).reshape(-1, 3)
    np.testing.assert_allclose(jacobian, matrix(X), rtol=1e-12, atol=1e-15)
    value, pull = bl.vjp(f, X)
    upstream = np.random.default_rng(1).normal(size=np.shape(value))
    np.testing.assert_allclose(pull(upstream)[0], upstream.reshape(-1) @ jacobian, rtol=1e-12, atol=1e-15)


def test_the_jacobian_of_a_matrix_product_is_a_kronecker_product() -> None:
    a = np.random.default_rng(0).normal(size=(4, 3))
    by_a = bl.jacobian(lambda a: a @ W)(a).reshape(8, 12)
    by_w = bl.jacobian(lambda w: a @ w)(W).reshape(8, 6)
    np.testing.assert_allclose(by_a, np.kron(np.eye(4), W.T), atol=1e-15)
    np.testing.assert_allclose(by_w, np.kron(a, np.eye(2)), atol=1e-15)
    upstream = np.random.default_rng(1).normal(size=(4, 2))
    down_a, down_w = bl.vjp(ops.matmul, a, W)[1](upstream)
    np.testing.assert_allclose(down_a.reshape(-1), upstream.reshape(-1) @ by_a, rtol=1e-12)
    np.testing.assert_allclose(down_w.reshape(-1), upstream.reshape(-1) @ by_w, rtol=1e-12)


def test_the_chain_rule_is_a_product_of_jacobian_matrices() -> None:
    hidden = ops.tanh(X @ W)
    whole = bl.jacobian(lambda x: ops.softmax(ops.tanh(x @ W)))(X)
    np.testing.assert_allclose(whole, bl.jacobian(ops.softmax)(hidden) @ np.diag(1 - hidden**2) @ W.T, rtol=1e-12)


# -------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("f", "kind", "text"),
    [
        (
            lambda: bl.grad(lambda x: x * x)(X),
            bl.GradientError,
            r"got shape \(3,\); let <lambda> return a sum or mean, or",
        ),
        (lambda: bl.grad(ops.sum)(np.array([1, 2])), bl.GradientError, "argument 0 of sum has dtype int64: a gradient"),
        (lambda: bl.grad(lambda p: p["w"])({"w": 3}), bl.GradientError, "argument 0/w of <lambda> has dtype int64"),
        (
            lambda: bl.grad(lambda x: x)("word"),
            TypeError,
            "argument 0 of <lambda> must hold numbers and arrays, got str",
        ),
        (lambda: bl.grad(lambda x: x, argnums=1)(1.0), bl.GradientError, "argnums=1, but <lambda> got 1 positional"),
        (lambda: bl.grad(lambda x: "word")(1.0), TypeError, "<lambda> must return a number or an array, got str"),
        (
            lambda: bl.grad(lambda x: ops.astype(x, dtype="int64"))(1.0),
            bl.GradientError,
            "the result of <lambda> has dtype int64",
        ),
        (lambda: bl.grad(lambda x: x, has_aux=True)(1.0), TypeError, r"<lambda> must return a pair .* got Tensor"),
        (lambda: bl.hessian(lambda x: x)(X), bl.GradientError, r"got shape \(3,\)"),
        (lambda: bl.vjp(lambda x: (x, x), X), TypeError, "<lambda> must return a number or an array, got tuple"),
        (
            lambda: bl.vjp(ops.exp, X)[1](np.ones(2)),
            bl.GradientError,
            r"upstream has shape \(2,\), but exp returned shape",
        ),
        (lambda: bl.jacobian(lambda x: x[:0])(X), bl.GradientError, r"<lambda> returned no elements \(shape \(0,\)\)"),
    ],
)
def test_errors_name_the_function_and_the_argument(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        f()


def test_a_step_function_is_told_with_the_argument() -> None:
    with pytest.warns(
        bl.ZeroGradientWarning, match="gradient of argument 0/w of <lambda> is zero everywhere: .* floor"
    ):
        gradient = bl.grad(lambda p: ops.floor(p["w"] * 2.0).sum())({"w": X})
    assert gradient["w"].tolist() == [0.0, 0.0, 0.0]
