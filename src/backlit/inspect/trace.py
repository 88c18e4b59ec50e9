"""A network's forward pass as a graph whose parameters and inputs have names."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.tensor import Tensor, tensor
from backlit.nn import losses
from backlit.nn.layer import Layer, Network


def require_network(what: Any, call: str) -> Network:
    """The network that was given, or that a run holds.

    Raises
    ------
    InputError
        If it is something else: a layer that wasn't built, a network of another framework.
    """
    network = what if isinstance(what, Network) else getattr(what, "network", None)
    if isinstance(network, Network):
        return network
    raise InputError(f"{call} takes a Backlit network, got {described(what)}")


def described(what: Any) -> str:
    """What something is, and what to do to make a network of it."""
    if isinstance(what, Network):
        return "a Network, which bl.draw takes"
    if isinstance(what, Layer):
        return f"{type(what).__name__} without parameters; build it: layer.build(input_shape)"
    homes = {kind.__module__.partition(".")[0] for kind in type(what).__mro__}
    for home, name in (("torch", "PyTorch"), ("keras", "Keras"), ("tensorflow", "TensorFlow"), ("flax", "Flax")):
        if home in homes:
            return (
                f"a {type(what).__name__} of {name}; rebuild it from bl.Sequential(...).build(input_shape), and put "
                "its weights in by network.replace(params=...): they have the shapes of PyTorch's"
            )
    return f"{type(what).__module__}.{type(what).__name__}".removeprefix("builtins.")


def trace(network: Network, x: Any = None, y: Any = None, loss: Any = None) -> Tensor:
    """The output of a network as a graph, or its mean loss if `loss` is given; the parameters are named leaves.

    Parameters
    ----------
    x : array (batch, *input_shape), optional
        One example of normally distributed numbers (for embeddings, zeros) if left out.
    y : array, optional
        Targets for `loss`.
    """
    if (loss is None) != (y is None):
        raise InputError("a loss needs targets, and targets a loss: give both y and loss, or neither")
    if x is None:
        shape = (1, *network.input_shape)
        whole = network.takes_integers
        x = np.zeros(shape, int) if whole else np.random.default_rng(0).normal(size=shape).astype(network.dtype)
    x = np.asarray(x)
    if not network.takes_integers:
        x = x.astype(network.dtype)
    params = tree.nest({path: tensor(leaf, name=path) for path, leaf in tree.items(network.params)})
    shown = lambda path, value: value  # noqa: E731, a tap has layers show what they compute on their way
    output, _ = network.apply(params, x if x.dtype.kind != "f" else tensor(x, name="x"), tap=shown)
    if type(output) is not Tensor:
        raise InputError("the network's output depends on no parameter and no real input: there is no graph")
    if loss is None:
        output.name = "output"
        return output
    value = losses.get(loss)(output, np.asarray(y)).mean()
    value.name = "L"
    return value
