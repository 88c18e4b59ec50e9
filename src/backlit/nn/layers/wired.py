"""Networks wired at will: layers as nodes of a directed acyclic graph."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown
from backlit.graph.ops.activation import sigmoid
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.key import Key
from backlit.nn.layer import Layer, init_part
from backlit.nn.layers.containers import merge, merged_shape, require_way

INPUT, OUTPUT = "input", "output"
WEIGHTED, EDGES = "weighted", "edges"


@dataclass(frozen=True, repr=False, init=False)
class Wired(Layer):
    """A network of named layers with connections of any kind, as long as they run in no circle.

    Parameters
    ----------
    nodes : dict of name to Layer, Layer, or callable ``name -> Layer``
        A single layer, or what a callable returns, is put at every node that the edges name.
    edges : pairs of names, or a graph with ``.edges`` (and ``.nodes``)
        ``("a", "b")``: b gets a's output. "input" is the network's input, "output" its output. If no edge starts
        at "input", every node without a predecessor gets it; if none ends at "output", every node without a
        successor gives it. A networkx ``DiGraph`` will do.
    combine : "sum", "mean", "concatenate" or "weighted"
        What a node (and the output) makes of several inputs. Weighted: their sum, each times σ(w) with a learned w of
        its edge, which starts at 0 (under "edges", by node; Xie et al., section 3.1).

    Raises
    ------
    InputError
        If connections run in a circle, name an unknown node, or leave a node without input or use.

    Examples
    --------
    >>> import backlit as bl
    >>> net = bl.Wired(
    ...     {"a": bl.Linear(4), "b": bl.ReLU(), "c": bl.Linear(2)},
    ...     [("a", "b"), ("a", "c"), ("b", "c")],
    ... )
    >>> print(net.build((3,)))
    layer  kind       output  parameters  multiply-adds  weights
    a      Linear(4)  (4,)            16             12  weight 4×3, bias 4
    b      ReLU()     (4,)             0              0
    c      Linear(2)  (2,)            10              8  weight 2×4, bias 2
    total             (2,)            26             20

    A randomly wired network:

    >>> edges = bl.random_wiring("watts_strogatz", 8, neighbours=4, probability=0.75, seed=1)
    >>> bl.Wired(bl.Sequential(bl.ReLU(), bl.Linear(16)), edges).build((16,)).output_shape
    (16,)

    References
    ----------
    Xie, Kirillov, Girshick, He: Exploring Randomly Wired Neural Networks, ICCV 2019 (arXiv:1904.01569).
    """

    nodes: tuple[tuple[str, Layer], ...]
    edges: tuple[tuple[str, str], ...]
    combine: str = "sum"

    def __init__(
        self,
        nodes: Mapping[Any, Layer] | Sequence[tuple[str, Layer]] | Layer | Callable[[str], Layer],
        edges: Any,
        combine: str = "sum",
    ) -> None:
        if combine != WEIGHTED:
            require_way("Wired", combine)
        pairs = _pairs(edges)
        named = _named(nodes, [str(name) for name in getattr(edges, "nodes", ())], pairs)
        _check(named, pairs)
        object.__setattr__(self, "nodes", _in_order(named, pairs))
        object.__setattr__(self, "edges", _with_ends([name for name, _ in self.nodes], pairs))
        object.__setattr__(self, "combine", combine)
        _check_paths(self.nodes, self.edges)
        if combine == WEIGHTED and any(name == EDGES for name, _ in self.nodes):
            raise InputError(f"Wired: a node can't be called {EDGES!r}, where the weights of the edges are")

    def parts(self) -> list[tuple[str, Layer]]:
        return list(self.nodes)

    def _sources(self, name: str) -> list[str]:
        return [start for start, end in self.edges if end == name]

    def _flow(self, first: Any, run: Callable[[str, Layer, list[Any]], Any]) -> list[Any]:
        """Walk the nodes in order; `run` gets what arrives at each. What arrives at the output."""
        made = {INPUT: first}
        for name, layer in self.nodes:
            made[name] = run(name, layer, [made[start] for start in self._sources(name)])
        return [made[start] for start in self._sources(OUTPUT)]

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        opened: list[tuple[str, Layer, Shape]] = []

        def visit(name: str, layer: Layer, shapes: list[Shape]) -> Shape:
            shape = self._merged(f"inputs of node {name!r}", shapes)
            opened.append((name, layer, shape))
            return layer.output_shape(shape)

        self._flow(input_shape, visit)
        return opened

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params: Params = {}

        def visit(name: str, layer: Layer, shapes: list[Shape]) -> Shape:
            shape = self._merged(f"inputs of node {name!r}", shapes)
            part_params, output = init_part(key, name, layer, shape)
            if part_params:
                params[name] = part_params
            return output

        outputs = self._flow(input_shape, visit)
        if self.combine == WEIGHTED:
            several = {name: len(self._sources(name)) for name in (*(name for name, _ in self.nodes), OUTPUT)}
            params[EDGES] = {name: {"scale": np.zeros(count)} for name, count in several.items() if count > 1}
        return params, self._merged("the output", outputs)

    def _merged(self, where: str, shapes: list[Shape]) -> Shape:
        return merged_shape(f"Wired: {where}", "sum" if self.combine == WEIGHTED else self.combine, shapes)

    def _merge(self, params: Params, name: str, inputs: list[Any]) -> Any:
        """What a node makes of its inputs."""
        if self.combine != WEIGHTED or len(inputs) == 1:
            return merge("sum" if self.combine == WEIGHTED else self.combine, inputs)
        shares = sigmoid(params[EDGES][name]["scale"])
        return merge("sum", [shares[i] * value for i, value in enumerate(inputs)])

    def output_shape(self, input_shape: Shape) -> Shape:
        def visit(name: str, layer: Layer, shapes: list[Shape]) -> Shape:
            return layer.output_shape(self._merged(f"inputs of node {name!r}", shapes))

        return self._merged("the output", self._flow(input_shape, visit))

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)

        def visit(name: str, layer: Layer, inputs: list[Any]) -> Any:
            return ctx.run(name, layer, params, self._merge(params, name, inputs))

        return self._merge(params, OUTPUT, self._flow(x, visit))

    def __repr__(self) -> str:
        return f"Wired({len(self.nodes)} nodes, {len(self.edges)} edges, combine={self.combine!r})"


def _pairs(edges: Any) -> list[tuple[str, str]]:
    """Edges as pairs of names, in the order in which they were given."""
    listed: Iterable[Any] = edges.edges if hasattr(edges, "edges") else edges
    if callable(listed):
        listed = listed()
    if not isinstance(listed, Iterable):
        raise InputError(f"Wired: edges must be pairs of names, or a graph that has them, got {edges!r}")
    pairs: list[tuple[str, str]] = []
    for edge in listed:
        if isinstance(edge, str) or not isinstance(edge, Sequence) or len(edge) < 2:
            raise InputError(f"Wired: an edge is a pair of names, such as ('a', 'b'), got {edge!r}")
        pair = (str(edge[0]), str(edge[1]))
        if pair in pairs:
            raise InputError(f"Wired: the edge {pair} is given twice")
        pairs.append(pair)
    return pairs


def _named(nodes: Any, also: list[str], pairs: list[tuple[str, str]]) -> dict[str, Layer]:
    if isinstance(nodes, Layer) or (callable(nodes) and not isinstance(nodes, Mapping)):
        names = dict.fromkeys([*also, *(name for pair in pairs for name in pair)])
        wanted = [name for name in names if name not in (INPUT, OUTPUT)]
        named = {name: copy.deepcopy(nodes) if isinstance(nodes, Layer) else nodes(name) for name in wanted}
    else:
        items = [(str(name), layer) for name, layer in (nodes.items() if isinstance(nodes, Mapping) else nodes)]
        named = dict(items)
        if len(named) < len(items):
            raise InputError("Wired: two nodes have one name")
    if not named:
        raise InputError("Wired needs at least one node")
    for name, layer in named.items():
        if not isinstance(layer, Layer):
            raise InputError(f"Wired: node {name!r} must be a layer such as bl.Linear(64), got {layer!r}")
        if name in (INPUT, OUTPUT) or not name or "/" in name:
            raise InputError(f"Wired: a node can't be called {name!r}; 'input', 'output' and names with '/' are taken")
    return named


def _check(named: dict[str, Layer], pairs: list[tuple[str, str]]) -> None:
    for start, end in pairs:
        for name, other in ((start, INPUT), (end, OUTPUT)):
            if name not in named and name != other:
                raise unknown(f"node in the edge ({start!r}, {end!r}):", name, named)


def _in_order(named: dict[str, Layer], pairs: list[tuple[str, str]]) -> tuple[tuple[str, Layer], ...]:
    """Nodes so that each comes after those that it gets its inputs from; otherwise as given."""
    waiting = {name: {start for start, end in pairs if end == name and start != INPUT} for name in named}
    order: list[str] = []
    while waiting:
        ready = next((name for name, before in waiting.items() if not before), None)
        if ready is None:
            raise InputError(f"Wired: connections run in a circle: {' → '.join(_circle(waiting))}")
        order.append(ready)
        del waiting[ready]
        for before in waiting.values():
            before.discard(ready)
    return tuple((name, named[name]) for name in order)


def _circle(waiting: dict[str, set[str]]) -> list[str]:
    """A circle among nodes that wait for each other, in the direction of the connections."""
    path = [next(iter(waiting))]
    while True:
        before = min(waiting[path[-1]])
        if before in path:
            return [before, *reversed(path[path.index(before) :])]
        path.append(before)


def _with_ends(names: list[str], pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The edges, with those from the input and to the output that weren't given."""
    starts, ends = {start for start, _ in pairs}, {end for _, end in pairs}
    first = [] if INPUT in starts else [(INPUT, name) for name in names if name not in ends]
    last = [] if OUTPUT in ends else [(name, OUTPUT) for name in names if name not in starts]
    return (*first, *pairs, *last)


def _check_paths(nodes: tuple[tuple[str, Layer], ...], edges: tuple[tuple[str, str], ...]) -> None:
    """Every node must be reached from the input, and reach the output."""
    forward, backward = {INPUT}, {OUTPUT}
    names = [name for name, _ in nodes]
    for name in names:
        if any(end == name and start in forward for start, end in edges):
            forward.add(name)
    for name in reversed(names):
        if any(start == name and end in backward for start, end in edges):
            backward.add(name)
    lost = [name for name in names if name not in forward]
    idle = [name for name in names if name not in backward]
    if lost:
        raise InputError(f"Wired: no connection leads from the input to {', '.join(lost)}")
    if idle:
        raise InputError(f"Wired: no connection leads from {', '.join(idle)} to the output")
