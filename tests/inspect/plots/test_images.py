"""Weights, filters, feature maps and augmented pictures."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError

CNN = bl.Sequential(bl.Conv2d(5, 3), bl.ReLU(), bl.Conv2d(4, (2, 3)), bl.Flatten(), bl.Linear(3)).build((8, 9, 1))


def tiles(axis: Any, count: int, columns: int, height: int, width: int) -> np.ndarray:
    """The pictures in a mosaic with a gap of one pixel."""
    image = np.ma.filled(axis.images[0].get_array(), np.nan)
    found = [image[i // columns * (height + 1) :, i % columns * (width + 1) :][:height, :width] for i in range(count)]
    return np.array(found)


def test_weights_lie_where_their_inputs_are() -> None:
    network = bl.Sequential(bl.Flatten(), bl.Linear(6)).build((4, 5, 1))
    axis = bl.plots.weights_as_images(network, "1").axes[0]
    weight = network.params["1"]["weight"]
    np.testing.assert_array_equal(tiles(axis, 6, 3, 4, 5), weight.reshape(6, 4, 5))
    low, high = axis.images[0].get_clim()
    assert -low == high == pytest.approx(abs(weight).max())  # 0 is grey


def test_weights_of_channels_side_by_side_and_squares_found() -> None:
    network = bl.Sequential(bl.Flatten(), bl.Linear(1)).build((2, 3, 2))
    weight = network.params["1"]["weight"].reshape(2, 3, 2)
    shown = bl.plots.weights_as_images(network, "1").axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, np.concatenate([weight[..., 0], weight[..., 1]], axis=1))
    flat = bl.Linear(3).build((25,))
    assert (
        bl.plots.weights_as_images(bl.Sequential(bl.Linear(3)).build((25,)), "0")
        .axes[0]
        .get_title()
        .endswith("5 × 5 inputs")
    )
    assert bl.plots.weights_as_images(flat, "").axes[0].get_title().endswith("3 units, 5 × 5 inputs")
    some = bl.plots.weights_as_images(flat, "", shape=(1, 25), most=2).axes[0]
    assert some.get_title() == "weights of layer : the first 2 of 3 units, 1 × 25 inputs"


def test_filters_of_one_channel_and_of_several() -> None:
    weight = CNN.params["0"]["weight"]
    axis = bl.plots.filters(CNN).axes[0]
    columns = (axis.images[0].get_array().shape[1] + 1) // 4
    np.testing.assert_array_equal(tiles(axis, 5, columns, 3, 3), weight[..., 0])
    frames = [frame.get_bbox().bounds for frame in axis.patches]  # a white tile doesn't melt into the page
    assert frames == [(i % columns * 4 - 0.5, i // columns * 4 - 0.5, 3, 3) for i in range(5)]
    axis = bl.plots.filters(CNN, "2", most=3).axes[0]
    weight = CNN.params["2"]["weight"][:3, :, :, :3]
    np.testing.assert_array_equal(tiles(axis, 9, 3, 2, 3).reshape(3, 3, 2, 3), weight.transpose(0, 3, 1, 2))
    assert axis.get_title() == "filters of layer 2: 4 outputs × 5 channels, 2 × 3 (the first 3 and 3)"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("channel", "output")


def test_feature_maps_are_the_layers_outputs(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 8, 9, 1)).astype("float32")
    figure = bl.plots.feature_maps(CNN, "1", x)
    part = bl.Sequential(*CNN.architecture.layers[:2])
    expected = np.asarray(part({"0": CNN.params["0"]}, x))
    for i in range(3):
        np.testing.assert_array_equal(figure.axes[2 * i].images[0].get_array(), x[i, ..., 0])
        np.testing.assert_array_equal(tiles(figure.axes[2 * i + 1], 5, 5, 6, 7), expected[i].transpose(2, 0, 1))
    assert len({axis.images[0].get_clim() for axis in figure.axes[1:6:2]}) == 1
    assert (
        bl.plots.feature_maps(CNN, "0", x[:1], most=2).axes[1].get_title()
        == "layer 0: the first 2 of 5 channels, 6 × 7"
    )


def test_augmented_pictures_beside_the_originals(rng: np.random.Generator) -> None:
    x = rng.random((2, 6, 6, 1)).astype("float32")
    layer = bl.Augment(flip=True)
    figure = bl.plots.augmented(layer, x, copies=3, seed=5)
    shown = np.array([axis.images[0].get_array() for axis in figure.axes]).reshape(2, 4, 6, 6)
    np.testing.assert_array_equal(shown[:, 0], x[..., 0])
    for step in range(3):
        expected = layer({}, x, bl.Context(training=True, seed=5, step=step, path="0"))
        np.testing.assert_array_equal(shown[:, step + 1], expected[..., 0])
    assert len(bl.plots.augmented(layer, rng.random((1, 6, 6, 3)), copies=1).axes) == 2


@pytest.mark.parametrize(
    ("draw", "error", "text"),
    [
        (lambda: bl.plots.weights_as_images(CNN, "5"), UnknownNameError, "unknown layer with weights '5'"),
        (lambda: bl.plots.weights_as_images(CNN, "0"), InputError, r"aren't a Linear layer's, .*layers that fit: 4"),
        (lambda: bl.plots.filters(CNN, "4"), InputError, r"have shape \(3, 100\), and .* layers that fit: 0, 2"),
        (lambda: bl.plots.filters(bl.Linear(3).build(4), ""), InputError, "no layer of this network fits"),
        (lambda: bl.plots.weights_as_images(bl.Linear(3).build(7), ""), InputError, r"make no square; give shape=\("),
        (
            lambda: bl.plots.weights_as_images(bl.Linear(3).build(7), "", (2, 3)),
            InputError,
            r"has 7 inputs, which don't",
        ),
        (lambda: bl.plots.filters(bl.Conv2d(3, 3)), InputError, "needs a network or a run, got Conv2d; build"),
        (lambda: bl.plots.filters(CNN, most=0), InputError, "must be a whole number of at least 1, got 0"),
        (lambda: bl.plots.feature_maps(CNN, "9", np.zeros((1, 8, 9, 1))), UnknownNameError, "unknown layer '9'"),
        (lambda: bl.plots.feature_maps(CNN, "4", np.zeros((1, 8, 9, 1))), ShapeError, r"gives \(3,\) for each picture"),
        (lambda: bl.plots.feature_maps(CNN, "0", np.zeros((9, 8, 9, 1))), InputError, "takes 1 to 8 pictures"),
        (lambda: bl.plots.feature_maps(CNN, "0", np.zeros((1, 8, 8, 1))), ShapeError, "built for inputs of shape"),
        (lambda: bl.plots.augmented(bl.Augment(), np.zeros((8, 8, 1))), InputError, "takes 1 to 12 pictures"),
        (lambda: bl.plots.augmented(bl.Augment(), np.zeros((1, 8, 8, 2))), InputError, "1 or 3 channels"),
    ],
)
def test_refuses(draw: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw()
