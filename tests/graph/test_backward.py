"""The backward pass: exact numbers, no recursion, no retained memory, and nothing that changes after use."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit import ops
from backlit.graph import nodes


def test_the_worked_example_x_plus_y_times_z() -> None:
    x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    q = x + y
    q.name = "q"
    f = q * z
    f.name = "f"
    f.backward()
    assert (q.item(), f.item()) == (3.0, -12.0)
    assert {t.name: t.grad.item() for t in (f, z, q, x, y)} == {"f": 1.0, "z": 3.0, "q": -4.0, "x": -4.0, "y": -4.0}


def test_gradients_of_all_paths_add_up() -> None:
    x = bl.tensor(3.0)
    a = x * 2.0
    b = a * a + a + x
    b.backward()
    assert x.grad == 2 * (2 * 6.0) + 2 + 1


def test_backward_adds_to_what_is_there() -> None:
    x = bl.tensor(3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 12.0


def test_only_leaves_and_named_tensors_keep_their_gradients() -> None:
    x = bl.tensor(3.0)
    unnamed = x * 2.0
    named = unnamed * 5.0
    named.name = "named"
    (named * 7.0).backward()
    assert (x.grad, unnamed.grad, named.grad) == (70.0, None, 7.0)


def test_upstream_may_be_given() -> None:
    x = bl.tensor([1.0, 2.0])
    (x * x).backward(np.array([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]
    x = bl.tensor(np.ones(2, dtype="float32"))
    (x * x).backward([1, 10])
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (
            lambda: bl.tensor([1.0, 2.0]).backward(),
            r"needs one number to differentiate, got shape \(2,\); use .sum\(\)",
        ),
        (lambda: bl.tensor([1.0]).backward(np.ones(2)), r"upstream has shape \(2,\), the tensor \(1,\)"),
        (lambda: (bl.tensor(2, name="n") * 1.5).backward(), "tensor 'n' has dtype int64: .* write 2.0 instead of 2"),
        (lambda: bl.tensor(2).backward(), r"a tensor of shape \(\) has dtype int64"),
        (
            lambda: (bl.tensor([1, 2]) * bl.tensor([1.0, 2.0])).sum().backward(),
            r"a tensor of shape \(2,\) has dtype int",
        ),
    ],
)
def test_gradients_that_dont_exist(f: Any, text: str) -> None:
    with pytest.raises(bl.GradientError, match=text):
        f()


def test_whole_numbers_that_are_only_data_are_no_mistake() -> None:
    x = bl.tensor([[1.0, 2.0], [3.0, 4.0]])
    places = bl.tensor([1, 1])
    labels = bl.tensor([0, 1])
    count = bl.tensor(2)
    choice = bl.tensor([True, False])
    y = ops.take(x, places).sum() + x[places].sum() + ops.cross_entropy(x, labels).sum()
    y = y + ops.where(choice, x, 0.0).sum() + (x * count.astype("float64")).sum()
    y.backward()
    expected = np.array([[0.0, 0.0], [4.0, 4.0]]) + ops.softmax(x.value) - np.eye(2) + [[1.0, 0.0], [1.0, 0.0]] + 2.0
    np.testing.assert_allclose(x.grad, expected)
    assert (places.grad, labels.grad, count.grad, choice.grad) == (None, None, None, None)


def test_a_step_function_says_that_the_gradient_is_zero() -> None:
    x = bl.tensor([0.3, -0.4], name="x")
    y = bl.tensor([1.0, 1.0], name="y")
    with pytest.warns(
        bl.ZeroGradientWarning, match="gradient of tensor 'x' is zero everywhere: .* only through sign, ste"
    ):
        (ops.step(x) * y + ops.sign(x)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]
    assert y.grad.tolist() == [1.0, 0.0]


def test_no_warning_where_another_path_leads_around_the_step() -> None:
    x = bl.tensor([0.3, -0.4])
    (ops.step(x) * x).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]
    bl.hessian(lambda x: ops.abs(x).sum() + ops.relu(x).sum())(np.array([1.0, -1.0]))


def test_stop_gradient_is_on_purpose_and_needs_no_warning() -> None:
    assert bl.grad(lambda x: ops.stop_gradient(x) * x)(3.0) == 3.0
    assert bl.grad(lambda x: ops.stop_gradient(x * x))(3.0) == 0.0


# ------------------------------------------------------------------------------- values that change later


def test_changing_an_array_after_its_use_doesnt_change_the_gradient() -> None:
    constant, start, rows, index = np.array([2.0, 3.0]), np.array([1.0, 1.0]), np.array([0, 1]), np.array([1, 0])
    x = bl.tensor(start)
    y = (x * constant).sum() + (ops.take(x, rows) ** 3).sum() + 5.0 * (x[index] * [1.0, 10.0]).sum()
    constant[:], start[:], rows[:], index[:] = 100.0, 100.0, 0, 0
    y.backward()
    assert x.grad.tolist() == [2.0 + 3.0 + 50.0, 3.0 + 3.0 + 5.0]


def test_changing_arrays_before_a_pull_doesnt_change_it() -> None:
    x, constant = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    value, pull = bl.vjp(lambda x: x * x * constant, x)
    x[:], constant[:] = 100.0, 100.0
    assert pull(np.ones(2))[0].tolist() == [6.0, 16.0]
    assert value.tolist() == [3.0, 16.0]


def test_gradients_belong_to_whoever_asked_for_them() -> None:
    x, y = np.ones((2, 2)), np.ones((2, 2))
    gx, gy = bl.grad(lambda x, y: (x + y).sum(), argnums=(0, 1))(x, y)
    gx *= 0.0
    assert gy.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    gx, gy = bl.grad(lambda x, y: (x + y.T - x[:, ::-1]).sum(), argnums=(0, 1))(x, y)
    gx += 5.0
    assert gy.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    upstream = np.ones(2)
    (pulled,) = bl.vjp(lambda x: ops.identity(x), np.zeros(2))[1](upstream)
    pulled += 1.0
    assert upstream.tolist() == [1.0, 1.0]
    t = bl.tensor([1.0, 2.0])
    t.sum().backward()
    t.grad += 1.0
    assert t.grad.tolist() == [2.0, 2.0]


# ------------------------------------------------------------------------------------------ size and memory


def test_a_chain_of_50_000_operations() -> None:
    x = bl.tensor(1.0)
    y = x
    for _ in range(50_000):
        y = y * 1.00001
    y.backward()
    assert x.grad == pytest.approx(1.00001**50_000, rel=1e-9)
    assert len(nodes(y)) == 50_001
    del y  # freeing the chain must not recurse either


def test_order_has_parents_before_children_and_stops_where_told() -> None:
    x = bl.tensor(1.0)
    a = x * 2.0
    b = a + x
    c = a * b
    order = nodes(c)
    assert order == [x, a, b, c]
    assert nodes(c, stop=[a]) == [x, a, b, c]
    assert nodes(a * 3.0, stop=[a])[0] is a


BIG = 1 << 17  # numbers: a megabyte


def peak(f: Any) -> float:
    """Peak of memory while `f` runs, and what is left after it, in arrays of the size used here."""
    gc.collect()
    gc.disable()  # whatever waits for the collector is garbage retained
    tracemalloc.start()
    try:
        result = f()
        left, top = tracemalloc.get_traced_memory()
        assert left < 3.5 * 8 * BIG, "more than the result is left"
        del result
        return top / (8 * BIG)
    finally:
        tracemalloc.stop()
        gc.enable()


def chain(x: Any, length: int) -> Any:
    for _ in range(length):
        x = ops.sin(x)
    return x.sum()


def test_gradients_and_values_are_freed_on_the_way_back() -> None:
    x = np.linspace(0.0, 1.0, BIG)
    tops = [peak(lambda n=n: bl.grad(lambda x: chain(x, n))(x)) for n in (20, 40)]
    # The forward pass needs one array an operation. Were gradients kept, it would be two.
    assert tops[0] < 20 + 6
    assert tops[1] < 40 + 6


def test_backward_of_a_tensor_keeps_no_gradient_but_the_leafs() -> None:
    x = np.linspace(0.0, 1.0, BIG)

    def run() -> Any:
        leaf = bl.tensor(x)
        y = chain(leaf, 30)
        y.backward()
        return leaf.grad

    assert peak(run) < 30 + 6


def test_repeated_gradients_retain_nothing() -> None:
    x = np.linspace(0.0, 1.0, BIG)
    slope = bl.value_and_grad(lambda p: chain(p["w"], 3))

    def often() -> Any:
        for _ in range(20):
            result = slope({"w": x})
        return result

    assert peak(often) < 10


def test_the_graph_dies_with_its_output() -> None:
    gc.disable()
    try:
        x = bl.tensor(1.0)
        middle = x * 2.0
        seen = weakref.ref(middle)
        y = middle * 3.0
        y.backward()
        del middle, y
        assert seen() is None
    finally:
        gc.enable()


# --------------------------------------------------------------------------------------------- debug_nans


def test_log_of_a_negative_number_is_told_on_request() -> None:
    x = bl.tensor(-1.0)
    assert np.isnan(ops.log(x).value)
    with (
        bl.debug_nans(),
        pytest.raises(bl.NonFiniteError, match=r"log made the first NaN .* shape \(\) .* 1 of 1 results"),
    ):
        ops.log(x)
    with bl.debug_nans(), pytest.raises(bl.NonFiniteError, match=r"divide made the first NaN or infinite value"):
        bl.grad(lambda x: ops.exp(1.0 / (x - 1.0)))(1.0)


@pytest.mark.parametrize("order", [1, 2])
def test_an_infinite_gradient_is_told_on_request(order: int) -> None:
    f = bl.grad(ops.sqrt) if order == 1 else bl.grad(bl.grad(lambda x: ops.power(x, 1.5)))
    with np.errstate(all="ignore"):
        assert f(0.0) == np.inf
    with bl.debug_nans(), pytest.raises(bl.NonFiniteError, match=r"made the first NaN or infinite"):
        f(0.0)


def test_a_nan_from_outside_is_nobodys_fault() -> None:
    with bl.debug_nans():
        assert np.isnan(ops.exp(np.array([np.nan]))).all()
