"""Dates inside the graph: the calendar by whole-number arithmetic."""

from __future__ import annotations

import numpy as np

from backlit.data.table.moment import CYCLES, Moment
from backlit.exchange.onnx.graph import BATCH, DOUBLE, FLOAT, INT, TRUE, Graph, Value

MISSING = np.iinfo(np.int64).min  # as NumPy and Arrow have it
HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR


def moment_inputs(graph: Graph, column: Moment, x: Value) -> Value:
    """What `Moment.apply` makes of microseconds since 1970, (rows, 1) int64."""
    gap = graph.node("Equal", x, graph.constant(np.array(MISSING)), dtype=TRUE)
    x = graph.node("Where", gap, graph.constant(np.array(0, np.int64)), x, shape=x.shape, dtype=INT)
    values = _parts(graph, x, set(column.parts))
    made: list[Value] = []
    for part, center, scale in zip(column.parts, column.center, column.scale, strict=True):
        value = graph.cast(values[part], DOUBLE)
        if part in CYCLES:
            angle = graph.cast(graph.node("Mul", value, graph.number(2 * np.pi / CYCLES[part], value)), FLOAT)
            made += [graph.node("Sin", angle), graph.node("Cos", angle)]
        else:
            centred = graph.node("Sub", value, graph.number(center, value))
            made.append(graph.cast(graph.node("Div", centred, graph.number(scale, value)), FLOAT))
    count = len(made)
    joined = made[0] if count == 1 else graph.node("Concat", *made, shape=(BATCH, count), axis=1)
    joined = graph.node("Where", gap, graph.number(0.0, joined), joined, shape=(BATCH, count), dtype=FLOAT)
    if not column.missing:
        return joined
    return graph.node("Concat", joined, graph.cast(gap, FLOAT), shape=(BATCH, count + 1), axis=1)


def _parts(graph: Graph, x: Value, wanted: set[str]) -> dict[str, Value]:
    """Year, month, day of the week (Monday is 1), hour, and days since 1970."""
    days = floored(graph, x, DAY)
    parts: dict[str, Value] = {}
    if "elapsed" in wanted:
        real = graph.cast(x, DOUBLE)
        parts["elapsed"] = graph.node("Div", real, graph.number(float(DAY), real))
    if "hour" in wanted:
        parts["hour"] = floored(graph, _modulo(graph, x, DAY), HOUR)
    if "weekday" in wanted:  # the first of January 1970 was a Thursday
        parts["weekday"] = _plus(graph, _modulo(graph, _plus(graph, days, 3), 7), 1)
    if wanted & {"month", "year"}:
        parts["year"], parts["month"] = _civil(graph, days)
    return parts


def _civil(graph: Graph, days: Value) -> tuple[Value, Value]:
    """Year and month of days since 1970, by years that begin in March and eras of 400 of them.

    H. Hinnant, "chrono-compatible low-level date algorithms", 2013.
    """
    days = _plus(graph, days, 719_468)
    era, of_era = floored(graph, days, 146_097), _modulo(graph, days, 146_097)
    leap = graph.node("Sub", of_era, floored(graph, of_era, 1_460))
    leap = graph.node("Add", leap, floored(graph, of_era, 36_524))
    year = floored(graph, graph.node("Sub", leap, floored(graph, of_era, 146_096)), 365)
    before = graph.node("Add", _times(graph, year, 365), floored(graph, year, 4))
    of_year = graph.node("Sub", of_era, graph.node("Sub", before, floored(graph, year, 100)))
    from_march = floored(graph, _plus(graph, _times(graph, of_year, 5), 2), 153)
    month = _plus(graph, _modulo(graph, _plus(graph, from_march, 2), 12), 1)
    early = graph.cast(graph.node("Less", month, graph.constant(np.array(3, np.int64)), dtype=TRUE), INT)
    year = graph.node("Add", graph.node("Add", year, _times(graph, era, 400)), early)
    return year, month


def floored(graph: Graph, x: Value, by: int) -> Value:
    """``⌊x / by⌋``: ONNX's division of whole numbers goes towards zero."""
    rest = graph.node("Sub", x, _modulo(graph, x, by))
    return graph.node("Div", rest, graph.constant(np.array(by, np.int64)))


def _modulo(graph: Graph, x: Value, by: int) -> Value:
    return graph.node("Mod", x, graph.constant(np.array(by, np.int64)))


def _plus(graph: Graph, x: Value, number: int) -> Value:
    return graph.node("Add", x, graph.constant(np.array(number, np.int64)))


def _times(graph: Graph, x: Value, number: int) -> Value:
    return graph.node("Mul", x, graph.constant(np.array(number, np.int64)))
