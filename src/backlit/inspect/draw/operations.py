"""The graph of single operations: forward values above the edges, gradients below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph.tensor import Tensor
from backlit.inspect.draw import words
from backlit.inspect.draw.faces import Face, face, number
from backlit.inspect.draw.fold import MOST, Folded, folded
from backlit.inspect.draw.layout import Slot, layered
from backlit.inspect.draw.scene import (
    ALARM,
    FORWARD,
    GRADIENT,
    INK,
    LINE,
    PAPER,
    QUIET,
    Box,
    Curve,
    Label,
    Scene,
    Shape,
    shorten,
    text_width,
)
from backlit.inspect.explain import Explanation, NodeReport
from backlit.languages import Said, join

_SIGNS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "matmul": "@",
    "negative": "−1×",
    "power": "^",
    "sigmoid": "σ",
    "sum": "Σ",
    "relu": "ReLU",
    "absolute": "|·|",
    "square": "( )²",
    "sqrt": "√",
    "maximum": "max",
    "minimum": "min",
}
_MARGIN, _PAD = 20.0, 8.0
_NAME = 44.0  # room for a name where a line is broken
_HEIGHT = 28.0  # of an operation's sign


@dataclass(frozen=True, eq=False)
class Node:
    """What stands at one place: a sign (or a name), and a line to the right with what goes along it.

    Attributes
    ----------
    sign, name : str
        In the circle or box, and below it.
    above, below : Face or None
        Forward value and gradient.
    kind : str
        "input", "constant", "operation", "output", or "part" (a gradient that comes back from one of several uses).
    title : str
        What it is, in words.
    """

    sign: str
    name: str
    above: Face | None
    below: Face | None
    kind: str
    title: str

    @property
    def head(self) -> float:
        """Width of the sign."""
        if self.kind == "part":
            return 0.0
        name_width = text_width(self.name, 10.0) if self.kind == "operation" else 0.0
        return max(_HEIGHT, text_width(self.sign, 13.0, bold=self.kind == "input") + 14, name_width)

    @property
    def line(self) -> float:
        """Least length of the line."""
        return max(item.width for item in (self.above, self.below) if item is not None) + 2 * _PAD

    @property
    def tail(self) -> float:
        """Room for the output's name behind the line."""
        return text_width(self.name, 13.0, bold=True) + 10 if self.kind == "output" else 0.0

    @property
    def size(self) -> tuple[float, float]:
        over = self.above.height + 3 if self.above else 0.0
        under = self.below.height + 3 if self.below else 0.0
        sign_height = _HEIGHT / 2 + 13 if self.name and self.kind == "operation" else _HEIGHT / 2
        head = sign_height if self.kind != "part" else 0.0
        return self.head + self.line + self.tail, 2 * max(over, under, head)


def operations(explanation: Explanation, note: str = "", slopes: bool = False) -> Scene:
    """The picture of an explanation, every node with its value and gradient; with `slopes`, local ones between them."""
    nodes, edges, local = _graph(explanation)
    legend = legend_of(explanation.output.name, explanation.output.upstream)
    title = words.GRAPH.say(name=explanation.output.name, n=len(explanation))
    notes = [join(" · ", [legend, words.SLOPES]) if slopes else legend, *filter(None, [note])]
    described = _describe(explanation, legend)
    return compose(nodes, edges, title, described, notes, explanation.first_nonfinite, local if slopes else {})


def legend_of(name: str, upstream: Any) -> Said:
    """What stands above and below the lines, if this gradient arrives at the output."""
    if not np.all(np.asarray(upstream) == 1):
        return words.VALUES.say(name=words.UPSTREAM_OF.say(name=name))
    return words.VALUES.say(name=name if np.size(upstream) == 1 else words.SUM_OF.say(name=name))


def compose(
    nodes: dict[Any, Node],
    edges: list[tuple[Any, Any]],
    title: str,
    description: str,
    notes: list[str],
    alarm: str | None = None,
    slopes: dict[tuple[Any, Any], str] | None = None,
) -> Scene:
    """Nodes and edges laid out from left to right, in several rows if they are many, with notes below."""
    slopes = slopes or {}
    sizes = {key: node.size for key, node in nodes.items()}
    across = max([36.0, *(text_width(text, 10.0) + 18 for text in slopes.values())])
    flat = layered(sizes, edges, across)
    rows = Folded(flat, frozenset())
    if flat.width > 1.2 * MOST:
        flat = layered(sizes, edges, max(across, 80.0))
        rows = folded(flat, {key: high for key, (_, high) in sizes.items()}, edges, 60.0)
        notes = [*notes, words.GOES_ON]
    placed = rows.layout
    lines = [*notes, *filter(None, [alarm])]
    width = max(placed.width, *(text_width(line, 11.0, line == alarm) for line in lines)) + 2 * _MARGIN
    left = (width - placed.width) / 2
    height = placed.height + 2 * _MARGIN + 18 * len(lines) + 6
    scene = Scene(width, height, title, description)
    scene.groups += _edges(rows, edges, nodes, left)
    for (start, end), text in slopes.items():
        slot = _moved(placed.slots[start], left)
        rises = placed.slots[end].y < placed.slots[start].y  # then the line itself goes where the text would stand
        scene.add(Label(slot.right + 5, slot.y + (14 if rises else -5), text, 10.0, QUIET, anchor="start"), title=text)
    for key, node in nodes.items():
        scene.add(*_shapes(node, _moved(placed.slots[key], left)), title=node.title)
    for place, line in enumerate(lines):
        y = height - _MARGIN - 18 * (len(lines) - 1 - place)
        scene.add(Label(width / 2, y, line, 11.0, ALARM if line == alarm else QUIET, bold=line == alarm))
    return scene


def _moved(slot: Slot, left: float) -> Slot:
    return Slot(slot.left + left, slot.right + left, slot.y + _MARGIN)


def _names_of(sources: Iterable[Any], nodes: dict[Any, Node]) -> dict[Any, str]:
    """What is written where a line is broken: names cut to the room, at their beginnings; those alike are counted."""
    whole = {source: source if isinstance(source, str) else nodes[source].sign for source in sources}
    cut = {source: _end_of(name) for source, name in whole.items()}
    alike = Counter(cut.values())
    seen: Counter[str] = Counter()
    for source, name in cut.items():
        seen[name] += 1
        if alike[name] > 1:
            cut[source] = f"{name} ({seen[name]})"
    return cut


def _end_of(name: str) -> str:
    if text_width(name, 10.0) <= _NAME:
        return name
    while text_width("…" + name, 10.0) > _NAME:
        name = name[1:]
    return "…" + name


def _edges(
    rows: Folded, edges: list[tuple[Any, Any]], nodes: dict[Any, Node], left: float
) -> list[tuple[str, list[Shape]]]:
    """Lines from node to node; between rows two short ones, each with the name of what goes along it."""
    placed, arrived = rows.layout, Counter[Any]()
    broken = [start[0] if nodes[start].kind == "part" else start for start, end in edges if (start, end) in rows.broken]
    names = _names_of(dict.fromkeys(broken), nodes)
    shapes: list[Shape] = []
    for start, end in dict.fromkeys(edges):
        first, last = _moved(placed.slots[start], left), _moved(placed.slots[end], left)
        arrow = nodes[end].kind != "part"
        if (start, end) not in rows.broken:
            bends = [(x + left, y + _MARGIN) for x, y in placed.bends.get((start, end), [])]
            points = ((first.right, first.y), *bends, (last.left, last.y))
            shapes.append(Curve(points, stroke=LINE, arrow=arrow))
            continue
        source = start[0] if nodes[start].kind == "part" else start
        name = names[source]
        off = 15.0 * arrived[end]
        arrived[end] += 1
        shapes += [
            Curve(((first.right, first.y), (first.right + 22, first.y)), stroke=LINE, arrow=True),
            Label(first.right + 4, first.y - 6, name, 10.0, QUIET, anchor="start"),
            Curve(((last.left - 22, last.y + off), (last.left, last.y)), stroke=LINE, arrow=arrow, straight=True),
            Label(last.left - 25, last.y + off + 4, name, 10.0, QUIET, anchor="end"),
        ]
    return [("", [shape]) for shape in shapes]


def _graph(explanation: Explanation) -> tuple[dict[Any, Node], list[tuple[Any, Any]], dict[tuple[Any, Any], str]]:
    """Nodes, edges, local slopes; the part of a gradient that comes back from one of several uses is a node, too."""
    nodes: dict[Any, Node] = {}
    edges: list[tuple[Any, Any]] = []
    slopes: dict[tuple[Any, Any], str] = {}
    uses = {report.name: len(report.uses) for report in explanation}
    for report in explanation:
        key = report.name
        nodes[key] = _node(report, report is explanation.output)
        counted: Counter[str] = Counter()
        for edge in report.edges:
            counted[edge.parent] += 1
            single = uses[edge.parent] < 2
            if edge.local is not None:
                end = edge.parent if single else (edge.parent, key, counted[edge.parent])
                slopes[end, key] = f"∂{key}/∂{edge.parent} = {number(edge.local)}"
            if single:
                edges.append((edge.parent, key))
                continue
            part = (edge.parent, key, counted[edge.parent])
            title = words.COMES_BACK.say(name=edge.parent, use=key)
            nodes[part] = Node("", "", None, face(edge.downstream), "part", title)
            edges += [(edge.parent, part), (part, key)]
        for place, parent in enumerate(report.tensor.parents):
            if type(parent) is not Tensor and np.ndim(parent) > 0:
                constant = (key, "constant", place)
                title = words.CONSTANT_OF.say(name=key)
                nodes[constant] = Node(words.CONSTANT, "", face(parent), None, "constant", title)
                edges.append((constant, key))
    return nodes, edges, slopes


def _node(report: NodeReport, last: bool) -> Node:
    tensor = report.tensor
    above, below = face(report.value), face(report.upstream)
    title = _heard(report, above, below)
    if tensor.op is None:
        return Node(shorten(report.name, 140, 13.0), "", above, below, "output" if last else "input", title)
    return Node(sign(tensor), shorten(report.name, 120, 13.0), above, below, "output" if last else "operation", title)


def _heard(report: NodeReport, value: Face, gradient: Face) -> Said:
    """A node in words."""
    of = words.INPUT_NODE if report.tensor.op is None else words.NODE
    numbers = {"value": join(" ", value.lines), "gradient": join(" ", gradient.lines)}
    return of.say(name=report.name, formula=report.formula, **numbers)


def sign(tensor: Tensor) -> str:
    """What stands in an operation's circle: its sign or name, with single constants and the index."""
    operation = tensor.op.name if tensor.op is not None else ""
    name = _SIGNS.get(operation, operation)
    if operation == "getitem":
        return shorten(join("", ["[", _index(tensor.static.get("index")), "]"]), 90, 13.0)
    constants = [(place, p) for place, p in enumerate(tensor.parents) if type(p) is not Tensor and np.ndim(p) == 0]
    if len(tensor.parents) == 2 and len(constants) == 1:
        place, constant = constants[0]
        return f"{name} {number(constant)}" if place else f"{number(constant)} {name}"
    axis = tensor.static.get("axis")
    return shorten(f"{name} axis {axis}" if isinstance(axis, int) and operation != "softmax" else name, 110, 13.0)


def _index(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return join(", ", [_position(part) for part in parts])


def _position(part: Any) -> str:
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
        return ":".join(ends) + ("" if part.step is None else f":{part.step}")
    if part is Ellipsis:
        return "…"
    return str(part) if part is None or np.ndim(part) == 0 else words.PLACES.say(n=np.size(part))


def _shapes(node: Node, slot: Slot) -> list[Shape]:
    """The sign at the left of the slot, the line through the rest of it, values above and gradients below."""
    start, end = slot.left + node.head, slot.right - node.tail
    shapes: list[Shape] = [Curve(((start, slot.y), (end, slot.y)), stroke=LINE, arrow=node.kind == "output")]
    middle = (start + end) / 2
    if node.above is not None:
        shapes += node.above.shapes(middle, slot.y - node.above.height - 2, FORWARD)
    if node.below is not None:
        shapes += node.below.shapes(middle, slot.y + 3, GRADIENT, italic=True)
    if node.kind == "part":
        return shapes
    top = slot.y - _HEIGHT / 2
    bad = node.above is not None and node.above.bad
    if node.kind in ("operation", "output"):
        fill = "#fbe3ef" if bad else "#f2f2f2"
        shapes.append(Box(slot.left, top, node.head, _HEIGHT, _HEIGHT / 2, fill, ALARM if bad else INK))
        shapes.append(Label(slot.left + node.head / 2, slot.y + 4.5, node.sign, 13.0))
    else:
        constant = node.kind == "constant"
        shapes.append(Box(slot.left, top, node.head, _HEIGHT, 3.0, PAPER, LINE if constant else INK, dashed=constant))
        ink = QUIET if constant else INK
        shapes.append(Label(slot.left + node.head / 2, slot.y + 4.5, node.sign, 13.0, ink, bold=not constant))
    if node.kind == "output":
        shapes.append(Label(slot.right, slot.y + 4.5, node.name, 13.0, INK, "end", bold=True))
    elif node.name:
        shapes.append(Label(slot.left + node.head / 2, slot.y + _HEIGHT / 2 + 11, node.name, 10.0, QUIET))
    return shapes


def _describe(explanation: Explanation, legend: Said) -> Said:
    """The graph in words, for those who don't see the picture."""
    told = [_heard(report, face(report.value), face(report.upstream)) for report in list(explanation)[:40]]
    lines = [join("", [one, "."]) for one in told]
    more = [words.AND_MORE.say(n=len(explanation) - 40)] if len(explanation) > 40 else []
    return join(
        " ", [Said({lang: f"{text[0].upper()}{text[1:]}." for lang, text in legend.texts.items()}), *lines, *more]
    )
