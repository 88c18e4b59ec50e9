"""Fixed scaling inside the network."""

import numpy as np
import pytest

import backlit as bl


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bytes_become_numbers_of_the_networks_type(rng, dtype):
    pixels = rng.integers(0, 256, (5, 4, 3, 2), dtype=np.uint8)
    network = bl.Rescale((100.0, 50.0), (40.0, 20.0)).build((4, 3, 2), dtype=dtype)
    found = network(pixels)
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found, (pixels - [100.0, 50.0]) / [40.0, 20.0], rtol=1e-6 if dtype == "float32" else 1e-12
    )
    np.testing.assert_array_equal(found, network(pixels.astype(dtype)))  # numbers are taken, too


def test_training_on_bytes_is_training_on_their_numbers(rng):
    """The device holds bytes; the losses are those of floating-point inputs scaled beforehand."""
    pixels = rng.integers(0, 256, (60, 4, 4, 1), dtype=np.uint8)
    y = (pixels.mean(axis=(1, 2, 3)) > 127).astype(int)
    net = bl.Sequential(bl.Flatten(), bl.Linear(2))
    options = {"epochs": 3, "validation": 0.2, "progress": False}
    inside = bl.fit(bl.Sequential(bl.Rescale((128.0,), (64.0,)), net), pixels, y, **options)
    twin = bl.fit(bl.Sequential(bl.Identity(), net), (pixels.astype("float32") - 128) / 64, y, **options)
    assert [round(line["val_loss"], 5) for line in inside.history] == [
        round(line["val_loss"], 5) for line in twin.history
    ]
    assert inside.inputs(pixels).dtype == np.uint8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bl.Rescale((1.0, 2.0), (1.0,)), "as many shifts as scales"),
        (lambda: bl.Rescale((1.0,), (0.0,)), "scales above 0"),
        (lambda: bl.Rescale((float("nan"),), (1.0,)), "shift must hold finite numbers"),
        (lambda: bl.Rescale("a", (1.0,)), "shift must hold finite numbers"),
        (lambda: bl.Rescale((1.0, 2.0), (1.0, 1.0)).build((4, 3)), r"needs inputs of last size 2, got shape \(4, 3\)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(bl.BacklitError, match=message):
        make()
