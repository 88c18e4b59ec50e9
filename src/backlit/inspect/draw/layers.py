"""A network as boxes: a layer each, with output shape and number of parameters."""

from __future__ import annotations

from typing import Any

from backlit.inspect.draw import words
from backlit.inspect.draw.architecture import Architecture, Part, architecture
from backlit.inspect.draw.layout import layered
from backlit.inspect.draw.scene import (
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
    widest,
)
from backlit.languages import Said, Template, join
from backlit.nn.layer import Network

_OF = Template("Network of {total}", "신경망: {total}")
_MOST = 24  # boxes; of more, containers stay closed, and then the middle is left out
_MARGIN, _LINE, _WIDEST = 20.0, 15.0, 280.0
_FILLS = {
    "layer": "#e8f1f8",
    "step": "#e8f1f8",
    "input": PAPER,
    "output": PAPER,
    "slice": PAPER,
    "merge": "#f2f2f2",
    "more": PAPER,
}


def layers(network: Network) -> Scene:
    """The picture of a network's layers."""
    graph = _small(network)
    sizes: dict[Any, tuple[float, float]] = {key: _size(part) for key, part in graph.parts.items()}
    placed = layered(sizes, graph.edges, across=30.0)
    count = len(network.rows())
    total = join(", ", [words.counted(count, "layer"), words.PARAMETERS.say(n=network.size)])
    if any(part.kind == "step" for part in graph.parts.values()):
        total = join("", [total, words.SHARED])
    width = max(placed.width, text_width(total, 11.0)) + 2 * _MARGIN
    scene = Scene(width, placed.height + 2 * _MARGIN + 22, _OF.say(total=total), _describe(graph))
    left = (width - placed.width) / 2
    for start, end in graph.edges:
        first, last = placed.slots[start], placed.slots[end]
        # A box stands in the middle of its column's width.
        ends = [
            ((first.left + first.right + sizes[start][0]) / 2, first.y),
            ((last.left + last.right - sizes[end][0]) / 2, last.y),
        ]
        points = [ends[0], *placed.bends.get((start, end), []), ends[1]]
        scene.add(Curve(tuple((x + left, y + _MARGIN) for x, y in points), arrow=True))
    for key, part in graph.parts.items():
        slot = placed.slots[key]
        middle = (slot.left + slot.right) / 2 + left
        scene.add(*_shapes(part, middle, slot.y + _MARGIN), title=_words(part))
    scene.add(Label(width / 2, scene.height - _MARGIN + 4, total, 11.0, QUIET))
    return scene


def _small(network: Network) -> Architecture:
    """The network's graph with as many containers open as there is room for."""
    deepest = max((path.count("/") + 1 for path, *_ in network.rows()), default=0)
    for levels in range(deepest, 0, -1):
        graph = architecture(network, levels=levels)
        if len(graph.parts) <= _MOST:
            return graph
    return _without_middle(architecture(network, levels=1))


def _without_middle(graph: Architecture) -> Architecture:
    """Only the first and last parts; between them a box that says how many are left out."""
    keys = list(graph.parts)
    half = _MOST // 2
    left_out = keys[half : len(keys) - half]
    parts = {key: graph.parts[key] for key in keys[:half]}
    size = sum(graph.parts[key].size for key in left_out)
    parts["…"] = Part("", "more", words.MORE.say(n=len(left_out)), graph.parts[left_out[-1]].shape, size)
    parts |= {key: graph.parts[key] for key in keys[-half:]}
    renamed = [(start if start in parts else "…", end if end in parts else "…") for start, end in graph.edges]
    return Architecture(parts, list(dict.fromkeys(pair for pair in renamed if pair[0] != pair[1])))


def _lines(part: Part) -> list[str]:
    if part.kind == "merge":
        return []
    shape = " × ".join(map(str, part.shape)) or "1"
    size = words.PARAMETERS.say(n=part.size) if part.size else ""
    if part.kind != "layer":
        return [size or shape]
    return [line for line in (f"→ {shape}", size) if line]


def _size(part: Part) -> tuple[float, float]:
    if part.kind == "merge":
        return max(30.0, text_width(part.text, 13.0) + 14), 30.0
    text = min(text_width(part.text, 13.0, bold=True), _WIDEST)
    path_height = 12.0 if part.kind == "layer" and part.path else 0.0
    return max(text, widest(_lines(part), 11.0)) + 22, 14 + _LINE * (1 + len(_lines(part))) + path_height


def _shapes(part: Part, middle: float, y: float) -> list[Shape]:
    width, height = _size(part)
    left, top = middle - width / 2, y - height / 2
    if part.kind == "merge":
        return [
            Box(left, top, width, height, height / 2, _FILLS["merge"], INK),
            Label(middle, y + 5, part.text, 13.0),
        ]
    dashed = part.kind == "more"
    radius = 3.0 if part.kind in ("input", "output", "slice") else 7.0
    shapes: list[Shape] = [
        Box(left, top, width, height, radius, _FILLS[part.kind], LINE if dashed else INK, 1.2, dashed)
    ]
    baseline = top + 7 + 12
    shapes.append(Label(middle, baseline, shorten(part.text, _WIDEST, 13.0), 13.0, bold=True))
    for line in _lines(part):
        baseline += _LINE
        shapes.append(Label(middle, baseline, line, 11.0))
    if part.kind == "layer" and part.path:
        shapes.append(Label(middle, baseline + 13, shorten(part.path, width - 8, 9.5), 9.5, QUIET))
    return shapes


def _words(part: Part) -> Said:
    """A box as it is heard."""
    if part.kind == "merge":
        return join("", [part.text])
    shape = words.sized(part.shape)
    size = [words.PARAMETERS.say(n=part.size)] if part.size else []
    if part.kind != "layer":
        return join(", ", [part.text, *(size or [shape])])
    what = words.LAYER_AT.say(layer=part.text, path=part.path) if part.path else part.text
    return join(", ", [what, words.OUTPUT.say(shape=shape), *size])


def _describe(graph: Architecture) -> Said:
    into: dict[str, list[str]] = {}
    for start, end in graph.edges:
        into.setdefault(end, []).append(graph.parts[start].text)
    return join(" ", [_sentence(part, into.get(key, [])) for key, part in graph.parts.items()])


def _sentence(part: Part, sources: list[str]) -> Said:
    if sources:
        return words.SOURCES.say(what=_words(part), names=words.listed(sources))
    return join("", [_words(part), "."])
