"""The files themselves: what they say, bad input, and the command."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest

import backlit as bl
from backlit.exchange.onnx import compare, exporting, metadata
from backlit.nn.layer import Layer
from tests.exchange.onnx.common import answer, session_of


@pytest.fixture
def network() -> bl.Network:
    return bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(2)).build((4,))


def test_what_a_file_says_of_itself(network: bl.Network, tmp_path: Path) -> None:
    exported = network.export(tmp_path / "net.onnx")
    model = onnx.load(exported.path)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 20)]
    assert (model.producer_name, model.producer_version, model.ir_version) == ("backlit", bl.__version__, 9)
    facts = metadata.read(model)
    assert facts[metadata.KIND] == "network"
    assert Layer.from_dict(facts[metadata.ARCHITECTURE]) == network.architecture
    assert facts[metadata.INPUT_SHAPE] == [4]
    assert exported.size == exported.path.stat().st_size
    assert exported.operators == {"Gemm": 2, "Relu": 1}
    assert exported.to_dict()["inputs"][0]["shape"] == ["batch", 4]
    assert json.loads(json.dumps(exported.to_dict())) == exported.to_dict()


def test_strange_metadata_is_passed_over() -> None:
    model = onnx.ModelProto()
    for key, value in (("backlit.classes", "{no json"), ("other", "1"), ("backlit.version", "1.0")):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    assert metadata.read(model) == {"backlit.version": "1.0"}


def test_a_file_is_the_same_each_time(network: bl.Network, tmp_path: Path) -> None:
    first, again = (network.export(tmp_path / f"{i}.onnx").path.read_bytes() for i in range(2))
    assert first == again


def test_float64_and_its_note(tmp_path: Path, rng: np.random.Generator) -> None:
    network = bl.Sequential(bl.Linear(3), bl.BatchNorm(), bl.Tanh()).build((4,), dtype="float64")
    exported = network.export(tmp_path / "net.onnx")
    assert str(exported.outside[0]) == "weights are float32 in the file, float64 in the network"
    x = rng.normal(size=(5, 4))
    np.testing.assert_allclose(answer(exported.path, **exported.feed(x)), network(x), atol=1e-6)


def test_types_of_inputs(tmp_path: Path) -> None:
    words = bl.Sequential(bl.Embedding(9, 3), bl.GlobalAvgPool()).build((5,))
    assert words.export(tmp_path / "a.onnx").inputs[0].dtype == "int64"
    assert words.export(tmp_path / "b.onnx", dtype="int32").inputs[0].dtype == "int32"
    pixels = bl.Sequential(bl.Rescale((1.0,), (2.0,)), bl.Flatten()).build((2, 2, 1))
    assert pixels.export(tmp_path / "c.onnx").inputs[0].dtype == "float32"
    assert pixels.export(tmp_path / "d.onnx", dtype="uint8").inputs[0].dtype == "uint8"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "net.pb"}, r"ends in \.onnx, got 'net.pb'"),
        ({"path": 7}, r"ends in \.onnx, got 7"),
        ({"opset": 17}, "opset must be a whole number from 18 to [0-9]+, got 17"),
        ({"opset": True}, "opset must be a whole number"),
        ({"opset": 999}, "opset must be a whole number from 18 to [0-9]+, got 999"),
        ({"dtype": "float16"}, "dtype must be one of float32, uint8, int64, int32, got 'float16'"),
        ({"path": "no/such/net.onnx"}, "there is no folder no/such"),
    ],
)
def test_bad_options(
    network: bl.Network, options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bl.InputError, match=message):
        network.export(**{"path": "net.onnx", **options})
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_stays(network: bl.Network, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(bl.InputError, match=r"exists already; pass overwrite=True \(--overwrite\)"):
        network.export(path)
    assert path.read_bytes() == b"mine"
    network.export(path, overwrite=True)
    assert answer(path, input=np.zeros((2, 4), "float32")).shape == (2, 2)


def test_networks_that_are_too_large_or_have_no_numbers(
    network: bl.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = bl.Network.empty(bl.Sequential(bl.Linear(40_000), bl.Linear(20_000)), (1000,))
    with pytest.raises(bl.InputError, match=r"840,060,000 parameters, 3.4 GB in float32; .* holds 2 GB at most"):
        huge.export(tmp_path / "net.onnx")
    params = {**network.params, "2": {**network.params["2"], "bias": np.array([0.0, np.nan], "float32")}}
    with pytest.raises(bl.InputError, match="parameter 2/bias holds NaN or infinite numbers"):
        network.replace(params=params).export(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_nothing(
    network: bl.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(bl.InputError, match=r"net.onnx can't be written: No space left on device"):
        network.export(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnx_or_its_runtime(network: bl.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare.importlib.util, "find_spec", lambda name: None)
    assert network.export(tmp_path / "net.onnx").difference is None
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(bl.InputError, match=r"exporting to ONNX needs another package: pip install 'backlit\[onnx\]'"):
        network.export(tmp_path / "other.onnx")


def test_the_comparison_would_see_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping that is wrong by a thousandth is told."""
    from backlit.exchange.onnx.mapping import writers

    def wrong(site: Any, layer: Any, x: Any) -> Any:
        return site.node("LeakyRelu", x, alpha=0.011)

    monkeypatch.setitem(writers(), bl.LeakyReLU, wrong)
    exported = bl.LeakyReLU().build((4,)).export(tmp_path / "net.onnx")
    assert exported.difference is not None
    assert exported.difference.largest > 1e-4
    assert "largest difference 1.2e-03" in str(exported.difference)


def test_an_export_can_be_kept(network: bl.Network, tmp_path: Path) -> None:
    exported = network.export(tmp_path / "net.onnx")
    assert exported.feed([[1.0, 2.0, 3.0, 4.0]])["input"].dtype == np.float32
    bare = exporting.Exported(exported.path, 20, exported.inputs, exported.outputs, exported.operators, exported.size)
    assert pickle.loads(pickle.dumps(bare)) == bare  # noqa: S301
    with pytest.raises(bl.InputError, match="has lost its run"):
        bare.feed([[1.0]])


# ------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a small table, and the table."""
    place = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"size": rng.normal(size=60), "colour": rng.choice(["red", "blue"], 60)})
    frame = frame.with_columns(y=pl.Series(np.where(frame["size"].to_numpy() > 0, "big", "small")))
    frame.write_csv(place / "table.csv")
    run = bl.fit(frame, target="y", network="mlp:4", ensemble=1, epochs=2, progress=False, engine="numpy")
    run.save(place / "run")
    return place


def test_the_command(folder: Path, command: Any, tmp_path: Path) -> None:
    status, out, err = command("export", folder / "run", tmp_path / "run.onnx")
    assert (status, err) == (0, "")
    assert "opset 20" in out
    assert "input   colour         str      (batch, 1)  category of 2 levels" in out
    assert "compared with ONNX Runtime on 16 rows: largest difference" in out
    status, out, err = command("export", folder / "run", tmp_path / "run.onnx")
    assert status == 2
    assert "exists already" in err
    table = folder / "table.csv"
    status, out, err = command(
        "export", folder / "run", tmp_path / "run.onnx", "--overwrite", "--examples", table, "--opset", 18, "--json"
    )
    told = json.loads(out)
    assert (status, told["opset"], told["difference"]["rows"], told["difference"]["labels"]) == (0, 18, 60, 0)
    assert told["difference"]["largest"] < 1e-5
    frame, run = pl.read_csv(table), bl.load(folder / "run")
    given = {"size": frame["size"].to_numpy()[:, None], "colour": frame["colour"].to_numpy()[:, None].astype(object)}
    labels, chances = session_of(tmp_path / "run.onnx").run(["label", "probabilities"], given)
    np.testing.assert_array_equal(labels, run.predict(frame))
    np.testing.assert_allclose(chances, run.predict_proba(frame), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing", "a.onnx"), "nothing is no folder: expected the folder of a run"),
        (("run", "a.txt"), "ends in .onnx"),
        (("run", "a.onnx", "--opset", "3"), "opset must be a whole number from 18"),
        (("run", "a.onnx", "--examples", "none.csv"), "--examples none.csv: there is no such file"),
    ],
)
def test_what_the_command_refuses(
    folder: Path, command: Any, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    status, _, err = command("export", *arguments)
    assert status == 2
    assert message in err
    assert not list(folder.glob("*.onnx"))


def test_rows_that_are_drawn_are_never_all_padding(tmp_path: Path) -> None:
    network = bl.Sequential(bl.Masked(bl.Embedding(3, 2), bl.GRU(2))).build((2,))
    difference = network.export(tmp_path / "net.onnx").difference
    assert difference is not None
    assert difference.largest < 1e-5


def test_a_runtime_that_can_t_run_the_file_is_told(
    network: bl.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    def refuse(*options: Any, **more: Any) -> None:
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail

        raise Fail("opset 20 is too new")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(bl.InputError, match=r"can't run the file, so that none was written.*: opset 20 is too new"):
        network.export(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_distances_of_what_is_no_number() -> None:
    got, expected = np.array([1.0, np.nan, np.inf, np.nan, 2.0]), np.array([1.5, np.nan, np.inf, 1.0, np.nan])
    np.testing.assert_array_equal(compare._apart(got, expected), [0.5, 0.0, 0.0, np.inf, np.inf])
