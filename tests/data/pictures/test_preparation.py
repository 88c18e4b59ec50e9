"""Whatever pictures come as, they become the arrays that a network was trained on."""

import json

import numpy as np
import pytest
from PIL import Image

from backlit.data import Pictures
from backlit.data.pictures import Form
from backlit.errors import InputError


def test_mean_and_deviation_against_numpy(rng):
    pixels = rng.integers(0, 256, (2500, 4, 3, 3), dtype=np.uint8)
    pixels[..., 2] = 9
    learned = Pictures.learn(pixels)
    flat = pixels.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(learned.shift, flat.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(learned.scale[:2], flat.std(axis=0)[:2], rtol=1e-12)
    assert learned.scale[2] == 1.0  # a channel that doesn't vary
    assert Pictures.from_dict(json.loads(json.dumps(learned.to_dict()))) == learned


def test_paths_arrays_and_pictures(tmp_path, rng):
    prepared = Pictures(Form(6, 8, 1), (0.0,), (1.0,))
    pixels = rng.integers(0, 256, (6, 8), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    for given in (path, str(path), pixels, pixels[..., None], Image.fromarray(pixels), tmp_path, [pixels]):
        np.testing.assert_array_equal(prepared.apply(given), pixels[None, ..., None])
    mixed = prepared.apply([path, pixels, tmp_path, np.zeros((3, 3, 4), np.uint8)])
    assert mixed.shape == (4, 6, 8, 1)
    rows = rng.integers(0, 256, (5, 6, 8, 1), dtype=np.uint8)
    assert prepared.apply(rows) is rows
    assert prepared.apply(np.zeros((5, 12, 16, 3), np.uint8)).shape == (5, 6, 8, 1)
    assert prepared.apply([]).shape == (0, 6, 8, 1)


def test_what_is_no_picture(tmp_path):
    prepared = Pictures(Form(6, 8, 1), (0.0,), (1.0,))
    with pytest.raises(InputError, match=r"picture .*none\.png: there is no such file"):
        prepared.apply([np.zeros((6, 8), np.uint8), tmp_path / "none.png"])
    with pytest.raises(InputError, match="row 1 must be a path, a picture of Pillow's or an array of bytes, got int"):
        prepared.apply([np.zeros((6, 8), np.uint8), 3])
    with pytest.raises(InputError, match=r"row 0: .*must be of bytes \(uint8\)"):
        prepared.apply(np.zeros((6, 8)))
    with pytest.raises(InputError, match="holds no pictures"):
        prepared.apply(tmp_path)
    with pytest.raises(ValueError, match="2 shifts"):
        Pictures.from_dict({"form": [2, 2, 1], "shift": [0, 0], "scale": [1, 1]})
