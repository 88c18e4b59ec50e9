"""Weights that several nodes of a model use, which become one for each of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from backlit.errors import BacklitWarning
from backlit.exchange.onnx.reading.model import Model, Node
from backlit.exchange.onnx.reading.tracing import Trace

MOST = 5  # arrays and nodes that a warning names


def warn_of_shared(trace: Trace, output: str, depth: int) -> None:
    """Warn once, `depth` calls below the user, of the arrays that several nodes on the way to a value share."""
    shared = shared_weights(trace, output)
    if not shared:
        return
    told = _listed(f"{name} ({_listed(nodes)})" for name, nodes in shared.items())
    warnings.warn(
        f"weights that several nodes of the file share become one for each, which training moves apart: {told}. What "
        "the network gives is the same; to train it on as it was built, read the model itself by bl.from_keras or "
        "bl.from_torch",
        BacklitWarning,
        stacklevel=depth + 1,
    )


def shared_weights(trace: Trace, output: str) -> dict[str, list[str]]:
    """The nodes that use each array, where they are several."""
    roots, constants = _roots(trace), trace.model.constants
    first = _twins(constants, [name for name in constants if name in trace.model.learned])
    uses: dict[str, dict[str, None]] = {}
    for node in _leading(trace.model, output):
        if not trace.moving & set(node.outputs):
            continue
        for array in {first[root] for name in node.inputs for root in roots.get(name, ()) if root in first}:
            uses.setdefault(array, {})[node.name] = None
    return {array: list(nodes) for array, nodes in uses.items() if len(nodes) > 1}


def _twins(constants: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, str]:
    """For each array the first that holds the same numbers, as they are or transposed: PyTorch writes tied ones so.

    Arrays of one number alone are left out: equal ones, biases of zeros say, are kept once for all nodes by exporters.
    """
    groups: dict[Any, list[str]] = {}
    first: dict[str, str] = {}
    for name in names:
        array = constants[name]
        if not array.size or not (array != array.flat[0]).any():
            continue
        alike = groups.setdefault((tuple(sorted(array.shape)), array.flat[0], array.flat[-1]), [])
        same = (other for other in alike if any(np.array_equal(array, each) for each in _turned(constants[other])))
        first[name] = next(same, name)
        if first[name] == name:
            alike.append(name)
    return first


def _turned(array: np.ndarray) -> tuple[np.ndarray, ...]:
    return (array, array.T) if array.ndim == 2 else (array,)


def _roots(trace: Trace) -> dict[str, set[str]]:
    """The file's own arrays that each value was made of without the network's input."""
    roots = {name: {name} for name in trace.model.learned}
    for node in trace.model.nodes:
        if trace.moving & set(node.outputs):
            continue
        found = {root for name in node.inputs for root in roots.get(name, ()) if name in trace.learned}
        roots |= {name: found for name in node.outputs if found}
    return roots


def _leading(model: Model, output: str) -> list[Node]:
    wanted, found = {output}, list[Node]()
    for node in reversed(model.nodes):
        if wanted & set(node.outputs):
            wanted |= set(node.inputs) - {""}
            found.append(node)
    return found[::-1]


def _listed(names: Iterable[str]) -> str:
    told = list(names)
    return ", ".join(told[:MOST]) + (f" and {len(told) - MOST} more" if len(told) > MOST else "")
