"""A small network unit by unit: who gets what from whom, with which weight."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import InputError, ZeroGradientWarning
from backlit.graph import tree
from backlit.graph.derivatives import vjp
from backlit.nn.layer import Context, Layer, Network
from backlit.nn.layers import activations
from backlit.nn.layers.containers import Parallel, Residual, Sequential
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.shaping import Flatten, Reshape
from backlit.nn.layers.wired import INPUT, OUTPUT, Wired

Place = tuple[str, tuple[int, ...]]  # a parameter: path and index, ("0/weight", (1, 2))

# Layers that work on each unit alone, with the sign of their function.
ELEMENTWISE: dict[type[Layer], str] = {
    activations.Sigmoid: "σ",
    activations.Tanh: "tanh",
    activations.ReLU: "ReLU",
    activations.LeakyReLU: "LeakyReLU",
    activations.ELU: "ELU",
    activations.SELU: "SELU",
    activations.GELU: "GELU",
    activations.SiLU: "SiLU",
    activations.Softplus: "softplus",
    activations.Step: "step",
}
_THROUGH = (Flatten, Reshape, activations.Identity, Dropout)  # only the order of units changes (in evaluation mode)
_MOST_UNITS, _MOST_PARTIALS = 5000, 200_000


@dataclass(eq=False)
class Unit:
    """One number in the network, for each row of the batch.

    A unit computes ``y = Σ w·x + b`` and ``x = f(y)`` (``x = y`` without activation); or, in a layer that isn't opened,
    x is some function of its sources.

    Attributes
    ----------
    number : int
        Counted through the network, from 1.
    layer : str
        Path of its layer; "input" for inputs.
    sources : list of Unit
    slopes : array (sources,) or (sources, rows)
        Weights; or ∂x/∂source, if the layer isn't opened.
    places : list of Place or None
        Where each weight stands; None for a fixed factor (a sum has 1).
    bias : Place or None
    y, x : array (rows,)
    activation : str
        Sign of f; empty without.
    bend : array (rows,)
        f'(y).
    partials : dict
        ∂x/∂parameter (rows,), if the layer isn't opened.
    opened : bool
        Whether y is a weighted sum.
    shared : bool
        Something else reads x as it is: no activation may be put on it.
    """

    number: int
    layer: str
    x: np.ndarray
    sources: list[Unit] = field(default_factory=list)
    slopes: np.ndarray = field(default_factory=lambda: np.zeros(0))
    places: list[Place | None] = field(default_factory=list)
    bias: Place | None = None
    y: np.ndarray | None = None
    activation: str = ""
    bend: np.ndarray | None = None
    partials: dict[Place, np.ndarray] = field(default_factory=dict)
    opened: bool = False
    shared: bool = False


@dataclass(eq=False)
class Units:
    """All units of a network in the order of their numbers, and which of them are the outputs."""

    units: list[Unit]
    outputs: np.ndarray  # of Unit, in the output's shape


def units_of(network: Network, x: np.ndarray) -> Units:
    """The network's units for a batch of rows, in evaluation mode.

    Raises
    ------
    InputError
        If there are too many to be looked at one by one.
    """
    walk = _UnitWalk(network)
    inputs = walk.make("input", x)
    outputs, _ = walk.visit("", network.architecture, network.params, inputs, x)
    return Units(walk.units, outputs)


class _UnitWalk:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.units: list[Unit] = []

    def make(self, layer: str, values: np.ndarray) -> np.ndarray:
        """New units for the values of a layer, (rows, *shape)."""
        shape = values.shape[1:]
        if len(self.units) + math.prod(shape) > _MOST_UNITS:
            raise InputError(
                f"a network is looked at unit by unit, and this one has more than {_MOST_UNITS:,} with "
                f"layer {layer or 'network'}; take a smaller one, or bl.explain for whole arrays"
            )
        flat = values.reshape(len(values), -1)
        created = [Unit(len(self.units) + i + 1, layer, flat[:, i]) for i in range(flat.shape[1])]
        self.units += created
        return _array(created, shape)

    def visit(self, path: str, layer: Layer, params: Any, units: np.ndarray, x: np.ndarray) -> tuple[Any, Any]:
        """Units and values after a layer."""
        if isinstance(layer, Sequential):
            for name, part in layer.parts():
                units, x = self.visit(_join(path, name), part, params.get(name, {}), units, x)
            return units, x
        if isinstance(layer, Residual):
            skip = (_shared(units), x)
            opened = layer.open(x.shape[1:])
            ends = [self.visit(_join(path, n), part, params.get(n, {}), units, x) for n, part, _ in opened]
            return self.merge(path, "sum", ends if len(ends) > 1 else [skip, *ends])
        if (
            isinstance(layer, Parallel)
            and isinstance(layer.combine, str)
            and layer.combine in ("concatenate", "sum", "mean")
        ):
            _shared(units)
            ends = [self.visit(_join(path, n), part, params.get(n, {}), units, x) for n, part in layer.parts()]
            return self.merge(path, layer.combine, ends)
        if isinstance(layer, Wired) and {layer.way(name) for name in _merging(layer)} <= {"concatenate", "sum", "mean"}:
            return self.wired(path, layer, params, units, x)
        if isinstance(layer, _THROUGH):
            places = np.arange(units.size, dtype=float).reshape(1, *units.shape)
            order = np.asarray(layer({}, places, Context())).astype(int)[0]
            return units.reshape(-1)[order], x.reshape(len(x), -1)[:, order]
        if isinstance(layer, Linear) and units.ndim == 1:
            return self.linear(path, layer, params, units, x)
        if type(layer) in ELEMENTWISE:
            return self.activated(path, layer, units, x)
        return self.closed(path, layer, params, units, x)

    def linear(self, path: str, layer: Linear, params: Any, units: np.ndarray, x: np.ndarray) -> tuple[Any, Any]:
        y = np.asarray(layer(params, x, self.context(path)))
        weighted_sums = self.make(path, y)
        for row, unit in enumerate(weighted_sums):
            unit.opened, unit.y = True, unit.x
            unit.sources, unit.slopes = list(units), np.asarray(params["weight"])[row]
            unit.places = [(_join(path, "weight"), (row, column)) for column in range(len(units))]
            unit.bias = (_join(path, "bias"), (row,)) if layer.bias else None
        return weighted_sums, y

    def activated(self, path: str, layer: Layer, units: np.ndarray, x: np.ndarray) -> tuple[Any, Any]:
        """The function put on weighted sums that have none yet; on anything else, units of its own."""
        flat = units.reshape(-1)
        if not all(unit.opened and not unit.activation and not unit.shared for unit in flat):
            copies = self.make(path, x)
            for unit, source in zip(copies.reshape(-1), flat, strict=True):
                unit.sources, unit.slopes, unit.places = [source], np.ones(1), [None]
                unit.opened, unit.y = True, source.x
            units, flat = copies, copies.reshape(-1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZeroGradientWarning)
            value, pull = vjp(lambda v: layer({}, v, Context()), x)
            bends = np.asarray(pull(np.ones_like(x))[0]).reshape(len(x), -1)
        values = np.asarray(value).reshape(len(x), -1)
        for i, unit in enumerate(flat):
            unit.activation, unit.x, unit.bend = ELEMENTWISE[type(layer)], values[:, i], bends[:, i]
        return units, np.asarray(value)

    def closed(self, path: str, layer: Layer, params: Any, units: np.ndarray, x: np.ndarray) -> tuple[Any, Any]:
        """Any other layer: its derivatives by inputs and parameters as numbers, row by row."""
        context = self.context(path)
        value = np.asarray(layer(params, x, context))
        leaves = tree.flatten_dict(params)
        per_row = value[0].size * (x[0].size + sum(leaf.size for leaf in leaves.values()))
        if per_row * len(x) > _MOST_PARTIALS:
            raise InputError(
                f"layer {path or 'network'} ({layer}) has {per_row * len(x):,} derivatives of outputs by inputs and "
                "parameters, too many to look at; take a smaller one or fewer rows, or bl.explain for whole arrays"
            )
        outputs = self.make(path, value)
        derivatives = [self.partials(layer, params, x[i : i + 1], context, value[0].size) for i in range(len(x))]
        real = x.dtype.kind == "f"
        for i, unit in enumerate(outputs.reshape(-1)):
            if real:
                slopes = np.stack([np.ravel(row[i][0]) for row in derivatives], axis=1)
                dependent = np.flatnonzero(np.any(slopes != 0, axis=1))
                unit.sources, unit.slopes = [units.reshape(-1)[k] for k in dependent], slopes[dependent]
                unit.places = [None] * len(dependent)
            for leaf, array in leaves.items():
                by = np.stack([tree.flatten_dict(row[i][1])[leaf] for row in derivatives])
                for index in np.ndindex(array.shape):
                    if np.any(column := by[(slice(None), *index)]):
                        unit.partials[_join(path, leaf), index] = column
        return outputs, value

    def partials(self, layer: Layer, params: Any, row: np.ndarray, context: Context, size: int) -> Any:
        """Of each output: derivatives by the inputs (None for whole numbers) and by the parameters."""
        real = row.dtype.kind == "f"
        function: Callable[..., Any] = lambda p, v=row: layer(p, v, context)  # noqa: E731
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZeroGradientWarning)
            value, pull = vjp(function, params, row) if real else vjp(function, params)
            derivatives = []
            for i in range(size):
                unit = np.zeros(size)
                unit[i] = 1.0
                pulled = pull(unit.reshape(np.shape(value)))
                derivatives.append((np.asarray(pulled[1]) if real else None, pulled[0]))
        return derivatives

    def wired(self, path: str, layer: Wired, params: Any, units: np.ndarray, x: np.ndarray) -> tuple[Any, Any]:
        ends = {INPUT: (_shared(units), x)}
        for name, part in layer.nodes:
            starts = [ends[start] for start in layer.sources(name)]
            inputs, values = self.merge(_join(path, f"{name} gets"), layer.way(name), starts)
            outputs, after = self.visit(_join(path, name), part, params.get(name, {}), inputs, values)
            ends[name] = (_shared(outputs), after)
        return self.merge(path, layer.way(OUTPUT), [ends[start] for start, end in layer.edges if end == OUTPUT])

    def merge(self, path: str, way: str, ends: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        """Several layers' units side by side, or units that add or average them."""
        if len(ends) == 1:
            return ends[0]
        if way == "concatenate":
            return np.concatenate([u for u, _ in ends], axis=-1), np.concatenate([v for _, v in ends], axis=-1)
        factor = 1.0 / len(ends) if way == "mean" else 1.0
        value = factor * sum(v for _, v in ends)
        merged = self.make(path, value)
        sources = [end.reshape(-1) for end, _ in ends]
        for i, unit in enumerate(merged.reshape(-1)):
            unit.sources, unit.slopes = [s[i] for s in sources], np.full(len(sources), factor)
            unit.places, unit.opened, unit.y = [None] * len(sources), True, unit.x
        return merged, value

    def context(self, path: str) -> Context:
        return Context(states=self.network.state, path=path)


def _merging(layer: Wired) -> list[str]:
    """The nodes of a wired layer that get several inputs, and its output if it does."""
    return [name for name in (*dict(layer.nodes), OUTPUT) if len(layer.sources(name)) > 1]


def _shared(units: np.ndarray) -> np.ndarray:
    for unit in units.reshape(-1):
        unit.shared = True
    return units


def _array(units: list[Unit], shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(units), dtype=object)
    array[:] = units
    return array.reshape(shape)


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
