"""What the tests of layers share: gradients of a layer in either engine, and PyTorch's for the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import backlit as bl
from backlit.graph import tree
from backlit.nn.layer import Network, forward

Gradients = tuple[Any, Any, Any]  # output, gradients of the parameters, gradient of the input


def weighing(shape: tuple[int, ...]) -> np.ndarray:
    """Weights that make a scalar of an output, so that every element's gradient is seen."""
    return np.random.default_rng(7).normal(size=shape)


def draw_params(network: Network, rng: np.random.Generator) -> Network:
    """The network with random numbers in all parameters: zeros and ones would hide mistakes."""
    return network.replace(params=tree.map(lambda leaf: rng.uniform(-1.0, 1.0, leaf.shape), network.params))


def outputs_and_gradients(network: Network, x: Any, compiled: bool = False, **options: Any) -> Gradients:
    """Output, and the gradients of its weighted sum by parameters and (if it is real) input."""
    integers = x.dtype.kind in "iu"

    def weighted(params: Any, x: Any) -> Any:
        output, state = forward(network.architecture, network.input_shape, params, x, state=network.state, **options)
        return (output * weighing(output.shape).astype(str(output.dtype))).sum(), (output, state)

    if integers:
        f: Callable[..., Any] = lambda params, x: bl.value_and_grad(weighted, 0, has_aux=True)(params, x)
    else:
        f = bl.value_and_grad(weighted, (0, 1), has_aux=True)
    (_, (output, state)), gradients = (bl.compile(f) if compiled else f)(network.params, x)
    by_params, by_input = (gradients, None) if integers else gradients
    return {"output": output, "state": state}, by_params, by_input


def torch_gradients(
    module: torch.nn.Module, x: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
    """The same from a PyTorch module in float64; parameters by their names there."""
    module.double()
    x_t = torch.tensor(x, requires_grad=x.dtype.kind == "f")
    output = module(x_t)
    (output * torch.tensor(weighing(tuple(output.shape)))).sum().backward()
    by_params = {name: p.grad.numpy() for name, p in module.named_parameters()}
    return output.detach().numpy(), by_params, None if x_t.grad is None else x_t.grad.numpy()


def copy_into(module: torch.nn.Module, values: dict[str, np.ndarray]) -> None:
    """Set a module's parameters by name."""
    module.double()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(torch.tensor(np.asarray(values[name]).reshape(tuple(parameter.shape))))


class ChannelsLast(torch.nn.Module):
    """A module of PyTorch's on arrays whose channels come last."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.inner = module

    def forward(self, x: Any) -> Any:
        """The module's output, channels last again."""
        return torch.movedim(self.inner(torch.movedim(x, -1, 1)), 1, -1)
