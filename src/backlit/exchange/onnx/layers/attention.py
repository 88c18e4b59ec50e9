"""Attention of several heads, positions, and the norm that goes with them."""

from __future__ import annotations

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, INT, TRUE, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.positions import PositionalEncoding, angles, sinusoids
from backlit.nn.layers.transformer import ScaledDotProductAttention

HIDDEN = -0.5 * float(np.finfo(FLOAT).max)  # a score that nobody has: see `ScaledDotProductAttention`


@writes(ScaledDotProductAttention)
def attention(site: Site, layer: ScaledDotProductAttention, x: Value) -> Value:
    """Queries, keys and values by head, and what each step takes from all."""
    graph, (rows, time, width) = site.graph, x.shape
    heads, features = layer.heads, int(width) // 3
    size = features // heads
    split = graph.reshape(x, (0, 0, 3, heads, size), (rows, time, 3, heads, size))
    turned = site.node("Transpose", split, shape=(3, rows, heads, time, size), perm=[2, 0, 3, 1, 4])
    query, key, value = (
        site.node("Gather", turned, graph.constant(np.array(i, np.int64), "part"), shape=turned.shape[1:], axis=0)
        for i in range(3)
    )
    if layer.rotary:
        tables = _turns(site, x, size)
        query, key = _turned(site, query, tables), _turned(site, key, tables)
    opposite = site.node("Transpose", key, shape=(rows, heads, size, time), perm=[0, 1, 3, 2])
    scores = site.node("MatMul", query, opposite, shape=(rows, heads, time, time))
    scores = site.node("Mul", scores, site.number(size**-0.5))
    allowed = _allowed(site, layer, x)
    if allowed is not None:
        scores = site.node("Where", allowed, scores, site.number(HIDDEN), shape=scores.shape, dtype=FLOAT)
    taken = site.node("MatMul", site.node("Softmax", scores, axis=-1), value, shape=(rows, heads, time, size))
    together = site.node("Transpose", taken, shape=(rows, time, heads, size), perm=[0, 2, 1, 3])
    return site.node("Reshape", together, graph.axes(0, 0, features), shape=(rows, time, features))


def _allowed(site: Site, layer: ScaledDotProductAttention, x: Value) -> Value | None:
    """Where queries may look, for scores (rows, heads, queries, keys); None: everywhere."""
    graph, (rows, time, _) = site.graph, x.shape
    below = None
    if layer.causal and isinstance(time, int):
        below = graph.constant(np.tri(time).astype(bool)[None, None], "causal")
    elif layer.causal:
        ones = graph.cast(_square(site, x), FLOAT)
        below = graph.cast(site.node("Trilu", ones, upper=0), TRUE)
        below = site.node("Unsqueeze", below, graph.axes(0, 1), shape=(1, 1, time, time))
    if site.mask is None:
        return below
    keys = site.node("Unsqueeze", site.mask, graph.axes(1, 2), shape=(rows, 1, 1, time))
    return keys if below is None else site.node("And", keys, below, shape=(rows, 1, time, time))


def _square(site: Site, x: Value) -> Value:
    """Ones, (time, time)."""
    steps, time = site.graph.size(x, 1, 2), x.shape[1]
    sizes = site.node("Concat", steps, steps, shape=(2,), axis=0)
    return site.node("Expand", site.number(1.0), sizes, shape=(time, time))


def _steps(site: Site, x: Value) -> Value:
    """The number of each step: (time,), or (rows, time), where only what isn't padding counts."""
    graph, time = site.graph, x.shape[1]
    one = graph.constant(np.array(1, np.int64))
    if site.mask is not None:
        counted = site.node("CumSum", graph.cast(site.mask, INT), graph.constant(np.array(1, np.int64), "axis"))
        return site.node("Max", site.node("Sub", counted, one), graph.constant(np.array(0, np.int64)))
    last = site.node("Squeeze", graph.size(x, 1, 2), graph.axes(0), shape=())
    return site.node("Range", graph.constant(np.array(0, np.int64)), last, one, shape=(time,))


def _table(site: Site, x: Value, name: str, table: np.ndarray) -> Value:
    """Rows of a table for the steps: (time, n), or (rows, time, n)."""
    weight = site.weight(name, table.astype(FLOAT))
    if site.mask is None and isinstance(x.shape[1], int):
        return weight
    steps = _steps(site, x)
    return site.node("Gather", weight, steps, shape=(*steps.shape, table.shape[1]), axis=0)


def _turns(site: Site, x: Value, size: int) -> list[Value]:
    """Cosines and sines of each step's angles, to be broadcast to (rows, heads, time, size / 2)."""
    base = 10000.0
    if isinstance(x.shape[1], int):
        turned = angles(x.shape[1], size // 2, base)
        tables = [_table(site, x, name, f(turned)) for name, f in (("cosine", np.cos), ("sine", np.sin))]
    else:
        rates = angles(2, size // 2, base)[1]
        turned_value = _by_rate(site, x, rates)
        tables = [site.node(op, turned_value) for op in ("Cos", "Sin")]
    if site.mask is None:
        return tables
    return [site.node("Unsqueeze", t, site.graph.axes(1), shape=(t.shape[0], 1, *t.shape[1:])) for t in tables]


def _by_rate(site: Site, x: Value, rates: np.ndarray) -> Value:
    """The number of each step times rates: (time, n), or (rows, time, n)."""
    steps = site.graph.cast(_steps(site, x), FLOAT)
    column = site.node("Unsqueeze", steps, site.graph.axes(-1), shape=(*steps.shape, 1))
    return site.node("Mul", column, site.weight("rates", rates.astype(FLOAT)), shape=(*steps.shape, len(rates)))


def _turned(site: Site, x: Value, tables: list[Value]) -> Value:
    """Pairs i and i + size/2 turned by their angles."""
    (cos, sin), size = tables, int(x.shape[-1])
    half = (*x.shape[:-1], size // 2)
    first, second = site.node("Split", x, shapes=[half, half], axis=-1, num_outputs=2)
    left = site.node("Sub", site.node("Mul", first, cos), site.node("Mul", second, sin))
    right = site.node("Add", site.node("Mul", first, sin), site.node("Mul", second, cos))
    return site.node("Concat", left, right, shape=x.shape, axis=-1)


@writes(PositionalEncoding)
def positional_encoding(site: Site, layer: PositionalEncoding, x: Value) -> Value:
    """A row of a table for each step is added; sinusoids of sequences of any length are worked out."""
    x, time = site.graph.last(x), x.shape[1]
    if layer.kind == "learned":
        table = np.asarray(site.params["weight"])
        if not isinstance(time, int):
            x.sizes  # noqa: B018 - a table has an end
        return site.node("Add", x, _table(site, x, "weight", table[:time]))
    if isinstance(time, int):
        return site.node("Add", x, _table(site, x, "sinusoids", sinusoids(time, x.sizes[1], layer.base)))
    return site.node("Add", x, _sinusoids(site, x, layer.base))


def _sinusoids(site: Site, x: Value, base: float) -> Value:
    """Sines at even places and cosines at odd ones, by position."""
    size = int(x.shape[2])
    rates = 1 / base ** (2 * (np.arange(size) // 2) / size)
    turned = _by_rate(site, x, rates)
    even = site.weight("even", np.arange(size) % 2 == 0)
    sine, cosine = (site.node(op, turned) for op in ("Sin", "Cos"))
    return site.node("Where", even, sine, cosine, shape=turned.shape, dtype=FLOAT)
