"""Facts on padding and masks, on sequences made by hand."""

import numpy as np
import pytest

import backlit as bl
from backlit.train.probes.padding import sequences_of


def net(*layers):
    return bl.Sequential(*layers, bl.Linear(1))


def ragged(lengths, steps=6, front=False) -> np.ndarray:
    x = np.zeros((len(lengths), steps, 1))
    for row, length in enumerate(lengths):
        part = slice(steps - length, None) if front else slice(0, length)
        x[row, part] = np.arange(1, length + 1)[:, None] + row / 10
    return x


@pytest.mark.parametrize("front", [False, True])
def test_where_padding_is(front: bool) -> None:
    told, left = sequences_of(ragged([2, 4, 6, 6] * 3, front=front), net(bl.LSTM(2)))
    assert told["padding"] == 0
    assert (told["before"], told["after"]) == ((0.25, 0.0) if front else (0.0, 0.25))
    assert (told["full"], told["lengths"], told["blank"], told["empty"]) == (0.5, 3, 0, 0.0)
    assert left is None


def test_zeros_among_numbers_are_no_padding() -> None:
    x = np.random.default_rng(0).integers(0, 2, (40, 6, 1)).astype(float)
    told, _ = sequences_of(x, net(bl.LSTM(2)))
    assert "padding" not in told


def test_what_a_mask_leaves() -> None:
    x = np.array([[1, 0, 2, 0], [0, 1, 0, 2], [1, 2, 3, 0]], float)[..., None]
    told, left = sequences_of(x, net(bl.Masked(bl.LSTM(2))))
    assert left is not None
    assert left[..., 0].tolist() == [[1, 2, 0, 0], [1, 2, 0, 0], [1, 2, 3, 0]]
    assert told["masked"] == pytest.approx(5 / 12)
    assert told["inner"] == pytest.approx(2 / 12)


def test_steps_without_content() -> None:
    x = np.random.default_rng(0).normal(size=(30, 6, 1))
    x[:, 2:4] = 7.0
    assert sequences_of(x, net(bl.GRU(2)))[0]["blank"] == 2


@pytest.mark.parametrize("x", [np.ones((5, 3)), np.ones((5, 1, 1)), np.ones((5, 4, 4, 1))])
def test_what_isnt_a_sequence(x: np.ndarray) -> None:
    assert sequences_of(x, net(bl.LSTM(2))) == ({}, None)
    assert sequences_of(np.ones((5, 6, 1)), bl.Sequential(bl.Flatten(), bl.Linear(1))) == ({}, None)
