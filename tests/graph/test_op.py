"""Declaring operations: one's own in a few lines, Backlit's own with how they are tested; and helpful mistakes."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import backlit as bl
from backlit import ops
from backlit.graph.registry import REGISTRY, composite, primitive, sample

A = np.ones((2, 3))
T = bl.tensor(A, name="t")


@bl.operation(
    vjp=(lambda upstream, output, x, scale=1.0: upstream * scale * (output * (1.0 - output)),),
    shapes="Any shape will do.",
)
def logistic(xp: Any, x: Any, *, scale: float = 1.0) -> Any:
    """Sigmoid of scaled numbers."""
    return 1 / (1 + xp.exp(-scale * x))


def test_an_operation_of_ones_own_works_like_ours() -> None:
    x = np.array([0.3, -2.0, 1.1])
    assert bl.check_gradients(lambda x: logistic(x, scale=2.0), x) < 1e-7
    np.testing.assert_allclose(logistic(x), ops.sigmoid(x))
    y = logistic(bl.tensor(x))
    assert y.op.name == logistic.__name__ == "logistic"
    assert "logistic" not in REGISTRY
    with jax.enable_x64(True):
        compiled = jax.jit(bl.grad(lambda x: logistic(x, scale=2.0).sum()))(x)
    np.testing.assert_allclose(compiled, bl.grad(lambda x: logistic(x, scale=2.0).sum())(x), rtol=1e-14)
    with pytest.raises(TypeError, match=r"logistic\(x, \*, scale=1.0\): got an unexpected keyword argument 'size'"):
        logistic(x, size=1)


def test_an_operation_may_take_any_number_of_inputs_or_have_no_derivative() -> None:
    @bl.operation(vjp=lambda i, upstream, output, *inputs: upstream * (i + 1))
    def weighted(xp: Any, *inputs: Any) -> Any:
        return sum((i + 1) * x for i, x in enumerate(inputs))

    assert bl.grad(weighted, argnums=(0, 1, 2))(1.0, 1.0, 1.0) == (1.0, 2.0, 3.0)

    @bl.operation(vjp=None)
    def ceiling(xp: Any, x: Any) -> Any:
        return xp.ceil(x)

    with pytest.warns(bl.ZeroGradientWarning, match="only through ceiling"):
        assert bl.grad(ceiling)(1.5) == 0.0


def test_our_own_operations_must_say_how_they_are_tested() -> None:
    with pytest.raises(TypeError, match="operation untested must say how it is tested: samples="):

        @primitive(vjp=(None,), samples=())
        def untested(xp: Any, x: Any) -> Any:
            """Something."""

    with pytest.raises(TypeError, match="operation silent needs a docstring"):

        @composite(samples=(sample((2,)),))
        def silent(x: Any) -> Any:
            return x

    with pytest.raises(TypeError, match="operation exp is declared twice"):

        @composite(samples=(sample((2,)),), name="exp")
        def again(x: Any) -> Any:
            """Something."""

    assert not {"untested", "silent", "again"} & set(REGISTRY)


@pytest.mark.parametrize(
    ("f", "kind", "text"),
    [
        (
            lambda: T + np.ones(4),
            bl.ShapeError,
            r"add: can't work on shape \(2, 3\) and \(4,\): .* two sizes must be equal, or one of them 1; use reshape",
        ),
        (
            lambda: T @ A,
            bl.ShapeError,
            r"matmul: can't work on shape \(2, 3\) and \(2, 3\): .* The last size of the first must equal",
        ),
        (lambda: ops.matmul(T, 2.0), bl.ShapeError, r"matmul: can't work on shape \(2, 3\) and \(\)"),
        (
            lambda: T.reshape(4, 2),
            bl.ShapeError,
            r"reshape: can't work on shape \(2, 3\), shape=\(4, 2\): .*\. The number of elements must stay the same",
        ),
        (
            lambda: ops.reshape(T, (3, 2)),
            TypeError,
            r"reshape\(x, \*, shape\): too many .* settings are given by keyword",
        ),
        (
            lambda: ops.sum(T, axes=1),
            TypeError,
            r"sum\(x, \*, axis=None, keepdims=False\): got an unexpected .* 'axes'",
        ),
        (lambda: ops.sum(T, axis=5), bl.ShapeError, r"sum: can't work on shape \(2, 3\), axis=5: .* An axis must be"),
        (lambda: ops.exp(T, T), TypeError, r"exp\(x\): too many positional arguments"),
        (lambda: ops.add(T), TypeError, r"add\(a, b\): missing a required argument: 'b'"),
        (lambda: ops.add(T, None), TypeError, r"add: can't work on float64 and NoneType"),
        (lambda: T + "word", TypeError, r"add: can't work on float64 and str: needs numbers and arrays, got str"),
        (
            lambda: ops.concatenate([T, np.ones((2, 2))]),
            bl.ShapeError,
            r"concatenate: .* All sizes but those along the a",
        ),
        (lambda: ops.concatenate([]), bl.ShapeError, r"concatenate: can't work on shape of no array"),
        (lambda: ops.stack([T, np.ones(2)]), bl.ShapeError, r"stack: .* All shapes must be equal\."),
        (lambda: T[5], bl.ShapeError, r"getitem: .*index=5: index 5 is out of bounds .* must lie inside the shape"),
        (lambda: T[0, 0, 0], bl.ShapeError, r"getitem: .*too many indices"),
        (lambda: T[0.5], bl.ShapeError, r"getitem: .*only integers, slices"),
        (lambda: ops.take(T, [5]), bl.ShapeError, r"take: .*Indices must be from -n to n - 1"),
        (lambda: ops.take(T, [0.5]), TypeError, r"take: indices must be whole numbers, got dtype float64; use astype"),
        (
            lambda: ops.take_along_axis(T, np.array([0])),
            bl.ShapeError,
            r"take_along_axis: x has shape \(2, 3\), the indices \(1,\): they need as many axes",
        ),
        (
            lambda: ops.take_along_axis(T, np.array([[0.5]])),
            TypeError,
            r"take_along_axis: indices must be whole numbers, got dtype float64",
        ),
        (
            lambda: ops.split(T, sections=2, axis=1),
            bl.ShapeError,
            r"split: axis 1 of shape \(2, 3\) can't be cut into 2 eq",
        ),
        (
            lambda: ops.einsum("ij,jk->ik", T, np.ones((4, 2))),
            bl.ShapeError,
            "einsum: .*Axes of one letter must have one",
        ),
        (
            lambda: ops.einsum("ij,jk->ik", T),
            bl.ShapeError,
            "einsum: can't work on shape .*Number of einsum subscripts",
        ),
        (lambda: ops.einsum("ijk->i", T), bl.ShapeError, "einsum: can't work on shape .*number of indices"),
        (
            lambda: ops.einsum(T, "ij"),
            TypeError,
            "einsum: the first argument must be text like 'ij,jk->ik', got Tensor",
        ),
        (lambda: ops.outer(T, T), bl.ShapeError, r"outer: needs two vectors, got shapes \(2, 3\) and \(2, 3\)"),
        (
            lambda: ops.solve(np.zeros((2, 2)), np.ones(2)),
            bl.BacklitError,
            "solve: a matrix is singular, so it has no inverse; a small multiple of the identity added to it may help",
        ),
        (lambda: ops.solve(T, np.ones(2)), bl.ShapeError, r"solve: .*The matrix needs shape \(\.\.\., n, n\)"),
        (
            lambda: ops.solve(np.ones((5, 2, 2)), np.ones(2)),
            bl.ShapeError,
            r"solve: a vector needs one matrix, got matric",
        ),
        (lambda: ops.inverse(T), bl.ShapeError, r"inverse: .*The matrix needs shape"),
        (lambda: ops.cross_entropy(T, [0, 3]), bl.ShapeError, "labels must be from 0 to 2, .* got 0 to 3"),
        (lambda: ops.cross_entropy(T, [0, -1]), bl.ShapeError, "labels must be from 0 to 2, .* got -1 to 0"),
        (
            lambda: ops.cross_entropy(T, [0, 1, 2]),
            bl.ShapeError,
            r"labels need shape \(2,\), one for each row .* got \(3,\)",
        ),
        (
            lambda: ops.cross_entropy(T, [0.0, 1.0]),
            TypeError,
            "labels must be whole numbers, .* or cross_entropy_probabi",
        ),
        (
            lambda: ops.cross_entropy_probabilities(T, np.ones((2, 2))),
            bl.ShapeError,
            r"logits have shape \(2, 3\), probabilities \(2, 2\): they must be equal",
        ),
        (
            lambda: ops.binary_cross_entropy(T, np.ones((2, 1))),
            bl.ShapeError,
            r"logits have shape \(2, 3\), targets \(2, 1\): they must be equal; use reshape",
        ),
        (lambda: ops.cumsum(T, axis=None), TypeError, "cumsum: axis must be one whole number, got None; reshape to"),
        (lambda: ops.squeeze(T, axis=0), bl.ShapeError, "squeeze: .* Only axes of size 1 can be dropped"),
        (
            lambda: ops.where(np.ones(4, bool), T, 0.0),
            bl.ShapeError,
            r"where: can't work on shape \(4,\) and \(2, 3\) and",
        ),
        (lambda: T.reshape(-1, -1), bl.ShapeError, r"reshape: can't work on shape=\(-1, -1\): only one size may be -1"),
        (lambda: ops.stack([]), bl.ShapeError, "stack: can't work on shape of no array"),
        (lambda: T["a"], bl.ShapeError, "getitem: can't work on index='a': only integers, slices"),
        (
            lambda: ops.scatter(T, shape=(3,), index=[0.5]),
            bl.ShapeError,
            "scatter: can't work on index=.*only integers",
        ),
        (
            lambda: ops.inverse(np.ones(3)),
            bl.ShapeError,
            r"inverse: can't work on shape \(3,\). The matrix needs shape",
        ),
        (
            lambda: ops.lstm(np.ones((1, 1, 8)), np.ones((8, 2)), A[:1, :2], A[:1, :2], None, np.ones((2, 2))),
            bl.ShapeError,
            r"lstm: peephole needs shape \(3, 2\), got \(2, 2\)",
        ),
        (
            lambda: ops.lstm(np.ones((1, 1, 8)), np.ones((8, 2)), A[:1, :2], A[:1, :2], projection=A),
            bl.ShapeError,
            r"lstm: projection needs shape \(2, 2\), got \(2, 3\)",
        ),
        (lambda: T.astype("flaot32"), TypeError, "astype: .*data type 'flaot32' not understood"),
    ],
)
def test_mistakes_name_operation_shapes_and_remedy(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        f()


def test_mistakes_in_compiled_programs_are_told_the_same_way() -> None:
    with jax.enable_x64(True):
        with pytest.raises(bl.ShapeError, match=r"add: can't work on shape \(2, 3\) and \(4,\): .* use reshape"):
            jax.jit(lambda x: ops.add(x, np.ones(4)))(A)
        with pytest.raises(bl.ShapeError, match=r"matmul: can't work on shape \(2, 3\) and \(2, 3\)"):
            jax.jit(lambda x: ops.matmul(x, A))(A)
        with pytest.raises(TypeError, match=r"sum\(x, \*, axis=None, keepdims=False\): got an unexpected"):
            jax.jit(lambda x: ops.sum(x, axes=1))(A)
        with pytest.raises(jax.errors.NonConcreteBooleanIndexError):
            jax.jit(lambda x: ops.getitem(x, index=x > 0))(A)


def explicit(xp: Any, x: Any, *, rate: float) -> Any:
    if rate < 0:
        raise ValueError("rate must be at least 0")
    return x * rate


def about_its_own_shapes(xp: Any, x: Any) -> Any:
    if x.shape[0] != 3:
        raise ValueError(f"three rows are needed, got {x.shape[0]}")
    return x


def by_accident(xp: Any, x: Any, *, mode: str) -> Any:
    return x * int(mode)


def from_a_list(xp: Any, x: Any, *, place: int) -> Any:
    return x * [1.0, 2.0][place]


def of_the_library(xp: Any, x: Any, *, mode: str) -> Any:
    return xp.pad(x, 1, mode=mode)


def of_the_wrong_type(xp: Any, x: Any) -> Any:
    raise TypeError("words can't be counted")


@pytest.mark.parametrize(
    ("forward", "settings", "kind", "text"),
    [
        (explicit, {"rate": -1.0}, ValueError, "rate must be at least 0"),
        (about_its_own_shapes, {}, ValueError, "three rows are needed, got 2"),
        (by_accident, {"mode": "fast"}, ValueError, "invalid literal for int() with base 10: 'fast'"),
        (from_a_list, {"place": 5}, IndexError, "list index out of range"),
        (of_the_wrong_type, {}, TypeError, "words can't be counted"),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_an_operations_own_error_stays_as_it_is_with_a_note(
    forward: Any, settings: dict[str, Any], kind: type[Exception], text: str, compiled: bool
) -> None:
    function = bl.operation(vjp=(None,), shapes="Any shape will do.")(forward)
    call = jax.jit(lambda x: function(x, **settings)) if compiled else lambda x: function(x, **settings)
    with pytest.raises(kind) as caught:
        call(np.ones((2, 3)))
    assert type(caught.value) is kind
    assert str(caught.value) == text
    (note,) = [note for note in caught.value.__notes__ if note.startswith("operation ")]
    given = "".join(f", {key}={value!r}" for key, value in settings.items())
    assert note.startswith(f"operation {forward.__name__}, given float")
    assert note.endswith(f"of shape (2, 3){given}. Any shape will do.")


def test_an_unknown_setting_of_the_array_library_is_no_matter_of_shapes() -> None:
    function = bl.operation(vjp=(None,))(of_the_library)
    with pytest.raises(ValueError, match="mode 'wavy' is not supported") as caught:
        function(np.ones(3), mode="wavy")
    assert not isinstance(caught.value, bl.BacklitError)


def test_shapes_that_dont_fit_in_an_operation_of_ones_own_are_told_as_such() -> None:
    @bl.operation(vjp=(None, None), shapes="One row for each.")
    def product(xp: Any, a: Any, b: Any) -> Any:
        return a @ b + 1.0

    for call in (product, jax.jit(product)):
        with pytest.raises(bl.ShapeError, match=r"product: can't work on shape \(2, 3\) and \(2, 3\): .* One row for"):
            call(A, A)


def test_an_error_of_a_class_of_its_own_is_nobodys_to_change() -> None:
    class RefusedError(IndexError):
        pass

    @bl.operation(vjp=(None,))
    def careful(xp: Any, x: Any) -> Any:
        raise RefusedError("no")

    with pytest.raises(RefusedError, match=r"^no\n"):
        careful(A)
