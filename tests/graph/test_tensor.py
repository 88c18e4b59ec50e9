"""Tensors: operators, methods, NumPy's functions, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import backlit as bl

A = np.array([[0.5, 1.5, -2.0], [3.0, 0.25, 1.0]])
B = np.array([2.0, -1.0, 0.5])


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a @ b,
        lambda a, b: b @ a.T,
        lambda a, b: abs(a) ** b,
        lambda a, b: -a,
        lambda a, b: 2.0 + a,
        lambda a, b: 2.0 - a,
        lambda a, b: 2.0 * a,
        lambda a, b: 2.0 / a,
        lambda a, b: 2.0**a,
        lambda a, b: a**2,
        lambda a, b: a.sum(),
        lambda a, b: a.sum(axis=0, keepdims=True),
        lambda a, b: a.mean(axis=-1),
        lambda a, b: a.var(axis=1),
        lambda a, b: a.std(axis=0),
        lambda a, b: a.max(axis=1),
        lambda a, b: a.min(),
        lambda a, b: a.prod(axis=0),
        lambda a, b: a.reshape(3, 2),
        lambda a, b: a.reshape((-1,)),
        lambda a, b: a.reshape(-1),
        lambda a, b: a.T,
        lambda a, b: a.mT,
        lambda a, b: a.transpose(),
        lambda a, b: a.transpose(1, 0),
        lambda a, b: a.transpose((1, 0)),
        lambda a, b: a.astype("float32"),
        lambda a, b: a[1],
        lambda a, b: a[:, ::-1],
        lambda a, b: a[..., None, 0],
        lambda a, b: a[[1, 1]],
        lambda a, b: a[np.array([True, False])],
        lambda a, b: np.exp(a),
        lambda a, b: np.maximum(a, b),
        lambda a, b: np.absolute(a),
        lambda a, b: np.multiply(2.0, a),
        lambda a, b: np.float64(2.0) * a,
    ],
)
def test_tensors_compute_what_numpy_computes(f: Callable[..., Any]) -> None:
    result = f(bl.tensor(A), bl.tensor(B))
    assert type(result) is bl.Tensor
    np.testing.assert_array_equal(result.value, f(A, B))
    assert result.dtype == f(A, B).dtype


@pytest.mark.parametrize(
    "f", [lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: x @ y]
)
def test_an_array_on_the_left_leaves_the_work_to_the_tensor(f: Callable[..., Any]) -> None:
    result = f(A, bl.tensor(B))
    assert type(result) is bl.Tensor
    np.testing.assert_array_equal(result.value, f(A, B))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_python_numbers_take_the_arrays_type(dtype: str) -> None:
    x = bl.tensor(A.astype(dtype))
    y = bl.ops.maximum(2.0 * x**2 - 1 / (x + 1), 0) + bl.ops.clip(x, -1, 1.5) + bl.ops.where(x > 0, x, 0.0)
    assert y.dtype == dtype
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == dtype


def test_comparisons_give_plain_arrays_and_equality_is_identity() -> None:
    t = bl.tensor(B)
    for result, expected in [(t > 0, B > 0), (t >= 0, B >= 0), (t < 0.5, B < 0.5), (t <= 0.5, B <= 0.5)]:
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(t < B, B > B)
    same = t
    assert t == same
    assert t != bl.tensor(B)
    assert len({t, t, bl.tensor(B)}) == 2


@pytest.mark.parametrize("other", [3.0, B, [2.0], None, "t"])
@pytest.mark.parametrize("compare", [lambda t, other: t == other, lambda t, other: t != other])
def test_equality_with_anything_but_a_tensor_is_refused(compare: Callable[..., Any], other: Any) -> None:
    t = bl.tensor(B, name="t")
    if isinstance(other, np.ndarray):  # NumPy's operator asks for the elements
        assert compare(other, t).dtype == bool
    with pytest.raises(TypeError, match=r"'t' == .*by identity; for their elements use backlit.ops.equal, .* `is`"):
        compare(t, other)


def test_elements_are_compared_by_equal_and_nodes_kept_by_identity() -> None:
    t, other = bl.tensor(B), bl.tensor(B)
    for result in (bl.ops.equal(t, 2.0), np.equal(t, 2.0), bl.ops.equal(2.0, t), bl.ops.equal(B, np.array(2.0))):
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, B == 2.0)
    np.testing.assert_array_equal(bl.ops.equal(t, other), [True] * len(B))
    names = {t: "t", other: "other"}
    assert names[t] == "t"
    assert t in [other, t]
    assert [other, t].index(t) == 1


def test_conversions() -> None:
    t = bl.tensor([3.5])
    assert (float(t[0]), int(t[0]), bool(t[0]), t[0].item()) == (3.5, 3, True, 3.5)
    assert type(t.numpy()) is np.ndarray
    assert (t.shape, t.ndim, t.size, len(t)) == ((1,), 1, 1, 1)
    assert (np.shape(t), np.ndim(t), np.size(t)) == ((1,), 1, 1)
    assert [x.item() for x in bl.tensor(B)] == B.tolist()


def test_how_it_was_made_can_be_read() -> None:
    x = bl.tensor(A, name="x")
    y = bl.ops.sum(x, axis=0)
    assert (x.op, x.parents, x.static) == (None, (), {})
    assert y.op.name == "sum"
    assert y.parents == (x,)
    assert y.static["axis"] == 0
    assert repr(bl.tensor(1.5, name="x")) == "Tensor(1.5, name='x')"
    assert repr(bl.tensor(1.5) + 1.0) == "Tensor(2.5, op=add)"
    assert bl.tensor(x).name == "x"
    assert bl.tensor(x, name="z").name == "z"


def test_a_tensor_holds_a_copy_of_its_own() -> None:
    array = A.copy()
    t = bl.tensor(array)
    array[:] = 0.0
    np.testing.assert_array_equal(t.value, A)
    with pytest.raises(ValueError, match="read-only"):
        t.value[0, 0] = 1.0


def test_constants_stay_plain() -> None:
    assert type(bl.ops.exp(A)) is np.ndarray
    assert type(bl.ops.add([1.0], [2.0])) is np.ndarray
    assert bl.ops.add([1.0, 2.0], [3.0, 4.0]).tolist() == [4.0, 6.0]
    assert bl.ops.matmul([[1.0, 2.0]], (3.0, 4.0)).tolist() == [11.0]
    assert bl.ops.add(bl.tensor(B), [1.0, 1.0, 1.0]).value.tolist() == (B + 1).tolist()


def test_places_of_extremes_are_plain_whole_numbers() -> None:
    t = bl.tensor(A)
    assert bl.ops.argmax(t, axis=1).tolist() == [1, 0]
    assert bl.ops.argmin(t, axis=1).tolist() == [2, 1]
    assert bl.ops.argmax(A) == 3
    assert bl.ops.argmin(A) == 2


def test_split_cuts_into_equal_parts_or_at_places() -> None:
    t = bl.tensor(np.arange(12.0).reshape(2, 6))
    for sections in (3, (1, 4), (), (0, 6)):
        ours = bl.ops.split(t, sections=sections, axis=1)
        theirs = np.split(t.value, list(sections) if isinstance(sections, tuple) else sections, axis=1)
        assert [part.value.tolist() for part in ours] == [part.tolist() for part in theirs]


@pytest.mark.parametrize(
    ("f", "kind", "text"),
    [
        (lambda t: t.__setitem__(0, 1.0), TypeError, "tensor 't' can't be changed: .* backlit.ops.where or"),
        (np.asarray, TypeError, "tensor 't' would leave the graph as a NumPy array; use backlit.ops .* `.value`"),
        (np.arctan, TypeError, "numpy.arctan has no derivative here; backlit.ops lists the operations that do"),
        (np.add.reduce, TypeError, "numpy.add has no derivative here"),
        (np.sum, TypeError, "numpy.sum has no derivative here; use backlit.ops.sum"),
        (np.median, TypeError, "numpy.median has no derivative here; backlit.ops lists"),
        (
            lambda t: A.copy().__iadd__(t),
            TypeError,
            r"numpy.add would write a tensor into .*write `array = array \+ te",
        ),
        (lambda t: iter(bl.tensor(1.0)), TypeError, r"a tensor of shape \(\) holds one number and can't be iterated"),
        (lambda t: len(bl.tensor(1.0)), TypeError, r"a tensor of shape \(\) has no length"),
        (lambda t: bool(t), ValueError, "truth value of an array with more than one element is ambiguous"),
        (lambda t: bl.tensor("abc"), TypeError, "a tensor needs real numbers, got dtype <U3: 'abc'"),
        (lambda t: bl.tensor(1j, name="i"), TypeError, "tensor 'i' needs real numbers, got dtype complex128"),
        (lambda t: bl.tensor([[1], [1, 2]]), TypeError, "a tensor needs a number, an array or lists of one length"),
    ],
)
def test_what_a_tensor_refuses(f: Callable[[Any], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        f(bl.tensor(A, name="t"))
