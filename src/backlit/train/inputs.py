"""Inputs and targets as given to `fit`, as the arrays that a network learns from: one of each, or several by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.data.by_input import ByInput
from backlit.data.frames import as_arrays, columns_of
from backlit.data.named import NamedColumns
from backlit.data.preparation import Preparation, preparation_of
from backlit.data.textual import array_of
from backlit.errors import BacklitError, InputError, ShapeError, about
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import named


def preparation_for(network: Any, given: Any, x: Any) -> Any:
    """What prepares the inputs; without anything else the columns of data frames are found by their names."""
    if given is None:
        several = isinstance(network, (Layer, Network)) and network.input_names
        return ByInput.learn(x) if several else NamedColumns.learn(x)
    return ByInput(dict(given)) if isinstance(given, Mapping) else given


def inputs_of(network: Layer | Network, preparation: Any, x: Any, dtype: str | np.dtype | None = "float32") -> Any:
    """Prepared inputs (rows, ...): an array, or of a network of several inputs a dict of them by name.

    Raises
    ------
    InputError, ShapeError
        If something isn't a number, or names or numbers of rows don't fit; of several inputs, the one is named.
    """
    architecture = network.architecture if isinstance(network, Network) else network
    prepared = preparation_of(preparation).apply(x)
    if not architecture.input_names:
        if isinstance(prepared, Mapping) and any(np.ndim(part) > 1 for part in prepared.values()):
            raise InputError(
                f"x has several arrays ({', '.join(map(str, prepared))}), but the network takes one; "
                "bl.Wired(nodes, edges, inputs=(...)) makes one that takes several by name"
            )
        return as_arrays(prepared, keep_integers=architecture.takes_integers, dtype=dtype)[0]
    arrays = {}
    for name, part in named(prepared, architecture.input_names, "x", "input").items():
        with about(f"input {name!r}"):
            arrays[name] = as_arrays(part, keep_integers=architecture.takes_integers_at(name), dtype=dtype)[0]
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name!r} has {count}" for name, count in counts.items())
        raise ShapeError(f"all inputs need equally many rows: {told}")
    return arrays


def outcomes_of(names: tuple[str, ...], preparation: Any, x: Any, y: Any, rows: int | None) -> Any:
    """Targets (rows, ...) beside the raw inputs `x`: an array, or a dict of them for outputs with these names.

    Raises
    ------
    InputError, ShapeError
        If one is missing, or there isn't one for each of the `rows` of the inputs, if that is known; of several
        outputs, it is named.
    """
    if y is None:
        raise InputError("y is None: give a target for each row of x")
    prepared = preparation_of(preparation)
    if not names:
        if isinstance(y, Mapping):
            raise InputError(
                f"y has several targets ({', '.join(map(str, y))}), but the network has one output; "
                "bl.Wired(nodes, edges, outputs=(...)) makes one that gives several by name"
            )
        return _outcome(prepared, x, y, rows)
    by_name = y if isinstance(y, Mapping) else columns_of(y)
    given = named(y if by_name is None else by_name, names, "y", "output")
    outcomes = {}
    for name, part in given.items():
        with about(f"output {name!r}"):
            outcomes[name] = _outcome(prepared, x, part, rows)
    return outcomes


def _outcome(preparation: Preparation, x: Any, y: Any, rows: int | None) -> np.ndarray:
    try:
        outcomes = array_of(preparation.relative(x, y))
    except ValueError as error:
        if isinstance(error, BacklitError):
            raise
        raise ShapeError(f"y has rows of different lengths; every row needs as many targets ({error})") from error
    if outcomes.ndim == 0 or (rows is not None and len(outcomes) != rows):
        found = outcomes.shape[0] if outcomes.ndim else "none"
        raise ShapeError(f"x has {rows} rows and y {found}: they must be equal")
    return outcomes
