"""Sizes through a model: what each value's shape is, what depends on the network's input, and what on the batch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError
from backlit.exchange.onnx.reading.model import Input, Model, Node, evaluate
from backlit.graph.op import transforming
from backlit.nn.operators import OPERATORS

ROWS = (2, 3)  # two sizes of the batch: what differs between them depends on it
SIZES = ("Shape", "Size", "EyeLike")  # give the same whatever numbers come in

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Trace:
    """A model with all its sizes.

    Attributes
    ----------
    model : Model
    input : Input
        The one that the network takes.
    shape : tuple of int
        Of one example.
    moving : frozenset of str
        Values that depend on the network's input.
    learned : frozenset of str
        Values that depend on weights, and on nothing that moves.
    values : pair of dicts
        All values for two rows and for three, those that move computed from zeros.
    """

    model: Model
    input: Input
    shape: Shape
    moving: frozenset[str]
    learned: frozenset[str]
    values: tuple[Mapping[str, Any], Mapping[str, Any]]

    def shape_of(self, name: str) -> Shape:
        """Shape in a batch of two rows."""
        return tuple(np.shape(self.values[0][name]))

    def affine(self, name: str) -> tuple[tuple[int, int], ...]:
        """Sizes of a value as pairs (a, k), for a + k · rows."""
        return _affine(self.shape_of(name), np.shape(self.values[1][name]))

    def batch_first(self, name: str) -> bool:
        """Whether the first axis of a value is the batch, and no other depends on it."""
        sizes = self.affine(name)
        return bool(sizes) and sizes[0] == (0, 1) and not any(k for _, k in sizes[1:])

    def constant(self, name: str) -> np.ndarray | None:
        """A value that is the same for every input and batch; None for all others."""
        if name in self.moving:
            return None
        two, three = (np.asarray(values[name]) for values in self.values)
        same = two.shape == three.shape and two.dtype == three.dtype and _equal(two, three)
        return two if same else None

    def is_filled(self, name: str) -> bool:
        """Whether all of an array is one number, the same for every batch."""
        two, three = (np.asarray(values[name]) for values in self.values)
        if two.dtype.kind not in "fiub" or two.ndim != three.ndim or not two.size or not two.ndim:
            return False
        return bool((two == two.flat[0]).all() and (three == two.flat[0]).all())

    def affine_numbers(self, name: str) -> tuple[tuple[int, int], ...] | None:
        """A list of whole numbers that depend on the batch alone, as pairs (a, k); None for other values."""
        two, three = (np.asarray(values[name]) for values in self.values)
        if name in self.moving or two.dtype.kind not in "iu" or two.ndim != 1 or two.shape != three.shape:
            return None
        return _affine(tuple(two.tolist()), tuple(three.tolist()))


def _affine(two: Any, three: Any) -> tuple[tuple[int, int], ...]:
    pairs = []
    for a, b in zip(two, three, strict=True):
        slope = int(b) - int(a)
        pairs.append((int(a) - ROWS[0] * slope, slope))
    return tuple(pairs)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def trace(model: Model, given: Input, input_shape: Shape | None) -> Trace:
    """Follow sizes through the model for examples of this shape.

    Raises
    ------
    InputError
        If sizes are left open, depend on numbers that the network computes, or don't fit each other.
    """
    shape = _example(given, input_shape)
    bounds.require("values", math.prod(shape), "an example has")
    moving = _moving(model, given.name)
    if given.sizes and given.sizes[0] is not None:
        model = _for_any_batch(model, given.sizes[0], moving)
    learned = _learned(model, moving)
    values = []
    try:
        with transforming():
            for rows in ROWS:
                zeros = np.zeros((rows, *shape), dtype=given.dtype)
                values.append(evaluate(model, {given.name: zeros}))
    except InputError as error:
        if not given.sizes or given.sizes[0] is None:
            raise
        remedy = f"the file was exported for batches of {given.sizes[0]} alone: export it with a dynamic batch"
        raise InputError(f"{error} (in a batch of {rows}); {remedy}") from error
    found = Trace(model, given, shape, moving, learned, (values[0], values[1]))
    return dataclasses.replace(found, moving=moving | _varying(found))


def _varying(found: Trace) -> frozenset[str]:
    """Values that no input goes into, but that differ from row to row of the batch: they have to be computed."""
    names = {name for node in found.model.nodes for name in node.outputs if name} - found.moving
    return frozenset(
        name
        for name in names
        if found.constant(name) is None and found.affine_numbers(name) is None and not found.is_filled(name)
    )


def _example(given: Input, input_shape: Shape | None) -> Shape:
    """The shape of one example, by the file and the caller."""
    if not given.sizes:
        if input_shape is None:
            raise InputError(
                f"the file doesn't tell the sizes of its input {given.name}; say input_shape=(…), that of one example"
            )
        return tuple(input_shape)
    own = given.sizes[1:]
    if input_shape is None:
        if None in own:
            raise InputError(
                f"the file leaves sizes of its input open: {given}; say input_shape, that of one example (without the "
                f"batch), {tuple(size or 20 for size in own)} say"
            )
        return tuple(size for size in own if size is not None)
    if len(input_shape) != len(own) or any(size not in (None, n) for size, n in zip(own, input_shape, strict=True)):
        raise InputError(f"input_shape {tuple(input_shape)} doesn't fit the file's input {given}")
    return tuple(input_shape)


def _moving(model: Model, name: str) -> frozenset[str]:
    """Values that depend on the input's numbers; none of them may decide a shape."""
    moving = {name}
    for node in model.nodes:
        if node.operator in SIZES or not moving & set(node.inputs):
            continue
        static = OPERATORS[node.operator].static if node.operator in OPERATORS else ()
        for place in static:
            if place < len(node.inputs) and node.inputs[place] in moving:
                raise InputError(
                    f"{node} takes its input {node.inputs[place]!r} from numbers that the network computes: sizes that "
                    "depend on them can't be compiled; export the network with fixed sizes"
                )
        moving |= set(node.outputs)
    return frozenset(moving - {""})


def _learned(model: Model, moving: frozenset[str]) -> frozenset[str]:
    """Weights, and what is made of them alone."""
    learned = set(model.learned)
    for node in model.nodes:
        if learned & set(node.inputs) and not moving & set(node.outputs) and node.operator not in SIZES:
            learned |= set(node.outputs)
    return frozenset(learned - {""})


def _for_any_batch(model: Model, rows: int, moving: frozenset[str]) -> Model:
    """A model that was exported for so many rows alone, for any number: its reshapes begin with them.

    States that recurrent nodes begin with, zeros for so many rows, are left out, which means zeros.
    """
    constants = {**model.constants}
    for node in model.nodes:  # what nodes hold as constants
        if node.operator == "Constant" and node.outputs:
            constants[node.outputs[0]] = np.asarray(node.call(model.version).run(())[0])
    added: dict[str, np.ndarray] = {}
    nodes = []
    for node in model.nodes:
        if node.operator == "Reshape" and len(node.inputs) > 1 and node.inputs[0] in moving:
            node = _reshaped(node, constants, rows, added)
        if node.operator in ("RNN", "GRU", "LSTM"):
            node = _begun(node, constants, rows)
        nodes.append(node)
    return dataclasses.replace(model, nodes=tuple(nodes), constants={**model.constants, **added})


def _reshaped(node: Node, constants: Mapping[str, Any], rows: int, added: dict[str, np.ndarray]) -> Node:
    wanted = constants.get(node.inputs[1])
    if wanted is None or wanted.ndim != 1 or not wanted.size or rows not in wanted.tolist():
        return node
    target = wanted.copy()
    place = 0 if target[0] == rows else int(np.flatnonzero(target == rows)[0])
    if -1 not in target:
        target[place] = -1
    elif place == 0:
        target[0] = 0
    name = f"{node.inputs[1]} for {node.name}"
    added[name] = target
    return dataclasses.replace(node, inputs=(node.inputs[0], name, *node.inputs[2:]))


def _begun(node: Node, constants: Mapping[str, Any], rows: int) -> Node:
    inputs = list(node.inputs)
    for place in (5, 6):
        state = constants.get(inputs[place]) if place < len(inputs) else None
        if state is not None and state.ndim == 3 and not state.any():
            inputs[place] = ""
    if len(inputs) > 4 and inputs[4] in constants and constants[inputs[4]].shape == (rows,) and rows > 0:
        lengths = constants[inputs[4]]
        if (lengths == lengths[0]).all():
            inputs[4] = ""
    return dataclasses.replace(node, inputs=tuple(inputs))
