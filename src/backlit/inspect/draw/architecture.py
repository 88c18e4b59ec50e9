"""A network's layers as a graph: what the pictures of layers and of neurons are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.inspect.draw import words
from backlit.nn.layer import Layer, Network, Shape
from backlit.nn.layers.containers import Parallel, Residual, _Chain, way_for
from backlit.nn.layers.onnx import OnnxGraph, is_part
from backlit.nn.layers.sequence import Masked
from backlit.nn.layers.wired import INPUT, OUTPUT, Wired
from backlit.nn.shapes import Shapes

_SIGNS = {"Add": "+", "Sub": "−", "Mul": "×", "Div": "÷", "Concat": words.MERGES["concatenate"]}
IN, OUT = "→ ", " →"  # in keys, of inputs and outputs: no layer is called so
_STEPS = 6  # time steps that are drawn of an unrolled layer; of more the first ones and the last


@dataclass(frozen=True)
class Part:
    """One box.

    Attributes
    ----------
    path : str
        Where in the network: "2/body/0".
    kind : str
        "input", "output" (one of several), "layer", "merge" (a sum or concatenation), "step" (of a recurrent layer),
        "slice" (a time step's input), or "more" (what was left out).
    text : str
        What it is: "Linear(64)".
    shape : tuple of int
        Of its output.
    size : int
        Number of its parameters.
    layer : Layer or None
    """

    path: str
    kind: str
    text: str
    shape: Shape
    size: int = 0
    layer: Layer | None = None


@dataclass
class Architecture:
    """Parts by key, inputs first, and pairs of keys."""

    parts: dict[str, Part]
    edges: list[tuple[str, str]]


def architecture(network: Network, branches: bool = True, levels: int = 99) -> Architecture:
    """The graph of a network's layers.

    Parameters
    ----------
    branches : bool
        Open residual, parallel, wired and unrolled layers, too; else a chain of boxes is made.
    levels : int
        How many levels of containers are opened.
    """
    walk = _ArchitectureWalk(network, branches, levels)
    shape = network.input_shape
    if isinstance(shape, Shapes):
        sources: Any = {name: walk.add(f"{IN}{name}", Part(name, "input", name, shape[name]), []) for name in shape}
    else:
        sources = walk.add(INPUT, Part(INPUT, "input", words.INPUT, shape), [])
    ends = walk.visit("", network.architecture, shape, sources, 0)
    if isinstance(ends, dict):
        for name, one in network.output_shape.items():
            walk.add(f"{name}{OUT}", Part(name, "output", name, one), [ends[name]])
    return Architecture(walk.parts, walk.edges)


class _ArchitectureWalk:
    def __init__(self, network: Network, branches: bool, levels: int) -> None:
        self.branches, self.levels = branches, levels
        self.sizes = {path: int(np.size(leaf)) for path, leaf in tree.items(network.params)}
        self.parts: dict[str, Part] = {}
        self.edges: list[tuple[str, str]] = []

    def add(self, key: str, part: Part, sources: list[str]) -> str:
        self.parts[key] = part
        self.edges += [(source, key) for source in dict.fromkeys(sources)]
        return key

    def visit(self, path: str, layer: Layer, shape: Any, source: Any, level: int) -> Any:
        """Add a layer that gets its input from `source`, a key, or keys by input; the key of what gives its output.

        Of several outputs these are keys by name.
        """
        if isinstance(layer, (_Chain, Masked)) and level < self.levels:
            for name, part, part_shape in layer.open(shape):
                source = self.visit(_join(path, name), part, part_shape, source, level + 1)
            return source
        if self.branches and level < self.levels:
            if isinstance(layer, Residual):
                return self._residual(path, layer, shape, source, level)
            if isinstance(layer, Parallel):
                ends = [
                    self.visit(_join(path, n), p, part_shape, source, level + 1)
                    for n, p, part_shape in layer.open(shape)
                ]
                return self._parallel(path, layer, layer.output_shape(shape), ends)
            if isinstance(layer, Wired):
                return self._wired(path, layer, shape, source, level)
            if isinstance(layer, OnnxGraph):
                return self._graph(path, layer, shape, source, level)
        if self.branches and getattr(layer, "form", "") == "unrolled":
            return self._unrolled(path, layer, shape, source)
        size = sum(n for key, n in self.sizes.items() if not path or key == path or key.startswith(f"{path}/"))
        kind, inside = type(layer).__name__, len(layer.parts())
        text = words.CONTAINER.say(kind=kind, n=inside) if inside else repr(layer).removesuffix("()")
        sources = list(source.values()) if isinstance(source, dict) else [source]
        output = layer.output_shape(shape)
        key = self.add(path or "network", Part(path, "layer", text, output, size, layer), sources)
        return dict.fromkeys(output, key) if isinstance(output, Shapes) else key

    def _parallel(self, path: str, layer: Parallel, shape: Any, ends: list[Any]) -> Any:
        """Branches put together, output by output if they have several."""
        if not isinstance(shape, Shapes):
            return self._merge(path, way_for(layer.combine, "", "concatenate"), shape, ends)
        return {
            name: self._merge(
                _join(path, name), way_for(layer.combine, name, "concatenate"), one, [end[name] for end in ends]
            )
            for name, one in shape.items()
        }

    def _merge(self, path: str, way: str, shape: Shape, ends: list[str]) -> str:
        if len(ends) == 1:
            return ends[0]
        return self.add(f"{path}:{way}", Part(path, "merge", words.MERGES.get(way, way), shape), ends)

    def _residual(self, path: str, layer: Residual, shape: Shape, source: str, level: int) -> str:
        ends = [self.visit(_join(path, n), p, part_shape, source, level + 1) for n, p, part_shape in layer.open(shape)]
        return self._merge(path, "sum", layer.output_shape(shape), ends if len(ends) > 1 else [source, *ends])

    def _wired(self, path: str, layer: Wired, shape: Any, source: Any, level: int) -> Any:
        keys = dict(source) if layer.inputs else {INPUT: source}
        for name, part, part_shape in layer.open(shape):
            starts = [keys[start] for start in layer.sources(name)]
            first = self._merge(_join(path, f"{name} gets"), layer.way(name), part_shape, starts)
            keys[name] = self.visit(_join(path, name), part, part_shape, first, level + 1)
        nodes, whole = dict(layer.nodes), layer.output_shape(shape)
        made = {}
        for name in layer.outputs or (OUTPUT,):
            ends = [keys[name]] if name in nodes else [keys[start] for start in layer.sources(name)]
            own = whole[name] if layer.outputs else whole
            made[name] = self._merge(_join(path, name) if layer.outputs else path, layer.way(name), own, ends)
        return made if layer.outputs else made[OUTPUT]

    def _graph(self, path: str, layer: OnnxGraph, shape: Shape, source: str, level: int) -> str:
        outputs, shapes = {INPUT: source}, layer.shapes(shape)
        for name, part, sources in layer.nodes:
            if is_part(part):
                outputs[name] = self.visit(
                    _join(path, name), part, shapes[sources[0]][1:], outputs[sources[0]], level + 1
                )
            else:
                sign = _SIGNS.get(getattr(part, "operator", ""), getattr(part, "operator", ""))
                joined = Part(_join(path, name), "merge", sign, shapes[name][1:])
                outputs[name] = self.add(_join(path, name), joined, [outputs[each] for each in sources])
        return outputs[layer.output]

    def _unrolled(self, path: str, layer: Layer, shape: Shape, source: str) -> str:
        """A box for each time step, which hands its state to the next."""
        time, features = shape
        units = layer.output_shape(shape)[-1:]
        drawn_steps = list(range(time)) if time <= _STEPS else [0, 1, 2, None, time - 1]
        kind, before = type(layer).__name__, ""
        states = []
        for step in drawn_steps:
            if step is None:
                left_out = Part(path, "more", words.MORE_STEPS.say(n=time - 4), units)
                before = self.add(f"{path}:more", left_out, [before])
                continue
            at = f"{path}:{step + 1}"
            slice_key = self.add(f"{at}:x", Part(path, "slice", f"x{_low(step + 1)}", (features,)), [source])
            cell = Part(path, "step", f"{kind} h{_low(step + 1)}", units, 0, layer)
            before = self.add(at, cell, [item for item in (before, slice_key) if item])
            states.append(before)
        if not getattr(layer, "return_sequences", False):
            return before
        return self._merge(path, "stack", layer.output_shape(shape), states)


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _low(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
