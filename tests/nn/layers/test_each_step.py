"""The same layers at each step."""

import numpy as np
import pytest

import backlit as bl
from backlit.nn.layer import Layer


def test_each_step_by_itself(rng):
    eye = bl.EachStep(bl.Conv2d(3, 3), bl.Tanh(), bl.Flatten(), bl.Linear(2))
    network = eye.build((4, 6, 5, 1), dtype="float64")
    x = rng.normal(size=(3, 4, 6, 5, 1))
    found = network(x)
    assert found.shape == (3, 4, 2) == (3, *network.output_shape)
    for step in range(4):
        np.testing.assert_allclose(found[:, step], eye.body(network.params["body"], x[:, step]), rtol=1e-12)
    compiled = bl.compile(lambda params, x: eye(params, x))
    np.testing.assert_allclose(compiled(network.params, x), found, rtol=1e-10)
    bl.check_gradients(lambda params: (eye(params, x) ** 2).sum(), network.params)
    assert network.architecture.cost((4, 6, 5, 1)) == 4 * eye.body.cost((6, 5, 1))


def test_batch_statistics_leave_out_padding(rng):
    """Neither rows that fill up a batch nor padded steps count."""
    layer = bl.EachStep(bl.BatchNorm())
    network = layer.build((3, 2), dtype="float64")
    x = rng.normal(size=(4, 3, 2))
    steps = np.array([[True, True, False], [True, False, False], [True] * 3, [True] * 3])
    rows = np.array([True, True, True, False])
    context = bl.Context(training=True, states=network.state, mask=rows, time_mask=steps)
    layer(network.params, x, context)
    real = x[steps & rows[:, None]]
    plain = bl.BatchNorm().build((2,), dtype="float64")
    alone = bl.Context(training=True, states=plain.state)
    plain.architecture(plain.params, real, alone)
    for name, value in alone.updates.items():
        np.testing.assert_allclose(context.updates[f"body/{name}"], value, rtol=1e-12)


def test_as_data_and_in_words():
    layer = bl.EachStep(bl.Linear(3), bl.ReLU())
    assert Layer.from_dict(layer.to_dict()) == layer
    assert repr(layer) == "EachStep(Linear(3), ReLU())"


def test_mistakes_are_told():
    with pytest.raises(bl.InputError, match="EachStep needs at least one layer"):
        bl.EachStep()
    with pytest.raises(bl.ShapeError, match=r"needs inputs of shape \(time, ...\), got \(5,\)"):
        bl.EachStep(bl.Linear(2)).build((5,))
    with pytest.raises(bl.ShapeError, match="layer body"):
        bl.EachStep(bl.Conv2d(2, 9)).build((3, 4, 4, 1))


def test_gestures_move_as_they_say():
    """The centre of mass moves in the class's direction, whatever the picture."""
    x, y = bl.data.gestures(np.random.default_rng(1).random((5, 4, 6)), rows=200, frames=4, size=14, noise=0.0, seed=3)
    places = np.arange(14)
    mass = x[..., 0].sum(axis=(2, 3))
    down = (x[..., 0].sum(axis=3) * places).sum(axis=2) / mass
    right = (x[..., 0].sum(axis=2) * places).sum(axis=2) / mass
    for name, own_down, own_right in zip(np.array(bl.data.DIRECTIONS)[y], np.diff(down), np.diff(right), strict=True):
        expected = ("down" in name) * 1 - ("up" in name) * 1, ("right" in name) * 1 - ("left" in name) * 1
        for moved, sign in zip((own_down, own_right), expected, strict=True):
            assert np.allclose(moved, moved[0], atol=1e-4)
            assert round(float(moved[0])) in ((0,) if not sign else (sign, 2 * sign))
    assert len(np.unique(y)) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pictures": np.zeros((3, 4))}, r"pictures must have shape \(n, height, width\), got \(3, 4\)"),
        ({"pictures": np.zeros((3, 8, 8)), "size": 12}, "size must be at least 18, got 12"),
        ({"pictures": np.zeros((3, 8, 8)), "frames": 1}, "frames must be a whole number of at least 2"),
        ({"pictures": np.zeros((3, 8, 8)), "noise": -1}, "noise must be a number of at least 0"),
    ],
)
def test_mistakes_in_gestures(options, message):
    with pytest.raises(bl.InputError, match=message):
        bl.data.gestures(**options)


@pytest.mark.slow
def test_gestures_are_told_apart():
    """M8: a convolution at each frame, an LSTM over them; digits of the test were never seen."""
    digits = bl.data.load("digits").x.reshape(-1, 8, 8) / 16
    x, y = bl.data.gestures(digits[:1400], 1500)
    held = bl.data.gestures(digits[1400:], 300, seed=1)
    eye = bl.EachStep(bl.Conv2d(8, 3, stride=2), bl.ReLU(), bl.Conv2d(16, 3, stride=2), bl.ReLU(), bl.Flatten())
    run = bl.fit(bl.Sequential(eye, bl.LSTM(32), bl.Linear(8)), x, y, epochs=12, optimizer=bl.Adam(3e-3))
    assert (run.predict(held[0]) == held[1]).mean() > 0.95
