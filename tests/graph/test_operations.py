"""Every operation at every sample: against finite differences, PyTorch, and NumPy against XLA."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
import torch

import backlit as bl
from backlit.graph.registry import REGISTRY
from tests.graph.common import CASES, Case, silent, weights

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_differentiable = pytest.mark.parametrize(
    "case", [case for case in CASES if case.differentiable], ids=lambda case: case.name
)
# What a user may rely on, whatever else the registry holds.
PROMISED = """
    add subtract multiply divide negative power abs sign maximum minimum clip where square sqrt
    exp log log1p expm1 sin cos tanh sigmoid softplus erf relu step floor round
    sum mean var std max min prod cumsum logsumexp norm
    identity reshape transpose matrix_transpose concatenate stack split squeeze expand_dims broadcast_to pad flip
    astype stop_gradient getitem take take_along_axis scatter scatter_add matmul einsum solve inverse outer
    softmax log_softmax cross_entropy cross_entropy_probabilities binary_cross_entropy huber
    rnn lstm gru leaky_relu prelu elu selu gelu gelu_tanh silu negative_log at_least_tiny
"""


def test_the_promised_operations_are_public() -> None:
    assert not set(PROMISED.split()) - set(REGISTRY)
    assert set(REGISTRY) | {"argmax", "argmin", "equal", "uniform"} == set(bl.ops.__all__)
    assert all(callable(getattr(bl.ops, name)) for name in bl.ops.__all__)


@pytest.mark.parametrize("name", [n for n, e in REGISTRY.items() if hasattr(e.function, "op")])
def test_every_primitive_says_what_it_does_to_a_gradient(name: str) -> None:
    assert REGISTRY[name].function.op.gate


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("add", "distributes"),
        ("multiply", "swaps"),
        ("matmul", "swaps"),
        ("maximum", "routes"),
        ("max", "routes"),
        ("relu", "routes"),
        ("broadcast_to", "adds up"),
        ("sum", "distributes"),
        ("step", "stops"),
    ],
)
def test_the_gates_words(name: str, words: str) -> None:
    assert words in getattr(bl.ops, name).op.gate


@each_differentiable
def test_derivatives_equal_finite_differences(case: Case) -> None:
    error = bl.check_gradients(
        lambda *inputs: case.outputs(inputs), *case.inputs(), order=case.entry.order, tolerance=1e-7
    )
    assert error < 1e-7


# ----------------------------------------------------------------------------------------------- PyTorch


def torch_function(case: Case) -> Any:
    given = case.entry.torch
    if not isinstance(given, str):
        return lambda *inputs: case.sample.call(lambda *a, **k: given(torch, *a, **k), *inputs)
    function: Any = torch
    for part in given.split("."):
        function = getattr(function, part)
    return lambda *inputs: case.sample.call(function, *inputs)


@pytest.mark.parametrize("case", [case for case in CASES if case.entry.torch], ids=lambda case: case.name)
def test_value_and_derivatives_equal_pytorchs(case: Case) -> None:
    inputs = case.inputs()
    theirs = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    outputs = torch_function(case)(*theirs)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    ours = case.outputs(inputs)
    assert len(ours) == len(outputs)
    for mine, other in zip(ours, outputs, strict=True):
        np.testing.assert_allclose(mine, other.detach(), rtol=1e-13, atol=1e-15)
        assert mine.shape == other.shape
    if not case.differentiable:
        return
    total = sum((output * torch.tensor(weights(mine))).sum() for output, mine in zip(outputs, ours, strict=True))
    real = [x for x in theirs if x.requires_grad]
    expected = torch.autograd.grad(total, real, create_graph=True)
    for mine, other in zip(case.gradients(inputs), expected, strict=True):
        np.testing.assert_allclose(mine, other.detach(), rtol=1e-11, atol=1e-13)
    if case.entry.order < 2:
        return
    squares = sum((part * part).sum() for part in expected)
    if not squares.requires_grad:
        second = [torch.zeros_like(x) for x in real]
    else:
        second = torch.autograd.grad(squares, real, materialize_grads=True)
    for mine, other in zip(case.second(inputs), second, strict=True):
        np.testing.assert_allclose(mine, other.numpy(force=True), rtol=1e-9, atol=1e-11)


# --------------------------------------------------------------------------------------------------- XLA


TOGETHER = 16  # cases in one program: alone they take XLA longer, and in one of all a third longer


def results(cases: list[Case], inputs: dict[str, list[Any]], second: bool) -> dict[str, Any]:
    """Outputs and derivatives of several operations at once: to XLA they are one program."""
    found: dict[str, Any] = {}
    for case in cases:
        arrays = inputs[case.name]
        found[case.name] = {"value": case.outputs(arrays)}
        if case.differentiable:
            found[case.name]["gradient"] = case.gradients(arrays)
            if second:
                found[case.name]["second"] = case.second(arrays)
    return found


def both_engines(dtype: str, second: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    ours, compiled = {}, {}
    for start in range(0, len(CASES), TOGETHER):
        cases = CASES[start : start + TOGETHER]
        inputs = {case.name: case.inputs(dtype) for case in cases}
        ours |= results(cases, inputs, second)
        with jax.enable_x64(True):
            compiled |= jax.jit(partial(results, cases, second=second))(inputs)
    return ours, compiled


@pytest.fixture(scope="module")
def doubles() -> tuple[dict[str, Any], dict[str, Any]]:
    return both_engines("float64", second=True)


@pytest.fixture(scope="module")
def singles() -> tuple[dict[str, Any], dict[str, Any]]:
    return both_engines("float32", second=False)


@pytest.mark.slow
@each
def test_numpy_equals_xla(case: Case, doubles: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, compiled = (engine[case.name] for engine in doubles)
    assert ours.keys() == compiled.keys()
    for what in ours:
        for mine, other in zip(ours[what], compiled[what], strict=True):
            assert mine.dtype == other.dtype
            assert mine.shape == other.shape
            np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=what)


@pytest.mark.slow
@each
def test_float32_stays_float32(case: Case, singles: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, compiled = (engine[case.name] for engine in singles)
    for engine in (ours, compiled):
        if case.entry.name != "astype":
            assert {x.dtype for x in engine["value"]} == {np.dtype("float32")}
        assert {x.dtype for x in engine.get("gradient", [])} <= {np.dtype("float32")}
    for what in ours:
        for mine, other in zip(ours[what], compiled[what], strict=True):
            np.testing.assert_allclose(mine, other, rtol=2e-5, atol=2e-5, err_msg=what)


@pytest.mark.slow
@each_differentiable
def test_first_order_of_float32_is_near_that_of_float64(case: Case, singles: Any, doubles: Any) -> None:
    for small, large in zip(singles[0][case.name]["gradient"], doubles[0][case.name]["gradient"], strict=True):
        np.testing.assert_allclose(small, large, rtol=1e-4, atol=1e-4)


# ----------------------------------------------------------------------------- Tensors and plain arrays


@each
def test_tensors_give_what_plain_arrays_give(case: Case) -> None:
    inputs = case.inputs()
    tensors = [bl.tensor(x) for x in inputs]
    for plain, tracked in zip(case.outputs(inputs), case.outputs(tensors), strict=True):
        assert type(tracked) is bl.Tensor
        assert type(plain) is not bl.Tensor
        np.testing.assert_array_equal(plain, tracked.value)


@pytest.mark.parametrize("case", [case for case in CASES if case.is_step], ids=lambda case: case.name)
def test_step_functions_have_zero_gradients_and_say_so(case: Case) -> None:
    inputs = case.inputs()
    with pytest.warns(
        bl.ZeroGradientWarning, match=f"zero everywhere: it reaches the output only through {case.entry.name}"
    ):
        (gradient,) = case.gradients(inputs)
    assert not gradient.any()
    assert silent(case.gradients, inputs)[0].shape == inputs[0].shape
