"""A Keras model read layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from backlit.errors import BacklitError, InputError
from backlit.exchange.assembling import Node, assemble
from backlit.exchange.keras.layouts import read
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
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
_CLOSE = 1e-3  # of the largest output, in float32
Reading = Callable[["Reader", Any, Any], str]


def converted(model: Any) -> Network:
    """The network of a model: see `backlit.from_keras`."""
    import keras

    if not isinstance(model, keras.Model):
        raise InputError(f"from_keras takes a Keras model or the path of a .keras file, got {type(model).__name__}")
    graph = _graph(model)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise InputError(
            f"from_keras takes models of one input and one output; {model.name} has {len(graph.inputs)} and "
            f"{len(graph.outputs)}: take over parts, such as keras.Model(model.inputs[0], model.outputs[0])"
        )
    shape = graph.inputs[0].shape[1:]
    if None in shape:
        raise InputError(f"from_keras needs the shape of an example; {model.name} has {graph.inputs[0].shape}, as of "
                         "sequences of any length: build it with keras.Input of a fixed one")  # fmt: skip
    reader = Reader(graph)
    output = reader.model(graph, [INPUT])
    dtype = "float64" if any(str(weight.dtype) == "float64" for weight in model.weights) else "float32"
    network = assemble(list(reader.nodes.values()), output, tuple(shape), dtype)
    _compare(network, model, dtype)
    return network


def _graph(model: Any) -> Any:
    """The functional model that a model is, or that a Sequential has inside."""
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise InputError(
            f"from_keras takes Sequential and functional models; {model.name} ({type(model).__name__}) is "
            + ("not built yet: give it a keras.Input" if hasattr(model, "add") else "made by code of its own")
        )
    return graph


class Reader:
    """Walks a model once."""

    def __init__(self, graph: Any) -> None:
        self.nodes: dict[str, Node] = {}
        self.values: dict[tuple[int, int, int], str] = {}
        self.borders: dict[str, tuple[tuple[int, int], ...]] = {}  # of values that wait for a convolution
        self.used: Counter[int] = Counter()

    def refuse(self, layer: Any, why: str) -> NoReturn:
        """Say which layer has no counterpart."""
        raise InputError(f"from_keras: layer {layer.name!r} ({type(layer).__name__}): {why}")

    def model(self, graph: Any, inputs: list[str]) -> str:
        """Read a graph whose inputs are known; the name of what it gives."""
        from backlit.exchange.keras.layers import LAYERS

        known = {id(tensor): name for tensor, name in zip(graph.inputs, inputs, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                layer = node.operation
                if type(layer).__name__ == "InputLayer":
                    continue
                given = [known[id(tensor)] for tensor in node.input_tensors]
                if hasattr(layer, "_nodes_by_depth") or hasattr(layer, "_functional"):
                    self._once(layer)
                    name = self.model(_graph(layer), given)
                else:
                    reading = LAYERS.get(type(layer).__name__)
                    if reading is None:
                        self.refuse(layer, f"Backlit has no layer for it; it knows {', '.join(sorted(LAYERS))}")
                    if getattr(layer, "weights", None):
                        self._once(layer)
                    name = self._read(reading, layer, given, node)
                known[id(node.output_tensors[0])] = name
        output = known[id(graph.outputs[0])]
        if output in self.borders:
            raise InputError("from_keras: a border has a counterpart only in front of a convolution")
        return output

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
        while name in self.nodes:
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


def _compare(network: Network, model: Any, dtype: str) -> None:
    """Refuse a network that gives something else than the model does."""
    rng = np.random.default_rng(0)
    shape = (2, *network.input_shape)
    x = np.zeros(shape, "int32") if network.takes_integers else rng.uniform(-1, 1, shape).astype(dtype)
    expected = np.asarray(_numpy(model(x, training=False)))
    got = np.asarray(network(x))
    far = np.abs(got - expected).max(initial=0.0) if got.shape == expected.shape else np.inf
    if not far <= _CLOSE * max(1.0, np.abs(expected).max(initial=0.0)):
        raise InputError(
            f"from_keras: what was read gives something else than the model (outputs {far:.2g} apart); what it "
            "computes isn't in its layers alone"
        )


def learned(layer: Any) -> list[np.ndarray]:
    """A layer's arrays, in Keras' order."""
    return [np.array(_numpy(weight.value)) for weight in layer.weights]


def _numpy(tensor: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))
