"""Dropout read as an ensemble: training draws subnetworks, and evaluation is their (geometric) mean."""

from itertools import product

import numpy as np

import backlit as bl

RATE = 0.25


def log_softmax(scores: np.ndarray) -> np.ndarray:
    return np.asarray(bl.ops.log_softmax(scores, axis=-1))


def test_evaluation_is_the_geometric_mean_of_all_subnetworks(rng: np.random.Generator) -> None:
    x = rng.normal(size=4)
    network = bl.Sequential(bl.Dropout(RATE), bl.Linear(3)).build((4,), dtype="float64")
    weight, bias = network.params["1"]["weight"], network.params["1"]["bias"]

    masks = np.array(list(product([0.0, 1.0], repeat=4)))
    chances = np.prod(np.where(masks > 0, 1 - RATE, RATE), axis=1)
    subnetworks = log_softmax(masks * x / (1 - RATE) @ weight.T + bias)

    # In training, each row goes through one of the 16 subnetworks, each as often as its chance says.
    rows = 20_000
    scores, _ = network.apply(network.params, np.tile(x, (rows, 1)), training=True, seed=1, step=0)
    distances = np.abs(log_softmax(np.asarray(scores))[:, None, :] - subnetworks[None]).max(axis=-1)
    which = distances.argmin(axis=1)
    np.testing.assert_allclose(distances[np.arange(rows), which], 0, atol=1e-12)
    shares = np.bincount(which, minlength=len(masks)) / rows
    np.testing.assert_allclose(shares, chances, atol=4 * np.sqrt(chances.max() / rows))

    # In evaluation, the whole network says what they say together: exact for one layer and softmax.
    together = log_softmax(chances @ subnetworks)
    np.testing.assert_allclose(log_softmax(network(x[None])[0]), together, atol=1e-12)
