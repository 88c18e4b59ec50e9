"""TensorBoard: curves, histograms, gradient flow and the network's graph as event files."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.extras import need
from backlit.graph import tree
from backlit.inspect.draw.architecture import architecture
from backlit.nn.layer import Network
from backlit.run import Run
from backlit.trackers.tracker import Tracker, flow, histograms, numbers, results, settings
from backlit.train.callbacks import EpochEnd

BINS = 30  # of weights' histograms
EXTRA = {"extra": "tensorboard", "why": "tracking with TensorBoard"}


class TensorBoard(Tracker):
    """Write event files that ``tensorboard --logdir FOLDER`` shows.

    ================ ==================================================================================================
    tab              what
    ================ ==================================================================================================
    Scalars          the history's columns; by look of the probes ``gradient_norm/LAYER`` (‖∂L/∂a‖, a row's) and
                     ``update_ratio/PARAMETER`` (‖Δw‖ / ‖w‖); a judged run's test scores
    Histograms       ``weights/PARAMETER`` after an epoch, ``activations/LAYER`` and ``gradients/PARAMETER`` by look
    Images           how gradients flow, at the end
    Graphs           the network's layers with their shapes
    Text             the settings
    ================ ==================================================================================================

    Steps are epochs. How often the probes look: see `Probes`.

    Parameters
    ----------
    folder : path
        One for each run: TensorBoard shows runs by their folders.
    every : int
        Epochs from one histogram of the weights to the next.

    Raises
    ------
    InputError
        If the package `tensorboard` isn't installed, or the folder can't be written to.

    Examples
    --------
    >>> import backlit as bl, numpy as np, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tracker = bl.trackers.TensorBoard(folder + "/line")
    ...     run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=2, callbacks=[tracker])
    ...     len(list(pathlib.Path(folder, "line").glob("events.out.tfevents.*")))
    1
    """

    gradients = True

    def __init__(self, folder: str | Path, every: int = 1) -> None:
        super().__init__()
        need("tensorboard", **EXTRA)
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise InputError(f"TensorBoard: every must be a whole number of epochs from 1, got {every!r}")
        self.folder, self.every = Path(folder), every
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"TensorBoard: {self.folder} can't be made: {error.strerror or error}") from error
        self._writer: Any = None

    def begin(self, end: EpochEnd) -> None:
        """Open a file; the graph and the settings."""
        writing = need("tensorboard.summary.writer.event_file_writer", **EXTRA)
        self._writer = writing.EventFileWriter(str(self.folder))
        self._write(0, graph_def=graph(end.network).SerializeToString())
        rows = "\n".join(f"| {name} | {value.replace('|', chr(92) + '|')} |" for name, value in settings(end).items())
        self._summary(0, text("settings", f"| setting | value |\n|---|---|\n{rows}"))

    def epoch(self, end: EpochEnd) -> None:
        """The line of the history, and the weights."""
        values = [scalar(name, value) for name, value in numbers(end.record).items()]
        if end.epoch % self.every == 0:
            for path, weight in tree.items(end.network.params):
                values += [histogram(f"weights/{path}", *binned(weight))] if np.isfinite(weight).all() else []
        self._summary(end.epoch, *values)
        self._writer.flush()

    def look(self, record: Mapping[str, Any]) -> None:
        """Activations and gradients."""
        values = [scalar(name, value) for name, value in flow(record).items()]
        values += [
            histogram(name, np.linspace(low, high, len(counts) + 1), counts)
            for name, low, high, counts in histograms(record)
        ]
        self._summary(record["epoch"], *values)

    def end(self, run: Run) -> None:
        """Test scores, the picture of the gradients, and the end of the file."""
        last = len(run.history)
        values = [scalar(name, value) for name, value in results(run).items()]
        if run.probes:
            values.append(image("gradient_flow", run.flow()))
        self._summary(last, *values)
        self._close()

    def broken(self, error: BaseException) -> None:
        """What there is so far stays."""
        self._close()

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _summary(self, step: int, *values: Any) -> None:
        if values:
            self._write(step, summary=_proto("summary").Summary(value=values))

    def _write(self, step: int, **what: Any) -> None:
        self._writer.add_event(_proto("event").Event(wall_time=time.time(), step=step, **what))


def _proto(name: str) -> Any:
    """One of TensorBoard's modules of messages, which need neither TensorFlow nor PyTorch."""
    return need(f"tensorboard.compat.proto.{name}_pb2", **EXTRA)


def scalar(tag: str, value: float) -> Any:
    """A number."""
    return _proto("summary").Summary.Value(tag=tag, simple_value=value)


def binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges of equal bins, and counts; a single bin where values are too close together for more.

    >>> binned(np.array([2.0, 2.0]))
    (array([2., 2.]), array([2]))
    """
    values = np.asarray(values, np.float64)
    low, high = values.min(), values.max()
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        return np.array([low, high]), np.array([values.size])
    counts, edges = np.histogram(values, bins=BINS)
    return edges, counts


def histogram(tag: str, edges: Any, counts: Any) -> Any:
    """Counts between edges; sum and squares, which TensorBoard shows nowhere, from the bins' middles."""
    edges, counts = np.asarray(edges, np.float64), np.asarray(counts, np.float64)
    middles = (edges[1:] + edges[:-1]) / 2
    told = _proto("summary").HistogramProto(
        min=edges[0],
        max=edges[-1],
        num=counts.sum(),
        sum=counts @ middles,
        sum_squares=counts @ middles**2,
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )
    return _proto("summary").Summary.Value(tag=tag, histo=told)


def text(tag: str, markdown: str) -> Any:
    """Markdown, as TensorBoard's text plugin takes it."""
    messages = _proto("summary")
    plugin = messages.SummaryMetadata.PluginData(plugin_name="text")
    shape = _proto("tensor_shape").TensorShapeProto(dim=[_proto("tensor_shape").TensorShapeProto.Dim(size=1)])
    tensor = _proto("tensor").TensorProto(dtype="DT_STRING", string_val=[markdown.encode()], tensor_shape=shape)
    return messages.Summary.Value(tag=tag, metadata=messages.SummaryMetadata(plugin_data=plugin), tensor=tensor)


def image(tag: str, figure: Any) -> Any:
    """A figure of matplotlib's."""
    from matplotlib import pyplot
    from PIL import Image

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    pyplot.close(figure)
    width, height = Image.open(file).size
    messages = _proto("summary")
    picture = messages.Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=file.getvalue())
    return messages.Summary.Value(tag=tag, image=picture)


def graph(network: Network) -> Any:
    """The network's layers as a graph of TensorFlow's form: nodes with kind, inputs, and shape of their output."""
    found = architecture(network)
    inputs: dict[str, list[str]] = {key: [] for key in found.parts}
    for start, end in found.edges:
        inputs[end].append(_node(start))
    attributes, shapes = _proto("attr_value"), _proto("tensor_shape").TensorShapeProto
    nodes = []
    for key, part in found.parts.items():
        shape = shapes(dim=[shapes.Dim(size=-1), *(shapes.Dim(size=size) for size in part.shape)])
        attr = {
            "_output_shapes": attributes.AttrValue(list=attributes.AttrValue.ListValue(shape=[shape])),
            "layer": attributes.AttrValue(s=part.text.encode()),
            "parameters": attributes.AttrValue(i=part.size),
        }
        kind = type(part.layer).__name__ if part.layer is not None else part.kind
        nodes.append(_proto("node_def").NodeDef(name=_node(key), op=kind, input=inputs[key], attr=attr))
    return _proto("graph").GraphDef(node=nodes, versions=_proto("versions").VersionDef(producer=22))


def _node(key: str) -> str:
    """A part's key as a name that TensorBoard takes: it splits at "/" and knows no other marks."""
    return "".join(character if character.isalnum() or character in "/._-" else "_" for character in key)
