"""L-BFGS as an optimizer against PyTorch's, in both engines, and what it needs."""

import numpy as np
import pytest
import torch

import backlit as bl
from backlit import optim
from backlit.errors import InputError


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    return x, np.tanh(x @ rng.normal(size=4))


@pytest.fixture(scope="module")
def network():
    return bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(1)).build((4,), seed=3, dtype="float64")


def published(network, x, y, epochs, **options):
    """Losses and first weights of PyTorch's, one step an epoch."""
    linear = [torch.nn.Linear(4, 8), torch.nn.Linear(8, 1)]
    model = torch.nn.Sequential(linear[0], torch.nn.Tanh(), linear[1]).double()
    with torch.no_grad():
        for layer, name in zip(linear, ("0", "2"), strict=True):
            layer.weight.copy_(torch.tensor(network.params[name]["weight"].copy()))
            layer.bias.copy_(torch.tensor(network.params[name]["bias"].copy()))
    x, y = torch.tensor(x), torch.tensor(y)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=1, tolerance_grad=0, tolerance_change=0, **options)

    def closure():
        optimizer.zero_grad()
        loss = ((model(x)[:, 0] - y) ** 2).mean()
        loss.backward()
        return loss

    return [optimizer.step(closure).item() for _ in range(epochs)], linear[0].weight.detach().numpy()


@pytest.mark.parametrize("engine", ["numpy", "xla"])
@pytest.mark.parametrize(("rate", "memory"), [(1.0, 10), (0.5, 3)])
def test_equal_to_pytorchs(data, network, engine, rate, memory):
    losses, weights = published(network, *data, 25, lr=rate, history_size=memory)
    run = bl.fit(
        network, *data, optimizer=optim.LBFGS(rate, memory=memory), batch_size="full", epochs=25, dtype="float64",
        engine=engine, probes=None,
    )  # fmt: skip
    np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-7, atol=1e-13)
    np.testing.assert_allclose(run.network.params["0"]["weight"], weights, atol=1e-7)


def test_all_rows_are_needed(data, network):
    with pytest.raises(InputError) as told:
        bl.fit(network, *data, optimizer="lbfgs", batch_size=16)
    assert "needs all rows in every update: batch_size='full'" in str(told.value)


def test_a_plateau_can_not_be_its_rate():
    with pytest.raises(InputError, match="ReduceOnPlateau"):
        optim.LBFGS(optim.ReduceOnPlateau(1.0))


def test_it_is_resumed_bit_for_bit(data, network, tmp_path):
    options = {"optimizer": "lbfgs", "batch_size": "full", "engine": "numpy", "probes": None}
    whole = bl.fit(network, *data, epochs=12, **options)
    bl.fit(network, *data, epochs=5, checkpoint=tmp_path / "run", **options)
    resumed = bl.fit(network, *data, epochs=12, checkpoint=tmp_path / "run", resume=True, **options)
    assert resumed.history["loss"] == whole.history["loss"]
