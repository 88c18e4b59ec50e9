"""What a file takes: a run's raw input as far as ONNX can prepare it, and how raw rows are handed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.frames import as_arrays
from backlit.data.from_column import FromColumn
from backlit.data.named import NamedColumns
from backlit.data.pictures import Clips, Pictures
from backlit.data.preparation import AsItIs, Foreign, Preparation
from backlit.data.scaling import Center, MinMax, Standardize
from backlit.data.series import SeriesPreparation
from backlit.data.table import TablePreparation
from backlit.data.text import TextColumn, Texts
from backlit.exchange.onnx.columns import Port, table_inputs, table_rows
from backlit.exchange.onnx.graph import BATCH, DOUBLE, FLOAT, INT, Graph, Shape, Value
from backlit.exchange.onnx.windows import window_inputs, window_rows
from backlit.languages import Template

PREPARED = Template(
    "{what} prepares the rows; the file takes what it gives", "{what}{이/가} 행을 준비하며, 파일은 그 결과를 받음"
)
TOKENS = Template(
    "texts become token numbers before (`feed` does it)", "글은 먼저 토큰(token) 번호로 바꿔야 함(`feed` 사용)"
)
DECODED = Template(
    "picture files are decoded and brought to {height} × {width} pixels before (`feed` does it)",
    "그림 파일은 먼저 읽어서 {height} × {width} 픽셀로 맞춰야 함(`feed` 사용)",
)
FRAMES = Template(
    "clips are brought to {frames} frames of {height} × {width} pixels before (`feed` does it)",
    "클립(clip)은 먼저 {height} × {width} 픽셀의 프레임 {frames}장으로 맞춰야 함(`feed` 사용)",
)


@dataclass(frozen=True)
class Entrance:
    """The way from a file's inputs to the network.

    Attributes
    ----------
    value : Value
        What the network takes.
    ports : list of Port
        The file's inputs, in their order.
    outside : list of str
        What must be done before.
    """

    value: Value
    ports: list[Port]
    outside: list[Any]


Opener = Callable[[Graph, Any, Shape, str], Entrance]
Feeder = Callable[[Any, Any], Mapping[str, np.ndarray]]


def _array(graph: Graph, preparation: Any, shape: Shape, dtype: str, outside: tuple[Any, ...] = ()) -> Entrance:
    """One array, as the network takes it."""
    value = graph.input("input", shape, dtype)
    return Entrance(value, [Port.of(value)], list(outside))


def _scaled(graph: Graph, preparation: Any, shape: Shape, dtype: str) -> Entrance:
    """Rows of numbers, scaled in float64 as Backlit does; a column each, if they have names."""
    if preparation.names:
        value, ports = _columns(graph, preparation.names)
    else:
        value = graph.input("input", shape, DOUBLE)
        ports = [Port.of(value)]
    shift, scale = (graph.constant(np.array(getattr(preparation, name)), name) for name in ("shift", "scale"))
    scaled = graph.node("Div", graph.node("Sub", value, shift), scale)
    return Entrance(graph.cast(scaled, FLOAT), ports, [])


def _named(graph: Graph, preparation: NamedColumns, shape: Shape, dtype: str) -> Entrance:
    value, ports = _columns(graph, preparation.names)
    return Entrance(graph.cast(value, FLOAT), ports, [])


def _columns(graph: Graph, names: tuple[str, ...]) -> tuple[Value, list[Port]]:
    """Numbers side by side, an input a column."""
    values = [graph.input(name, (BATCH, 1), DOUBLE) for name in names]
    joined = values[0] if len(values) == 1 else graph.node("Concat", *values, shape=(BATCH, len(values)), axis=1)
    return joined, [Port.of(value, kind="number") for value in values]


def _pictures(graph: Graph, preparation: Pictures, shape: Shape, dtype: str) -> Entrance:
    form = preparation.form
    told = DECODED.say(height=form.height, width=form.width)
    if isinstance(preparation, Clips):
        told = FRAMES.say(frames=preparation.frames, height=form.height, width=form.width)
    return _array(graph, preparation, shape, "uint8", (told,))


def _texts(graph: Graph, preparation: Any, shape: Shape, dtype: str) -> Entrance:
    if isinstance(preparation, FromColumn) and preparation.takes_pictures:
        return _pictures(graph, preparation.inner, shape, dtype)
    return _array(graph, preparation, shape, INT, (TOKENS.say(),))


def _foreign(graph: Graph, preparation: Any, shape: Shape, dtype: str) -> Entrance:
    what = type(preparation.transform if isinstance(preparation, Foreign) else preparation).__name__
    return _array(graph, preparation, shape, dtype, (PREPARED.say(what=what),))


def _table(graph: Graph, preparation: TablePreparation, shape: Shape, dtype: str) -> Entrance:
    return Entrance(*table_inputs(graph, preparation))


def _series(graph: Graph, preparation: SeriesPreparation, shape: Shape, dtype: str) -> Entrance:
    return Entrance(*window_inputs(graph, preparation))


OPENERS: dict[type[Preparation], Opener] = {
    AsItIs: _array,
    Standardize: _scaled,
    MinMax: _scaled,
    Center: _scaled,
    NamedColumns: _named,
    TablePreparation: _table,
    Pictures: _pictures,
    Clips: _pictures,
    TextColumn: _texts,
    Texts: _texts,
    FromColumn: _texts,
    SeriesPreparation: _series,
}


def opened(graph: Graph, preparation: Preparation, shape: Shape, dtype: str) -> Entrance:
    """The inputs of a graph, and what stands between them and the network.

    Parameters
    ----------
    shape, dtype :
        What the network takes.
    """
    return OPENERS.get(type(preparation), _foreign)(graph, preparation, shape, dtype)


def rows_for(run: Any, ports: list[Port], raw: Any) -> dict[str, np.ndarray]:
    """Raw rows, as `Run.predict` takes them, as the arrays that the file's inputs take."""
    preparation = run.preparation
    if isinstance(preparation, TablePreparation):
        return table_rows(preparation, ports, raw)
    if isinstance(preparation, SeriesPreparation):
        return window_rows(preparation, ports, raw)
    names = getattr(preparation, "names", None)
    if names:
        array = as_arrays(NamedColumns(tuple(names)).apply(raw), dtype=None)[0]
        return {port.name: array[:, [i]].astype(port.dtype) for i, port in enumerate(ports)}
    if isinstance(preparation, (Standardize, MinMax, Center)):
        return {ports[0].name: as_arrays(raw, dtype=None)[0].astype(DOUBLE)}
    return {ports[0].name: run.inputs(raw).astype(ports[0].dtype)}
