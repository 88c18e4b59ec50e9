"""Flatten and Reshape."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError


def test_flatten_and_back(rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 2, 3, 4))
    flat = bl.Flatten()({}, x)
    np.testing.assert_array_equal(flat, x.reshape(5, 24))
    np.testing.assert_array_equal(bl.Reshape((2, 3, 4))({}, flat), x)
    np.testing.assert_array_equal(bl.Reshape((2, -1, 4))({}, flat), x)
    assert bl.Flatten()({}, x[:0]).shape == (0, 24)


def test_reshape_takes_lists_and_numbers() -> None:
    assert bl.Reshape([2, 3]) == bl.Reshape((2, 3))  # type: ignore[arg-type]
    assert bl.Reshape(6).output_shape((2, 3)) == (6,)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(0, 3), (-1, -1), (2.0, 3), (-2,), (True,)])
def test_reshape_refuses_shapes(shape: Any) -> None:
    with pytest.raises(InputError, match="Reshape: shape must hold whole numbers of at least 1, one of them may be -1"):
        bl.Reshape(shape)


@pytest.mark.parametrize("shape", [(5, -1), (2, 6)])
def test_reshape_refuses_what_does_not_fit(shape: Any) -> None:
    with pytest.raises(ShapeError, match=r"inputs of shape \(2, 4\) have 8 numbers, which don't fit"):
        bl.Reshape(shape).build((2, 4))
