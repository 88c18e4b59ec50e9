"""What each layer gives before training, under several initialisers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.inspect.plots.activity import histogram
from backlit.inspect.plots.style import figure, given, picture
from backlit.inspect.trace import require_single
from backlit.nn.changing import initialised
from backlit.nn.layer import Layer, Network
from backlit.train.probes.probe import probe
from backlit.train.probes.settings import Probes

NAMES = ("normal:0.01", "normal:0.05", "xavier", "kaiming")  # what the notes compare
MOST = 8  # layers that are drawn
ROWS = 256


@picture
def starts(network: Any, x: Any = None, names: Sequence[str] = NAMES, seed: int = 0) -> Any:
    """Histograms of what each activation gives before training: a line for each initialiser, a column for each layer.

    Parameters
    ----------
    network : Layer, Network or Run
        Its architecture; the weights are drawn anew, biases start as they do.
    x : array (rows, inputs), optional
        Inputs as the network takes them; by default 256 rows of independent standard normal numbers.
    names : sequence of str
        Initialisers: see `backlit.initializers`.
    seed : int
        Of the weights.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there are no such initialisers, or the network takes whole numbers and there is no x.

    Examples
    --------
    >>> import backlit as bl
    >>> layers = [layer for _ in range(3) for layer in (bl.Linear(50), bl.Tanh())]
    >>> figure = bl.plots.starts(bl.Sequential(*layers).build(50), names=["normal:0.01", "xavier"])
    >>> len(figure.axes)
    6
    """
    built = getattr(network, "network", network)
    if isinstance(built, Network):
        require_single(built, "starts")
    if x is None:
        if not isinstance(built, Network):
            raise InputError("give the inputs x, or a network that is built: layer.build(input_shape)")
        if built.takes_integers:
            raise InputError("the network takes whole numbers: give some as x")
        x = np.random.default_rng(seed).normal(size=(ROWS, *built.input_shape)).astype("float32")
    architecture = built.architecture if isinstance(built, Network) else built
    records = [_record(initialised(architecture, name), x, seed) for name in names]
    if not records:
        raise InputError("name at least one initialiser")
    paths = _chosen(list(records[0]))
    chart, axes = figure(len(names), len(paths), width=2.0 * len(paths) + 1.0, height=1.6 * len(names) + 0.6)
    grid = np.reshape(axes, (len(names), len(paths)))
    for name, layers, row in zip(names, records, grid, strict=True):
        for path, axis in zip(paths, row, strict=True):
            drawn = [layers[other] for other in paths if layers[other]["layer"] == layers[path]["layer"]]
            histogram(axis, path, layers[path], drawn)
        row[0].set_ylabel(given(name), fontsize=9)
    chart.suptitle("activations before training, by initialiser", fontsize=10)
    return chart


def _record(architecture: Layer, x: Any, seed: int) -> dict[str, Any]:
    """What each activation gives; of a network without any, each layer."""
    record = probe(architecture, x, seed=seed, probes=Probes(rows=ROWS))[0]
    layers = {path: layer for path, layer in record["layers"].items() if "histogram" in layer}
    kinds = dict(architecture.walk())
    active = {path: layer for path, layer in layers.items() if path in kinds and kinds[path].facts is not None}
    return active or layers


def _chosen(paths: list[str]) -> list[str]:
    """At most so many, evenly from first to last."""
    if len(paths) <= MOST:
        return paths
    return [paths[i] for i in np.linspace(0, len(paths) - 1, MOST).round().astype(int)]
