"""Augment: against PyTorch's affine_grid and grid_sample, by hand, and in both engines."""

from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.nn.layers.augment import _DRAWS, parse

OFF: dict[str, Any] = {"shift": 0.0, "rotate": 0.0, "scale": 0.0}
CONTEXT: dict[str, Any] = {"training": True, "seed": 3, "step": 8}


def train(layer: bl.Augment, x: Any, **context: Any) -> Any:
    return layer({}, x, bl.Context(**{**CONTEXT, **context}))


def draws(count: int) -> dict[str, np.ndarray]:
    """The numbers that the layer draws in `CONTEXT`, from -1 to 1."""
    drawn = bl.Context(**CONTEXT).uniform((count, len(_DRAWS))).astype(float)
    return {name: 2 * drawn[:, i] - 1 for i, name in enumerate(_DRAWS)}


def torch_affine(x: torch.Tensor, layer: bl.Augment) -> torch.Tensor:
    """The same affine maps by PyTorch: pictures turned by an angle, scaled, then shifted, read backwards."""
    d = draws(len(x))
    height, width = x.shape[1:3]
    thetas = []
    for i in range(len(x)):
        angle = np.deg2rad(layer.rotate) * d["angle"][i]
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # rows go down
        forward = np.eye(3)
        forward[:2, :2] = turn * (1 + layer.scale * d["size"][i])
        forward[:2, 2] = layer.shift * width * d["right"][i], layer.shift * height * d["down"][i]
        unit = np.diag([2 / width, 2 / height, 1.0])  # from pixels to PyTorch's -1 … 1
        thetas.append((unit @ np.linalg.inv(forward) @ np.linalg.inv(unit))[:2])
    moved = torch.movedim(x, -1, 1)
    grid = torch.nn.functional.affine_grid(torch.tensor(np.array(thetas)), list(moved.shape), align_corners=False)
    read = torch.nn.functional.grid_sample(moved, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return torch.movedim(read, 1, -1)


@pytest.mark.parametrize(
    "layer",
    [
        bl.Augment(),
        bl.Augment(shift=0.4, rotate=0, scale=0),
        bl.Augment(shift=0, rotate=180, scale=0),
        bl.Augment(shift=0, rotate=0, scale=0.9),
        bl.Augment(shift=1.0, rotate=90, scale=0.5),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(6, 7, 7, 1), (5, 6, 9, 3), (4, 1, 5, 2)], ids=str)
def test_value_and_gradient_are_pytorchs(layer: bl.Augment, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    x, weights = rng.normal(size=shape), rng.normal(size=shape)
    ours, pull = bl.vjp(lambda x: train(layer, x), x)
    tensor = torch.tensor(x, requires_grad=True)
    theirs = torch_affine(tensor, layer)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-10)
    (theirs * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(pull(weights)[0], tensor.grad.numpy(), rtol=0, atol=1e-10)


def test_gradient_of_everything_by_finite_differences(rng: np.random.Generator) -> None:
    layer = bl.Augment(flip=True, cutout=0.5, brightness=0.3, contrast=0.5)
    x = rng.normal(size=(3, 4, 5, 2))
    bl.check_gradients(lambda x: (train(layer, x) ** 2).sum(), x)


def test_a_turn_is_counterclockwise_and_a_shift_goes_down_and_right() -> None:
    pictures = np.zeros((30, 5, 5, 1))
    pictures[:, 2, 4] = 1.0  # to the right of the centre
    d = draws(30)
    i = int(np.argmax(d["angle"]))
    assert d["angle"][i] > 0.5
    quarter = train(bl.Augment(shift=0, rotate=90.0 / d["angle"][i], scale=0), pictures)[i, :, :, 0]
    assert quarter[0, 2] == pytest.approx(1.0)  # at the top
    ramp = np.broadcast_to(np.arange(25.0).reshape(5, 5, 1), (30, 5, 5, 1))
    moved = train(bl.Augment(shift=0.2, rotate=0, scale=0), ramp)[:, 2, 2, 0]
    np.testing.assert_allclose(moved, 12.0 - 5 * d["down"] - d["right"], atol=1e-6)


def test_flip_mirrors_half_of_the_pictures_left_to_right(rng: np.random.Generator) -> None:
    x = rng.normal(size=(400, 3, 4, 1))
    y = train(bl.Augment(**OFF, flip=True), x)
    mirrored = (y == x[:, :, ::-1]).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(mirrored, draws(400)["mirror"] < 0)
    np.testing.assert_array_equal(y[~mirrored], x[~mirrored])
    assert 0.4 < mirrored.mean() < 0.6


def test_a_moved_picture_is_mirrored_after_it_was_moved(rng: np.random.Generator) -> None:
    x = rng.normal(size=(40, 5, 6, 2))
    moved, both = train(bl.Augment(), x), train(bl.Augment(flip=True), x)
    mirror = draws(40)["mirror"] < 0
    np.testing.assert_allclose(both, np.where(mirror[:, None, None, None], moved[:, :, ::-1], moved), atol=1e-12)


def test_brightness_and_contrast(rng: np.random.Generator) -> None:
    x, d = rng.normal(size=(50, 3, 4, 2)), draws(50)
    mean = x.mean(axis=(1, 2), keepdims=True)
    light, contrast = (d[name][:, None, None, None] for name in ("light", "contrast"))
    ours = train(bl.Augment(**OFF, brightness=2.0, contrast=0.5), x)
    np.testing.assert_allclose(ours, mean + (1 + 0.5 * contrast) * (x - mean) + 2.0 * light, rtol=1e-12)
    assert np.ptp(light) > 1.5  # the whole range is used
    assert np.ptp(contrast) > 1.5


@pytest.mark.parametrize("cutout", [0.25, 0.5, 1.0])
def test_cutout_covers_a_square_with_the_mean(cutout: float, rng: np.random.Generator) -> None:
    x = rng.normal(size=(300, 8, 12, 2))
    y = train(bl.Augment(**OFF, cutout=cutout, brightness=1.0), x)
    bright = train(bl.Augment(**OFF, brightness=1.0), x)
    covered = (y != bright).any(axis=3)
    means = np.broadcast_to(bright.mean(axis=(1, 2), keepdims=True), y.shape)
    np.testing.assert_allclose(y[covered], means[covered], rtol=1e-12)
    heights, widths = covered.any(axis=2).sum(axis=1), covered.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(covered.sum(axis=(1, 2)), heights * widths)  # rectangles
    side = cutout * 8
    assert heights.max() == widths.max() == side
    assert heights.min() >= side // 2  # the centre lies in the picture
    assert covered[:, 0, 0].any()  # every corner
    assert covered[:, -1, -1].any()
    assert 0.5 < covered.mean() * 96 / side**2 < 1


def test_evaluation_and_no_options_change_nothing(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 5, 5, 1))
    assert bl.Augment()({}, x) is x
    assert train(bl.Augment(**OFF), x) is x


def test_pictures_are_drawn_by_themselves_and_by_seed_step_and_place() -> None:
    x = np.broadcast_to(np.arange(36.0).reshape(6, 6, 1), (20, 6, 6, 1))
    y = train(bl.Augment(), x)
    assert len(np.unique(y.reshape(20, -1).round(6), axis=0)) == 20
    np.testing.assert_array_equal(y, train(bl.Augment(), x))
    np.testing.assert_array_equal(y[:3], train(bl.Augment(), x[:3]))  # whatever the batch
    for other in ({"seed": 4}, {"step": 9}, {"path": "1"}):
        assert (train(bl.Augment(), x, **other) != y).any(axis=(1, 2, 3)).all()


def test_an_option_leaves_the_draws_of_others_as_they_are(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 5, 5, 1))
    both = train(bl.Augment(brightness=1.0), x)
    np.testing.assert_allclose(both - train(bl.Augment(), x), draws(4)["light"][:, None, None, None] + 0 * x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_engines_change_pictures_alike(dtype: str, rng: np.random.Generator) -> None:
    net = bl.Sequential(bl.Augment(0.3, 30, 0.3, True, 0.4, 0.5, 0.5)).build((8, 8, 2), dtype=dtype)
    x = rng.normal(size=(16, 8, 8, 2)).astype(dtype)

    def run(x: Any, step: Any) -> Any:
        return net.apply({}, x, training=True, seed=11, step=step)[0]

    compiled = bl.compile(run)
    for step in range(3):
        ours = compiled(x, step)
        assert ours.dtype == dtype
        np.testing.assert_allclose(run(x, step), ours, atol=1e-5 if dtype == "float32" else 1e-12)
    assert compiled.traces == 1


def test_trains_alike_in_both_engines(rng: np.random.Generator) -> None:
    x, y = rng.random((40, 6, 6, 1)), rng.integers(0, 2, 40)
    net = bl.Sequential(bl.Augment(flip=True, cutout=0.3), bl.Flatten(), bl.Linear(2))
    losses = [
        bl.fit(net, x, y, epochs=3, batch_size=16, engine=engine, dtype="float64", progress=False).history["loss"]
        for engine in ("numpy", "xla")
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-9)
    plain = bl.fit(bl.Sequential(*net.layers[1:]), x, y, epochs=3, batch_size=16, dtype="float64", progress=False)
    assert plain.history["loss"] != losses[1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shift": 1.5}, r"Augment: shift must be a number from 0 to 1, got 1\.5"),
        ({"shift": -0.1}, "shift must be a number from 0 to 1"),
        ({"rotate": 200}, r"rotate must be a number from 0 to 180 \(degrees\), got 200"),
        ({"scale": 1.0}, r"scale must be a number from 0 to 0\.9"),
        ({"cutout": True}, "cutout must be a number from 0 to 1, got True"),
        ({"brightness": float("nan")}, "brightness must be a number of at least 0, got nan"),
        ({"brightness": float("inf")}, "brightness must be a number of at least 0, got inf"),
        ({"contrast": "much"}, "contrast must be a number from 0 to 1, got 'much'"),
        ({"flip": 1}, "flip must be True or False, got 1"),
    ],
)
def test_refuses_options(options: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        bl.Augment(**options)


def test_refuses_what_are_no_pictures() -> None:
    with pytest.raises(ShapeError, match=r"needs inputs of shape \(height, width, channels\), got \(64,\)"):
        bl.Sequential(bl.Augment(), bl.Linear(2)).build((64,))
    with pytest.raises(ShapeError, match=r"height, width, channels\), got \(8, 8\)"):
        bl.Augment()({}, np.zeros((2, 8, 8)))
    with pytest.raises(ShapeError, match="needs pictures of real numbers, got dtype int64"):
        train(bl.Augment(), np.zeros((1, 2, 2, 1), np.int64))


def test_words() -> None:
    assert parse("shift:0.1 rotate:10 flip cutout:0.2") == bl.Augment(0.1, 10, 0.0, True, 0.2)
    assert parse("contrast:0.5, brightness:.1") == bl.Augment(**OFF, contrast=0.5, brightness=0.1)


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        ("rotat:10", UnknownNameError, "unknown augmentation 'rotat'; did you mean 'rotate'"),
        ("shift", InputError, "augmentation 'shift': expected a number, as in shift:0.1"),
        ("rotate:ten", InputError, "augmentation 'rotate:ten': expected a number, as in rotate:10"),
        ("shift:2", InputError, "shift must be a number from 0 to 1, got 2.0"),
        ("shift:nan", InputError, "shift must be a number from 0 to 1, got nan"),
        ("flip:1", InputError, "flip takes no value"),
        ("flip flip", InputError, "flip is named twice"),
        (" ", InputError, "there is no augmentation in ' '; known: shift, rotate"),
    ],
)
def test_refuses_words(words: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        parse(words)
