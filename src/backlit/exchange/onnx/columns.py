"""A table's columns inside the graph: an input each, and what `TablePreparation` makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.data.table import TablePreparation
from backlit.data.table.category import GAP, OTHER, UNSEEN, Category
from backlit.data.table.moment import Moment, as_moments
from backlit.data.table.number import BEND, Number
from backlit.data.table.values import words
from backlit.exchange.onnx.graph import BATCH, DOUBLE, FLOAT, INT, TEXT, TRUE, Graph, Shape, Value
from backlit.exchange.onnx.moments import MISSING, moment_inputs
from backlit.languages import Template

CELLS = Template(
    "{column}: cells of text become numbers before (`feed` does it)",
    "{column}: 글로 적힌 칸은 먼저 숫자로 바꿔야 함(`feed` 사용)",
)
MICROSECONDS = Template(
    "{column}: dates become microseconds since 1970 before (`feed` does it)",
    "{column}: 날짜는 먼저 1970년부터의 마이크로초로 바꿔야 함(`feed` 사용)",
)


@dataclass(frozen=True)
class Port:
    """An input or an output of a file.

    Attributes
    ----------
    name : str
    dtype : str
        As NumPy calls it; "str" for texts.
    shape : tuple of int and str
        Axes of any length have names.
    kind : str
        What it holds: "number", "category", "date", or "" for an array of whatever the network takes.
    levels : tuple of str
        Of a category, those that training had.
    missing : str, int or float, optional
        What stands for a missing value.
    """

    name: str
    dtype: str
    shape: Shape
    kind: str = ""
    levels: tuple[str, ...] = field(default=(), repr=False)
    missing: Any = None
    source: str = field(default="", repr=False)  # what an output is, where an input has taken its name

    @classmethod
    def of(cls, value: Value, **facts: Any) -> Port:
        """That of a value."""
        return cls(value.name, value.dtype, value.shape, **facts)

    def to_dict(self) -> dict[str, Any]:
        """What the file tells of it, for JSON: no number that JSON hasn't."""
        missing = "NaN" if isinstance(self.missing, float) else self.missing
        facts = {"name": self.name, "kind": self.kind, "takes": self.dtype, "levels": list(self.levels)}
        return {**facts, "missing": missing}


Part = tuple[Value, list[int]]  # inputs (rows, n), and their places among the network's


def table_inputs(graph: Graph, preparation: TablePreparation) -> tuple[Value, list[Port], list[Any]]:
    """The network's inputs of a table's columns; the ports, and what must be done before."""
    places = dict(preparation.places())
    used = [column for column in preparation.columns if column.name in places]
    values = {column.name: graph.input(column.name, (BATCH, 1), _dtype(column)) for column in used}
    parts: list[Part] = []
    numbers = [column for column in used if isinstance(column, Number)]
    for scaling in dict.fromkeys(column.scaling for column in numbers):
        alike = [column for column in numbers if column.scaling == scaling]
        parts += _numbers(graph, alike, values, places)
    for column in used:
        where = list(range(*places[column.name].indices(len(preparation.names))))
        if isinstance(column, Category):
            parts.append((_category(graph, column, values[column.name]), where))
        elif isinstance(column, Moment):
            parts.append((moment_inputs(graph, column, values[column.name]), where))
    outside = [CELLS.say(column=c.name) for c in numbers if c.written]
    outside += [MICROSECONDS.say(column=c.name) for c in used if isinstance(c, Moment)]
    ports = [_port(column, values[column.name]) for column in used]
    return in_places(graph, parts), ports, outside


def in_places(graph: Graph, parts: Sequence[Part]) -> Value:
    """All inputs side by side, in the network's order."""
    order = [place for _, where in parts for place in where]
    values = [value for value, _ in parts]
    count = len(order)
    joined = values[0] if len(values) == 1 else graph.node("Concat", *values, shape=(BATCH, count), axis=1)
    if order == sorted(order):
        return joined
    back = graph.constant(np.argsort(order).astype(np.int64), "order")
    return graph.node("Gather", joined, back, shape=(BATCH, count), axis=1)


def _dtype(column: Any) -> str:
    return {Category: TEXT, Moment: INT}.get(type(column), DOUBLE)


def _port(column: Any, value: Value) -> Port:
    if isinstance(column, Category):
        return Port.of(value, kind="category", levels=column.levels, missing=gap_word(column))
    if isinstance(column, Moment):
        return Port.of(value, kind="date", missing=MISSING)
    return Port.of(value, kind="number", missing=float("nan"))


def _numbers(graph: Graph, columns: Sequence[Number], values: dict[str, Value], places: dict[str, slice]) -> list[Part]:
    """All numbers of one scaling at once."""
    inputs = [values[column.name] for column in columns]
    shape: Shape = (BATCH, len(columns))
    x = inputs[0] if len(inputs) == 1 else graph.node("Concat", *inputs, shape=shape, axis=1)
    gaps = graph.node("IsNaN", x, dtype=TRUE)

    def of_each(name: str) -> Value:
        return graph.constant(np.array([getattr(column, name) for column in columns], DOUBLE), name)

    x = graph.node("Where", gaps, of_each("fill"), x, shape=shape, dtype=DOUBLE)
    if columns[0].scaling == "log":
        x = graph.node("Log", graph.node("Add", x, graph.number(1.0, x)))
    z = graph.node("Div", graph.node("Sub", x, of_each("center")), of_each("scale"))
    if columns[0].scaling == "robust":
        bent = graph.node("Div", z, graph.number(BEND, z))
        bent = graph.node("Add", graph.node("Mul", bent, bent), graph.number(1.0, z))
        z = graph.node("Div", z, graph.node("Sqrt", bent))
    parts = [(graph.cast(z, FLOAT), [places[column.name].start for column in columns])]
    marked = [i for i, column in enumerate(columns) if column.missing]
    if marked:
        picked = graph.constant(np.array(marked, np.int64), "marked")
        marks = graph.node("Gather", graph.cast(gaps, FLOAT), picked, shape=(BATCH, len(marked)), axis=1)
        parts.append((marks, [places[columns[i].name].start + 1 for i in marked]))
    return parts


def gap_word(column: Category) -> str:
    """The text that stands for a missing value."""
    return GAP if "" in (*column.levels, *column.rare) else ""


def _category(graph: Graph, column: Category, x: Value) -> Value:
    """Codes, signs, or an input a level: see `Category.apply`."""
    places = column.places
    other = places.index(OTHER) if OTHER in places else UNSEEN
    gap = places.index(GAP) if column.missing else -1
    codes = {level: place for place, level in enumerate(column.levels)}
    codes |= dict.fromkeys(column.rare, other) | {gap_word(column): gap}
    if column.rows_to_learn:
        return encoded(graph, x, {word: max(code, other) if code < 0 else code for word, code in codes.items()}, other)
    if column.is_binary:
        sign = encoded(graph, x, {column.levels[0]: -1.0, column.levels[1]: 1.0}, 0.0)
        if not column.missing:
            return sign
        mark = encoded(graph, x, {gap_word(column): 1.0}, 0.0)
        return graph.node("Concat", sign, mark, shape=(BATCH, 2), axis=1)
    code = encoded(graph, x, codes, other)
    each = graph.constant(np.arange(len(places), dtype=FLOAT), "levels")
    return graph.cast(graph.node("Equal", code, each, shape=(BATCH, len(places)), dtype=TRUE), FLOAT)


def encoded(graph: Graph, x: Value, codes: Mapping[str, float], default: float) -> Value:
    """Texts as numbers."""
    return graph.node(
        "LabelEncoder",
        x,
        dtype=FLOAT,
        keys_strings=list(codes),
        values_floats=[float(code) for code in codes.values()],
        default_float=float(default),
    )


# ------------------------------------------------------------------------------------------- rows of a table


def table_rows(preparation: TablePreparation, ports: Sequence[Port], raw: Any) -> dict[str, np.ndarray]:
    """A data frame's columns as the file takes them, (rows, 1) each."""
    frame = preparation._frame(raw)
    columns = {column.name: column for column in preparation.columns}
    preparation._check_columns(frame, [port.name for port in ports])
    return {port.name: cells(columns[port.name], frame[port.name])[:, None] for port in ports}


def cells(column: Any, values: Any) -> np.ndarray:
    """One column's values as its input takes them, (rows,)."""
    if isinstance(column, Number):
        return column._numbers(values)
    if isinstance(column, Moment):
        physical = as_moments(values).to_physical()
        return physical.fill_null(MISSING).to_numpy().astype(np.int64)
    known = column.codes(values)
    spelt = np.array([*column.levels, ""], dtype=object)  # where a file has 1 for the level "01"
    is_level = (known >= 0) & (known < len(column.levels))
    given, gap = words(values), gap_word(column)
    text = np.array(given.fill_null(gap).to_list(), dtype=object)
    text = np.where((text == gap) & given.is_not_null().to_numpy(), OTHER, text)  # a level that isn't known
    return np.where(is_level, spelt[np.where(is_level, known, -1)], text)
