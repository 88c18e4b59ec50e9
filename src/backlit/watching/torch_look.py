"""One look into a PyTorch network at work: hooks that are there for a few passes, and what they saw as numbers."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from backlit.nn.layer import Layer
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.saturation import limits
from backlit.train.probes.history import plain
from backlit.train.probes.measure import numbers, one_signed
from backlit.watching import torch_layers as layers
from backlit.watching.torch_time import state_gradients

ROWS = 32  # that a look wants to see, over several batches if they are small
PASSES = 16  # at most, in which it sees them
NUMBERS = 65_536  # of one layer's output in a pass, at most; of whole rows
FEWEST = 4  # rows
ROWS_IN_TIME = 16  # for which gradients are followed back through time


@dataclass(eq=False)
class Site:
    """A layer at one place in the pass.

    Attributes
    ----------
    path : str
        Of the module; a function's place is that of the module before it: "fc1+relu".
    layer : Layer
    name : str
        Of the module's class, or the function's.
    module : Module or None
    shape, output : tuple of int
        Of one row, in and out, channels last.
    parents : set of int
        Numbers of the nodes that it gets its input from.
    """

    path: str
    layer: Layer
    name: str
    module: Any
    number: int
    parents: set[int]
    shape: tuple[int, ...] = ()
    output: tuple[int, ...] = ()
    batch_axis: int = 0
    values: list[np.ndarray] = field(default_factory=list)
    gradients: list[np.ndarray] = field(default_factory=list)
    entering: Any = None  # of a recurrent layer, some rows of its input


@dataclass(eq=False)
class Node:
    """Something between layers: a function that isn't one itself."""

    name: str
    parents: set[int]
    hands_on: bool


class Look(TorchFunctionMode):
    """Sees forward and backward passes until there are enough rows; a mode of PyTorch while a forward pass runs.

    It reads: nothing is computed on tensors of the training, no gradient is changed, no random number drawn.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.sites: dict[str, Site] = {}
        self.nodes: dict[int, Site | Node] = {}
        self.passes = 0
        self.rows = 0
        self.running = False
        self.hunting = False  # for the first value that is NaN or infinite
        self.bad: str | None = None
        self.scales: list[float] = []
        self.output_node: int | None = None
        self.learned = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        self._leaves = [(name, module, layer) for name, module in _leaves(model) if (layer := layers.of_module(module))]
        self._handles: list[Any] = []
        self._open = 0  # layers that are running: what they call is their own business
        self._before: list[tuple[Any, ...]] = []
        self._owner: dict[int, int] = {}  # node by id of the tensor that it gave
        self._alive: list[Any] = []  # so that ids stay theirs
        self._calls: Counter[str] = Counter()
        self._last = ""

    @property
    def enough(self) -> bool:
        """Whether enough rows were seen."""
        return self.passes > 0 and (self.rows >= ROWS or self.passes >= PASSES)

    def forget(self) -> None:
        """Let go of what was seen, but for how layers follow one another."""
        for site in self.sites.values():
            site.values, site.gradients, site.entering = [], [], None

    def drop_last(self) -> None:
        """Leave out the last pass, which turned bad, if there were others."""
        for site in self.sites.values():
            if 1 < len(site.values) == self.passes:
                site.values.pop()

    # ------------------------------------------------------------------------------------------ a forward pass

    def begin(self) -> None:
        """The hooks of a forward pass."""
        self._calls.clear()
        self._last, self._open = "", 0
        self._count = 0
        self.running = True
        for name, module, layer in self._leaves:
            self._handles.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
            self._handles.append(
                module.register_forward_hook(self._leaver(name, layer), with_kwargs=True, always_call=True)
            )
        self.__enter__()

    def end(self, output: Any) -> None:
        """Hooks of the forward pass away."""
        self.running = False
        self.__exit__(None, None, None)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        tensor = first_tensor(output)
        if tensor is not None:
            self.output_node = self._owner.get(id(tensor))
            self.passes += 1
        self._owner.clear()
        self._alive.clear()
        self._before.clear()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._open:
            return func(*args, **kwargs)
        layer = layers.of_function(func, kwargs)
        name = getattr(func, "__name__", "function")
        parents = self._parents(args, kwargs)
        result = func(*args, **kwargs)
        outputs = [each for each in _flat((result,)) if isinstance(each, torch.Tensor)]
        if not outputs or not parents or name in ("size", "__get__", "dim"):
            if name == "__get__" and outputs and parents:  # a property such as .T
                self._own(outputs, Node(name, parents, True))
            return result
        if self.hunting:
            self._hunt(f"{self._last}+{name}" if self._last else name, outputs)
        if layer is None:
            self._own(outputs, Node(name, parents, layers.hands_on(func)))
            return result
        path = self._named(f"{self._last}+{name.rstrip('_')}" if self._last else name.rstrip("_"))
        site = self._site(path, layer, name.rstrip("_"), None, parents)
        self._own(outputs, site)
        self._keep(site, first_tensor(args), outputs[0])
        return result

    def _enter(self, module: Any, args: Any, kwargs: Any) -> None:
        if not self._open:
            x = first_tensor((args, tuple(kwargs.values())))
            self._before.append((module, self._parents(args, kwargs), x))
        self._open += 1

    def _leaver(self, name: str, layer: Layer) -> Any:
        def leave(module: Any, args: Any, kwargs: Any, output: Any) -> None:
            self._open -= 1
            if self._open or not self._before:
                return
            _, parents, x = self._before.pop()
            tensor = first_tensor(output)
            if tensor is None:
                return
            path = self._named(name or "network")
            self._last = path
            site = self._site(path, layer, type(module).__name__, module, parents)
            self._own([each for each in _flat((output,)) if isinstance(each, torch.Tensor)], site)
            with torch._C.DisableTorchFunction():
                if self.hunting:
                    self._hunt(path, [tensor])
                self._keep(site, x, tensor)

        return leave

    def _hunt(self, path: str, outputs: list[Any]) -> None:
        if self.bad is None and any(each.is_floating_point() and not bool(each.isfinite().all()) for each in outputs):
            self.bad = path

    def _named(self, path: str) -> str:
        self._calls[path] += 1
        return path if self._calls[path] == 1 else f"{path}#{self._calls[path]}"

    def _site(self, path: str, layer: Layer, name: str, module: Any, parents: set[int]) -> Site:
        self._count += 1
        if path not in self.sites:
            self.sites[path] = Site(path, layer, name, module, self._count, parents)
        site = self.sites[path]
        self.nodes.setdefault(site.number, site)
        return site

    def _own(self, outputs: list[Any], node: Site | Node) -> None:
        if isinstance(node, Node):
            self._count += 1
            number = self._count
            self.nodes.setdefault(number, node)
        else:
            number = node.number
        for output in outputs:
            self._owner[id(output)] = number
            self._alive.append(output)

    def _parents(self, args: Any, kwargs: Any) -> set[int]:
        """Numbers of the nodes that gave the arguments; 0 is the network's input, and whatever else isn't known."""
        found = set()
        for each in _flat((args, tuple(kwargs.values()))):
            if isinstance(each, torch.Tensor) and not isinstance(each, torch.nn.Parameter):
                found.add(self._owner.get(id(each), 0))
        return found

    # ------------------------------------------------------------------------------------------ what is kept

    def _keep(self, site: Site, x: Any, output: Any) -> None:
        """Some rows of a layer's output, and of its gradient when that comes."""
        if not output.is_floating_point() or not output.ndim:
            return
        axis = (
            1 if site.module is not None and not getattr(site.module, "batch_first", True) and output.ndim == 3 else 0
        )
        site.batch_axis = axis
        rows = output.shape[axis] if output.ndim > axis else 1
        some = min(rows, max(FEWEST, NUMBERS * rows // max(1, output.numel())))
        site.values.append(_rows(output, axis, some))
        if x is not None and x.ndim:
            site.shape = _shape(site.layer, x, axis)
        site.output = _shape(site.layer, output, axis)
        if site.layer.recurrent and x is not None and site.module is not None:
            site.entering = _some(x, axis, min(rows, ROWS_IN_TIME)).detach().clone()
        if output.requires_grad:

            def arrived(gradient: Any, axis: int = axis, some: int = some) -> None:
                if len(site.gradients) < len(site.values):
                    site.gradients.append(_rows(gradient, axis, some))

            output.register_hook(arrived)

    # ------------------------------------------------------------------------------------------ in numbers

    def layer_numbers(self, rows: float, histograms: bool = True) -> dict[str, dict[str, Any]]:
        """Of each layer; `rows` is what turns a gradient of the mean loss into one of a row's loss."""
        found = {}
        with np.errstate(all="ignore"):
            for path, site in self.sites.items():
                if not site.values:
                    continue
                value = np.concatenate([layers.channels_last(site.layer, part) for part in site.values])
                gradient = self._gradient(site, rows, value)
                if value.ndim < 2:
                    value = value[:, None]
                    gradient = None if gradient is None else gradient[:, None]
                off = saturated(site.layer, value)
                steps = site.layer.recurrent and value.ndim == 3
                told = plain(numbers(value, gradient, off, None, steps, histograms))
                kind = type(site.layer).__name__
                found[path] = {"layer": site.name if kind.startswith("_") else kind, **told}
                if steps:
                    self._through_time(site, found[path], rows)
        return found

    def _gradient(self, site: Site, rows: float, value: np.ndarray) -> np.ndarray | None:
        if len(site.gradients) != len(site.values):
            return None
        scale = self.scales[-1] if self.scales and self.scales[-1] else 1.0
        parts = [layers.channels_last(site.layer, part) for part in site.gradients]
        return np.concatenate(parts) * np.float32(rows / scale) if parts else None

    def _through_time(self, site: Site, told: dict[str, Any], rows: float) -> None:
        """The whole gradient of each time step's state, with what comes back from later ones."""
        if site.entering is None or not site.gradients:
            return
        scale = self.scales[-1] if self.scales and self.scales[-1] else 1.0
        direct = torch.as_tensor(site.gradients[-1][:ROWS_IN_TIME] * np.float32(rows / scale))
        norms = state_gradients(site.module, site.entering, direct)
        if norms is not None:
            told["steps"]["gradient_norm"] = plain(norms)
            told["gradient_norm"] = plain(np.sqrt(np.square(norms).sum()))

    def param_numbers(self, path: str, parameter: Any, gradient: Any) -> dict[str, Any]:
        """Of a parameter before its update."""
        told: dict[str, Any] = {"norm": _norm(parameter)}
        if gradient is not None or path in self.learned:
            told["gradient_norm"] = 0.0 if gradient is None else _norm(gradient)
        if gradient is not None and gradient.ndim > 1 and path.endswith("weight") and not gradient.is_sparse:
            told["one_signed"] = float(one_signed(gradient.detach().float().cpu().numpy()))
        return told


def saturated(layer: Layer, value: np.ndarray) -> np.ndarray | None:
    """Where an activation's slope has gone, told from its output, which rises with its input; None for others."""
    if isinstance(layer, RNN):
        return np.asarray(layer.saturated(None, value))
    bounds = limits(layer)
    if bounds is None or layer.facts is None or type(layer).__name__ not in ("ReLU", "Sigmoid", "Tanh", "LeakyReLU"):
        return None
    low, high = (float(np.asarray(layer({}, np.array([bound], dtype=np.float64)))[0]) for bound in bounds)
    return (value <= low) | (value >= high)


def first_tensor(value: Any) -> Any:
    """The first tensor of numbers in what a module takes or gives; None if there is none."""
    tensors = [each for each in _flat((value,)) if isinstance(each, torch.Tensor)]
    return next((each for each in tensors if each.is_floating_point()), tensors[0] if tensors else None)


def _flat(values: Any, depth: int = 4) -> list[Any]:
    found = []
    for value in values:
        if isinstance(value, dict):
            value = tuple(value.values())
        if isinstance(value, (tuple, list)) and depth:
            found += _flat(value, depth - 1)
        else:
            found.append(value)
    return found


def _leaves(model: torch.nn.Module) -> list[tuple[str, torch.nn.Module]]:
    """Modules that are layers, by name; each once, whatever the number of names that it has."""
    found: list[tuple[str, torch.nn.Module]] = []
    known: set[int] = set()
    inside: set[int] = set()
    for name, module in model.named_modules():
        if id(module) in known or id(module) in inside:
            continue
        known.add(id(module))
        if layers.of_module(module) is not None:
            found.append((name, module))
            inside |= {id(part) for part in module.modules() if part is not module}
    return found


def _some(tensor: Any, axis: int, rows: int) -> Any:
    return tensor.narrow(axis, 0, rows) if tensor.ndim > axis else tensor.reshape(1)


def _rows(tensor: Any, axis: int, rows: int) -> np.ndarray:
    """The first rows of a tensor as an array of its own, rows first."""
    with torch.no_grad(), torch._C.DisableTorchFunction():
        part = _some(tensor.detach(), axis, rows)
        part = part.movedim(axis, 0) if axis else part
        return np.array(part.to("cpu", torch.float32).numpy())


def _shape(layer: Layer, tensor: Any, axis: int) -> tuple[int, ...]:
    """Of one row, channels last."""
    shape = [size for place, size in enumerate(tensor.shape) if place != axis]
    if layers.pictures(layer) and len(shape) > 1:
        shape = [*shape[1:], shape[0]]
    return tuple(shape)


def _norm(tensor: Any) -> float:
    tensor = tensor.detach()
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    number = float(torch.linalg.vector_norm(tensor))
    return number if 1e-18 < number < math.inf else float(torch.linalg.vector_norm(tensor, dtype=torch.float64))
