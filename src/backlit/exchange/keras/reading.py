"""A Keras model read layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from backlit.errors import BacklitError, InputError
from backlit.exchange.assembling import Node
from backlit.exchange.keras.layouts import read
from backlit.graph import tree
from backlit.nn.layer import Layer
from backlit.nn.layers import activations as act
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.wired import INPUT, OUTPUT

ACTIVATIONS: dict[str, Layer | None] = {
    "linear": None,
    "relu": act.ReLU(),
    "sigmoid": act.Sigmoid(),
    "tanh": act.Tanh(),
    "softmax": act.Softmax(),
    "elu": act.ELU(),
    "selu": act.SELU(),
    "gelu": act.GELU(),
    "silu": act.SiLU(),
    "softplus": act.Softplus(),
    "leaky_relu": act.LeakyReLU(0.2),  # Keras' function has another slope than its layer
}
Reading = Callable[["Reader", Any, Any], str]


def graph_of(model: Any) -> Any:
    """The functional model that a model is, or that a Sequential has inside."""
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise InputError(
            f"from_keras takes Sequential and functional models; {model.name} ({type(model).__name__}) is "
            + ("not built yet: give it a keras.Input" if hasattr(model, "add") else "made by code of its own")
        )
    return graph


def named(structure: Any, tensors: list[Any]) -> dict[str, Any]:
    """A model's inputs or outputs by name: the keys of its dict, else after the layers that give them."""
    if isinstance(structure, dict) and len(structure) == len(tensors):
        pairs = list(structure.items())
    else:
        pairs = [(tensor._keras_history.operation.name, tensor) for tensor in tensors]
    found: dict[str, Any] = {}
    for given, tensor in pairs:
        base = name = str(given).replace("/", "_")
        count = 1
        while name in found:
            count += 1
            name = f"{base}_{count}"
        found[name] = tensor
    return found


class Reader:
    """Walks a model once; its inputs' names are no node's."""

    def __init__(self, layers: dict[str, Any], inputs: list[str]) -> None:
        self.layers, self.inputs = layers, inputs
        self.nodes: dict[str, Node] = {}
        self.values: dict[tuple[int, int, int], str] = {}
        self.borders: dict[str, tuple[tuple[int, int], ...]] = {}  # of values that wait for a convolution
        self.used: Counter[int] = Counter()

    def refuse(self, layer: Any, why: str) -> NoReturn:
        """Say which layer has no counterpart."""
        raise InputError(f"from_keras: layer {layer.name!r} ({type(layer).__name__}): {why}")

    def model(self, graph: Any, inputs: list[str]) -> list[str]:
        """Read a graph whose inputs are known; the names of what it gives."""
        known = {id(tensor): name for tensor, name in zip(graph.inputs, inputs, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                layer = node.operation
                if type(layer).__name__ == "InputLayer":
                    continue
                given = [known[id(tensor)] for tensor in node.input_tensors]
                if hasattr(layer, "_nodes_by_depth") or hasattr(layer, "_functional"):
                    self._once(layer)
                    names = self.model(graph_of(layer), given)
                else:
                    reading = self.layers.get(type(layer).__name__)
                    if reading is None:
                        self.refuse(layer, f"Backlit has no layer for it; it knows {', '.join(sorted(self.layers))}")
                    if getattr(layer, "weights", None):
                        self._once(layer)
                    names = [self._read(reading, layer, given, node)]
                known |= {id(tensor): name for tensor, name in zip(node.output_tensors, names, strict=False)}
        outputs = [known[id(tensor)] for tensor in graph.outputs]
        if any(output in self.borders for output in outputs):
            raise InputError("from_keras: a border has a counterpart only in front of a convolution")
        return outputs

    def _once(self, layer: Any) -> None:
        self.used[id(layer)] += 1
        if self.used[id(layer)] > 1:
            self.refuse(layer, "it is used in two places, which share its weights; every layer of Backlit has its own")

    def _read(self, reading: Reading, layer: Any, given: list[str], node: Any) -> str:
        waiting = [name for name in given if name in self.borders]
        if waiting and "Conv" not in type(layer).__name__:
            self.refuse(layer, "a border has a counterpart only in front of a convolution")
        data_format = getattr(layer, "data_format", None)
        if data_format == "channels_first":
            self.refuse(layer, "data_format='channels_first' has no counterpart; build the model with channels last")
        try:
            return reading(self, layer, (given, node))
        except InputError as error:
            if str(error).startswith("from_keras"):
                raise
            self.refuse(layer, str(error))
        except BacklitError as error:
            self.refuse(layer, str(error))

    def add(self, keras_layer: Any, layer: Layer, inputs: list[str], arrays: Any = None, **more: Any) -> str:
        """A new node; with arrays, it has learned something."""
        name = keras_layer.name.replace("/", "_")
        name = f"{name}_" if name in (INPUT, OUTPUT) else name
        base, count = name, 1
        while name in self.nodes or name in self.inputs:
            count += 1
            name = f"{base}_{count}"
        if arrays is not None:
            params, state = read(layer, [np.asarray(array) for array in arrays])
            frozen = () if keras_layer.trainable else tuple(tree.paths(params))
            more = {"params": params, "state": state, "frozen": frozen, **more}
        self.nodes[name] = Node(name, layer, tuple(inputs), **more)
        return name

    def activated(self, keras_layer: Any, name: str) -> str:
        """What a layer gives, after the activation that it has itself."""
        layer = self.activation(keras_layer, keras_layer.activation)
        return name if layer is None else self.add(keras_layer, layer, [name])

    def activation(self, keras_layer: Any, function: Any) -> Layer | None:
        """The layer of an activation function; None for the linear one."""
        known = getattr(function, "__name__", str(function))
        if known not in ACTIVATIONS or not getattr(function, "__module__", "").startswith("keras"):
            self.refuse(keras_layer, f"its activation {known} has no counterpart; there are {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[known]

    def merged(self, keras_layer: Any, inputs: list[str], way: str) -> str:
        """Several values as one."""
        seen: list[str] = []
        for name in inputs:
            seen.append(self.add(keras_layer, Identity(), [name]) if name in seen else name)
        return self.add(keras_layer, Identity(), seen, combine=way)


def learned(layer: Any) -> list[np.ndarray]:
    """A layer's arrays, in Keras' order."""
    return [np.array(as_numpy(weight.value)) for weight in layer.weights]


def as_numpy(tensor: Any) -> np.ndarray:
    """A tensor of whatever Keras runs on as an array."""
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))
