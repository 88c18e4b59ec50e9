"""The ONNX package's own tests of nodes, for every operator that is claimed, on both engines."""

import warnings

import numpy as np
import pytest

from backlit.nn.operators import OPERATORS
from benchmarks import onnx_nodes


@pytest.mark.slow
@pytest.mark.parametrize("engine", onnx_nodes.ENGINES)
def test_all_that_are_claimed_pass(engine: str) -> None:
    tests = onnx_nodes.node_tests()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if engine == "xla":  # compiling each takes its time: one of nine here, all in `python -m benchmarks.onnx_nodes`
            tests = tests[::9]
        wrong = {test.name: fault for test in tests if (fault := onnx_nodes.difference(test, engine))}
    assert not wrong
    print(f"ONNX's own tests of nodes on engine {engine!r}: {len(tests)} of {len(tests)} pass")  # noqa: T201


def test_nearly_every_operator_has_tests() -> None:
    tried = {operator for test in onnx_nodes.node_tests() for operator in test.operators}
    own = {name for name in OPERATORS if name not in ("Scaler", "LinearRegressor", "LinearClassifier")}  # of ai.onnx.ml
    assert own - tried <= {"Constant", "Identity", "Mod"} | tried
    assert len(onnx_nodes.node_tests()) > 1000


def test_a_wrong_operator_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    (test,) = [test for test in onnx_nodes.node_tests() if test.name == "test_erf"]
    assert not onnx_nodes.difference(test, "numpy")
    from dataclasses import replace

    monkeypatch.setitem(OPERATORS, "Erf", replace(OPERATORS["Erf"], run=lambda call, x: np.tanh(x)))
    assert "other numbers" in onnx_nodes.difference(test, "numpy")
