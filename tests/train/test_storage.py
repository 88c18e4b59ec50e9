"""Runs on disk: whole at every moment, the same when they come back, and refused when damaged."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.data import files
from backlit.errors import BacklitError, InputError
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


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_no_plain_data_leaves_the_old_run(run, tmp_path):
    run.save(tmp_path / "run")
    before = contents(tmp_path / "run")
    run.settings = {"a": object()}
    with pytest.raises(InputError, match=r"network\.json can't be written"):
        run.save(tmp_path / "run", overwrite=True)
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize("number", range(20))
def test_a_full_disk_leaves_the_old_run(run, tmp_path, monkeypatch, number):
    """The disk is full at the first, second, third … thing that is done with a file."""
    run.save(tmp_path / "run")
    before = contents(tmp_path / "run")
    left = [number]

    def failing(real):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(files.tempfile, "mkstemp", failing(files.tempfile.mkstemp))
        patch.setattr(files.os, "fsync", failing(files.os.fsync))
        patch.setattr(Path, "write_text", failing(Path.write_text))
        patch.setattr(storage, "write_tensors", failing(storage.write_tensors))
        run.history.append({"epoch": 4, "loss": 0.0, "seconds": 0.0})
        if number < 12:  # four files made, four written, four put on the disk
            with pytest.raises(InputError, match=r"can't be written: .*No space left"):
                run.save(tmp_path / "run", overwrite=True)
        else:
            run.save(tmp_path / "run", overwrite=True)
    if number < 12:
        assert contents(tmp_path / "run") == before
    assert len(bl.load(tmp_path / "run").history) == (3 if number < 12 else 4)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no such limit here")
def test_a_real_limit_of_space_leaves_the_old_run(run, tmp_path):
    run.save(tmp_path / "run")
    before = contents(tmp_path / "run")
    code = (
        "import resource, sys, numpy as np, backlit as bl\n"
        "net = bl.Linear(200)\n"
        "run = bl.fit(net, np.eye(99), np.eye(99, 200), epochs=1, engine='numpy')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n    run.save(sys.argv[1], overwrite=True)\n"
        "except bl.InputError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True, check=True)
    assert "can't be written" in done.stdout
    assert contents(tmp_path / "run") == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may write anywhere")
def test_a_folder_that_cannot_be_written(run, tmp_path):
    run.save(tmp_path / "run")
    (tmp_path / "run").chmod(0o555)
    with pytest.raises(InputError, match="can't be written"):
        run.save(tmp_path / "run", overwrite=True)
    with pytest.raises(InputError, match="can't be written"):
        bl.fit(mlp(), *blobs(), epochs=1, checkpoint=tmp_path / "run", overwrite=True)
    bl.load(tmp_path / "run")


def test_a_folder_below_a_file_cannot_be_made(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be written"):
        run.save(tmp_path / "file" / "run")
    with pytest.raises(InputError, match="can't be written"):
        bl.fit(mlp(), *blobs(), epochs=1, checkpoint=tmp_path / "file" / "run")


def test_two_processes_do_not_share_a_folder(run, tmp_path):
    code = (
        "import sys, pathlib\nfrom backlit.data.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="is being written by another process; wait until it is done"):
        run.save(tmp_path / "run")
    with pytest.raises(InputError, match="is being written by another process"):
        bl.fit(mlp(), *blobs(), epochs=1, checkpoint=tmp_path / "run")
    other.kill()  # what a crashed process held is free
    other.communicate()
    run.save(tmp_path / "run")
    bl.load(tmp_path / "run")


def test_nothing_stays_where_nothing_was_written(tmp_path):
    with pytest.raises(InputError, match="no state to resume"):
        bl.fit(mlp(), *blobs(), epochs=1, checkpoint=tmp_path / "a", resume=True)
    assert list(tmp_path.iterdir()) == []


def test_judgement_and_choices_are_kept(run, tmp_path):
    run.judgement, run.config = {"scores": {"accuracy": 0.5}}, {"data": "집.csv", "split": [0.7, 0.3]}
    same = bl.load(run.save(tmp_path / "run"))
    assert (same.judgement, same.config) == (run.judgement, run.config)
    run.judgement = run.config = None
    run.save(tmp_path / "run", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(storage.FILES)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_network_json_holds_no_traceback_follows(tmp_path_factory, data):
    """Values of every place in the file are changed for others, and the file is cut anywhere."""
    folder = KEPT.setdefault("folder", None) or _kept(tmp_path_factory)
    path = folder / "network.json"
    whole = KEPT["text"]
    if data.draw(st.booleans(), label="cut"):
        path.write_text(whole[: data.draw(st.integers(0, len(whole) - 3))], encoding="utf-8")
        with pytest.raises(InputError):
            bl.load(folder)
        return
    described = json.loads(whole)
    places = list(_places(described))
    parent, key = data.draw(st.sampled_from(places))
    parent[key] = data.draw(st.sampled_from([None, -1, 3, 1e400, "x", [], {}, [[]], True, {"layer": "Linear"}, "relu"]))
    path.write_text(json.dumps(described), encoding="utf-8")
    with contextlib.suppress(BacklitError):  # a change may be harmless; what isn't must be an error of ours
        bl.load(folder)


KEPT = {}


def _kept(tmp_path_factory):
    """A run that is saved once for all examples."""
    x, y = blobs()
    run = bl.fit(bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(3)), x, y, epochs=1, engine="numpy")
    KEPT["folder"] = run.save(tmp_path_factory.mktemp("kept") / "run")
    KEPT["text"] = (KEPT["folder"] / "network.json").read_text(encoding="utf-8")
    return KEPT["folder"]


def _places(data):
    """Every place in nested data, as the dict or list that holds it and the key."""
    for key, value in list(data.items() if isinstance(data, dict) else enumerate(data)):
        yield data, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def sign(folder):
    """Make the checksums fit again, to see what is found besides."""
    path = folder / "network.json"
    data = json.loads(path.read_text())
    data["files"] = {name: storage._checksum(folder / name) for name in data["files"]}
    path.write_text(json.dumps(data))


def damage_cut(folder):
    path = folder / "network.json"
    path.write_text(path.read_text()[:50])


def damage_missing(folder):
    (folder / "weights.safetensors").unlink()


def damage_noise(folder):
    (folder / "weights.safetensors").write_bytes(b"\x00" * 100)


def damage_noise_signed(folder):
    damage_noise(folder)
    sign(folder)


def damage_older(folder):
    path = folder / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 1}))


def damage_list(folder):
    path = folder / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": {"../../secret": "0"}}))


def damage_newer(folder):
    path = folder / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def damage_other_weights(folder):
    net = bl.Linear(2).build((3,))
    storage.write_tensors(folder / "weights.safetensors", net.params, {})
    sign(folder)


def damage_shape(folder):
    tensors, _ = storage.read_tensors(folder / "weights.safetensors")
    tensors["0/bias"] = np.zeros(5, np.float32)
    storage.write_tensors(folder / "weights.safetensors", tensors, {})
    sign(folder)


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
    sign(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_cut, r"network\.json can't be read"),
        (damage_missing, r"weights\.safetensors missing"),
        (damage_noise, r"weights\.safetensors isn't as it was saved \(SHA-256 \w{12}…, expected \w{12}…\): restore it"),
        (damage_noise_signed, r"weights\.safetensors can't be read"),
        (damage_older, "written by an older version"),
        (damage_list, "doesn't list the run's files"),
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


def test_resuming_needs_the_same_rows_and_targets(tmp_path):
    x, y = blobs()
    options = {"epochs": 2, "checkpoint": tmp_path / "run", "validation": 0.2}
    bl.fit(mlp(), x, y, **options)
    for other in ((x, (y + 1) % 3), (x[:-3], y[:-3])):
        with pytest.raises(InputError, match="other training rows or targets"):
            bl.fit(mlp(), *other, resume=True, **options)


def test_a_run_that_had_come_to_its_end_is_not_trained_on(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 10)).astype("float32"), rng.integers(0, 2, 60)
    options = {"validation": 0.3, "optimizer": bl.Adam(0.02), "early_stopping": 5, "checkpoint": tmp_path / "run"}
    first = bl.fit(mlp(), x, y, epochs=200, **options)
    assert first.stopped == "early stopping"
    again = bl.fit(mlp(), x, y, epochs=200, resume=True, **options)
    assert again.stopped == "early stopping"
    assert list(again.history) == list(first.history)
    assert (weights(again) == weights(first)).all()
