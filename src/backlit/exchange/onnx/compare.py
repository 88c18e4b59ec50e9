"""Whether ONNX Runtime makes of a file what Backlit makes of the network."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.onnx.columns import Port
from backlit.nn.layer import Network
from backlit.nn.layers.decoder import EncoderDecoder
from backlit.nn.layers.sequence import Masked
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
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        theirs = dict(zip(names, session.run(None, dict(given)), strict=True))
    except (runtime.Fail, runtime.InvalidGraph, runtime.InvalidArgument, runtime.NotImplemented) as error:
        raise InputError(
            f"ONNX Runtime {onnxruntime.__version__} can't run the file, so that none was written; an older opset may "
            f"help: {str(error).strip()}"
        ) from error
    largest, where, labels = 0.0, names[0], 0
    for name, expected in ours.items():
        got = np.asarray(theirs[name])
        if expected.dtype.kind != "f":
            labels += int((got.astype(str) != np.asarray(expected).astype(str)).sum())
            continue
        size = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)))
        apart = float(_apart(got.astype(np.float64), expected).max(initial=0.0)) / size
        if apart >= largest:
            largest, where = apart, name
    return Difference(largest, where, labels, len(next(iter(given.values()))))


def _apart(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Distances; none between what is the same though it isn't a number, and no end to them where one alone is."""
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.nan_to_num(np.abs(got - expected), nan=np.inf, posinf=np.inf))


def drawn(network: Network, ports: Sequence[Port]) -> dict[str, np.ndarray]:
    """Rows that a network takes, by chance, for each of its arrays."""
    rng = np.random.default_rng(0)
    shapes = network.input_shape if isinstance(network.input_shape, Shapes) else {ports[0].name: network.input_shape}
    return {port.name: _draw(rng, network, (ROWS, *shapes[port.name]), port.dtype) for port in ports}


def _draw(rng: np.random.Generator, network: Network, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype == "uint8":
        return rng.integers(0, 256, shape).astype(dtype)
    if dtype.startswith("int"):
        numbers = rng.integers(0, places(network), shape)
        if len(shape) > 1:  # no sequence may be nothing but padding
            real = [n for n in range(places(network)) if n not in fillings(network)]
            numbers[:, 0] = rng.choice(real or [0], numbers[:, 0].shape)
        return numbers.astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def fillings(network: Network) -> list[float]:
    """What the network's sequences are filled up with."""
    layers = [layer for _, layer in network.architecture.walk()]
    values = [layer.value for layer in layers if isinstance(layer, Masked)]
    values += [layer.padding for layer in layers if isinstance(layer, EncoderDecoder) and layer.padding is not None]
    return values


def places(network: Network) -> int:
    """How many whole numbers a network that begins with a table knows."""
    counts = [getattr(layer, "count", None) for _, layer in network.architecture.walk()]
    return min((count for count in counts if isinstance(count, int)), default=2)
