"""Writing networks and runs as ONNX files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backlit._version import __version__
from backlit.aligned import aligned
from backlit.data.preparation import AS_IT_IS, preparation_of
from backlit.data.series import SeriesPreparation
from backlit.errors import BacklitError, InputError
from backlit.exchange.onnx import metadata
from backlit.exchange.onnx.answers import TOKENS, WRITTEN, Head, answered, expected
from backlit.exchange.onnx.columns import Port
from backlit.exchange.onnx.compare import Difference, compared, drawn
from backlit.exchange.onnx.drawing import rows_like
from backlit.exchange.onnx.graph import (
    BATCH,
    FLOAT,
    INT,
    ML,
    ML_OPSET,
    MOST_BYTES,
    OLDEST,
    OPSET,
    TIME,
    Graph,
    UnknownLengthError,
    Value,
)
from backlit.exchange.onnx.inputs import Door, Entrance, opened, several
from backlit.exchange.onnx.mapping import Site
from backlit.exchange.onnx.windows import forecast
from backlit.extras import need
from backlit.files import saving
from backlit.graph import tree
from backlit.languages import Template
from backlit.nn.layer import Network
from backlit.nn.layers.decoder import Decoder, EncoderDecoder
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.sequence import EachStep, Masked
from backlit.nn.shapes import Shapes, each

DTYPES = (FLOAT, "uint8", INT, "int32")  # that a network's array may have
THROUGH_TIME = (Masked, EachStep, EncoderDecoder, Decoder)
NARROWED = Template(
    "weights are float32 in the file, {dtype} in the network", "가중치는 파일에서 float32, 신경망에서 {dtype}"
)
AS_LENGTH = Template(
    "sequences have the length {length}, which some layer relies on", "시퀀스 길이는 {length}{으로/로} 정해져 있음"
)


@dataclass(frozen=True)
class Exported:
    """A file that was written, and what is to be known of it.

    Attributes
    ----------
    path : Path
    opset : int
        Version of ONNX's operators.
    inputs, outputs : list of Port
        ``.name``, ``.dtype``, ``.shape``; of columns also ``.kind``, ``.levels`` and ``.missing``.
    operators : dict of str to int
        How often each is used.
    size : int
        Of the file, in bytes.
    outside : list of str
        What the file leaves to its user, in sentences.
    difference : Difference or None
        How far ONNX Runtime's outputs are from Backlit's; None if it isn't installed.
    """

    path: Path
    opset: int
    inputs: list[Port]
    outputs: list[Port]
    operators: dict[str, int]
    size: int
    outside: list[Any] = field(default_factory=list)
    difference: Difference | None = None
    feeding: Callable[[Any], dict[str, np.ndarray]] | None = field(default=None, repr=False, compare=False)

    def feed(self, x: Any) -> dict[str, np.ndarray]:
        """Raw rows, as `Network` or `Run.predict` takes them, as the dict that ONNX Runtime's ``session.run`` takes.

        Parameters
        ----------
        x : array, data frame or whatever the run takes
        """
        if self.feeding is None:
            raise InputError("this record has lost its run: make the inputs yourself, by their names and types")
        return self.feeding(x)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "path": str(self.path),
            "bytes": self.size,
            "opset": self.opset,
            "inputs": [{**port.to_dict(), "shape": list(port.shape)} for port in self.inputs],
            "outputs": [{"name": port.name, "type": port.dtype, "shape": list(port.shape)} for port in self.outputs],
            "operators": self.operators,
            "outside": [str(sentence) for sentence in self.outside],
            "difference": None if self.difference is None else self.difference.to_dict(),
        }

    def __str__(self) -> str:
        head = [("", "name", "type", "shape", "holds")]
        lines = [("input", *_row(port)) for port in self.inputs] + [("output", *_row(port)) for port in self.outputs]
        used = ", ".join(f"{op} × {count}" if count > 1 else op for op, count in self.operators.items())
        parts = [f"{self.path}: {self.size:,} bytes, opset {self.opset}", f"operators: {used}"]
        parts += [aligned([*head, *lines], left=(0, 1, 2, 3, 4))]
        parts += [f"outside the file: {sentence}" for sentence in self.outside]
        return "\n".join([*parts, *([str(self.difference)] if self.difference is not None else [])])


def _row(port: Port) -> tuple[str, str, str, str]:
    holds = port.kind + (f" of {len(port.levels)} levels" if port.levels else "")
    return port.name, port.dtype, f"({', '.join(map(str, port.shape))})", holds


def export_network(
    network: Network, path: str | Path, *, opset: int = OPSET, dtype: str | None = None, overwrite: bool = False
) -> Exported:
    """Write a network as an ONNX file, in ONNX's own operators, so that other tools show and run what was built.

    The file's input is "input" (batch, ...), its output "output": the raw one, as the network gives it. Both take any
    number of rows, and sequences of any length where the network's weights don't depend on it. A layer of your own is
    written by the operations of `backlit.ops` that it is made of, if ONNX has them.

    Parameters
    ----------
    network : Network
    path : path
        Its name ends in ".onnx".
    opset : int
        Version of ONNX's operators, from 18 on.
    dtype : "float32", "uint8", "int64" or "int32", optional
        Of the input; by default int64 where the network takes whole numbers, and else float32.
    overwrite : bool
        Replace a file that is there.

    Returns
    -------
    Exported
        With what ONNX Runtime's outputs on random rows differ by, if it is installed.

    Raises
    ------
    InputError
        If a layer can't be written (it is named), the file is there or can't be written, weights are NaN or above 2 GB,
        or onnx isn't installed.

    Examples
    --------
    >>> import backlit as bl, tempfile
    >>> network = bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(2)).build((4,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = network.export(f"{folder}/net.onnx")
    >>> file.operators, file.opset, file.difference.largest < 1e-5
    ({'Gemm': 2, 'Relu': 1}, 20, True)
    """
    path = _checked(network, path, opset, overwrite)
    if dtype is not None and dtype not in DTYPES:
        raise InputError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")

    def build(graph: Graph, shape: Any) -> tuple[Entrance, dict[str, Value]]:
        doors = doors_of(network, shape, dtype)
        entrance = _entrance(graph, network, AS_IT_IS, doors)
        outputs = written(network, graph, entrance.value)
        return entrance, outputs if isinstance(outputs, dict) else {"output": outputs}

    file = _File.of(network, opset, build, {metadata.KIND: metadata.NETWORK})
    rows = drawn(network, file.entrance.ports)
    ours = network(rows if network.input_names else rows["input"])
    return file.saved(path, rows, ours if network.output_names else {"output": ours})


def export_run(
    run: Any, path: str | Path, *, opset: int = OPSET, overwrite: bool = False, examples: Any = None
) -> Exported:
    """Write a run as an ONNX file, with what prepares inputs and says what outputs mean: see `backlit.Run.export`."""
    network, preparation, heads = run.network, preparation_of(run.preparation), Head.all(run)
    path = _checked(network, path, opset, overwrite)

    def build(graph: Graph, shape: Any) -> tuple[Entrance, dict[str, Value]]:
        entrance = _entrance(graph, network, preparation, doors_of(network, shape))
        outputs = written(network, graph, entrance.value)
        answers: dict[str, Value] = {}
        for head in heads:
            z = graph.last(head.of(outputs))
            if isinstance(preparation, SeriesPreparation):
                z = forecast(graph, preparation, z, entrance.value)
            answers |= answered(graph, head, z)
        told = [WRITTEN.say()] if TOKENS in answers else []
        return replace(entrance, outside=[*entrance.outside, *told]), answers

    units = {head.name: {"shift": list(head.targets.shift), "scale": list(head.targets.scale)} for head in heads
             if getattr(head.targets, "scale", ())}  # fmt: skip
    facts = {
        metadata.KIND: metadata.RUN,
        metadata.CLASSES: run.classes or None,
        metadata.TARGETS: list(preparation.target_names) or None,
        metadata.UNIT: (units if network.output_names else units[""]) if units else None,
    }
    file = _File.of(network, opset, build, facts)
    raw, rows, outputs = _tried(run, file.entrance, examples)
    ours: dict[str, Any] = {}
    for head in heads if rows else ():
        ours |= expected(head, raw, head.of(outputs))
    return file.saved(path, rows, ours)


def _tried(run: Any, entrance: Entrance, examples: Any) -> tuple[Any, dict[str, np.ndarray], Any]:
    """Raw rows to compare on, those given or drawn by chance; what the file takes of them; and the raw outputs."""
    if examples is None and entrance.prepared:
        rows = drawn(run.network, entrance.ports)
        return None, rows, run.forward(rows if run.network.input_names else next(iter(rows.values())))
    raw = examples if examples is not None else rows_like(run)
    return (None, {}, None) if raw is None else (raw, entrance.feed(raw), run.outputs(raw))


def _entrance(graph: Graph, network: Network, preparation: Any, doors: list[Door]) -> Entrance:
    return several(graph, preparation, doors) if network.input_names else opened(graph, preparation, doors[0])


def doors_of(network: Network, shape: Any, dtype: str | None = None) -> list[Door]:
    """What a network takes: arrays by name, or one that is called "input"; whole numbers where it takes no others."""
    if network.input_names:
        whole = network.architecture.takes_integers_at
        return [Door(name, one, INT if whole(name) else dtype or FLOAT) for name, one in shape.items()]
    return [Door("input", shape, dtype or (INT if _whole(network) else FLOAT))]


@dataclass(frozen=True)
class _File:
    """A model, before it is written."""

    model: Any
    entrance: Entrance
    outputs: list[Port]
    notes: list[Any]
    opset: int

    @classmethod
    def of(
        cls,
        network: Network,
        opset: int,
        build: Callable[[Graph, Any], tuple[Entrance, dict[str, Value]]],
        facts: Mapping[str, Any],
    ) -> _File:
        """Build the graph, for sequences of any length if the network takes them, and check it strictly."""
        notes = [] if str(network.dtype) == FLOAT else [NARROWED.say(dtype=network.dtype)]
        shape = each(lambda one: (BATCH, *one), network.input_shape)
        graph = Graph(opset)
        if takes_any_length(network):
            try:
                entrance, answers = build(graph, (BATCH, TIME, *network.input_shape[1:]))
            except UnknownLengthError:
                notes.append(AS_LENGTH.say(length=network.input_shape[0]))
                graph = Graph(opset)
                entrance, answers = build(graph, shape)
        else:
            entrance, answers = build(graph, shape)
        named = {name: graph.rename(value, name) for name, value in answers.items()}
        facts = {
            metadata.VERSION: __version__,
            metadata.ARCHITECTURE: network.architecture.to_dict(),
            metadata.INPUT_SHAPE: each(list, network.input_shape),
            metadata.COLUMNS: [port.to_dict() for port in entrance.ports],
            metadata.OUTSIDE: [str(sentence) for sentence in (*entrance.outside, *notes)],
            **facts,
        }
        outputs = [replace(Port.of(value), source=name) for name, value in named.items()]
        return cls(_model(graph, facts), entrance, outputs, notes, opset)

    def saved(self, path: Path, rows: Mapping[str, np.ndarray], ours: Mapping[str, Any]) -> Exported:
        """Compare what ONNX Runtime makes of rows with what Backlit makes of them, and write the file."""
        content = self.model.SerializeToString()
        names = {port.source: port.name for port in self.outputs}
        told = {names[name]: array for name, array in ours.items()}
        difference = compared(content, rows, told) if rows else None
        with saving(path) as temporary:
            temporary.write_bytes(content)
        return Exported(
            path,
            self.opset,
            self.entrance.ports,
            self.outputs,
            dict(Counter(node.op_type for node in self.model.graph.node).most_common()),
            len(content),
            [*self.entrance.outside, *self.notes],
            difference,
            self.entrance.feed,
        )


def _checked(network: Any, path: str | Path, opset: int, overwrite: bool) -> Path:
    """The file's path, when all that was given can be used."""
    onnx = need("onnx", extra="onnx", why="exporting to ONNX")
    if not isinstance(path, (str, Path)) or Path(path).suffix.lower() != ".onnx":
        raise InputError(f"export takes the name of a file that ends in .onnx, got {path!r}")
    path = Path(path)
    newest = int(onnx.defs.onnx_opset_version())
    if isinstance(opset, bool) or not isinstance(opset, int) or not OLDEST <= opset <= newest:
        raise InputError(f"opset must be a whole number from {OLDEST} to {newest}, got {opset!r}")
    if path.exists() and not overwrite:
        raise InputError(
            f"{path} exists already; pass overwrite=True (--overwrite) to replace it, or name another file"
        )
    if path.parent != Path() and not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    size = network.size * np.dtype(FLOAT).itemsize
    if size > MOST_BYTES:
        raise InputError(
            f"the network has {network.size:,} parameters, {size / 1e9:.1f} GB in float32; an ONNX file in one piece "
            f"holds {MOST_BYTES / 1e9:.0f} GB at most"
        )
    for name, leaf in tree.items(network.params):
        if not np.isfinite(np.asarray(leaf)).all():
            raise InputError(f"parameter {name} holds NaN or infinite numbers; restore the run, or train again")
    return path


def written(network: Network, graph: Graph, x: Any) -> Any:
    """Write a network's layers into a graph: the value of its output, or the values by name.

    Raises
    ------
    InputError
        If a layer can't be written; it is named with its path.
    """
    return Site(graph, network.params, network.state).write(network.architecture, x)


def takes_any_length(network: Network) -> bool:
    """Whether sequences of any length may come in: a layer goes through time, and longer ones have the same weights."""
    architecture, shape = network.architecture, network.input_shape
    if isinstance(shape, Shapes):
        return False
    in_time = any(layer.recurrent or isinstance(layer, THROUGH_TIME) for _, layer in architecture.walk())
    words = len(shape) == 1 and architecture.takes_integers
    if not shape or not (in_time or words):
        return False
    try:
        longer = Network.empty(architecture, (shape[0] + 1, *shape[1:]), most=2 * network.size + 1)
    except BacklitError:
        return False
    sizes = ({path: np.shape(leaf) for path, leaf in tree.items(one.params)} for one in (network, longer))
    return next(sizes) == next(sizes)


def _whole(network: Network) -> bool:
    """Whether a network takes whole numbers alone, as an embedding does: pixels may have a point."""
    first = network.architecture
    while first.parts():
        first = first.parts()[0][1]
    return network.takes_integers and not isinstance(first, Rescale)


def _model(graph: Graph, facts: Mapping[str, Any]) -> Any:
    """The message with what it says about itself, as ONNX's strictest check accepts it."""
    onnx = graph.onnx
    opsets = [onnx.helper.make_opsetid("", graph.opset)]
    opsets += [onnx.helper.make_opsetid(ML, ML_OPSET)] if ML in graph.domains else []
    version = onnx.helper.find_min_ir_version_for(opsets)
    model = onnx.helper.make_model(
        graph.to_proto("backlit"), opset_imports=opsets, ir_version=version, producer_name="backlit",
        producer_version=__version__,
    )  # fmt: skip
    metadata.write(model, facts)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:  # of a layer of the user's own
        raise InputError(f"ONNX's own check refuses the graph: {str(error).strip()}") from error
    return model
