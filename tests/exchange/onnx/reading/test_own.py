"""Backlit's own files read back: the same predictions, or where all of the run is; and weights that were one."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.errors import BacklitWarning, InputError
from tests.exchange.onnx.reading.common import from_torch, model_of, node, write

OPTIONS: dict[str, Any] = {"epochs": 3, "seed": 0, "engine": "numpy", "progress": False, "probes": False}
RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, (60, 4))
CODES = np.digitize(X[:, 0], [2.0, 4.0])


def run_on(y: Any, outputs: int, **options: Any) -> bl.Run:
    network = bl.Sequential(bl.Linear(5), bl.Tanh(), bl.Linear(outputs))
    return bl.fit(network, X, y, preparation=bl.data.Standardize().fit(X), **OPTIONS, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        [bl.Bidirectional(bl.LSTM(4, return_sequences=True)), bl.GlobalMaxPool()],
        [bl.GRU(4, return_sequences=True, reset_after=False), bl.GlobalAvgPool()],
        [bl.RNN(4)],
    ],
    ids=["lstm, both ways", "gru", "rnn"],
)
@pytest.mark.parametrize("told", [None, (9,)])
def test_readers_with_padding(body: list[Any], told: Any, tmp_path: Path) -> None:
    """The file leaves the length open; what Backlit wrote tells the one that the network was built for."""
    network = bl.Sequential(bl.Masked(bl.Embedding(50, 6), *body), bl.Linear(2)).build((9,))
    network.export(tmp_path / "reader.onnx")
    back = bl.from_onnx(tmp_path / "reader.onnx", input_shape=told)
    x = RNG.integers(1, 50, (6, 9))
    x[0, 4:], x[1, 1:], x[2, :3], x[3, 2:7] = 0, 0, 0, 0
    expected = network(x)
    assert np.ptp(expected, axis=0).min() > 1e-3
    np.testing.assert_allclose(back(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(bl.compile(back)(x), expected, rtol=1e-5, atol=1e-6)
    trained = bl.fit(back, x, [0, 1] * 3, **{**OPTIONS, "engine": "xla"}, optimizer=bl.Adam(0.1))
    assert trained.history["loss"][-1] < trained.history["loss"][0]


@pytest.mark.parametrize(
    ("y", "outputs", "options"),
    [
        (np.array(["small", "medium", "large"])[CODES], 3, {}),
        (CODES == 1, 2, {}),
        (CODES + 7, 3, {}),
        (np.array(["no", "yes"])[CODES % 2], 1, {"loss": "binary_cross_entropy"}),
        (np.stack([CODES > 0, CODES > 1], axis=1).astype(int), 2, {"loss": "multi_label_cross_entropy"}),
        (1000 + 50 * X[:, 1], 1, {"standardize_targets": True}),
        (X[:, :2] @ [[1.0, 2.0], [3.0, 4.0]], 2, {}),
    ],
    ids=["texts", "yes or no", "numbers as classes", "binary", "several labels", "a number", "two numbers"],
)
def test_runs_on_arrays(y: Any, outputs: int, options: dict[str, Any], tmp_path: Path) -> None:
    run = run_on(y, outputs, **options)
    run.export(tmp_path / "run.onnx")
    back = bl.load(tmp_path / "run.onnx")
    expected, got = run.predict(X), back.predict(X)
    assert got.shape == expected.shape
    if np.asarray(expected).dtype.kind == "f":
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_allclose(back.predict_proba(X), run.predict_proba(X), rtol=1e-5, atol=1e-6)
        assert back.classes == run.classes


def test_a_run_on_token_numbers(tmp_path: Path) -> None:
    x, y = RNG.integers(0, 9, (30, 7)), np.array(["a", "b"])[RNG.integers(0, 2, 30)]
    network = bl.Sequential(bl.Masked(bl.Embedding(9, 3), bl.GRU(3)), bl.Linear(2))
    run = bl.fit(network, x, y, **OPTIONS)
    run.export(tmp_path / "run.onnx")
    back = bl.load(tmp_path / "run.onnx")
    np.testing.assert_array_equal(back.predict(x), run.predict(x))
    np.testing.assert_allclose(back.predict_proba(x), run.predict_proba(x), rtol=1e-5, atol=1e-6)


def test_runs_that_are_not_read_back_say_where_they_are(tmp_path: Path) -> None:
    frame = pl.DataFrame(X, schema=list("abcd")).with_columns(kind=pl.Series(np.array(["r", "g", "b"])[CODES]))
    table = bl.fit(frame, target="d", network="mlp:4", **OPTIONS)
    table.export(tmp_path / "table.onnx")
    remedy = r".*Load the run's own folder, bl.load\('runs/name'\): it holds the network, the preparation"
    start = re.escape(f"{tmp_path / 'table.onnx'}: Backlit exported this file from a run, and it isn't read back: ")
    with pytest.raises(InputError, match=start + remedy):
        bl.load(tmp_path / "table.onnx")
    with pytest.raises(InputError, match=start + "the network has 4 inputs" + remedy) as told:
        bl.from_onnx(tmp_path / "table.onnx")
    assert "bl.load reads the file as a run" not in str(told.value)
    hinge = run_on(CODES, 3, loss="hinge")
    hinge.export(tmp_path / "scores.onnx")
    with pytest.raises(InputError, match=r"its outputs are label, scores" + remedy):
        bl.load(tmp_path / "scores.onnx")


@pytest.mark.parametrize("told", ["[7]", "[0]", "[true]", "7", "{", "[3, 4]"])
def test_shapes_that_a_file_tells_wrongly_are_not_believed(told: str, tmp_path: Path) -> None:
    model = model_of([node("Relu", "x", "y")], ("rows", 3))
    entry = model.metadata_props.add()
    entry.key, entry.value = "backlit.input_shape", told
    assert bl.from_onnx(write(model, tmp_path / "net.onnx")).input_shape == (3,)
    open_ended = model_of([node("Relu", "x", "y")], ("rows", "n", 3))
    open_ended.metadata_props.append(entry)
    with pytest.raises(InputError, match=r"leaves sizes of its input open"):
        bl.from_onnx(write(open_ended, tmp_path / "open.onnx"))


# ------------------------------------------------------------------------------------------------- shared weights


@pytest.mark.parametrize("mean", [True, False], ids=["one array", "written twice, once transposed"])
def test_tied_embeddings_are_told(mean: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.head = torch.nn.Embedding(7, 3), torch.nn.Linear(3, 7, bias=False)
            self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
            self.head.weight = self.table.weight
            torch.nn.init.zeros_(self.first.bias)  # the exporter writes equal zeros once: nobody tied these
            torch.nn.init.zeros_(self.second.bias)

        def forward(self, x: Any) -> Any:
            words = self.table(x)
            return self.head(self.second(self.first(words.mean(1) if mean else words).relu()))

    torch.manual_seed(0)
    module, x = Tied().eval(), torch.arange(6).reshape(2, 3)
    path = from_torch(module, x, tmp_path / "tied.onnx")
    with pytest.warns(BacklitWarning, match=r"weights that several nodes of the file share") as told:
        network = bl.from_onnx(path)
    (warning,) = told
    assert warning.filename == __file__
    assert re.search(r"apart: \w+.weight \(\S*Gather\S*, \S*(Gemm|MatMul)\S*\)\. What", str(warning.message))
    np.testing.assert_allclose(network(x.numpy()), module(x).detach().numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("array", "warned"),
    [(np.arange(9.0).reshape(3, 3), True), (np.full((3, 3), 0.5), False)],
    ids=["a matrix", "all one number"],
)
def test_only_weights_of_several_numbers_are_told(array: np.ndarray, warned: bool, tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "h", "one"), node("Relu", "h", "r", "act"), node("MatMul", "r w", "y", "two")]
    path = write(model_of(nodes, arrays={"w": array.astype("float32")}), tmp_path / "net.onnx")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        bl.from_onnx(path)
        bl.load(path)
    assert [bool(re.search(r"w \(one, two\)", str(one.message))) for one in told] == [True, True] * warned
    assert all(one.filename == __file__ for one in told)
