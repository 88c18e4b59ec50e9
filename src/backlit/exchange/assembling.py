"""A network from the nodes of somebody else's graph: chains, skips and branches become the containers that say so.

PyTorch and Keras hand over nodes in the order in which they run. `assemble` finds structure in them by dominators: a
node dominates another if every way from the input to that one leads through it. Between a merge and the nearest node
that dominates its inputs lies a region: a `Residual` if one of two added branches is empty, a `Parallel` if branches
share nothing, else a `Wired`. What dominates the output is one long `Sequential`. Of several inputs or outputs it is a
`Wired` of such regions: nodes are the merges that nothing dominates, and what runs between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.context import Params, Shape
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.containers import Parallel, Residual, Sequential
from backlit.nn.layers.wired import INPUT, OUTPUT, Wired
from backlit.nn.shapes import Shapes


@dataclass(frozen=True)
class Node:
    """A layer with what it has learned, and whose outputs it takes.

    Attributes
    ----------
    name : str
        For the nodes that take its output; also what it is called in a `Wired`.
    layer : Layer
        `Identity` for a node that only merges.
    inputs : tuple of str
        Names of nodes, or "input"; of a network of several inputs, these.
    params, state : nested dict of arrays
        As `Layer.init` and `Layer.init_state` give them.
    frozen : tuple of str
        Paths of the parameters that aren't to be trained.
    combine : "sum", "mean" or "concatenate"
        What becomes of several inputs.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    params: Params = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    combine: str = "sum"


@dataclass(frozen=True)
class _Piece:
    """A layer of any size with its values."""

    layer: Layer
    params: Params
    state: dict[str, Any]
    frozen: tuple[str, ...]


def assemble(
    nodes: Sequence[Node], output: str | Mapping[str, str], input_shape: Shape | Shapes, dtype: str = "float32"
) -> Network:
    """The network of which these are the nodes.

    Parameters
    ----------
    nodes : sequence of Node
        Each after those whose outputs it takes; those that lead nowhere are left out.
    output : str, or dict of name to str
        The node whose output is the network's; of several outputs that of each.
    input_shape : tuple of int, or Shapes
        Of one example; of several inputs by name.
    dtype : str

    Raises
    ------
    InputError
        If parameters don't fit, or an input leads to no output.

    Examples
    --------
    >>> import backlit as bl
    >>> a, b = Node("a", bl.ReLU(), ("input",)), Node("b", bl.Tanh(), ("sum",))
    >>> assemble([a, Node("sum", bl.Identity(), ("input", "a")), b], "b", (3,)).architecture
    Sequential(Residual(ReLU()), Tanh())
    >>> both = assemble([a, Node("b", bl.Tanh(), ("a",))], {"low": "a", "high": "b"}, (3,)).architecture
    >>> both.nodes, both.edges
    ((('low', ReLU()), ('high', Tanh())), (('input', 'low'), ('low', 'high')))
    """
    if isinstance(output, str) and not isinstance(input_shape, Shapes):
        whole = _in_turn(_Graph(nodes).chain(INPUT, output))
        if not isinstance(whole.layer, Sequential):
            whole = _nested(Sequential(whole.layer), [("0", whole)])
    else:
        inputs = tuple(input_shape) if isinstance(input_shape, Shapes) else ()
        whole = _joined(_Graph(nodes, inputs), {OUTPUT: output} if isinstance(output, str) else dict(output))
    return _filled(whole, input_shape, dtype)


def _filled(whole: _Piece, input_shape: Shape | Shapes, dtype: str) -> Network:
    """The network with a piece's layers and values."""
    wanted = Network.empty(whole.layer, input_shape, dtype)
    given = tree.flatten_dict(whole.params)
    for path, leaf in tree.items(wanted.params):
        if path not in given or np.shape(given[path]) != np.shape(leaf):
            got = np.shape(given[path]) if path in given else "none"
            raise InputError(f"parameter {path} needs shape {np.shape(leaf)}, got {got}")
    cast = lambda leaf: np.array(leaf, dtype=dtype)  # noqa: E731
    params = tree.map(lambda _, leaf: cast(leaf), wanted.params, whole.params)
    state = {path: cast(leaf) for path, leaf in tree.flatten_dict(whole.state).items()}
    network = wanted.replace(params=params, state={**wanted.state, **state})
    return network.replace(frozen=whole.frozen) if whole.frozen else network


class _Graph:
    """Nodes by name, and who dominates whom; several inputs all come from one place that nobody else knows."""

    def __init__(self, nodes: Sequence[Node], inputs: tuple[str, ...] = ()) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.inputs = inputs
        self.root = "" if inputs else INPUT
        self.place = {name: i for i, name in enumerate([self.root, *inputs, *self.nodes])}
        self.dominator: dict[str, str] = dict.fromkeys(inputs, self.root)
        for node in nodes:
            self.dominator[node.name] = self.common(node.inputs)

    def common(self, names: Iterable[str]) -> str:
        """The nearest node that dominates, or is, each of these."""
        found = set(names)
        while len(found) > 1:  # the last of them in order can't dominate the others: go up from there
            last = max(found, key=self.place.__getitem__)
            found = (found - {last}) | {self.dominator[last]}
        return found.pop()

    def between(self, start: str, end: str) -> set[str]:
        """The nodes on the ways from `start`, which isn't among them, to `end`, which is."""
        reached: set[str] = set()
        pending = [end]
        while pending:
            name = pending.pop()
            if name != start and name not in reached:
                reached.add(name)
                pending += self.nodes[name].inputs if name in self.nodes else ()
        return reached

    def chain(self, start: str, end: str) -> list[_Piece]:
        """What makes `end`'s output of `start`'s, one after another."""
        pieces: list[_Piece] = []
        while end != start:
            node = self.nodes[end]
            own = _Piece(node.layer, node.params, node.state, node.frozen)
            before = node.inputs[0] if len(node.inputs) == 1 else self.dominator[end]
            if not isinstance(node.layer, Identity):
                pieces.append(own)
            if len(node.inputs) > 1:
                pieces.append(self.merged(before, node))
            end = before
        return pieces[::-1]

    def merged(self, start: str, node: Node) -> _Piece:
        """What a node's inputs become together, from the output of what dominates them."""
        regions = [self.between(start, name) for name in node.inputs]
        if sum(map(len, regions)) > len(set().union(*regions)):
            return self.web(start, node, set().union(*regions))
        if len(regions) == 2 and node.combine == "sum" and any(regions) and not all(regions):
            body = _in_turn(self.chain(start, next(name for name in node.inputs if name != start)))
            return _nested(Residual(body.layer), [("body", body)])
        branches = [(str(i), _in_turn(self.chain(start, name))) for i, name in enumerate(node.inputs)]
        return _nested(Parallel(*[piece.layer for _, piece in branches], combine=node.combine), branches)

    def web(self, start: str, merge: Node, inside: set[str]) -> _Piece:
        """Nodes whose connections cross, as a `Wired`."""
        nodes = [node for name, node in self.nodes.items() if name in inside]
        renamed = {start: INPUT}
        for node in nodes:
            renamed[node.name] = _free(node.name, (INPUT, OUTPUT, *renamed.values()))
        ways = {renamed[node.name]: node.combine for node in nodes if len(node.inputs) > 1} | {OUTPUT: merge.combine}
        combine: Any = merge.combine if set(ways.values()) == {merge.combine} else ways
        edges = [(renamed[source], renamed[node.name]) for node in nodes for source in node.inputs]
        edges += [(renamed[source], OUTPUT) for source in merge.inputs]
        layers = {renamed[node.name]: node.layer for node in nodes}
        parts = [(renamed[node.name], _Piece(node.layer, node.params, node.state, node.frozen)) for node in nodes]
        return _nested(Wired(layers, edges, combine=combine), parts)


def _in_turn(pieces: list[_Piece]) -> _Piece:
    """Pieces one after another as one."""
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        return _Piece(Identity(), {}, {}, ())
    return _nested(Sequential(*[piece.layer for piece in pieces]), [(str(i), piece) for i, piece in enumerate(pieces)])


def _nested(container: Layer, parts: Sequence[tuple[str, _Piece]]) -> _Piece:
    """A container with its parts' values under their names."""
    params = {name: piece.params for name, piece in parts if piece.params}
    state = {name: piece.state for name, piece in parts if piece.state}
    return _Piece(container, params, state, tuple(f"{name}/{path}" for name, piece in parts for path in piece.frozen))


# ------------------------------------------------------------------------- several inputs and outputs


def _joined(graph: _Graph, outputs: dict[str, str]) -> _Piece:
    """A `Wired` with named inputs and outputs; its nodes are regions that one value leads into and one out of."""
    regions = _Regions(graph, outputs)
    for name in graph.inputs:
        if name not in regions.used:
            raise InputError(f"the input {name!r} leads to no output: take it out")
    names = _names(regions, outputs)
    parts: list[tuple[str, _Piece]] = []
    edges: list[tuple[str, str]] = []
    ways: dict[str, str] = {}
    for end in sorted(regions.found, key=graph.place.__getitem__):
        inputs, piece = regions.found[end]
        if len(inputs) > 1:
            ways[names[end]] = graph.nodes[regions.merges[end]].combine
        parts.append((names[end], piece))
        edges += [(names[start], names[end]) for start in inputs]
    edges += [(names[end], name) for name, end in outputs.items() if end not in regions.found or names[end] != name]
    combine: Any = ways if len(set(ways.values())) > 1 else next(iter(ways.values()), "sum")
    named = () if set(outputs) == {OUTPUT} else tuple(outputs)
    layers = {name: piece.layer for name, piece in parts}
    return _nested(Wired(layers, edges, combine=combine, inputs=graph.inputs, outputs=named), parts)


class _Regions:
    """What a graph falls into: by the node at each region's end, what goes in and what is made of it.

    Attributes
    ----------
    found : dict of node to (inputs, piece)
    merges : dict of node to node
        Where the inputs come together, in regions that have several.
    used : set of str
        The inputs and nodes that lead to an output.
    """

    def __init__(self, graph: _Graph, outputs: Mapping[str, str]) -> None:
        self.graph, self.ends = graph, set(outputs.values())
        self.used = {name for end in self.ends for name in graph.between("", end)}
        self.users: dict[str, set[str]] = {name: set() for name in self.used}
        for name in self.used & graph.nodes.keys():
            for source in graph.nodes[name].inputs:
                self.users[source].add(name)
        self.found: dict[str, tuple[tuple[str, ...], _Piece]] = {}
        self.merges: dict[str, str] = {}
        pending = [end for end in self.ends if end in graph.nodes]
        while pending:
            end = pending.pop()
            if end not in self.found:
                pending += [name for name in self._region(end) if name in graph.nodes]

    def _region(self, end: str) -> tuple[str, ...]:
        """Find the region that ends at a node; what goes into it."""
        graph = self.graph
        start = self._start(end)
        pieces = graph.chain(start, end)
        if start == end or self._merges_for(start, end):
            node = graph.nodes[start]
            inputs: tuple[str, ...] = node.inputs
            self.merges[end] = start
            own = _Piece(node.layer, node.params, node.state, node.frozen)
            pieces = pieces if isinstance(node.layer, Identity) else [own, *pieces]
        else:
            inputs = (start,)
        self.found[end] = inputs, _in_turn(pieces)
        return inputs

    def _merges_for(self, start: str, end: str) -> bool:
        """Whether a node brings several values together, and does so for what leads to `end` alone."""
        if start not in self.graph.nodes or start in self.ends or self._start(start) != start:
            return False
        return self.users[start] <= self.graph.between(start, end)

    def _start(self, end: str) -> str:
        """The farthest node before `end` that leads into nothing but what leads to it; itself, if it merges others."""
        start = end
        while start in self.graph.nodes:
            before = self.graph.dominator[start]
            inside = self.graph.between(before, end)
            others = [name for name in inside - {end} if name in self.ends or not self.users[name] <= inside]
            if others or before not in self.users:  # the place that all inputs come from is no value
                break
            start = before
        return start


def _names(regions: _Regions, outputs: Mapping[str, str]) -> dict[str, str]:
    """What inputs and regions are called: after the output that a region gives, else after its first node."""
    graph = regions.graph
    names = {name: name for name in (*graph.inputs, graph.root)}
    times = Counter(outputs.values())
    free = [name for name in outputs if name not in (*graph.inputs, INPUT, OUTPUT)]
    names |= {outputs[name]: name for name in free if outputs[name] in regions.found and times[outputs[name]] == 1}
    taken = {*names.values(), *outputs, INPUT, OUTPUT}
    for end in sorted(regions.found.keys() - names.keys(), key=graph.place.__getitem__):
        start = regions.merges.get(end) or regions.found[end][0][0]
        names[end] = _free(min(graph.between(start, end) or {end}, key=graph.place.__getitem__), taken)
        taken.add(names[end])
    return names


def _free(name: str, taken: Collection[str]) -> str:
    """A name as a `Wired` has it, without "/", and with a number if there is such a one."""
    name = base = name.replace("/", "_")
    count = 1
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    return name
