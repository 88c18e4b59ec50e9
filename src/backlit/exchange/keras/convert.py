"""From a Keras model to a network: read, put together, compare."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.assembling import assemble
from backlit.exchange.keras.layers import LAYERS
from backlit.exchange.keras.reading import Reader, as_numpy, graph_of
from backlit.nn.layer import Network
from backlit.nn.layers.wired import INPUT

_CLOSE = 1e-3  # of the largest output, in float32


def converted(model: Any) -> Network:
    """The network of a model: see `backlit.from_keras`."""
    import keras

    if not isinstance(model, keras.Model):
        raise InputError(f"from_keras takes a Keras model or the path of a .keras file, got {type(model).__name__}")
    graph = graph_of(model)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise InputError(
            f"from_keras takes models of one input and one output; {model.name} has {len(graph.inputs)} and "
            f"{len(graph.outputs)}: take over parts, such as keras.Model(model.inputs[0], model.outputs[0])"
        )
    shape = graph.inputs[0].shape[1:]
    if None in shape:
        raise InputError(f"from_keras needs the shape of an example; {model.name} has {graph.inputs[0].shape}, as of "
                         "sequences of any length: build it with keras.Input of a fixed one")  # fmt: skip
    reader = Reader(LAYERS)
    output = reader.model(graph, [INPUT])
    dtype = "float64" if any(str(weight.dtype) == "float64" for weight in model.weights) else "float32"
    network = assemble(list(reader.nodes.values()), output, tuple(shape), dtype)
    _compare(network, model, dtype)
    return network


def _compare(network: Network, model: Any, dtype: str) -> None:
    """Refuse a network that gives something else than the model does."""
    rng = np.random.default_rng(0)
    shape = (2, *network.input_shape)
    x = np.zeros(shape, "int32") if network.takes_integers else rng.uniform(-1, 1, shape).astype(dtype)
    expected = np.asarray(as_numpy(model(x, training=False)))
    got = np.asarray(network(x))
    far = np.abs(got - expected).max(initial=0.0) if got.shape == expected.shape else np.inf
    if not far <= _CLOSE * max(1.0, np.abs(expected).max(initial=0.0)):
        raise InputError(
            f"from_keras: what was read gives something else than the model (outputs {far:.2g} apart); what it "
            "computes isn't in its layers alone"
        )
