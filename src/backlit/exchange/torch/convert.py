"""From a PyTorch module to a network: trace, read, put together, compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import fx, nn

from backlit.errors import InputError
from backlit.exchange.assembling import assemble
from backlit.exchange.torch import functions, modules
from backlit.exchange.torch.reader import CHANNELS_LAST, Reader
from backlit.exchange.torch.tracing import outputs, shapes, traced
from backlit.nn.layer import Network

_CLOSE = {"float64": 1e-9, "float32": 1e-3}  # of the largest output: how far outputs may lie apart
_PICTURES = (
    nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.MaxPool1d,
    nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d, nn.Dropout1d, nn.Dropout2d,
)  # fmt: skip
_SHAPED = {"conv1d", "conv2d", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool2d"}
_THROUGH = {"relu", "tanh", "sigmoid", "silu", "gelu", "dropout", "mul", "truediv", "sub", "add", "float", "contiguous"}


class _One(nn.Module):
    """A module with one input: what it may be given besides has its default."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Any) -> Any:
        """The module's output."""
        return self.module(x)


def converted(module: Any, example: Any) -> Network:
    """The network of a module: see `backlit.from_torch`."""
    if not isinstance(module, nn.Module):
        raise InputError(f"from_torch takes a torch.nn.Module, got {type(module).__name__}")
    dtype = _dtype(module)
    batch = _batch(example, dtype)
    expected = outputs(module, batch)
    graph = traced(_One(module))
    axes = _axes(graph, batch.dim())
    reader = Reader(graph, shapes(graph, batch, axes[0]), axes)
    output = reader.run(functions.FUNCTIONS, modules.MODULES)
    input_shape = tuple(batch.shape[axis] for axis in axes[1:])
    network = assemble(reader.finished(), output.node, input_shape, dtype)
    _compare(network, np.transpose(batch.detach().cpu().numpy(), axes), np.transpose(expected, output.axes))
    return network


def _dtype(module: nn.Module) -> str:
    types = {parameter.dtype for parameter in module.parameters() if parameter.dtype.is_floating_point}
    return "float64" if types == {torch.float64} else "float32"


def _batch(example: Any, dtype: str) -> torch.Tensor:
    """The example as a tensor, in the module's type if it holds real numbers."""
    if isinstance(example, (list, tuple, dict)) and any(hasattr(part, "shape") for part in example):
        raise InputError("from_torch takes modules with one input, and a batch for it as the example")
    batch = example.detach() if isinstance(example, torch.Tensor) else torch.as_tensor(np.asarray(example))
    if batch.dim() < 1 or 0 in batch.shape:
        raise InputError(f"from_torch: the example must be a batch of at least one row, got shape {tuple(batch.shape)}")
    batch = batch[:1].repeat(2, *[1] * (batch.dim() - 1)) if batch.shape[0] == 1 and batch.dim() > 1 else batch
    return batch.to(getattr(torch, dtype)) if batch.dtype.is_floating_point else batch


def _axes(graph: fx.GraphModule, count: int) -> tuple[int, ...]:
    """PyTorch's axes of the input in the order that suits the first layer to which order matters."""
    node = next(iter(graph.graph.nodes))
    while len(node.users) >= 1:
        node = next(iter(node.users))
        name = str(getattr(node.target, "__name__", node.target))
        module = graph.get_submodule(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, _PICTURES) or name in _SHAPED:
            return CHANNELS_LAST.get(count, tuple(range(count)))
        if module is not None and getattr(module, "batch_first", True) is False and count == 3:
            return (1, 0, 2)
        through = (
            name in _THROUGH if module is None else not list(module.parameters()) and not isinstance(module, nn.Flatten)
        )
        if not through:
            break
    return tuple(range(count))


def _compare(network: Network, x: np.ndarray, expected: np.ndarray) -> None:
    """Refuse a network that gives something else than the module did."""
    got = np.asarray(network(x))
    far = np.abs(got - expected).max(initial=0.0) if got.shape == expected.shape else np.inf
    if not far <= _CLOSE[str(network.dtype)] * max(1.0, np.abs(expected).max(initial=0.0)):
        raise InputError(
            f"from_torch: what was read gives something else than the module (outputs {far:.2g} apart on the example); "
            "what the module does isn't in its layers and functions alone, or it gives other numbers each time"
        )
