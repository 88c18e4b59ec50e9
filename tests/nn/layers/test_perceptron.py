"""The perceptron and its rule: Novikoff's bound, and saying so when no line separates."""

import itertools

import numpy as np
import pytest
import sklearn.linear_model

import backlit as bl
from backlit.errors import InputError, ShapeError

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR, XNOR = (0, 1, 1, 0), (1, 0, 0, 1)


@pytest.mark.parametrize("targets", [t for t in itertools.product((0, 1), repeat=4) if 0 < sum(t) < 4])
def test_all_functions_of_two_bits(targets: tuple[int, ...]) -> None:
    """Of sixteen, all but exclusive or and its opposite (and the two constants, which have one class)."""
    found = bl.Perceptron(epochs=100).fit(CORNERS, targets)
    assert found.converged == (targets not in (XOR, XNOR))
    if found.converged:
        assert found.predict(CORNERS).tolist() == list(targets)
        assert found.message.startswith("converged: every row is right after")
    else:
        assert "no line separates these classes (a hidden layer can)" in found.message
        assert found.epochs == 100


@pytest.mark.parametrize("margin", [0.5, 0.1, 0.02])
def test_novikoffs_bound(margin: float, rng: np.random.Generator) -> None:
    direction = rng.normal(size=6)
    direction /= np.linalg.norm(direction)
    x = rng.uniform(-1, 1, size=(400, 5))
    extended = np.concatenate([x, np.ones((400, 1))], axis=1)
    away = abs(extended @ direction) >= margin
    x, extended = x[away], extended[away]
    y = (extended @ direction > 0).astype(int)
    found = bl.Perceptron(epochs=20_000).fit(x, y)
    assert found.converged
    assert (found.predict(x) == y).all()
    radius = np.linalg.norm(extended, axis=1).max()
    assert 0 < found.updates <= (radius / margin) ** 2


def test_equals_scikit_learn_step_by_step(rng: np.random.Generator) -> None:
    x = rng.normal(size=(50, 3))
    y = (x @ [1.0, 2.0, -1.0] + rng.normal(size=50) > 0).astype(int)
    y[0] = 1  # at a score of exactly 0, as at the start, our step gives 0 and theirs neither class
    ours = bl.Perceptron(epochs=7).fit(x, y)
    theirs = sklearn.linear_model.SGDClassifier(
        loss="perceptron", learning_rate="constant", eta0=1.0, penalty=None, shuffle=False, max_iter=7, tol=None
    ).fit(x, y)
    np.testing.assert_allclose(ours.weights, theirs.coef_[0], rtol=1e-10)
    assert ours.bias == pytest.approx(theirs.intercept_[0])


def test_the_learning_rate_changes_sizes_not_decisions(rng: np.random.Generator) -> None:
    x = rng.normal(size=(30, 2))
    y = (x[:, 0] > 0.1).astype(int)
    one, small = bl.Perceptron(epochs=5).fit(x, y), bl.Perceptron(learning_rate=0.25, epochs=5).fit(x, y)
    np.testing.assert_allclose(small.weights, 0.25 * one.weights)
    assert (small.predict(x) == one.predict(x)).all()


def test_labels_of_any_kind_and_the_network() -> None:
    found = bl.Perceptron().fit(CORNERS, ["no", "no", "no", "yes"])
    assert found.predict(CORNERS).tolist() == ["no", "no", "no", "yes"]
    network = found.network
    assert network.architecture == bl.Sequential(bl.Linear(1), bl.Step())
    assert network(CORNERS)[:, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert repr(found) == f"TrainedPerceptron({found.message})"


def test_separable_but_not_yet_done_says_so() -> None:
    x = np.array([[1000.0], [1001.0]])
    found = bl.Perceptron(epochs=3).fit(x, [0, 1])
    assert not found.converged
    assert "though a line separates these classes: give it more epochs, or scale the inputs" in found.message


def test_two_layers_of_steps_compute_exclusive_or() -> None:
    network = bl.Sequential(bl.Linear(2), bl.Step(), bl.Linear(1), bl.Step()).build((2,))
    either = {"weight": np.ones((2, 2)), "bias": np.array([-0.5, -1.5])}  # or, and
    xor = network.replace(params={"0": either, "2": {"weight": np.array([[1.0, -1.0]]), "bias": np.array([-0.5])}})
    assert xor(CORNERS)[:, 0].tolist() == list(XOR)


def test_refusals() -> None:
    fit = bl.Perceptron().fit
    with pytest.raises(ShapeError, match=r"x needs shape \(rows, features\) and y \(rows,\), got \(4,\) and \(4,\)"):
        fit(np.zeros(4), [0, 1, 0, 1])
    with pytest.raises(ShapeError, match=r"got \(4, 2\) and \(3,\)"):
        fit(CORNERS, [0, 1, 0])
    with pytest.raises(InputError, match="x holds NaN or infinite numbers"):
        fit([[np.nan], [1.0]], [0, 1])
    with pytest.raises(InputError, match=r"y must hold two classes, got 3: \[0, 1, 2\]"):
        fit(CORNERS, [0, 1, 2, 0])
    with pytest.raises(InputError, match=r"y must hold two classes, got 1: \[1\]"):
        fit(CORNERS, [1, 1, 1, 1])
    with pytest.raises(ShapeError, match=r"x needs shape \(rows, 2\), got \(1, 3\)"):
        fit(CORNERS, [0, 0, 0, 1]).predict([[1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match="learning_rate must be a finite number above 0, got 0"):
        bl.Perceptron(learning_rate=0)
    with pytest.raises(InputError, match="epochs must be a whole number of at least 1, got 0"):
        bl.Perceptron(epochs=0)
