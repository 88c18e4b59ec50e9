"""A network of several inputs and outputs, seen from one of them."""

from __future__ import annotations

from backlit.errors import InputError, unknown
from backlit.graph import tree
from backlit.nn.key import Key
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Parallel, Sequential, way_for
from backlit.nn.layers.wired import EDGES, OUTPUT, Wired
from backlit.nn.shapes import Shapes


def branch(network: Network, name: str) -> Layer:
    """The layers that one input runs through by itself, before others join it.

    Examples
    --------
    >>> import backlit as bl
    >>> net = bl.Wired(
    ...     {"read": bl.LSTM(3), "join": bl.Linear(2)}, [("text", "read"), ("read", "join"), ("meta", "join")],
    ...     combine="concatenate", inputs=("text", "meta"),
    ... ).build({"text": (5, 2), "meta": (4,)})
    >>> branch(net, "text"), branch(net, "meta")
    (Sequential(LSTM(3)), Sequential())
    """
    wired = network.architecture
    while not isinstance(wired, Wired):
        wired = wired.parts()[0][1]
    reached = {name}
    for node, _ in wired.nodes:
        if set(wired.sources(node)) <= reached:
            reached.add(node)
    return Sequential(*(layer for node, layer in wired.nodes if node in reached))


def towards(network: Network, output: str) -> Network:
    """The network of one of several outputs: what leads to it, with the same parameters and names.

    Raises
    ------
    UnknownNameError
        If there is no such output.

    Examples
    --------
    >>> import backlit as bl
    >>> net = bl.Wired(
    ...     {"trunk": bl.Linear(4), "kind": bl.Linear(3), "price": bl.Linear(1)},
    ...     [("input", "trunk"), ("trunk", "kind"), ("trunk", "price")], outputs=("kind", "price"),
    ... ).build((2,))
    >>> price = towards(net, "price")
    >>> price.output_shape, list(price.params)
    ((1,), ['trunk', 'price'])
    """
    if output not in network.output_names:
        raise unknown("output", output, network.output_names)
    architecture = _towards(network.architecture, output)
    shape = network.input_shape
    if architecture.input_names:
        shape = Shapes({name: shape[name] for name in architecture.input_names})
    before, _ = architecture.init(Key.undrawn(), shape)
    params, merged = tree.flatten_dict(network.params), f"{EDGES}/{OUTPUT}/"
    kept = {path: params[path.replace(merged, f"{EDGES}/{output}/")] for path in tree.paths(before)}
    state = {path: network.state[path] for path in tree.flatten_dict(architecture.init_state(shape))}
    frozen = tuple(path for path in network.frozen if path in kept)
    return Network(architecture, tree.nest(kept), shape, state, frozen)


def _towards(layer: Layer, output: str) -> Layer:
    if isinstance(layer, Sequential):
        return Sequential(*layer.layers[:-1], _towards(layer.layers[-1], output))
    if isinstance(layer, Parallel):
        ways = way_for(layer.combine, output, "concatenate")
        return Parallel(*(_towards(part, output) for part in layer.layers), combine=ways)
    if not isinstance(layer, Wired):
        raise InputError(f"{layer} gives several outputs in a way of its own, of which none can be had alone")
    needed = {output}
    for name, _ in reversed(layer.nodes):
        if name in needed or any(start == name and end in needed for start, end in layer.edges):
            needed.add(name)
    nodes = [(name, part) for name, part in layer.nodes if name in needed]
    last = OUTPUT if output not in dict(nodes) else output
    edges = [
        (start, last if end == output else end)
        for start, end in layer.edges
        if end in needed and (end == output or end in dict(nodes))
    ]
    starts = {start for start, _ in edges}
    return Wired(
        nodes,
        edges if last == OUTPUT else [*edges, (output, OUTPUT)],
        layer.combine if isinstance(layer.combine, str) else _ways(dict(layer.combine), output, [*dict(nodes), OUTPUT]),
        inputs=tuple(name for name in layer.inputs if name in starts),
    )


def _ways(ways: dict[str, str], output: str, names: list[str]) -> dict[str, str]:
    """The ways of those nodes that are left."""
    renamed = {OUTPUT if name == output and name not in names else name: way for name, way in ways.items()}
    return {name: way for name, way in renamed.items() if name in names}
