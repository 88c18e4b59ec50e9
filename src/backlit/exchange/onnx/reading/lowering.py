"""A traced model as layers: kind by kind by rules, and as nodes where there is no rule.

ONNX's values keep their own order of axes (channels second, time first), Backlit's layers have another (channels last,
the batch first). A value is therefore known as a `Flow`: which part of the network gives it, and how its axes stand
there. Transposing, and axes of size one that come and go, only change what is noted; axes are moved where somebody
needs them to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError
from backlit.exchange.onnx.reading.model import Node
from backlit.exchange.onnx.reading.tracing import Trace
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.onnx import INPUT, OnnxGraph, OnnxNode
from backlit.nn.layers.shaping import Permute, Reshape
from backlit.nn.operators import Call

INLINE = 64  # numbers of a constant that stand in the architecture; more are kept with the weights
LARGEST = 100_000  # whole numbers of a constant

Order = tuple[int | None, ...]


@dataclass(frozen=True)
class Flow:
    """Where a value is.

    Attributes
    ----------
    source : str
        The part of the network that gives it.
    order : tuple
        For each axis of the value the axis of what the part gives; None for one of size one that isn't there.
    columns : tuple of int, optional
        Of a value (rows, features): for each feature its place in what the part gives.
    """

    source: str
    order: Order
    columns: tuple[int, ...] | None = None

    @property
    def plain(self) -> bool:
        """Whether the part gives the value as it is."""
        return self.columns is None and self.order == tuple(range(len(self.order)))


@dataclass
class Part:
    """A layer of the network in the making, with what it gets, its numbers and the shape of what it gives."""

    name: str
    layer: Layer
    sources: tuple[str, ...]
    params: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    value: str = ""  # of the model, that it gives


Rule = Callable[["Lowering", Node], bool]
RULES: dict[str, Rule] = {}


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Enter a rule for these operators: it says whether it has made something of a node."""

    def declare(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return declare


class Lowering:
    """A network in the making."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.model = trace, trace.model
        self.users = self.model.consumers()
        self.parts: dict[str, Part] = {}
        self.flows: dict[str, Flow] = {trace.input.name: Flow(INPUT, tuple(range(len(trace.shape) + 1)))}
        self.shapes_before: dict[str, tuple[int, ...]] = {}  # what parts that reshape get
        self.done: set[int] = set()  # nodes that a rule has taken with another

    def run(self, output: str) -> Network:
        """The network that gives this value."""
        if output not in self.trace.moving:
            raise InputError(f"its output {output!r} doesn't depend on the input {self.trace.input.name!r}")
        if not self.trace.batch_first(output):
            shapes = [np.shape(values[output]) for values in self.trace.values]
            raise InputError(
                f"its output {output!r} has shape {shapes[0]} for 2 rows and {shapes[1]} for 3: its first axis "
                "isn't the batch"
            )
        wanted = self._needed(output)
        for node in self.model.nodes:
            if not wanted & set(node.outputs) or not self.trace.moving & set(node.outputs) or id(node) in self.done:
                continue
            found = RULES.get(node.operator)
            if found is None or not self.trace.moving & set(node.inputs) or not found(self, node):
                self.node(node)
        last = self.physical(output)
        if last == INPUT:
            raise InputError(f"its output {output!r} is its input as it is: there is no network")
        return self._network(last)

    def _needed(self, output: str) -> set[str]:
        wanted = {output}
        for node in reversed(self.model.nodes):
            if wanted & set(node.outputs):
                wanted |= set(node.inputs)
        return wanted - {""}

    # ------------------------------------------------------------------------------------------------- questions

    def constant(self, name: str) -> np.ndarray | None:
        """A value that is always the same, or None."""
        return self.trace.constant(name) if name else None

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a value in a batch of two rows."""
        return self.trace.shape_of(name)

    def rank(self, name: str) -> int:
        """Number of a value's axes."""
        return len(self.shape(name))

    def leads(self, name: str, order: Order | None = None) -> bool:
        """Whether the batch is the first axis of a value whose axes stand in this order, and no other depends on it."""
        sizes = self.trace.affine(name)
        places = [i for i, (_, k) in enumerate(sizes) if k]
        return (
            len(places) == 1 and sizes[places[0]] == (0, 1) and (places[0] if order is None else order[places[0]]) == 0
        )

    def flows_by_row(self, name: str) -> bool:
        """Whether what gives a value gives it with the batch first."""
        return self.leads(name, self.flows[name].order)

    def call(self, node: Node) -> Call:
        """The node as its operator sees it, whose attributes are read with their types."""
        return node.call(self.model.version)

    def only_user(self, name: str) -> Node | None:
        """The one node that takes a value, if there is one, and it isn't the network's output."""
        users = self.users.get(name, [])
        return users[0] if len(users) == 1 and name not in self.model.outputs else None

    def is_used(self, node: Node, place: int) -> bool:
        """Whether somebody takes a node's output."""
        name = node.outputs[place] if place < len(node.outputs) else ""
        return bool(name) and (name in self.users or name in self.model.outputs)

    # --------------------------------------------------------------------------------------------------- making

    def add(
        self,
        node: Node | None,
        layer: Layer,
        sources: Iterable[str],
        params: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        name: str = "",
    ) -> str:
        """Add a part; its name."""
        wanted = re.sub(r"[^\w.:-]+", ".", name or (node.name if node else type(layer).__name__)).strip(".") or "node"
        unique, count = wanted, 1
        while unique in self.parts or unique in (INPUT, "output"):
            count += 1
            unique = f"{wanted}:{count}"
        self.parts[unique] = Part(unique, layer, tuple(sources), params or {}, state or {})
        bounds.require("layers", len(self.parts), "the network has at least")
        return unique

    def reshaped(self, node: Node | None, source: str, before: tuple[int, ...], after: tuple[int, ...]) -> str:
        """A part that reshapes examples from one shape to another; two such, one after the other, are one or none."""
        part = self.parts.get(source)
        if part is not None and isinstance(part.layer, Reshape) and source in self.shapes_before:
            source, before = part.sources[0], self.shapes_before[source]
        if before == after:
            return source
        made = self.add(node, Reshape(after or (1,)), [source], name=node.name if node else f"{source}.reshaped")
        self.shapes_before[made] = before
        return made

    def give(self, node: Node, source: str, order: Order | None = None, place: int = 0, columns: Any = None) -> bool:
        """Note which part gives a node's output, and how its axes stand there."""
        name = node.outputs[place]
        self.flows[name] = Flow(source, tuple(range(self.rank(name))) if order is None else order, columns)
        return True

    def physical(self, name: str, order: Order | None = None) -> str:
        """The part that gives a value with its axes in this order, by default the value's own; moved if need be."""
        flow = self.flows[name]
        wanted = tuple(range(len(flow.order))) if order is None else order
        if flow.columns is not None:
            flow = self._in_place(name, flow)
        if flow.order == wanted:
            return flow.source
        if None in flow.order or None in wanted:
            flow = self._with_ones(name, flow)
            if None in wanted:
                raise ValueError(f"no part gives an axis less: {wanted}")
        if flow.order == wanted:
            return flow.source
        return self.arranged(name, tuple(wanted.index(place) for place in range(len(wanted))), flow)

    def arranged(self, name: str, axes: tuple[int, ...], flow: Flow | None = None) -> str:
        """The part that gives these axes of a value, one after another: all of those that are there."""
        flow = self.flows[name] if flow is None else flow
        moved = tuple(place for axis in axes if (place := flow.order[axis]) is not None)
        if moved == tuple(range(len(moved))):
            return flow.source
        layer: Layer = OnnxNode("Transpose", attributes=(("perm", moved),), version=self.model.version, rows=False)
        if moved[0] == 0 and self.leads(name, flow.order):
            layer = Permute(moved[1:])
        for part in self.parts.values():  # the same is needed twice
            if part.sources == (flow.source,) and part.layer == layer:
                return part.name
        return self.add(None, layer, [flow.source], name=f"{flow.source}.permuted")

    def _in_place(self, name: str, flow: Flow) -> Flow:
        """Features put where the model has them."""
        places = flow.columns or ()
        state = None
        operand: tuple[Any, ...] = ("constant", "int64", (len(places),), tuple(int(place) for place in places))
        layer = OnnxNode("Gather", (("input",), operand), (("axis", 1),), self.model.version)
        source = self.add(None, layer, [flow.source], state=state, name=f"{flow.source}.ordered")
        self.flows[name] = Flow(source, flow.order)
        return self.flows[name]

    def _with_ones(self, name: str, flow: Flow) -> Flow:
        """A flow in which every axis is there, in the value's own order."""
        shape = self.shape(name)
        source = self.arranged(name, tuple(range(len(flow.order))), flow)
        if self.trace.batch_first(name):
            before = tuple(shape[i] for i, axis in enumerate(flow.order) if axis is not None)[1:]
            source = self.reshaped(None, source, before, shape[1:])
        else:
            sizes = tuple((-1, 0) if k else (a, 0) for a, k in self.trace.affine(name))
            layer = OnnxNode("Reshape", (("input",), ("sizes", sizes)), version=self.model.version, rows=False)
            source = self.add(None, layer, [source], name=f"{source}.reshaped")
        return Flow(source, tuple(range(len(flow.order))))

    # ----------------------------------------------------------------------------------------------- nodes as such

    def node(
        self, node: Node, order: Order | None = None, attributes: dict[str, Any] | None = None, rank: int = 0
    ) -> None:
        """Add a node as it is; with its inputs' axes in another order, where it doesn't care."""
        sources, operands, params, state = [], [], {}, {}
        for i, name in enumerate(node.inputs):
            if name and name in self.trace.moving:
                sources.append(self.physical(name, order if order and self.rank(name) == rank else None))
                operands.append(("input",))
                continue
            operand, array = self._operand(node, i, name, order, rank)
            operands.append(operand)
            if operand[0] == "weight":
                params[operand[1]] = array
            elif operand[0] == "state":
                state[operand[1]] = array
        while operands and operands[-1] == ("none",):
            operands.pop()
        call = self.call(node)
        told = tuple(sorted((attributes if attributes is not None else dict(node.attributes)).items()))
        for place, name in enumerate(node.outputs):
            if not name or not self.is_used(node, place):
                continue
            own_order = order if order and self.rank(name) == rank else None
            moving = [given for given in node.inputs if given in self.trace.moving]
            rows = all(
                self.leads(each, order if order and self.rank(each) == rank else None) for each in (name, *moving)
            )
            layer = OnnxNode(node.operator, tuple(operands), told, self.model.version, place, call.outputs, rows)
            source = self.add(node, layer, sources, dict(params), dict(state))
            self.give(node, source, own_order, place)

    def _operand(
        self, node: Node, place: int, name: str, order: Order | None, rank: int
    ) -> tuple[tuple[Any, ...], Any]:
        """An input that the network's own input has no part in."""
        if not name:
            return ("none",), None
        value = self.constant(name)
        if value is None:
            numbers = self.trace.affine_numbers(name)
            if numbers is not None:
                return ("sizes", numbers), None
            array = np.asarray(self.trace.values[0][name])  # all of it one number, or it would be computed
            return ("filled", str(array.dtype), self.trace.affine(name), array.flat[0].item()), None
        if order is not None and rank and value.ndim:
            full = value.reshape((1,) * (rank - value.ndim) + value.shape)
            value = np.transpose(full, [order.index(axis) for axis in range(rank)])
        title = f"input{place + 1}"
        if name in self.trace.learned and value.dtype.kind == "f" and value.size > 1:
            title = {1: "weight", 2: "bias"}.get(place, title)
            return ("weight", title, tuple(value.shape)), value
        if value.dtype.kind == "f" and value.size > INLINE:
            return ("state", title, tuple(value.shape)), value
        if value.size > LARGEST or value.dtype.kind == "O":
            raise InputError(
                f"{node} takes {value.size:,} fixed values of type {value.dtype} ({name}): too many to stand in "
                "an architecture, or texts"
            )
        return ("constant", str(value.dtype), tuple(value.shape), tuple(value.reshape(-1).tolist())), None

    # -------------------------------------------------------------------------------------------------- the network

    def _network(self, last: str) -> Network:
        """The parts that lead to the last one, as layers one after another if they are that, else as a graph."""
        parts = self._leading(last)
        shape, dtype = self.trace.shape, self._dtype()
        chain = all(len(part.sources) == 1 for part in parts) and all(
            part.sources[0] == (parts[i - 1].name if i else INPUT) for i, part in enumerate(parts)
        )
        chain = chain and all(not isinstance(part.layer, OnnxNode) or part.layer.rows for part in parts)
        if chain:
            architecture: Layer = Sequential(*[part.layer for part in parts])
            names = {part.name: str(i) for i, part in enumerate(parts)}
        else:
            whole = self.trace.input.dtype not in ("float16", "float32", "float64")
            architecture = OnnxGraph(tuple((part.name, part.layer, part.sources) for part in parts), last, whole)
            names = {part.name: part.name for part in parts}
        empty = Network.empty(architecture, shape, dtype)
        params = {names[part.name]: part.params for part in parts if part.params}
        state = {f"{names[part.name]}/{key}": value for part in parts for key, value in part.state.items()}
        return _filled_in(empty, params, state, dtype)

    def _leading(self, last: str) -> list[Part]:
        wanted = {last}
        for part in reversed(self.parts.values()):
            if part.name in wanted:
                wanted |= set(part.sources)
        return [part for part in self.parts.values() if part.name in wanted]

    def _dtype(self) -> str:
        """float64 if the file's weights are, else float32."""
        kinds = {array.dtype for name, array in self.model.constants.items() if name in self.model.learned}
        return "float64" if kinds and np.dtype("float64") in kinds and np.dtype("float32") not in kinds else "float32"


def _filled_in(empty: Network, params: dict[str, Any], state: dict[str, Any], dtype: str) -> Network:
    """The network with its weights and running values."""
    from backlit.graph import tree

    expected, given = tree.flatten_dict(empty.params), tree.flatten_dict(params)
    for name, leaf in expected.items():
        if name not in given or np.shape(given[name]) != np.shape(leaf):
            got = np.shape(given[name]) if name in given else "none"
            raise InputError(f"the weights of {name} have shape {got}, the layer needs {np.shape(leaf)}")
    cast = {name: np.array(given[name], dtype=dtype) for name in expected}
    filled = tree.map(lambda _, leaf: leaf, empty.params, tree.nest(cast)) if cast else empty.params
    running = {name: np.array(state.get(name, value), dtype=dtype) for name, value in empty.state.items()}
    return replace(empty, params=filled, state=running)
