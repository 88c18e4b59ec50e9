"""An ONNX model as plain values: nodes, arrays, and what goes in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn.operators import Call

Sizes = tuple[int | None, ...]  # None: left open by the file
TEXT = "text"  # the type of inputs that are strings


@dataclass(frozen=True, eq=False)
class Node:
    """One node.

    Attributes
    ----------
    operator, name : str
    inputs, outputs : tuple of str
        Names of values; "" for what is left out.
    attributes : dict
        int, float, str, tuples of these, arrays.
    domain : str
        "" for ONNX's own operators, "ai.onnx.ml" for those of other models.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""

    def __str__(self) -> str:
        return f"node {self.name} ({self.operator})"

    def call(self, version: int) -> Call:
        """The node as its operator sees it."""
        wanted = max((i + 1 for i, name in enumerate(self.outputs) if name), default=1)
        return Call(self.operator, self.attributes, version, self.name, wanted)


@dataclass(frozen=True)
class Input:
    """An input of a model: NumPy's name of its type, or "text", and its sizes, the batch's first."""

    name: str
    dtype: str
    sizes: Sizes

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.sizes)
        return f"{self.name} ({sizes}) of {self.dtype}"


@dataclass(frozen=True, eq=False)
class Model:
    """A model.

    Attributes
    ----------
    nodes : tuple of Node
        Each after those whose values it takes.
    constants : dict
        Arrays by name: weights, and what nodes `Constant` hold.
    learned : frozenset of str
        Those constants that may be weights: the file's own arrays of floating-point numbers with an axis.
    inputs : tuple of Input
    outputs : tuple of str
    version : int
        Of ONNX's operator set.
    metadata : dict of str
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    learned: frozenset[str]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    version: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    def consumers(self) -> dict[str, list[Node]]:
        """Which nodes take each value."""
        users: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name:
                    users.setdefault(name, []).append(node)
        return users


def evaluate(model: Model, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """All values of a model for its inputs: arrays, or Tensors where those went in.

    Raises
    ------
    InputError
        If a node can't be computed; it is named.
    """
    values: dict[str, Any] = {**model.constants, **inputs}
    for node in model.nodes:
        made = zip(node.outputs, compute(node, values, model.version), strict=False)
        values.update({name: value for name, value in made if name})
    return values


def compute(node: Node, values: Mapping[str, Any], version: int) -> tuple[Any, ...]:
    """The outputs of a node for the values that are there; what goes wrong is told with the node."""
    inputs = tuple([values[name] if name else None for name in node.inputs])
    try:
        outputs = node.call(version).run(inputs)
    except InputError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError, MemoryError) as error:
        shapes = ", ".join("none" if x is None else str(tuple(np.shape(x))) for x in inputs)
        raise InputError(f"{node} can't be computed from inputs of shapes {shapes}: {error}") from error
    if len(outputs) < sum(bool(name) for name in node.outputs):
        raise InputError(f"{node} has {len(node.outputs)} outputs; Backlit's {node.operator} gives {len(outputs)}")
    return outputs
