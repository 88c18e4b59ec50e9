"""Small jobs that the tests of training share."""

import numpy as np

import backlit as bl


def blobs(rows=120, classes=3, features=4, seed=0):
    """Rows around one centre a class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    return (3 * np.eye(classes, features)[y] + rng.normal(size=(rows, features))).astype("float32"), y


def mlp(outputs=3):
    """A small network."""
    return bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(outputs))


def weights(run):
    """All parameters of a run as one vector, to compare bit for bit."""
    from backlit.graph import tree

    return np.concatenate([np.ravel(leaf) for leaf in tree.leaves(run.network.params)])
