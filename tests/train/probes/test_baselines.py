"""What simple models know, against scikit-learn's leave-one-out scores."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from backlit.train.probes.baselines import RIDGES, reference

RNG = np.random.default_rng(0)


def standardized(rows: int, columns: int) -> np.ndarray:
    x = RNG.normal(size=(rows, columns))
    return (x - x.mean(axis=0)) / x.std(axis=0)


def left_out(model, x, y):
    """Each row's answer by a model that learned from the others."""
    return cross_val_predict(model, x, y, cv=LeaveOneOut()).reshape(len(x), -1)


@pytest.mark.parametrize("columns", [3, 59, 500])
def test_numbers(columns: int) -> None:
    """With more columns than rows, too, where a row's own leverage is nearly 1."""
    x = standardized(60, columns)
    y = np.sin(x[:, :1]) + 0.1 * RNG.normal(size=(60, 1))
    simple = reference(x, y, "number")
    spread = np.square(y - y.mean()).sum()
    linear = [1 - np.square(y - left_out(Ridge(alpha=r * 60), x, y)).sum() / spread for r in RIDGES]
    assert simple["linear"] == pytest.approx(max(linear), abs=1e-9)
    near = left_out(KNeighborsRegressor(5), x, y)
    assert simple["neighbours"] == pytest.approx(1 - np.square(y - near).sum() / spread)
    assert simple["guess"] == 0.0


def test_classes() -> None:
    x = standardized(90, 4)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 1)
    simple = reference(x, y, "class")
    goal = np.eye(3)[y]
    linear = [(left_out(Ridge(alpha=r * 90), x, goal).argmax(axis=1) == y).mean() for r in RIDGES]
    assert simple["linear"] == pytest.approx(max(linear))
    near = left_out(KNeighborsClassifier(5), x, y)[:, 0]
    assert simple["neighbours"] == pytest.approx((near == y).mean(), abs=0.05)  # ties are broken in another way
    assert simple["guess"] == np.bincount(y).max() / 90


def test_unrelated_wide_data_is_not_predicted() -> None:
    x = standardized(100, 2000)
    assert reference(x, RNG.normal(size=(100, 1)), "number")["linear"] < 0.2


def test_where_there_is_nothing_to_tell() -> None:
    x = standardized(40, 3)
    assert reference(x, x, "number") == {}  # copying is no yardstick
    assert reference(x[:10], x[:10, :1], "number") == {}
    assert reference(np.ones((40, 3)), x[:, :1], "number") == {}
    assert reference(x, x[:, :1], "text") == {}
    assert reference(x.reshape(40, 3, 1), np.zeros((40, 3), int), "class") == {}  # a class at each step
