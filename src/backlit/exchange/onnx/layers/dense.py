"""Fully connected layers and tables of vectors."""

from __future__ import annotations

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, INT, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.dropout import DropConnect
from backlit.nn.layers.embedding import EmbedColumns, Embedding, OneHot
from backlit.nn.layers.linear import Linear


@writes(Linear, DropConnect)
def linear(site: Site, layer: Linear, x: Value) -> Value:
    """Gemm for rows; for more axes, which it doesn't take, MatMul and Add."""
    x = site.graph.last(x)
    shape = (*x.shape[:-1], layer.units)
    bias = site.weight("bias") if layer.bias else None
    if len(x.shape) == 2:
        return site.node("Gemm", x, site.weight("weight"), bias, shape=shape, transB=1)
    y = site.node("MatMul", x, site.weight("weight", site.params["weight"].T), shape=shape)
    return y if bias is None else site.node("Add", y, bias)


@writes(Embedding)
def embedding(site: Site, layer: Embedding, x: Value) -> Value:
    """Rows of the table."""
    return site.node("Gather", site.weight("weight"), x, shape=(*x.shape, layer.size), axis=0)


@writes(OneHot)
def one_hot(site: Site, layer: OneHot, x: Value) -> Value:
    """Ones among zeros."""
    depth, values = site.graph.axes(layer.count), site.graph.constant(np.array([0, 1], FLOAT), "zero_and_one")
    return site.node("OneHot", x, depth, values, shape=(*x.shape, layer.count), dtype=FLOAT, axis=-1)


@writes(EmbedColumns)
def embed_columns(site: Site, layer: EmbedColumns, x: Value) -> Value:
    """The last columns as codes, each with a table of its own."""
    graph, rows = site.graph, x.shape[0]
    first = x.sizes[0] - len(layer.counts)
    parts = []
    if first:
        parts.append(site.node("Slice", x, *map(graph.axes, (0, first, 1)), shape=(rows, first)))
    for i, width in enumerate(layer.widths):
        place = graph.constant(np.array(first + i, np.int64), "column")
        code = graph.cast(site.node("Gather", x, place, shape=(rows,), axis=1), INT)
        parts.append(site.node("Gather", site.weight(str(i)), code, shape=(rows, width), axis=0))
    width = first + sum(layer.widths)
    return parts[0] if len(parts) == 1 else site.node("Concat", *parts, shape=(rows, width), axis=-1)
