"""Networks wired at will: layers as nodes of a directed acyclic graph."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import BacklitError, InputError, ShapeError, unknown
from backlit.graph.ops.activation import sigmoid
from backlit.nn.context import Context, Params, Shape, ensure_context, tell_where
from backlit.nn.key import Key
from backlit.nn.layer import Layer, init_part
from backlit.nn.layers.containers import Ways, merge, merged_shape, way_for, ways_of
from backlit.nn.shapes import Shapes

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
    combine : "sum", "mean", "concatenate" or "weighted", or dict of node to one of them
        What a node (and the output) makes of several inputs. Weighted: their sum, each times σ(w) with a learned w of
        its edge, which starts at 0 (under "edges", by node; Xie et al., section 3.1). Nodes that a dict leaves out add.
    inputs : names
        Of a network of several inputs: edges start at these names in place of "input", and it takes a dict of arrays.
    outputs : names
        Of a network of several outputs, which gives a dict of arrays. A name is that of a node, whose output it is
        (others may use it, too), or one at which edges end, as at "output".

    Raises
    ------
    InputError
        If connections run in a circle, name an unknown node, or leave a node, an input or an output unconnected.

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

    Two inputs and two outputs:

    >>> net = bl.Wired(
    ...     {"look": bl.Sequential(bl.Conv2d(4, 3), bl.Flatten()), "join": bl.Linear(8),
    ...      "kind": bl.Linear(3), "price": bl.Linear(1)},
    ...     [("image", "look"), ("look", "join"), ("meta", "join"), ("join", "kind"), ("join", "price")],
    ...     combine="concatenate", inputs=("image", "meta"), outputs=("kind", "price"),
    ... ).build({"image": (8, 8, 1), "meta": (5,)})
    >>> net.output_shape
    {kind: (3,), price: (1,)}

    References
    ----------
    Xie, Kirillov, Girshick, He: Exploring Randomly Wired Neural Networks, ICCV 2019 (arXiv:1904.01569).
    """

    nodes: tuple[tuple[str, Layer], ...]
    edges: tuple[tuple[str, str], ...]
    combine: Ways = "sum"
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __init__(
        self,
        nodes: Mapping[Any, Layer] | Sequence[tuple[str, Layer]] | Layer | Callable[[str], Layer],
        edges: Any,
        combine: Ways | Mapping[str, str] = "sum",
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
    ) -> None:
        ways = ways_of("Wired", combine, besides=(WEIGHTED,))
        ends = Ends(_names("inputs", inputs) or (INPUT,), _names("outputs", outputs) or (OUTPUT,))
        pairs = _pairs(edges)
        named = _named(nodes, [str(name) for name in getattr(edges, "nodes", ())], pairs, ends)
        _check(named, pairs, ends)
        for name in () if isinstance(ways, str) else dict(ways):
            if name not in named and name not in ends.outputs:
                raise unknown("node in combine:", name, (*named, *ends.outputs))
        object.__setattr__(self, "nodes", _in_order(named, pairs, ends))
        object.__setattr__(self, "edges", _with_ends([name for name, _ in self.nodes], pairs, ends))
        object.__setattr__(self, "combine", ways)
        object.__setattr__(self, "inputs", () if ends.inputs == (INPUT,) else ends.inputs)
        object.__setattr__(self, "outputs", () if ends.outputs == (OUTPUT,) else ends.outputs)
        _check_paths(self.nodes, self.edges, ends)
        if WEIGHTED in ((ways,) if isinstance(ways, str) else dict(ways).values()) and any(
            name == EDGES for name, _ in self.nodes
        ):
            raise InputError(f"Wired: a node can't be called {EDGES!r}, where the weights of the edges are")

    def parts(self) -> list[tuple[str, Layer]]:
        return list(self.nodes)

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def output_names(self) -> tuple[str, ...]:
        return self.outputs

    @property
    def takes_integers(self) -> bool:
        return any(map(self.takes_integers_at, self.inputs)) if self.inputs else super().takes_integers

    def takes_integers_at(self, name: str) -> bool:
        return any(layer.takes_integers for _, layer in self._fed_by(name))

    def _fed_by(self, name: str) -> list[tuple[str, Layer]]:
        """The nodes that take an input, and nothing else."""
        return [(node, layer) for node, layer in self.nodes if self.sources(node) == [name]]

    def check_inputs(self, x: Any) -> None:
        for name in self.inputs or (INPUT,):
            for node, layer in self._fed_by(name):
                try:
                    layer.check_inputs(x[name] if self.inputs else x)
                except BacklitError as error:
                    tell_where(error, node, layer)
                    raise

    def sources(self, name: str) -> list[str]:
        """Where a node, or an output that is none, gets its inputs from; an output that is a node from that."""
        return [start for start, end in self.edges if end == name]

    def _flow(self, first: Any, run: Callable[[str, Layer, list[Any]], Any]) -> dict[str, list[Any]]:
        """Walk the nodes in order; `run` gets what arrives at each. What arrives at each output."""
        made = dict(first) if self.inputs else {INPUT: first}
        for name, layer in self.nodes:
            made[name] = run(name, layer, [made[start] for start in self.sources(name)])
        names = dict(self.nodes)
        return {
            name: [made[name]] if name in names else [made[start] for start in self.sources(name)]
            for name in self.outputs or (OUTPUT,)
        }

    def _ended(self, made: dict[str, Any]) -> Any:
        """What is made of each output as the whole's output."""
        return made if self.outputs else made[OUTPUT]

    def open(self, input_shape: Any) -> list[tuple[str, Layer, Shape]]:
        opened: list[tuple[str, Layer, Shape]] = []

        def visit(name: str, layer: Layer, shapes: list[Shape]) -> Shape:
            shape = self._merged(name, shapes)
            opened.append((name, layer, shape))
            return layer.output_shape(shape)

        self._flow(input_shape, visit)
        return opened

    def init(self, key: Key, input_shape: Any) -> tuple[Params, Any]:
        params: Params = {}

        def visit(name: str, layer: Layer, shapes: list[Shape]) -> Shape:
            part_params, output = init_part(key, name, layer, self._merged(name, shapes))
            if part_params:
                params[name] = part_params
            return output

        outputs = self._flow(input_shape, visit)
        if self._weighted():
            params[EDGES] = {name: {"scale": np.zeros(len(self.sources(name)))} for name in self._weighted()}
        return params, self._out(outputs)

    def way(self, name: str) -> str:
        """How a node, or the output, makes one array of several."""
        return way_for(self.combine, name, "sum")

    def _weighted(self) -> list[str]:
        """The nodes and outputs whose inputs have learned weights."""
        names = [*dict(self.nodes), *(name for name in self.outputs or (OUTPUT,) if name not in dict(self.nodes))]
        return [name for name in names if self.way(name) == WEIGHTED and len(self.sources(name)) > 1]

    def _merged(self, name: str, shapes: list[Any]) -> Shape:
        where = "Wired: the output" if name == OUTPUT else f"Wired: inputs of node {name!r}"
        if len(shapes) > 1 and any(isinstance(shape, Shapes) for shape in shapes):
            raise ShapeError(f"{where}: a layer of several outputs gives a dict, which can't be put together")
        way = self.way(name)
        return merged_shape(where, "sum" if way == WEIGHTED else way, shapes)

    def _out(self, outputs: dict[str, list[Any]]) -> Any:
        made = {name: self._merged(name, shapes) for name, shapes in outputs.items()}
        return self._ended(Shapes(made))

    def _merge(self, params: Params, name: str, inputs: list[Any]) -> Any:
        """What a node makes of its inputs."""
        way = self.way(name)
        if way != WEIGHTED or len(inputs) == 1:
            return merge("sum" if way == WEIGHTED else way, inputs)
        shares = sigmoid(params[EDGES][name]["scale"])
        return merge("sum", [shares[i] * value for i, value in enumerate(inputs)])

    def output_shape(self, input_shape: Any) -> Any:
        def visit(name: str, layer: Layer, shapes: list[Shape]) -> Shape:
            return layer.output_shape(self._merged(name, shapes))

        return self._out(self._flow(input_shape, visit))

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)

        def visit(name: str, layer: Layer, inputs: list[Any]) -> Any:
            return self._told(ctx, name).run(name, layer, params, self._merge(params, name, inputs))

        outputs = self._flow(x, visit)
        return self._ended({name: self._merge(params, name, arrays) for name, arrays in outputs.items()})

    def _told(self, ctx: Context, name: str) -> Context:
        """The context of a node: with its own targets, if it gives one of several outputs."""
        if not self.outputs or ctx.targets is None:
            return ctx
        return dataclasses.replace(ctx, targets=ctx.targets.get(name))

    def __repr__(self) -> str:
        ways = self.combine if isinstance(self.combine, str) else dict(self.combine)
        named = {"inputs": self.inputs, "outputs": self.outputs}
        ends = "".join(f", {name}={names}" for name, names in named.items() if names)
        return f"Wired({len(self.nodes)} nodes, {len(self.edges)} edges, combine={ways!r}{ends})"


@dataclass(frozen=True)
class Ends:
    """The names of a network's inputs and outputs: "input" and "output", if there is one of each."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def _names(what: str, given: Any) -> tuple[str, ...]:
    """Names of inputs or outputs, each once."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"Wired: {what} must be names, {what}=('a', 'b'), got {given!r}")
    names = tuple(given)
    for name in names:
        if not isinstance(name, str) or not name or "/" in name:
            raise InputError(f"Wired: {what} must be names without '/', got {name!r}")
    if len(set(names)) < len(names):
        raise InputError(f"Wired: {what} has a name twice: {', '.join(names)}")
    return names


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


def _named(nodes: Any, also: list[str], pairs: list[tuple[str, str]], ends: Ends) -> dict[str, Layer]:
    if isinstance(nodes, Layer) or (callable(nodes) and not isinstance(nodes, Mapping)):
        names = dict.fromkeys([*also, *(name for pair in pairs for name in pair)])
        wanted = [name for name in names if name not in (*ends.inputs, *ends.outputs)]
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
        if name in ends.inputs:
            raise InputError(f"Wired: {name!r} is an input; a node needs a name of its own")
    return named


def _check(named: dict[str, Layer], pairs: list[tuple[str, str]], ends: Ends) -> None:
    for start, end in pairs:
        for name, others in ((start, ends.inputs), (end, ends.outputs)):
            if name not in named and name not in others:
                known = [*named, *(other for other in others if other not in (INPUT, OUTPUT))]
                raise unknown(f"node in the edge ({start!r}, {end!r}):", name, known)
    if ends.inputs != (INPUT,):
        for name in ends.inputs:
            if all(start != name for start, _ in pairs):
                raise InputError(f"Wired: no edge starts at the input {name!r}")
    if ends.outputs != (OUTPUT,):
        for name in ends.outputs:
            if name not in named and all(end != name for _, end in pairs):
                raise InputError(f"Wired: the output {name!r} is no node, and no edge ends at it")


def _in_order(named: dict[str, Layer], pairs: list[tuple[str, str]], ends: Ends) -> tuple[tuple[str, Layer], ...]:
    """Nodes so that each comes after those that it gets its inputs from; otherwise as given."""
    waiting = {name: {start for start, end in pairs if end == name and start not in ends.inputs} for name in named}
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


def _with_ends(names: list[str], pairs: list[tuple[str, str]], ends: Ends) -> tuple[tuple[str, str], ...]:
    """The edges, with those from the input and to the output that weren't given; several are said by name."""
    starts, stops = {start for start, _ in pairs}, {end for _, end in pairs}
    one_input, one_output = ends.inputs == (INPUT,), ends.outputs == (OUTPUT,)
    first = [(INPUT, name) for name in names if name not in stops] if one_input and INPUT not in starts else []
    last = [(name, OUTPUT) for name in names if name not in starts] if one_output and OUTPUT not in stops else []
    return (*first, *pairs, *last)


def _check_paths(nodes: tuple[tuple[str, Layer], ...], edges: tuple[tuple[str, str], ...], ends: Ends) -> None:
    """Every node must be reached from an input, and reach an output."""
    forward, backward = set(ends.inputs), set(ends.outputs)
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
