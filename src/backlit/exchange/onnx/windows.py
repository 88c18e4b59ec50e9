"""Windows of a time series inside the graph: the past in its own unit goes in, and so does what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.data.series import SeriesPreparation
from backlit.data.series.preparation import BOUNDS, FLAT
from backlit.exchange.onnx.columns import Port, encoded
from backlit.exchange.onnx.graph import BATCH, DOUBLE, FLOAT, TEXT, TRUE, Graph, Value
from backlit.languages import Template

CUT = Template(
    "the last {window} steps of each series are cut out of its calendar before (`feed` does it)",
    "먼저 시계열마다 달력에 맞춰 마지막 {window}단계를 잘라 내야 함(`feed` 사용)",
)
OTHERS = Template(
    'other columns and the calendar\'s cycles are prepared before, as "features" (`feed` does it)',
    '다른 열과 달력 주기는 먼저 "features"로 준비해야 함(`feed` 사용)',
)
PAST, SERIES, FEATURES = "past", "series", "features"


def window_inputs(graph: Graph, preparation: SeriesPreparation) -> tuple[Value, list[Port], list[Any]]:
    """The network's inputs of "past" (rows, window), beside "series" (rows, 1) and "features" (rows, window, n)."""
    window, count = preparation.window, len(preparation.names) - 1
    past = graph.input(PAST, (BATCH, window), DOUBLE)
    ports, outside = [Port.of(past, kind="number")], [CUT.say(window=window)]
    name = None
    if preparation.series is not None:
        name = graph.input(SERIES, (BATCH, 1), TEXT)
        ports.append(Port.of(name, kind="category", levels=tuple(preparation.scales)))
    others = None
    if count:
        others = graph.input(FEATURES, (BATCH, window, count), FLOAT)
        ports.append(Port.of(others))
        outside.append(OTHERS.say())
    apart = _apart(graph, preparation, past)
    scaled = graph.cast(graph.node("Div", apart, _scale(graph, preparation, past, apart, name)), FLOAT)
    inputs = graph.node("Unsqueeze", scaled, graph.axes(2), shape=(BATCH, window, 1))
    if others is not None:
        inputs = graph.node("Concat", inputs, others, shape=(BATCH, window, 1 + count), axis=2)
    return inputs, ports, outside


def forecast(graph: Graph, preparation: SeriesPreparation, z: Value, inputs: Value) -> Value:
    """What the network says, (rows, horizon), in the target's unit: see `SeriesPreparation.absolute`."""
    given = {value.name: value for value in graph.inputs}
    past = given[PAST]
    scale = _scale(graph, preparation, past, _apart(graph, preparation, past), given.get(SERIES))
    z = graph.cast(z, DOUBLE)
    if preparation.weight is not None:
        z = graph.node("Add", z, _line(graph, preparation, inputs))
    values = graph.node("Mul", z, scale)
    values = graph.node("Add", values, _last(graph, _seen(graph, preparation, past)))
    if preparation.floor is None:
        return values
    low, high = (graph.number(bound, values) for bound in BOUNDS)
    return graph.node("Exp", graph.node("Clip", values, low, high))


def _seen(graph: Graph, preparation: SeriesPreparation, past: Value) -> Value:
    """Values as they are learned: themselves, or their logarithms."""
    if preparation.floor is None:
        return past
    return graph.node("Log", graph.node("Max", past, graph.number(preparation.floor, past)))


def _last(graph: Graph, past: Value) -> Value:
    return graph.node("Slice", past, *map(graph.axes, (-1, np.iinfo(np.int64).max, 1)), shape=(BATCH, 1))


def _apart(graph: Graph, preparation: SeriesPreparation, past: Value) -> Value:
    """The past less its last value."""
    seen = _seen(graph, preparation, past)
    return graph.node("Sub", seen, _last(graph, seen))


def _scale(graph: Graph, preparation: SeriesPreparation, past: Value, apart: Value, name: Value | None) -> Value:
    """Each row's scale, (rows, 1): by its series, or by the window of a series that training didn't have."""
    if name is None:
        return graph.constant(np.array([[next(iter(preparation.scales.values()))]]), "scale")
    scales = list(preparation.scales.values())  # as whole numbers first: an encoder's own numbers are float32
    place = encoded(graph, name, {series: i for i, series in enumerate(preparation.scales)}, len(scales))
    table = graph.constant(np.array([*scales, np.nan]), "scales")
    known = graph.node("Gather", table, graph.cast(place, "int64"), shape=(BATCH, 1), axis=0)
    new = graph.node("IsNaN", known, dtype=TRUE)
    return graph.node("Where", new, _spread(graph, preparation, past, apart), known, shape=(BATCH, 1), dtype=DOUBLE)


def _spread(graph: Graph, preparation: SeriesPreparation, past: Value, apart: Value) -> Value:
    """See `backlit.data.series.preparation._spread`."""
    one, shape = graph.axes(1), (BATCH, 1)
    size = graph.node("Abs", _seen(graph, preparation, past))
    squares = graph.node("ReduceMean", graph.node("Mul", apart, apart), one, shape=shape)
    spread = graph.node("Sqrt", squares)
    level = graph.node("ReduceMean", size, one, shape=shape)
    level = graph.node("Mul", level, graph.number(FLAT, level))
    least = graph.node("Mul", graph.node("ReduceMax", size, one, shape=shape), graph.number(1e-12, level))
    flat = graph.node("LessOrEqual", spread, least, dtype=TRUE)
    some = graph.node("Greater", level, graph.number(0.0, level), dtype=TRUE)
    instead = graph.node("Where", some, level, graph.number(1.0, level), shape=shape, dtype=DOUBLE)
    return graph.node("Where", flat, instead, spread, shape=shape, dtype=DOUBLE)


def _line(graph: Graph, preparation: SeriesPreparation, inputs: Value) -> Value:
    """The linear forecast, (rows, horizon)."""
    window, count = preparation.window, len(preparation.names) - 1
    x = graph.cast(inputs, DOUBLE)
    first = graph.node("Slice", x, *map(graph.axes, (0, 1, 2)), shape=(BATCH, window, 1))
    seen = graph.node("Squeeze", first, graph.axes(2), shape=(BATCH, window))
    if count:
        ends = graph.axes(-1, 1), graph.axes(np.iinfo(np.int64).max, 1 + count), graph.axes(1, 2)
        last = graph.node("Slice", x, *ends, shape=(BATCH, 1, count))
        last = graph.node("Squeeze", last, graph.axes(1), shape=(BATCH, count))
        seen = graph.node("Concat", seen, last, shape=(BATCH, window + count), axis=1)
    weight = graph.constant(np.asarray(preparation.weight, DOUBLE), "linear/weight")
    product = graph.node("MatMul", seen, weight, shape=(BATCH, preparation.horizon))
    return graph.node("Add", product, graph.constant(np.asarray(preparation.bias, DOUBLE), "linear/bias"))


def window_rows(preparation: SeriesPreparation, ports: Sequence[Port], raw: Any) -> dict[str, np.ndarray]:
    """Windows, or the last of each series in a table, as the file takes them."""
    windows = preparation.windows(raw)
    given = {PAST: windows.past.astype(DOUBLE)}
    names = [port.name for port in ports]
    if SERIES in names:
        given[SERIES] = np.array([windows.grid.names[code] for code in windows.series], dtype=object)[:, None]
    if FEATURES in names:
        given[FEATURES] = preparation.apply(windows)[:, :, 1:]
    return given
