"""What a file takes: a run's raw input as far as ONNX can prepare it, and how raw rows are handed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backlit.data.by_input import ByInput
from backlit.data.frames import as_arrays
from backlit.data.from_column import FromColumn
from backlit.data.named import NamedColumns
from backlit.data.pictures import Clips, Pictures
from backlit.data.preparation import AsItIs, Foreign, Preparation, preparation_of
from backlit.data.scaling import Center, MinMax, Standardize
from backlit.data.series import SeriesPreparation
from backlit.data.table import TablePreparation
from backlit.data.text import TextColumn, Texts
from backlit.errors import InputError
from backlit.exchange.onnx.columns import Port, table_inputs, table_rows
from backlit.exchange.onnx.graph import BATCH, DOUBLE, FLOAT, INT, Graph, Shape
from backlit.exchange.onnx.windows import window_inputs, window_rows
from backlit.languages import Template
from backlit.nn.shapes import named

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


Feed = Callable[[Any], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Entrance:
    """The way from a file's inputs to the network.

    Attributes
    ----------
    value : Value, or dict of name to Value
        What the network takes.
    ports : list of Port
        The file's inputs, in their order.
    feed : callable
        Raw rows, as `Run.predict` takes them, as arrays by the inputs' names.
    outside : list of str
        What must be done before.
    prepared : bool
        Whether the file takes what the network takes.
    """

    value: Any
    ports: list[Port]
    feed: Feed
    outside: list[Any] = field(default_factory=list)
    prepared: bool = False


@dataclass(frozen=True)
class Door:
    """Where an array comes in: what it is called, and what the network takes."""

    name: str
    shape: Shape
    dtype: str


def _array(graph: Graph, preparation: Any, door: Door, outside: tuple[Any, ...] = ()) -> Entrance:
    """One array, as the network takes it."""
    value = graph.input(door.name, door.shape, door.dtype)

    def feed(raw: Any) -> dict[str, np.ndarray]:
        array = as_arrays(preparation.apply(raw), keep_integers=True, dtype=None)[0]
        return {value.name: array.astype(door.dtype)}

    return Entrance(value, [Port.of(value)], feed, list(outside), prepared=True)


def _scaled(graph: Graph, preparation: Any, door: Door) -> Entrance:
    """Rows of numbers, scaled in float64 as Backlit does; a column each, if they have names."""
    if preparation.names:
        entrance = _named(graph, NamedColumns(tuple(preparation.names)), door)
    else:
        value = graph.input(door.name, door.shape, DOUBLE)
        feed = lambda raw: {value.name: as_arrays(raw, dtype=None)[0].astype(DOUBLE)}  # noqa: E731
        entrance = Entrance(value, [Port.of(value)], feed)
    shift, scale = (graph.constant(np.array(getattr(preparation, name)), name) for name in ("shift", "scale"))
    scaled = graph.node("Div", graph.node("Sub", entrance.value, shift), scale)
    return replace(entrance, value=graph.cast(scaled, FLOAT))


def _named(graph: Graph, preparation: NamedColumns, door: Door) -> Entrance:
    """Numbers side by side, an input a column."""
    values = [graph.input(name, (BATCH, 1), DOUBLE) for name in preparation.names]
    joined = values[0] if len(values) == 1 else graph.node("Concat", *values, shape=(BATCH, len(values)), axis=1)

    def feed(raw: Any) -> dict[str, np.ndarray]:
        array = as_arrays(preparation.apply(raw), dtype=None)[0].astype(DOUBLE)
        return {value.name: array[:, [i]] for i, value in enumerate(values)}

    return Entrance(joined, [Port.of(value, kind="number") for value in values], feed)


def _plain_columns(graph: Graph, preparation: NamedColumns, door: Door) -> Entrance:
    entrance = _named(graph, preparation, door)
    return replace(entrance, value=graph.cast(entrance.value, FLOAT))


def _pictures(graph: Graph, preparation: Pictures, door: Door) -> Entrance:
    form = preparation.form
    told = DECODED.say(height=form.height, width=form.width)
    if isinstance(preparation, Clips):
        told = FRAMES.say(frames=preparation.frames, height=form.height, width=form.width)
    return _array(graph, preparation, replace(door, dtype="uint8"), (told,))


def _texts(graph: Graph, preparation: Any, door: Door) -> Entrance:
    if isinstance(preparation, FromColumn) and preparation.takes_pictures:
        return _pictures(graph, preparation.inner, door)
    return _array(graph, preparation, replace(door, dtype=INT), (TOKENS.say(),))


def _foreign(graph: Graph, preparation: Any, door: Door) -> Entrance:
    what = type(preparation.transform if isinstance(preparation, Foreign) else preparation).__name__
    return _array(graph, preparation, door, (PREPARED.say(what=what),))


def _table(graph: Graph, preparation: TablePreparation, door: Door) -> Entrance:
    value, ports, outside = table_inputs(graph, preparation)
    return Entrance(value, ports, lambda raw: table_rows(preparation, ports, raw), outside)


def _series(graph: Graph, preparation: SeriesPreparation, door: Door) -> Entrance:
    value, ports, outside = window_inputs(graph, preparation)
    return Entrance(value, ports, lambda raw: window_rows(preparation, ports, raw), outside)


Opener = Callable[[Graph, Any, Door], Entrance]
OPENERS: dict[type[Preparation], Opener] = {
    AsItIs: _array,
    Standardize: _scaled,
    MinMax: _scaled,
    Center: _scaled,
    NamedColumns: _plain_columns,
    TablePreparation: _table,
    Pictures: _pictures,
    Clips: _pictures,
    TextColumn: _texts,
    Texts: _texts,
    FromColumn: _texts,
    SeriesPreparation: _series,
}


def opened(graph: Graph, preparation: Preparation, door: Door) -> Entrance:
    """An input of a graph, and what stands between it and the network."""
    return OPENERS.get(type(preparation), _foreign)(graph, preparation, door)


def several(graph: Graph, preparation: Preparation, doors: Sequence[Door]) -> Entrance:
    """The inputs of a network that takes several arrays by name."""
    if not isinstance(preparation, (ByInput, AsItIs)):
        raise InputError(
            f"a {type(preparation).__name__} prepares all inputs of the network at once, which no file can tell apart; "
            "give fit a preparation for each input: {'name': ...}"
        )
    own = preparation.inputs if isinstance(preparation, ByInput) else {}
    parts = {door.name: opened(graph, preparation_of(own.get(door.name)), door) for door in doors}

    def feed(raw: Any) -> dict[str, np.ndarray]:
        given = named(raw, tuple(parts), "x", "input")
        return {port: array for name, part in parts.items() for port, array in part.feed(given[name]).items()}

    return Entrance(
        {name: part.value for name, part in parts.items()},
        [port for part in parts.values() for port in part.ports],
        feed,
        [sentence for part in parts.values() for sentence in part.outside],
        all(part.prepared for part in parts.values()),
    )
