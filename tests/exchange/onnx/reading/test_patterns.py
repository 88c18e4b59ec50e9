"""What other exporters write: pictures with channels last (tf2onnx, Keras), added biases, functions, branches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.nn.layers.onnx import OnnxGraph
from tests.exchange.onnx.reading.common import by_onnxruntime, model_of, node, write

RNG = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def layers(network: Any) -> str:
    kinds = getattr(network.architecture, "layers", None) or [entry[1] for entry in network.architecture.nodes]
    return " ".join(type(layer).__name__ for layer in kinds)


def same(model: Any, x: np.ndarray, folder: Path, **options: Any) -> Any:
    """The network, whose outputs are onnxruntime's, on both engines."""
    path = write(model, folder / "net.onnx")
    network = bl.from_onnx(path, **options)
    expected = by_onnxruntime(path, x)
    np.testing.assert_allclose(network(x), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(bl.compile(network)(x), expected, rtol=1e-5, atol=1e-5)
    return network


def test_pictures_with_channels_last(tmp_path: Path) -> None:
    """As tf2onnx writes Keras' Conv2D, BatchNormalization, MaxPooling2D, Flatten, Dense: no axis is moved at last."""
    model = model_of(
        [
            node("Transpose", "x", "first", "in", perm=[0, 3, 1, 2]),
            node("Conv", "first w b", "c", "conv", auto_pad="SAME_UPPER", strides=[2, 2], kernel_shape=[3, 3]),
            node("BatchNormalization", "c scale shift mean variance", "n", "norm", epsilon=1e-3),
            node("Relu", "n", "r", "act"),
            node("MaxPool", "r", "p", "pool", kernel_shape=[2, 2], strides=[2, 2]),
            node("Transpose", "p", "last", "out", perm=[0, 2, 3, 1]),
            node("Reshape", "last shape", "flat", "flatten"),
            node("MatMul", "flat dense", "m", "dense"),
            node("Add", "m bias", "s", "bias"),
            node("Softmax", "s", "y", "softmax", axis=-1),
        ],
        ("rows", 9, 8, 3),
        {
            "w": array(4, 3, 3, 3), "b": array(4), "scale": array(4), "shift": array(4), "mean": array(4),
            "variance": np.abs(array(4)) + 0.5, "shape": np.array([-1, 16]), "dense": array(16, 3), "bias": array(3),
        },
    )  # fmt: skip
    network = same(model, array(3, 9, 8, 3), tmp_path)
    assert layers(network) == "Conv2d BatchNorm ReLU MaxPool2d Flatten Linear Softmax"
    assert network.architecture.layers[0].padding == "same"
    assert bl.from_onnx(tmp_path / "net.onnx", logits=True)(array(1, 9, 8, 3)).shape == (1, 3)


def test_flatten_of_channels_first_puts_weights_in_order(tmp_path: Path) -> None:
    model = model_of(
        [
            node("Conv", "x w", "c"),
            node("Sigmoid", "c", "r"),
            node("Flatten", "r", "flat"),
            node("Dropout", "flat", "d"),
            node("Gemm", "d dense bias", "y", alpha=0.5, beta=2.0),
        ],
        ("rows", 2, 4, 5),
        {"w": array(3, 2, 2, 2), "dense": array(36, 4), "bias": array(4)},
    )
    network = same(model, array(2, 2, 4, 5), tmp_path)
    assert layers(network) == "Permute Conv2d Sigmoid Flatten Dropout Linear"


def test_a_flattened_picture_that_goes_elsewhere_is_put_in_order(tmp_path: Path) -> None:
    nodes = [node("Conv", "x w", "c"), node("Flatten", "c", "flat"), node("Mul", "flat factor", "y")]
    same(model_of(nodes, ("rows", 2, 4, 5), {"w": array(3, 2, 2, 2), "factor": array(36)}), array(2, 2, 4, 5), tmp_path)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("layout", [0, 1])
def test_recurrent_nodes(kind: str, direction: str, layout: int, tmp_path: Path) -> None:
    """All outputs of a recurrent node together: steps and last state; with the network's time first or the batch."""
    gates, ways = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind], 1 + (direction == "bidirectional")
    arrays = {"w": array(ways, gates * 4, 3), "r": array(ways, gates * 4, 4), "b": array(ways, gates * 8)}
    extra = {"linear_before_reset": 1} if kind == "GRU" else {}
    order = [0, 1, 2] if layout else [1, 0, 2]
    nodes = [
        node("Transpose", "x", "t", perm=order),
        node(kind, "t w r b", "- last", "body", hidden_size=4, direction=direction, layout=layout, **extra),
        node("Transpose", "last", "l", perm=order),
        node("Flatten", "l", "y"),
    ]
    steps = [
        node("Transpose", "x", "t", perm=order),
        node(kind, "t w r b", "steps last", "body", hidden_size=4, direction=direction, layout=layout, **extra),
        node("Transpose", "steps", "s", perm=[0, 1, 2, 3] if layout else [2, 0, 1, 3]),
        node("Flatten", "s", "f"),
        node("Transpose", "last", "l", perm=order),
        node("Flatten", "l", "g"),
        node("Concat", "f g", "y", axis=1),
    ]
    x, time_first = array(2, 5, 3), layout == 0
    for name, each in (("last", nodes), ("both", steps)):
        path = write(model_of(each, (None, 5, 3), arrays), tmp_path / f"{name}.onnx")
        network = bl.from_onnx(path)
        if name == "last":
            assert layers(network).split()[0] == ("Bidirectional" if ways > 1 else kind)
        if time_first:  # onnxruntime runs no other
            np.testing.assert_allclose(network(x), by_onnxruntime(path, x), rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(bl.compile(network)(x), by_onnxruntime(path, x), rtol=1e-5, atol=1e-5)
    if layout:  # the same weights give the same, whichever axis is time
        swapped = [node("Transpose", "x", "t", perm=[1, 0, 2]), *nodes[1:]]
        swapped[1] = node(kind, "t w r b", "- last", "body", hidden_size=4, direction=direction, **extra)
        swapped[2] = node("Transpose", "last", "l", perm=[1, 0, 2])
        path = write(model_of(swapped, (None, 5, 3), arrays), tmp_path / "swapped.onnx")
        np.testing.assert_allclose(
            bl.from_onnx(tmp_path / "last.onnx")(x), by_onnxruntime(path, x), rtol=1e-5, atol=1e-5
        )


def test_attention_by_hand_is_a_graph(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", "x q", "query", "query"),
        node("MatMul", "x k", "key", "key"),
        node("Transpose", "key", "kt", perm=[0, 2, 1]),
        node("MatMul", "query kt", "scores"),
        node("Mul", "scores half", "scaled"),
        node("Softmax", "scaled", "shares", axis=-1),
        node("MatMul", "shares x", "mixed"),
        node("Add", "mixed x", "y"),
    ]
    arrays = {"q": array(4, 6), "k": array(4, 6), "half": np.array(0.5, "float32")}
    network = same(model_of(nodes, ("rows", 5, 4), arrays), array(3, 5, 4), tmp_path)
    assert isinstance(network.architecture, OnnxGraph)
    assert {name for name, _ in network.architecture.parts()} >= {"query", "key", "softmax_shares"}
    run = bl.fit(network, array(20, 5, 4), array(20, 5, 4), epochs=2)
    assert len(run.history) == 2


def test_gelu_and_silu_taken_apart(tmp_path: Path) -> None:
    half, root, one = (np.array(v, "float32") for v in (0.5, np.sqrt(2), 1))
    nodes = [
        node("MatMul", "x w", "h"), node("Div", "h root", "d"), node("Erf", "d", "e"), node("Add", "e one", "a"),
        node("Mul", "h a", "m"), node("Mul", "m half", "g"), node("Sigmoid", "g", "s"), node("Mul", "g s", "y"),
    ]  # fmt: skip
    model = model_of(nodes, arrays={"w": array(3, 4), "half": half, "root": root, "one": one})
    assert layers(same(model, array(2, 3), tmp_path)) == "Linear GELU SiLU"


def test_sizes_that_are_computed(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "x", "sizes"), node("Gather", "sizes zero", "rows"), node("Unsqueeze", "rows zeros", "r"),
        node("Concat", "r rest", "target", axis=0), node("Reshape", "x target", "flat"), node("MatMul", "flat w", "y"),
    ]  # fmt: skip
    arrays = {"zero": np.array(0), "zeros": np.array([0]), "rest": np.array([-1]), "w": array(12, 2)}
    assert layers(same(model_of(nodes, ("rows", 4, 3), arrays), array(2, 4, 3), tmp_path)) == "Flatten Linear"


def test_open_sizes_are_asked_for(tmp_path: Path) -> None:
    nodes = [node("ReduceMean", "x", "m", axes=[1], keepdims=0), node("MatMul", "m w", "y")]
    model = model_of(nodes, ("rows", "time", 3), {"w": array(3, 2)}, version=13)
    path = write(model, tmp_path / "net.onnx")
    with pytest.raises(
        InputError, match=r"leaves sizes of its input open: x \(\?, \?, 3\) .* say input_shape.*\(20, 3\)"
    ):
        bl.from_onnx(path)
    network = same(model, array(2, 7, 3), tmp_path, input_shape=(7, 3))
    assert layers(network) == "GlobalAvgPool Linear"
    with pytest.raises(InputError, match=r"input_shape \(7, 4\) doesn't fit the file's input x \(\?, \?, 3\)"):
        bl.from_onnx(path, input_shape=(7, 4))


def test_one_of_several_outputs(tmp_path: Path) -> None:
    from onnx import helper

    model = model_of([node("MatMul", "x w", "a"), node("Relu", "a", "y")], arrays={"w": array(3, 2)})
    model.graph.output.append(helper.make_tensor_value_info("a", 1, None))
    path = write(model, tmp_path / "net.onnx")
    with pytest.raises(InputError, match=r"has 2 outputs, y, a: choose one, output='y'"):
        bl.from_onnx(path)
    assert layers(bl.from_onnx(path, output="a")) == "Linear"
    with pytest.raises(InputError, match="unknown output 'b'; Known: a, y"):
        bl.from_onnx(path, output="b")


def test_functions_of_the_file_are_put_in_place(tmp_path: Path) -> None:
    from onnx import helper

    body = [helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["c"])]
    function = helper.make_function("own", "Bent", ["a"], ["c"], body, [helper.make_opsetid("", 20)])
    model = model_of([node("MatMul", "x w", "h"), node("Bent", "h", "y", domain="own")], arrays={"w": array(3, 2)})
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    assert layers(same(model, array(2, 3), tmp_path)) == "Linear ReLU OnnxNode"


def test_backlits_own_files_come_back(tmp_path: Path) -> None:
    """Round trip: what Backlit wrote is what it reads."""
    pictures = (bl.Conv2d(4, 3, padding=1), bl.BatchNorm(), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(3))
    shapes = {
        (6,): bl.Sequential(
            bl.Linear(5), bl.Tanh(), bl.LayerNorm(), bl.Residual(bl.Linear(5), bl.GELU()), bl.Linear(2)
        ),
        (8, 8, 3): bl.Sequential(*pictures),
        (7, 3): bl.Sequential(bl.Bidirectional(bl.LSTM(4, return_sequences=True)), bl.GRU(3), bl.Linear(2)),
    }
    for shape, architecture in shapes.items():
        network = architecture.build(shape, seed=1)
        path = tmp_path / f"{len(shape)}{shape[0]}.onnx"
        network.export(path)
        again = bl.from_onnx(path, input_shape=shape)  # the length of sequences is left open
        x = array(3, *shape)
        np.testing.assert_allclose(again(x), network(x), rtol=1e-5, atol=1e-5)
        if shape != (6,):
            assert repr(again.architecture) == repr(architecture)


@pytest.mark.parametrize(
    ("pads", "fill", "shape", "kinds"),
    [
        ((0, 0, 0, 1, 0, 0, 1, 1), 0.0, (), "Permute Conv2d Permute"),
        ((0, 0, 2, 2, 0, 0, 2, 2), None, (), "Permute Conv2d Permute"),
        ((0, 0, 0, 1, 0, 0, 1, 1), 1.5, (), "Permute OnnxNode Conv2d Permute"),  # of other numbers
        ((0, 1, 0, 0, 0, 0, 0, 0), 0.0, (), "Permute OnnxNode Conv2d Permute"),  # a channel more
        ((0, 0, -1, 0, 0, 0, 0, 0), 0.0, (), "Permute OnnxNode Conv2d Permute"),  # cut
        ((0, 0, 0, 1, 0, 0, 1, 1), 0.0, (1, 1, 1, 1), None),  # the border is wanted by others, too
    ],
)
def test_zeros_around_pictures_are_the_convolution_s(
    pads: tuple[int, ...], fill: float | None, shape: tuple[int, ...], kinds: str | None, tmp_path: Path
) -> None:
    """As Keras writes padding="same" where it isn't the same on both sides."""
    given = {"pads": np.array(pads), "w": array(4, 2 + pads[1], 3, 3)}
    given |= {} if fill is None else {"fill": np.array(fill, "float32")}
    nodes = [node("Pad", "x pads fill" if fill is not None else "x pads", "p", "border")]
    nodes += [node("Conv", "p w", "c" if shape else "y", "conv", pads=[1, 0, 0, 1], strides=[2, 1])]
    if shape:
        nodes += [node("GlobalMaxPool", "p", "m", "most"), node("Add", "c k", "d", "shift")]
        nodes += [node("ReduceMax", "m axes", "n", "greatest", keepdims=1), node("Add", "d n", "y", "both")]
        given |= {"k": array(*shape), "axes": np.array([1])}
    network = same(model_of(nodes, ("rows", 2, 6, 5), given), array(3, 2, 6, 5), tmp_path)
    if kinds:
        assert layers(network) == kinds
    else:
        assert "OnnxNode" in layers(network)


@pytest.mark.parametrize("largest", [0, 1])
def test_greatest_numbers_and_their_places(largest: int, tmp_path: Path) -> None:
    model = model_of([node("TopK", "x k", "y places", "best", axis=1, largest=largest)], ("rows", 6), {"k": [3]})
    x = np.array([[1, 3, 3, 2, 3, 0], [5, 5, 5, 5, 5, 5], [6, 5, 4, 3, 2, 1]], dtype="float32")
    network = same(model, x, tmp_path)
    slope = bl.grad(lambda x: (network(x) * np.array([1.0, 2.0, 4.0], "float32")).sum())(x)
    expected = [[0, 1, 2, 0, 4, 0], [1, 2, 4, 0, 0, 0], [1, 2, 4, 0, 0, 0]]
    expected = expected if largest else [[2, 0, 0, 4, 0, 1], [1, 2, 4, 0, 0, 0], [0, 0, 0, 4, 2, 1]]
    np.testing.assert_array_equal(slope, expected)
    wrong = model_of([node("TopK", "x k", "y places", "best")], ("rows", 6), {"k": [7]})
    with pytest.raises(InputError, match=r"node best \(TopK\) asks for 7 of the 6 numbers along axis 1"):
        bl.from_onnx(write(wrong, tmp_path / "wrong.onnx"))
