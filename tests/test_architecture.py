"""The rooms' one-way imports: `lint-imports` holds them, and these tests plant violations to see that it does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "backlit"
LONGEST = 500


def check_rooms(folder: Path) -> subprocess.CompletedProcess[str]:
    """Contracts of pyproject.toml over the package in `folder`."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", ROOT / "pyproject.toml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(SOURCES, tmp_path / "backlit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_rooms_keep_to_their_contracts(copy: Path) -> None:
    result = check_rooms(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("graph/tree.py", "from backlit.nn.layer import Layer", "Rooms import one way"),
        ("graph/tree.py", "def late():\n    import backlit.train.fit", "Rooms import one way"),
        ("nn/linear.py", "from backlit.train import fit", "Rooms import one way"),
        ("train/run.py", "import backlit.cli", "Rooms import one way"),
        ("graph/scan.py", "from backlit import engine", "Rooms import one way"),
        ("graph/ops/recurrence.py", "def late():\n    from backlit.engine import get", "Rooms import one way"),
        ("errors.py", "from backlit.graph import tree", "Rooms import one way"),
        ("optim/__init__.py", "from backlit.nn import linear", "Optimizers know"),
        ("data/__init__.py", "from backlit.graph import tree", "Data knows nothing"),
        ("nn/linear.py", "import backlit.optim", "Layers know nothing"),
        ("nn/linear.py", "import backlit.engine.xla", "leave the choice of the engine"),
        ("graph/ops/arithmetic.py", "import jax.numpy as jnp", "JAX is the XLA engine's"),
        ("engine/numpy.py", "def late():\n    from jax import lax", "JAX is the XLA engine's"),
        ("graph/kernels/numpy.py", "import jax", "JAX is the XLA engine's"),
        ("kitchen.py", "", "Rooms import one way"),  # a room that no contract knows
    ],
)
def test_a_planted_violation_is_found(copy: Path, module: str, line: str, contract: str) -> None:
    with (copy / "backlit" / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = check_rooms(copy)
    assert result.returncode == 1, result.stdout
    verdict = re.search(rf"{contract}.*?(KEPT|BROKEN)", result.stdout, flags=re.DOTALL)
    assert verdict is not None, result.stdout
    assert verdict[1] == "BROKEN", result.stdout


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_no_file_outgrows_its_concern(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{path.relative_to(ROOT)} has {lines} lines: split it by concern"
