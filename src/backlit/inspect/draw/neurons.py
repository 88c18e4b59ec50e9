"""A network as circles: a unit each, weights as lines whose width is their size; negative ones are dashed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.inspect.draw import words
from backlit.inspect.draw.architecture import Part, architecture
from backlit.inspect.draw.faces import number
from backlit.inspect.draw.named import Names, named_units
from backlit.inspect.draw.placing import Room, free_place
from backlit.inspect.draw.scene import (
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
from backlit.languages import Said, Template, join
from backlit.nn.layer import Network
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.recurrent import RNN

NEGATIVE = "#B34700"
_MOST = 10  # circles in a column; of more, the first ones and the last
_RADIUS, _STEP, _ACROSS, _MARGIN = 17.0, 52.0, 190.0, 24.0
_STEP_OF_VALUES, _ACROSS_OF_VALUES = 92.0, 240.0  # with sums, outputs and names
_NUMBERED = 4  # units on both sides up to which weights are written on their lines


_FROM_LEFT = Template("From left to right: {columns}. {legend}.", "왼쪽부터: {columns}. {legend}.")


@dataclass
class _UnitColumn:
    """Units side by side, or a box for a layer whose units aren't drawn."""

    units: int
    first: int = 0  # number of the first unit
    box: Part | None = None
    captions: list[str] = field(default_factory=list)
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    recurrent: bool = False
    path: str = "input"
    step: float = _STEP

    @property
    def drawn_units(self) -> list[int | None]:
        """Which units are drawn, None for those that are left out."""
        if self.units <= _MOST:
            return list(range(self.units))
        return [*range(_MOST - 3), None, self.units - 1]

    @property
    def height(self) -> float:
        return 70.0 if self.box else (len(self.drawn_units) - 1) * self.step + 2 * _RADIUS


def neurons(network: Network, x: Any = None, y: Any = None, names: Any = None) -> Scene:
    """The picture of a network's units and weights.

    Parameters
    ----------
    network : Network
    x, y : array, optional
        A row, whose sums and outputs are written to the units, and its targets.
    names : dict, optional
        Names of units' outputs, sums and targets, and of weights, as in `explain_update`; units by the picture's
        numbers.

    Raises
    ------
    InputError, ShapeError, UnknownNameError
        If the row or the targets don't fit the network, or a name is of nothing in it.
    """
    columns = _columns(network)
    told = named_units(network, columns, x, y, names)
    if told.wide:
        for column in columns:
            column.step = _STEP_OF_VALUES
    tall = max(column.height for column in columns) + (34 if told.wide else 0)
    lines = max(len(column.captions) for column in columns)
    captions = [_fits(text) for column in columns for text in column.captions]
    crowded = max(column.units for column in columns) > 2
    least = _ACROSS_OF_VALUES if told.wide or crowded else _ACROSS
    across = max(least, max(text_width(text, 11.0) for text in captions) + 16)
    legend = _legend(columns)
    width = max(across * (len(columns) - 1) + across, text_width(legend, 11.0) + 2 * _MARGIN)
    top = _MARGIN + (26 if any(column.bias is not None or column.recurrent for column in columns) else 0)
    height = top + tall + 15 * lines + _MARGIN + 34
    counts = join("-", [str(column.units) if not column.box else column.box.text for column in columns])
    scene = Scene(width, height, words.NETWORK.say(counts=counts), _describe(columns, legend))
    start = (width - across * (len(columns) - 1)) / 2
    places = [(start + across * i, top + (tall - (34 if told.wide else 0)) / 2) for i in range(len(columns))]
    room = Room()
    for column, (at, middle) in zip(columns, places, strict=True):
        room.take(*_rooms(column, at, middle, told.wide))
    for i in range(1, len(columns)):
        _connect(scene, columns[i - 1], columns[i], places[i - 1], places[i], told, room)
    for column, (at, middle) in zip(columns, places, strict=True):
        _draw(scene, column, at, middle, told)
        for line, text in enumerate(column.captions):
            bold = line == 0
            scene.add(Label(at, top + tall + 24 + 15 * line, _fits(text), 11.0, INK if bold else QUIET, bold=bold))
    scene.add(Label(width / 2, height - _MARGIN + 6, legend, 11.0, QUIET))
    return scene


def _legend(columns: list[_UnitColumn]) -> Said:
    """What lines and numbers mean, as far as they are there."""
    said = [words.WEIGHTS]
    if any(column.bias is not None for column in columns):
        said.append(words.BIASES)
    if sum(column.units for column in columns if not column.box) > 2 * _MOST:
        said.append(words.COUNTED)
    return join("; ", said)


def _fits(text: str) -> str:
    return shorten(text, 280.0, 11.0)


def _rooms(column: _UnitColumn, x: float, y: float, wide: bool) -> list[tuple[float, float, float, float]]:
    """Where no weight's number may stand: on circles, and on what is written below them."""
    if column.box:
        return []
    below = 30 if wide else 0
    side = 50 if wide else _RADIUS
    return [
        room
        for _, cx, cy in _positions(column, x, y)
        for room in (
            (cx - _RADIUS - 2, cy - _RADIUS - 2, cx + _RADIUS + 2, cy + _RADIUS + 2),
            (cx - side, cy + _RADIUS, cx + side, cy + _RADIUS + below),
        )
    ]


def _columns(network: Network) -> list[_UnitColumn]:
    """The columns: dense and simple recurrent layers as units, what acts unit by unit as a line below them."""
    parts = list(architecture(network, branches=False).parts.values())
    shape = network.input_shape
    first = _UnitColumn(shape[-1], 1, captions=[words.INPUT, words.counted(shape[-1], "value")])
    if len(shape) == 2 and isinstance(parts[1].layer if len(parts) > 1 else None, RNN):
        first.captions[1] = words.AT_EACH_STEP.say(n=shape[1], steps=shape[0])
    elif len(shape) != 1:
        first = _UnitColumn(1, 0, parts[0], [words.INPUT, " × ".join(map(str, shape)) or words.counted(1, "value")])
    columns, count = [first], 0 if first.box else first.units
    for part in parts[1:]:
        last, layer = columns[-1], part.layer
        leaves = _leaves(network, part.path)
        dense = isinstance(layer, Linear) and len(part.shape) == 1
        if dense or (isinstance(layer, RNN) and len(part.shape) == 1):
            captions = [part.text, words.counted(part.shape[0], "unit")]
            column = _UnitColumn(part.shape[0], count + 1, captions=captions, path=part.path)
            column.weight, column.bias = leaves["weight"], leaves.get("bias")
            column.recurrent = not dense
            count += column.units
            columns.append(column)
        elif not last.box and part.shape == (last.units,) and not leaves:
            last.captions.append(part.text)  # an activation, dropout, flatten
        else:
            columns.append(
                _UnitColumn(1, 0, part, [part.text, f"→ {' × '.join(map(str, part.shape))}"], path=part.path)
            )
    return columns


def _leaves(network: Network, path: str) -> dict[str, np.ndarray]:
    node: Any = network.params
    for name in path.split("/") if path else []:
        node = node.get(name, {}) if isinstance(node, dict) else {}
    return {name: np.asarray(leaf) for name, leaf in node.items() if not isinstance(leaf, dict)}


def _positions(column: _UnitColumn, x: float, y: float) -> list[tuple[int | None, float, float]]:
    drawn_units = column.drawn_units
    top = y - (len(drawn_units) - 1) * column.step / 2
    return [(unit, x, top + i * column.step) for i, unit in enumerate(drawn_units)]


def _connect(
    scene: Scene,
    a: _UnitColumn,
    b: _UnitColumn,
    from_: tuple[float, float],
    to: tuple[float, float],
    told: Names,
    room: Room,
) -> None:
    if a.box and b.box:
        scene.add(Curve(((from_[0] + 45, from_[1]), (to[0] - 45, to[1])), arrow=True))
        return
    left = [(None, *from_)] if a.box else [p for p in _positions(a, *from_) if p[0] is not None]
    right = [(None, *to)] if b.box else [p for p in _positions(b, *to) if p[0] is not None]
    weight = b.weight if not a.box and not b.box else None
    largest = _largest(weight)
    few = weight is not None and max(a.units, b.units) <= _NUMBERED
    labels: list[Shape] = []
    for i, x0, y0 in left:
        for j, x1, y1 in right:
            value = None if weight is None or i is None or j is None else float(weight[j, i])
            start, end = _edge((x0, y0), (x1, y1), 45 if i is None else _RADIUS, 45 if j is None else _RADIUS)
            scene.add(_line(start, end, value, largest), title=_weight_title(a, b, i, j, value))
            name = None if i is None or j is None else told.weights.get((b.path, j, i))
            if (few or name) and value is not None:
                text = f"{name} {number(value, 3)}" if name else number(value, 3)
                wide = text_width(text, 10.5) + 4
                x, y = free_place(start, end, wide, 14.0, room)
                labels.append(Box(x - wide / 2, y - 7, wide, 14, 2, PAPER, PAPER, 0))
                labels.append(Label(x, y + 3.8, text, 10.5, FORWARD if value >= 0 else NEGATIVE))
    scene.add(*labels)


def _largest(values: np.ndarray | None) -> float:
    finite = values[np.isfinite(values)] if values is not None else np.zeros(0)
    return float(np.abs(finite).max()) if finite.size else 0.0


def _line(start: tuple[float, float], end: tuple[float, float], value: float | None, largest: float) -> Curve:
    if value is None:
        return Curve((start, end), LINE, 0.7, straight=True, opacity=0.5)
    if not np.isfinite(value):
        return Curve((start, end), "#000000", 4.0, straight=True, dashed=True)
    share = abs(value) / largest if largest else 0.0
    color = FORWARD if value >= 0 else NEGATIVE
    return Curve((start, end), color, 0.5 + 3.5 * share, straight=True, dashed=value < 0, opacity=0.35 + 0.65 * share)


def _edge(
    a: tuple[float, float], b: tuple[float, float], before: float, behind: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The line from rim to rim."""
    length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
    ux, uy = (b[0] - a[0]) / length, (b[1] - a[1]) / length
    return (a[0] + before * ux, a[1] + before * uy), (b[0] - behind * ux, b[1] - behind * uy)


def _weight_title(a: _UnitColumn, b: _UnitColumn, i: int | None, j: int | None, value: float | None) -> str:
    if i is None or j is None or value is None:
        return ""
    return words.WEIGHT.say(start=a.first + i, end=b.first + j, value=number(value))


def _draw(scene: Scene, column: _UnitColumn, x: float, y: float, told: Names) -> None:
    if column.box:
        whole = join("", [column.box.text])
        text = shorten(Said({lang: part.partition("(")[0] for lang, part in whole.texts.items()}), 82, 12.0)
        fill = PAPER if column.box.kind == "input" else "#e8f1f8"
        scene.add(Box(x - 45, y - 35, 90, 70, 7, fill), Label(x, y + 4, text, 12.0, bold=True))
        return
    largest = _largest(column.bias)
    for unit, cx, cy in _positions(column, x, y):
        if unit is None:
            dots: list[Shape] = [Box(cx - 2, cy + dy - 2, 4, 4, 2, QUIET, QUIET, 0) for dy in (-10, 0, 10)]
            scene.add(*dots, title=words.MORE_UNITS.say(n=column.units - _MOST + 2))
            continue
        name = told.units.get(column.first + unit, str(column.first + unit))
        title = words.UNIT.say(n=column.first + unit)
        if column.bias is not None:
            value = float(column.bias[unit])
            title = words.UNIT_WITH_BIAS.say(n=column.first + unit, value=number(value))
            start, end = _edge((cx - 21, cy - 34), (cx, cy), 0, _RADIUS)
            scene.add(_line(start, end, value, largest))
        if column.recurrent:
            tip = ((cx + 27.5, cy - 15), (cx + _RADIUS - 0.5, cy - 6))
            scene.add(
                Box(cx + 5, cy - 31, 23, 23, 11.5, "none", QUIET), Curve(tip, QUIET, 1.0, arrow=True, straight=True)
            )
        fill = "#ffffff" if column.weight is None else "#e8f1f8"
        circle = Box(cx - _RADIUS, cy - _RADIUS, 2 * _RADIUS, 2 * _RADIUS, _RADIUS, fill)
        size = 12.0 if len(name) < 4 else 9.5
        scene.add(circle, Label(cx, cy + 0.36 * size, name, size), title=title)
        for line, text in enumerate(told.lines.get(column.first + unit, ())):
            wide, low = text_width(text, 10.5) + 4, cy + _RADIUS + 14 * (line + 1)
            scene.add(Box(cx - wide / 2, low - 11, wide, 14, 2, PAPER, PAPER, 0), Label(cx, low, text, 10.5))
        target = told.targets.get(column.first + unit)
        if target:
            scene.add(Label(cx + _RADIUS + 10, cy + 4, target, 11.0, GRADIENT, anchor="start"), title=words.TARGET)
    if column.recurrent:
        scene.add(Label(x, y - column.height / 2 - 36, words.LOOP, 9.5, QUIET))


def _describe(columns: list[_UnitColumn], legend: Said) -> Said:
    captions = [join(", ", column.captions) for column in columns]
    return _FROM_LEFT.say(columns=join("; ", captions), legend=legend)
