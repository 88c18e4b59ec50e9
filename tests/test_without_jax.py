"""Where there is no JAX, as in a browser, all but compiling works on NumPy, and what needs JAX says so."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit import engine
from backlit.extras import without_jax
from backlit.graph.kernels import numpy as kernels

BARE = ("jax", "jaxlib")
BROWSER = (*BARE, "filelock", "matplotlib", "narwhals", "polars", "rich", "safetensors", "scipy", "sklearn", "typer")
BEGIN = """
import sys
for name in {missing}:
    sys.modules[name] = None  # as if it weren't installed
{platform}
import numpy as np
import backlit as bl
rng = np.random.default_rng(0)
x = rng.normal(size=(60, 2)).astype(np.float32)
y = (x[:, 0] * x[:, 1] > 0).astype(int)
network = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
def refusal(of):
    try:
        of()
    except bl.InputError as error:
        print(error)
"""
TRAINED = "run = bl.fit(network, x, y, epochs=12, batch_size=10, optimizer=bl.GradientDescent(30.0), seed=1{engine})\n"
STEP = "bl.explain_update(run, x[:1], y[:1], loss='cross_entropy', weight='0/weight[0,1]')"
REFUSALS = "refusal(lambda: bl.fit(network, x, y, engine='xla'))\nrefusal(lambda: bl.compile)\n"


def said(code: str, missing: tuple[str, ...], platform: str = "") -> list[str]:
    """The lines that a program prints in a process where some libraries aren't installed."""
    program = BEGIN.format(missing=missing, platform=platform) + code
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def here() -> tuple[np.ndarray, np.ndarray, bl.Run]:
    """The same training in this process, where JAX is."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    network = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    return (
        x,
        y,
        bl.fit(network, x, y, epochs=12, batch_size=10, optimizer=bl.GradientDescent(30.0), seed=1, engine="numpy"),
    )


def test_training_explaining_diagnosing_and_saving_work_on_numpy_without_jax(tmp_path: Path) -> None:
    lines = said(
        TRAINED.format(engine=", engine='numpy'")
        + f"print(run.history[-1]['loss'])\nprint({STEP}['0/weight[0,1]'].gradient)\n"
        + "print([found.name for found in run.diagnose()])\n"
        + f"run.save({str(tmp_path / 'run')!r})\n"
        + f"print(np.array_equal(bl.load({str(tmp_path / 'run')!r}).predict(x), run.predict(x)))\n"
        + REFUSALS,
        BARE,
    )
    x, y, run = here()
    assert lines[0] == str(run.history[-1]["loss"])  # bit for bit
    step = bl.explain_update(run, x[:1], y[:1], loss="cross_entropy", weight="0/weight[0,1]")
    assert lines[1] == str(step["0/weight[0,1]"].gradient)
    assert lines[2] == str([found.name for found in run.diagnose()])
    assert lines[3:] == [
        "True",
        "engine='xla' needs jax (jax isn't installed): pip install jax, or use engine='numpy'",
        "bl.compile needs jax (jax isn't installed): pip install jax, or use engine='numpy'",
    ]


def test_in_a_browser_numpy_is_the_default_and_enough() -> None:
    """Python says there that its platform is emscripten; of the libraries, NumPy alone is needed."""
    lines = said(
        TRAINED.format(engine="")
        + "print(run.settings['engine'], run.history[-1]['loss'])\n"
        + f"print(len(str({STEP})) > 0, [found.name for found in run.diagnose()])\n"
        + "gelu = bl.Sequential(bl.Linear(3), bl.GELU()).build((2,), seed=0)\nprint(gelu(x[:1]).tolist())\n"
        + "import threading\nprint(threading.active_count())\n"
        + REFUSALS,
        BROWSER,
        'sys.platform = "emscripten"',
    )
    x, _, run = here()
    assert lines[0] == f"numpy {run.history[-1]['loss']}"
    assert lines[1] == f"True {[found.name for found in run.diagnose()]}"
    gelu = bl.Sequential(bl.Linear(3), bl.GELU()).build((2,), seed=0)
    np.testing.assert_allclose(json.loads(lines[2]), gelu(x[:1]), rtol=1e-6)
    assert lines[3:] == [
        "1",
        "engine='xla' needs jax, which doesn't run in a browser: use engine='numpy', its default there",
        "bl.compile needs jax, which doesn't run in a browser: use engine='numpy', its default there",
    ]
    assert engine.DEFAULT == "xla"  # elsewhere


def test_another_module_that_is_missing_is_no_missing_jax() -> None:
    other = ModuleNotFoundError("No module named 'ml_dtypes'", name="ml_dtypes")
    with pytest.raises(ModuleNotFoundError, match="ml_dtypes"):
        without_jax("engine='xla'", other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_error_function_is_scipys_where_there_is_none(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(-5, 5, 101).reshape(1, 101).astype(dtype)
    with_scipy = kernels.erf(x)
    monkeypatch.setitem(sys.modules, "scipy", None)
    alone = kernels.erf(x)
    assert (alone.dtype, alone.shape) == (dtype, x.shape)
    np.testing.assert_allclose(alone, with_scipy, rtol=4 * np.finfo(dtype).eps)
