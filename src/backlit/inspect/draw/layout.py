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
    from grandalf.graphs import Edge, Vertex, graph_core
    from grandalf.layouts import SugiyamaLayout, VertexViewer

    vertices = {name: Vertex(name) for name in sizes}
    for name, (width, height) in sizes.items():
        vertices[name].view = VertexViewer(height, width)  # it lays out from top to bottom
    links = {pair: Edge(vertices[pair[0]], vertices[pair[1]]) for pair in dict.fromkeys(edges)}
    # Not its `Graph`, whose sets would bring another picture each time.
    method = SugiyamaLayout(graph_core(list(vertices.values()), list(links.values())))
    method.xspace, method.yspace = between, across
    method.dw, method.dh = 8.0, 1.0  # of an edge that passes by
    method.init_all([vertex for vertex in vertices.values() if not vertex.e_in()], [], optimize=True)
    method.draw(6)
    lanes, left = [], 0.0  # layers begin at one line each; the method would put the middles of their nodes on one
    for layer in method.layers:
        lanes.append((left, left + max(node.view.h for node in layer)))
        left = lanes[-1][1] + across
    top = min(node.view.xy[0] - node.view.w / 2 for layer in method.layers for node in layer)
    low = max(node.view.xy[0] + node.view.w / 2 for layer in method.layers for node in layer)
    slots: dict[Hashable, Slot] = {}
    for name, vertex in vertices.items():
        start, end = lanes[method.grx[vertex].rank]
        slots[name] = Slot(start, end, vertex.view.xy[0] - top)
    bends: dict[tuple[Hashable, Hashable], list[Point]] = {}
    for pair, link in links.items():
        passed = method.ctrls.get(link, {})
        for rank in sorted(passed)[1:-1]:
            y = passed[rank].view.xy[0] - top
            bends.setdefault(pair, []).extend((x, y) for x in lanes[rank])
    return Layout(slots, bends, left - across, low - top)
