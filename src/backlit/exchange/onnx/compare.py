"""Whether ONNX Runtime makes of a file what Backlit makes of the network."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backlit.exchange.onnx.columns import Port
from backlit.nn.layer import Network
from backlit.nn.shapes import Shapes

ROWS = 16


@dataclass(frozen=True)
class Difference:
    """How far two answers to the same rows are apart.

    Attributes
    ----------
    largest : float
        Between numbers of the outputs; in units of the output's largest, where that is above 1.
    output : str
        Where.
    labels : int
        Labels that differ, in rows whose numbers don't decide between two classes clearly.
    rows : int
    """

    largest: float
    output: str
    labels: int
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        told = f"compared with ONNX Runtime on {self.rows} rows: largest difference {self.largest:.1e}"
        return told + (f"; {self.labels} labels differ" if self.labels else "")


def compared(content: bytes, given: Mapping[str, np.ndarray], ours: Mapping[str, Any]) -> Difference | None:
    """Run a file's content in ONNX Runtime, and compare its outputs with Backlit's; None if that isn't installed."""
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    theirs = dict(zip(names, session.run(None, dict(given)), strict=True))
    largest, where, labels = 0.0, names[0], 0
    for name, expected in ours.items():
        got = np.asarray(theirs[name])
        if expected.dtype.kind != "f":
            labels += int((got.astype(str) != np.asarray(expected).astype(str)).sum())
            continue
        size = max(1.0, float(np.abs(expected).max(initial=0.0)))
        apart = float(np.abs(got.astype(np.float64) - expected).max(initial=0.0)) / size
        if apart >= largest:
            largest, where = apart, name
    return Difference(largest, where, labels, len(next(iter(given.values()))))


def drawn(network: Network, ports: Sequence[Port]) -> dict[str, np.ndarray]:
    """Rows that a network takes, by chance, for each of its arrays."""
    rng = np.random.default_rng(0)
    shapes = network.input_shape if isinstance(network.input_shape, Shapes) else {ports[0].name: network.input_shape}
    return {port.name: _draw(rng, network, (ROWS, *shapes[port.name]), port.dtype) for port in ports}


def _draw(rng: np.random.Generator, network: Network, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype == "uint8":
        return rng.integers(0, 256, shape).astype(dtype)
    if dtype.startswith("int"):
        return rng.integers(0, places(network), shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def places(network: Network) -> int:
    """How many whole numbers a network that begins with a table knows."""
    counts = [getattr(layer, "count", None) for _, layer in network.architecture.walk()]
    return min((count for count in counts if isinstance(count, int)), default=2)
