"""Activations against PyTorch, at kinks and extremes, and every fact of their table measured."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as PyTorch's users call it

import backlit as bl
from backlit.errors import InputError, UnknownNameError, ZeroGradientWarning
from backlit.nn.layers import activations
from backlit.nn.layers.saturation import limits
from tests.nn.common import draw_params, outputs_and_gradients, torch_gradients

PYTORCH: dict[bl.Layer, Any] = {
    bl.Identity(): lambda x: x,
    bl.Sigmoid(): torch.sigmoid,
    bl.Tanh(): torch.tanh,
    bl.ReLU(): F.relu,
    bl.LeakyReLU(): F.leaky_relu,
    bl.LeakyReLU(0.3): lambda x: F.leaky_relu(x, 0.3),
    bl.ELU(): F.elu,
    bl.ELU(0.6): lambda x: F.elu(x, 0.6),
    bl.SELU(): F.selu,
    bl.GELU(): F.gelu,
    bl.GELU(approximate=True): lambda x: F.gelu(x, approximate="tanh"),
    bl.SiLU(): F.silu,
    bl.Softplus(): lambda x: F.softplus(x, threshold=1e9),
    bl.Softmax(): lambda x: F.softmax(x, dim=-1),
}
each = pytest.mark.parametrize(("layer", "theirs"), PYTORCH.items(), ids=map(str, PYTORCH))
LEFT, RIGHT = -60.0, 60.0


@each
def test_value_gradient_and_second_derivative_equal_pytorch(
    layer: bl.Layer, theirs: Any, rng: np.random.Generator
) -> None:
    x = np.concatenate([rng.normal(0.0, 3.0, (40, 5)), np.zeros((1, 5))])  # PyTorch's choice at the kinks is ours
    g, v = rng.normal(size=(2, *x.shape))

    def slope(x: Any) -> Any:
        return (bl.grad(lambda x: (layer({}, x) * g).sum())(x) * v).sum()

    x_t = torch.tensor(x, requires_grad=True)
    y_t = theirs(x_t)
    (first,) = torch.autograd.grad((y_t * torch.tensor(g)).sum(), x_t, create_graph=True)
    np.testing.assert_allclose(layer({}, x), y_t.detach(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(bl.grad(lambda x: (layer({}, x) * g).sum())(x), first.detach(), rtol=1e-9, atol=1e-14)
    if first.requires_grad:
        (second,) = torch.autograd.grad((first * torch.tensor(v)).sum(), x_t)
        np.testing.assert_allclose(bl.grad(slope)(x)[:-1], second[:-1], rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("by_feature", [False, True])
def test_prelu_equals_pytorch(by_feature: bool, rng: np.random.Generator) -> None:
    network = draw_params(bl.PReLU(by_feature=by_feature).build((4,), dtype="float64"), rng)
    x = rng.normal(size=(30, 4))
    ours, by_params, by_input = outputs_and_gradients(network, x)
    module = torch.nn.PReLU(4 if by_feature else 1).double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor(network.params["slope"].reshape(-1)))
    output, theirs, theirs_input = torch_gradients(module, x)
    np.testing.assert_allclose(ours["output"], output, rtol=1e-12)
    np.testing.assert_allclose(by_input, theirs_input, rtol=1e-12)
    np.testing.assert_allclose(by_params["slope"].reshape(-1), theirs["weight"], rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", [*PYTORCH, bl.PReLU()], ids=str)
def test_extremes_give_finite_values_and_gradients(layer: bl.Layer, dtype: str) -> None:
    x = np.array([[-1e30, -1e4, -100.0, 0.0, 100.0, 1e4, 1e30]], dtype=dtype)
    params = layer.build((7,)).params
    value, gradient = bl.value_and_grad(lambda x: (layer(params, x) * 1e-6).sum())(x)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert layer(params, x).dtype == np.dtype(dtype)
    by_xla = bl.compile(lambda x: layer(params, x))(x)
    np.testing.assert_allclose(layer(params, x), by_xla, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_sides_are_exactly_what_the_formula_says(dtype: str) -> None:
    x = np.array([-np.inf, -1e4, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, 1e4, np.inf, np.nan], dtype=dtype)
    slope, bend = np.asarray(0.3, dtype=dtype), np.expm1(np.minimum(x, 0))
    for found, left in (
        (activations.leaky_relu(x, slope=0.3), slope * x),
        (activations.prelu(x, slope), slope * x),
        (activations.elu(x, alpha=0.6), 0.6 * bend),
    ):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.where(x > 0, x, left))


def test_the_step_stops_gradients_and_says_so() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    assert bl.Step()({}, x).tolist() == [0.0, 0.0, 1.0]
    with pytest.warns(ZeroGradientWarning):
        assert not bl.grad(lambda x: bl.Step()({}, x).sum())(x).any()


def test_selu_keeps_mean_and_variance(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2000, 200)).astype("float32")
    layers = [layer for _ in range(12) for layer in (bl.Linear(200, weight_init="lecun"), bl.SELU())]
    y = bl.Sequential(*layers).build((200,))(x)
    assert y.mean() == pytest.approx(0.0, abs=0.06)
    assert y.std() == pytest.approx(1.0, abs=0.1)


# The table of facts


def slopes(entry: Any, x: np.ndarray) -> np.ndarray:
    if entry.name == "step":
        return np.zeros_like(x)
    return bl.grad(lambda t: entry.function(t).sum())(x)


ELEMENTWISE = [entry for entry in activations.FACTS.values() if entry.elementwise]
OTHERS = [bl.LeakyReLU(0.3), bl.LeakyReLU(0.0), bl.LeakyReLU(-0.5), bl.LeakyReLU(1.5), bl.ELU(2.0), bl.ELU(0.3)]
OTHERS += [bl.ELU(-0.5)]


@pytest.mark.parametrize("entry", [*ELEMENTWISE, *(layer.facts for layer in OTHERS)], ids=lambda entry: entry.formula)
def test_facts_are_measured(entry: Any) -> None:
    x = np.linspace(-12.0, 12.0, 240_001)
    y, slope = entry.function(x), slopes(entry, x)
    wide = entry.function(np.linspace(LEFT, RIGHT, 120_001))
    for bound, found in ((entry.low, wide.min()), (entry.high, wide.max())):
        assert abs(found - bound) < 1e-4 if np.isfinite(bound) else abs(found) > 0.5  # leaky: 0.6 at -60
    assert slope.max() == pytest.approx(entry.largest_slope, abs=1e-4)
    density = np.exp(-x * x / 2)
    assert (y * density).sum() / density.sum() == pytest.approx(entry.mean, abs=1e-4)
    flat = {
        "left": abs(slopes(entry, np.array([LEFT]))[0]) < 1e-6,
        "right": abs(slopes(entry, np.array([RIGHT]))[0]) < 1e-6,
    }
    assert entry.saturates == tuple(side for side, is_flat in flat.items() if is_flat)
    assert entry.monotone == bool((np.diff(y) >= -1e-12).all())
    step = 1e-6  # a kink has another slope on each side, a jump no slope
    left, right = ((entry.function(np.array([end])) - entry.function(np.zeros(1)))[0] / end for end in (-step, step))
    assert entry.smooth_at_0 == (abs(left - right) < 1e-4)


@pytest.mark.parametrize("layer", OTHERS, ids=str)
def test_facts_are_those_of_the_layer_with_its_hyperparameters(layer: bl.Layer) -> None:
    x = np.linspace(-3.0, 3.0, 61)
    assert layer.facts is not None
    np.testing.assert_allclose(layer.facts.function(x), layer({}, x), rtol=1e-12)


def test_facts_of_softmax() -> None:
    entry = activations.facts("softmax")
    assert np.diag(bl.jacobian(entry.function)(np.zeros(2))).max() == pytest.approx(entry.largest_slope)
    y = entry.function(np.random.default_rng(0).normal(size=(1000, 2)))
    assert y.mean() == pytest.approx(entry.mean)
    assert ((y > entry.low) & (y < entry.high)).all()
    assert entry.saturates == ("left", "right")


def test_which_are_zero_centred() -> None:
    said = {name: entry.zero_centred for name, entry in activations.FACTS.items()}
    assert [name for name, word in said.items() if word == "yes"] == ["linear", "tanh", "selu"]
    assert [name for name, word in said.items() if word == "nearly"] == ["elu", "silu"]


def test_every_named_activation_has_facts() -> None:
    assert set(activations.names()) - {"identity"} == set(activations.FACTS)
    assert len(activations.table().splitlines()) == len(activations.FACTS) + 1


@pytest.mark.parametrize("name", activations.names())
def test_names_give_the_functions_layers(name: str, rng: np.random.Generator) -> None:
    layer = activations.get(name)
    x = rng.normal(size=(3, 4))
    params = layer.build((4,), dtype="float64").params
    function = activations.FACTS["linear" if name == "identity" else name].function
    np.testing.assert_allclose(layer(params, x), function(x), rtol=1e-12)
    assert activations.get(layer) is layer
    assert layer.facts is not None
    np.testing.assert_allclose(layer(params, x), layer.facts.function(x), rtol=1e-12)


@dataclass(frozen=True, repr=False)
class CappedReLU(bl.ReLU):
    """An activation of one's own, made from one of Backlit's."""

    cap: float = 6.0

    def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
        return bl.ops.minimum(super().__call__(params, x, ctx), self.cap)


def test_a_subclass_is_an_activation_with_its_facts() -> None:
    layer = CappedReLU()
    assert layer.facts is activations.facts("relu")
    assert limits(layer) == pytest.approx((0.0, 6.0), abs=0.01)  # its own derivative's
    assert layer.saturated(np.array([-1.0, 1.0, 7.0]), None).tolist() == [True, False, True]


def test_other_layers_have_no_facts() -> None:
    assert bl.Linear(3).facts is None
    assert bl.Sequential(bl.ReLU()).facts is None
    assert bl.RNN(3).facts is None


def test_only_the_identity_does_not_bend() -> None:
    assert [entry.name for entry in activations.FACTS.values() if not entry.bends] == ["linear"]


def test_refusals() -> None:
    with pytest.raises(UnknownNameError, match="unknown activation 'rely'; did you mean 'relu'"):
        activations.get("rely")
    with pytest.raises(UnknownNameError, match="unknown activation 'sigmod'; did you mean 'sigmoid'"):
        activations.facts("sigmod")
    for make in (lambda: bl.LeakyReLU(float("nan")), lambda: bl.PReLU("a"), lambda: bl.ELU(float("inf"))):
        with pytest.raises(InputError, match="must be a finite number, got"):
            make()
