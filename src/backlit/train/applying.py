"""A network applied to rows of any number: a few at a time, by NumPy, or by one compiled program where that pays."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit import engine as engines
from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.op import transforming
from backlit.graph.tensor import value_of
from backlit.nn.forward import forward
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.linear import Linear
from backlit.nn.shapes import each, rows_at, rows_of
from backlit.registry import OWN
from backlit.train.lazy import MadeOnce

ROWS = 4096  # at a time, at most
LEAST = 16  # and at least, in a program
PIECE = 2**30  # multiply-adds of one call of the program: what it works on stays in the processor's cache
WORTH = 4 * PIECE  # from which on compiling pays of convolutions and recurrences, which take NumPy seconds
DENSE = 12 * PIECE  # and of dense products alone: as long as NumPy takes to import XLA, to compile and to run it


def apply(network: Network, inputs: Any, tokens: np.ndarray | None = None, engine: str | None = None) -> Any:
    """Raw outputs (rows, ...) of a network for prepared inputs, in evaluation mode, or a dict of them by output.

    From `WORTH` multiply-adds on, `DENSE` of a network of dense products, a network of Backlit's own layers runs as a
    program of XLA's. It is compiled for one number of rows, which follows from the network alone, and the last rows are
    filled up to it: so no other number of rows compiles anything. Which of both it is follows from network and rows,
    and their outputs agree to rounding: a row's last bits may depend on how many rows are asked for with it.

    Parameters
    ----------
    network : Network
    inputs : array (rows, *input_shape), or dict of them
    tokens : int array (rows, steps), optional
        The true text for a network that writes, which otherwise goes on from its own.
    engine : "xla", "numpy" or None
        What the run was trained with: XLA is used where it was before.
    """
    rows = rows_of(inputs)
    if not rows:
        return each(lambda shape: np.zeros((0, *shape), network.dtype), network.output_shape)
    worth = (
        engine == "xla" and rows >= LEAST and tokens is None and pays(network.architecture, network.input_shape, rows)
    )
    program = _program_of(network) if worth else None
    if program is not None:
        return program(network, inputs)
    parts = []
    with transforming():
        for start in range(0, rows, ROWS):
            place = slice(start, start + ROWS)
            x, told = (inputs, tokens) if rows <= ROWS else (rows_at(inputs, place), _at(tokens, place))
            parts.append(tree.map(np.asarray, network.apply(network.params, x, targets=told)[0]))
    return parts[0] if len(parts) == 1 else tree.map(lambda *arrays: np.concatenate(arrays), *parts)


def _at(tokens: np.ndarray | None, place: slice) -> np.ndarray | None:
    return None if tokens is None else tokens[place]


def pays(architecture: Layer, input_shape: Any, rows: int) -> bool:
    """Whether so many rows are worth a program, in a process that has none yet.

    >>> import backlit as bl
    >>> pays(bl.LSTM(256), (32, 65), 1000), pays(bl.Linear(256), (2048,), 10_000), pays(bl.Linear(256), (2048,), 30_000)
    (True, False, True)
    """
    work = rows * architecture.cost(input_shape)
    return work >= WORTH and (work >= DENSE or not _dense(architecture, input_shape))


def _dense(layer: Layer, shape: Any) -> bool:
    """Whether all its multiply-adds are matrix products of weights, at which NumPy is as quick."""
    parts = layer.open(shape)
    if parts:
        return all(_dense(part, inner) for _, part, inner in parts)
    return isinstance(layer, Linear) or not layer.cost(shape)


def piece(architecture: Any, input_shape: Any) -> int:
    """Rows of one call of the program: a power of 2, by the multiply-adds of a row.

    >>> import backlit as bl
    >>> piece(bl.LSTM(256), (32, 65)), piece(bl.Linear(10), (64,))
    (64, 4096)
    """
    fitting = PIECE // max(1, architecture.cost(input_shape))
    return min(ROWS, max(LEAST, 1 << max(0, fitting.bit_length() - 1)))


class Program:
    """A network's forward pass in evaluation mode, compiled for one number of rows.

    Attributes
    ----------
    run : Compiled
        Of parameters, running state and inputs.
    """

    def __init__(self, architecture: Any, input_shape: Any, engine: Any) -> None:
        self.architecture, self.input_shape, self.engine = architecture, input_shape, engine
        self.rows = piece(architecture, input_shape)
        self.run = engine.compile(self._run)

    def _run(self, params: Any, state: Any, x: Any) -> Any:
        output, _ = forward(self.architecture, self.input_shape, params, x, state=state)
        return tree.map(value_of, output)

    def __call__(self, network: Network, inputs: Any) -> Any:
        """Outputs of all rows."""
        rows = rows_of(inputs)
        params, state = tree.map(self.engine.put, (network.params, network.state))
        outputs: Any = None
        for start in range(0, rows, self.rows):
            place = slice(start, min(start + self.rows, rows))
            found = self.run(params, state, tree.map(self._filled, rows_at(inputs, place)))
            if outputs is None:
                outputs = tree.map(lambda part: np.empty((rows, *part.shape[1:]), part.dtype), found)
            for whole, part in zip(tree.leaves(outputs), tree.leaves(found), strict=True):
                whole[place] = np.asarray(part)[: place.stop - start]
        return outputs

    def _filled(self, part: np.ndarray) -> np.ndarray:
        missing = self.rows - len(part)
        return part if not missing else np.concatenate([part, np.zeros((missing, *part.shape[1:]), part.dtype)])


program_for = MadeOnce(Program)  # a second run of the same network compiles nothing


def _program_of(network: Network) -> Program | None:
    """The network's program; None if a layer is the user's own, which may look at values, or XLA can't be used here."""
    architecture = network.architecture
    if not all(type(layer).__module__.startswith(OWN) for _, layer in architecture.walk()):
        return None
    try:
        engine = engines.get("xla")
    except InputError:  # JAX isn't there, or this process was forked from one in which XLA had run
        return None
    return program_for(architecture=architecture, input_shape=network.input_shape, engine=engine)
