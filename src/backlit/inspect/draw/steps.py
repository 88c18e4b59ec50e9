"""A chain of layers along time: which layers act at each step, and what a row makes of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.tensor import value_of
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import _Chain
from backlit.nn.layers.recurrent import _Recurrent
from backlit.nn.layers.sequence import Masked

SILENT = ("Dropout", "Flatten")  # what leaves no mark on a picture of values


@dataclass(frozen=True)
class Stage:
    """A layer of the chain.

    Attributes
    ----------
    path : str
    layer : Layer
    each : bool
        Whether it has an output at each step; after the last state alone was handed on, none has.
    params : dict
    output : array (steps, numbers) or (numbers,), or None
        Of the row, if there is one.
    states : dict of arrays (steps, units)
        Of a recurrent layer: its states and gates.
    """

    path: str
    layer: Layer
    each: bool
    params: dict[str, Any]
    output: np.ndarray | None = None
    states: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def recurrent(self) -> bool:
        """Whether it hands a state on from step to step."""
        return isinstance(self.layer, _Recurrent)


def stages(network: Network, x: Any, depth: str) -> list[Stage]:
    """The layers of a chain with a recurrent one among them.

    Parameters
    ----------
    network : Network
    x : array (steps, ...) or (1, steps, ...), or None
        A row that runs through it.
    depth : str
        Of `draw`, for messages.

    Raises
    ------
    InputError
        If the network isn't such a chain.
    ShapeError
        If the row isn't one of its inputs.
    """
    chain = list(_opened("", network.architecture, network.input_shape))
    if not any(isinstance(layer, _Recurrent) for _, layer, _ in chain):
        raise InputError(
            f"draw with depth={depth!r} is for a chain of layers (Sequential) with an RNN, a GRU or an LSTM in it; "
            f"this one has {', '.join(type(layer).__name__ for _, layer, _ in chain)}"
        )
    row = None if x is None else _row(network, x)
    outputs: dict[str, np.ndarray] = {}

    def keep(path: str, value: Any) -> Any:
        outputs[path] = np.asarray(value_of(value))
        return value

    if row is not None:
        network.apply(network.params, row, tap=keep)
    result, each, given = [], True, row
    for path, layer, _ in chain:
        params = _at(network.params, path)
        states: dict[str, np.ndarray] = {}
        if isinstance(layer, _Recurrent):
            if given is not None:
                whole = dataclasses.replace(layer, return_sequences=True, return_states=True)
                _, told = whole(params, given)
                states = {name: np.asarray(value_of(part))[0] for name, part in told.items() if name != "last"}
            each = layer.return_sequences
        output = outputs.get(path)
        result.append(Stage(path, layer, each, params, None if output is None else output[0], states))
        given = output if output is not None else given
    return result


def _opened(path: str, layer: Layer, shape: Any) -> Any:
    if isinstance(layer, (_Chain, Masked)):
        for name, part, part_shape in layer.open(shape):
            yield from _opened(f"{path}/{name}" if path else name, part, part_shape)
    else:
        yield path, layer, shape


def _at(params: Any, path: str) -> dict[str, Any]:
    for name in filter(None, path.split("/")):
        params = params.get(name, {})
    return dict(params)


def _row(network: Network, x: Any) -> np.ndarray:
    row = np.asarray(x)
    row = row[None] if row.shape == network.input_shape else row
    if row.shape != (1, *network.input_shape):
        raise ShapeError(f"draw shows one row, of shape {network.input_shape}; got x of shape {np.shape(x)}")
    return row if network.takes_integers else row.astype(network.dtype)
