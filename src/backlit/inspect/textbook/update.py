"""`explain_update`: one training step by hand, weight by weight."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit import optim
from backlit.errors import InputError, ShapeError, unknown
from backlit.graph import tree
from backlit.graph.derivatives import value_and_grad
from backlit.graph.tensor import value_of
from backlit.inspect.textbook import rules
from backlit.inspect.textbook.chain import Chains, place_name
from backlit.inspect.textbook.symbols import Math, aligned, number
from backlit.inspect.textbook.units import Place, units_of
from backlit.inspect.textbook.weights import WeightUpdate, weight_update
from backlit.inspect.trace import require_network, require_single
from backlit.nn import losses
from backlit.nn.layer import Network
from backlit.optim.transform import apply_updates

_MOST_WEIGHTS, _MOST_LINES = 64, 16


@dataclass(frozen=True, eq=False)
class Update:
    """One training step in textbook form; see `explain_update`.

    Attributes
    ----------
    loss, loss_after : float
        Before and after the step.
    weights : tuple of WeightUpdate
        Those that were asked for.
    forward, deltas : tuple of Math
        The values and Δs on the way, in symbols and numbers.
    optimizer : Transform
    network : Network
        With all weights updated.
    state : dict
        The optimizer's, for the next step.
    """

    loss: float
    loss_after: float
    weights: tuple[WeightUpdate, ...]
    forward: tuple[Math, ...]
    deltas: tuple[Math, ...]
    optimizer: Any
    network: Network = field(repr=False)
    state: Any = field(repr=False)
    _loss: Math = field(repr=False)

    def __getitem__(self, name: str) -> WeightUpdate:
        """A weight by its name ("0/weight[1,2]") or its symbol ("w₃₅")."""
        for weight in self.weights:
            if name in (weight.name, weight.symbol.text):
                return weight
        raise unknown("weight", name, [weight.name for weight in self.weights])

    @property
    def text(self) -> str:
        """All of it as plain text."""
        parts = [self._section("forward", self.forward), self._section("backward", self.deltas)]
        parts += [self._section(weight.name, weight.lines) for weight in self.weights]
        after = f"{self._loss.text}: {number(self.loss).text} before, {number(self.loss_after).text} after the step"
        return "\n\n".join([*filter(None, parts), f"{after}, by {self.optimizer}"])

    def _section(self, title: str, lines: Sequence[Math]) -> str:
        return "\n".join([title, *(f"  {line.text}" for line in lines)]) if lines else ""

    @property
    def latex(self) -> str:
        """All of it as LaTeX: an `aligned` environment."""
        lines = [*self.forward, *self.deltas, *(line for weight in self.weights for line in weight.lines)]
        return aligned(lines)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """All of it as plain data: one dict for each weight, lists of numbers with one for each row."""
        return [
            {
                "weight": weight.name,
                "symbol": weight.symbol.text,
                "rule": weight.rule.text if weight.rule else None,
                "formula": weight.formula.text,
                "latex": weight.formula.latex,
                "factors": [
                    {"symbol": f.symbol.text, "latex": f.symbol.latex, "values": np.ravel(f.values).tolist()}
                    for f in weight.factors
                ],
                "gradient": weight.gradient,
                "old": weight.old,
                "new": weight.new,
                "lines": [line.text for line in weight.lines],
            }
            for weight in self.weights
        ]

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"

    def __str__(self) -> str:
        return self.text


def explain_update(
    network: Network,
    x: Any,
    y: Any,
    optimizer: Any = "gradient_descent",
    loss: Any = "squared_error",
    weight: str | Sequence[str] | None = None,
    *,
    names: Mapping[str, str] | None = None,
    state: Any = None,
    step: int = 0,
) -> Update:
    """One training step by hand: for each weight the chain of factors in symbols and numbers, and its new value.

    Units are counted through the network, inputs first. Unit j computes ``y_j = Σ w_ij x_i + b_j`` and
    ``x_j = f(y_j)``; ``Δ_j = ∂L/∂y_j``. An output is called ŷ and its target y; with several outputs, ŷ_j and t_j.
    Everything is computed in float64 and evaluation mode (no dropout); L is the mean over the rows, as in `fit`.
    `Linear`, activations, `Flatten`, `Reshape`, `Sequential`, `Residual`, `Parallel` and `Wired` are opened unit by
    unit; of any other layer (convolution, recurrence, softmax) the derivatives stand as ∂x_j/∂x_i, with their numbers.

    Parameters
    ----------
    network : Network or Run
    x : array
        One example (input_shape) or a batch (batch, *input_shape).
    y : array
        Its target, or the batch's.
    optimizer : str or Transform
        As in `fit`.
    loss : str or Loss
    weight : str or sequence of str, optional
        Which weights: "0/weight[1,2]" is row 1 (the unit), column 2 (its input). All of them, if left out and there
        are at most 64.
    names : dict, optional
        Other letters: ``{"x3": "h1", "y3": "z1", "t5": "t1", "0/weight[0,0]": "w1", "L": "E"}``; t5 is the target of
        the output unit 5.
    state, step :
        The optimizer's state and the number of updates done, to go on after another step:
        ``explain_update(first.network, x, y, optimizer, state=first.state, step=1)``.

    Returns
    -------
    Update
        ``print`` it; ``update.latex``; ``update["0/weight[0,1]"].formula``; a notebook shows it as formulas.

    Raises
    ------
    UnknownNameError
        If there is no such weight or symbol; the message names the nearest one.
    InputError
        If the network is too large to be looked at unit by unit, or isn't one of Backlit's.
    ShapeError
        If `x` has another shape than the network's inputs.

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Linear(2), bl.Sigmoid(), bl.Linear(1), bl.Sigmoid()).build((2,), dtype="float64")
    >>> update = bl.explain_update(network, [0.1, 0.2], [1.0], bl.SGD(0.5), weight="2/weight[0,0]")
    >>> print(update.weights[0].formula.text)
    ∂L/∂w₃₅ = −2(y − ŷ)·σ'(y₅)·x₃ = Δ₅·x₃
    >>> print(update.weights[0].rule.text)
    ∂L/∂ŷ·∂ŷ/∂y₅·∂y₅/∂w₃₅
    """
    network = require_network(network, "explain_update").astype("float64")
    require_single(network, "explain_update")
    loss_function, rule = losses.get(loss), optim.get(optimizer)
    rows, targets = _batch(network, x, y)
    places = _places(network, weight)
    chains = Chains(units_of(network, rows), loss_function, targets, names or {})

    def objective(params: Any) -> Any:
        return loss_function(network.apply(params, rows)[0], targets).mean()

    before, gradients = value_and_grad(objective)(network.params)
    optimizer_state = rule.init(network.params) if state is None else state
    updates, after, stages = rules.run(rule, gradients, optimizer_state, network.params, step)
    changed = network.replace(params=apply_updates(network.params, updates))
    flat = {path: (np.asarray(g), np.asarray(changed_leaf)) for (path, g), changed_leaf in _pairs(gradients, changed)}
    weight_updates = [weight_update(chains, place, network, flat, stages) for place in places]
    needed = chains.needed([unit for place in places for unit, _ in chains.owners.get(place, ())])
    computed = [unit for unit in chains.units if unit.layer != "input"]
    return Update(
        float(before),
        float(value_of(objective(changed.params))),
        tuple(weight_updates),
        tuple(_few([chains.forward_line(unit) for unit in computed[: _MOST_LINES + 1]], len(computed))),
        tuple(_few([chains.delta_line(unit) for unit in needed[: _MOST_LINES + 1]], len(needed))),
        rule,
        changed,
        after,
        chains.loss,
    )


def _pairs(gradients: Any, changed: Network) -> Any:
    return zip(tree.items(gradients), tree.leaves(changed.params), strict=True)


def _few(lines: list[Math], count: int) -> list[Math]:
    """The lines, or the first of them and how many more there are."""
    if count <= _MOST_LINES:
        return lines
    more = f"… {count - _MOST_LINES} more"
    return [*lines[:_MOST_LINES], Math(more, rf"\text{{{more}}}")]


def _batch(network: Network, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    rows, targets = np.asarray(x), np.asarray(y)
    if rows.dtype.kind not in "fiub" or targets.dtype.kind not in "fiub":
        raise InputError(f"x and y must be numbers, got dtypes {rows.dtype} and {targets.dtype}")
    if rows.shape == network.input_shape:
        rows, targets = rows[None], targets[None]
    if rows.shape[1:] != network.input_shape or not len(rows):
        shape = ", ".join(map(str, network.input_shape))
        raise ShapeError(f"x must be one example of shape ({shape}) or rows of it, got shape {np.shape(x)}")
    if targets.shape[:1] != rows.shape[:1]:
        raise ShapeError(f"x has {len(rows)} rows, y has shape {targets.shape}: one target for each row is needed")
    if not network.takes_integers:
        rows = rows.astype("float64")
    return rows, targets.astype("float64") if targets.dtype.kind == "f" else targets


def _places(network: Network, weight: str | Sequence[str] | None) -> list[Place]:
    """The parameters that were asked for."""
    shapes = {path: np.shape(leaf) for path, leaf in tree.items(network.params)}
    if weight is None:
        if network.size > _MOST_WEIGHTS:
            raise InputError(
                f"the network has {network.size:,} weights; say which you want: weight="
                f"{place_name((next(iter(shapes)), (0,) * len(next(iter(shapes.values())))))!r}, or several in a list"
            )
        return [(path, index) for path, shape in shapes.items() for index in np.ndindex(shape)]
    return [_place(name, shapes) for name in ([weight] if isinstance(weight, str) else weight)]


def _place(name: str, shapes: dict[str, tuple[int, ...]]) -> Place:
    match = re.fullmatch(r"\s*([^\[\]]+?)\s*(?:\[([\d\s,]*)\])?\s*", name)
    if match is None:
        raise InputError(f"a weight is named by path and index, such as '0/weight[1,2]', got {name!r}")
    path = match[1]
    if path not in shapes:
        raise unknown("weight", path, shapes)
    shape = shapes[path]
    index = tuple(int(part) for part in (match[2] or "").split(",") if part.strip())
    if len(index) != len(shape) or any(i >= size for i, size in zip(index, shape, strict=True)):
        last = place_name((path, tuple(size - 1 for size in shape)))
        raise InputError(f"{path} has shape {shape}, so its last element is {last!r}; got {name!r}")
    return path, index
