"""What is written to units and weights of a network: their names, and what a row makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown
from backlit.inspect.draw.faces import number
from backlit.inspect.textbook.symbols import named, symbol
from backlit.inspect.textbook.units import Unit, units_of
from backlit.nn.layer import Network


@dataclass
class Names:
    """Texts by a unit's number, and by a weight's place (path, unit, source).

    Attributes
    ----------
    units : dict
        What stands in a circle, where a name was given.
    lines : dict
        Below it: the weighted sum and the output of a row.
    targets : dict
        Beside it.
    weights : dict
        Names on lines.
    wide : bool
        Whether units need room for what is written below them.
    """

    units: dict[int, str] = field(default_factory=dict)
    lines: dict[int, list[str]] = field(default_factory=dict)
    targets: dict[int, str] = field(default_factory=dict)
    weights: dict[tuple[str, int, int], str] = field(default_factory=dict)

    @property
    def wide(self) -> bool:
        return bool(self.lines)


def named_units(network: Network, columns: Sequence[tuple[str, int, int]], x: Any, y: Any, names: Any) -> Names:
    """The texts of a picture's columns, each (path of the layer, number of its first unit, units).

    Raises
    ------
    InputError, ShapeError, UnknownNameError
        If the row or the targets don't fit the network, or a name is of nothing in it.
    """
    given = _checked(names)
    told = Names()
    numbers = {n for _, first, units in columns for n in range(first, first + units)}
    for key, name in given.items():
        weight = re.fullmatch(r"(.*?)/?weight\[(\d+), ?(\d+)\]", key)
        if weight:
            told.weights[weight[1], int(weight[2]), int(weight[3])] = named(name).text
        elif re.fullmatch(r"x\d+", key) and int(key[1:]) in numbers:
            told.units[int(key[1:])] = named(name).text
        elif not re.fullmatch(r"[yt]\d+|L|.*bias\[\d+\]", key):
            raise unknown("symbol in labels", key, ["x1", "y3", "t5", "0/weight[0,0]", "0/bias[0]", "L"])
    if x is None:
        if y is not None:
            raise InputError("targets are drawn beside the outputs of a row: give the row as x=…")
        return told
    units = _units(network, x)
    for path, first, count in columns:
        own = [unit for unit in units if unit.layer == path]
        for unit, n in zip(own, range(first, first + count), strict=False):
            told.lines[n] = _said(unit, n, given)
    if y is not None:
        _, first, count = columns[-1]
        targets = np.asarray(y, dtype=float).reshape(-1)
        if len(targets) != count:
            raise InputError(f"y has {len(targets)} targets, the network {count} outputs")
        for n, value in zip(range(first, first + count), targets, strict=True):
            told.targets[n] = f"{_symbol(given, 't', n)} = {number(value)}"
    return told


def _checked(names: Any) -> dict[str, str]:
    if names is None:
        return {}
    if not isinstance(names, Mapping) or not all(isinstance(word, str) for pair in names.items() for word in pair):
        raise InputError(
            "labels of units and weights must be a dict of texts, such as "
            f"{{'x3': 'h1', '0/weight[0,0]': 'w1'}}, got {names!r}"
        )
    return dict(names)


def _units(network: Network, x: Any) -> list[Unit]:
    row = np.asarray(x, dtype=float)
    if len(network.input_shape) != 1 or row.shape not in (network.input_shape, (1, *network.input_shape)):
        raise InputError(
            f"x for depth='neurons' is one row of numbers, shape {tuple(network.input_shape)}, got shape {row.shape}"
        )
    return units_of(network, row.reshape(1, -1)).units


def _said(unit: Unit, n: int, given: dict[str, str]) -> list[str]:
    """A sum and an output, "z₁ = 0.08" and "h₁ = 0.52"; of an input or a unit without activation one of them."""
    output = f"{_symbol(given, 'x', n)} = {number(unit.x[0])}"
    if unit.y is None or not unit.activation:
        return [output]
    return [f"{_symbol(given, 'y', n)} = {number(unit.y[0])}", output]


def _symbol(given: dict[str, str], letter: str, n: int) -> str:
    key = f"{letter}{n}"
    return named(given[key]).text if key in given else symbol(letter, n).text
