"""A network's forward pass as a graph whose parameters and inputs have names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.tensor import Tensor, tensor
from backlit.languages import Template
from backlit.nn import losses
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import named

_OUTPUT = Template("output", "출력").say()


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
    params = tree.nest({path: tensor(leaf, name=path) for path, leaf in tree.items(network.params)})
    shown = lambda path, value: value  # noqa: E731, a tap has layers show what they compute on their way
    output, _ = network.apply(params, _leaves(network, x), tap=shown)
    if not any(type(part) is Tensor for part in tree.leaves(output)):
        raise InputError("the network's output depends on no parameter and no real input: there is no graph")
    if loss is None:
        if network.output_names:
            raise InputError(
                f"the network has several outputs ({', '.join(network.output_names)}): give y and loss, or take one of "
                f"them, network.apply(network.params, x)[0][{network.output_names[0]!r}] of Tensors"
            )
        output.name = _OUTPUT
        return output
    whole = losses.Heads(loss) if isinstance(loss, Mapping) else losses.get(loss)
    value = whole(output, tree.map(np.asarray, y) if isinstance(y, Mapping) else np.asarray(y)).mean()
    value.name = "L"
    return value


def _leaves(network: Network, x: Any) -> Any:
    """The inputs as leaves of a graph, by their names; one example is made if there is none."""
    if not network.input_names:
        return _leaf(network, x, network.input_shape, network.takes_integers, "x")
    shapes, whole = network.input_shape, network.architecture.takes_integers_at
    given = dict.fromkeys(shapes) if x is None else named(x, network.input_names, "x", "input")
    return {name: _leaf(network, part, shapes[name], whole(name), name) for name, part in given.items()}


def _leaf(network: Network, x: Any, shape: tuple[int, ...], whole: bool, name: str) -> Any:
    """An input as a leaf; if there is none, an example of random numbers, or of zeros where they are whole."""
    if x is None:
        x = np.zeros((1, *shape), int) if whole else np.random.default_rng(0).normal(size=(1, *shape))
    array = np.asarray(x) if whole else np.asarray(x).astype(network.dtype)
    return array if array.dtype.kind != "f" else tensor(array, name=name)


def require_single(network: Network, call: str) -> None:
    """Refuse a network of several inputs or outputs where a picture or a table has room for one of each."""
    names = (*network.input_names, *network.output_names)
    if names:
        raise InputError(
            f"{call} is for networks of one input and one output; this one has several by name: {', '.join(names)}"
        )
