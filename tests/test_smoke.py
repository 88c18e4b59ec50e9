"""Ten seconds before every commit: the pieces stand and fit together."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backlit as bl


def test_the_first_worked_example() -> None:
    x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    q = x + y
    f = q * z
    f.backward()
    assert (q.item(), f.item()) == (3.0, -12.0)
    assert (x.grad, y.grad, z.grad) == (-4.0, -4.0, 3.0)


def test_a_gradient_in_both_engines() -> None:
    x = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
    slope = bl.grad(lambda w: (x @ w * (x @ w)).sum())
    w = np.array([[0.5], [-1.0], [2.0]])
    expected = 2.0 * x.T @ (x @ w)
    np.testing.assert_allclose(slope(w), expected, rtol=1e-12)
    np.testing.assert_allclose(bl.compile(slope)(w), expected, rtol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_a_network_learns_exclusive_or(engine: str) -> None:
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0, 1, 1, 0])
    network = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    run = bl.fit(
        network, x, y, loss="cross_entropy", optimizer=bl.Adam(0.05), epochs=200, engine=engine, progress=False
    )
    assert run.predict(x).tolist() == [0, 1, 1, 0]


def test_the_numpy_engine_never_imports_jax() -> None:
    code = """
import sys
import numpy as np
import backlit as bl
network = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Dropout(0.1), bl.Linear(2))
run = bl.fit(network, np.eye(4), np.array([0, 1, 1, 0]), loss="cross_entropy", epochs=2, engine="numpy", progress=False)
run.predict(np.eye(4))
assert "jax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_tells_its_version() -> None:
    command = Path(sys.executable).with_name("backlit")  # as pyproject.toml installs it
    result = subprocess.run([command, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    assert bl.__version__ in result.stdout
