"""Networks that Keras 3 itself exported, with its PyTorch backend: outputs as ONNX Runtime's."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.errors import BacklitWarning
from backlit.nn.layers.onnx import OnnxGraph
from tests.exchange.onnx.reading.common import by_onnxruntime

pytest.importorskip("torch")
pytest.importorskip("keras")

EXPORT = """
import sys
import numpy as np
import keras
from keras import layers as of

MODELS = {
    "dense": [keras.Input((5,)), of.Dense(8, "relu"), of.Dense(8, "gelu"), of.Dropout(0.5), of.Dense(3, "softmax")],
    "pictures": [
        keras.Input((10, 10, 3)), of.Conv2D(4, 3, padding="same", activation="relu"), of.BatchNormalization(),
        of.MaxPooling2D(), of.Conv2D(6, 3, strides=2), of.ReLU(), of.AveragePooling2D(2), of.Flatten(), of.Dense(3),
    ],
    "mean": [
        keras.Input((9, 10, 3)), of.Conv2D(4, 3, strides=2, padding="same"), of.BatchNormalization(),
        of.Activation("silu"), of.GlobalAveragePooling2D(), of.Dense(2),
    ],
    "line": [keras.Input((12, 3)), of.Conv1D(4, 3, padding="causal", activation="elu"), of.MaxPooling1D(2),
             of.GlobalMaxPooling1D(), of.Dense(2)],
    "apart": [keras.Input((6, 6, 3)), of.SeparableConv2D(4, 3), of.LeakyReLU(), of.ZeroPadding2D(1), of.Conv2D(2, 3),
              of.Flatten(), of.Dense(2)],
    "lstm": [keras.Input((5, 3)), of.LSTM(4, return_sequences=True), of.LSTM(3), of.Dense(2)],
    "gru": [keras.Input((5, 3)), of.GRU(4), of.Dense(2)],
    "words": [keras.Input((5,), dtype="int32"), of.Embedding(9, 3), of.Bidirectional(of.LSTM(4)), of.Dense(2)],
}
rng = np.random.default_rng(0)
for name, layers in MODELS.items():
    model = keras.Sequential(layers)
    for weight in model.weights:
        weight.assign(0.2 + np.abs(rng.normal(size=weight.shape)) if "variance" in weight.path
                      else 0.4 * rng.normal(size=weight.shape))
    model.predict(np.zeros((1, *model.input_shape[1:])), verbose=0)
    model.export(f"{sys.argv[1]}/{name}.onnx", format="onnx", verbose=False)
"""
# The layers that must come of each (None: a graph, of steps that were unrolled).
LAYERS = {
    "dense": "Linear ReLU Linear GELU Linear Softmax",
    "pictures": "Conv2d ReLU OnnxNode OnnxNode OnnxNode MaxPool2d Conv2d ReLU AvgPool2d Flatten Linear",
    "mean": "Conv2d OnnxNode OnnxNode OnnxNode SiLU GlobalAvgPool Linear",
    "line": "Conv1d ELU MaxPool1d GlobalMaxPool Linear",
    "apart": "Conv2d Conv2d LeakyReLU Conv2d Flatten Linear",
    "lstm": None,
    "gru": None,
    "words": None,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All models, exported by one process: Keras's backend is chosen when it is imported."""
    folder = tmp_path_factory.mktemp("keras")
    environment = {**os.environ, "KERAS_BACKEND": "torch", "KERAS_HOME": str(folder)}
    command = [sys.executable, "-W", "ignore", "-c", EXPORT, folder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return folder


def drawn(name: str, network: bl.Network) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = (7, *network.input_shape)
    return rng.integers(0, 9, shape).astype("int32") if name == "words" else rng.normal(size=shape).astype("float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_outputs(name: str, folder: Path) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", BacklitWarning)
        network = bl.from_onnx(folder / f"{name}.onnx")
    x = drawn(name, network)
    expected = by_onnxruntime(folder / f"{name}.onnx", x)
    assert np.ptp(expected, axis=0).min() > 1e-3
    np.testing.assert_allclose(network(x), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(bl.compile(network)(x), expected, rtol=1e-5, atol=1e-5)
    layers = LAYERS[name]
    if layers is None:  # the same weights at each step
        assert isinstance(network.architecture, OnnxGraph)
        assert [str(one.message) for one in told] == [str(told[0].message)]
        assert "weights that several nodes of the file share" in str(told[0].message)
    else:
        assert not told
        assert " ".join(type(layer).__name__ for layer in network.architecture.layers) == layers  # type: ignore[attr-defined]


def test_trains_on(folder: Path) -> None:
    network = bl.from_onnx(folder / "pictures.onnx")
    x = drawn("pictures", network)
    y = np.arange(len(x)) % 3
    run = bl.fit(network, x, y, epochs=40, optimizer=bl.Adam(0.01), batch_size=None, progress=False, probes=False)
    losses = run.history["loss"]
    assert losses[-1] < 0.2 * losses[0]
