"""Layers made of layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, Value
from backlit.exchange.onnx.mapping import Flow, Site, writes
from backlit.nn.layer import Layer
from backlit.nn.layers.containers import Parallel, Residual, Sequential, Ways, way_for
from backlit.nn.layers.transformer import MultiHeadAttention, TransformerBlock
from backlit.nn.layers.wired import EDGES, INPUT, OUTPUT, WEIGHTED, Wired


@writes(Sequential, MultiHeadAttention, TransformerBlock)
def sequential(site: Site, layer: Layer, x: Flow) -> Flow:
    """One after another."""
    for name, part in layer.parts():
        x = site.run(name, part, x)
    return x


@writes(Residual)
def residual(site: Site, layer: Residual, x: Value) -> Value:
    """Two ways that are added."""
    around = x
    if "projection" in site.params:  # only shapes tell whether there is one: see `Residual.open`
        projection = {name: part for name, part, _ in layer.open(_fixed(x))}["projection"]
        around = site.run("projection", projection, x)
    return merge(site, "sum", [site.run("body", layer.body, x), around])


def _fixed(x: Value) -> tuple[int, ...]:
    """Sizes of an example; a time axis of any length stands for some length that all layers take."""
    return tuple(size if isinstance(size, int) else 1 << 10 for size in x.shape[1:])


@writes(Parallel)
def parallel(site: Site, layer: Parallel, x: Flow) -> Flow:
    """Side by side; so also the members of an ensemble."""
    return merge(site, layer.combine, [site.run(name, part, x) for name, part in layer.parts()])


@writes(Wired)
def wired(site: Site, layer: Wired, x: Flow) -> Flow:
    """Node by node, from each input to each output."""
    made: dict[str, Flow] = dict(x) if isinstance(x, dict) else {INPUT: x}

    def arriving(name: str) -> Flow:
        inputs: list[Any] = [made[start] for start in layer.sources(name)]
        if layer.way(name) != WEIGHTED:
            return merge(site, layer.way(name), inputs)
        if len(inputs) > 1:
            scale = np.asarray(site.params[EDGES][name]["scale"], np.float64)
            shares = (1 / (1 + np.exp(-scale))).astype(FLOAT)
            weights = [site.weight(f"{EDGES}/{name}/{i}", share) for i, share in enumerate(shares)]
            inputs = [site.node("Mul", value, weight) for value, weight in zip(inputs, weights, strict=True)]
        return merge(site, "sum", inputs)

    for name, part in layer.nodes:
        made[name] = site.run(name, part, arriving(name))
    outputs = {name: made[name] if name in dict(layer.nodes) else arriving(name) for name in layer.outputs or (OUTPUT,)}
    return outputs if layer.outputs else outputs[OUTPUT]


def merge(site: Site, ways: Ways, values: Sequence[Any]) -> Any:
    """Values put together, of several outputs each by itself: see `backlit.nn.layers.containers.merge`."""
    if len(values) == 1:
        return values[0]
    if isinstance(values[0], dict):
        return {
            name: merge(site, way_for(ways, name, "concatenate"), [value[name] for value in values])
            for name in values[0]
        }
    way = way_for(ways, "", "concatenate")
    alike = all(value.first for value in values) and way in ("sum", "mean")
    values = list(values) if alike else [site.graph.last(value) for value in values]
    if way == "concatenate":
        width = sum(int(value.shape[-1]) for value in values)
        return site.node("Concat", *values, shape=(*values[0].shape[:-1], width), axis=-1)
    if way == "mean_softmax":
        logs = [site.node("LogSoftmax", value, axis=-1) for value in values]
        return site.node("Sub", _log_sum_exp(site, logs), site.number(math.log(len(values))))
    if way == "mean_sigmoid":  # log σ(z) = -softplus(-z), and log(1 - σ(z)) = -softplus(z)
        no = [site.node("Neg", site.node("Softplus", value)) for value in values]
        yes = [site.node("Neg", site.node("Softplus", site.node("Neg", value))) for value in values]
        return site.node("Sub", _log_sum_exp(site, yes), _log_sum_exp(site, no))
    if len(values) == 2 and way == "sum":
        return site.node("Add", *values)
    return site.node({"sum": "Sum", "mean": "Mean"}[way], *values)


def _log_sum_exp(site: Site, values: Sequence[Value]) -> Value:
    """``ln Σ eˣ`` over values of one shape."""
    shape = values[0].shape
    stacked = [site.node("Unsqueeze", value, site.graph.axes(0), shape=(1, *shape)) for value in values]
    joined = site.node("Concat", *stacked, shape=(len(values), *shape), axis=0)
    return site.node("ReduceLogSumExp", joined, site.graph.axes(0), shape=shape, keepdims=0)
