"""A network's last layer, replaced: the body of a trained network with a head for another question."""

from __future__ import annotations

from typing import Any

from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.building import require_start
from backlit.nn.context import Params
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Sequential


def with_head(network: Network, head: Layer, seed: int = 0) -> Network:
    """The network with another last layer, freshly drawn; everything before it stays.

    The last layer is the last one with parameters; what follows it, such as a softmax, goes with it. Layers that come
    after one another may be nested: it is looked for in the last `Sequential` of a `Sequential`.

    Parameters
    ----------
    network : Network
        Of a `Sequential`.
    head : Layer
        One layer, or a `Sequential` of several, such as ``bl.Linear(5)`` for five classes.
    seed : int
        Its parameters are drawn with it.

    Raises
    ------
    InputError
        If no layer has parameters, or the last one that has isn't in a `Sequential`.
    ShapeError
        If the head can't take what the rest gives.

    Examples
    --------
    >>> import backlit as bl
    >>> trained = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(10), bl.Softmax()).build((4,))
    >>> network = trained.with_head(bl.Linear(3))
    >>> network, network.params["0"]["weight"] is trained.params["0"]["weight"]
    (Network(Sequential(Linear(8), ReLU(), Linear(3)), input_shape=(4,), 67 parameters), True)
    """
    if not isinstance(head, Layer):
        raise InputError(f"with_head takes a layer such as bl.Linear(5), got {head!r}")
    require_start(seed, network.dtype)
    architecture, path = _replaced("", network.architecture, network.params, head)
    fresh = architecture.build(network.input_shape, seed, str(network.dtype))
    start = f"{path}/"
    old = {name: leaf for name, leaf in tree.items(network.params) if _before(name, path)}
    state = {name: value for name, value in network.state.items() if _before(name, path)}
    params = {name: leaf if name.startswith(start) else old[name] for name, leaf in tree.items(fresh.params)}
    kept: Params = tree.map(lambda _, leaf: leaf, fresh.params, tree.nest(params))
    frozen = tuple(name for name in network.frozen if name in old)
    return fresh.replace(params=kept, state={**fresh.state, **state}, frozen=frozen)


def _replaced(path: str, layer: Layer, params: Params, head: Layer) -> tuple[Layer, str]:
    """The layer with its last part that has parameters, and what follows, replaced; the head's path."""
    if not isinstance(layer, Sequential):
        where = f"layer {path} ({layer})" if path else f"{layer}"
        raise InputError(f"with_head: {where} is no Sequential, so its last layer can't be told; build it as one")
    named = [i for i in range(len(layer.layers)) if tree.leaves(params.get(str(i), {}))]
    if not named:
        raise InputError(f"with_head: no layer of {layer} has parameters")
    last = named[-1]
    here = f"{path}/{last}" if path else str(last)
    part: Any = layer.layers[last]
    if isinstance(part, Sequential):
        part, here = _replaced(here, part, params[str(last)], head)
    else:
        part = head
    return Sequential(*layer.layers[:last], part), here


def _before(name: str, path: str) -> bool:
    """Whether a value belongs to a layer before the head: places are compared as numbers, level by level."""
    places = path.split("/")
    for mine, other in zip(name.split("/"), places, strict=False):
        if mine != other:
            return int(mine) < int(other)
    return False
