"""Laws that hold for all inputs: the pull-back is linear; broadcasting and its undoing are adjoint."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import backlit as bl
from backlit import ops
from backlit.graph.backward import unbroadcast
from tests.graph.common import CASES, Case, real_places, with_real

NUMBERS = st.floats(-10.0, 10.0, width=32)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.differentiable], ids=lambda case: case.name)
@settings(max_examples=5)
@given(data=st.data())
def test_the_pull_back_is_linear_in_the_upstream_gradient(case: Case, data: Any) -> None:
    inputs = case.inputs()
    places = real_places(inputs)
    value, pull = bl.vjp(
        lambda real: case.outputs(with_real(inputs, places, real))[0], [inputs[i] for i in places], argnums=0
    )
    first, second = (data.draw(hnp.arrays(np.float64, np.shape(value), elements=NUMBERS)) for _ in range(2))
    factor = data.draw(NUMBERS)
    together = pull(factor * first + second)
    for whole, one, two in zip(together, pull(first), pull(second), strict=True):
        np.testing.assert_allclose(whole, factor * one + two, rtol=1e-9, atol=1e-9)


@given(st.data())
def test_broadcasting_undone_is_a_sum_over_copies(data: Any) -> None:
    """⟨broadcast x, g⟩ = ⟨x, unbroadcast g⟩ for every pair of shapes that broadcast."""
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3))
    small = shapes.input_shapes[0]
    x = data.draw(hnp.arrays(np.float64, small, elements=NUMBERS))
    g = data.draw(hnp.arrays(np.float64, shapes.result_shape, elements=NUMBERS))
    back = unbroadcast(g, x)
    assert back.shape == small
    np.testing.assert_allclose((np.broadcast_to(x, g.shape) * g).sum(), (x * back).sum(), rtol=1e-9, atol=1e-9)


@given(st.data())
def test_gradients_have_the_shapes_of_what_was_broadcast(data: Any) -> None:
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3))
    a, b, c = (data.draw(hnp.arrays(np.float64, s, elements=NUMBERS)) for s in shapes.input_shapes)
    f = lambda a, b, c: (ops.where(c > 0, a * b, a - c) + b).sum()
    for x, gradient in zip((a, b, c), bl.grad(f, argnums=(0, 1, 2))(a, b, c), strict=True):
        assert gradient.shape == x.shape
    by_a = bl.grad(f)(a, b, c)
    shape = shapes.result_shape
    expected = np.where(np.broadcast_to(c, shape) > 0, np.broadcast_to(b, shape), 1.0)
    np.testing.assert_allclose(by_a, unbroadcast(expected, a), rtol=1e-9, atol=1e-9)


@given(st.data())
def test_reshaping_there_and_back_leaves_value_and_gradient(data: Any) -> None:
    x = data.draw(hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=4, max_side=4), elements=NUMBERS))
    order = tuple(data.draw(st.permutations(range(x.ndim))))
    f = lambda x: ops.transpose(
        ops.transpose(x, axes=order).reshape(-1).reshape(tuple(x.shape[i] for i in order)),
        axes=tuple(order.index(i) for i in range(x.ndim)),
    )
    value, pull = bl.vjp(f, x)
    np.testing.assert_array_equal(value, x)
    np.testing.assert_array_equal(pull(x)[0], x)


@given(st.data())
def test_scatter_is_the_adjoint_of_getitem(data: Any) -> None:
    """⟨x[i], g⟩ = ⟨x, scatter(g, i)⟩ for NumPy's basic and advanced indices."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    index = data.draw(
        hnp.basic_indices(shape, allow_newaxis=True) | hnp.integer_array_indices(shape) | hnp.arrays(bool, shape)
    )
    x = data.draw(hnp.arrays(np.float64, shape, elements=NUMBERS))
    picked = ops.getitem(x, index=index)
    np.testing.assert_array_equal(picked, x[index])
    g = data.draw(hnp.arrays(np.float64, np.shape(picked), elements=NUMBERS))
    back = ops.scatter(g, shape=shape, index=index)
    np.testing.assert_allclose((picked * g).sum(), (x * back).sum(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ops.scatter_add(x, g, index=index), x + back, rtol=1e-12)


@given(st.data())
def test_einsum_with_any_letters_has_the_derivative_of_its_loops(data: Any) -> None:
    sizes = {c: data.draw(st.integers(1, 3)) for c in "ijkl"}
    terms = data.draw(st.lists(st.text(alphabet="ijkl", max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    right = "".join(data.draw(st.permutations(used))[: data.draw(st.integers(0, len(used)))])
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=tuple(sizes[c] for c in term)) for term in terms]
    subscripts = ",".join(terms) + "->" + right
    np.testing.assert_allclose(ops.einsum(subscripts, *arrays), np.einsum(subscripts, *arrays), rtol=1e-9, atol=1e-12)
    assert bl.check_gradients(lambda *xs: ops.einsum(subscripts, *xs), *arrays) < 1e-7
