"""The graph of single operations: forward values above the edges, gradients below."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph.tensor import Tensor
from backlit.inspect.draw.faces import Face, face, number
from backlit.inspect.draw.layout import Layout, Slot, layered
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
_HEIGHT = 28.0  # of an operation's sign
_LEGEND = "above each line: forward value · below, in italics: gradient of {} by it"


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


def operations(explanation: Explanation, note: str = "") -> Scene:
    """The picture of an explanation, every node with its value and gradient."""
    nodes, edges = _graph(explanation)
    legend = legend_of(explanation.output.name, explanation.output.upstream)
    title = f"Graph of {explanation.output.name}: {len(explanation)} nodes"
    notes = [legend, *filter(None, [note])]
    return compose(nodes, edges, title, _describe(explanation, legend), notes, explanation.first_nonfinite)


def legend_of(name: str, upstream: Any) -> str:
    """What stands above and below the lines, if this gradient arrives at the output."""
    if not np.all(np.asarray(upstream) == 1):
        return _LEGEND.format(f"{name} · upstream")
    return _LEGEND.format(name if np.size(upstream) == 1 else f"the sum of {name}")


def compose(
    nodes: dict[Any, Node],
    edges: list[tuple[Any, Any]],
    title: str,
    description: str,
    notes: list[str],
    alarm: str | None = None,
) -> Scene:
    """Nodes and edges laid out from left to right, with notes below."""
    placed = layered({key: node.size for key, node in nodes.items()}, edges)
    lines = [*notes, *filter(None, [alarm])]
    width = max(placed.width, *(text_width(line, 11.0, line == alarm) for line in lines)) + 2 * _MARGIN
    left = (width - placed.width) / 2
    height = placed.height + 2 * _MARGIN + 18 * len(lines) + 6
    scene = Scene(width, height, title, description)
    for start, end in dict.fromkeys(edges):
        scene.add(_edge(placed, start, end, nodes[end].kind != "part", left))
    for key, node in nodes.items():
        scene.add(*_shapes(node, _moved(placed.slots[key], left)), title=node.title)
    for place, line in enumerate(lines):
        y = height - _MARGIN - 18 * (len(lines) - 1 - place)
        scene.add(Label(width / 2, y, line, 11.0, ALARM if line == alarm else QUIET, bold=line == alarm))
    return scene


def _moved(slot: Slot, left: float) -> Slot:
    return Slot(slot.left + left, slot.right + left, slot.y + _MARGIN)


def _edge(placed: Layout, start: Any, end: Any, arrow: bool, left: float) -> Curve:
    first, last = _moved(placed.slots[start], left), _moved(placed.slots[end], left)
    bends = [(x + left, y + _MARGIN) for x, y in placed.bends.get((start, end), [])]
    return Curve(((first.right, first.y), *bends, (last.left, last.y)), stroke=LINE, arrow=arrow)


def _graph(explanation: Explanation) -> tuple[dict[Any, Node], list[tuple[Any, Any]]]:
    """Nodes and edges; the part of a gradient that comes back from each of several uses is a node of its own."""
    nodes: dict[Any, Node] = {}
    edges: list[tuple[Any, Any]] = []
    uses = {report.name: len(report.uses) for report in explanation}
    for report in explanation:
        key = report.name
        nodes[key] = _node(report, report is explanation.output)
        counted: Counter[str] = Counter()
        for edge in report.edges:
            counted[edge.parent] += 1
            if uses[edge.parent] < 2:
                edges.append((edge.parent, key))
                continue
            part = (edge.parent, key, counted[edge.parent])
            title = f"gradient that comes back to {edge.parent} from {key}"
            nodes[part] = Node("", "", None, face(edge.downstream), "part", title)
            edges += [(edge.parent, part), (part, key)]
        for place, parent in enumerate(report.tensor.parents):
            if type(parent) is not Tensor and np.ndim(parent) > 0:
                constant = (key, "constant", place)
                nodes[constant] = Node("constant", "", face(parent), None, "constant", f"constant input of {key}")
                edges.append((constant, key))
    return nodes, edges


def _node(report: NodeReport, last: bool) -> Node:
    tensor = report.tensor
    above, below = face(report.value), face(report.upstream)
    if tensor.op is None:
        title = f"input {report.name}: value {' '.join(above.lines)}, gradient {' '.join(below.lines)}"
        return Node(shorten(report.name, 140, 13.0), "", above, below, "output" if last else "input", title)
    title = f"{report.name} = {report.formula}: value {' '.join(above.lines)}, gradient {' '.join(below.lines)}"
    return Node(sign(tensor), shorten(report.name, 120, 13.0), above, below, "output" if last else "operation", title)


def sign(tensor: Tensor) -> str:
    """What stands in an operation's circle: its sign or name, with single constants and the index."""
    operation = tensor.op.name if tensor.op is not None else ""
    name = _SIGNS.get(operation, operation)
    if operation == "getitem":
        return shorten(f"[{_index(tensor.static.get('index'))}]", 90, 13.0)
    constants = [(place, p) for place, p in enumerate(tensor.parents) if type(p) is not Tensor and np.ndim(p) == 0]
    if len(tensor.parents) == 2 and len(constants) == 1:
        place, constant = constants[0]
        return f"{name} {number(constant)}" if place else f"{number(constant)} {name}"
    axis = tensor.static.get("axis")
    return shorten(f"{name} axis {axis}" if isinstance(axis, int) and operation != "softmax" else name, 110, 13.0)


def _index(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(_position(part) for part in parts)


def _position(part: Any) -> str:
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
        return ":".join(ends) + ("" if part.step is None else f":{part.step}")
    if part is Ellipsis:
        return "…"
    return str(part) if part is None or np.ndim(part) == 0 else f"{np.size(part)} places"


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


def _describe(explanation: Explanation, legend: str) -> str:
    """The graph in words, for those who don't see the picture."""
    lines = []
    for report in list(explanation)[:40]:
        value, gradient = (" ".join(face(item).lines) for item in (report.value, report.upstream))
        formula = f" = {report.formula}" if report.formula else ""
        lines.append(f"{report.name}{formula}: value {value}, gradient {gradient}.")
    more = [f"And {len(explanation) - 40} more."] if len(explanation) > 40 else []
    return " ".join([legend[0].upper() + legend[1:] + ".", *lines, *more])
