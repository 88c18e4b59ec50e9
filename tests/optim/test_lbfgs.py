"""L-BFGS on functions whose minimum is known."""

import sys

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from backlit.errors import InputError, NonFiniteError
from backlit.optim import least_squares, minimize_lbfgs


def rosenbrock(params):
    return rosen(params["x"]), {"x": rosen_der(params["x"])}


@pytest.mark.parametrize("memory", [3, 10])
def test_rosenbrock(memory):
    result = minimize_lbfgs(rosenbrock, {"x": np.array([-1.2, 1.0])}, memory=memory, tolerance=1e-8)
    np.testing.assert_allclose(result.params["x"], np.ones(2), atol=1e-7)
    assert result.converged
    assert result.value == result.history[-1] < 1e-14
    assert len(result.history) == result.steps + 1
    assert result.history[0] == rosen([-1.2, 1.0])
    assert np.all(np.diff(result.history) <= 0)
    assert result.steps <= result.evaluations
    assert result.message == "converged: no element of the gradient is larger than 1e-08"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_least_squares_tree(rng, dtype):
    x, y = rng.normal(size=(50, 4)).astype(dtype), rng.normal(size=(50, 2)).astype(dtype)
    seen = set()

    def loss(params):
        seen.add(params["0"]["weight"].dtype)
        error = x @ params["0"]["weight"] + params["0"]["bias"] - y
        up = error / len(x)
        return 0.5 * (error**2).sum() / len(x), {"0": {"weight": x.T @ up, "bias": up.sum(axis=0)}}

    start = {"0": {"weight": np.zeros((4, 2), dtype), "bias": np.zeros(2, dtype)}}
    result = minimize_lbfgs(loss, start, tolerance=1e-12)
    exact = least_squares(x, y)
    atol = 1e-6 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(result.params["0"]["weight"], exact.weight, atol=atol)
    np.testing.assert_allclose(result.params["0"]["bias"], exact.bias, atol=atol)
    assert result.converged
    assert result.message.startswith("converged: the value no longer changes, at a gradient of up to ")
    assert seen == {np.dtype(dtype)}
    assert result.params["0"]["bias"].dtype == dtype
    assert not start["0"]["weight"].any()


def test_out_of_steps():
    result = minimize_lbfgs(rosenbrock, {"x": np.array([-1.2, 1.0])}, max_steps=3)
    assert not result.converged
    assert result.steps == 3
    assert result.message.startswith("stopped after 3 steps with a gradient of up to ")
    assert result.message.endswith("above tolerance=1e-06; raise max_steps or the tolerance")


def test_wrong_gradient_is_told():
    result = minimize_lbfgs(lambda p: (rosen(p["x"]), {"x": -rosen_der(p["x"])}), {"x": np.array([-1.2, 1.0])})
    assert not result.converged
    assert "Either the gradient is wrong (check_gradients tells), the function has kinks" in result.message
    assert result.value <= rosen([-1.2, 1.0])


def test_not_finite():
    with pytest.raises(NonFiniteError, match=r"value nan or its gradient isn't finite at the start; start elsewhere"):
        minimize_lbfgs(lambda p: (np.nan, p), {"x": np.ones(1)})
    with pytest.raises(NonFiniteError, match=r"value 1.0 or its gradient isn't finite at the start"):
        minimize_lbfgs(lambda p: (1.0, {"x": np.array([np.inf])}), {"x": np.ones(1)})
    downhill = lambda p: (-np.inf if p["x"][0] < 0.5 else p["x"][0], {"x": np.ones(1)})
    with pytest.raises(NonFiniteError, match=r"the value became -inf after \d+ steps; start nearer, or scale the data"):
        minimize_lbfgs(downhill, {"x": np.ones(1)})


def test_one_step_and_one_pair_are_enough():
    assert len(minimize_lbfgs(rosenbrock, {"x": np.ones(2) * 3}, max_steps=1, memory=1).history) <= 2


def test_mistakes():
    start = {"x": np.ones(2)}
    with pytest.raises(InputError, match=r"minimize_lbfgs: max_steps must be a whole number of at least 1, got 0"):
        minimize_lbfgs(rosenbrock, start, max_steps=0)
    with pytest.raises(InputError, match=r"minimize_lbfgs: memory must be a whole number of at least 1, got 2.5"):
        minimize_lbfgs(rosenbrock, start, memory=2.5)
    with pytest.raises(InputError, match=r"minimize_lbfgs: tolerance must be a number in \[0, ∞\), got -1"):
        minimize_lbfgs(rosenbrock, start, tolerance=-1)
    with pytest.raises(InputError, match=r"minimize_lbfgs: there are no parameters to change"):
        minimize_lbfgs(rosenbrock, {})
    with pytest.raises(InputError, match=r"minimize_lbfgs: x must hold floating-point numbers, got int64"):
        minimize_lbfgs(rosenbrock, {"x": np.arange(2)})
    with pytest.raises(InputError, match=r"minimize_lbfgs: the value must be a scalar, got shape \(2,\)"):
        minimize_lbfgs(lambda p: (p["x"], p), start)
    with pytest.raises(
        InputError, match=r"gradients must have the parameters' shapes \{'x': \(2,\)\}, got \{'x': \(3,\)\}"
    ):
        minimize_lbfgs(lambda p: (1.0, {"x": np.ones(3)}), start)


def test_scipy_is_imported_when_needed():
    import subprocess

    code = "import sys, backlit.optim; sys.exit(any(name in sys.modules for name in ('scipy', 'jax', 'sklearn')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
