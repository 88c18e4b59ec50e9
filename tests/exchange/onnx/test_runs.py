"""Runs as files: what ONNX Runtime says of raw rows is what `Run.predict` and `predict_proba` say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest

import backlit as bl
from backlit.data.from_column import FromColumn
from backlit.data.pictures.clips import Clips
from backlit.data.pictures.decoding import Form
from backlit.data.series import Grid, SeriesPreparation, Windows
from backlit.data.table import TableTarget
from backlit.data.text import Texts
from tests.exchange.onnx.common import session_of

ROWS = 300
OPTIONS: dict[str, Any] = {"epochs": 2, "engine": "numpy", "progress": False, "probes": False}


def table(rng: np.random.Generator, rows: int = ROWS) -> pl.DataFrame:
    """A column of each kind, with gaps in some."""
    moments = np.datetime64("1967-11-03T05:00:00", "us") + rng.integers(0, 70 * 365 * 86_400 * 10**6, rows)
    frame = pl.DataFrame(
        {
            "size": rng.normal(50, 10, rows),
            "long tail": np.exp(rng.normal(0, 3, rows)),
            "count": rng.integers(0, 50, rows),
            "colour": rng.choice(["red", "blue", "green"], rows),
            "yes": rng.choice(["y", "n"], rows),
            "binary": rng.choice(["on", "off"], rows),
            "code": rng.choice([f"w{i}" for i in range(40)], rows),
            "when": moments,
            "gap": rng.normal(size=rows),
            "note": [f"only {i}" for i in range(rows)],
        }
    )
    holes = {name: pl.when(pl.Series(rng.random(rows) < 0.2)).then(None).otherwise(pl.col(name)) for name in HOLES}
    return frame.with_columns(**holes)


HOLES = ("colour", "yes", "when", "gap")
DAYS = ["1969-12-31T23:59:59", "1900-02-28", "2000-02-29T12:00", "2100-03-01"]


def agree(run: bl.Run, raw: Any, path: Path, **options: Any) -> bl.Exported:
    """Export, and compare every output with the run's own answer."""
    exported = run.export(path, examples=raw, **options)
    names = [port.name for port in exported.outputs]
    theirs = dict(zip(names, session_of(path).run(None, exported.feed(raw)), strict=True))
    predicted = run.predict(raw)
    for name, got in theirs.items():
        if name == "prediction":
            np.testing.assert_allclose(got, predicted, rtol=1e-5, atol=1e-5 * np.abs(predicted).max())
        elif name == "label":
            np.testing.assert_array_equal(got, np.array(predicted))
        elif name == "probabilities":
            np.testing.assert_allclose(got, run.predict_proba(raw), rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_allclose(got, run.outputs(raw), rtol=1e-5, atol=1e-5)
    assert exported.difference is not None
    assert exported.difference.largest < 1e-5
    assert exported.difference.labels == 0
    return exported


def table_run(frame: pl.DataFrame, y: Any, *, wishes: Any = None, outputs: int = 1, **options: Any) -> bl.Run:
    preparation = bl.data.TablePreparation.learn(frame, wishes=wishes)
    layers = [bl.EmbedColumns(preparation.embedded)] if preparation.embedded else []
    network = bl.Sequential(*layers, bl.Linear(4), bl.Tanh(), bl.Linear(outputs))
    return bl.fit(network, frame, y, preparation=preparation, **OPTIONS, **options)


# ------------------------------------------------------------------------------------------------- tables


def test_a_table_with_every_kind_of_column(rng: np.random.Generator, tmp_path: Path) -> None:
    frame = table(rng)
    run = table_run(frame, 2000 + 3 * frame["size"].to_numpy(), wishes={"count": "log"})
    exported = agree(run, frame, tmp_path / "run.onnx")
    kinds = {port.name: (port.dtype, port.kind) for port in exported.inputs}
    assert kinds == {
        "size": ("float64", "number"),
        "long tail": ("float64", "number"),
        "count": ("float64", "number"),
        "colour": ("str", "category"),
        "yes": ("str", "category"),
        "binary": ("str", "category"),
        "code": ("str", "category"),
        "when": ("int64", "date"),
        "gap": ("float64", "number"),
    }
    assert [str(said) for said in exported.outside] == [
        "when: dates become microseconds since 1970 before (`feed` does it)"
    ]
    assert exported.outside[0].within("ko").startswith("when: 날짜는")


def test_rows_that_training_never_saw(rng: np.random.Generator, tmp_path: Path) -> None:
    """Levels that are new, gaps where there were none, dates before 1970, and columns in another order."""
    frame = table(rng)
    run = table_run(frame, frame["size"].to_numpy())
    strange = table(rng, 20).with_columns(
        colour=pl.Series(["violet", None, "", "red"] * 5),
        binary=pl.Series(["on", "neither", None, "off"] * 5),
        code=pl.Series(["w1", "never", None, ""] * 5),
        size=pl.Series([None, 1e6, -3.0, 2.5] * 5),
        when=pl.Series(np.array(DAYS * 5, "datetime64[us]")),
    )
    agree(run, strange[list(reversed(strange.columns))], tmp_path / "run.onnx")


def test_rare_levels_are_one(rng: np.random.Generator, tmp_path: Path) -> None:
    frame = pl.DataFrame({"city": ["a"] * 20 + ["b"] * 20 + list("cdefgh"), "x": rng.normal(size=46)})
    run = table_run(frame, rng.normal(size=46))
    assert run.preparation.columns[0].rare
    agree(
        run, frame.with_columns(city=pl.Series(["a", "c", "z", "b", None, "h"] * 7 + list("abcd"))), tmp_path / "r.onnx"
    )


def test_levels_that_are_written_as_numbers(rng: np.random.Generator, tmp_path: Path) -> None:
    """`feed` finds "01" where a file's column was read as the number 1, as `predict` does."""
    frame = pl.DataFrame({"zip": ["01", "02", "03"] * 10, "empty": ["", "e", "f"] * 10, "x": rng.normal(size=30)})
    run = table_run(frame, rng.normal(size=30))
    agree(run, frame, tmp_path / "run.onnx")
    agree(run, frame.with_columns(zip=pl.Series([1, 2, 9] * 10)), tmp_path / "run.onnx", overwrite=True)


def test_text_of_numbers_is_told(rng: np.random.Generator, tmp_path: Path) -> None:
    cells = [f"{i},5" for i in range(38)] + ["n/k", "n/k"]
    frame = pl.DataFrame({"price": cells, "x": rng.normal(size=40)})
    run = table_run(frame, rng.normal(size=40))
    exported = agree(run, frame, tmp_path / "run.onnx")
    assert [str(said) for said in exported.outside] == ["price: cells of text become numbers before (`feed` does it)"]


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "given"),
    [
        (["cat", "dog", "eel"], "cross_entropy", 3, ["label", "probabilities"]),
        (["no", "yes"], "binary_cross_entropy", 1, ["label", "probabilities"]),
        ([3, 7, 9], "cross_entropy", 4, ["label", "probabilities"]),
        ([False, True], "cross_entropy", 2, ["label", "probabilities"]),
        ([0.5, 1.25], "cross_entropy", 2, ["label", "probabilities"]),
        (["no", "yes"], "hinge", 2, ["label", "scores"]),
    ],
    ids=["texts", "binary", "numbers, one output too many", "booleans", "fractions", "scores"],
)
def test_classes(
    y: list[Any], loss: str, outputs: int, given: list[str], rng: np.random.Generator, tmp_path: Path
) -> None:
    x = rng.normal(size=(30, 4))
    targets = np.array((y * 30)[:30])
    run = bl.fit(bl.Linear(outputs), x, targets, loss=loss, **OPTIONS)
    exported = agree(run, x, tmp_path / "run.onnx")
    assert [port.name for port in exported.outputs] == given
    facts = {prop.key: prop.value for prop in onnx.load(tmp_path / "run.onnx").metadata_props}
    assert json.loads(facts["backlit.classes"]) == y
    assert facts["backlit.version"] == bl.__version__


def test_several_labels_in_the_table_s_words(rng: np.random.Generator, tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": rng.normal(size=40), "sold": ["yes", "no"] * 20, "state": ["new", "old"] * 20})
    goal = TableTarget.learn(frame, ["sold", "state"])
    preparation = bl.data.TablePreparation.learn(frame, goal)
    run = bl.fit(
        bl.Linear(2), frame, goal.values(frame), preparation=preparation, loss="multi_label_cross_entropy", **OPTIONS
    )
    agree(run, frame, tmp_path / "run.onnx")
    plain = bl.fit(bl.Linear(2), rng.normal(size=(40, 3)), goal.values(frame), loss=run.loss, **OPTIONS)
    agree(plain, rng.normal(size=(9, 3)), tmp_path / "plain.onnx")


def test_numbers_come_in_their_unit(rng: np.random.Generator, tmp_path: Path) -> None:
    x, y = rng.normal(size=(30, 4)), rng.normal(1e6, 10, size=(30, 2))
    run = bl.fit(bl.Linear(2), x, y, loss="mse", standardize_targets=True, **OPTIONS)
    exported = agree(run, x, tmp_path / "run.onnx")
    assert [(port.dtype, port.shape) for port in exported.outputs] == [("float64", ("batch", 2))]
    facts = {prop.key: prop.value for prop in onnx.load(tmp_path / "run.onnx").metadata_props}
    assert json.loads(facts["backlit.unit"]) == {"shift": list(run.targets.shift), "scale": list(run.targets.scale)}


# ------------------------------------------------------------------------------------- arrays and columns


@pytest.mark.parametrize("kind", [bl.data.Standardize, bl.data.MinMax, bl.data.Center])
def test_scaling(kind: Any, rng: np.random.Generator, tmp_path: Path) -> None:
    x = rng.normal(1e5, [1.0, 10.0, 0.1], size=(30, 3))  # float32 would lose the third column
    run = bl.fit(bl.Linear(1), x, x[:, 0], preparation=kind().fit(x), loss="mse", **OPTIONS)
    exported = agree(run, x, tmp_path / "run.onnx")
    assert [(port.name, port.dtype) for port in exported.inputs] == [("input", "float64")]
    frame = pl.DataFrame(x, schema=["a b", "b", "label"])
    run = bl.fit(bl.Linear(1), frame, x[:, 0], preparation=kind().fit(frame), loss="mse", **OPTIONS)
    exported = agree(run, frame.select("label", "b", "a b"), tmp_path / "named.onnx")
    assert [(port.name, port.shape) for port in exported.inputs] == [
        ("a b", ("batch", 1)), ("b", ("batch", 1)), ("label", ("batch", 1)),
    ]  # fmt: skip


def test_columns_by_name_and_an_output_whose_name_is_taken(rng: np.random.Generator, tmp_path: Path) -> None:
    frame = pl.DataFrame({"label": rng.normal(size=30), "b": rng.normal(size=30)})
    run = bl.fit(bl.Linear(2), frame, np.arange(30) % 2, **OPTIONS)
    exported = run.export(tmp_path / "run.onnx", examples=frame)
    assert [port.name for port in (*exported.inputs, *exported.outputs)] == ["label", "b", "label_2", "probabilities"]
    label, chances = session_of(exported.path).run(None, exported.feed(frame[["b", "label"]]))
    np.testing.assert_array_equal(label, run.predict(frame))
    np.testing.assert_allclose(chances, run.predict_proba(frame), atol=1e-6)
    assert run.export(tmp_path / "again.onnx").difference.largest < 1e-5  # on rows drawn by chance


class Doubled:
    """A preparation of one's own."""

    def apply(self, raw: Any) -> np.ndarray:
        return np.asarray(raw) * 2


def test_a_preparation_of_one_s_own_stays_outside(rng: np.random.Generator, tmp_path: Path) -> None:
    x = rng.normal(size=(30, 3))
    run = bl.fit(bl.Linear(1), x, x[:, 0], preparation=Doubled(), loss="mse", **OPTIONS)
    exported = agree(run, x, tmp_path / "run.onnx")
    assert str(exported.outside[0]) == "Doubled prepares the rows; the file takes what it gives"


# -------------------------------------------------------------------------------- pictures, texts, series


def test_pictures_and_clips_stay_bytes(rng: np.random.Generator, tmp_path: Path) -> None:
    form = Form(6, 5, 1)
    for preparation, shape in (
        (bl.data.Pictures(form, (127.0,), (60.0,)), (6, 5, 1)),
        (Clips(form, (127.0,), (60.0,), frames=3), (3, 6, 5, 1)),
    ):
        pixels = rng.integers(0, 256, (12, *shape)).astype("uint8")
        eye = (bl.Rescale((127.0,), (60.0,)), bl.Conv2d(2, 3), bl.ReLU(), bl.GlobalAvgPool())
        layers = eye if len(shape) == 3 else (bl.EachStep(*eye), bl.GRU(3))
        run = bl.fit(
            bl.Sequential(*layers, bl.Linear(2)), pixels, np.arange(12) % 2, preparation=preparation, **OPTIONS
        )
        exported = agree(run, pixels, tmp_path / "run.onnx", overwrite=True)
        assert exported.inputs[0].dtype == "uint8"
        assert "before (`feed` does it)" in str(exported.outside[0])


def test_texts_are_token_numbers(rng: np.random.Generator, tmp_path: Path) -> None:
    frame = pl.DataFrame({"review": ["good good film", "bad film", "good", "bad bad film"] * 8, "y": [1, 0, 1, 0] * 8})
    column = bl.data.TextColumn.learn(frame, "review", length=4)
    network = bl.Sequential(bl.Masked(bl.Embedding(column.size, 4), bl.GRU(3)), bl.Linear(2))
    run = bl.fit(network, frame, frame["y"].to_numpy(), preparation=column, **OPTIONS)
    exported = agree(run, frame, tmp_path / "run.onnx")
    assert exported.inputs[0].shape == ("batch", "time")
    assert str(exported.outside[0]) == "texts become token numbers before (`feed` does it)"
    texts = ["good film", "bad"]
    got = session_of(exported.path).run(["label"], exported.feed(texts))[0]
    np.testing.assert_array_equal(got, run.predict(pl.DataFrame({"review": texts})))


def test_a_class_for_each_step(rng: np.random.Generator, tmp_path: Path) -> None:
    words = [["the", "cat"], ["a", "dog", "ran"], ["the", "dog"], ["cat", "ran"]] * 5
    tags = np.array([["D", "N", ""], ["D", "N", "V"], ["D", "N", ""], ["N", "V", ""]] * 5)
    from backlit.data.text.texts import Symbols

    texts = Texts(Symbols.learn(words), 3)
    network = bl.Sequential(
        bl.Masked(bl.Embedding(texts.tokenizer.size, 4), bl.LSTM(3, return_sequences=True)), bl.Linear(3)
    )
    run = bl.fit(network, words, tags, preparation=texts, **OPTIONS)
    exported = run.export(tmp_path / "run.onnx", examples=words)
    labels, chances = session_of(exported.path).run(None, exported.feed(words))
    assert [row[: len(word)] for row, word in zip(labels.tolist(), words, strict=True)] == run.predict(words)
    np.testing.assert_allclose(chances, run.predict_proba(words), atol=1e-5)
    column = FromColumn(texts, ("words",))
    named = bl.fit(network, pl.DataFrame({"words": [" ".join(word) for word in words]}), tags, preparation=column,
                   **OPTIONS)  # fmt: skip
    assert named.export(tmp_path / "column.onnx").inputs[0].name == "input"


def test_a_network_that_writes(rng: np.random.Generator, tmp_path: Path) -> None:
    x, y = ["ab", "ba", "abb", "b"] * 4, ["ba", "ab", "bba", "b"] * 4
    run = bl.fit_sequences(x, y, "text", epochs=1, network="gru:4", engine="numpy", progress=False)
    exported = run.export(tmp_path / "run.onnx", examples=x)
    tokens, _ = session_of(exported.path).run(None, exported.feed(x))
    assert [run.targets.text(row) for row in tokens] == run.predict(x).tolist()
    assert exported.difference.largest < 1e-5
    assert [str(said) for said in exported.outside] == [
        "texts become token numbers before (`feed` does it)",
        "token numbers become texts afterwards (`Run.predict` does it)",
    ]


@pytest.mark.parametrize("logged", [False, True])
@pytest.mark.parametrize("several", [False, True], ids=["one series", "several series"])
@pytest.mark.parametrize("linear", [False, True])
def test_forecasts_are_in_the_series_unit(
    logged: bool, several: bool, linear: bool, rng: np.random.Generator, tmp_path: Path
) -> None:
    steps, names = 40, ("a", "b") if several else ("a",)
    frame = pl.concat(
        pl.DataFrame(
            {
                "t": np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(86_400 * 10**6, "us"),
                "shop": [name] * steps,
                "sold": 50 + 10 * i + np.cumsum(rng.normal(size=steps)),
                "heat": rng.normal(size=steps),
            }
        )
        for i, name in enumerate(names)
    )
    series = "shop" if several else None
    windows = Windows.all(Grid.of(frame if several else frame.drop("shop"), "sold", "t", series), 5, 2)
    preparation = SeriesPreparation.learn(windows, "sold", "t", series, logged=logged)
    features = len(preparation.names)
    if linear:
        weight, bias = rng.normal(size=(5 + features - 1, 2)) / 10, rng.normal(size=2) / 10
        import dataclasses

        preparation = dataclasses.replace(preparation, weight=weight, bias=bias)
    network = bl.Sequential(bl.Flatten(), bl.Linear(2))
    run = bl.fit(network, windows, windows.future, preparation=preparation, loss="mse", **OPTIONS)
    exported = agree(run, windows, tmp_path / "run.onnx")
    expected = ["past", *(["series"] if several else []), "features"]
    assert [port.name for port in exported.inputs] == expected
    if several:  # one that training didn't have is scaled by its own window
        feed = {name: array[:6] for name, array in exported.feed(windows).items()}
        feed["series"] = np.array([["new"]] * 6, dtype=object)
        got = session_of(exported.path).run(None, feed)[0]
        assert np.isfinite(got).all()
        assert not np.allclose(got, run.predict(windows)[:6])


# -------------------------------------------------------------- ensembles, several inputs and outputs


def test_an_ensemble_is_one_graph(rng: np.random.Generator, tmp_path: Path) -> None:
    x, y = rng.normal(size=(40, 3)), np.arange(40) % 3
    run = bl.fit(bl.Sequential(bl.Linear(4), bl.ReLU(), bl.Linear(3)), x, y, ensemble=3, **OPTIONS)
    exported = agree(run, x, tmp_path / "run.onnx")
    assert exported.operators["Gemm"] == 6
    number = bl.fit(bl.Linear(1), x, x[:, 0], ensemble=2, loss="mse", **OPTIONS)
    agree(number, x, tmp_path / "number.onnx")


def test_several_inputs_and_outputs(rng: np.random.Generator, tmp_path: Path) -> None:
    network = bl.Wired(
        {
            "eye": bl.Sequential(bl.Conv2d(2, 3), bl.ReLU(), bl.GlobalAvgPool()), "word": bl.Embedding(9, 4),
            "mean": bl.GlobalAvgPool(), "join": bl.Linear(5), "kind": bl.Linear(3), "price": bl.Linear(1),
        },
        [("image", "eye"), ("words", "word"), ("word", "mean"), ("eye", "join"), ("mean", "join"), ("meta", "join"),
         ("join", "kind"), ("join", "price")],
        combine={"join": "concatenate"}, inputs=("image", "words", "meta"), outputs=("kind", "price"),
    )  # fmt: skip
    x = {
        "image": rng.normal(size=(24, 6, 6, 1)).astype("float32"),
        "words": rng.integers(0, 9, (24, 5)),
        "meta": pl.DataFrame(rng.normal(size=(24, 2)), schema=["age", "size"]),
    }
    y = {"kind": np.array(["a", "b", "c"] * 8), "price": rng.normal(1e3, 10, 24)}
    run = bl.fit(network, x, y, standardize_targets=True, **OPTIONS)
    exported = run.export(tmp_path / "run.onnx", examples=x)
    assert [port.name for port in exported.inputs] == ["image", "words", "age", "size"]
    assert [port.name for port in exported.outputs] == ["kind_label", "kind_probabilities", "price_prediction"]
    label, chances, price = session_of(exported.path).run(None, exported.feed(x))
    np.testing.assert_array_equal(label, run.predict(x)["kind"])
    np.testing.assert_allclose(chances, run.predict_proba(x)["kind"], atol=1e-5)
    np.testing.assert_allclose(price, run.predict(x)["price"], rtol=1e-6)
    assert exported.difference.largest < 1e-5

    raw = {**x, "meta": x["meta"].to_numpy().astype("float32")}
    plain = run.network.export(tmp_path / "net.onnx")
    assert [(port.name, port.dtype) for port in plain.inputs] == [
        ("image", "float32"), ("words", "int64"), ("meta", "float32"),
    ]  # fmt: skip
    kind, price = session_of(plain.path).run(["kind", "price"], plain.feed(raw))
    np.testing.assert_allclose(kind, run.network(raw)["kind"], atol=1e-5)
    np.testing.assert_allclose(price, run.network(raw)["price"], atol=1e-5)


@pytest.mark.slow
def test_a_loaded_run_and_its_calibration(rng: np.random.Generator, tmp_path: Path) -> None:
    """A run of `bl.fit(table)`: pieces of numbers, several members, a temperature; written from its folder."""
    frame = table(rng, 120).with_columns(y=pl.Series(["small", "big"] * 60))
    run = bl.fit(frame, target="y", epochs=1, progress=False)
    kinds = {type(layer).__name__ for _, layer in run.network.architecture.walk()}
    assert {"PiecewiseLinear", "Parallel"} <= kinds
    loaded = bl.load(run.save(tmp_path / "run"))
    exported = agree(loaded, frame, tmp_path / "run.onnx")
    assert exported.difference.rows == 120
    assert loaded.export(tmp_path / "again.onnx").difference.largest < 1e-5
