"""The checker itself: it must find planted mistakes, and say where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit import ops
from tests.graph.common import CASES, Case

RNG = np.random.default_rng(0)


def planted(rule: Any, forward: Any = lambda xp, x: xp.sin(x)) -> Any:
    """An operation with this derivative."""
    return bl.operation(vjp=(rule,), name="planted")(forward)


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0, 0.0, 2.0])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_derivative_wrong_by_a_factor_is_found(factor: float, size: int) -> None:
    wrong = planted(lambda g, y, x: factor * g * ops.cos(x))
    with pytest.raises(bl.GradientError, match="the derivative of order 1 of planted is wrong; worst at argument 0"):
        bl.check_gradients(wrong, RNG.normal(size=size))


def test_a_right_second_derivative_of_a_wrong_first_is_found_and_the_other_way_round() -> None:
    # The first derivative is right in value, but its own derivative is cut off, as by a rule that uses plain numbers.
    cut = planted(lambda g, y, x: g * np.cos(x.value if isinstance(x, bl.Tensor) else x))
    x = RNG.normal(size=5)
    assert bl.check_gradients(cut, x, order=1) < 1e-8
    with pytest.raises(bl.GradientError, match="the derivative of order 2 of planted is wrong"):
        bl.check_gradients(cut, x)


def test_one_wrong_element_among_ten_thousand_is_found_and_named() -> None:
    factors = np.ones((100, 100))
    factors[37, 64] = 1.001
    wrong = planted(lambda g, y, x: g * ops.cos(x) * factors)
    x = np.full((100, 100), 0.5)
    with pytest.raises(
        bl.GradientError, match=r"argument 0/w\[37, 64\]: expected 0\.\d+ .*, got 0\.\d+, relative error 0.001"
    ):
        bl.check_gradients(lambda p: wrong(p["w"]), {"b": 1.0, "w": x})


def test_the_message_holds_both_values() -> None:
    wrong = planted(lambda g, y, x: 3.0 * g, lambda xp, x: 2.0 * x)
    with pytest.raises(bl.GradientError) as caught:
        bl.check_gradients(lambda x: wrong(x), 1.0)
    weight = 0.5 + np.random.default_rng(1).uniform()
    assert f"expected {2 * weight:.6f}"[:14] in str(caught.value)
    assert f"got {3 * weight:.6f}"[:9] in str(caught.value)
    assert "Correct the operation's vjp; or, if this is a kink (relu at 0, max at a tie), check elsewhere" in str(
        caught.value
    )


def test_swapped_arguments_are_found() -> None:
    swapped = bl.operation(vjp=(lambda g, y, a, b: g * a, lambda g, y, a, b: g * b))(lambda xp, a, b: a * b)
    with pytest.raises(bl.GradientError, match="order 1"):
        bl.check_gradients(swapped, RNG.normal(size=3), RNG.normal(size=3))
    transposed = bl.operation(vjp=(lambda g, y, a, b: g.mT @ b, lambda g, y, a, b: a @ g))(lambda xp, a, b: a @ b)
    with pytest.raises(bl.GradientError, match="order 1"):
        bl.check_gradients(transposed, RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)))


def test_a_mistake_in_any_of_several_results_or_arguments_is_found() -> None:
    wrong = planted(lambda g, y, x: 1.001 * g * ops.cos(x))
    x = RNG.normal(size=4)
    for f in (lambda a, b: [a * b, {"x": wrong(b)}], lambda a, b: wrong(a) + b):
        with pytest.raises(bl.GradientError, match="order 1"):
            bl.check_gradients(f, x, x)
    assert bl.check_gradients(lambda a, b: a * wrong(b), x, x, argnums=0) < 1e-7
    with pytest.raises(bl.GradientError, match=r"argument 1\["):
        bl.check_gradients(lambda a, b: a * wrong(b), x, x, argnums=(1,))


def test_a_right_derivative_passes_whatever_the_size_of_numbers() -> None:
    for scale in (1e-8, 1e-3, 1.0, 1e3):
        x = scale * RNG.uniform(0.5, 2.0, size=(20, 3))
        assert bl.check_gradients(ops.log, x) < 1e-7
        assert bl.check_gradients(lambda x: ops.exp(-x) + 1e6, x) < 1e-6


def test_float32_is_cast_up_and_whole_numbers_are_left() -> None:
    seen = []

    def f(x: Any, labels: Any) -> Any:
        seen.append((x.dtype, labels.dtype))
        return ops.cross_entropy(x, labels)

    assert bl.check_gradients(f, RNG.normal(size=(4, 3)).astype("float32"), np.array([0, 2, 1, 1])) < 1e-7
    assert set(seen) == {(np.dtype("float64"), np.dtype("int64"))}


def test_a_zero_derivative_is_compared_like_any_other() -> None:
    assert bl.check_gradients(lambda x: ops.step(x) + 1e5, np.array([0.3, -0.2])) == 0.0
    with pytest.raises(bl.GradientError, match="got 0, relative error 1 "):
        bl.check_gradients(lambda x: ops.stop_gradient(x), np.array([0.3, -0.2]))


def test_a_kink_is_a_mistake_of_the_differences() -> None:
    with pytest.raises(bl.GradientError, match="if this is a kink"):
        bl.check_gradients(ops.relu, np.array([0.0]))


@pytest.mark.parametrize(
    ("f", "args", "text"),
    [
        (ops.log, (-1.0,), "log isn't finite at these arguments .* is nan.*; backlit.debug_nans tells which operation"),
        (lambda x: x * np.random.default_rng().normal(), (1.0,), "returned different results for the same arguments"),
        (ops.exp, (np.array([1, 2]),), "no argument of exp that is checked holds real numbers"),
        (lambda x: ops.argmax(x), (np.array([1.0, 2.0]),), "returned no real numbers, so it has no derivative"),
    ],
)
def test_what_cant_be_checked(f: Any, args: tuple[Any, ...], text: str) -> None:
    with pytest.raises(bl.GradientError, match=text):
        bl.check_gradients(f, *args)


def slips(case: Case) -> list[Any]:
    """The operation with each of its rules in turn wrong by 0.1 %."""
    op = case.entry.function.op

    def wrong(rule: Any) -> Any:
        return lambda *args, **static: 1.001 * rule(*args, **static)

    vjps = [
        tuple(wrong(rule) if i == position else rule for i, rule in enumerate(op.vjp))
        for position, rule in enumerate(op.vjp)
        if rule is not None
    ]
    return [bl.operation(vjp=vjp, name=op.name)(op.forward) for vjp in vjps]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.differentiable and hasattr(case.entry.function, "op")],
    ids=lambda case: case.name,
)
def test_a_slip_of_a_thousandth_in_any_rule_of_any_operation_is_found(case: Case) -> None:
    for slip in slips(case):
        with pytest.raises(bl.GradientError, match="is wrong"):
            bl.check_gradients(lambda *inputs, slip=slip: case.sample.call(slip, *inputs), *case.inputs())
