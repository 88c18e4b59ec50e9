"""Flatten, Reshape, Permute and Select."""

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


def test_permute_and_select_are_numpys(rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 2, 3, 4))
    np.testing.assert_array_equal(bl.Permute((3, 1, 2))({}, x), x.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(bl.Select()({}, x), x[:, -1])
    np.testing.assert_array_equal(bl.Select(1, axis=3)({}, x), x[:, :, :, 1])
    assert bl.Permute((3, 1, 2)).output_shape((2, 3, 4)) == (4, 2, 3)
    assert bl.Select(1, axis=3).output_shape((2, 3, 4)) == (2, 3)


@pytest.mark.parametrize("axes", [(0, 1), (1, 1), (2, 3), (), (True, 2), (1.0, 2)])
def test_permute_refuses_axes(axes: Any) -> None:
    with pytest.raises(InputError, match="Permute: axes must hold each number from 1 to that of axes once"):
        bl.Permute(axes)


def test_permute_and_select_refuse_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"Permute\(\(2, 1\)\) needs inputs of shape \(a, b\), got"):
        bl.Permute((2, 1)).build((2, 3, 4))
    for layer in (bl.Select(3), bl.Select(-4), bl.Select(0, axis=3)):
        with pytest.raises(ShapeError, match=r"needs inputs with a place .* along axis .*, got \(3, 4\)"):
            layer.build((3, 4))
    with pytest.raises(InputError, match=r"Select: index must be a whole number, got 1\.5"):
        bl.Select(1.5)  # type: ignore[arg-type]
