"""Runs on disk: whole at every moment, the same when they come back, and refused when damaged."""

import json

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.train import storage
from tests.train.common import blobs, mlp, weights


@pytest.fixture
def run():
    x, y = blobs()
    names = np.array(["a", "b", "c"])[y]
    net = bl.Sequential(bl.Linear(8), bl.BatchNorm(), bl.ReLU(), bl.Linear(3))
    return bl.fit(net, x, names, epochs=3, validation=0.2)


def test_comes_back_the_same(run, tmp_path):
    x, y = blobs()
    folder = run.save(tmp_path / "run")
    same = bl.load(folder)
    assert (same.predict_proba(x) == run.predict_proba(x)).all()
    assert same.predict(x).tolist() == run.predict(x).tolist()
    assert list(same.history) == list(run.history)
    assert same.network.architecture == run.network.architecture
    assert same.evaluate(x, np.array(["a", "b", "c"])[y]) == run.evaluate(x, np.array(["a", "b", "c"])[y])
    assert sorted(path.name for path in folder.iterdir()) == sorted(storage.FILES)


def test_an_existing_run_is_not_overwritten(run, tmp_path):
    run.save(tmp_path / "run")
    with pytest.raises(InputError, match="already holds a run"):
        run.save(tmp_path / "run")
    run.save(tmp_path / "run", overwrite=True)


def test_a_file_is_no_folder(run, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        run.save(tmp_path / "file")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "data.json"
    storage.write_json(path, {"a": 1})
    with pytest.raises(InputError, match=r"data\.json can't be written"):
        storage.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["data.json"]


def damage_cut(folder):
    path = folder / "network.json"
    path.write_text(path.read_text()[:50])


def damage_missing(folder):
    (folder / "weights.safetensors").unlink()


def damage_noise(folder):
    (folder / "weights.safetensors").write_bytes(b"\x00" * 100)


def damage_newer(folder):
    path = folder / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def damage_other_weights(folder):
    net = bl.Linear(2).build((3,))
    storage.write_tensors(folder / "weights.safetensors", net.params, {})


def damage_shape(folder):
    tensors, _ = storage.read_tensors(folder / "weights.safetensors")
    tensors["0/bias"] = np.zeros(5, np.float32)
    storage.write_tensors(folder / "weights.safetensors", tensors, {})


def damage_layer(folder):
    path = folder / "network.json"
    data = json.loads(path.read_text())
    data["architecture"]["layers"][0]["layer"] = "Liner"
    path.write_text(json.dumps(data))


def damage_keys(folder):
    path = folder / "network.json"
    data = json.loads(path.read_text())
    del data["loss"]
    path.write_text(json.dumps(data))


def damage_history(folder):
    (folder / "history.jsonl").write_text("{nonsense\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_cut, r"network\.json can't be read"),
        (damage_missing, r"weights\.safetensors missing"),
        (damage_noise, r"weights\.safetensors can't be read"),
        (damage_newer, "written by a newer version"),
        (damage_other_weights, "doesn't belong to this network"),
        (damage_shape, r"0/bias has shape \(5,\), the network needs \(8,\)"),
        (damage_layer, "did you mean 'Linear'"),
        (damage_keys, "is damaged"),
        (damage_history, r"history\.jsonl can't be read"),
    ],
)
def test_damaged_runs_are_refused(run, tmp_path, damage, message):
    folder = run.save(tmp_path / "run")
    damage(folder)
    with pytest.raises(InputError, match=message):
        bl.load(folder)


def test_no_run_at_all(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        bl.load(tmp_path / "nothing")
    with pytest.raises(InputError, match="no complete run"):
        bl.load(tmp_path)


# --------------------------------------------------------------------------------------------------- checkpoints


@pytest.mark.parametrize("optimizer", [bl.Adam(0.01), bl.SGD(0.1, momentum=0.9)])
def test_resuming_is_bit_for_bit_as_if_there_had_been_no_stop(tmp_path, optimizer):
    x, y = blobs()
    net = bl.Sequential(bl.Linear(8), bl.BatchNorm(), bl.Dropout(0.2), bl.Linear(3))
    options = {"validation": 0.2, "optimizer": optimizer, "seed": 1}
    straight = bl.fit(net, x, y, epochs=9, **options)
    bl.fit(net, x, y, epochs=4, checkpoint=tmp_path / "run", checkpoint_every=3, **options)
    resumed = bl.fit(net, x, y, epochs=9, checkpoint=tmp_path / "run", resume=True, **options)
    assert (weights(resumed) == weights(straight)).all()
    assert resumed.history["val_loss"] == straight.history["val_loss"]
    assert (weights(bl.load(tmp_path / "run")) == weights(straight)).all()


def test_resuming_knows_the_best_so_far(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 10)).astype("float32"), rng.integers(0, 2, 60)
    options = {"validation": 0.3, "optimizer": bl.Adam(0.02), "early_stopping": 8}
    straight = bl.fit(mlp(2), x, y, epochs=100, **options)
    stop = straight.best_epoch + 3
    bl.fit(mlp(2), x, y, epochs=stop, checkpoint=tmp_path / "run", **options)
    resumed = bl.fit(mlp(2), x, y, epochs=100, checkpoint=tmp_path / "run", resume=True, **options)
    assert resumed.best_epoch == straight.best_epoch
    assert len(resumed.history) == len(straight.history)
    assert (weights(resumed) == weights(straight)).all()


def test_the_folder_is_whole_after_an_interruption(tmp_path):
    x, y = blobs()

    def interrupt(end):
        if end.epoch == 5:
            raise KeyboardInterrupt

    run = bl.fit(mlp(), x, y, epochs=9, checkpoint=tmp_path / "run", checkpoint_every=2, callbacks=interrupt)
    assert run.stopped == "interrupted"
    assert (weights(bl.load(tmp_path / "run")) == weights(run)).all()
    resumed = bl.fit(mlp(), x, y, epochs=9, checkpoint=tmp_path / "run", resume=True)
    assert (weights(resumed) == weights(bl.fit(mlp(), x, y, epochs=9))).all()


def test_checkpoints_refuse_what_would_lose_something(tmp_path):
    x, y = blobs()
    with pytest.raises(InputError, match="no state to resume"):
        bl.fit(mlp(), x, y, checkpoint=tmp_path / "run", resume=True)
    bl.fit(mlp(), x, y, epochs=2, checkpoint=tmp_path / "run")
    with pytest.raises(InputError, match="already holds a run"):
        bl.fit(mlp(), x, y, epochs=2, checkpoint=tmp_path / "run")
    with pytest.raises(InputError, match=r"other settings.*batch_size: then 32, now 16"):
        bl.fit(mlp(), x, y, epochs=3, checkpoint=tmp_path / "run", resume=True, batch_size=16)
    with pytest.raises(InputError, match=r"doesn't belong to this network|has shape"):
        bl.fit(bl.Linear(3), x, y, epochs=3, checkpoint=tmp_path / "run", resume=True)
