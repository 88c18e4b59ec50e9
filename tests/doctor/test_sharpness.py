"""λ_max against the Hessian's eigenvalues, and the learning rates on both sides of 2/λ_max."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import backlit as bl


def diabetes():
    x, y = load_diabetes(return_X_y=True)
    train, _, targets, _ = train_test_split(x, y, test_size=0.3, random_state=0)
    return (train - train.mean(axis=0)) / train.std(axis=0), targets


def test_linear_regression_by_hand() -> None:
    x, y = diabetes()
    design = np.hstack([x, np.ones((len(x), 1))])
    expected = np.linalg.eigvalsh(2 * design.T @ design / len(x)).max()
    found = bl.sharpness(bl.Linear(1), x, y, "mse")
    assert found == pytest.approx(expected, rel=1e-6)
    assert found == pytest.approx(8.4294, abs=5e-5)
    assert 2 / found == pytest.approx(0.23727, abs=5e-6)


@pytest.mark.parametrize(("rate", "alarm"), [(0.23, False), (0.245, True)])
def test_the_rate_at_which_it_diverges(rate: float, alarm: bool) -> None:
    x, y = diabetes()
    options = {"loss": "mse", "optimizer": bl.SGD(rate), "batch_size": None}
    names = [finding.name for finding in bl.check(bl.Linear(1), x, y, dtype="float64", **options).alarms]
    assert ("learning rate too high" in names) == alarm
    run = bl.fit(bl.Linear(1), x, y, epochs=400, dtype="float64", probes=None, metrics=[], engine="numpy", **options)
    assert (run.history[-1]["loss"] > run.history[0]["loss"]) == alarm


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_a_network_against_its_hessian(loss: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    layers = [bl.Linear(4), bl.Tanh(), bl.Linear(2)] + ([bl.Softmax()] if loss == "nll" else [])
    net = bl.Sequential(*layers).build((3,), dtype="float64")
    from backlit.graph import tree

    leaves, structure = tree.flatten(net.params)
    cuts = np.cumsum([leaf.size for leaf in leaves])[:-1]
    flat = np.concatenate([leaf.ravel() for leaf in leaves])
    judge = bl.losses.get(loss)

    def of(vector):
        pieces = np.split(vector, cuts)
        params = tree.unflatten(structure, [p.reshape(a.shape) for p, a in zip(pieces, leaves, strict=True)])
        return float(judge(net.apply(params, x)[0], y).mean())

    step, size = 1e-4, len(flat)
    hessian = np.zeros((size, size))
    eye = np.eye(size) * step
    for i in range(size):
        for j in range(size):
            hessian[i, j] = (
                of(flat + eye[i] + eye[j])
                - of(flat + eye[i] - eye[j])
                - of(flat - eye[i] + eye[j])
                + of(flat - eye[i] - eye[j])
            ) / (4 * step**2)
    assert bl.sharpness(net, x, y, loss) == pytest.approx(np.linalg.eigvalsh(hessian).max(), rel=1e-4)


def test_bad_input() -> None:
    x = np.ones((4, 2))
    with pytest.raises(bl.InputError, match="steps must be a whole number of at least 1, got 0"):
        bl.sharpness(bl.Linear(1), x, x[:, 0], steps=0)
    with pytest.raises(bl.InputError, match="nothing to train"):
        bl.sharpness(bl.Tanh(), x, x)
