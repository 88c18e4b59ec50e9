"""A network from the nodes of somebody else's graph: chains, skips and branches become the containers that say so.

PyTorch and Keras hand over nodes in the order in which they run. `assemble` finds structure in them by dominators: a
node dominates another if every way from the input to that one leads through it. Between a merge and the nearest node
that dominates its inputs lies a region: a `Residual` if one of two added branches is empty, a `Parallel` if branches
share nothing, else a `Wired`. What dominates the output is one long `Sequential`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        Names of nodes, or "input".
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


def assemble(nodes: Sequence[Node], output: str, input_shape: Shape, dtype: str = "float32") -> Network:
    """The network of which these are the nodes.

    Parameters
    ----------
    nodes : sequence of Node
        Each after those whose outputs it takes; those that lead nowhere are left out.
    output : str
        The node whose output is the network's.
    input_shape : tuple of int
    dtype : str

    Raises
    ------
    InputError
        If parameters don't fit.

    Examples
    --------
    >>> import backlit as bl
    >>> a, b = Node("a", bl.ReLU(), ("input",)), Node("b", bl.Tanh(), ("sum",))
    >>> assemble([a, Node("sum", bl.Identity(), ("input", "a")), b], "b", (3,)).architecture
    Sequential(Residual(ReLU()), Tanh())
    """
    whole = _in_turn(_Graph(nodes).chain(INPUT, output))
    if not isinstance(whole.layer, Sequential):
        whole = _nested(Sequential(whole.layer), [("0", whole)])
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
    """Nodes by name, and who dominates whom."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.place = {name: i for i, name in enumerate([INPUT, *self.nodes])}
        self.dominator: dict[str, str] = {}
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
                pending += self.nodes[name].inputs
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
        renamed = {node.name: node.name.replace("/", ".") for node in nodes} | {start: INPUT}
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
