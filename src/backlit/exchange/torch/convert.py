"""From a PyTorch module to a network: trace, read, put together, compare."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from backlit.errors import InputError
from backlit.exchange.assembling import assemble
from backlit.exchange.torch import functions, modules, own
from backlit.exchange.torch.reader import CHANNELS_LAST, Reader
from backlit.exchange.torch.tracing import outputs, shapes, traced
from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.nn.shapes import shape_of

_CLOSE = {"float64": 1e-9, "float32": 1e-3}  # of the largest output: how far outputs may lie apart
_PICTURES = (
    nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.MaxPool1d,
    nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d, nn.Dropout1d, nn.Dropout2d,
)  # fmt: skip
_SHAPED = {"conv1d", "conv2d", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool2d"}
_THROUGH = {"relu", "tanh", "sigmoid", "silu", "gelu", "dropout", "mul", "truediv", "sub", "add", "float", "contiguous"}


class _Whole(nn.Module):
    """A module that is called with one thing: a tensor, or a dict of tensors that it takes by name, or as it is."""

    def __init__(self, module: nn.Module, names: tuple[str, ...], as_dict: bool) -> None:
        super().__init__()
        self.module, self.names, self.as_dict = module, names, as_dict

    def forward(self, x: Any) -> Any:
        """The module's output; what it may be given besides has its default."""
        if not self.names:
            return self.module(x)
        named = {name: x[name] for name in self.names}
        return self.module(named) if self.as_dict else self.module(**named)


def converted(module: Any, example: Any) -> Network:
    """The network of a module: see `backlit.from_torch`."""
    if not isinstance(module, nn.Module):
        raise InputError(f"from_torch takes a torch.nn.Module, got {type(module).__name__}")
    dtype = _dtype(module)
    given, as_dict = _by_name(module, example)
    several = isinstance(given, dict)
    batch: Any = {name: _batch(part, dtype) for name, part in given.items()} if several else _batch(given, dtype)
    whole = _Whole(module, tuple(given) if several else (), as_dict)
    expected = outputs(module, whole, batch)
    graph = traced(whole)
    axes = _all_axes(graph, batch)
    _check_rows(batch, axes)
    reader = Reader(graph, shapes(graph, batch, tree.map(lambda part, of: of[0], batch, axes)), axes)
    found = reader.run(functions.FUNCTIONS, modules.MODULES)
    x = tree.map(lambda part, of: np.transpose(part.detach().cpu().numpy(), of), batch, axes)
    nodes = {name: value.node for name, value in found.items()}
    network = assemble(
        reader.finished(found.values()),
        nodes if len(nodes) > 1 else next(iter(nodes.values())),
        shape_of(x),
        dtype,
    )
    wanted = [np.transpose(array, value.axes) for array, value in zip(expected, found.values(), strict=True)]
    _compare(network, x, dict(zip(found, wanted, strict=True)))
    return network


def _by_name(module: nn.Module, example: Any) -> tuple[Any, bool]:
    """The example's parts by the names of forward's parameters, or one batch; and whether forward takes a dict."""
    parts = example if isinstance(example, (dict, list, tuple)) else ()
    arrays = list(parts.values()) if isinstance(parts, dict) else parts
    if not any(hasattr(part, "shape") for part in arrays):
        return example, False
    parameters = inspect.signature(module.forward).parameters.values()
    names = [one.name for one in parameters if one.kind is not one.VAR_POSITIONAL and one.kind is not one.VAR_KEYWORD]
    if isinstance(module, own.Several):
        names = list(module.inputs)
    if isinstance(parts, dict):
        free = any(one.kind is one.VAR_KEYWORD for one in parameters)
        if len(parts) == 1 and list(parts) == names[:1]:
            return arrays[0], False
        if free or set(parts) <= set(names):
            return dict(parts), False
        if len([one for one in parameters if one.default is one.empty]) == 1:
            return dict(parts), True
        unknown = ", ".join(repr(name) for name in parts if name not in names)
        raise InputError(f"from_torch: forward takes {', '.join(names)}; the example has {unknown}, too")
    if len(parts) > len(names):
        raise InputError(
            f"from_torch: forward takes {', '.join(names) or 'nothing by name'}; the example has {len(parts)} parts"
        )
    return (dict(zip(names, parts, strict=False)), False) if len(parts) > 1 else (parts[0], False)


def _dtype(module: nn.Module) -> str:
    types = {parameter.dtype for parameter in module.parameters() if parameter.dtype.is_floating_point}
    return "float64" if types == {torch.float64} else "float32"


def _batch(example: Any, dtype: str) -> torch.Tensor:
    """The example as a tensor, in the module's type if it holds real numbers."""
    batch = example.detach() if isinstance(example, torch.Tensor) else torch.as_tensor(np.asarray(example))
    if batch.dim() < 1 or 0 in batch.shape:
        raise InputError(f"from_torch: the example must be a batch of at least one row, got shape {tuple(batch.shape)}")
    batch = batch[:1].repeat(2, *[1] * (batch.dim() - 1)) if batch.shape[0] == 1 and batch.dim() > 1 else batch
    return batch.to(getattr(torch, dtype)) if batch.dtype.is_floating_point else batch


def _check_rows(batch: Any, axes: Any) -> None:
    """Refuse inputs that don't have one number of rows."""
    if isinstance(batch, dict):
        rows = {name: part.shape[axes[name][0]] for name, part in batch.items()}
        if len(set(rows.values())) > 1:
            told = ", ".join(f"{name!r} {count}" for name, count in rows.items())
            raise InputError(f"from_torch: the example's parts must have one number of rows, got {told}")


def _all_axes(graph: fx.GraphModule, batch: Any) -> Any:
    """`_axes` of the input, or of each by name."""
    first = next(iter(graph.graph.nodes))
    if not isinstance(batch, dict):
        return _axes(graph, first, batch.dim())
    starts = {str(node.args[1]): node for node in first.users}
    return {name: _axes(graph, starts[name], part.dim()) for name, part in batch.items()}


def _axes(graph: fx.GraphModule, node: fx.Node, count: int) -> tuple[int, ...]:
    """PyTorch's axes of an input in the order that suits the first layer to which order matters."""
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


def _compare(network: Network, x: Any, expected: dict[str, np.ndarray]) -> None:
    """Refuse a network that gives something else than the module did."""
    made = network(x)
    for name, wanted in expected.items():
        got = np.asarray(made[name] if network.output_names else made)
        far = np.abs(got - wanted).max(initial=0.0) if got.shape == wanted.shape else np.inf
        if not far <= _CLOSE[str(network.dtype)] * max(1.0, np.abs(wanted).max(initial=0.0)):
            where = f" in {name!r}" if network.output_names else ""
            raise InputError(
                f"from_torch: what was read gives something else than the module (outputs {far:.2g} apart on the "
                f"example{where}); what the module does isn't in its layers and functions alone, or it gives other "
                "numbers each time"
            )
