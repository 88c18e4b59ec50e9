"""What is written to units and weights of a network: their names, and what a row makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

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


class Column(Protocol):
    """Units of a layer, numbered from `first`; a box has no numbers, and 0 there."""

    path: str
    first: int
    units: int
    weight: np.ndarray | None
    bias: np.ndarray | None


def named_units(network: Network, columns: Sequence[Column], x: Any, y: Any, names: Any) -> Names:
    """The texts of a picture's columns.

    Raises
    ------
    InputError, ShapeError, UnknownNameError
        If the row or the targets don't fit the network, or a name is of nothing in it.
    """
    given = _checked(names)
    told = Names()
    for key, name in given.items():
        place = PLACE.fullmatch(key)
        if not _is_there(key, place, columns):
            raise unknown("symbol in labels", key, _there(columns))
        if place and place[2] == "weight":
            told.weights[place[1] or "", int(place[3]), int(place[4])] = named(name).text
        elif key[0] == "x":
            told.units[int(key[1:])] = named(name).text
    if x is None:
        if y is not None:
            raise InputError("targets are drawn beside the outputs of a row: give the row as x=…")
        return told
    units = _units(network, x)
    for column in columns:
        own = [unit for unit in units if unit.layer == column.path and column.first]
        for unit, n in zip(own, _numbers(column), strict=False):
            if unit.number != n:
                raise InputError(
                    f"x for depth='neurons' is for networks all of whose units are drawn: unit {n} of the picture is "
                    f"x{unit.number} in explain_update, which counts the units of layers that are drawn as boxes or "
                    "lines, too; leave x and y out, or use bl.explain_update"
                )
            told.lines[n] = _said(unit, n, given)
    if y is not None:
        last, targets = columns[-1], np.asarray(y, dtype=float).reshape(-1)
        if not last.first:
            raise InputError(
                f"y is drawn beside units, and the last layer, {last.path}, is drawn as a box; leave y out"
            )
        if len(targets) != last.units:
            raise InputError(f"y has {len(targets)} targets, the network {last.units} outputs")
        for n, value in zip(_numbers(last), targets, strict=True):
            told.targets[n] = f"{_symbol(given, 't', n)} = {number(value)}"
    return told


PLACE = re.compile(r"(?:(.*)/)?(weight|bias)\[(\d+)(?:, ?(\d+))?\]")


def _numbers(column: Column) -> range:
    return range(column.first, column.first + column.units) if column.first else range(0)


def _is_there(key: str, place: re.Match[str] | None, columns: Sequence[Column]) -> bool:
    """Whether a symbol is of something in the picture: an output x, a weighted sum y, a target t, a parameter, or L."""
    if place:
        index = tuple(int(n) for n in (place[3], place[4]) if n is not None)
        arrays = [getattr(column, place[2]) for column in columns if column.path == (place[1] or "")]
        return any(
            array is not None
            and len(index) == array.ndim
            and all(n < size for n, size in zip(index, array.shape, strict=True))
            for array in arrays
        )
    unit = re.fullmatch(r"([xyt])(\d+)", key)
    if not unit:
        return key == "L"
    having = {"x": columns, "y": columns[1:], "t": columns[-1:]}[unit[1]]
    return any(int(unit[2]) in _numbers(column) for column in having)


def _there(columns: Sequence[Column]) -> list[str]:
    """Some symbols that are there: of each kind the first and the last, which tell the ranges."""
    found = [f"x{n}" for column in columns for n in _numbers(column)]
    found = [*found[:1], *found[-1:], *(f"t{n}" for n in list(_numbers(columns[-1]))[:1])]
    for column in columns:
        for name in ("weight", "bias"):
            array = getattr(column, name)
            if array is not None:
                last = ",".join(str(size - 1) for size in array.shape)
                found.append(f"{column.path}/{name}[{last}]".lstrip("/"))
    return [*found, "L"]


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
