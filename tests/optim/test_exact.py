"""Closed forms against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from backlit.errors import InputError, ShapeError
from backlit.optim import least_squares, ridge


def close(ours, theirs, k):
    np.testing.assert_allclose(ours.weight, np.reshape(theirs.coef_, (k, -1)).T, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.bias, np.reshape(theirs.intercept_, k), rtol=0, atol=1e-8)
    assert ours.weight.dtype == ours.bias.dtype == "float64"


@pytest.fixture(params=["tall", "wide", "dependent", "constant column", "far from zero", "one row"])
def x(request, rng):
    x = rng.normal(size=(5, 12) if request.param == "wide" else (40, 6))
    if request.param == "dependent":
        x[:, 3] = x[:, 0] - 2 * x[:, 1]
    if request.param == "constant column":
        x[:, 2] = 3.0
    if request.param == "far from zero":
        x = x + 1000.0
    return x[:1] if request.param == "one row" else x


@pytest.mark.parametrize("k", [None, 1, 3])
def test_equals_sklearn(x, k, rng):
    y = rng.normal(size=len(x) if k is None else (len(x), k))
    close(least_squares(x, y), LinearRegression().fit(x, y), k or 1)
    close(ridge(x, y, 0.0), LinearRegression().fit(x, y), k or 1)
    for alpha in (1e-3, 1.0, 100.0):
        close(ridge(x, y, alpha), Ridge(alpha, solver="svd").fit(x, y), k or 1)


def test_small_alpha_on_dependent_columns(rng):
    x = rng.normal(size=(30, 4))
    x[:, 3] = x[:, 0]
    y = rng.normal(size=30)
    close(ridge(x, y, 1e-10), LinearRegression().fit(x, y), 1)


def test_types_and_shapes(rng):
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    exact = least_squares(x, y)
    assert exact.weight.shape == (3, 1)
    assert exact.bias.shape == (1,)
    single = least_squares(x.astype("float32"), y)
    assert single.weight.dtype == single.bias.dtype == "float32"
    np.testing.assert_allclose(single.weight, exact.weight, rtol=1e-4)
    assert least_squares([[0], [1], [2]], [1, 3, 5]).weight.dtype == "float64"
    assert list(exact._asdict()) == ["weight", "bias"]


def test_mistakes():
    x, y = np.ones((4, 2)), np.ones(4)
    with pytest.raises(ShapeError, match=r"least_squares: needs x of shape \(n, d\).*got \(4,\) and \(4,\)"):
        least_squares(y, y)
    with pytest.raises(ShapeError, match=r"ridge: needs x .* got \(4, 2\) and \(3,\)"):
        ridge(x, y[:3])
    with pytest.raises(InputError, match=r"least_squares: x of shape \(0, 2\) holds no numbers"):
        least_squares(x[:0], y[:0])
    with pytest.raises(InputError, match=r"least_squares: y holds NaN or infinite values; fill them in"):
        least_squares(x, y * np.nan)
    with pytest.raises(InputError, match=r"least_squares: x must hold real numbers, got type <U1"):
        least_squares([["a"], ["b"]], [1.0, 2.0])
    for alpha in (-1.0, np.nan, np.inf, "1", True):
        with pytest.raises(InputError, match=r"ridge: alpha must be a number in \[0, ∞\), got"):
            ridge(x, y, alpha)
