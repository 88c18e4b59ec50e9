"""Which function writes which kind of layer, and what it is told of the layer's place in the network."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from backlit.errors import BacklitError
from backlit.exchange.onnx.graph import FLOAT, Graph, Value
from backlit.graph import tree
from backlit.nn.context import Params, tell_where
from backlit.nn.layer import Layer

Flow = Value | dict[str, Any]  # what goes through a layer; of one of several inputs or outputs by name
Writer = Callable[["Site", Any, Any], Any]
WRITERS: dict[type[Layer], Writer] = {}
FAMILIES = (
    "activations",
    "attention",
    "containers",
    "convolution",
    "decoder",
    "dense",
    "normalization",
    "numbers",
    "onnx_nodes",
    "pooling",
    "recurrent",
    "sequence",
    "shaping",
)


def writes(*kinds: type[Layer]) -> Callable[[Writer], Writer]:
    """Declare which layers a function writes: it gets the layer's site, the layer, and what comes in."""

    def declare(writer: Writer) -> Writer:
        for kind in kinds:
            WRITERS[kind] = writer
        return writer

    return declare


@cache
def writers() -> Mapping[type[Layer], Writer]:
    """All functions that write layers, by the layer's class; that of `Layer` writes those of which none is known."""
    for family in FAMILIES:
        importlib.import_module(f"backlit.exchange.onnx.layers.{family}")
    importlib.import_module("backlit.exchange.onnx.own_layers")
    return WRITERS


@dataclass(frozen=True)
class Site:
    """Where in a network a layer stands, with what belongs to it.

    Attributes
    ----------
    graph : Graph
        Where it is written.
    path : str
    params : nested dict of arrays
        The layer's own.
    states : dict of arrays
        The whole network's running values, by path.
    mask : Value, optional
        Which time steps (rows, time) aren't padding: see `backlit.Masked`.
    """

    graph: Graph
    params: Params
    states: Mapping[str, Any]
    path: str = ""
    mask: Value | None = None

    def child(self, name: str) -> Site:
        """The site of a part."""
        path = f"{self.path}/{name}" if self.path else name
        return dataclasses.replace(self, path=path, params=self.params.get(name, {}))

    def masked(self, mask: Value | None) -> Site:
        """The same site among sequences of which some steps are padding."""
        return dataclasses.replace(self, mask=mask)

    def run(self, name: str, layer: Layer, x: Any) -> Any:
        """Write a part; what goes wrong in it is told with its path."""
        return self.child(name).write(layer, x)

    def write(self, layer: Layer, x: Any) -> Any:
        """Write the layer that stands here."""
        if isinstance(x, Value) and x.dtype != FLOAT and not layer.parts() and not layer.takes_integers:
            x = self.graph.cast(x, FLOAT)
        try:
            writer = writers().get(type(layer)) or writers()[Layer]
            return writer(self, layer, x)
        except BacklitError as error:
            tell_where(error, self.path or "-", layer)
            raise

    def node(self, op: str, *inputs: Value | None, **options: Any) -> Any:
        """As `Graph.node`, named by the layer's path."""
        return self.graph.node(op, *inputs, at=self.path, **options)

    def weight(self, name: str, array: Any = None) -> Value:
        """One of the layer's parameters, by its path; an array in its place for operators that want another form."""
        if array is None:
            array = tree.flatten_dict(self.params)[name]
        array = np.asarray(array)
        array = array.astype(FLOAT) if array.dtype.kind == "f" else array
        return self.graph.constant(array, f"{self.path}/{name}" if self.path else name)

    def state(self, name: str) -> np.ndarray:
        """One of the layer's running values."""
        return np.asarray(self.states[f"{self.path}/{name}" if self.path else name], FLOAT)

    def number(self, number: float) -> Value:
        """A single float32."""
        return self.graph.constant(np.array(number, FLOAT))
