"""Nodes that came from ONNX files go back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.onnx.graph import FLOAT, INT, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.exchange.onnx.own_layers import ROWS, agreed, named
from backlit.graph import tree
from backlit.nn.context import Context
from backlit.nn.layers.onnx import INPUT, OnnxGraph, OnnxNode

AS_INPUTS = ("axes", "split")  # attributes that became a second input, in opset 13 or 18
SOFTMAXES, ALONG_AN_AXIS = ("Softmax", "LogSoftmax", "Hardmax"), 13  # before this opset over all axes from one on
NARROWED = (10, 11, 16)  # ONNX's numbers of float16, float64 and bfloat16, which are float32 here


@writes(OnnxNode)
def onnx_node(site: Site, layer: OnnxNode, x: Value) -> Value:
    """A node by itself."""
    x = site.graph.last(x)
    made = [layer(_narrow(site.params), array, _context(site)) for array in _examples(x)]
    return _node(site, layer, [x], x, made)


@writes(OnnxGraph)
def onnx_graph(site: Site, layer: OnnxGraph, x: Value) -> Value:
    """Node by node; other layers by their own mappings."""
    x = site.graph.last(x)
    made: dict[str, Value] = {INPUT: x}
    examples: dict[str, list[Any]] = {INPUT: _examples(x)}
    params, context = _narrow(site.params), _context(site)
    for name, part, sources in layer.nodes:
        given = [[examples[source][i] for source in sources] for i in range(len(ROWS))]
        if isinstance(part, OnnxNode):
            own, inner = params.get(name, {}), context.child(name)
            examples[name] = [part.compute(own, arrays, inner, rows) for arrays, rows in zip(given, ROWS, strict=True)]
            inputs = [site.graph.last(made[source]) for source in sources]
            made[name] = _node(site.child(name), part, inputs, x, examples[name])
        else:
            examples[name] = [context.run(name, part, params, arrays[0]) for arrays in given]
            made[name] = site.run(name, part, made[sources[0]])
    return made[layer.output]


def _narrow(params: Any) -> Any:
    return tree.map(lambda leaf: np.asarray(leaf, FLOAT) if np.asarray(leaf).dtype.kind == "f" else leaf, params)


def _context(site: Site) -> Context:
    states = {path: np.asarray(value, FLOAT) for path, value in site.states.items()}
    return Context(path=site.path, states=states)


def _examples(x: Value) -> list[np.ndarray]:
    """Inputs of two batches, which tell shapes and types."""
    return [np.ones((rows, *x.sizes), x.dtype) for rows in ROWS]


def _node(site: Site, layer: OnnxNode, inputs: Sequence[Value], x: Value, made: Sequence[Any]) -> Value:
    """The node with its operands, if the file's opset has the same form of it."""
    one, other = (np.asarray(value) for value in made)
    shape = named(agreed("the shape of its output", one.shape, other.shape))
    dtype = FLOAT if one.dtype.kind == "f" else str(one.dtype)
    attributes = dict(layer.attributes)
    if layer.operator == "Cast" and attributes.get("to") in NARROWED:
        attributes["to"] = 1
    arrays = iter(inputs)
    operands = [_operand(site, operand, arrays, x) for operand in layer.operands]
    schema = site.graph.onnx.defs.get_schema(layer.operator, site.graph.opset)
    for name in AS_INPUTS:
        if name in attributes and name not in schema.attributes:
            operands = [*operands[:1], site.graph.axes(*attributes.pop(name))]
    flat = layer.operator in SOFTMAXES and layer.version < ALONG_AN_AXIS
    old = flat and attributes.get("axis", 1) % one.ndim != one.ndim - 1
    strange = sorted(set(attributes) - set(schema.attributes))
    if old or strange or not schema.min_input <= len(operands) <= schema.max_input:
        raise InputError(
            f"{layer.operator} of opset {layer.version} has another form in opset {site.graph.opset}"
            + (f" (attributes {', '.join(strange)})" if strange else "")
        )
    shapes = [shape] * layer.outputs
    return site.node(layer.operator, *operands, shapes=shapes, dtype=dtype, **attributes)[layer.output]


def _operand(site: Site, operand: Any, arrays: Any, x: Value) -> Value | None:
    """See `OnnxNode`."""
    kind, *rest = operand
    if kind == "input":
        return next(arrays)
    if kind == "none":
        return None
    if kind == "weight":
        return site.weight(rest[0])
    if kind == "state":
        return site.weight(rest[0], site.state(rest[0]))
    if kind == "sizes":
        return _sizes(site, rest[0], x)
    dtype = FLOAT if rest[0].startswith("float") else rest[0]
    if kind == "constant":
        return site.graph.constant(np.array(rest[2], dtype).reshape(rest[1]))
    shape = tuple("filled" if k else a for a, k in rest[1])
    return site.node("Expand", site.graph.constant(np.array(rest[2], dtype)), _sizes(site, rest[1], x), shape=shape)


def _sizes(site: Site, pairs: Sequence[tuple[int, int]], x: Value) -> Value:
    """Whole numbers a + k · rows."""
    fixed = site.graph.axes(*[a for a, _ in pairs])
    if not any(k for _, k in pairs):
        return fixed
    grown = site.node("Mul", site.graph.size(x, 0, 1), site.graph.axes(*[k for _, k in pairs]), shape=(len(pairs),))
    return site.node("Add", grown, fixed, dtype=INT)
