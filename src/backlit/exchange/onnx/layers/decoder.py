"""Networks that write: a loop that feeds each token back."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, INT, TRUE, Value
from backlit.exchange.onnx.layers.recurrent import run
from backlit.exchange.onnx.layers.sequence import time_mask
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.decoder import Decoder, EncoderDecoder


@writes(EncoderDecoder)
def encoder_decoder(site: Site, layer: EncoderDecoder, x: Value) -> Value:
    """The encoder, and the decoder that sees which of its steps are padding."""
    if layer.padding is not None:
        site = site.masked(time_mask(site, site.graph.last(x), layer.padding))
    return site.run("decoder", layer.decoder, site.run("encoder", layer.encoder, x))


@writes(Decoder)
def decoder(site: Site, layer: Decoder, x: Value) -> Value:
    """A Loop, which ends when all rows have written their end; what would follow is zeros."""
    graph = site.graph
    x = graph.last(x)
    rows = x.shape[0]
    memory = _memory(site, layer, x)
    summary = x if len(x.shape) == 2 else _mean(site, x)
    cells = layer._cells()
    names = [(i, state) for i, cell in enumerate(cells) for state in cell.states]
    states = []
    for i, state in names:
        start = site.node("Tanh", _dense(site, f"start{i}_{state}", summary, (rows, layer.units)))
        states.append(site.node("Unsqueeze", start, graph.axes(0), shape=(1, rows, layer.units)))
    sizes = site.node("Concat", graph.size(x, 0, 1), graph.axes(1), shape=(2,), axis=0)
    token = site.node("Expand", graph.constant(np.array([[layer.start]]), "start"), sizes, shape=(rows, 1))
    most = graph.constant(np.array(layer.steps, np.int64), "steps")
    begin = graph.constant(np.array(True), "true")
    ended = site.node("Expand", graph.constant(np.array([[False]]), "false"), sizes, shape=(rows, 1))
    body = _step(site, layer, memory, names, rows)
    made = site.node(
        "Loop", most, begin, token, ended, *states,
        shapes=[token.shape, ended.shape, *[state.shape for state in states], (layer.steps, rows, layer.tokens)],
        dtype=FLOAT, body=body,
    )  # fmt: skip
    logits = site.node("Transpose", made[-1], shape=(rows, layer.steps, layer.tokens), perm=[1, 0, 2])
    short = site.node("Sub", graph.axes(layer.steps), graph.size(made[-1], 0, 1))
    before, after = graph.axes(0, 0, 0, 0), graph.axes(0)
    pads = site.node("Concat", before, short, after, shape=(6,), axis=0)
    return site.node("Pad", logits, pads, site.number(0.0))


def _step(site: Site, layer: Decoder, memory: dict[str, Value], names: list[tuple[int, str]], rows: Any) -> Any:
    """One token: whether to go on, the token, who has ended, the states, and the logits."""
    graph = site.graph.inner(site.path)
    inner = Site(graph, site.params, site.states, site.path)
    graph.input("step", (), INT)
    graph.input("goes_on", (), TRUE)
    token, ended = graph.input("token_before", (rows, 1), INT), graph.input("ended_before", (rows, 1), TRUE)
    before = {key: graph.input(f"state{key[0]}_{key[1]}", (1, rows, layer.units)) for key in names}
    y = inner.node("Gather", inner.weight("embedding/weight"), token, shape=(rows, 1, layer.embedding), axis=0)
    after: list[Value] = []
    for i, cell in enumerate(layer._cells()):
        part = inner.child(f"cell{i}")
        made = run(part, [(part, cell)], y, {state: before[i, state] for state in cell.states})
        y = made.output(0)
        after += [made.last[state] for state in cell.states]
    if layer.attention:
        taken = _look(inner, layer, memory, y)
        width = int(taken.shape[2]) + layer.units
        both = inner.node("Concat", taken, y, shape=(rows, 1, width), axis=-1)
        y = inner.node("Tanh", _dense(inner, "combined", both, (rows, 1, layer.units)))
    logits = _dense(inner, "output", y, (rows, 1, layer.tokens))
    chosen = inner.node("ArgMax", logits, shape=(rows, 1), dtype=INT, axis=-1, keepdims=0)
    is_end = inner.node("Equal", chosen, graph.constant(np.array(layer.end, np.int64), "end"), dtype=TRUE)
    done = inner.node("Or", ended, is_end)
    all_done = inner.node("ReduceMin", graph.cast(done, FLOAT), shape=(), keepdims=0)
    goes_on = inner.node("Not", graph.cast(all_done, TRUE))
    graph.rename(goes_on, "on")
    graph.rename(chosen, "token")
    graph.rename(done, "ended")
    for key, value in zip(names, after, strict=True):
        graph.rename(value, f"after{key[0]}_{key[1]}")
    graph.rename(inner.node("Squeeze", logits, graph.axes(1), shape=(rows, layer.tokens)), "logits")
    return graph.to_proto("step")


def _memory(site: Site, layer: Decoder, x: Value) -> dict[str, Value]:
    """What attention looks at, worked out before the loop."""
    if not layer.attention:
        return {}
    name = "attention" if layer.attention == "dot" else "attention/key"
    weight = site.params["attention"] if layer.attention == "dot" else site.params["attention"]["key"]
    product = site.weight(f"{name}/weight", weight["weight"].T)
    return {"keys": site.node("MatMul", x, product, shape=(*x.shape[:2], layer.units)), "values": x} | (
        {} if site.mask is None else {"mask": site.mask}
    )


def _look(site: Site, layer: Decoder, memory: dict[str, Value], query: Value) -> Value:
    """What one query (rows, 1, units) takes from the input: (rows, 1, features)."""
    keys, values, graph = memory["keys"], memory["values"], site.graph
    rows, time = keys.shape[:2]
    if layer.attention == "dot":
        turned = site.node("Transpose", keys, shape=(rows, layer.units, time), perm=[0, 2, 1])
        scores = site.node("MatMul", query, turned, shape=(rows, 1, time))
        scores = site.node("Mul", scores, site.number(layer.units**-0.5))
    else:
        params = site.params["attention"]
        asked = site.node("MatMul", query, site.weight("attention/query/weight", params["query"]["weight"].T))
        hidden = site.node("Tanh", site.node("Add", keys, asked))  # one query: it is added to each key
        scored = site.node(
            "MatMul", hidden, site.weight("attention/score/weight", params["score"]["weight"].T), shape=(rows, time, 1)
        )
        scores = site.node("Transpose", scored, shape=(rows, 1, time), perm=[0, 2, 1])
    if "mask" in memory:
        real = site.node("Unsqueeze", memory["mask"], graph.axes(1), shape=(rows, 1, time))
        scores = site.node("Where", real, scores, site.number(-np.inf), shape=scores.shape, dtype=FLOAT)
    shares = site.node("Softmax", scores, axis=-1)
    return site.node("MatMul", shares, values, shape=(rows, 1, values.shape[2]))


def _mean(site: Site, x: Value) -> Value:
    """The mean over the steps that aren't padding: (rows, features)."""
    graph, shape = site.graph, (x.shape[0], x.shape[2])
    if site.mask is None:
        return site.node("ReduceMean", x, graph.axes(1), shape=shape, keepdims=0)
    total = site.node("ReduceSum", x, graph.axes(1), shape=shape, keepdims=0)
    count = site.node("ReduceSum", graph.cast(site.mask, FLOAT), graph.axes(1), shape=(x.shape[0], 1))
    return site.node("Div", total, site.node("Max", count, site.number(1.0)))


def _dense(site: Site, name: str, x: Value, shape: Any) -> Value:
    """``x Wᵀ + b`` with parameters of this name."""
    product = site.node("MatMul", x, site.weight(f"{name}/weight", site.params[name]["weight"].T), shape=shape)
    return site.node("Add", product, site.weight(f"{name}/bias"))
