"""Convolution layers against PyTorch, what they cost, how they start, and networks made of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.data import datasets, split
from backlit.graph import tree
from tests.nn.common import ChannelsLast, copy_into, draw_params, outputs_and_gradients, torch_gradients

CLOSE: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}


def moved(params: dict[str, Any]) -> dict[str, Any]:
    """Our weight in PyTorch's layout; also the other way, for gradients."""
    return {name: np.moveaxis(np.asarray(v), -1, 1) if np.ndim(v) > 1 else v for name, v in params.items()}


CASES: list[tuple[bl.Layer, Any, tuple[int, ...]]] = [
    (bl.Conv1d(6, 3), torch.nn.Conv1d(4, 6, 3), (9, 4)),
    (
        bl.Conv1d(6, 3, stride=2, padding=2, dilation=2, groups=2),
        torch.nn.Conv1d(4, 6, 3, 2, 2, 2, 2),
        (9, 4),
    ),
    (bl.Conv2d(5, 3), torch.nn.Conv2d(3, 5, 3), (6, 7, 3)),
    (bl.Conv2d(5, 3, padding="same", bias=False), torch.nn.Conv2d(3, 5, 3, padding="same", bias=False), (6, 7, 3)),
    (
        bl.Conv2d(6, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=3),
        torch.nn.Conv2d(3, 6, (3, 2), (1, 2), (2, 1), (2, 1), 3),
        (6, 7, 3),
    ),
    (bl.Conv2d(4, 3, padding=1, groups=4), torch.nn.Conv2d(4, 4, 3, padding=1, groups=4), (5, 5, 4)),
    (bl.ConvTranspose1d(6, 3), torch.nn.ConvTranspose1d(4, 6, 3), (5, 4)),
    (
        bl.ConvTranspose1d(6, 3, stride=3, padding=1, output_padding=2, dilation=2, groups=2),
        torch.nn.ConvTranspose1d(4, 6, 3, 3, 1, 2, 2, True, 2),
        (5, 4),
    ),
    (
        bl.ConvTranspose2d(3, (2, 3), stride=(2, 1), padding=(0, 1), bias=False),
        torch.nn.ConvTranspose2d(4, 3, (2, 3), (2, 1), (0, 1), bias=False),
        (3, 4, 4),
    ),
]


@pytest.mark.parametrize(("layer", "module", "shape"), CASES, ids=lambda case: str(case))
def test_layers_equal_pytorchs(layer: bl.Layer, module: Any, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    network = draw_params(layer.build(shape, dtype="float64"), rng)
    x = rng.normal(size=(3, *shape))
    copy_into(module, moved(network.params))
    output, theirs, by_their_input = torch_gradients(ChannelsLast(module), x)
    for compiled in (False, True):
        ours, by_params, by_input = outputs_and_gradients(network, x, compiled=compiled)
        np.testing.assert_allclose(ours["output"], output, **CLOSE)
        np.testing.assert_allclose(by_input, by_their_input, **CLOSE)
        for name, gradient in moved(by_params).items():
            np.testing.assert_allclose(gradient, theirs[f"inner.{name}"], **CLOSE)


def test_batch_norm_of_pictures_is_batch_norm(rng: np.random.Generator) -> None:
    """Channels come last, so the one layer serves features, lines and pictures; against BatchNorm2d, both modes."""
    network = draw_params(bl.BatchNorm(momentum=0.2).build((4, 5, 3), dtype="float64"), rng)
    module = torch.nn.BatchNorm2d(3, momentum=0.2)
    copy_into(module, {"weight": network.params["scale"], "bias": network.params["bias"]})
    for training in (True, True, False):
        x = rng.normal(2.0, 3.0, size=(6, 4, 5, 3))
        ours, by_params, by_input = outputs_and_gradients(network, x, training=training)
        network = network.replace(state=ours["state"])
        module.train(training)
        module.zero_grad()
        output, theirs, by_their_input = torch_gradients(ChannelsLast(module), x)
        np.testing.assert_allclose(ours["output"], output, **CLOSE)
        np.testing.assert_allclose(by_input, by_their_input, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(by_params["scale"], theirs["inner.weight"], **CLOSE)
        np.testing.assert_allclose(network.state["variance"], module.running_var, rtol=1e-12)


def test_dropout_by_channel_drops_whole_channels_of_an_example() -> None:
    x = np.ones((50, 4, 3, 8))
    y = bl.Dropout(0.25, by_channel=True)({}, x, bl.Context(training=True, seed=1))
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert 0.2 < (y[:, 0, 0] == 0).mean() < 0.3
    assert len({row.tobytes() for row in y[:, 0, 0]}) > 20  # each example loses others


@pytest.mark.parametrize(
    ("layer", "shape", "output", "cost", "size"),
    [
        (bl.Conv2d(32, 3), (28, 28, 1), (26, 26, 32), 26 * 26 * 32 * 9, 32 * 9 + 32),
        (bl.Conv2d(64, 3), (26, 26, 32), (24, 24, 64), 24 * 24 * 64 * 9 * 32, 64 * 9 * 32 + 64),
        (bl.Conv2d(8, 3, groups=4, bias=False), (6, 6, 4), (4, 4, 8), 4 * 4 * 8 * 9, 8 * 9),
        (bl.Conv1d(4, 5, stride=2, padding="same"), (10, 3), (5, 4), 5 * 4 * 5 * 3, 4 * 5 * 3 + 4),
        (bl.ConvTranspose2d(3, 2, stride=2), (5, 5, 8), (10, 10, 3), 5 * 5 * 8 * 4 * 3, 8 * 4 * 3 + 3),
        (bl.ConvTranspose1d(4, 3, padding="same", stride=2), (5, 2), (10, 4), 5 * 2 * 3 * 4, 2 * 3 * 4 + 4),
    ],
    ids=str,
)
def test_shapes_cost_and_size_by_hand(layer: Any, shape: Any, output: Any, cost: int, size: int) -> None:
    network = layer.build(shape)
    assert network.output_shape == layer.output_shape(shape) == output
    assert layer.cost(shape) == cost
    assert network.size == size
    assert network(np.ones((2, *shape), dtype="float32")).shape == (2, *output)


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (bl.Conv2d(64, 5), 5 * 5 * 32),
        (bl.Conv2d(64, (3, 7), groups=4), 3 * 7 * 8),
        (bl.Conv1d(256, 9), 9 * 32),
        (bl.ConvTranspose2d(64, 5, groups=2), 5 * 5 * 16),
    ],
    ids=str,
)
def test_kaiming_draws_by_channels_times_kernel(layer: bl.Layer, fan_in: int) -> None:
    weight = layer.build((9, 9, 32)[-(layer.axes + 1) :]).params["weight"]  # type: ignore[attr-defined]
    assert abs(weight.std() / np.sqrt(2 / fan_in) - 1) < 0.02
    assert abs(weight.mean()) < 0.01


def test_lists_from_json_are_settings_too() -> None:
    layer = bl.Conv2d(4, [3, 2], stride=[1, 2], padding=[[1, 0], 2])  # type: ignore[arg-type, list-item]
    assert layer == bl.Conv2d(4, (3, 2), stride=(1, 2), padding=((1, 0), 2))
    assert bl.Layer.from_dict(json.loads(json.dumps(layer.to_dict()))) == layer
    assert repr(layer) == "Conv2d(4, (3, 2), stride=(1, 2), padding=((1, 0), 2))"


@pytest.mark.parametrize(
    ("f", "kind", "text"),
    [
        (
            lambda: bl.Sequential(bl.Conv2d(8, 3), bl.Conv2d(8, 5)).build((5, 5, 1)),
            bl.ShapeError,
            r"layer 1 \(Conv2d\(8, 5\)\): .*kernel that reaches over \(5, 5\) is larger than the input of \(3, 3\)",
        ),
        (
            lambda: bl.Sequential(bl.Conv2d(8, 3)).build((64,)),
            bl.ShapeError,
            r"layer 0 .*needs inputs of shape \(height, width, channels\) with the channels last; .* got \(64,\)",
        ),
        (
            lambda: bl.Conv2d(8, 3, groups=4).build((5, 5, 6)),
            bl.ShapeError,
            r"can't split the inputs' 6 channels into 4 equal groups \(inputs of shape \(5, 5, 6\)\); choose groups",
        ),
        (lambda: bl.Conv2d(9, 3, groups=2).build((5, 5, 6)), bl.ShapeError, r"can't split its own 9 channels into 2"),
        (
            lambda: bl.Conv2d(8, 3)(bl.Conv2d(8, 3).build((5, 5, 2)).params, np.ones((1, 5, 5, 3))),
            bl.ShapeError,
            r"x of shape \(1, 5, 5, 3\) has 3 channels, the weight of shape \(8, 3, 3, 2\) is for 2; channels",
        ),
        (lambda: bl.Conv1d(8, 3).build((5, 5, 2)), bl.ShapeError, r"needs inputs of shape \(size, channels\)"),
        (lambda: bl.Conv2d(0, 3), bl.InputError, r"Conv2d: channels must be a whole number of at least 1, got 0"),
        (lambda: bl.Conv2d(8, 0), bl.InputError, r"Conv2d: kernel must be a whole number of at least 1, or 2 of them"),
        (lambda: bl.Conv2d(8, (3, 3, 3)), bl.InputError, r"Conv2d: kernel must be"),
        (lambda: bl.Conv2d(8, 3, stride=0), bl.InputError, r"Conv2d: stride must be"),
        (lambda: bl.Conv2d(8, 3, dilation=1.5), bl.InputError, r"Conv2d: dilation must be"),
        (lambda: bl.Conv2d(8, 3, padding="full"), bl.InputError, r"Conv2d: padding must be 'valid', 'same', "),
        (lambda: bl.Conv2d(8, 3, groups=True), bl.InputError, r"Conv2d: groups must be"),
        (lambda: bl.Conv2d(8, 3, weight_init="kaimin"), bl.UnknownNameError, "kaiming"),
        (
            lambda: bl.ConvTranspose2d(8, 3, stride=2, output_padding=2),
            bl.InputError,
            r"ConvTranspose2d: output_padding must be below the stride \(2, 2\), got \(2, 2\)",
        ),
        (
            lambda: bl.ConvTranspose1d(8, 3, padding=3).build((2, 4)),
            bl.ShapeError,
            r"ConvTranspose1d\(8, 3, padding=3\): .* gives an output of \(-2,\); use less padding",
        ),
    ],
)
def test_mistakes_say_layer_expected_got_and_remedy(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        f()


# ------------------------------------------------------------------------------------------------- networks


def blocks(zero_start: bool) -> bl.Sequential:
    """Twenty residual blocks for pictures."""
    return bl.Sequential(
        *[
            bl.Residual(
                bl.Conv2d(8, 3, padding="same"), bl.ReLU(), bl.Conv2d(8, 3, padding="same"), zero_start=zero_start
            )
            for _ in range(20)
        ]
    )


def test_the_variance_stays_through_twenty_blocks_that_start_at_zero(rng: np.random.Generator) -> None:
    """Without, each block adds its own variance: about as much as it gets, so that twenty make a million of one."""
    x = rng.normal(size=(4, 8, 8, 8)).astype("float32")
    steady, growing = (blocks(zero_start).build((8, 8, 8))(x) for zero_start in (True, False))
    np.testing.assert_array_equal(steady, x)
    assert growing.var() / x.var() > 1e4


def test_blocks_that_start_at_zero_learn() -> None:
    """The last weights get a gradient at once, and after one step so do the others."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 6, 6, 2)), rng.normal(size=(16, 6, 6, 2))
    block = bl.Residual(bl.Conv2d(4, 3, padding="same"), bl.ReLU(), bl.Conv2d(2, 3, padding="same"), zero_start=True)
    run = bl.fit(block, x, y, loss="mse", optimizer=bl.Adam(1e-2), epochs=3, batch_size=8, seed=0)
    start = block.build((6, 6, 2)).params
    assert run.history[-1]["loss"] < run.history[0]["loss"]
    assert all(
        not np.array_equal(a, b) for a, b in zip(tree.leaves(run.network.params), tree.leaves(start), strict=True)
    )


def test_stacked_channels_are_projected_by_residuals(rng: np.random.Generator) -> None:
    """A block that changes the number of channels adds a 1×1 projection: a matrix on the last axis."""
    block = bl.Residual(bl.Conv2d(6, 3, padding="same")).build((5, 5, 2))
    assert block.params["projection"]["weight"].shape == (6, 2)
    assert block(rng.normal(size=(2, 5, 5, 2)).astype("float32")).shape == (2, 5, 5, 6)


@pytest.mark.slow
def test_a_small_cnn_reads_digits() -> None:
    """8×8 digits, a fifth held out: at least 98.5 % over five seeds of split and start."""
    digits = datasets.load("digits")
    x = digits.x / 16
    network = bl.Sequential(
        bl.Reshape((8, 8, 1)),
        bl.Conv2d(16, 3, padding="same"), bl.ReLU(),
        bl.Conv2d(32, 3, padding="same"), bl.ReLU(), bl.MaxPool2d(2),
        bl.Flatten(), bl.Dropout(0.5), bl.Linear(10),
    )  # fmt: skip
    found = []
    for seed in range(5):
        train, test = split(len(x), (0.8, 0.2), seed=seed, stratify=digits.y)
        run = bl.fit(
            network, x[train], digits.y[train], loss="cross_entropy", optimizer=bl.Adam(1e-3), epochs=30, seed=seed
        )
        found.append(np.mean(run.predict(x[test]) == digits.y[test]))
    assert np.mean(found) >= 0.985, found


def test_a_cnn_trains_alike_in_both_engines(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(24, 6, 6, 1)), rng.integers(0, 3, 24)
    network = bl.Sequential(
        bl.Conv2d(4, 3), bl.BatchNorm(), bl.ReLU(), bl.MaxPool2d(2), bl.Conv2d(4, 2, padding="same", groups=4),
        bl.Dropout(0.2, by_channel=True), bl.GlobalAvgPool(), bl.Linear(3),
    )  # fmt: skip
    histories = [
        bl.fit(network, x, y, loss="cross_entropy", epochs=3, batch_size=8, engine=engine, dtype="float64").history
        for engine in ("numpy", "xla")
    ]
    losses = [[epoch["loss"] for epoch in history] for history in histories]
    np.testing.assert_allclose(*losses, rtol=1e-9)
