"""From a Keras model to a network: read, put together, compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.assembling import assemble
from backlit.exchange.keras.layers import LAYERS
from backlit.exchange.keras.reading import Reader, as_numpy, graph_of, named
from backlit.nn.layer import Network
from backlit.nn.layers.wired import INPUT
from backlit.nn.shapes import Shapes

_CLOSE = 1e-3  # of the largest output, in float32


def converted(model: Any) -> Network:
    """The network of a model: see `backlit.from_keras`."""
    import keras

    if not isinstance(model, keras.Model):
        raise InputError(f"from_keras takes a Keras model or the path of a .keras file, got {type(model).__name__}")
    graph = graph_of(model)
    inputs, outputs = named(graph._inputs_struct, graph.inputs), named(graph._outputs_struct, graph.outputs)
    for name, tensor in inputs.items():
        if None in tensor.shape[1:]:
            raise InputError(
                f"from_keras needs the shape of an example; {model.name}'s input {name!r} has {tensor.shape}, as of "
                "sequences of any length: build it with keras.Input of a fixed one"
            )
    several = len(inputs) > 1
    places = {id(tensor): name if several else INPUT for name, tensor in inputs.items()}
    reader = Reader(LAYERS, list(inputs) if several else [])
    given = reader.model(graph, [places[id(tensor)] for tensor in graph.inputs])
    nodes = {id(tensor): node for tensor, node in zip(graph.outputs, given, strict=True)}
    shapes = Shapes({name: tuple(tensor.shape[1:]) for name, tensor in inputs.items()})
    dtype = "float64" if any(str(weight.dtype) == "float64" for weight in model.weights) else "float32"
    network = assemble(
        list(reader.nodes.values()),
        {name: nodes[id(tensor)] for name, tensor in outputs.items()} if len(outputs) > 1 else given[0],
        shapes if several else next(iter(shapes.values())),
        dtype,
    )
    _compare(network, model, _Ends(graph, inputs, outputs), dtype)
    return network


@dataclass(frozen=True)
class _Ends:
    """A model's inputs and outputs: Keras' tensors by name."""

    graph: Any
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    def call(self, model: Any, x: Any) -> dict[str, np.ndarray]:
        """What the model gives for arrays by name, in evaluation mode, by name."""
        import keras

        arrays = {id(self.inputs[name]): array for name, array in x.items()}
        flat = [arrays[id(tensor)] for tensor in self.graph.inputs]
        made = model(keras.tree.pack_sequence_as(self.graph._inputs_struct, flat), training=False)
        by_tensor = dict(zip(map(id, self.graph.outputs), map(as_numpy, keras.tree.flatten(made)), strict=True))
        return {name: by_tensor[id(tensor)] for name, tensor in self.outputs.items()}


def _compare(network: Network, model: Any, ends: _Ends, dtype: str) -> None:
    """Refuse a network that gives something else than the model does."""
    rng = np.random.default_rng(0)
    x: dict[str, np.ndarray] = {}
    for name, tensor in ends.inputs.items():
        shape = (2, *tensor.shape[1:])
        whole = network.architecture.takes_integers_at(name) if network.input_names else network.takes_integers
        x[name] = np.zeros(shape, "int32") if whole else rng.uniform(-1, 1, shape).astype(dtype)
    made = network(x if network.input_names else next(iter(x.values())))
    for name, expected in ends.call(model, x).items():
        got = np.asarray(made[name] if network.output_names else made)
        far = np.abs(got - expected).max(initial=0.0) if got.shape == expected.shape else np.inf
        if not far <= _CLOSE * max(1.0, np.abs(expected).max(initial=0.0)):
            where = f" in {name!r}" if network.output_names else ""
            raise InputError(
                f"from_keras: what was read gives something else than the model (outputs {far:.2g} apart{where}); what "
                "it computes isn't in its layers alone"
            )
