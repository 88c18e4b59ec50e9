"""What a type checker sees of operations: the parameters of each, also through `grad`, `compile` and `operation`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CALLS = """
import numpy as np
import backlit as bl
from backlit import ops

x = np.ones(3)
ops.sum(x, axis=0)
ops.sum(x, axes=0)  # Unexpected keyword argument "axes"
ops.exp(x, x)  # Too many
ops.softmax(x, axis="last")  # "axis" .* incompatible type "str"
ops.reshape(x, (3, 1))  # Too many positional|Missing named argument "shape"

def scaled(w: float, scale: float = 1.0) -> float:
    return w * scale

bl.grad(scaled)(1.0, scale=2.0)
bl.grad(scaled)(1.0, size=2.0)  # Unexpected keyword argument "size"
bl.compile(scaled)(1.0, 2.0)
bl.compile(scaled)(1.0, 2.0, 3.0)  # Too many
bl.compile(scaled)(1.0).upper()  # "float" has no attribute "upper"

@bl.operation(vjp=(None,))
def rated(xp: object, x: np.ndarray, *, rate: float = 1.0) -> np.ndarray:
    return x * rate

rated(x, rate=2.0)
rated(x, rate="fast")  # "rate" .* incompatible type "str"
rated.op.gate
"""


@pytest.mark.slow
def test_a_type_checker_sees_the_parameters(tmp_path: Path) -> None:
    file = tmp_path / "calls_of_operations.py"
    file.write_text(CALLS)
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", file]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = dict(re.findall(rf"{file.name}:(\d+): error: (.*)", result.stdout))
    expected = {str(n): line.split("  # ")[1] for n, line in enumerate(CALLS.splitlines(), 1) if "  # " in line}
    assert found.keys() == expected.keys(), result.stdout + result.stderr
    for line, text in expected.items():
        assert re.search(text, found[line]), (line, found[line])
