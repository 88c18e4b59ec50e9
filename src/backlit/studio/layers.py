"""A network as the page draws it: columns of units, each a layer with weights together with the activation after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.nn.layer import Layer, Network, forward
from backlit.nn.layers import activations
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.shaping import Reshape
from backlit.studio.recurrent import is_shown_by_unit

INPUT = "input"
BENT = ("Linear", "Conv1d", "Conv2d", "BatchNorm")  # what an activation is drawn together with


@dataclass(frozen=True)
class Column:
    """One column of units.

    Attributes
    ----------
    path : str
        Of the layer with the weights; "input" for the inputs.
    kind : str
    units : int
    shape : tuple of int
        Of its output.
    activation : str
        Name of the activation after it; "" for none.
    values : str
        Path of the layer whose output are the units' values.
    block : bool
        Whether it isn't drawn unit by unit.
    parameters : int
    """

    path: str
    kind: str
    units: int
    shape: tuple[int, ...]
    activation: str
    values: str
    block: bool
    parameters: int

    def to_dict(self, frozen: set[tuple[str, int]]) -> dict[str, Any]:
        """Plain data, with the units that are held."""
        return {
            "path": self.path,
            "kind": self.kind,
            "units": self.units,
            "shape": list(self.shape),
            "activation": self.activation,
            "parameters": self.parameters,
            "block": self.block,
            "frozen": sorted(unit for layer, unit in frozen if layer == self.path),
        }


def columns_of(network: Network, output: str | None = None, steps: bool = False) -> list[Column]:
    """The columns of a network, inputs first.

    Parameters
    ----------
    network : Network
    output : str, optional
        The activation that the loss puts after the last layer: "softmax", "sigmoid".
    steps : bool
        Whether it reads step by step, so that the units at one step are shown.
    """
    steps = steps and is_shown_by_unit(network.architecture)
    shape = tuple(network.input_shape)
    columns = [Column(INPUT, INPUT, shape[-1] if shape else 1, shape, "", INPUT, len(shape) != 1 and not steps, 0)]
    rows = network.rows()
    for path, layer, shape, parameters, _ in rows:
        last = columns[-1]
        if _bends(layer) and last.kind in BENT and not last.activation:
            columns[-1] = _with(last, activation=_name(layer), values=path)
        elif path == "0" and isinstance(layer, Reshape):  # a row that is seen as a picture
            columns[0] = _with(last, shape=tuple(shape), block=True)
        elif not isinstance(layer, (Dropout, activations.Identity)):
            block = (not isinstance(layer, Linear) or len(shape) != 1 or "/" in path) and not steps
            columns.append(
                Column(path, type(layer).__name__, shape[-1] if shape else 1, tuple(shape), "", path, block, parameters)
            )
    if not isinstance(network.architecture, Sequential) and not isinstance(network.architecture, Linear):
        columns = [columns[0], *(_with(column, block=True) for column in columns[1:])]
    if output and columns[-1].kind == "Linear" and not columns[-1].activation:
        columns[-1] = _with(columns[-1], activation=output)
    return columns


def _with(column: Column, **changes: Any) -> Column:
    return Column(**{**vars(column), **changes})


def _bends(layer: Layer) -> bool:
    return layer.facts is not None and layer.facts.elementwise


def _name(layer: Layer) -> str:
    return next((name for name in activations.names() if activations.get(name) == layer), type(layer).__name__.lower())


def values_of(network: Network, columns: list[Column], x: np.ndarray, output: str | None) -> dict[str, np.ndarray]:
    """What each column's units compute for some rows, (rows, units), by the column's path.

    The last has the activation that the loss puts after it.
    """
    wanted = {column.values for column in columns}
    found: dict[str, np.ndarray] = {INPUT: x.reshape(len(x), -1)}

    def tap(path: str, value: Any) -> Any:
        if path in wanted:
            found[path] = np.asarray(value)
        return value

    x = x if network.takes_integers else np.asarray(x, network.dtype)
    with np.errstate(all="ignore"):
        last, _ = forward(network.architecture, network.input_shape, network.params, x, state=network.state, tap=tap)
        outputs = np.asarray(last)
        if output:
            outputs = np.asarray(activations.get(output)({}, outputs))
    found[columns[-1].values] = outputs
    return {column.path: found[column.values] for column in columns if column.values in found}
