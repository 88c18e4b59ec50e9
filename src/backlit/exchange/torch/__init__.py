"""Networks to and from PyTorch. What needs PyTorch is imported when it is first called."""

from __future__ import annotations

from typing import Any

from backlit.errors import InputError
from backlit.extras import need
from backlit.nn.layer import Network


def from_torch(module: Any, example: Any) -> Network:
    """A PyTorch module as a network of Backlit's: the same layers with the same weights.

    The module is followed by `torch.fx`: its layers and the functions that its `forward` calls become Backlit's layers,
    sums and concatenations the containers `Residual`, `Parallel` and `Wired`. Outputs are compared on the example, in
    evaluation mode, before anything is returned; the module stays as it is.

    Backlit has the batch first and channels last. A module that convolves (batch, channels, height, width) becomes a
    network for (batch, height, width, channels), and if it ends in pictures, these have their channels last, too; one
    that wants (time, batch, features) becomes one for (batch, time, features). Weights behind a flattening are put in
    the order that this gives. Other inputs and outputs are as they were.

    Parameters that don't require a gradient are frozen (`Network.freeze`). PyTorch's two biases of a recurrent layer
    become their sum.

    A module that takes several tensors becomes a `Wired` whose inputs are called as the parameters of ``forward``, or
    as the keys of the dict that it takes. Several outputs are called as the keys of the dict, or the fields of the
    named tuple, that the module returns; those of a plain tuple after the modules that give them (``self.kind``), or
    "output_0", "output_1" … if not each is given by a module of its own.

    Parameters
    ----------
    module : torch.nn.Module
    example : torch.Tensor or array, or tuple or dict of them
        A batch of inputs, as the module takes it; its numbers say nothing, its shape does. Of several inputs a tuple in
        the order of forward's parameters, or a dict by their names.

    Returns
    -------
    Network
        Of the module's type: float64 if its parameters are, else float32.

    Raises
    ------
    InputError
        If the module shares weights between layers, its way depends on the numbers that it gets, or it does something
        that Backlit has no layer for; the module and the line are named. If an input leads to no output. If PyTorch
        isn't installed.

    Examples
    --------
    >>> import backlit as bl, numpy as np, torch
    >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> network = bl.from_torch(module, torch.zeros(2, 4))
    >>> network
    Network(Sequential(Linear(8), ReLU(), Linear(3)), input_shape=(4,), 67 parameters)
    >>> x = np.ones((5, 4), dtype="float32")
    >>> bool(np.allclose(network(x), module(torch.from_numpy(x)).detach().numpy(), atol=1e-6))
    True
    """
    need("torch", extra="torch", why="taking over a PyTorch module")
    from backlit.exchange.torch.convert import converted

    return converted(module, example)


def to_torch(network: Network) -> Any:
    """The network as a PyTorch module with the same weights: see `Network.to_torch`.

    What PyTorch has is PyTorch's: a `Sequential` becomes ``torch.nn.Sequential``, a `Linear` ``torch.nn.Linear``, and
    they are called by the same names. What it hasn't is a small module of `backlit.exchange.torch.own`. Lines and
    pictures have their channels first, as PyTorch wants them, if the network begins with layers that convolve or pool:
    (batch, channels, height, width); and last if it doesn't.

    A network of several inputs is called as ``module(image, meta)``, in their order, by name, or with one dict; several
    outputs are a dict.

    Parameters
    ----------
    network : Network

    Returns
    -------
    torch.nn.Module
        In evaluation mode. Frozen parameters don't require a gradient, nor does the second bias of RNN and LSTM, which
        stays zero: Backlit has one. `Augment` becomes an ``Identity``: what it does in training is left out.

    Raises
    ------
    InputError
        If a layer can't be said in PyTorch; its path is named. If PyTorch isn't installed.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Sequential(bl.Conv2d(4, 3), bl.ReLU(), bl.Flatten(), bl.Linear(2)).build((5, 5, 1)).to_torch()
    Sequential(
      (0): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))
      (1): ReLU()
      (2): Flatten(start_dim=1, end_dim=-1)
      (3): Linear(in_features=36, out_features=2, bias=True)
    )
    >>> import torch
    >>> join = bl.Wired({"kind": bl.Linear(3)}, [("words", "kind"), ("meta", "kind")], "concatenate",
    ...                 inputs=("words", "meta"), outputs=("kind",))
    >>> module = join.build({"words": (5,), "meta": (2,)}).to_torch()
    >>> module(torch.zeros(4, 5), meta=torch.zeros(4, 2))["kind"].shape
    torch.Size([4, 3])
    """
    if not isinstance(network, Network):
        raise InputError(f"to_torch takes a network that was built, layer.build(shape), got {network!r}")
    need("torch", extra="torch", why="making a PyTorch module")
    from backlit.exchange.torch.build import built

    return built(network)
