"""Networks as PyTorch modules: every layer of the registry, outputs and gradients in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import backlit as bl
from backlit.errors import InputError
from backlit.exchange.weights.order import plan
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from tests.nn.common import draw_params, outputs_and_gradients, weighing
from tests.nn.layers.test_every_layer import CASES, inputs
from tests.owned import is_own

REFUSED = {  # by name, each with what the message says
    "Decoder": "PyTorch has nothing that does the same",
    "EncoderDecoder": "PyTorch has nothing that does the same",
    "OnnxGraph": "PyTorch has nothing that does the same",
    "OnnxNode": "PyTorch has nothing that does the same",
}
SMALL = bl.Linear(2)
MORE: list[tuple[Layer, tuple[int, ...]]] = [
    (
        bl.Sequential(
            bl.Conv2d(4, 3), bl.BatchNorm(), bl.PReLU(by_feature=True), bl.MaxPool2d(2), bl.Flatten(), bl.BatchNorm(),
            bl.Dropout(0.1), bl.Linear(3), bl.Softmax(),
        ),
        (8, 7, 2),
    ),
    (bl.Sequential(bl.Conv2d(4, 3, 2, "same"), bl.Tanh(), bl.Flatten()), (5, 4, 2)),
    (bl.Sequential(bl.MaxPool2d(3, 2, "same"), bl.AvgPool2d(3, 2, "same"), bl.Linear(3)), (6, 8, 2)),
    (bl.Sequential(bl.Rescale((1.0, 2.0), (0.5, 2.0)), bl.Conv2d(3, 2), bl.Flatten(), bl.ReLU(), SMALL), (4, 4, 2)),
    (bl.Sequential(bl.Conv1d(3, 3), bl.Residual(bl.Conv1d(3, 3, padding=1), bl.Tanh()), bl.GlobalMaxPool()), (7, 2)),
    (bl.Sequential(bl.Conv2d(3, 2), bl.Residual(bl.Linear(5), bl.Tanh()), bl.Flatten(), bl.Linear(2)), (4, 4, 2)),
    (bl.Sequential(bl.Conv2d(3, 2), bl.Parallel(bl.Conv2d(2, 1), bl.MaxPool2d(1)), bl.GlobalAvgPool()), (4, 4, 2)),
    (bl.Sequential(bl.Linear(4), bl.Conv1d(2, 3), bl.LayerNorm(axes=2), bl.LSTM(3)), (6, 2)),
    (bl.Sequential(bl.Permute((2, 1)), bl.GRU(3, return_sequences=True), bl.Select(0)), (4, 5)),
    (bl.Sequential(bl.ConvTranspose2d(3, 3, 2, "same"), bl.ConvTranspose2d(2, 2, 3, ((1, 0), (0, 2)))), (3, 4, 2)),
    (bl.Sequential(bl.OneHot(7), bl.Linear(2)), (4,)),
    (bl.Parallel(bl.Linear(3), bl.Linear(3), combine="mean_softmax"), (4,)),
    (bl.Parallel(bl.Linear(3), bl.Linear(3), combine="mean_sigmoid"), (4,)),
    (bl.Wired({"a": bl.Linear(4), "b": bl.Linear(4), "c": bl.Linear(4)}, [("a", "c"), ("b", "c")], "weighted"), (4,)),
    (bl.Wired(bl.Linear(4), [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")], {"d": "concatenate"}), (4,)),
    (bl.Wired({"a": bl.Conv2d(2, 1), "b": bl.Linear(2)}, [("input", "a"), ("input", "b")], "mean"), (4, 3, 2)),
    (bl.Sequential(bl.RNN(3, reverse=True, return_sequences=True, bias=False), bl.RNN(2, activation="relu")), (4, 2)),
    (bl.Bidirectional(bl.GRU(3, return_sequences=True, reset_after=False), combine="sum"), (4, 2)),
    (bl.LSTM(3, projection=2, return_sequences=True), (4, 2)),
    (bl.Masked(bl.Embedding(7, 3), bl.RNN(2, return_sequences=True), bl.GlobalAvgPool(), value=3), (5,)),
    (bl.Masked(bl.GRU(2, return_sequences=True), bl.LSTM(3, return_sequences=True), value=float("nan")), (4, 2)),
    (bl.Masked(bl.Embedding(7, 4), bl.MultiHeadAttention(4, 2, rotary=True, causal=True), value=3), (4,)),
    (bl.EachStep(bl.Conv2d(2, 2), bl.Flatten(), bl.Linear(3)), (3, 4, 3, 2)),
    (bl.TransformerBlock(4, 2, norm_first=False, dropout=0.1), (3, 4)),
]  # fmt: skip
UNEVEN = (bl.MultiHeadAttention(4, 2, dropout=0.3), (3, 5))
STATEFUL = (bl.GRU(3, reset_after=False, stateful=5, bias=False, recurrent_dropout=0.3), (4, 2))
KINDS = [
    case for case in CASES if type(case[0]).__name__ not in (*REFUSED, "OneHot") and case not in (STATEFUL, UNEVEN)
]


def drawn(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> Network:
    """With random numbers as parameters and running statistics."""
    network = draw_params(layer.build(shape, dtype="float64"), rng)
    fixed = ("shift", "factor", "low")  # of Rescale and PiecewiseLinear, which are settings
    state = {
        path: value if path.split("/")[-1] in fixed else rng.uniform(0.5, 2.0, value.shape)
        for path, value in network.state.items()
    }
    return network.replace(state=state)


def called(network: Network, module: nn.Module, x: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """The module's input, in PyTorch's order, and its output in Backlit's."""
    whole = plan(network.architecture, network.input_shape)[""]
    given = torch.tensor(np.moveaxis(x, -1, 1).copy() if whole.into == "first" else x)
    given.requires_grad_(given.is_floating_point())
    output = module(given)
    return given, output.movedim(1, -1) if whole.out == "first" else output


@pytest.mark.filterwarnings("ignore::backlit.errors.ZeroGradientWarning")  # of Step
@pytest.mark.parametrize(("layer", "shape"), KINDS + MORE, ids=lambda case: str(case)[:60])
def test_outputs_and_gradients(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    network = drawn(layer, shape, rng)
    x = inputs(layer, shape, rng)
    if isinstance(layer, bl.Masked) and np.isnan(layer.value):
        x[1, 2:] = np.nan
    module = network.to_torch()
    assert not module.training
    given, output = called(network, module, x)
    ours, by_params, by_input = outputs_and_gradients(network, x)
    np.testing.assert_allclose(output.detach().numpy(), ours["output"], rtol=1e-9, atol=1e-10)
    (output * torch.tensor(weighing(tuple(output.shape)))).sum().backward()
    if by_input is not None:
        gradient = given.grad.movedim(1, -1) if given.shape[1:] != shape else given.grad
        np.testing.assert_allclose(gradient.numpy(), by_input, rtol=1e-8, atol=1e-9)
    # A step against the gradients leads both to the same network: so every parameter has its own gradient.
    stepped = network.replace(params=tree.map(lambda p, g: p - 1e-3 * g, network.params, by_params))
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "bias_hh" in name and parameter.grad is not None:  # a GRU's, which is the first's but for the candidate
                parameter.grad[: 2 * len(parameter) // 3] = 0
            if parameter.grad is not None:
                parameter -= 1e-3 * parameter.grad
    _, moved = called(network, module, x)
    np.testing.assert_allclose(moved.detach().numpy(), np.asarray(stepped(x)), rtol=1e-8, atol=1e-9)


def test_every_layer_of_the_package_is_mapped_or_refused() -> None:
    mapped = {type(part).__name__ for layer, _ in KINDS + MORE for _, part in layer.walk()}
    own = {name for name, kind in Layer.kinds.items() if is_own(kind)}
    assert own == (mapped & own) | set(REFUSED)


@pytest.mark.parametrize(("layer", "shape"), [case for case in CASES if type(case[0]).__name__ in REFUSED], ids=str)
def test_what_is_refused_is_named(layer: Layer, shape: tuple[int, ...]) -> None:
    network = bl.Sequential(bl.Identity(), layer).build(shape) if not layer.takes_integers else layer.build(shape)
    with pytest.raises(
        InputError, match=rf"to_torch: layer .* \({type(layer).__name__}.*{REFUSED[type(layer).__name__]}"
    ):
        network.to_torch()


def test_more_that_is_refused() -> None:
    with pytest.raises(InputError, match=r"layer - \(GRU.*stateful and return_states have no counterpart"):
        STATEFUL[0].build(STATEFUL[1]).to_torch()
    with pytest.raises(InputError, match="PyTorch's attention gives as many features as it gets, not 4 of 5"):
        UNEVEN[0].build(UNEVEN[1]).to_torch()
    with pytest.raises(InputError, match="to_torch takes a network that was built"):
        Network.to_torch.function(bl.Linear(2))


def test_the_module_is_pytorchs_own_and_pictures_have_channels_first() -> None:
    layers = (bl.Conv2d(4, 3, padding=1), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(5))
    module = bl.Sequential(*layers).build((6, 6, 3)).to_torch()
    kinds = [type(part) for part in module]
    assert kinds == [nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear]
    assert module(torch.zeros(2, 3, 6, 6)).shape == (2, 5)
    assert list(module.state_dict()) == ["0.weight", "0.bias", "4.weight", "4.bias"]


def test_frozen_parameters_require_no_gradient() -> None:
    network = bl.Sequential(bl.LSTM(3), bl.Linear(2), bl.Rescale((0.0,), (1.0,)), bl.PReLU()).build((4, 2))
    module: Any = network.freeze("0/bias", "1", "3").to_torch()
    assert {name for name, p in module.named_parameters() if p.requires_grad} == {"0.weight_ih_l0", "0.weight_hh_l0"}
    free = {name for name, p in network.to_torch().named_parameters() if not p.requires_grad}
    assert free == {"0.bias_hh_l0"}  # Backlit has one bias: PyTorch's second stays zero


def test_training_goes_on_in_pytorch(rng: np.random.Generator) -> None:
    """Dropout, batch statistics and updates are PyTorch's business then; the loss falls."""
    torch.manual_seed(0)  # of its dropout
    network = bl.Sequential(bl.Conv2d(4, 3), bl.BatchNorm(), bl.ReLU(), bl.Flatten(), bl.Dropout(0.1), bl.Linear(2))
    module = network.build((5, 5, 1)).to_torch().train()
    x, y = torch.tensor(rng.normal(size=(40, 1, 5, 5)), dtype=torch.float32), torch.arange(40) % 2
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
