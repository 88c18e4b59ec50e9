"""Where the nodes of a graph go: in layers from left to right, with few crossings.

By grandalf, which is pure Python: Sugiyama's method with the placement of Brandes and Köpf. It takes nodes of different
sizes and leads long edges between them. (networkx places nodes in layers, but neither orders them nor leads edges
around; Graphviz and igraph are programs to install or bring other licences.)
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from backlit.inspect.draw.scene import Point


@dataclass(frozen=True)
class Slot:
    """A node's place: the column that its layer fills, from `left` to `right`, and its middle's height."""

    left: float
    right: float
    y: float


@dataclass(frozen=True)
class Layout:
    """Places of the nodes, points between which each edge's line passes, and the size of it all."""

    slots: dict[Hashable, Slot]
    bends: dict[tuple[Hashable, Hashable], list[Point]]
    width: float
    height: float


def layered(
    sizes: dict[Hashable, tuple[float, float]],
    edges: Sequence[tuple[Hashable, Hashable]],
    across: float = 36.0,
    between: float = 18.0,
) -> Layout:
    """Places for nodes of given (width, height), so that every edge runs to the right.

    Parameters
    ----------
    sizes : dict
        Of each node, in the order in which they'd best stand from top to bottom.
    edges : sequence of pairs
        Without circles; all nodes hang together.
    across, between : float
        Space between layers, and between the nodes of one.
    """
    if len(sizes) == 1:
        (name, (width, height)), *_ = sizes.items()
        return Layout({name: Slot(0.0, width, height / 2)}, {}, width, height)
    from grandalf.graphs import Edge, Graph, Vertex
    from grandalf.layouts import SugiyamaLayout, VertexViewer

    vertices = {name: Vertex(name) for name in sizes}
    for name, (width, height) in sizes.items():
        vertices[name].view = VertexViewer(height, width)  # it lays out from top to bottom
    links = {pair: Edge(vertices[pair[0]], vertices[pair[1]]) for pair in dict.fromkeys(edges)}
    graph = Graph(list(vertices.values()), list(links.values()))
    slots: dict[Hashable, Slot] = {}
    bends: dict[tuple[Hashable, Hashable], list[Point]] = {}
    bottom = 0.0
    right = 0.0
    for part in graph.C:
        method = SugiyamaLayout(part)
        method.xspace, method.yspace = between, across
        method.dw, method.dh = 8.0, 1.0  # of an edge that passes by
        method.init_all(optimize=True)
        method.draw(6)
        # Layers start at one line each; the method would put the middles of their nodes on one.
        left, lanes = 0.0, []
        for layer in method.layers:
            wide = max(node.view.h for node in layer)
            lanes.append((left, left + wide))
            left += wide + across
        tops = [node.view.xy[0] - node.view.w / 2 for layer in method.layers for node in layer]
        shift = bottom - min(tops)
        for number, layer in enumerate(method.layers):
            for node in layer:
                y = node.view.xy[0] + shift
                if node in method.g.sV:
                    slots[node.data] = Slot(*lanes[number], y)
        for pair, link in links.items():
            passed = method.ctrls.get(link, {})
            if passed:
                ranks = sorted(passed)[1:-1]
                places = [(lanes[rank], passed[rank].view.xy[0] + shift) for rank in ranks]
                bends[pair] = [(x, y) for lane, y in places for x in lane]
        lows = [node.view.xy[0] + node.view.w / 2 for layer in method.layers for node in layer]
        bottom = max(lows) + shift + 2 * between
        right = max(right, left - across)
    return Layout(slots, bends, right, bottom - 2 * between)
