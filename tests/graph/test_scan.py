"""`scan`: values, derivatives of every argument and of what the cell closes over, in both engines and all forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit import ops
from backlit.graph import tree

TIME, ROWS, UNITS = 5, 4, 3
ways = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
unrolling = pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
MASK = np.random.default_rng(5).random((TIME, ROWS)) < 0.7


def problem(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "w": rng.normal(size=(UNITS, UNITS)),
        "u": rng.normal(size=(UNITS, 2)),
        "h": rng.normal(size=(ROWS, UNITS)),
        "x": rng.normal(size=(TIME, ROWS, 2)),
    }


def recurrence(given: dict[str, Any], **options: Any) -> list[Any]:
    """A cell with a tree of states, one of whole numbers, that closes over a leaf and over something made from one."""
    twice = 2.0 * given["w"]
    start = {"h": given["h"], "sum": np.zeros(ROWS), "steps": np.zeros(ROWS, dtype=np.int64)}

    def cell(state: Any, x: Any) -> Any:
        h = ops.tanh(x @ given["u"].mT + state["h"] @ twice.mT + x.sum(axis=-1, keepdims=True) * given["w"][0])
        state = {"h": h, "sum": state["sum"] + h.sum(axis=-1), "steps": state["steps"] + 1}
        return state, (state["h"] * 2.0, {"x": x.sum(axis=-1)})

    last, (doubled, rest) = bl.scan(cell, start, given["x"], **options)
    return [last["h"], last["sum"], last["steps"] * 1.0, doubled, rest["x"]]


def total(given: dict[str, Any], **options: Any) -> Any:
    parts = recurrence(given, **options)
    return sum((part * part * (0.5 + i)).sum() for i, part in enumerate(parts))


@ways
@unrolling
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_derivatives(reverse: bool, unroll: bool, mask: Any, rng: np.random.Generator) -> None:
    options = {"reverse": reverse, "unroll": unroll, "mask": mask}
    assert bl.check_gradients(lambda given: recurrence(given, **options), problem(rng)) < 1e-6


@pytest.mark.slow
@ways
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_engines_and_forms_agree_to_second_order(reverse: bool, mask: Any, rng: np.random.Generator) -> None:
    given = problem(rng)
    found = []
    for unroll, compiled in ((True, False), (False, False), (False, True)):

        def squares(given: Any, unroll: bool = unroll) -> Any:
            inner = bl.grad(lambda inner: total(inner, reverse=reverse, mask=mask, unroll=unroll))(given)
            return sum((part * part).sum() for part in inner.values())

        g = bl.value_and_grad(squares)
        found.append((bl.compile(g) if compiled else g)(given))
    for other in found[1:]:
        for a, b in zip(tree.leaves(found[0]), tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)


def test_third_derivative() -> None:
    """h ← a h, three times: a³, whose third derivative is 6."""
    power = lambda a: bl.scan(lambda h, x: (h * a, None), 1.0, np.zeros(3))[0]
    assert float(bl.grad(bl.grad(bl.grad(power)))(0.7)) == pytest.approx(6.0)


def test_equal_to_a_loop_in_pytorch(rng: np.random.Generator) -> None:
    given = problem(rng)
    theirs = {name: torch.tensor(part, requires_grad=True) for name, part in given.items()}
    h, doubled = theirs["h"], []
    for x in theirs["x"]:
        h = torch.tanh(x @ theirs["u"].T + h @ (2 * theirs["w"]).T + x.sum(-1, keepdim=True) * theirs["w"][0])
        doubled.append(2 * h)
    expected = (h**2).sum() + (torch.stack(doubled) ** 3).sum()
    expected.backward()

    def f(given: Any) -> Any:
        parts = recurrence(given)
        return (parts[0] ** 2).sum() + (parts[3] ** 3).sum()

    value, gradient = bl.value_and_grad(f)(given)
    np.testing.assert_allclose(value, expected.item(), rtol=1e-13)
    for name, part in gradient.items():
        np.testing.assert_allclose(part, theirs[name].grad, rtol=1e-10, atol=1e-12)


@unrolling
def test_ten_thousand_steps_need_no_recursion(unroll: bool) -> None:
    x = np.zeros(10_000)
    slope = bl.grad(lambda a: bl.scan(lambda h, x: (a * h + x, h), 1.0, x, unroll=unroll)[0])
    assert float(slope(0.9999)) == pytest.approx(10_000 * 0.9999**9_999)


def test_the_masks_meaning() -> None:
    """Where False, the carry stands still and y is 0."""
    mask = np.array([True, False, True])
    last, ys = bl.scan(lambda h, x: (h + x, h + x), 0.0, np.array([1.0, 100.0, 2.0]), mask=mask)
    assert (float(last), ys.tolist()) == (3.0, [1.0, 0.0, 3.0])


def test_types_stay() -> None:
    x = np.ones((3, 2), dtype="float32")
    for run in (lambda f: f, bl.compile):
        last, ys = run(lambda x: bl.scan(lambda h, x: (h * 0.5 + x.sum(), h), 0.0, x, mask=np.ones(3, bool)))(x)
        assert (str(last.dtype), str(ys.dtype)) == ("float32", "float32")
        gradient = run(bl.grad(lambda x: bl.scan(lambda h, x: (h * 0.5 + x.sum(), h), 0.0, x)[0]))(x)
        assert str(gradient.dtype) == "float32"


def test_scans_within_scans(rng: np.random.Generator) -> None:
    """A cell that scans, closing over the outer carry and over a parameter: a product of powers."""
    x = rng.uniform(0.5, 1.5, (3, 4))

    def f(a: Any, x: Any) -> Any:
        inner = lambda h, row: bl.scan(lambda s, v: (s * v * a + h * 0.1, None), h, row)[0]
        return bl.scan(lambda h, row: (inner(h, row), h), 1.0, x)[0]

    assert bl.check_gradients(f, 0.8, x) < 1e-6
    both = bl.value_and_grad(f, (0, 1))
    for ours, theirs in zip(tree.leaves(both(0.8, x)), tree.leaves(bl.compile(both)(0.8, x)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_captured_tensor_and_what_it_is_made_of() -> None:
    """Both are closed over: the gradient that goes through one to the other counts once."""

    def f(a: Any) -> Any:
        b = a * a
        return bl.scan(lambda h, x: (h + a * b, None), 0.0, np.zeros(2))[0]  # 2 a³

    assert float(bl.grad(f)(3.0)) == pytest.approx(54.0)


def test_only_what_is_wanted_is_computed(rng: np.random.Generator) -> None:
    """Inputs that are plain data get no gradient, and the pull knows it."""
    given = problem(rng)
    asked: list[int] = []

    @bl.operation(vjp=(lambda g, y, x: asked.append(1) or g,))
    def watched(xp: Any, x: Any) -> Any:
        return x

    f = lambda h: bl.scan(lambda h, x: (h + watched(x).sum(), None), h, given["x"])[0].sum()
    bl.grad(f)(given["h"])
    assert not asked


def test_a_user_may_change_inputs_before_going_back() -> None:
    x = np.array([1.0, 2.0])
    last, _ = bl.scan(lambda h, x: (h * x, None), bl.tensor(1.0), x)
    h = last
    x[:] = 100.0
    h.backward()
    assert float(h.value) == 2.0
    leaf = bl.tensor(1.0)
    y, _ = bl.scan(lambda h, x: (h * x, None), leaf, np.array([1.0, 2.0]))
    y.backward()
    assert float(leaf.grad) == 2.0


def test_it_is_explained() -> None:
    h, w = bl.tensor(1.0, name="h0"), bl.tensor(0.5, name="w")
    x = np.array([0.0, 0.0])
    whole = bl.explain(bl.scan(lambda h, x: (w * h + x, None), h, x)[0])
    steps = bl.explain(bl.scan(lambda h, x: (w * h + x, None), h, x, unroll=True)[0])
    for explanation in (whole, steps):
        assert explanation["w"].upstream == pytest.approx(1.0)
        assert explanation["h0"].upstream == pytest.approx(0.25)
        assert "NaN" not in str(explanation)
        assert explanation.to_dict()["nodes"]
    assert steps["carry[0]"].upstream == 0.5
    assert any("scan" in node.formula for node in whole)


def test_a_step_function_stops_the_gradient_and_a_constant_has_none() -> None:
    assert float(bl.grad(lambda a: bl.scan(lambda h, x: (x, None), a, np.ones(2))[0] + a)(2.0)) == 1.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: bl.scan(c, 0.0, np.zeros((0, 2))), r"xs has no time steps .*; leave empty sequences out"),
        (lambda c: bl.scan(c, 0.0, [1.0, 2.0]), r"xs must hold arrays of shape \(time, ...\)"),
        (lambda c: bl.scan(c, 0.0, ()), r"xs must hold arrays"),
        (lambda c: bl.scan(c, 0.0, (np.zeros(2), np.zeros(3))), r"same number of steps, got \[2, 3\]"),
        (lambda c: bl.scan(c, 0.0, np.zeros(3), mask=np.ones(2, bool)), r"mask for 3 steps needs shape \(3, ...\)"),
        (
            lambda c: bl.scan(c, np.zeros(2), np.zeros((3, 2)), mask=np.ones((3, 4), bool)),
            r"mask of shape \(time, 4\) doesn't fit a carry or y of shape \(2,\)",
        ),
        (
            lambda c: bl.scan(lambda h, x: (h[:1], x), np.zeros(2), np.zeros(3)),
            r"the carry was float64 of shape \(2,\) and became float64 of shape \(1,\)",
        ),
        (
            lambda c: bl.scan(
                lambda h, x: ({"a": h["a"] * np.float64(2)}, x), {"a": np.zeros(2, "float32")}, np.zeros(3)
            ),
            "a was float32 .* and became float64",
        ),
        (lambda c: bl.scan(lambda h, x: ((h, h), x), np.zeros(2), np.zeros(3)), "carry of the structure that it got"),
    ],
)
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(bl.ShapeError, match=words):
        call(lambda h, x: (h, x))


def test_a_cell_must_return_a_pair() -> None:
    with pytest.raises(TypeError, match=r"must return a pair \(carry, y\), got ndarray"):
        bl.scan(lambda h, x: h, np.zeros(2), np.zeros(3))


def test_a_nan_is_told_in_the_operation_that_made_it() -> None:
    with bl.debug_nans(), pytest.raises(bl.NonFiniteError, match="log made the first NaN"):
        bl.scan(lambda h, x: (h + ops.log(x), None), bl.tensor(0.0), np.array([1.0, -1.0]))
