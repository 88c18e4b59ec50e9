"""Files that can't be networks: what is wrong is said, with its node, and nothing is read from elsewhere."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from tests.exchange.onnx.reading.common import model_of, node, write

W = np.eye(3, 2, dtype="float32")


def refuse(model: Any, folder: Path, message: str) -> None:
    content = model if isinstance(model, bytes) else model.SerializeToString()
    path = folder / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as told:
        bl.from_onnx(path)
    assert str(told.value).count(str(path)) >= 1
    assert sorted(each.name for each in folder.iterdir() if each.name.endswith(".onnx")) == ["bad.onnx"]


def dense(**attributes: Any) -> Any:
    return model_of([node("Gemm", "x w", "y", "head", **attributes)], arrays={"w": W})


def test_no_file_and_no_onnx(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"can't be read: .*No such file"):
        bl.from_onnx(tmp_path / "none.onnx")
    with pytest.raises(InputError, match=r"takes the path of a file, 'model.onnx' say, got 7"):
        bl.from_onnx(7)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"no regular file|can't be read"):
        bl.from_onnx(tmp_path)
    refuse(b"", tmp_path, "is no ONNX file, or damaged: it holds no graph")
    refuse(b"PK\x03\x04 nothing of the kind", tmp_path, "is no ONNX file, or damaged")
    refuse(
        dense().SerializeToString()[:60], tmp_path, "is no ONNX file, or damaged|is made by no node|which nothing makes"
    )


def test_unknown_operators_are_named_with_their_node(tmp_path: Path) -> None:
    refuse(
        model_of([node("Det", "x", "y", "best")]),
        tmp_path,
        r"node best \(Det\): Backlit has no such operator; it has 1\d\d: Abs, Add, ",
    )
    other = model_of([node("FusedMatMul", "x w", "y", "fast", domain="com.microsoft")], arrays={"w": W})
    refuse(other, tmp_path, r"node fast \(FusedMatMul\) is of the domain 'com.microsoft'; Backlit reads ONNX's own")


def test_control_flow_and_sizes_that_depend_on_numbers(tmp_path: Path) -> None:
    from onnx import helper

    body = helper.make_graph([], "body", [], [])
    loop = model_of([node("If", "x", "y", "choice", then_branch=body, else_branch=body)])
    refuse(
        loop,
        tmp_path,
        r"node choice \(If\) decides while it runs what is computed: dynamic control flow can't be compiled",
    )
    moving = model_of(
        [node("ReduceSum", "x", "s", keepdims=0), node("Cast", "s", "n", to=7), node("Expand", "x n", "y", "wide")]
    )
    refuse(moving, tmp_path, r"node wide \(Expand\) takes its input 'n' from numbers that the network computes")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"transB": 1.5}, r"node head \(Gemm\): attribute transB must be a whole number, got 1.5"),
        ({"alpha": "large"}, r"node head \(Gemm\): attribute alpha must be a number, got 'large'"),
        ({"alpha": [1.0]}, r"node head \(Gemm\): attribute alpha must be a number, got \(1.0,\)"),
        ({"beta2": 1.0}, r"node head \(Gemm\) has an attribute 'beta2'; known: alpha, beta, transA, transB"),
    ],
)
def test_mistyped_attributes(attributes: dict[str, Any], message: str, tmp_path: Path) -> None:
    refuse(dense(**attributes), tmp_path, message)


def test_wrong_attributes_of_windows(tmp_path: Path) -> None:
    def conv(**attributes: Any) -> Any:
        return model_of(
            [node("Conv", "x w", "y", "conv", **attributes)],
            ("rows", 2, 5, 5),
            {"w": np.zeros((3, 2, 2, 2), "float32")},
        )

    refuse(conv(strides=[1]), tmp_path, r"node conv \(Conv\) needs 2 strides of at least 1, got \(1,\)")
    refuse(conv(pads=[-1, 0, 0, 0]), tmp_path, r"node conv \(Conv\) needs 4 pads of at least 0")
    refuse(conv(kernel_shape=[3, 3]), tmp_path, r"has kernel_shape \(3, 3\), but a weight of shape \(3, 2, 2, 2\)")
    refuse(conv(auto_pad="SOME"), tmp_path, r"has auto_pad='SOME'; Backlit knows 'NOTSET', 'SAME_UPPER'")
    refuse(conv(group=2), tmp_path, r"node conv \(Conv\) can't be computed|channels")


def test_graphs_that_are_none(tmp_path: Path) -> None:
    circle = model_of([node("Add", "x b", "a", "one"), node("Relu", "a", "b", "two"), node("Relu", "b", "y", "three")])
    refuse(circle, tmp_path, r"node one \(Add\) waits for its own result: connections run in a circle")
    refuse(
        model_of([node("Relu", "nothing", "y", "act")]),
        tmp_path,
        r"node act \(Relu\) takes the value 'nothing', which nothing makes",
    )
    twice = model_of([node("Relu", "x", "y", "one"), node("Tanh", "x", "y", "two")])
    refuse(twice, tmp_path, r"node two \(Tanh\) makes the value 'y', which is there already")
    refuse(model_of([node("Relu", "x", "z")]), tmp_path, "its output 'y' is made by no node")
    refuse(
        model_of([node("Identity", "x", "y")]), tmp_path, "its output 'y' is its input as it is: there is no network"
    )
    unsorted = model_of([node("Relu", "h", "y", "act"), node("MatMul", "x w", "h", "dense")], arrays={"w": W})
    path = write(unsorted, tmp_path / "unsorted.onnx")  # some tools write nodes in another order: that is no harm
    assert repr(bl.from_onnx(path).architecture) == "Sequential(Linear(2, bias=False), ReLU())"


def test_versions_and_types(tmp_path: Path) -> None:
    refuse(
        model_of([node("Relu", "x", "y")], version=6),
        tmp_path,
        r"it uses version 6 of ONNX's operators \(opset\); Backlit reads 7 to \d+",
    )
    refuse(model_of([node("Relu", "x", "y")], version=999), tmp_path, "it uses version 999 of ONNX's operators")
    refuse(
        model_of([node("Relu", "x", "y")], kind=16),
        tmp_path,
        "its input 'x' is of ONNX's type number 16, which Backlit doesn't have",
    )
    refuse(
        model_of([node("Relu", "x", "y")], kind=8),
        tmp_path,
        r"its input x \(\?, 3\) of text is texts, which no network takes",
    )
    wrong = dense()
    wrong.graph.initializer[0].data_type = 16
    refuse(wrong, tmp_path, "array 'w' is of type BFLOAT16, which Backlit doesn't have; it has float32,")
    refuse(
        model_of([node("Cast", "x", "y", "cast", to=17)]),
        tmp_path,
        r"node cast \(Cast\) asks for ONNX's type number 17",
    )


def test_damaged_arrays(tmp_path: Path) -> None:
    for dims, message in (
        ([3, 3], "array 'w' is damaged"),
        ([-1, 2], r"array 'w' has sizes"),
        ([2**40, 2**40], "weights, the limit is"),
    ):
        wrong = dense()
        del wrong.graph.initializer[0].dims[:]
        wrong.graph.initializer[0].dims.extend(dims)
        refuse(wrong, tmp_path, message)
    with bl.limits(parameters=5):
        refuse(dense(), tmp_path, "weights, the limit is 5")
    with bl.limits(layers=1):
        refuse(
            model_of([node("Relu", "x", f"v{i}") for i in range(60)] + [node("Relu", "v1", "y")]),
            tmp_path,
            "the limit is 1;",
        )


def test_shapes_that_do_not_fit(tmp_path: Path) -> None:
    refuse(model_of([node("MatMul", "x w", "y", "product")], ("rows", 4), {"w": W}), tmp_path, "matmul|product")
    refuse(
        model_of([node("Reshape", "x s", "y", "view")], arrays={"s": np.array([0, 5])}),
        tmp_path,
        r"node view \(Reshape\) can't make shape \(0, 5\) of \(2, 3\)|can't make shape",
    )
    fixed = model_of(
        [node("Reshape", "x s", "h", "view"), node("Reshape", "h t", "y", "back")],
        (4, 6),
        {"s": np.array([2, 12]), "t": np.array([4, 6])},
    )
    refuse(
        fixed,
        tmp_path,
        r"the file was exported for batches of 4 alone: export it with a dynamic batch|first axis isn't the batch",
    )
    mixed = model_of([node("Transpose", "x", "y", "turn", perm=[1, 0])])
    refuse(mixed, tmp_path, r"has shape \(3, 2\) for 2 rows and \(3, 3\) for 3: its first axis isn't the batch")


def outside(location: str, folder: Path, **told: str) -> bytes:
    model = dense()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    for key, value in {"location": location, **told}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return model.SerializeToString()


def test_arrays_in_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"\0" * 8 + W.tobytes())
    path = tmp_path / "good.onnx"
    path.write_bytes(outside("weights.bin", tmp_path, offset="8", length="24"))
    np.testing.assert_array_equal(bl.from_onnx(path).params["0"]["weight"], W.T)
    path.unlink()


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("/etc/passwd", "refers to the file '/etc/passwd': only files in the model's own folder are read"),
        ("../secret.bin", r"refers to the file '\.\./secret.bin': only files"),
        ("a/../../secret.bin", "only files in the model's own folder"),
        ("..\\secret.bin", "only files in the model's own folder"),
        ("link.bin", "refers to 'link.bin', a link: only files in the model's own folder are read"),
        ("linked/secret.bin", "refers to 'linked/secret.bin', a link"),
        ("pipe.bin", "which is no regular file"),
        ("none.bin", "which can't be read"),
        ("short.bin", "refers to bytes 0 to 24 of 'short.bin', which has 5"),
        ("", "refers to the file ''"),
    ],
)
def test_arrays_elsewhere_are_not_read(location: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(W.tobytes())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "short.bin").write_bytes(b"short")
    os.mkfifo(folder / "pipe.bin")
    refuse(outside(location, folder), folder, message)


def test_offsets_and_lengths_of_arrays_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(W.tobytes())
    refuse(outside("w.bin", tmp_path, offset="x"), tmp_path, "offset and length must be whole numbers")
    refuse(outside("w.bin", tmp_path, offset="-4"), tmp_path, "needs 24 bytes, but refers to 24 from -4")
    refuse(
        outside("w.bin", tmp_path, length="99999999999"), tmp_path, "needs 24 bytes, but refers to 99999999999 from 0"
    )


def test_functions_that_call_themselves_or_grow(tmp_path: Path) -> None:
    from onnx import helper

    def with_functions(*bodies: tuple[str, list[str]]) -> Any:
        model = model_of([node("f0", "x", "y", "call", domain="own")])
        model.opset_import.append(helper.make_opsetid("own", 1))
        for name, inside in bodies:
            nodes = [
                helper.make_node(
                    each,
                    ["a" if not i else f"v{i}"],
                    [f"v{i + 1}" if i < len(inside) - 1 else "b"],
                    domain="own" if each.startswith("f") else "",
                )
                for i, each in enumerate(inside)
            ]
            sets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
            model.functions.append(helper.make_function("own", name, ["a"], ["b"], nodes, sets))
        return model

    refuse(with_functions(("f0", ["f1"]), ("f1", ["f0"])), tmp_path, "its function f0 calls itself")
    many = [(f"f{i}", [f"f{i + 1}"] * 10) for i in range(12)] + [("f12", ["Relu"])]
    refuse(with_functions(*many), tmp_path, "its functions make 1,000,000,000,000 nodes, .*layers, the limit is 2,000")


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"reading an ONNX file needs another package: pip install 'backlit\[onnx\]'"):
        bl.from_onnx(tmp_path / "net.onnx")


def test_arrays_that_are_too_large_to_make(tmp_path: Path) -> None:
    huge = {"sizes": np.array([2**31, 2**20])}
    made = model_of([node("ConstantOfShape", "sizes", "c", "fill"), node("Add", "x c", "y")], arrays=huge)
    refuse(made, tmp_path, r"node fill \(ConstantOfShape\) makes, of each row, .* numbers, the limit is 16,777,216")
    wide = model_of([node("Tile", "x times", "y", "again")], arrays={"times": np.array([1, 2**40])})
    refuse(wide, tmp_path, r"node again \(Tile\) makes, of each row,")
    refuse(model_of([node("Relu", "x", "y")], ("rows", 2**40)), tmp_path, "an example has 1,099,511,627,776 numbers")
