"""Specs of networks, as people type them: "mlp:64,32", "cnn", "conv:16,3 relu pool:2 flatten linear:64 relu"."""

from __future__ import annotations

from typing import Unpack

from backlit.errors import InputError, unknown
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.embedding import EmbedColumns
from backlit.nn.layers.linear import Linear
from backlit.nn.spec import layers, networks
from backlit.nn.spec.parts import Inputs, Maker

__all__ = ["Inputs", "build", "spelled"]


def spelled(spec: str) -> bool:
    """Whether a spec names layers one by one, activations and dropout among them, rather than a whole network."""
    return len(spec.split()) > 1 or spec.strip().partition(":")[0] in layers.KINDS.keys() - networks.KINDS.keys()


def build(
    spec: str,
    outputs: int,
    activation: str = "relu",
    dropout: float = 0.0,
    embedded: tuple[int, ...] = (),
    *,
    first: tuple[Layer, ...] = (),
    **inputs: Unpack[Inputs],
) -> Sequential:
    """The network that a spec describes; its last layer, which gives the outputs, is added.

    A whole network:

    - ``linear`` (no hidden layer), ``mlp:64,32`` (hidden layers of 64 and 32 units), ``mlp`` (one of 64);
    - ``residual:64,64``: blocks x + F(x) of dense layers of these widths, whose last layer starts at zero;
    - ``wired:32,a-b,a-c,b-c``: a dense layer of 32 units at each node of a graph; ``wired:32,random=8`` draws the
      graph, with ``kind=watts_strogatz`` (or erdos_renyi, barabasi_albert), ``seed=1`` and its like;
      ``weights=learned`` gives each edge a weight;
    - ``cnn:32,64``: blocks of a 3×3 convolution with these channels, batch norm, activation and max pooling, then a
      dense layer; ``cnn`` chooses the channels by the picture's size. Sequences get convolutions along time;
    - ``resnet:8``: a residual network of 8, 14, 20, … layers;
    - ``transformer:2x64`` (two blocks of 64 units), ``transformer:2x64,heads=8``: attention over the steps of a
      sequence, or the rows of a picture, and the mean of what it makes of them;
    - ``rnn:64``, ``lstm:64``, ``gru:64,64`` (stacked), ``birnn``, ``bilstm``, ``bigru`` (both directions): the last
      state of a sequence, or of a picture that is read row by row.

    Or layers, one word each, separated by spaces: ``conv:CHANNELS,KERNEL,STRIDE`` (kernel 3 and stride 1 if left out,
    with a border that keeps the size), ``pool:2`` (the greatest), ``avgpool:2``, ``globalpool`` (the mean),
    ``batchnorm``, ``layernorm``, ``rmsnorm``, ``dropout:0.2``, ``flatten``, ``linear:64``, ``dropconnect:64,0.2``
    (a dense layer that drops weights), ``embed:32``, ``rnn:64``, ``lstm:64``, ``gru:64``, ``bilstm:64`` and so on, and
    every activation's name. A recurrent layer gives all steps if a later word takes sequences, else the last state.

    Parameters
    ----------
    spec : str
    outputs : int
    activation : str
        Between the layers of a whole network.
    dropout : float
        Share of units dropped after each hidden layer of a whole network (not after convolutions).
    embedded : tuple of int
        Counts of the categories whose codes are the last inputs: see `EmbedColumns`.
    first : tuple of Layer
        Layers in front of all others.
    **inputs :
        What reaches the network, as far as it is known: see `Inputs`. All specs need the inputs' shape but mlp, linear
        and those of layers that take any.

    Raises
    ------
    InputError
        For a word that isn't known or doesn't fit what reaches it; it is named, with its place.

    Examples
    --------
    >>> build("mlp:8", 3, activation="tanh")
    Sequential(Linear(8), Tanh(), Linear(3))
    >>> build("conv:16,3 relu pool:2 flatten", 10, input_shape=(64,), seen_as=(8, 8, 1)).output_shape((64,))
    (10,)
    """
    activations.get(activation)
    shape, seen_as, vocabulary = inputs.get("input_shape"), inputs.get("seen_as"), inputs.get("vocabulary")
    maker = Maker(spec, activation, dropout, shape, seen_as, vocabulary)
    maker.add(*first, *([EmbedColumns(embedded)] if embedded else []))
    kind, _, rest = spec.strip().partition(":")
    if not spec.strip():
        raise InputError("network '': expected a network such as mlp:64,32 or layers such as conv:16,3 relu flatten")
    if spelled(spec):
        layers.spell(maker)
    elif kind in networks.KINDS:
        networks.KINDS[kind](maker, kind, rest)
    else:
        raise unknown("network", kind, networks.KINDS.keys() | layers.KINDS.keys())
    if maker.shape is not None and len(maker.shape) != 1:
        raise InputError(
            f"network {spec!r}: its last layer gives {maker.shape}, but the outputs need one row of numbers; "
            "end with flatten or globalpool"
        )
    return Sequential(*maker.layers, Linear(outputs))
