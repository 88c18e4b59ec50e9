"""Embedding, against PyTorch and against one-hot vectors times the table."""

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError
from tests.nn.common import copy_into, outputs_and_gradients, torch_gradients

WORDS = np.array([[1, 4, 1], [0, 1, 6]])


def test_equals_pytorch() -> None:
    network = bl.Embedding(7, 3).build((3,), dtype="float64")
    ours, by_params, _ = outputs_and_gradients(network, WORDS)
    module = torch.nn.Embedding(7, 3)
    copy_into(module, network.params)
    output, theirs, _ = torch_gradients(module, WORDS)
    np.testing.assert_array_equal(ours["output"], output)
    np.testing.assert_allclose(by_params["weight"], theirs["weight"], rtol=1e-12)
    assert not by_params["weight"][[2, 3, 5]].any()  # words that didn't occur


def test_equals_one_hot_vectors_times_the_table() -> None:
    network = bl.Embedding(7, 3).build((3,), dtype="float64")
    one_hot = np.eye(7)[WORDS]
    np.testing.assert_array_equal(network(WORDS), one_hot @ network.params["weight"])


def test_starts_standard_normal_and_takes_lists() -> None:
    network = bl.Embedding(1000, 50).build((3,))
    assert network.params["weight"].std() == pytest.approx(1.0, abs=0.02)
    assert network.takes_integers
    assert bl.Sequential(bl.Embedding(7, 3), bl.Flatten(), bl.Linear(2)).build((3,))([[0, 1, 2]]).shape == (1, 2)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_learns(engine: str, rng: np.random.Generator) -> None:
    """Whether two of eight words stand in order of their (hidden) ranks."""
    x = rng.integers(0, 8, (200, 2))
    rank = rng.permutation(8)
    y = (rank[x[:, 0]] > rank[x[:, 1]]).astype(int)
    net = bl.Sequential(bl.Embedding(8, 4), bl.Flatten(), bl.Linear(16), bl.Tanh(), bl.Linear(2))
    run = bl.fit(net, x, y, epochs=40, optimizer=bl.Adam(0.02), engine=engine, progress=False)
    assert run.history[-1]["accuracy"] > 0.98


def test_refusals() -> None:
    network = bl.Embedding(7, 3).build((2,))
    with pytest.raises(InputError, match="inputs must be from 0 to 6, got 7 in row"):
        network(np.array([[0, 7]]))
    with pytest.raises(InputError, match="inputs must be from 0 to 6, got -1 in row"):
        network(np.array([[-1, 3]]))
    with pytest.raises(InputError, match="inputs must be whole numbers from 0 to 6, got dtype float64"):
        network(np.array([[0.0, 1.0]]))
    with pytest.raises(InputError, match="Embedding: count must be a whole number of at least 1, got 0"):
        bl.Embedding(0, 3)
