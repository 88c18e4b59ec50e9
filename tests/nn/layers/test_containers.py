"""Sequential, Residual and Parallel."""

from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError
from tests.nn.common import copy_into, draw_params, outputs_and_gradients, torch_gradients


def test_sequential_equals_pytorch(rng: np.random.Generator) -> None:
    network = draw_params(
        bl.Sequential(bl.Linear(6), bl.Tanh(), bl.Linear(5), bl.ELU(), bl.Linear(2)).build((4,), dtype="float64"), rng
    )
    x = rng.normal(size=(7, 4))
    ours, by_params, by_input = outputs_and_gradients(network, x)
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 5), torch.nn.ELU(), torch.nn.Linear(5, 2)
    )
    copy_into(module, {f"{i}.{name}": value for i, own in network.params.items() for name, value in own.items()})
    output, theirs, theirs_input = torch_gradients(module, x)
    np.testing.assert_allclose(ours["output"], output, rtol=1e-12)
    np.testing.assert_allclose(by_input, theirs_input, rtol=1e-11)
    for name, gradient in theirs.items():
        layer, part = name.split(".")
        np.testing.assert_allclose(by_params[layer][part], gradient, rtol=1e-10, atol=1e-14)


def test_sequential_refuses_other_things() -> None:
    with pytest.raises(InputError, match=r"Sequential: part 1 must be a layer such as bl.Linear\(64\), got 'relu'"):
        bl.Sequential(bl.Linear(2), "relu")  # type: ignore[arg-type]


class TorchResidual(torch.nn.Module):
    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.first = torch.nn.Linear(3, width)
        self.second = torch.nn.Linear(width, units)
        self.projection = torch.nn.Linear(3, units, bias=False) if units != 3 else None

    def forward(self, x: Any) -> Any:
        y = self.second(torch.tanh(self.first(x)))
        return y + (x if self.projection is None else self.projection(x))


@pytest.mark.parametrize("units", [3, 5])
def test_residual_equals_pytorch(units: int, rng: np.random.Generator) -> None:
    block = bl.Residual(bl.Linear(4), bl.Tanh(), bl.Linear(units))
    network = draw_params(block.build((3,), dtype="float64"), rng)
    names = {"first": ("body", "0"), "second": ("body", "2"), "projection": ("projection",)}
    values = {}
    for theirs, path in names.items():
        own = network.params
        for key in path:
            own = own.get(key, {})
        values.update({f"{theirs}.{part}": value for part, value in own.items()})
    assert ("projection.weight" in values) == (units != 3)
    x = rng.normal(size=(6, 3))
    ours, by_params, by_input = outputs_and_gradients(network, x)
    module = TorchResidual(4, units)
    copy_into(module, values)
    output, by_theirs, theirs_input = torch_gradients(module, x)
    np.testing.assert_allclose(ours["output"], output, rtol=1e-12)
    np.testing.assert_allclose(by_input, theirs_input, rtol=1e-11)
    np.testing.assert_allclose(by_params["body"]["2"]["weight"], by_theirs["second.weight"], rtol=1e-11)
    if units != 3:
        np.testing.assert_allclose(by_params["projection"]["weight"], by_theirs["projection.weight"], rtol=1e-11)


def test_a_block_that_starts_at_zero_is_the_identity_and_learns(rng: np.random.Generator) -> None:
    block = bl.Residual(bl.Linear(8), bl.ReLU(), bl.Sequential(bl.Linear(4)), zero_start=True).build((4,))
    x = rng.normal(size=(10, 4)).astype("float32")
    np.testing.assert_array_equal(block(x), x)
    assert block.params["body"]["0"]["weight"].any()
    run = bl.fit(block, x, 2 * x, loss="mse", optimizer=bl.Adam(0.01), epochs=50, batch_size=None, progress=False)
    assert run.history[-1]["loss"] < 0.3 * run.history[0]["loss"]


def test_zero_start_keeps_the_variance_through_many_blocks(rng: np.random.Generator) -> None:
    """With Kaiming weights Var(x + F(x)) > Var(x) and grows block by block; with zero_start it stays."""
    x = rng.normal(size=(500, 64)).astype("float32")
    spread = {}
    for zero_start in (False, True):
        blocks = [
            bl.Residual(
                bl.Linear(64, weight_init="kaiming"), bl.ReLU(), bl.Linear(64, weight_init="kaiming"),
                zero_start=zero_start,
            )
            for _ in range(10)
        ]  # fmt: skip
        spread[zero_start] = bl.Sequential(*blocks).build((64,))(x).var()
    assert spread[True] == pytest.approx(x.var())
    assert spread[False] > 100 * x.var()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bl.Residual(), r"Residual needs at least one layer"),
        (lambda: bl.Residual(bl.Linear(2), 3), r"Residual: part 1 must be a layer"),
        (
            lambda: bl.Residual(bl.Linear(5), projection=False).build((3,)),
            r"inputs of shape \(3,\) can't be added to outputs of shape \(5,\); let the last layer give as many",
        ),
        (lambda: bl.Residual(bl.Flatten()).build((3, 2)), r"sizes other than the last can't be projected"),
        (
            lambda: bl.Residual(bl.Tanh(), zero_start=True).build((3,)),
            r"zero_start=True, but there are no weights in Tanh",
        ),
        (lambda: bl.Parallel(), r"Parallel needs at least one layer"),
        (lambda: bl.Parallel("relu"), r"Parallel: part 0 must be a layer"),
        (
            lambda: bl.Parallel(bl.Linear(3), bl.Linear(2), combine="sum").build((4,)),
            r"Parallel: shapes \(3,\), \(2,\) have no sum: they must be equal; use combine='concatenate'",
        ),
        (
            lambda: bl.Parallel(bl.Flatten(), bl.Linear(2)).build((4, 3)),
            r"Parallel: shapes \(12,\), \(4, 2\) can't be concatenated: all sizes but the last must be equal",
        ),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises((InputError, ShapeError), match=message):
        make()


def test_unknown_way_of_combining() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown combine of Parallel 'add'.*concatenate, mean, mean_sigmoid"):
        bl.Parallel(bl.Linear(2), combine="add")


@pytest.mark.parametrize("combine", ["concatenate", "sum", "mean"])
def test_parallel(combine: str, rng: np.random.Generator) -> None:
    network = bl.Parallel(bl.Linear(3), bl.Linear(3), bl.Identity(), combine=combine).build((3,), dtype="float64")
    x = rng.normal(size=(4, 3))
    parts = [x @ network.params[i]["weight"].T + network.params[i]["bias"] for i in "01"] + [x]
    expected = {"concatenate": np.concatenate(parts, 1), "sum": sum(parts), "mean": sum(parts) / 3}[combine]
    np.testing.assert_allclose(network(x), expected, rtol=1e-12)


def test_reprs() -> None:
    residual = bl.Residual(bl.Linear(2), projection=False, zero_start=True)
    assert repr(residual) == "Residual(Linear(2), projection=False, zero_start=True)"
    assert repr(bl.Parallel(bl.Linear(2), bl.Tanh(), combine="sum")) == "Parallel(Linear(2), Tanh(), combine='sum')"
