"""What the tests of ONNX files share: networks with numbers that hide nothing, and ONNX Runtime's answers."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

import backlit as bl
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from tests.nn.common import draw_params

FIXED = ("low", "factor", "shift")  # running values that are part of the layer


def network_of(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> Network:
    """A float32 network with random weights and running values: zeros and ones would hide mistakes."""
    network = draw_params(layer.build(shape), rng)
    state = {
        path: value if path.endswith(FIXED) else rng.uniform(0.3, 1.5, np.shape(value)).astype("float32")
        for path, value in network.state.items()
    }
    return network.replace(params=tree.map(lambda leaf: leaf.astype("float32"), network.params), state=state)


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime on a file."""
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def answer(path: Path, **inputs: Any) -> np.ndarray:
    """The only output for inputs."""
    (output,) = session_of(path).run(None, inputs)
    return output


def operators(path: Path) -> list[str]:
    """The file's operators, in their order."""
    return [node.op_type for node in onnx.load(path).graph.node]


def agree(network: Network, path: Path, x: np.ndarray, **options: Any) -> bl.Exported:
    """Export, and hold ONNX Runtime's output against the network's, to 1e-5 in float32."""
    exported = network.export(path, **options)
    expected = network(x)
    given = x.astype(exported.inputs[0].dtype)
    np.testing.assert_allclose(answer(path, input=given), expected, rtol=1e-5, atol=1e-5)
    return exported
