"""A graph of torch.fx read node by node: each becomes a node with a layer, or only changes how axes are counted.

PyTorch's axes and Backlit's differ, so every value says which of PyTorch's axes stands at each place of Backlit's.
Permutations cost nothing then: they only rename. A layer that needs an order asks for it, and gets a `Permute` in front
if the value has another. A flattened picture has its numbers in another order than in PyTorch; the layer behind it gets
its weights' columns in that order.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch
from torch import fx, nn

from backlit.errors import BacklitError, InputError
from backlit.exchange.assembling import Node
from backlit.exchange.torch.tracing import Shapes, line_of
from backlit.exchange.weights.layouts import read
from backlit.graph import tree
from backlit.nn.layer import Layer
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.recurrent import _Recurrent
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.shaping import Flatten, Permute, Reshape, Select
from backlit.nn.layers.wired import INPUT, OUTPUT

CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1)}  # by the number of axes: PyTorch's, in Backlit's order

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """What a node gives, as Backlit has it.

    Attributes
    ----------
    node : str
    axes : tuple of int
        PyTorch's axis at each place of Backlit's; the first is the batch.
    shape : tuple of int
        PyTorch's, of the example.
    places : tuple of int
        Of a flattened picture: its shape in Backlit, channels last. () for whatever has its numbers in PyTorch's order.
    """

    node: str
    axes: tuple[int, ...]
    shape: tuple[int, ...]
    places: tuple[int, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Backlit's shape of one example."""
        return tuple(self.shape[axis] for axis in self.axes[1:])

    @property
    def order(self) -> np.ndarray | None:
        """Of a flattened picture: which of PyTorch's numbers stands at each place."""
        if not self.places:
            return None
        *spatial, channels = self.places
        return np.moveaxis(np.arange(math.prod(self.places)).reshape(channels, *spatial), 0, -1).reshape(-1)


@dataclass(frozen=True)
class Last:
    """A recurrent module's last states: of each layer and direction, one after another."""

    sequence: Value
    count: int
    ways: int
    what: str = "hidden"


@dataclass(frozen=True)
class Half:
    """One direction's last state."""

    sequence: Value
    backward: bool


@dataclass(frozen=True)
class Padded:
    """A value with a border that waits for the convolution or pooling that takes it."""

    x: Value
    pairs: tuple[tuple[int, int], ...]
    fill: float


class Reader:
    """Walks a graph once; what it has found so far. `axes` are those of the input, or of several by name."""

    def __init__(self, graph: fx.GraphModule, shapes: dict[fx.Node, Shapes], axes: Axes | dict[str, Axes]) -> None:
        self.graph, self.shapes, self.axes = graph, shapes, axes
        self.nodes: dict[str, Node] = {}
        self.values: dict[fx.Node, Any] = {}
        self.taken: dict[int, tuple[fx.Node, str]] = {}  # parameters, by who took them
        self.ends: dict[str, str] = {}  # nodes that take both ends of a sequence, and the layer that gives it
        self.node: fx.Node

    # --------------------------------------------------------------------------------------- messages

    def where(self) -> str:
        """The node that is being read, in words."""
        node = self.node
        if node.op == "call_module":
            kind = type(self.graph.get_submodule(str(node.target))).__name__
            return f"module {path_of(node)!r} ({kind}){line_of(node)}"
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        return f"{name}{line_of(node)}"

    def refuse(self, why: str) -> NoReturn:
        """Say what can't be taken over, and where it stands."""
        raise InputError(f"from_torch: {self.where()}: {why}")

    # ------------------------------------------------------------------------------------------ nodes

    def add(
        self, layer: Layer, inputs: Sequence[Value], axes: Sequence[int], shape: Sequence[int], **more: Any
    ) -> Value:
        """A new node; `more` is the rest of `Node`."""
        name = path_of(self.node).replace(".", "/") if self.node.op == "call_module" else self.node.name
        name = f"{name}_" if name in (INPUT, OUTPUT) else name
        base, count = name, 1
        while name in self.nodes or (isinstance(self.axes, dict) and name in self.axes):
            count += 1
            name = f"{base}_{count}"
        self.nodes[name] = Node(name, layer, tuple(value.node for value in inputs), **more)
        return Value(name, tuple(axes), tuple(shape))

    def alike(self, layer: Layer, x: Value, **more: Any) -> Value:
        """A node that changes no shape."""
        return dataclasses.replace(self.add(layer, [x], x.axes, x.shape, **more), places=x.places)

    def learned(self, module: nn.Module, layer: Layer, **tensors: torch.Tensor) -> dict[str, Any]:
        """A module's values as a node takes them: params, state, and which of them are frozen.

        Parameters
        ----------
        module : nn.Module
            Whose parameters are taken, so that nobody else may.
        **tensors :
            In place of the module's own.
        """
        own = tensors or dict(module.state_dict(keep_vars=True))
        for name, tensor in own.items():
            if isinstance(tensor, nn.Parameter):
                self.take(tensor, name)
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in own.items()}
        params, state = read(layer, arrays)
        learns = {
            name: np.full(array.shape, float(getattr(own[name], "requires_grad", False)))
            for name, array in arrays.items()
        }
        still = [path for path, leaf in tree.items(read(layer, learns)[0]) if not np.any(leaf)]
        return {"params": params, "state": state, "frozen": tuple(still)}

    def take(self, tensor: torch.Tensor, name: str) -> None:
        """Note who takes a parameter; refuse the second."""
        before, where = self.taken.setdefault(id(tensor), (self.node, self.where()))
        if before is not self.node:
            shared = "is used a second time" if where == self.where() else f"is shared with {where}"
            self.refuse(f"its {name} {shared}; every layer of Backlit has weights of its own")

    # ------------------------------------------------------------------------------------------- axes

    def shape(self) -> tuple[int, ...]:
        """PyTorch's shape of what the node gives."""
        shape = self.shapes[self.node].shape
        if shape is None:
            self.refuse("it gives something else than a tensor")
        return shape

    def ordered(self, x: Value, axes: Sequence[int]) -> Value:
        """The value with its axes in this order."""
        x = self.settled(x)
        axes = tuple(axes)
        if x.axes == axes:
            return x
        if x.axes[0] != axes[0]:
            self.refuse("the batch can't change places with another axis here")
        moved = Permute(tuple(x.axes.index(axis) for axis in axes[1:]))
        return self.add(moved, [x], axes, x.shape)

    def channels_last(self, x: Value) -> Value:
        """The value as layers take it that have one channel after another in PyTorch: (batch, ..., channels)."""
        return self.ordered(x, (0, *range(2, len(x.shape)), 1))

    def natural(self, x: Value) -> Value:
        """The value with its axes as PyTorch has them."""
        return self.ordered(x, range(len(x.shape)))

    def last(self, x: Value, axis: int) -> Value:
        """The value with one of its axes at the end, for layers that work on it."""
        axis %= len(x.shape)
        x = x if len(x.axes) == 2 else self.settled(x)
        if x.axes[-1] == axis:
            return x
        return self.ordered(x, [*[other for other in x.axes if other != axis], axis])

    def settled(self, x: Value) -> Value:
        """A flattened picture with its numbers in PyTorch's order; every other value as it is."""
        if not x.places:
            return x
        *spatial, channels = x.places
        sizes = (x.shape[0], channels, *spatial)
        picture = self.add(Reshape(x.places), [x], CHANNELS_LAST[len(sizes)], sizes)
        return self.add(Flatten(), [self.natural(picture)], x.axes, x.shape)

    def reshaped(self, x: Value, shape: Sequence[int], axes: Sequence[int]) -> Value:
        """The value in another shape, its numbers in the order in which Backlit has them."""
        sizes = tuple(shape[axis] for axis in axes[1:])
        if sizes == x.sizes:
            return dataclasses.replace(x, axes=tuple(axes), shape=tuple(shape))
        layer = Flatten() if len(sizes) == 1 and len(x.sizes) > 1 else Reshape(sizes)
        return self.add(layer, [x], axes, shape)

    # ------------------------------------------------------------------------------------- the whole

    def run(self, functions: dict[str, Any], modules: dict[type, Any]) -> dict[str, Value]:
        """Read all nodes; what the graph gives, by name: of a single value it says nothing."""
        for node in self.graph.graph.nodes:
            self.node = node
            try:
                if node.op == "output":
                    return {name: self._given(value) for name, value in self._outputs(node.args[0]).items()}
                self.values[node] = self._read(node, functions, modules)
            except InputError:
                raise
            except BacklitError as error:
                self.refuse(str(error))
            except TypeError as error:  # arguments that the reading function hasn't
                self.refuse(f"with these arguments it has no layer: {error}")
        raise InputError("from_torch: the module gives nothing")

    def of(self, argument: Any) -> Any:
        """An argument of a call with its nodes' values."""
        return fx.node.map_arg(argument, lambda node: self.values[node])

    def _read(self, node: fx.Node, functions: dict[str, Any], modules: dict[type, Any]) -> Any:
        if isinstance(self.axes, dict):
            if node.op == "placeholder":
                return None
            if isinstance(node.args[0] if node.args else None, fx.Node) and node.args[0].op == "placeholder":
                name = str(node.args[1])
                return Value(name, self.axes[name], self.shape())
        elif node.op == "placeholder":
            return Value(INPUT, self.axes, self.shape())
        if node.op == "get_attr":
            return self.shapes[node].value
        args, kwargs = self.of(node.args), self.of(node.kwargs)
        if not _data([args, kwargs]):  # of sizes and numbers alone: known already
            return self.shapes[node].value
        if node.op == "call_module":
            module = self.graph.get_submodule(str(node.target))
            reading = modules.get(type(module))
            if reading is None:
                self.refuse(f"Backlit has no layer for it; it knows {', '.join(sorted(k.__name__ for k in modules))}")
            if module._forward_hooks or module._forward_pre_hooks:
                self.refuse("it has hooks, which change what it does; remove them first")
            if (
                isinstance(args[0], Padded)
                and "Conv" not in type(module).__name__
                and "MaxPool" not in type(module).__name__
            ):
                self.refuse("a border has a counterpart only in front of a convolution or maximum")
            return reading(self, module, *args, **kwargs)
        if isinstance(node.target, type) and hasattr(node.target, "_fields"):
            return dict(zip(node.target._fields, args, strict=True))
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        reading = functions.get(name.strip("_") if name.endswith("_") else name)
        if reading is None:
            self.refuse("Backlit has no layer for it")
        if isinstance(args[0], Padded) and name not in ("max_pool1d", "max_pool2d"):
            self.refuse("a border has a counterpart only in front of a convolution or pooling")
        return reading(self, *args, **kwargs)

    def _given(self, value: Any) -> Value:
        if isinstance(value, (Last, Half)):
            self.refuse("the module gives a recurrent layer's last states; give its output")
        if not isinstance(value, Value):
            self.refuse("what the module gives must be computed from its inputs")
        return self.settled(value)

    def _outputs(self, argument: Any) -> dict[str, Any]:
        """What the graph gives, by name: a dict's keys, else the modules that give it, else "output_0" and so on."""
        given = self.of(argument)
        if isinstance(given, dict):
            return {str(name): value for name, value in given.items()}
        if not isinstance(given, (list, tuple)):
            return {OUTPUT: given}
        paths = [path_of(n).split(".") for n in argument if isinstance(n, fx.Node) and n.op == "call_module"]
        while paths and all(len(path) > 1 for path in paths) and len({path[0] for path in paths}) == 1:
            paths = [path[1:] for path in paths]
        names = dict.fromkeys(path[0] for path in paths if path[0].isidentifier())
        if len(names) < len(given):
            names = dict.fromkeys(f"output_{i}" for i in range(len(given)))
        return dict(zip(names, given, strict=True))

    def finished(self, outputs: Iterable[Value]) -> list[Node]:
        """The nodes, with recurrent layers that give only their last state where only that is asked for."""
        used = Counter(name for node in self.nodes.values() for name in node.inputs)
        used.update(value.node for value in outputs)
        for node in [node for node in self.nodes.values() if used[node.name]]:
            source = self.nodes.get(node.inputs[0])
            both = self.ends.get(node.name)
            if source is None or not (both or node.layer == Select(-1)):
                continue
            one = isinstance(source.layer, _Recurrent) and not source.layer.reverse and source.layer.return_sequences
            if (one or both) and used[source.name] == 1:
                self.nodes[source.name] = dataclasses.replace(source, layer=_only_last(source.layer))
                self.nodes[node.name] = dataclasses.replace(node, layer=Identity())
            elif both:
                raise InputError(
                    f"from_torch: both the sequence and the last states of {source.name!r} are used; of a recurrent "
                    "layer in both directions Backlit gives the one or the other"
                )
        return list(self.nodes.values())


def _only_last(layer: Any) -> Layer:
    if isinstance(layer, Bidirectional):
        return dataclasses.replace(layer, body=dataclasses.replace(layer.body, return_sequences=False))
    return dataclasses.replace(layer, return_sequences=False)


def path_of(node: fx.Node) -> str:
    """A module's path as the user has it: the tracer's without the wrapper that it stands in."""
    return str(node.target).removeprefix("module").removeprefix(".") or "(the module itself)"


def _data(arguments: Any) -> bool:
    """Whether something that was computed from the input is among these."""
    if isinstance(arguments, (list, tuple)):
        return any(_data(argument) for argument in arguments)
    if isinstance(arguments, dict):
        return any(_data(argument) for argument in arguments.values())
    return isinstance(arguments, (Value, Last, Half, Padded))
