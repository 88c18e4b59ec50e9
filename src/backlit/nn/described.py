"""A network as a table: its layers with their outputs, sizes and work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backlit.aligned import aligned
from backlit.graph import tree

if TYPE_CHECKING:
    from backlit.nn.layer import Network


def described(network: Network) -> str:
    """One line a layer, containers before their parts, and their total."""
    lines = network.rows(containers=True)
    paths = [path for path, *_ in lines]
    table = [("layer", "kind", "output", "parameters", "multiply-adds", "weights")]
    for path, layer, shape, size, cost in lines if len(lines) == 1 else lines[1:]:
        indent = "  " * path.count("/")
        weights = _weights(network, path, paths)
        if layer.parts():  # what is in it follows
            table.append((path, f"{indent}{type(layer).__name__}", str(shape), "", "", weights))
        else:
            table.append((path or "-", f"{indent}{layer}", str(shape), f"{size:,}", f"{cost:,}", weights))
    total = network.architecture.cost(network.input_shape)
    own = _weights(network, "", paths) if len(lines) > 1 else ""
    if network.frozen:
        still = sum(int(np.prod(leaf.shape)) for path, leaf in tree.items(network.params) if path in network.frozen)
        own = ", ".join(filter(None, (own, f"{still:,} frozen")))
    table.append(("total", "", str(network.output_shape), f"{network.size:,}", f"{total:,}", own))
    return aligned(table, left=(0, 1, 2, 5))


def _weights(network: Network, path: str, paths: list[str]) -> str:
    """A layer's own parameters, each with its size: "weight 3×4, bias 3"; not those of layers inside it."""
    start = f"{path}/" if path else ""
    inside = tuple(f"{other}/" for other in paths if other != path and other.startswith(start))
    own = {
        key.removeprefix(start): "×".join(map(str, leaf.shape)) + " frozen" * (key in network.frozen)
        for key, leaf in tree.items(network.params)
        if key.startswith(start) and not key.startswith(inside)
    }
    return ", ".join(f"{name} {sizes}" for name, sizes in own.items())
