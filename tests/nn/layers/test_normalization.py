"""LayerNorm and BatchNorm against PyTorch, in both modes."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError, ShapeError
from tests.nn.common import copy_into, draw_params, outputs_and_gradients, torch_gradients


def names(params: dict[str, Any]) -> dict[str, Any]:
    """PyTorch calls the scale weight."""
    return {{"scale": "weight", "bias": "bias"}[name]: value for name, value in params.items()}


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm_equals_pytorch(axes: int, affine: bool, rng: np.random.Generator) -> None:
    layer = bl.LayerNorm(axes=axes, affine=affine, epsilon=1e-3)
    network = draw_params(layer.build((3, 4), dtype="float64"), rng)
    x = rng.normal(2.0, 3.0, size=(5, 3, 4))
    ours, by_params, by_input = outputs_and_gradients(network, x)
    module = torch.nn.LayerNorm((3, 4)[-axes:], eps=1e-3, elementwise_affine=affine)
    copy_into(module, names(network.params))
    output, theirs, theirs_input = torch_gradients(module, x)
    np.testing.assert_allclose(ours["output"], output, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(by_input, theirs_input, rtol=1e-9, atol=1e-12)
    for name, gradient in names(by_params).items():
        np.testing.assert_allclose(gradient, theirs[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(4,), (6, 4)])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_equals_pytorch(shape: tuple[int, ...], affine: bool, rng: np.random.Generator) -> None:
    """Three training batches, then evaluation: outputs, gradients and running values."""
    layer = bl.BatchNorm(affine=affine, momentum=0.2)
    network = draw_params(layer.build(shape, dtype="float64"), rng)
    module = torch.nn.BatchNorm1d(4, momentum=0.2, affine=affine)
    copy_into(module, names(network.params))

    def channels_first(a: np.ndarray) -> np.ndarray:
        return np.moveaxis(a, -1, 1)

    class Moved(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = module

        def forward(self, x: Any) -> Any:
            return torch.movedim(self.norm(torch.movedim(x, -1, 1)), 1, -1)

    moved = Moved()
    for training in (True, True, True, False):
        x = rng.normal(2.0, 3.0, size=(5, *shape))
        ours, by_params, by_input = outputs_and_gradients(network, x, training=training)
        network = network.replace(state=ours["state"])
        moved.train(training)
        moved.zero_grad()
        output, theirs, theirs_input = torch_gradients(moved, x)
        np.testing.assert_allclose(ours["output"], output, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(by_input, theirs_input, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(network.state["mean"], module.running_mean, rtol=1e-12)
        np.testing.assert_allclose(network.state["variance"], module.running_var, rtol=1e-12)  # unbiased
        for name, gradient in names(by_params).items():
            np.testing.assert_allclose(gradient, theirs[f"norm.{name}"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(4,), (6, 4)])
def test_rows_that_only_fill_up_a_batch_do_not_count(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    network = draw_params(bl.BatchNorm().build(shape, dtype="float64"), rng)
    x = rng.normal(2.0, 3.0, size=(5, *shape))
    padded = np.concatenate([x, np.full((3, *shape), 1e3)])
    mask = np.arange(8) < 5
    output, state = network.apply(network.params, x, training=True)
    with_padding, state_of_padded = network.apply(network.params, padded, training=True, mask=mask)
    np.testing.assert_allclose(with_padding[:5], output, rtol=1e-10)
    for name, value in state.items():
        np.testing.assert_allclose(state_of_padded[name], value, rtol=1e-12)
    network = network.replace(state=state)
    nothing, unchanged = network.apply(network.params, padded, training=True, mask=np.zeros(8, dtype=bool))
    assert np.isfinite(nothing).all()
    for name, value in state.items():
        np.testing.assert_array_equal(unchanged[name], value)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_training_keeps_running_values_of_whole_epochs(engine: str, rng: np.random.Generator) -> None:
    """33 rows in batches of 32: the last batch holds one row, and 31 that only fill it up."""
    x = rng.normal(3.0, 1.0, size=(33, 5))
    network = bl.Sequential(bl.BatchNorm(momentum=1.0), bl.Linear(2)).build((5,), dtype="float64")
    run = bl.fit(
        network, x, np.arange(33) % 2, epochs=1, batch_size=32, shuffle=False, engine=engine, dtype="float64",
        progress=False,
    )  # fmt: skip
    np.testing.assert_allclose(run.network.state["0/mean"], x[32], rtol=1e-12)


def test_signals_and_gradients_survive_tiny_weights_with_it(rng: np.random.Generator) -> None:
    """Six layers of N(0, 0.05²): without normalisation nothing arrives, forward or backward."""
    x, y = rng.normal(size=(64, 16)), rng.integers(0, 2, 64)
    spread, gradient = {}, {}
    for norm in (bl.Identity(), bl.BatchNorm(), bl.LayerNorm()):
        blocks = [(bl.Linear(16, weight_init="normal:0.05"), copy.copy(norm), bl.Tanh()) for _ in range(6)]
        network = bl.Sequential(*(layer for block in blocks for layer in block), bl.Linear(2)).build(
            (16,), dtype="float64"
        )

        def loss(params: Any, network: bl.Network = network) -> Any:
            scores, _ = network.apply(params, x, training=True)
            return bl.CrossEntropy()(scores, y).mean(), scores

        slopes, scores = bl.grad(loss, has_aux=True)(network.params)
        spread[str(norm)] = scores.std()
        gradient[str(norm)] = np.linalg.norm(slopes["0"]["weight"])
    assert spread["Identity()"] < 1e-3
    assert gradient["Identity()"] < 1e-3
    for norm in ("BatchNorm()", "LayerNorm()"):
        assert 0.3 < spread[norm] < 3.0
        assert gradient[norm] > 0.03


def test_equal_inputs_stay_finite() -> None:
    for layer in (bl.LayerNorm(), bl.BatchNorm()):
        network = layer.build((3,))
        x = np.full((4, 3), 1e4, dtype="float32")
        gradient = bl.grad(lambda x, n=network: n.apply(n.params, x, training=True)[0].sum())(x)
        assert np.isfinite(gradient).all()


def test_refusals() -> None:
    with pytest.raises(InputError, match="LayerNorm: epsilon must be a finite number above 0, got 0"):
        bl.LayerNorm(epsilon=0)
    with pytest.raises(InputError, match="LayerNorm: axes must be a whole number of at least 1"):
        bl.LayerNorm(axes=0)
    with pytest.raises(
        ShapeError, match=r"LayerNorm\(axes=2\) needs inputs of at least 2 axes besides the batch, got \(3,"
    ):
        bl.LayerNorm(axes=2).build((3,))
    with pytest.raises(InputError, match="BatchNorm: momentum must be a number from 0 to 1, got 2"):
        bl.BatchNorm(momentum=2)
    with pytest.raises(ShapeError, match=r"BatchNorm\(\) needs inputs of shape \(..., features\), got \(\)"):
        bl.BatchNorm().build(())
    network = bl.BatchNorm().build((3,))
    with pytest.raises(InputError, match="there is no running value 'mean'; give the network's state"):
        network.architecture(network.params, np.ones((2, 3)))
