"""PyTorch's modules as networks: outputs and gradients in float64, and words for what can't be taken over."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Network
from tests.exchange.torch import models
from tests.nn.common import outputs_and_gradients, weighing


def shake(module: nn.Module) -> nn.Module:
    """Random numbers in all parameters and running statistics, in float64."""
    generator = torch.Generator().manual_seed(0)
    module.double()
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point() and "table" not in name:
                tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) * 0.8 - 0.3)
                if "running_var" in name:
                    tensor.abs_().add_(0.5)
    return module


@pytest.mark.parametrize("case", models.CASES, ids=lambda case: case.name)
def test_outputs_and_gradients(case: models.Case) -> None:
    module = shake(case.make()).eval()
    before = copy.deepcopy(module.state_dict())
    example = case.example()
    network = bl.from_torch(module, example)
    assert network.dtype == np.float64
    for name, tensor in module.state_dict().items():  # it stays as it is
        assert torch.equal(tensor, before[name])
    for rows in (example.shape[case.batch], 5):  # of the example, and of another batch
        x = example if rows == example.shape[case.batch] else case.example(rows)
        given = x.clone().requires_grad_() if x.is_floating_point() else x
        module.zero_grad()
        expected = module(given)
        ours, by_params, by_input = outputs_and_gradients(
            network, np.transpose(x.numpy(), case.into).astype(given.detach().numpy().dtype)
        )
        np.testing.assert_allclose(
            ours["output"], np.transpose(expected.detach().numpy(), case.out), rtol=1e-9, atol=1e-10
        )
        weights = np.transpose(weighing(ours["output"].shape), np.argsort(case.out))
        (expected * torch.tensor(weights.copy())).sum().backward()
        if by_input is not None:
            np.testing.assert_allclose(by_input, np.transpose(given.grad.numpy(), case.into), rtol=1e-8, atol=1e-9)
    # A step against the gradients: the module that takes it, taken over again, is the network that takes it.
    stepped = network.replace(params=tree.map(lambda p, g: p - 1e-3 * g, network.params, by_params))
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "bias_hh" in name:
                parameter.grad[: None if "lstm" in name or "rnn" in name else 2 * len(parameter) // 3] = 0
            if parameter.grad is not None:
                parameter -= 1e-3 * parameter.grad
    again = bl.from_torch(module, example)
    for (path, leaf), (_, wanted) in zip(tree.items(again.params), tree.items(stepped.params), strict=True):
        np.testing.assert_allclose(leaf, wanted, rtol=1e-9, atol=1e-12, err_msg=path)


@pytest.mark.parametrize("case", [case for case in models.CASES if case.reads], ids=lambda case: case.name)
def test_what_it_becomes(case: models.Case) -> None:
    assert repr(bl.from_torch(case.make(), case.example()).architecture) == case.reads


@pytest.mark.parametrize(("make", "example", "message"), models.REFUSED)
def test_what_cannot_be_taken_over_is_told(make: Any, example: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bl.from_torch(make(), example)


def test_control_flow_names_module_file_and_line() -> None:
    with pytest.raises(InputError) as caught:
        bl.from_torch(nn.Sequential(nn.Linear(3, 3), models.Branching()), torch.zeros(2, 3))
    assert "can't follow module '1' (models.py, line" in str(caught.value)
    assert "`if x.sum() > 0:`" in str(caught.value)


def test_frozen_parameters_stay_frozen() -> None:
    module = nn.Sequential(
        nn.Linear(3, 4), nn.GRU(4, 5, batch_first=True), models.Output(), nn.LayerNorm(5, bias=False)
    )
    module[0].requires_grad_(False)
    module[1].weight_hh_l0.requires_grad_(False)
    network = bl.from_torch(module, torch.zeros(2, 6, 3))
    assert network.frozen == ("0/weight", "0/bias", "1/recurrent/weight", "2/bias")
    assert "weight 4×3 frozen" in str(network)


def test_training_and_evaluation_come_back_as_they_were() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
    module[1].eval()
    bl.from_torch(module, torch.zeros(2, 3))
    assert [part.training for part in module.modules()] == [True, True, False, True]
    assert int(module[2].num_batches_tracked) == 0


def test_examples_may_be_arrays_and_single_rows() -> None:
    module = nn.Linear(3, 4)
    for example in (np.zeros((1, 3)), torch.zeros(1, 3), np.zeros((4, 3), dtype="float32")):
        assert bl.from_torch(module, example).input_shape == (3,)
    assert bl.from_torch(module.half().float(), np.zeros((1, 3))).dtype == np.float32


def test_a_taken_over_network_trains_and_explains(rng: np.random.Generator) -> None:
    x = rng.normal(size=(60, 4)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    network = bl.from_torch(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.zeros(1, 4))
    run = bl.fit(network, x, y, epochs=20, optimizer=bl.Adam(0.05), probes=None)
    assert run.history[-1]["loss"] < 0.5 * run.history[0]["loss"]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (
            bl.Sequential(bl.Conv2d(4, 3, padding="same"), bl.BatchNorm(), bl.ReLU(), bl.Flatten(), bl.Linear(3)),
            (6, 5, 2),
        ),
        (
            bl.Sequential(bl.Conv2d(4, 3, 2, "same"), bl.Residual(bl.Conv2d(4, 3, padding=1)), bl.GlobalAvgPool()),
            (6, 5, 2),
        ),
        (bl.Sequential(bl.Embedding(9, 4), bl.Bidirectional(bl.GRU(3)), bl.Linear(2)), (6,)),
        (bl.Sequential(bl.LSTM(4, return_sequences=True), bl.LSTM(3), bl.PReLU()), (6, 2)),
        (bl.Sequential(bl.Rescale((1.0,), (2.0,)), bl.PiecewiseLinear(((0.0, 1.0),)), bl.Linear(2), bl.Step()), (3,)),
        (bl.Sequential(bl.EmbedColumns((4, 5)), bl.DropConnect(3, rate=0.2), bl.Temperature(2.0)), (4,)),
        (
            bl.Sequential(bl.PositionalEncoding("learned"), bl.MultiHeadAttention(4, 2, rotary=True), bl.RMSNorm()),
            (5, 4),
        ),
        (bl.Wired(bl.Linear(3), [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d"), ("c", "d")]), (3,)),
        (bl.Sequential(bl.TransformerBlock(4, 2, causal=True), bl.Select(), bl.Permute((1,))), (5, 4)),
        (bl.Sequential(bl.RNN(3, reverse=True), bl.Linear(2)), (5, 4)),
    ],
    ids=str,
)
def test_there_and_back(layer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    network: Network = layer.build(shape, dtype="float64").freeze(
        "*/bias" if "bias" in str(layer.build(shape)) else "*"
    )
    whole = (
        rng.integers(0, 4, (3, *shape))
        if network.takes_integers and "Embedding" in repr(layer)
        else rng.random((3, *shape))
    )
    if "EmbedColumns" in repr(layer):
        whole = rng.integers(0, 4, (3, *shape)).astype(float)
    example = torch.tensor(np.moveaxis(whole, -1, 1) if "Conv2d" in repr(layer) else whole)
    back = bl.from_torch(network.to_torch(), example)
    np.testing.assert_allclose(np.asarray(back(whole)), np.asarray(network(whole)), rtol=1e-12, atol=1e-12)
    assert back.size == network.size
    assert len(back.frozen) == len(network.frozen)


def test_outputs_that_differ_are_refused() -> None:
    """A module that draws numbers when it is called can't be held to its copy."""
    with pytest.raises(InputError, match="what was read gives something else than the module"):
        bl.from_torch(models.Noisy(), torch.ones(2, 3))


def test_functional_weights() -> None:
    module = models.Functional().double()
    x = torch.randn(4, 3, dtype=torch.float64)
    network = bl.from_torch(module, x)
    np.testing.assert_allclose(network(x.numpy()), module(x).detach().numpy(), atol=1e-12)
    assert functional is not None
