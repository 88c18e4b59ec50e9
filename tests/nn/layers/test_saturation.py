"""Saturation of every activation, against its own derivative by PyTorch."""

import math

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.nn.layers.saturation import limits

TORCH = {
    bl.Sigmoid(): torch.sigmoid,
    bl.Tanh(): torch.tanh,
    bl.ReLU(): torch.relu,
    bl.LeakyReLU(0.1): lambda x: torch.nn.functional.leaky_relu(x, 0.1),
    bl.ELU(): torch.nn.functional.elu,
    bl.ELU(0.5): lambda x: torch.nn.functional.elu(x, 0.5),
    bl.SELU(): torch.nn.functional.selu,
    bl.GELU(): torch.nn.functional.gelu,
    bl.GELU(approximate=True): lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    bl.SiLU(): torch.nn.functional.silu,
    bl.Softplus(): torch.nn.functional.softplus,
    bl.Identity(): lambda x: x,
}


@pytest.mark.parametrize("layer", TORCH, ids=repr)
def test_saturated_is_where_the_slope_is_below_a_hundredth(layer):
    x = np.concatenate([np.linspace(-12, 12, 4801), [0.0]])
    at = torch.tensor(x, requires_grad=True)
    TORCH[layer](at).sum().backward()
    slope = np.abs(at.grad.numpy())
    low, high = limits(layer)
    inner = (slope >= 0.01 * slope.max()) & (slope > 0)
    expected = (x < x[inner].min()) | (x > x[inner].max())  # the outer ends, not where a slope crosses zero on its way
    near = np.minimum(np.abs(x - low), np.abs(x - high)) < 0.002
    assert (layer.saturated(x, None) == expected)[~near].all()


def test_known_limits():
    assert limits(bl.Sigmoid()) == pytest.approx((-5.98, 5.98), abs=0.01)
    assert limits(bl.ReLU()) == (0.0, math.inf)
    assert limits(bl.Step()) == (math.inf, -math.inf)
    assert bl.Step().saturated(np.array([-1.0, 1.0]), None).all()
    assert limits(bl.Linear(3)) is None
    assert bl.Linear(3).saturated(np.zeros(3), np.zeros(3)) is None


def test_softmax_and_recurrent_layers_go_by_their_outputs():
    assert bl.Softmax().saturated(None, np.array([0.999, 0.001, 0.5])).tolist() == [True, True, False]
    assert bl.RNN(2).saturated(None, np.array([0.999, 0.9, -0.999])).tolist() == [True, False, True]
    assert bl.RNN(2, activation="relu").saturated(None, np.array([0.0, 0.9])).tolist() == [True, False]
    assert bl.LSTM(2).saturated(None, np.zeros(2)) is None
