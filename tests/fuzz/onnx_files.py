"""ONNX files with damage of two kinds: bytes that have changed, and graphs whose parts say what they shouldn't."""

from functools import cache
from typing import Any

import numpy as np

import backlit as bl
from tests.fuzz.damage import damaged
from tests.fuzz.frame import Case, Fault, fuzzer

WORDS = ["", "x", "y", "../out", "/etc/passwd", "\x00", "h" * 3000, "가", "w", "Relu", "\x1b[2J", "1"]
NUMBERS = [0, 1, -1, 2, 3, 7, 8, 16, 2**31, -(2**31), 2**62, -(2**63)]
FLOATS = [0.0, -1.0, 1e-30, 1e30, float("nan"), float("inf")]
OPERATORS = [
    "Relu", "Gemm", "Conv", "LSTM", "Reshape", "Transpose", "Slice", "If", "Loop", "Gather", "Concat", "Split", "Pad",
    "Tile", "BatchNormalization", "MaxPool", "Einsum", "Expand", "Range", "ConstantOfShape", "OneHot", "Scaler",
]  # fmt: skip


@cache
def originals() -> tuple[bytes, ...]:
    """Files of several kinds: layers one after another, pictures, sequences, a graph with branches."""
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(0)

    def model(nodes: list[Any], sizes: list[Any], **arrays: Any) -> bytes:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", 1, sizes)],
            [helper.make_tensor_value_info("y", 1, None)],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()

    def array(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype("float32")

    node = helper.make_node
    dense = [
        node("Gemm", ["x", "w", "b"], ["h"], transB=1, alpha=0.5),
        node("LayerNormalization", ["h", "s"], ["n"], axis=-1),
        node("LeakyRelu", ["n"], ["r"], alpha=0.1),
        node("MatMul", ["r", "v"], ["y"]),
    ]
    pictures = [
        node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]),
        node("BatchNormalization", ["c", "s", "s", "s", "one"], ["n"]),
        node("MaxPool", ["n"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", ["p", "shape"], ["f"]),
        node("Gemm", ["f", "d"], ["y"]),
    ]
    sequences = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("LSTM", ["t", "w", "r"], ["", "last"], hidden_size=2),
        node("Squeeze", ["last", "zero"], ["y"]),
    ]
    branches = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Sigmoid", ["a"], ["g"]),
        node("Mul", ["a", "g"], ["m"]),
        node("Concat", ["m", "x"], ["c"], axis=1),
        node("Slice", ["c", "zero", "two", "onei"], ["y"]),
    ]
    one, zero, two = np.ones(2, "float32"), np.array([0]), np.array([2])
    return (
        model(dense, ["n", 3], w=array(4, 3), b=array(4), s=array(4), v=array(4, 2)),
        model(
            pictures, ["n", 2, 4, 4], w=array(2, 2, 3, 3), s=array(2), one=one, shape=np.array([0, -1]), d=array(8, 3)
        ),
        model(sequences, ["n", 4, 3], w=array(1, 8, 3), r=array(1, 8, 2), zero=zero),
        model(branches, ["n", 3], w=array(3, 3), zero=zero, two=two, onei=np.array([1])),
    )


@fuzzer("ONNX files", ci=200)
def onnx_files(case: Case) -> None:
    rng = case.rng
    content = rng.choice(originals())
    changed = damaged(rng, content, rng.choice(originals())) if rng.random() < 0.3 else forged(rng, content)
    path = case.folder / "net.onnx"
    path.write_bytes(changed)
    network = case.call(bl.from_onnx, path)
    if network is None:
        return
    x = np.zeros((2, *network.input_shape), "int64" if network.takes_integers else network.dtype)
    with np.errstate(all="ignore"):
        output = case.call(network, x)
    if output is not None and output.shape[0] != 2:
        raise Fault(f"two rows became {output.shape}")
    if rng.random() < 0.2:
        again = bl.Layer.from_dict(network.architecture.to_dict())
        if again != network.architecture:
            raise Fault("the architecture doesn't come back from what it tells")


def forged(rng: Any, content: bytes) -> bytes:
    """The file with some of its parts replaced by others that are well formed."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        rng.choice([_node, _node, _attribute, _attribute, _array, _input, _whole])(rng, model)
    return model.SerializeToString()


def _node(rng: Any, model: Any) -> None:
    nodes = model.graph.node
    if not nodes:
        return
    node, other = rng.choice(nodes), rng.choice(nodes)
    change = rng.randrange(6)
    if change == 0:
        node.op_type = rng.choice([*OPERATORS, *WORDS])
    elif change == 1 and node.input:
        names = [*other.input, *other.output, *WORDS]
        node.input[rng.randrange(len(node.input))] = rng.choice(names)
    elif change == 2:
        node.input.append(rng.choice([*other.output, *other.input, *WORDS]))
    elif change == 3 and node.output:
        node.output[0] = rng.choice([*other.output, *WORDS])
    elif change == 4:
        node.domain = rng.choice(WORDS)
    else:
        nodes.remove(node)


def _attribute(rng: Any, model: Any) -> None:
    from onnx import helper

    nodes = [node for node in model.graph.node if node.attribute]
    if not nodes:
        return
    node = rng.choice(nodes)
    name = rng.choice(node.attribute).name if rng.random() < 0.9 else rng.choice(WORDS) or "axis"
    numbers = [rng.choice(NUMBERS) for _ in range(rng.randrange(1, 5))]
    values = [rng.choice(NUMBERS), rng.choice(FLOATS), rng.choice(WORDS), numbers, [rng.choice(FLOATS)], ["a"]]
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.append(helper.make_attribute(name, rng.choice(values)))


def _array(rng: Any, model: Any) -> None:
    if not model.graph.initializer:
        return
    tensor = rng.choice(model.graph.initializer)
    change = rng.randrange(5)
    if change == 0:
        tensor.data_type = rng.randrange(0, 30)
    elif change == 1 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(NUMBERS)
    elif change == 2:
        tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)]
    elif change == 3:
        tensor.name = rng.choice(WORDS)
    else:
        tensor.data_location = 1
        for key, value in (("location", rng.choice(WORDS)), ("offset", str(rng.choice(NUMBERS)))):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value


def _input(rng: Any, model: Any) -> None:
    if not model.graph.input:
        return
    tensor = rng.choice(model.graph.input).type.tensor_type
    if rng.random() < 0.3:
        tensor.elem_type = rng.randrange(0, 20)
    elif tensor.shape.dim:
        rng.choice(tensor.shape.dim).dim_value = rng.choice(NUMBERS[:8])


def _whole(rng: Any, model: Any) -> None:
    change = rng.randrange(4)
    if change == 0 and model.opset_import:
        model.opset_import[0].version = rng.choice(NUMBERS)
    elif change == 1 and model.graph.output:
        model.graph.output[0].name = rng.choice(WORDS)
    elif change == 2:
        model.graph.node.extend(list(model.graph.node))
    else:
        nodes = list(model.graph.node)[::-1]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
