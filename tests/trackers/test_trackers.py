"""What trackers write, read back by the libraries that it is for; and that none of them can end a training."""

import io
import struct
import sys
import time

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from mlflow.tracking import MlflowClient
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.proto import wandb_internal_pb2

import backlit as bl
from backlit.errors import InputError, TrackerWarning, UnknownNameError
from backlit.trackers import MLflow, TensorBoard, Tracker, WandB, named

NET = bl.Sequential(bl.Linear(5), bl.Tanh(), bl.Linear(1))
PROBES = bl.Probes(every=1)


def trained(*callbacks, **options):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(48, 3)).astype("float32")
    usual = {"epochs": 3, "engine": "numpy", "probes": PROBES, "batch_size": 16, "validation": 0.25}
    return bl.fit(NET, x, x @ [1.0, -2.0, 0.5], callbacks=list(callbacks), **usual | options)


def houses():
    rng = np.random.default_rng(2)
    area, colour = rng.uniform(20, 200, 80), rng.choice(["red", "blue"], 80)
    rooms = rng.integers(1, 6, 80)
    price = 2 * area + 10 * rooms + 30 * (colour == "red")
    return pl.DataFrame({"area": area, "rooms": rooms, "colour": colour, "price": price})


def judged(*callbacks):
    options = {"epochs": 3, "engine": "numpy", "network": "mlp:4", "ensemble": 1, "progress": False}
    return bl.fit(houses(), target="price", callbacks=list(callbacks), **options)


def events(folder):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0})
    return found.Reload()


# ------------------------------------------------------------------------------------------ TensorBoard


def test_tensorboard_reads_back_the_history_and_what_the_probes_told(place):
    run = trained(TensorBoard(place / "tb"))
    found = events(place / "tb")
    for name in ("loss", "val_loss", "rmse", "val_r2"):
        assert [(each.step, each.value) for each in found.Scalars(name)] == [
            (line["epoch"], pytest.approx(line[name], rel=1e-6)) for line in run.history
        ]
    for path in ("0", "1", "2"):
        told = [(each.step, each.value) for each in found.Scalars(f"gradient_norm/{path}")]
        wanted = run.probes.of(path, "gradient_norm")
        assert told == [(step, pytest.approx(value)) for step, value in enumerate(wanted, 1)]


def test_tensorboard_has_histograms_of_the_weights_as_they_are_at_the_end(place):
    run = trained(TensorBoard(place / "tb"))
    last = events(place / "tb").Histograms("weights/0/weight")[-1]
    weight, value = run.network.params["0"]["weight"], last.histogram_value
    assert (last.step, value.num) == (3, weight.size)
    assert (value.min, value.max) == pytest.approx((weight.min(), weight.max()))
    width = np.diff(value.bucket_limit)[-1]
    counts = [((weight > limit - width) & (weight <= limit)).sum() for limit in value.bucket_limit[1:]]
    assert value.bucket[1:] == counts


def test_histograms_of_gradients_reach_as_far_as_pytorchs_gradients(place):
    """All rows in one batch and one look: the gradient that is seen is the whole one, of the network as it ended."""
    run = trained(TensorBoard(place / "tb"), batch_size="full", validation=None)
    seen = events(place / "tb").Histograms("gradients/0/weight")[-1].histogram_value
    parts = run.network.params
    weights = {key: torch.tensor(np.array(value), dtype=torch.float64) for key, value in parts["0"].items()}
    last = {key: torch.tensor(np.array(value), dtype=torch.float64) for key, value in parts["2"].items()}
    weights["weight"].requires_grad_()
    x = torch.tensor(run.recipe.x, dtype=torch.float64)
    y = torch.tensor(run.recipe.y, dtype=torch.float64)
    hidden = torch.tanh(x @ weights["weight"].T + weights["bias"])
    ((hidden @ last["weight"].T + last["bias"])[:, 0] - y).square().mean().backward()
    gradient = weights["weight"].grad.numpy()
    assert (seen.min, seen.max, seen.num) == (
        pytest.approx(gradient.min(), rel=1e-4),
        pytest.approx(gradient.max(), rel=1e-4),
        gradient.size,
    )


def test_tensorboard_has_the_graph_the_settings_and_a_picture_of_the_gradients(place):
    trained(TensorBoard(place / "tb"))
    found = events(place / "tb")
    nodes = {node.name: node for node in found.Graph().node}
    assert [(name, node.op, list(node.input)) for name, node in nodes.items()] == [
        ("input", "input", []), ("0", "Linear", ["input"]), ("1", "Tanh", ["0"]), ("2", "Linear", ["1"])
    ]  # fmt: skip
    shape = nodes["0"].attr["_output_shapes"].list.shape[0]
    assert ([dim.size for dim in shape.dim], nodes["0"].attr["parameters"].i) == ([-1, 5], 20)
    told = found.Tensors("settings/text_summary" if "settings/text_summary" in found.Tags()["tensors"] else "settings")
    assert "| optimizer | Adam(" in told[0].tensor_proto.string_val[0].decode()
    (picture,) = found.Images("gradient_flow")
    assert Image.open(io.BytesIO(picture.encoded_image_string)).size == (picture.width, picture.height)


def test_a_wired_network_has_names_that_tensorboard_takes(place):
    net = bl.Sequential(bl.Residual(bl.Linear(3), bl.Tanh()), bl.Linear(1))
    x = np.eye(3)
    bl.fit(net, x, np.arange(3.0), epochs=1, engine="numpy", callbacks=TensorBoard(place / "tb"))
    nodes = events(place / "tb").Graph().node
    names = {node.name for node in nodes}
    assert all(source in names for node in nodes for source in node.input)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789/._-") for name in names)


def test_a_judged_run_tells_its_test_scores(place):
    tracker = TensorBoard(place / "tb", every=2)
    run = judged(tracker)
    found = events(place / "tb")
    assert found.Scalars("test_rmse")[0].value == pytest.approx(run.judgement["scores"]["rmse"])
    assert [each.step for each in found.Histograms("weights/0/weight")] == [2]


# ----------------------------------------------------------------------------------------------- MLflow


@pytest.mark.slow
def test_mlflow_has_settings_curves_scores_and_a_model_that_predicts_data_frames(place):
    store = f"sqlite:///{place}/ml.db"
    tracker = MLflow("houses", uri=store, name="first", report=True)
    run = judged(tracker)
    client = MlflowClient(store)
    kept = client.get_run(tracker.run_id)
    assert (kept.info.status, kept.info.run_name) == ("FINISHED", "first")
    assert kept.data.params["optimizer"] == run.settings["optimizer"]
    assert kept.data.params["parameters"] == str(run.network.size)
    curve = client.get_metric_history(tracker.run_id, "val_loss")
    assert [(each.step, each.value) for each in curve] == [(line["epoch"], line["val_loss"]) for line in run.history]
    assert kept.data.metrics["test_rmse"] == run.judgement["scores"]["rmse"]
    assert {each.path for each in client.list_artifacts(tracker.run_id)} == {
        "curves.png", "diagnosis.txt", "model", "report.html"
    }  # fmt: skip
    mlflow.set_tracking_uri(store)
    model = mlflow.pyfunc.load_model(f"runs:/{tracker.run_id}/model")
    assert model.metadata.signature.inputs.input_names() == ["area", "rooms", "colour"]
    new = pd.DataFrame({"colour": ["blue", None], "area": [100.0, 50.0], "rooms": [3, 2]})
    assert model.predict(new).tolist() == run.predict(new).tolist()
    with pytest.raises(mlflow.exceptions.MlflowException, match="rooms"):
        model.predict(new.drop(columns="rooms"))
    files = [path.suffix for path in (place / "mlruns").rglob("*") if path.is_file()]
    assert ".pkl" not in files
    assert ".py" not in files


def test_a_model_of_mlflow_takes_arrays_where_the_network_does(place):
    run = trained()
    folder = bl.trackers.mlflow.save_model(run, place / "model")
    model = mlflow.pyfunc.load_model(str(folder))
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(model.predict(x), run.predict(x))
    assert model.metadata.signature.inputs.inputs[0].shape == (-1, 3)


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("no"), "FAILED"), (SystemExit(), "FAILED")])
def test_mlflow_is_told_that_training_raised(place, error, status):
    store = f"sqlite:///{place}/ml.db"
    tracker = MLflow(uri=store)

    def raising(end):
        raise error

    with pytest.raises(type(error)):
        trained(tracker, raising)
    assert MlflowClient(store).get_run(tracker.run_id).info.status == status


# ------------------------------------------------------------------------------------------------ W & B


def records(path):
    """The records of an offline run: blocks of 32 KiB, each record in parts with checksum, length and kind."""
    data = path.read_bytes()
    assert data[:4] == b":W&B"
    place, parts = 7, []
    while place + 7 <= len(data):
        room = 32768 - place % 32768
        if room < 7:
            place += room
            continue
        length, kind = struct.unpack("<HB", data[place + 4 : place + 7])
        parts.append(data[place + 7 : place + 7 + length])
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(b"".join(parts))
            yield record
            parts = []


def all_records(path, seconds=30):
    """The records, once the last has come: W & B's own process writes them."""
    until = time.monotonic() + seconds
    kept = list(records(path))
    while not any(record.WhichOneof("record_type") == "exit" for record in kept):
        assert time.monotonic() < until, f"{path} doesn't end"
        time.sleep(0.1)
        kept = list(records(path))
    return kept


@pytest.mark.slow
def test_an_offline_run_of_wandb_has_settings_curves_and_histograms(place):
    run = judged(WandB("houses", name="first", folder=place, tags=["t"]))
    (file,) = place.rglob("*.wandb")
    assert file.parent.name.startswith("offline-run-")
    kept = all_records(file)
    (start,) = [record.run for record in kept if record.WhichOneof("record_type") == "run"]
    assert (start.project, start.display_name, list(start.tags)) == ("houses", "first", ["t"])
    config = {item.key or "/".join(item.nested_key): item.value_json for item in start.config.update}
    assert config["optimizer"] == f'"{run.settings["optimizer"]}"'
    lines = [
        {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
        for record in kept
        if record.WhichOneof("record_type") == "history"
    ]
    losses = [float(line["val_loss"]) for line in lines if "val_loss" in line]
    assert losses == [pytest.approx(line["val_loss"]) for line in run.history]
    looks = [line for line in lines if "probe_epoch" in line]
    assert [int(line["probe_epoch"]) for line in looks] == [record["epoch"] for record in run.probes]
    counts = [int(count) for count in looks[-1]["gradients/0/weight/values"].strip("[]").split(",")]
    assert counts == run.probes[-1]["gradients"]["0/weight"]["histogram"]
    (ended,) = [record.exit for record in kept if record.WhichOneof("record_type") == "exit"]
    assert ended.exit_code == 0
    summary = {
        item.key or "/".join(item.nested_key): item.value_json
        for record in kept
        if record.WhichOneof("record_type") == "summary"
        for item in record.summary.update
    }
    assert float(summary["test_rmse"]) == pytest.approx(run.judgement["scores"]["rmse"])


# -------------------------------------------------------------------------------------------- all of them


class Failing(Tracker):
    def __init__(self, where):
        super().__init__()
        self.where, self.calls = where, []

    def told(self, what):
        self.calls.append(what)
        if what == self.where:
            raise OSError(28, "No space left on device")

    def begin(self, end):
        self.told("begin")

    def epoch(self, end):
        self.told("epoch")

    def look(self, record):
        self.told("look")

    def end(self, run):
        self.told("end")


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        ("begin", ["begin"]),
        ("epoch", ["begin", "epoch"]),
        ("look", ["begin", "epoch", "epoch", "look"]),
        ("end", ["begin", "epoch", "epoch", "look", "epoch", "look", "look", "end"]),
    ],
)
def test_a_tracker_that_fails_is_told_once_and_the_training_is_as_without(where, calls):
    tracker = Failing(where)
    with pytest.warns(TrackerWarning, match=r"Failing failed, .* OSError: .*No space left on device") as told:
        run = trained(tracker)
    assert len(told) == 1
    assert tracker.calls == calls
    without = trained()
    assert run.history["loss"] == without.history["loss"]
    np.testing.assert_array_equal(run.network.params["0"]["weight"], without.network.params["0"]["weight"])


def test_one_tracker_follows_a_training_after_another(place):
    tracker = Failing("")
    trained(tracker, epochs=1)
    trained(tracker, epochs=1, probes=None)
    assert tracker.calls == ["begin", "epoch", "look", "end", "begin", "epoch", "end"]


def test_a_tracker_that_failed_in_one_training_is_tried_again_in_the_next():
    tracker = Failing("epoch")
    for _ in range(2):
        with pytest.warns(TrackerWarning):
            trained(tracker, epochs=1)
    assert tracker.calls == ["begin", "epoch"] * 2


def test_an_ensemble_and_a_diverged_run_are_tracked(place):
    trained(TensorBoard(place / "five"), ensemble=2)
    assert len(events(place / "five").Scalars("loss")) == 3
    run = trained(TensorBoard(place / "lost"), optimizer=bl.SGD(10.0), epochs=30)
    assert run.diverged
    assert run.history
    assert len(events(place / "lost").Scalars("loss")) == len(run.history)


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [
        (lambda: TensorBoard("tb"), "tensorboard", "tensorboard"),
        (MLflow, "mlflow", "mlflow"),
        (WandB, "wandb", "wandb"),
    ],
)
def test_a_missing_library_is_told_before_training_with_its_extra(monkeypatch, make, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"needs another package: pip install 'backlit\[{extra}\]'"):
        make()


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: TensorBoard("tb", every=0), InputError, "TensorBoard: every must be a whole number of epochs from 1"),
        (lambda: TensorBoard("file/tb"), InputError, r"TensorBoard: file/tb can't be made: "),
        (lambda: MLflow(""), InputError, "MLflow: experiment must be a name, got ''"),
        (lambda: WandB(mode="dryrun"), UnknownNameError, "unknown mode of WandB 'dryrun'; .*offline, online"),
        (lambda: WandB(project=3), InputError, "WandB: project must be a name, got 3"),
        (lambda: named("tensorbord:runs", "a"), UnknownNameError, "did you mean 'tensorboard'"),
    ],
)
def test_what_is_wrong_with_a_tracker_is_told_before_training(place, make, kind, message):
    (place / "file").write_text("")
    with pytest.raises(kind, match=message):
        make()


def test_trackers_by_words(place):
    assert named("tensorboard:logs", "houses").folder.as_posix() == "logs/houses"
    assert named("mlflow:sqlite:///ml.db", "houses").uri == "sqlite:///ml.db"
    assert named("mlflow", "houses").uri is None
    assert (named("wandb:w", "houses").folder.name, named("wandb", "houses").name) == ("w", "houses")
