"""The inside of a recurrent layer at one time step: its gates as boxes, with what they computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.inspect.draw import words
from backlit.inspect.draw.faces import number
from backlit.inspect.draw.scene import FORWARD, INK, PAPER, QUIET, Box, Curve, Heat, Label, Point, Scene
from backlit.inspect.draw.steps import Stage, stages
from backlit.inspect.draw.symbols import symbol
from backlit.languages import Said, join
from backlit.nn.layer import Network
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.lstm import LSTM

_FILL = {"σ": "#fdf0e1", "tanh": "#e8f1f8"}
_WIDTH, _GATE = 760.0, (74.0, 30.0)
_BOTTOM, _OF_ONE_BOX = 400.0, 265.0  # of the cell, above x and the formulas
_UNITS, _SQUARES = 24, 66.0  # units of which the values are painted, as wide; of more, their mean is told alone
_OF_LSTM = (
    "fₜ, iₜ, oₜ = σ(U xₜ + W hₜ₋₁ + b)",
    "gₜ = tanh(U xₜ + W hₜ₋₁ + b)",
    "cₜ = fₜ ⊙ cₜ₋₁ + iₜ ⊙ gₜ",
    "hₜ = oₜ ⊙ tanh(cₜ)",
)
_OF_GRU = (
    "rₜ, zₜ = σ(U xₜ + W hₜ₋₁ + b)",
    "nₜ = tanh(U xₜ + b + rₜ ⊙ (W hₜ₋₁ + bʳ))",
    "hₜ = (1 − zₜ) ⊙ nₜ + zₜ ⊙ hₜ₋₁",
)
_OF_FIRST_GRU = (_OF_GRU[0], "nₜ = tanh(U xₜ + b + W (rₜ ⊙ hₜ₋₁))", _OF_GRU[2])
_OF_RNN = ("hₜ = tanh(U xₜ + W hₜ₋₁ + b)",)


@dataclass
class _Cell:
    """A scene, and what is written into it."""

    scene: Scene
    states: dict[str, np.ndarray]
    step: int

    def value(self, name: str, step: int | None = None) -> np.ndarray | None:
        """Of a state or gate at the step, or at another; before the first one zeros."""
        if name not in self.states:
            return None
        at = self.step if step is None else step
        return self.states[name][at] if at >= 0 else np.zeros_like(self.states[name][0])

    def line(self, *points: Point, arrow: bool = True) -> None:
        """A line with corners."""
        self.scene.add(Curve(points, arrow=arrow, straight=True, stroke=INK))

    def gate(self, x: float, y: float, kind: str, letter: str, name: str) -> None:
        """A box that squashes, its symbol, and what it computed."""
        wide, high = _GATE
        self.scene.add(
            Box(x - wide / 2, y - high / 2, wide, high, 5.0, _FILL[kind], INK),
            Label(x, y + 5, kind, 13.0),
            title=join("", [words.STATES[name], _told(self.value(name))]),
        )
        self.scene.add(*symbol(x + 14, y - high / 2 - 12, letter, "t"))
        self.numbers(x + 7, y + high / 2 + 12, self.value(name), anchor="start")

    def point(self, x: float, y: float, sign: str) -> None:
        """A circle in which values are multiplied, added, or squashed."""
        self.scene.add(
            Box(x - 13, y - 13, 26, 26, 13.0, PAPER, INK), Label(x, y + 5, sign, 13.0), title=words.SIGNS[sign]
        )

    def named(self, x: float, y: float, letter: str, index: str, name: str = "", step: int | None = None) -> None:
        """A state at the picture's edge, with its values below."""
        self.scene.add(*symbol(x, y, letter, index, 15.0))
        self.numbers(x, y + 10, self.value(name, step) if name else None)

    def numbers(self, x: float, y: float, values: np.ndarray | None, anchor: str = "middle") -> None:
        """A state's or gate's values: squares with their mean, or the mean alone."""
        if values is None:
            return
        wide = min(10.0 * len(values), _SQUARES)
        left = x if anchor == "start" else x - wide / 2
        if len(values) <= _UNITS:
            self.scene.add(Heat(left, y, wide, 10.0, values[None].astype(float)))
            y += 10.0
        text = number(values[0], 3) if len(values) == 1 else words.MEAN.say(value=number(values.mean(), 2))
        self.scene.add(Label(left if anchor == "start" else x, y + 11, text, 10.0, FORWARD, anchor=anchor))


def cell(network: Network, x: Any) -> Scene:
    """The picture of the first recurrent layer's cell, at the last step of a row if one is given.

    Raises
    ------
    InputError
        If the network has no recurrent layer in a chain, or one with peepholes or a projection.
    """
    stage = next(stage for stage in stages(network, x, "cell") if stage.recurrent)
    layer: Any = stage.layer
    if getattr(layer, "peepholes", False) or getattr(layer, "projection", 0):
        raise InputError(
            f"draw with depth='cell' has no picture of {layer}: of peepholes and projections there is none"
        )
    step = 0 if layer.reverse else network.input_shape[0] - 1
    painter, formulas, kind = _kind(layer)
    bottom = _BOTTOM if painter is not _rnn else _OF_ONE_BOX
    height = bottom + 60 + 20 * len(formulas)
    title = words.CELL.say(kind=kind)
    at = words.CELL_AT.say(kind=kind, n=step + 1, units=layer.units) if stage.states else title
    formulas_and_values = [*formulas[:-1], f"{formulas[-1]}.", *_values(stage, step)]
    scene = Scene(_WIDTH, height, at, join(" ", [join("", [title, "."]), *formulas_and_values]))
    made = _Cell(scene, stage.states, step)
    scene.add(Box(120, 40, 520, bottom - 70, 14.0, "none", QUIET, 1.0, dashed=True))
    painter(made, bottom)
    for line, text in enumerate(formulas):
        scene.add(Label(_WIDTH / 2, height - 18 - 20 * (len(formulas) - 1 - line), text, 12.0, INK))
    return scene


def _kind(layer: Any) -> tuple[Any, tuple[str, ...], str]:
    if isinstance(layer, LSTM):
        return _lstm, _OF_LSTM, "LSTM"
    if isinstance(layer, GRU):
        return _gru, _OF_GRU if layer.reset_after else _OF_FIRST_GRU, "GRU"
    return _rnn, _OF_RNN, "RNN"


def _lstm(made: _Cell, bottom: float) -> None:
    """The cell state along the top; below it three gates and a candidate."""
    top, gates, low, before = 84.0, 250.0, bottom - 58, made.step - 1
    f, i, g, o = 200.0, 300.0, 400.0, 500.0
    made.line((95, top), (f - 13, top))
    made.line((f + 13, top), (350 - 13, top))
    made.line((350 + 13, top), (665, top))
    made.line((95, low), (o, low), arrow=False)
    made.line((160, bottom + 6), (160, low), arrow=False)
    for x in (f, i, g, o):
        made.line((x, low), (x, gates + 15))
    made.line((f, gates - 15), (f, top + 13))
    made.line((i, gates - 15), (i, 150), (350 - 13, 150))
    made.line((g, gates - 15), (g, 150), (350 + 13, 150))
    made.line((350, 150 - 13), (350, top + 13))
    made.line((580, top), (580, 150 - 13))
    made.line((580, 150 + 13), (580, 200 - 13))
    made.line((o, gates - 15), (o, 200), (580 - 13, 200))
    made.line((580, 200 + 13), (580, low), (665, low))
    for x, y, sign in ((f, top, "×"), (350, top, "+"), (350, 150, "×"), (580, 200, "×")):
        made.point(x, y, sign)
    made.scene.add(
        Box(580 - 24, 150 - 13, 48, 26, 13.0, _FILL["tanh"], INK), Label(580, 155, "tanh", 12.0), title="tanh"
    )
    for x, kind, letter, name in (
        (f, "σ", "f", "forget_gate"), (i, "σ", "i", "input_gate"),
        (g, "tanh", "g", "candidate"), (o, "σ", "o", "output_gate"),
    ):  # fmt: skip
        made.gate(x, gates, kind, letter, name)
    made.named(64, top, "c", "t−1", "cell", before)
    made.named(64, low, "h", "t−1", "hidden", before)
    made.named(704, top, "c", "t", "cell")
    made.named(704, low, "h", "t", "hidden")
    made.named(160, bottom + 24, "x", "t")


def _gru(made: _Cell, bottom: float) -> None:
    """The state along the top; below it two gates and a candidate."""
    top, gates, low, before = 84.0, 250.0, bottom - 58, made.step - 1
    r, z, n = 230.0, 350.0, 470.0
    made.line((95, top), (z - 13, top))
    made.line((z + 13, top), (560 - 13, top))
    made.line((560 + 13, top), (665, top))
    made.line((130, top), (130, low), (n, low), arrow=False)
    made.line((180, bottom + 6), (180, low), arrow=False)
    for x in (r, z):
        made.line((x, low), (x, gates + 15))
    made.line((n, low), (n, gates + 15))
    made.line((r, gates - 15), (r, 196), (420, 196), (420, gates), (n - 37, gates))
    made.line((z, gates - 15), (z, top + 13))
    made.line((z, 150), (560 - 13, 150))
    made.line((n, gates - 15), (n, 206), (560, 206), (560, 150 + 13))
    made.line((560, 150 - 13), (560, top + 13))
    for x, y, sign in ((z, top, "×"), (560, top, "+"), (560, 150, "×")):
        made.point(x, y, sign)
    made.scene.add(Box(438, 150 - 13, 52, 26, 13.0, PAPER, INK), Label(464, 155, "1 − z", 11.0), title="1 − z")
    for x, kind, letter, name in (
        (r, "σ", "r", "reset_gate"), (z, "σ", "z", "update_gate"), (n, "tanh", "n", "candidate"),
    ):  # fmt: skip
        made.gate(x, gates, kind, letter, name)
    made.named(64, top, "h", "t−1", "hidden", before)
    made.named(704, top, "h", "t", "hidden")
    made.named(180, bottom + 24, "x", "t")


def _rnn(made: _Cell, bottom: float) -> None:
    """One box."""
    middle = 150.0
    made.line((95, middle), (380 - 37, middle))
    made.line((220, bottom + 6), (220, middle), arrow=False)
    made.line((380 + 37, middle), (665, middle))
    made.scene.add(
        Box(380 - 37, middle - 15, 74, 30, 5.0, _FILL["tanh"], INK), Label(380, middle + 5, "tanh", 13.0), title="tanh"
    )
    made.named(64, middle, "h", "t−1", "hidden", made.step - 1)
    made.named(704, middle, "h", "t", "hidden")
    made.named(220, bottom + 24, "x", "t")


def _told(values: np.ndarray | None) -> str:
    return "" if values is None else ": " + ", ".join(number(value, 3) for value in values[:8])


def _values(stage: Stage, step: int) -> list[Said]:
    """The values, for those who don't see the picture."""
    return [join("", [words.STATES[name], _told(part[step]), "."]) for name, part in stage.states.items()]
