"""How many of the ONNX package's own tests of nodes pass, for the operators that Backlit claims: on both engines.

    python -m benchmarks.onnx_nodes [--failed]

Each test is one node (or the nodes that it is made of) with inputs and outputs, written by ONNX's authors. Those of
types of number that Backlit doesn't have (bfloat16, 8-bit floats and below, texts, complex) are counted by themselves.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import backlit as bl
from backlit.exchange.onnx.reading.files import parse_model
from backlit.exchange.onnx.reading.model import Model, evaluate
from backlit.nn.operators import OPERATORS
from backlit.nn.operators.choosing import TYPES

ENGINES = ("numpy", "xla")
# What tests of claimed operators ask for beyond what Backlit says it does, by a part of the test's name.
BEYOND = {
    "test_training_dropout": "random numbers of a training mode",
    "test_maxpool_with_argmax": "places of the greatest numbers",
    "test_einsum_batch_diagonal": "diagonals in Einsum",
    "reduction_mul": "scattering by product or extreme",
    "reduction_max": "scattering by product or extreme",
    "reduction_min": "scattering by product or extreme",
    "test_scatternd_multiply": "scattering by product or extreme",
    "test_scatternd_max": "scattering by product or extreme",
    "test_scatternd_min": "scattering by product or extreme",
    "test_not_": "operator sets before version 7",
}


@dataclass(frozen=True)
class NodeTest:
    """One test of ONNX's: its model as bytes, and pairs of inputs and outputs."""

    name: str
    operators: frozenset[str]
    content: bytes
    cases: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...]
    rtol: float
    atol: float

    def model(self) -> Model:
        """As Backlit reads it."""
        import onnx

        return parse_model(onnx, self.content, Path(f"{self.name}.onnx"))


@cache
def node_tests() -> tuple[NodeTest, ...]:
    """The tests whose operators, all of them, are claimed, in types that Backlit has."""
    return tuple(test for test, why in _all_tests() if not why)


@cache
def left_out() -> Counter[str]:
    """How many tests of claimed operators aren't tried, by reason."""
    return Counter(why for _, why in _all_tests() if why and why != "other operators")


@cache
def _all_tests() -> tuple[tuple[NodeTest, str], ...]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        return tuple(_described(test) for test in load_model_tests(kind="node"))


def _described(test: Any) -> tuple[NodeTest, str]:
    graph = test.model.graph
    operators = frozenset(node.op_type for node in graph.node)
    found = NodeTest(
        test.name,
        operators,
        test.model.SerializeToString(),
        tuple((_arrays(inputs), _arrays(outputs)) for inputs, outputs in test.data_sets or ()),
        test.rtol,
        test.atol,
    )
    functions = {node.op_type for function in test.model.functions for node in function.node}
    if (operators | functions) - set(OPERATORS) or any(node.domain not in ("", "ai.onnx") for node in graph.node):
        return found, "other operators"
    types = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)]
    types += [a.i for node in graph.node for a in node.attribute if a.name in ("to", "dtype")]
    types += [tensor.data_type for tensor in graph.initializer]
    types += [a.t.data_type for node in graph.node for a in node.attribute if a.type == 4]
    if set(types) - set(TYPES):
        return found, "types that Backlit doesn't have"
    for part, why in BEYOND.items():
        if part in test.name:
            return found, why
    return found, ""


def _arrays(values: Any) -> tuple[Any, ...]:
    """Some are given as ONNX's tensors."""
    from onnx import TensorProto, numpy_helper

    return tuple(numpy_helper.to_array(value) if isinstance(value, TensorProto) else value for value in values)


def difference(test: NodeTest, engine: str) -> str:
    """What is wrong with what Backlit makes of a test; empty if it is as it must be."""
    try:
        model = test.model()
        for inputs, expected in test.cases:
            named = dict(zip([given.name for given in model.inputs], inputs, strict=True))
            made = _run(model, named, engine)
            for ours, theirs in zip(made, expected, strict=True):
                if str(ours.dtype) != str(theirs.dtype):
                    return f"{ours.dtype} in place of {theirs.dtype}"
                np.testing.assert_allclose(np.asarray(ours), theirs, rtol=test.rtol, atol=test.atol)
                if ours.shape != theirs.shape:
                    return f"shape {ours.shape} in place of {theirs.shape}"
    except AssertionError as error:
        return f"other numbers: {' '.join(str(error).split())[:300]}"
    except Exception as error:  # noqa: BLE001 (whatever it is, the test didn't pass)
        return f"{type(error).__name__}: {str(error)[:300]}"
    return ""


def _run(model: Model, named: dict[str, np.ndarray], engine: str) -> list[Any]:
    if engine == "numpy":
        values = evaluate(model, named)
        return [np.asarray(values[name]) for name in model.outputs]
    known = _deciding(model)
    traced = {name: array for name, array in named.items() if name not in known}
    rest = {name: array for name, array in named.items() if name in known}

    def program(given: dict[str, Any]) -> list[Any]:
        values = evaluate(model, {**given, **rest})
        return [values[name] for name in model.outputs]

    return [np.asarray(value) for value in (bl.compile(program)(traced) if traced else program({}))]


def _deciding(model: Model) -> set[str]:
    """The inputs that shapes depend on: a compiled program must know them."""
    wanted: set[str] = set()
    for node in reversed(model.nodes):
        static = {node.inputs[i] for i in OPERATORS[node.operator].static if i < len(node.inputs)}
        if set(node.outputs) & wanted and node.operator not in ("Shape", "Size"):
            static |= set(node.inputs)
        wanted |= static
    return wanted


def results() -> Iterator[tuple[NodeTest, str, str]]:
    """Every test on every engine, and what is wrong."""
    for test in node_tests():
        for engine in ENGINES:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                yield test, engine, difference(test, engine)


def main() -> int:
    """Print the table; 1 if a test doesn't pass."""
    passed: Counter[str] = Counter()
    wrong = 0
    for test, engine, fault in results():
        passed[engine] += not fault
        wrong += bool(fault)
        if fault and "--failed" in sys.argv:
            print(f"{engine:6} {test.name}: {fault}")
    total = len(node_tests())
    print(f"{len(OPERATORS)} operators; tests of ONNX's own for them that pass:")
    for engine in ENGINES:
        print(f"  engine {engine!r}: {passed[engine]} of {total}")
    for why, count in left_out().items():
        print(f"  not tried, {why}: {count}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
