"""Every layer of the registry, with its options, gives in ONNX Runtime what it gives in Backlit."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.exchange.onnx.mapping import writers
from backlit.nn.layer import Layer
from backlit.nn.layers.onnx import OnnxNode
from tests.exchange.onnx.common import agree, answer, network_of, operators
from tests.nn.layers.test_every_layer import CASES, inputs
from tests.owned import is_own

WIRED = {"a": bl.Linear(4), "b": bl.Tanh(), "c": bl.Linear(4), "d": bl.Sigmoid()}
EDGES = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("input", "a"), ("b", "output"), ("d", "output")]
MORE: list[tuple[Layer, tuple[int, ...]]] = [
    (bl.PReLU(by_feature=True), (4, 4, 3)),
    (bl.Sequential(bl.Conv2d(3, 3), bl.PReLU(by_feature=True), bl.MaxPool2d(2)), (6, 6, 2)),
    (bl.Sequential(bl.Conv2d(3, 3), bl.BatchNorm(), bl.Softmax(), bl.LayerNorm()), (6, 6, 2)),
    (bl.Sequential(bl.Conv2d(4, 3, padding="same"), bl.Residual(bl.Conv2d(4, 3, padding="same"))), (5, 6, 2)),
    (bl.Parallel(bl.Conv2d(2, 3), bl.Conv2d(3, 3)), (5, 5, 2)),
    (bl.Parallel(bl.Conv2d(2, 3), bl.Conv2d(2, 3), combine="mean"), (5, 5, 2)),
    (bl.Parallel(bl.Linear(3), bl.Linear(3), combine="mean_softmax"), (4,)),
    (bl.Parallel(bl.Linear(1), bl.Linear(1), bl.Linear(1), combine="mean_sigmoid"), (4,)),
    (bl.Parallel(bl.Linear(2), combine="mean_softmax"), (4,)),
    (bl.Parallel(bl.Embedding(7, 3), bl.OneHot(7)), (4,)),
    (bl.Wired(WIRED, EDGES, combine="weighted"), (3,)),
    (bl.Wired(WIRED, EDGES, combine="mean"), (3,)),
    (bl.Sequential(bl.Embedding(7, 3), bl.Flatten(), bl.Temperature(2.0)), (4,)),
    (bl.Residual(bl.Conv1d(3, 3, 2, "same"), stride=2), (7, 2)),
    (bl.EmbedColumns((5,), (2,)), (1,)),
    (bl.LayerNorm(axes=3, epsilon=0.1), (2, 3, 4)),
    (bl.BatchNorm(epsilon=0.1), (4, 3, 2)),
    (bl.Conv1d(2, 3, dilation=2, padding=2, bias=False), (8, 3)),
    (bl.Conv2d(2, 3, stride=(2, 3), padding="same"), (7, 8, 2)),
    (bl.ConvTranspose2d(2, 3, stride=3, padding="same"), (4, 3, 2)),
    (bl.ConvTranspose2d(2, 2, stride=3, padding="same"), (4, 3, 2)),
    (bl.ConvTranspose1d(2, 3, dilation=2, stride=2, bias=False), (4, 3)),
    (bl.MaxPool1d(3, stride=2, padding=1), (7, 2)),
    (bl.AvgPool2d(3, stride=2, padding=((1, 0), (0, 1))), (6, 7, 2)),
    (bl.AdaptiveAvgPool2d(2), (4, 6, 2)),
    (bl.AdaptiveAvgPool2d(4), (3, 7, 2)),
    (bl.GlobalAvgPool(), (5, 2)),
    (bl.GlobalMaxPool(), (5, 2)),
    (bl.RNN(3, reverse=True, bias=False, activation="relu"), (4, 2)),
    (bl.LSTM(3, bias=False, reverse=True), (4, 2)),
    (bl.LSTM(3, peepholes=True, return_sequences=True), (4, 2)),
    (bl.LSTM(3, peepholes=True, projection=2, return_sequences=True, reverse=True, initial="learned"), (4, 2)),
    (bl.LSTM(3, projection=2, bias=False), (4, 2)),
    (bl.LSTM(3, initial="learned", stateful=5), (4, 2)),
    (bl.GRU(3, bias=False), (4, 2)),
    (bl.GRU(3, reset_after=False, return_sequences=True), (4, 2)),
    (bl.Bidirectional(bl.LSTM(3, return_sequences=True, peepholes=True)), (4, 2)),
    (bl.Bidirectional(bl.GRU(3, return_sequences=True, initial="learned"), combine="sum"), (4, 2)),
    (bl.Bidirectional(bl.RNN(3), combine="mean"), (4, 2)),
    (bl.Bidirectional(bl.LSTM(3, projection=2, return_sequences=True)), (4, 2)),
    (bl.Sequential(bl.GRU(3, return_sequences=True), bl.LayerNorm(), bl.LSTM(2), bl.Linear(1)), (4, 2)),
    (bl.EachStep(bl.Conv2d(2, 2), bl.ReLU(), bl.GlobalMaxPool()), (3, 4, 4, 1)),
    (bl.EachStep(bl.LSTM(2, initial="learned")), (3, 4, 2)),
    (bl.ScaledDotProductAttention(3, rotary=True), (4, 18)),
    (bl.TransformerBlock(4, 2, activation="relu", norm_first=False), (3, 4)),
    (bl.RMSNorm(axes=3, epsilon=0.1), (2, 3, 4)),
    (bl.Permute((3, 1, 2)), (2, 3, 4)),
    (bl.Sequential(bl.Conv2d(3, 2), bl.Permute((2, 1, 3)), bl.Select(1, axis=3)), (4, 5, 2)),
    (bl.Select(2, axis=2), (2, 3, 4)),
    (OnnxNode("ReduceMean", (("input",),), (("axes", (1,)), ("keepdims", 0)), 13), (4, 3)),
    (OnnxNode("Reshape", (("input",), ("sizes", ((0, 1), (12, 0)))), (), 14), (4, 3)),
    (OnnxNode("Split", (("input",),), (("axis", 1), ("split", (1, 3))), 11, output=1, outputs=2), (4, 3)),
    (OnnxNode("Add", (("input",), ("filled", "float32", ((0, 1), (1, 0), (3, 0)), 2.5))), (4, 3)),
    (bl.Decoder(6, 4, units=4, embedding=2, cell="rnn", layers=2), (3, 4)),
    (bl.Decoder(6, 4, units=4, embedding=2, attention="dot"), (5, 3)),
]
ALL = [*CASES, *MORE]
each = pytest.mark.parametrize(("layer", "shape"), ALL, ids=lambda case: str(case))


def test_every_layer_of_the_package_has_a_mapping() -> None:
    own = {kind for kind in Layer.kinds.values() if is_own(kind)}
    assert own <= set(writers())
    assert {type(layer) for layer, _ in ALL} >= own


@each
def test_outputs_are_equal(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator, tmp_path: Path) -> None:
    network, x = network_of(layer, shape, rng), inputs(layer, shape, rng, "float32")
    exported = agree(network, tmp_path / "net.onnx", x)
    assert exported.inputs[0].shape[0] == exported.outputs[0].shape[0] == "batch"
    assert exported.difference is not None
    assert exported.difference.largest < 1e-5
    one = answer(tmp_path / "net.onnx", input=x[:1].astype(exported.inputs[0].dtype))  # the file knows no batch size
    assert one.shape == (1, *network.output_shape)


@pytest.mark.parametrize("opset", [18, 19, 21, 23])
@pytest.mark.parametrize("layer", [bl.GELU(), bl.GELU(approximate=True), bl.RMSNorm(), bl.LayerNorm()])
def test_older_and_newer_opsets(layer: Layer, opset: int, rng: np.random.Generator, tmp_path: Path) -> None:
    exported = agree(network_of(layer, (4,), rng), tmp_path / "net.onnx", inputs(layer, (4,), rng), opset=opset)
    assert exported.opset == opset
    assert ("Gelu" in exported.operators) == (isinstance(layer, bl.GELU) and opset >= 20)
    assert ("RMSNormalization" in exported.operators) == (isinstance(layer, bl.RMSNorm) and opset >= 23)


# ------------------------------------------------------------------------------------ native operators


def test_what_netron_shows_is_what_was_built(tmp_path: Path) -> None:
    network = bl.Sequential(
        bl.Rescale((127.0,), (64.0,)), bl.Conv2d(4, 3), bl.BatchNorm(), bl.ReLU(), bl.MaxPool2d(2), bl.Conv2d(8, 3),
        bl.GELU(), bl.GlobalAvgPool(), bl.Dropout(0.5), bl.Linear(10),
    ).build((28, 28, 1))  # fmt: skip
    network.export(tmp_path / "net.onnx", dtype="uint8")
    turned_once = ["Cast", "Sub", "Mul", "Transpose"]
    assert operators(tmp_path / "net.onnx") == [
        *turned_once, "Conv", "BatchNormalization", "Relu", "MaxPool", "Conv", "Gelu", "GlobalAveragePool", "Squeeze",
        "Gemm",
    ]  # fmt: skip


def test_both_directions_are_one_operator(tmp_path: Path) -> None:
    network = bl.Sequential(bl.Embedding(50, 8), bl.Bidirectional(bl.LSTM(4)), bl.Linear(2)).build((6,))
    network.export(tmp_path / "net.onnx")
    assert operators(tmp_path / "net.onnx") == ["Gather", "Transpose", "LSTM", "Transpose", "Reshape", "Gemm"]


def test_nodes_and_weights_have_the_network_s_own_names(tmp_path: Path) -> None:
    import onnx

    network = bl.Sequential(bl.Linear(3), bl.Residual(bl.Linear(3), bl.Tanh())).build((2,))
    network.export(tmp_path / "net.onnx")
    graph = onnx.load(tmp_path / "net.onnx").graph
    assert [node.name for node in graph.node] == ["0/Gemm", "1/body/0/Gemm", "1/body/1/Tanh", "1/Add"]
    assert {tensor.name for tensor in graph.initializer} == {
        "0/weight", "0/bias", "1/body/0/weight", "1/body/0/bias",
    }  # fmt: skip


# ------------------------------------------------------------------------- sequences of any length, and padding


def longer(
    layer: Layer, shape: tuple[int, ...], rng: np.random.Generator, tmp_path: Path, times: tuple[int, ...]
) -> Any:
    """Export for one length, compare at others: the same weights serve them."""
    network = network_of(layer, shape, rng)
    exported = network.export(tmp_path / "net.onnx")
    assert exported.inputs[0].shape[1] == "time"
    for time in times:
        x = inputs(layer, (time, *shape[1:]), rng, "float32")
        expected = type(network)(network.architecture, network.params, x.shape[1:], network.state)(x)
        got = answer(tmp_path / "net.onnx", input=x.astype(exported.inputs[0].dtype))
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    return exported


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (bl.LSTM(3, return_sequences=True), (4, 2)),
        (bl.LSTM(3, projection=2, reverse=True), (4, 2)),
        (bl.Sequential(bl.Bidirectional(bl.GRU(3, return_sequences=True)), bl.BatchNorm(), bl.RNN(2)), (4, 2)),
        (bl.Sequential(bl.Embedding(7, 3), bl.Conv1d(4, 3, padding="same"), bl.ReLU(), bl.GlobalMaxPool()), (5,)),
        (bl.Sequential(bl.Embedding(7, 3), bl.Conv1d(4, 3), bl.GlobalAvgPool()), (5,)),
        (bl.Sequential(bl.EachStep(bl.Linear(3)), bl.LSTM(3, initial="learned")), (4, 2)),
        (bl.Sequential(bl.GRU(2, return_sequences=True), bl.Select(-1)), (4, 2)),
        (bl.Sequential(bl.Embedding(7, 5), bl.PositionalEncoding(), bl.MultiHeadAttention(4, 2, causal=True)), (4,)),
        (bl.Sequential(bl.Embedding(7, 4), bl.TransformerBlock(4, 2, rotary=True), bl.GlobalAvgPool()), (4,)),
        (bl.Residual(bl.LSTM(2, return_sequences=True)), (4, 2)),
        (bl.Residual(bl.LSTM(3, return_sequences=True)), (4, 2)),
        (bl.Decoder(6, 3, units=4, embedding=2, attention="additive"), (4, 2)),
        (bl.EncoderDecoder(bl.Embedding(7, 3), bl.Decoder(6, 3, units=4, attention="dot"), padding=9), (4,)),
    ],
    ids=str,
)
def test_any_length(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator, tmp_path: Path) -> None:
    longer(layer, shape, rng, tmp_path, (3, 4, 9))


def test_a_layer_that_relies_on_the_length_keeps_it(rng: np.random.Generator, tmp_path: Path) -> None:
    network = network_of(bl.Sequential(bl.Conv1d(3, 3, 2, "same"), bl.LSTM(2)), (7, 2), rng)
    exported = agree(network, tmp_path / "net.onnx", inputs(bl.LSTM(2), (7, 2), rng, "float32"))
    assert exported.inputs[0].shape == ("batch", 7, 2)
    assert [str(said) for said in exported.outside] == ["sequences have the length 7, which some layer relies on"]


PADDED: list[Layer] = [
    bl.RNN(3),
    bl.LSTM(3, return_sequences=True, reverse=True),
    bl.LSTM(3, projection=2, return_sequences=True),
    bl.LSTM(3, peepholes=True, projection=2, reverse=True),
    bl.GRU(3, return_sequences=True, initial="learned"),
    bl.Bidirectional(bl.LSTM(3, return_sequences=True)),
    bl.Bidirectional(bl.GRU(3), combine="sum"),
    bl.Sequential(bl.GRU(3, return_sequences=True), bl.Bidirectional(bl.RNN(2, return_sequences=True)), bl.GRU(2)),
    bl.Sequential(bl.Conv1d(3, 3, padding="same"), bl.GlobalAvgPool()),
    bl.Sequential(bl.Linear(3), bl.GlobalMaxPool()),
    bl.Sequential(bl.EachStep(bl.Linear(3), bl.Tanh()), bl.GRU(2)),
    bl.Sequential(bl.Linear(4), bl.PositionalEncoding(), bl.TransformerBlock(4, 2, rotary=True), bl.GRU(2)),
    bl.Sequential(bl.Linear(4), bl.MultiHeadAttention(4, 2, causal=True, rotary=True), bl.GlobalMaxPool()),
]


@pytest.mark.parametrize("layer", PADDED, ids=str)
@pytest.mark.parametrize("value", [0.0, math.nan], ids=["zeros", "NaN"])
def test_padding_anywhere_changes_nothing(layer: Layer, value: float, rng: np.random.Generator, tmp_path: Path) -> None:
    """At the ends, at the start, in the middle, with one feature that happens to equal the padding."""
    network = network_of(bl.Masked(layer, value=value), (6, 2), rng)
    x = rng.normal(size=(5, 6, 2)).astype("float32")
    x[0, 4:], x[1, :2], x[2, 2:4], x[3, 1:] = value, value, value, value
    x[4, 0, 0] = 0.0
    exported = agree(network, tmp_path / "net.onnx", x)
    assert exported.inputs[0].shape[1] == "time"
    (empty,) = answer(tmp_path / "net.onnx", input=np.full((1, 6, 2), value, "float32"))
    assert np.isnan(empty).all()


def test_a_decoder_looks_at_nothing_that_is_padding(rng: np.random.Generator, tmp_path: Path) -> None:
    reader = bl.Sequential(bl.Embedding(9, 3), bl.Bidirectional(bl.GRU(3, return_sequences=True)))
    for attention in ("dot", "additive", None):
        writer = bl.Decoder(6, 5, units=4, embedding=2, attention=attention)
        network = network_of(bl.EncoderDecoder(reader, writer, padding=0), (6,), rng)
        x = rng.integers(1, 9, (5, 6))
        x[0, 3:], x[1, 1:] = 0, 0
        agree(network, tmp_path / "net.onnx", x, overwrite=True)


# -------------------------------------------------------------------------------------------- refused


def test_states_beside_the_output_are_refused(tmp_path: Path) -> None:
    network = bl.LSTM(3, return_states=True).build((4, 2))
    with pytest.raises(bl.InputError, match=r"return_states.*leave return_states out"):
        network.export(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_node_that_meant_something_else_in_its_opset_is_refused(tmp_path: Path) -> None:
    network = bl.Sequential(OnnxNode("Softmax", (("input",),), (("axis", 1),), 11)).build((4, 3))
    with pytest.raises(bl.InputError, match=r"layer 0 .*: Softmax of opset 11 has another form in opset 20"):
        network.export(tmp_path / "net.onnx")
