"""A row that is predicted alone: layers that want more of them, and networks that cost too much."""

from dataclasses import dataclass

import numpy as np
import pytest

import backlit as bl
from backlit.train.probes import alone


@dataclass(frozen=True)
class Wanting(bl.Layer):
    """Takes no batch of one row, and says so in its own way."""

    error: type = AssertionError

    def __call__(self, params, x, ctx=None):
        if x.shape[0] == 1:
            raise self.error("rows come in pairs")
        return bl.ops.tanh(x)


@pytest.mark.parametrize("error", [AssertionError, RuntimeError, KeyError, AttributeError, ZeroDivisionError])
def test_a_layer_that_takes_no_single_row_loses_no_run(error, tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    net = bl.Sequential(bl.Linear(4), Wanting(error), bl.Linear(1))
    run = bl.fit(net, x, x[:, :1], epochs=1, engine="numpy", progress=False)
    assert "alone" not in run.start["data"]
    assert run.start["data"]["rows"] == 40
    assert not [found for found in run.diagnose() if found.name == "batch-dependent outputs"]


def test_a_costly_network_isnt_asked(monkeypatch):
    network, x = bl.Sequential(bl.Linear(2)).build((3,)), np.ones((4, 3))
    assert "alone" in alone.of_one_row(network, x)
    monkeypatch.setattr(alone, "WORK", 5 * 3 * 2 - 1)  # multiply-adds of four rows and one
    assert alone.of_one_row(network, x) == {}
