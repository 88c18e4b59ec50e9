"""The chain rule for single weights of a small network, in symbols and numbers.

Δ of a unit is ∂L/∂y, where y is its weighted sum; of a unit in a layer that isn't opened it is ∂L/∂x. With it every
weight's gradient is Δ times what came in, and a unit's Δ is the sum of those it feeds, times weights and slope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from backlit.errors import unknown
from backlit.graph.derivatives import vjp
from backlit.inspect.textbook.slopes import loss_slope
from backlit.inspect.textbook.symbols import (
    Math,
    alone,
    derivative,
    equation,
    grouped,
    named,
    number,
    product,
    symbol,
    total,
    values,
)
from backlit.inspect.textbook.units import Place, Unit, Units


class Factor(NamedTuple):
    """One factor of a chain: its symbol, the same in numbers (of one row), and its value in each row."""

    symbol: Math
    numbers: Math
    values: np.ndarray


class Chains:
    """Names, slopes and chains of a network's units for one batch.

    Parameters
    ----------
    network_units : Units
    loss : Loss
    y : array
        Targets.
    names : dict
        Symbols that a person wants others for: ``{"x3": "h1", "0/weight[0,1]": "w2", "L": "E"}``.
    """

    def __init__(self, network_units: Units, loss: Any, y: np.ndarray, names: Mapping[str, str]) -> None:
        self.units, self.names = network_units.units, names
        outputs = network_units.outputs.reshape(-1)
        self.rows = len(self.units[0].x) if self.units else 0
        shape = (self.rows, *network_units.outputs.shape)
        output = np.stack([unit.x for unit in outputs], axis=1).reshape(shape)
        losses, pull = vjp(lambda o: loss(o, y), output)
        self.losses = np.asarray(losses)
        slopes = np.asarray(pull(np.ones_like(self.losses))[0]).reshape(self.rows, -1)
        self.single = len(outputs) == 1
        self.outputs = {id(unit): i for i, unit in enumerate(outputs)}
        self.terms = loss_slope(loss, output, np.asarray(y), slopes)
        self.uses: dict[int, list[tuple[Unit, int]]] = {}
        self.owners: dict[Place, list[tuple[Unit, int]]] = {}  # position -1: the bias, -2: a partial derivative
        for unit in self.units:
            for i, source in enumerate(unit.sources):
                self.uses.setdefault(id(source), []).append((unit, i))
            for i, place in enumerate(unit.places):
                if place is not None:
                    self.owners.setdefault(place, []).append((unit, i))
            if unit.bias is not None:
                self.owners.setdefault(unit.bias, []).append((unit, -1))
            for place in unit.partials:
                self.owners.setdefault(place, []).append((unit, -2))
        self.deltas = self._deltas(slopes)
        self._check_names()

    def _deltas(self, slopes: np.ndarray) -> dict[int, np.ndarray]:
        deltas: dict[int, np.ndarray] = {}
        for unit in reversed(self.units):
            arriving = np.zeros(self.rows)
            if (i := self.outputs.get(id(unit))) is not None:
                arriving = arriving + slopes[:, i]
            for user, position in self.uses.get(id(unit), ()):
                arriving = arriving + deltas[id(user)] * user.slopes[position]
            deltas[id(unit)] = arriving if unit.bend is None else arriving * unit.bend
        return deltas

    # ------------------------------------------------------------------------------------------------- names

    def _check_names(self) -> None:
        symbols = {"L", *(place_name(place) for place in self.owners)}
        for unit in self.units:
            letters = ("x", "y", "Δ", "t") if id(unit) in self.outputs else ("x", "y", "Δ")
            symbols |= {f"{letter}{unit.number}" for letter in letters}
        for name in self.names:
            if name not in symbols:
                raise unknown("symbol in names", name, symbols)

    def _symbol_of(self, key: str, usual: Math) -> Math:
        return named(self.names[key]) if key in self.names else usual

    @property
    def loss(self) -> Math:
        return self._symbol_of("L", symbol("L"))

    def x(self, unit: Unit) -> Math:
        """A unit's value."""
        usual = symbol("x", unit.number)
        if id(unit) in self.outputs:
            usual = symbol("ŷ") if self.single else symbol("ŷ", unit.number)
        return self._symbol_of(f"x{unit.number}", usual)

    def y(self, unit: Unit) -> Math:
        """A unit's weighted sum."""
        return self._symbol_of(f"y{unit.number}", symbol("y", unit.number))

    def target(self, unit: Unit) -> Math:
        return self._symbol_of(f"t{unit.number}", symbol("y") if self.single else symbol("t", unit.number))

    def delta(self, unit: Unit) -> Math:
        return self._symbol_of(f"Δ{unit.number}", symbol("Δ", unit.number))

    def weight(self, place: Place) -> Math:
        """A parameter: w with the numbers of the units it joins, b of its unit, or θ with its path."""
        key = place_name(place)
        unit, position = next(iter(self.owners.get(place, [])), (None, -2))
        if unit is not None and position == -1:
            return self._symbol_of(key, symbol("b", unit.number))
        if unit is None or position == -2:
            return self._symbol_of(key, Math(f"θ({key})", rf"\theta_{{\text{{{key}}}}}"))
        return self._symbol_of(key, symbol("w", unit.sources[position].number, unit.number))

    # ------------------------------------------------------------------------------------------------ chains

    def terms_into(self, unit: Unit) -> list[list[Factor]]:
        """∂L/∂x of a unit as a sum of products: from the loss, and from each unit that it feeds."""
        products = []
        if (i := self.outputs.get(id(unit))) is not None:
            term = self.terms[i]
            slope_symbol = term.symbol(
                self.target(unit), self.x(unit), derivative(self.loss, self.x(unit)), unit.number
            )
            products.append([Factor(slope_symbol, term.numbers, term.values)])
        for user, position in self.uses.get(id(unit), ()):
            delta = Factor(self.delta(user), values(self.deltas[id(user)]), self.deltas[id(user)])
            products.append([delta, *self._link(user, position)])
        return products

    def _link(self, user: Unit, position: int) -> list[Factor]:
        """What a unit's value is multiplied by on its way into another; nothing if it is 1."""
        place, slope = user.places[position], user.slopes[position]
        if place is None and user.opened and np.all(slope == 1):
            return []
        if place is not None:
            sign = self.weight(place)
        elif user.opened:
            sign = number(float(slope))
        else:
            sign = derivative(self.x(user), self.x(user.sources[position]))
        return [Factor(sign, values(slope), np.broadcast_to(slope, self.rows))]

    def _bend(self, unit: Unit) -> list[Factor]:
        if unit.bend is None:
            return []
        function = symbol(unit.activation)
        slope_symbol = Math(
            f"{function.text}'({self.y(unit).text})", rf"{function.latex}'\left({self.y(unit).latex}\right)"
        )
        return [Factor(slope_symbol, values(unit.bend), unit.bend)]

    def factors(self, unit: Unit) -> list[Factor]:
        """Δ of a unit in terms of those that it feeds."""
        terms = self.terms_into(unit)
        if not terms:
            return [Factor(number(0.0), number(0.0), np.zeros(self.rows)), *self._bend(unit)]
        if len(terms) == 1:
            return [*terms[0], *self._bend(unit)]
        symbols = grouped(total([product([f.symbol for f in term]) for term in terms]))
        numbers = grouped(total([product([f.numbers for f in term]) for term in terms]))
        value = sum(np.prod([f.values for f in term], axis=0) for term in terms)
        return [Factor(symbols, numbers, np.asarray(value)), *self._bend(unit)]

    def path(self, unit: Unit) -> list[Factor]:
        """Δ of a unit all the way from the loss, as long as only one path leads there; else from where they part."""
        bends: list[Factor] = []
        while True:
            uses = self.uses.get(id(unit), [])
            if len(uses) != 1 or id(unit) in self.outputs:
                return [*self.factors(unit), *bends]
            user, position = uses[0]
            bends = [*self._link(user, position), *self._bend(unit), *bends]
            unit = user

    def rule(self, unit: Unit, weight: Math) -> Math | None:
        """The chain rule in derivatives alone, if a single path leads from the weight to the loss."""
        signs: list[tuple[Math, Math]] = []
        inner = weight
        while True:
            if unit.bend is not None:
                signs.append((self.y(unit), inner))
                inner = self.y(unit)
            signs.append((self.x(unit), inner))
            inner = self.x(unit)
            uses = self.uses.get(id(unit), [])
            if id(unit) in self.outputs and not uses:
                signs.append((self.loss, inner))
                return product([derivative(*pair) for pair in reversed(signs)])
            if len(uses) != 1 or id(unit) in self.outputs:
                return None
            unit = uses[0][0]

    def needed(self, units: list[Unit]) -> list[Unit]:
        """Some units and all that they feed, directly or not; the last ones first."""
        feeding = {id(unit) for unit in units}
        for unit in self.units:
            if any(id(source) in feeding for source in unit.sources):
                feeding.add(id(unit))
        return [unit for unit in reversed(self.units) if id(unit) in feeding]

    def delta_line(self, unit: Unit) -> Math:
        """Δ in symbols and numbers."""
        factors = self.factors(unit)
        of = derivative(self.loss, self.x(unit) if unit.bend is None else self.y(unit))
        numbers = [alone([f.numbers for f in factors])] if self.rows == 1 else []
        symbols = alone([f.symbol for f in factors])
        return equation(self.delta(unit), of, symbols, *numbers, values(self.deltas[id(unit)]))

    def forward_line(self, unit: Unit) -> Math:
        """How a unit's value comes about."""
        if not unit.opened or unit.y is None:
            return equation(self.x(unit), values(unit.x))
        links = zip(unit.sources, range(len(unit.sources)), strict=True)
        terms = [product([*(f.symbol for f in self._link(unit, i)), self.x(source)]) for source, i in links]
        terms += [self.weight(unit.bias)] if unit.bias is not None else []
        if not unit.activation:
            return equation(self.x(unit), total(terms), values(unit.x))
        function, inside = symbol(unit.activation), self.y(unit)
        applied = Math(f"{function.text}({inside.text})", rf"{function.latex}\left({inside.latex}\right)")
        activation_line = equation(self.x(unit), applied, values(unit.x))
        return equation(inside, total(terms), values(unit.y)) + Math(",  ", r", \quad ") + activation_line


def place_name(place: Place) -> str:
    """A parameter's name: "0/weight[1,2]".

    >>> place_name(("0/weight", (1, 2)))
    '0/weight[1,2]'
    """
    path, index = place
    return f"{path}[{','.join(map(str, index))}]" if index else path
