"""One weight's gradient and update, written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.inspect.textbook import rules
from backlit.inspect.textbook.chain import Chains, Factor, place_name
from backlit.inspect.textbook.symbols import (
    Math,
    derivative,
    equation,
    grouped,
    number,
    product,
    symbol,
    total,
    values,
)
from backlit.inspect.textbook.units import Place, Unit
from backlit.nn.layer import Network
from backlit.optim import steps


@dataclass(frozen=True, eq=False)
class WeightUpdate:
    """One weight's gradient and update.

    Attributes
    ----------
    name : str
        "0/weight[1,2]".
    symbol : Math
        Its letter, as ``.text`` and ``.latex``.
    rule : Math or None
        The chain rule in derivatives, if one path leads from the weight to the loss.
    formula : Math
        The gradient in symbols: ``∂L/∂w₃₅ = −2(y − ŷ)·σ'(y₅)·x₃ = Δ₅·x₃``.
    factors : tuple of Factor
        Of the longest product in the formula, each with its value in each row.
    gradient, old, new : float
    lines : tuple of Math
        All of it: rule, formula, numbers, and the optimizer's step.
    """

    name: str
    symbol: Math
    rule: Math | None
    formula: Math
    factors: tuple[Factor, ...]
    gradient: float
    old: float
    new: float
    lines: tuple[Math, ...]


def weight_update(
    chains: Chains, place: Place, network: Network, flat: dict[str, tuple[Any, Any]], stages: list[rules.TransformStep]
) -> WeightUpdate:
    """The gradient of one parameter and its step; `flat` holds gradients and new values by path."""
    path, index = place
    gradient, new = float(flat[path][0][index]), float(flat[path][1][index])
    old = float(np.asarray(tree.flatten_dict(network.params)[path])[index])
    owners = chains.owners.get(place, [])
    sign = chains.weight(place)
    of = derivative(chains.loss, sign)
    rule = None
    factors: list[Factor] = []
    if not owners:
        formula = equation(of, number(0.0))
        numbers = number(0.0)
    elif len(owners) == 1:
        unit, position = owners[0]
        incoming = _incoming(chains, unit, position, place)
        rule = chains.rule(unit, sign)
        factors = [*chains.path(unit), *incoming]
        delta = chains.delta(unit)
        sides = [factors, [*chains.factors(unit), *incoming]]
        last = product([delta, *(f.symbol for f in incoming)])
        formula = equation(of, *(product([f.symbol for f in side]) for side in sides), last)
        parts = chains.deltas[id(unit)]
        if incoming:
            parts = parts * np.prod([f.values for f in incoming], axis=0)
        product_in_numbers = product([values(chains.deltas[id(unit)]), *(f.numbers for f in incoming)])
        numbers = product_in_numbers if chains.rows == 1 else _mean(parts)
    else:
        terms, parts = [], np.zeros(chains.rows)
        for unit, position in owners:
            incoming = _incoming(chains, unit, position, place)
            terms.append(product([chains.delta(unit), *(f.symbol for f in incoming)]))
            part = chains.deltas[id(unit)] * np.prod([f.values for f in incoming], axis=0)
            parts = parts + part
            factors.append(Factor(terms[-1], values(part), part))
        formula = equation(of, total(terms))
        numbers = total([f.numbers for f in factors]) if chains.rows == 1 else _mean(parts)
    lines = [equation(of, rule)] if rule is not None else []
    lines += [formula, equation(of, numbers, number(gradient)), *_stepped(stages, place, sign, of, gradient, old, new)]
    return WeightUpdate(place_name(place), sign, rule, formula, tuple(factors), gradient, old, new, tuple(lines))


def _incoming(chains: Chains, unit: Unit, position: int, place: Place) -> list[Factor]:
    """∂y/∂w: what came in; for a bias nothing, since it is 1."""
    if position == -1:
        return []
    if position == -2:
        partial = unit.partials[place]
        return [Factor(derivative(chains.x(unit), chains.weight(place)), values(partial), partial)]
    source = unit.sources[position]
    return [Factor(chains.x(source), values(source.x), source.x)]


def _mean(parts: np.ndarray) -> Math:
    share = Math(f"1/{len(parts)}·", rf"\frac{{1}}{{{len(parts)}}} ")
    return share + grouped(total([number(float(part)) for part in parts]))


def _stepped(
    stages: list[rules.TransformStep], place: Place, sign: Math, of: Math, gradient: float, old: float, new: float
) -> list[Math]:
    """The optimizer's step: in one line for plain gradient descent, else with its own numbers."""
    arrow = Math(" ← ", r" \leftarrow ")
    if len(stages) == 1 and isinstance(stages[0].transform, steps.ScaleByLearningRate):
        eta = stages[0].rate(stages[0].transform)
        new_value = sign + Math(" − ", " - ") + product([symbol("η"), of])
        numbers = number(old) + Math(" − ", " - ") + product([number(eta), number(gradient)])
        return [sign + arrow + equation(new_value, numbers, number(new))]
    lines = [equation(symbol("g"), of, number(gradient))]
    for stage in stages:
        lines += stage.lines(place)
    new_value = sign + " + " + symbol("u")
    change = rules.at(stages[-1].outputs, place)
    return [*lines, sign + arrow + equation(new_value, total([number(old), number(change)]), number(new))]
