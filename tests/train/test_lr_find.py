"""The learning-rate range test: what it makes of a curve."""

import numpy as np
import pytest

import backlit as bl
from backlit.train.lr_find import analyse

RATES = np.geomspace(1e-6, 10.0, 150)


def falling() -> np.ndarray:
    """A loss that is flat, falls fastest around step 85, is lowest at step 115 and blows up."""
    steps = np.arange(150)
    losses = 2.5 - 1.2 / (1 + np.exp(-(steps - 85) / 6.0))
    losses[116:] = 2.5 * 1.3 ** np.arange(34)
    return losses


def test_the_steepest_fall_is_suggested() -> None:
    at = int(np.searchsorted(RATES, analyse(RATES, falling()).suggestion))
    assert 80 <= at <= 100  # smoothing comes a few steps late


def test_one_lucky_batch_before_the_loss_blows_up_isnt_a_fall() -> None:
    losses = falling()
    losses[115] = 0.1
    at = int(np.searchsorted(RATES, analyse(RATES, losses).suggestion))
    assert 80 <= at <= 105


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_other_batches_give_about_the_same_suggestion(optimizer: str) -> None:
    data = bl.data.load("digits")
    network = bl.Sequential(
        *[part for _ in range(3) for part in (bl.Linear(32, weight_init="kaiming"), bl.ReLU())], bl.Linear(10)
    )
    found = [
        bl.lr_find(network, data.x[:800] / 16, data.y[:800], optimizer=optimizer, seed=seed).suggestion
        for seed in range(3)
    ]
    assert max(found) < 3 * min(found)
