"""A recurrent network unrolled, as textbooks draw it: a column for each time step, inputs below, outputs above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.inspect.draw import words
from backlit.inspect.draw.faces import Face, number, painted
from backlit.inspect.draw.scene import FORWARD, INK, LINE, PAPER, QUIET, Box, Curve, Label, Scene, Shape, shorten
from backlit.inspect.draw.steps import SILENT, Stage, stages
from backlit.inspect.draw.symbols import symbol
from backlit.nn.layer import Network
from backlit.nn.layers.linear import Linear

_DRAWN = 8  # columns; of more steps the first ones and the last
_WIDE, _HIGH, _ACROSS, _UP, _MARGIN = 104.0, 58.0, 158.0, 104.0, 26.0
_FILL = "#e8f1f8"


@dataclass(frozen=True)
class _Level:
    """A row of boxes: the inputs, a recurrent layer's states, or the outputs of a layer."""

    letter: str
    stage: Stage | None = None
    index: str = ""  # of a second recurrent layer "(2)" and so on
    last_only: bool = False


@dataclass(frozen=True)
class _Place:
    """Where columns and levels are, in pixels."""

    steps: list[int | None]
    levels: int

    def x(self, column: int) -> float:
        return _MARGIN + _WIDE / 2 + _ACROSS * (column + 1)

    def y(self, level: int) -> float:
        return _MARGIN + 18 + _HIGH / 2 + _UP * (self.levels - 1 - level)


def unrolled(network: Network, x: Any, labels: Any) -> Scene:
    """The picture.

    Parameters
    ----------
    network : Network
        A chain with recurrent layers in it.
    x : array (steps, features), optional
        A row: its values are shown in the boxes.
    labels : (inputs, outputs), optional
        What is written under x₁, x₂, … and above y₁, y₂, …: a text or a list for each, a word or letter a step.

    Raises
    ------
    InputError
        If there aren't as many labels as steps.
    """
    chain = stages(network, x, "time")
    steps = network.input_shape[0]
    below, above = _labels(labels, steps)
    levels = _levels(chain)
    drawn = list(range(steps)) if steps <= _DRAWN else [0, 1, 2, 3, 4, None, steps - 1]
    place = _Place(drawn, len(levels))
    names = ", ".join(repr(stage.layer) for stage in chain)
    scene = Scene(
        place.x(len(drawn) - 1) + _WIDE / 2 + _MARGIN,
        place.y(0) + _HIGH / 2 + 50,
        words.UNROLLED.say(n=steps),
        words.UNROLLED_SAYS.say(layers=names, same=words.SAME_WEIGHTS),
    )
    row = None if x is None else np.asarray(x).reshape(network.input_shape)
    for height, level in enumerate(levels):
        _lines(scene, place, height, level)
        for column, step in enumerate(drawn):
            _box(scene, place, (height, column), level, _value(level, step, row))
    for column, step in enumerate(drawn):
        if step is None:
            continue
        if below:
            scene.add(
                Label(place.x(column), place.y(0) + _HIGH / 2 + 18, shorten(below[step], _WIDE, 13.0), 13.0, FORWARD)
            )
        if above and not (levels[-1].last_only and step != steps - 1):
            top = place.y(len(levels) - 1) - _HIGH / 2 - 8
            scene.add(Label(place.x(column), top, shorten(above[step], _WIDE, 13.0), 13.0, FORWARD))
    scene.add(Label(scene.width / 2, scene.height - 12, words.SAME_WEIGHTS, 11.0, QUIET))
    return scene


def _labels(labels: Any, steps: int) -> tuple[list[str], list[str]]:
    if labels is None:
        return [], []
    if isinstance(labels, str) or len(labels) != 2:
        raise InputError(f"labels must be a pair, (of inputs, of outputs), such as ('hell', 'ello'), got {labels!r}")
    pair = []
    for which, given in zip(("inputs", "outputs"), labels, strict=True):
        texts = [str(word) for word in given] if isinstance(given, (str, Sequence, np.ndarray)) else []
        if given is not None and len(texts) != steps:
            raise InputError(f"labels of {which}: the network has {steps} steps, got {len(texts)} labels, {given!r}")
        pair.append(texts)
    return pair[0], pair[1]


def _levels(chain: list[Stage]) -> list[_Level]:
    """From below: inputs, states of each recurrent layer, and what other layers make; the last are the outputs y."""
    levels, count, last_only = [_Level("x")], 0, False
    several = sum(stage.recurrent for stage in chain) > 1
    for stage in chain:
        if stage.recurrent:
            count += 1
            levels.append(_Level("h", stage, f"({count})" if several else ""))
        elif type(stage.layer).__name__ not in SILENT:
            levels.append(_Level("", stage, last_only=last_only))
        last_only = not stage.each
    if not levels[-1].stage.recurrent:  # type: ignore[union-attr]
        levels[-1] = _Level("y", levels[-1].stage, last_only=levels[-1].last_only)
    return levels


def _value(level: _Level, step: int | None, row: np.ndarray | None) -> Any:
    if step is None or row is None:
        return None
    if level.stage is None:
        return row[step]
    if level.stage.recurrent:
        return level.stage.states["hidden"][step]
    output = level.stage.output
    return None if output is None else output if level.last_only else output[step]


def _weight(level: _Level) -> str | None:
    """The index of the matrix on the line into a level; None where there is no matrix."""
    if level.stage is None or not (level.stage.recurrent or isinstance(level.stage.layer, Linear)):
        return None
    if level.stage.recurrent:
        return f"xh{level.index}"
    return "hy" if level.letter else ""


def _lines(scene: Scene, place: _Place, height: int, level: _Level) -> None:
    y = place.y(height)
    for column, step in enumerate(place.steps):
        x = place.x(column)
        if height and step is not None and not (level.last_only and column < len(place.steps) - 1):
            start, end = place.y(height - 1) - _HIGH / 2, y + _HIGH / 2
            scene.add(Curve(((x, start), (x, end)), arrow=True, straight=True))
            index = _weight(level)
            if index is not None:
                scene.add(*symbol(x + 24, (start + end) / 2 + 4, "W", index, 12.0, QUIET))
        if level.stage is not None and level.stage.recurrent:
            start, end = place.x(column - 1) + _WIDE / 2, x - _WIDE / 2
            start, end = (end, start) if level.stage.layer.reverse else (start, end)  # type: ignore[attr-defined]
            scene.add(Curve(((start, y), (end, y)), arrow=True, straight=True))
            scene.add(*symbol((start + end) / 2, y - 8, "W", f"hh{level.index}", 12.0, QUIET))
    if level.stage is not None and level.stage.recurrent:
        _first(scene, place, y, level)


def _first(scene: Scene, place: _Place, y: float, level: _Level) -> None:
    """The state before the first step; of a layer that reads from the end, behind the last."""
    layer: Any = level.stage.layer  # type: ignore[union-attr]
    x = place.x(-1)
    box = Box(x - _WIDE / 2 + 26, y - 20, _WIDE - 26, 40, 6.0, PAPER, LINE, dashed=True)
    start = "0" if layer.initial == "zeros" else layer.initial.partition(":")[0]
    index = f"0{level.index}" if not layer.reverse else f"T+1{level.index}"
    scene.add(
        box,
        *symbol(x + 13, y - 1, "h", index, 13.0),
        Label(x + 13, y + 14, start, 10.0, QUIET),
        title=words.FIRST_STATE,
    )


def _numbers(values: np.ndarray) -> Face:
    """One or two numbers, or a few whole ones, as text; others as squares with their colours."""
    whole = np.isfinite(values).all() and (values == np.round(values)).all()
    if len(values) <= (5 if whole else 2):
        text = ", ".join(number(value, 4 if len(values) == 1 else 2) for value in values)
        return Face((text,), bad=not np.isfinite(values).all())
    return painted(values)


def _box(scene: Scene, place: _Place, at: tuple[int, int], level: _Level, value: Any) -> None:
    height, column = at
    x, y, step = place.x(column), place.y(height), place.steps[column]
    if level.last_only and column < len(place.steps) - 1:
        return
    if step is None:
        scene.add(Label(x, y + 5, "…", 18.0, QUIET))
        return
    fill = _FILL if level.stage is not None and level.stage.recurrent else PAPER
    shapes: list[Shape] = [Box(x - _WIDE / 2, y - _HIGH / 2, _WIDE, _HIGH, 7.0, fill, INK)]
    if level.letter:
        shapes += symbol(x, y - _HIGH / 2 + 16, level.letter, f"{step + 1}{level.index}", 13.0)
        what: str = words.AT_STEP.say(letter=level.letter, n=step + 1)
    else:
        what = type(level.stage.layer).__name__  # type: ignore[union-attr]
        shapes.append(Label(x, y - _HIGH / 2 + 16, shorten(what, _WIDE - 8, 12.0), 12.0))
    if value is not None:
        shapes += _numbers(np.asarray(value).reshape(-1)).shapes(x, y - _HIGH / 2 + 24, FORWARD)
    elif level.stage is not None and level.letter:
        kind = type(level.stage.layer).__name__
        shapes.append(Label(x, y + 16, shorten(kind, _WIDE - 8, 10.0), 10.0, QUIET))
    scene.add(*shapes, title=what)
