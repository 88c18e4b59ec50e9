"""Pooling layers against PyTorch, their shapes and their mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from tests.nn.common import ChannelsLast, outputs_and_gradients, torch_gradients

NN = torch.nn


class Global(torch.nn.Module):
    """PyTorch's adaptive pooling to one place, without that place."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.inner = module

    def forward(self, x: Any) -> Any:
        return self.inner(torch.movedim(x, -1, 1)).flatten(1)


@pytest.mark.parametrize(
    ("layer", "module", "shape"),
    [
        (bl.MaxPool1d(3, stride=2), ChannelsLast(NN.MaxPool1d(3, 2)), (9, 3)),
        (bl.MaxPool2d(2), ChannelsLast(NN.MaxPool2d(2)), (7, 6, 3)),
        (bl.MaxPool2d((3, 2), stride=(1, 2), padding=1), ChannelsLast(NN.MaxPool2d((3, 2), (1, 2), 1)), (7, 6, 3)),
        (bl.AvgPool1d(2), ChannelsLast(NN.AvgPool1d(2)), (9, 3)),
        (bl.AvgPool2d(3, 2), ChannelsLast(NN.AvgPool2d(3, 2)), (7, 6, 3)),
        (
            bl.AvgPool2d(3, 2, padding=1),
            ChannelsLast(NN.AvgPool2d(3, 2, 1, count_include_pad=False)),
            (7, 6, 3),
        ),
        (bl.AdaptiveAvgPool2d(3), ChannelsLast(NN.AdaptiveAvgPool2d(3)), (7, 6, 3)),
        (bl.AdaptiveAvgPool2d(4, 5), ChannelsLast(NN.AdaptiveAvgPool2d((4, 5))), (9, 3, 2)),
        (bl.GlobalAvgPool(), Global(NN.AdaptiveAvgPool2d(1)), (7, 6, 3)),
        (bl.GlobalMaxPool(), Global(NN.AdaptiveMaxPool2d(1)), (7, 6, 3)),
        (bl.GlobalAvgPool(), Global(NN.AdaptiveAvgPool1d(1)), (7, 3)),
    ],
    ids=lambda case: str(case),
)
def test_layers_equal_pytorchs(layer: bl.Layer, module: Any, shape: Any, rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, *shape))
    network = layer.build(shape, dtype="float64")
    output, _, by_their_input = torch_gradients(module, x)
    assert network.output_shape == output.shape[1:]
    for compiled in (False, True):
        ours, _, by_input = outputs_and_gradients(network, x, compiled=compiled)
        np.testing.assert_allclose(ours["output"], output, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(by_input, by_their_input, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("layer", [bl.MaxPool2d(2), bl.AvgPool2d(2), bl.GlobalMaxPool(), bl.AdaptiveAvgPool2d(2)])
def test_pooling_has_no_parameters_and_multiplies_nothing(layer: bl.Layer) -> None:
    assert layer.build((4, 4, 3)).size == 0
    assert layer.cost((4, 4, 3)) == 0


@pytest.mark.parametrize(
    ("f", "kind", "text"),
    [
        (
            lambda: bl.Sequential(bl.MaxPool2d(2), bl.MaxPool2d(2), bl.MaxPool2d(2)).build((7, 7, 1)),
            bl.ShapeError,
            r"layer 2 \(MaxPool2d\(2\)\): .*kernel that reaches over \(2, 2\) is larger than the input of \(1, 1\)",
        ),
        (
            lambda: bl.MaxPool2d(2).build((8, 8)),
            bl.ShapeError,
            r"MaxPool2d\(2\) needs inputs of shape \(height, width, channels\), got \(8, 8\)",
        ),
        (lambda: bl.AvgPool1d(2)({}, np.ones((2, 8))), bl.ShapeError, r"needs inputs of shape \(size, channels\), got"),
        (lambda: bl.MaxPool2d(2, padding=2).build((8, 8, 1)), bl.InputError, r"must be below the window's size"),
        (lambda: bl.MaxPool2d(0), bl.InputError, r"MaxPool2d: size must be a whole number of at least 1"),
        (lambda: bl.MaxPool2d(2, stride=(1, 0)), bl.InputError, r"MaxPool2d: stride must be"),
        (lambda: bl.AvgPool2d(2, padding="full"), bl.InputError, r"AvgPool2d: padding must be"),
        (
            lambda: bl.GlobalAvgPool().build((8,)),
            bl.ShapeError,
            r"GlobalAvgPool\(\) needs inputs of shape \(\.\.\., ch",
        ),
        (lambda: bl.AdaptiveAvgPool2d(0), bl.InputError, r"AdaptiveAvgPool2d: rows must be"),
        (lambda: bl.AdaptiveAvgPool2d(2, 0), bl.InputError, r"AdaptiveAvgPool2d: columns must be"),
        (lambda: bl.AdaptiveAvgPool2d(2).build((8, 1)), bl.ShapeError, r"needs inputs of shape \(height, width, ch"),
    ],
)
def test_mistakes_say_layer_expected_got_and_remedy(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        f()
