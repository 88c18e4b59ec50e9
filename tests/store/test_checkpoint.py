"""Going on from a folder: bit for bit as if there had been no stop, or a clear word why not."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.errors import InputError
from backlit.store import run as storage
from backlit.store.checkpoint import FolderKeeper
from backlit.train.loop import Saving
from tests.store.common import contents, sign
from tests.train.common import blobs, mlp, weights


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_resuming_knows_how_the_rate_was_reduced(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 10)).astype("float32"), rng.integers(0, 2, 60)
    options = {"validation": 0.3, "optimizer": bl.SGD(bl.schedules.ReduceOnPlateau(0.5, factor=0.5, patience=1))}
    straight = bl.fit(mlp(2), x, y, epochs=14, engine="numpy", **options)
    bl.fit(mlp(2), x, y, epochs=7, checkpoint=tmp_path / "run", engine="numpy", **options)
    resumed = bl.fit(mlp(2), x, y, epochs=14, checkpoint=tmp_path / "run", resume=True, engine="numpy", **options)
    assert (weights(resumed) == weights(straight)).all()


@pytest.mark.parametrize("stop", range(1, 9))
def test_resuming_knows_of_the_epoch_at_which_a_callback_ended_it(tmp_path, stop):
    """It counts for the rate, too."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 10)).astype("float32"), rng.integers(0, 2, 60)
    options = {"validation": 0.3, "optimizer": bl.SGD(bl.schedules.ReduceOnPlateau(0.5, factor=0.5, patience=0))}
    options |= {"epochs": 10, "engine": "numpy", "probes": None}
    straight = bl.fit(mlp(2), x, y, **options)
    bl.fit(mlp(2), x, y, checkpoint=tmp_path / "run", callbacks=lambda end: end.epoch == stop, **options)
    resumed = bl.fit(mlp(2), x, y, checkpoint=tmp_path / "run", resume=True, **options)
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


# ------------------------------------------------------------------------------------------ what can't be resumed

X, Y = blobs()
OPTIONS = {"engine": "numpy", "validation": 0.2, "early_stopping": 50}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run that stopped after two epochs."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    bl.fit(mlp(), X, Y, epochs=2, checkpoint=folder, **OPTIONS)
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "run")


def resume(folder, network=None, **changes):
    return bl.fit(network or mlp(), X, Y, epochs=3, checkpoint=folder, resume=True, **OPTIONS | changes)


def changed(folder, change):
    """Change tensors and metadata of the state, with checksums that fit."""
    path = folder / "state.safetensors"
    tensors, metadata = storage.from_tensors(path, path.read_bytes())
    change(tensors, metadata)
    path.write_bytes(storage.to_tensors(tensors, metadata))
    sign(folder)


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (
            None,
            {"batch_size": 16},
            r"run was trained with other settings \(batch_size: then 32, now 16\): use the same",
        ),
        (None, {"optimizer": bl.SGD(0.1)}, r"other settings \(optimizer: then 'Adam\(.*now 'SGD"),
        (None, {"seed": 1, "shuffle": False}, r"seed: then 0, now 1; shuffle: then True, now False"),
        (None, {"loss": bl.losses.CrossEntropy(label_smoothing=0.1)}, "other settings .loss: then"),
        (bl.Linear(3), {}, r"state\.safetensors: doesn't belong to this network and optimizer: missing .*use the same"),
        (
            bl.Sequential(bl.Linear(9), bl.Tanh(), bl.Linear(3)),
            {},
            r"state\.safetensors: .*0/weight has shape \(8, 4\)",
        ),
    ],
)
def test_another_network_or_other_settings(folder, network, changes, message):
    before = contents(folder)
    with pytest.raises((InputError, bl.ShapeError), match=message):
        resume(folder, network, **changes)
    assert contents(folder) == before


def drop_state(folder):
    (folder / "state.safetensors").unlink()


def cut_state(folder):
    path = folder / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def state_of_another_save(folder):
    path = folder / "state.safetensors"
    tensors, metadata = storage.from_tensors(path, path.read_bytes())
    path.write_bytes(storage.to_tensors(tensors | {"last:step": tensors["last:step"] + 1}, metadata))


def cut_state_signed(folder):
    cut_state(folder)
    sign(folder)


def set_metadata(**values):
    return lambda folder: changed(folder, lambda _, metadata: metadata.update(values))


def drop_metadata(folder):
    changed(folder, lambda _, metadata: metadata.pop("plateau"))


def drop_tensor(folder):
    changed(folder, lambda tensors, _: tensors.pop("last:step"))


def more_tensors(folder):
    changed(folder, lambda tensors, _: tensors.update({"last:more": np.zeros(1)}))


def other_type(folder):
    changed(folder, lambda tensors, _: tensors.update({"last:step": np.zeros((), "float64")}))


DAMAGED = r"state\.safetensors is damaged \("


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_state, r"state\.safetensors missing; restore it, or train again"),
        (cut_state, r"state\.safetensors has changed since it was saved: checksum \w+…, expected \w+…; restore it"),
        (state_of_another_save, r"state\.safetensors has changed since it was saved"),
        (cut_state_signed, r"state\.safetensors can't be read: .*it is damaged: restore it"),
        (drop_metadata, r"state\.safetensors: it has no plateau; restore it"),
        (set_metadata(settings="{"), DAMAGED),
        (set_metadata(settings="[]"), r"settings must be a table, got \[\]"),
        (set_metadata(epoch='"2"'), "epoch must be a whole number, got '2'"),
        (set_metadata(epoch="7"), "epoch 7, best 2, don't fit 2 lines"),
        (set_metadata(history="[1, 2]"), "must be a table, got 1; restore it"),
        (set_metadata(best_epoch="-1"), "epoch 2, best -1, don't fit 2 lines"),
        (set_metadata(best_value="x"), DAMAGED),
        (set_metadata(plateau='{"best": 1}'), "plateau can't be"),
        (set_metadata(plateau="[" * 100_000), "nested too deep"),
        (drop_tensor, r"state\.safetensors: doesn't belong to this network and optimizer: missing \['step'\]"),
        (more_tensors, r"doesn't belong to this network and optimizer: missing \[\], unexpected \['more'\]"),
        (other_type, r"state\.safetensors: step has shape \(\) of float64, expected \(\) of int32"),
    ],
)
def test_a_damaged_state_is_refused_and_the_run_stays(folder, damage, message):
    damage(folder)
    before = contents(folder)
    with pytest.raises(InputError, match=message):
        resume(folder)
    assert contents(folder) == before
    assert len(bl.load(folder).history) == 2  # the run itself needs no state


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_the_state_tells_no_traceback_follows(kept, data):
    path = kept / "state.safetensors"
    whole, index = path.read_bytes(), (kept / "network.json").read_bytes()
    key = data.draw(st.sampled_from(["settings", "epoch", "stopped", "history", "plateau", "best_epoch", "best_value"]))
    value = data.draw(
        st.one_of(
            st.text(max_size=5),
            st.sampled_from(["null", "true", "[]", "{}", "-1", "0", "2", "1e400", "NaN", '"x"', "[[]]", '{"best": 1}']),
        )
    )
    try:
        changed(kept, lambda _, metadata: metadata.update({key: value}))
        try:
            resume(kept)
        except InputError as error:
            assert str(kept) in str(error)  # noqa: PT017 (it may also be harmless)
    finally:
        path.write_bytes(whole)
        for name, content in {"network.json": index, **KEPT}.items():
            (kept / name).write_bytes(content)


KEPT = {}


@pytest.fixture(scope="module", autouse=True)
def remembered(kept):
    KEPT.update({n: c for n, c in contents(kept).items() if n not in ("network.json", "state.safetensors")})


def test_there_must_be_something_to_resume_and_nothing_to_lose(folder, tmp_path):
    bl.load(folder).save(tmp_path / "saved")
    with pytest.raises(InputError, match=r"holds no state to resume from \(no state\.safetensors\)"):
        resume(tmp_path / "saved")
    with pytest.raises(InputError, match="already holds a run; resume it, or choose another folder"):
        bl.fit(mlp(), X, Y, epochs=1, checkpoint=folder, **OPTIONS)
    (folder / "network.json").unlink()  # a state is something, too
    with pytest.raises(InputError, match="already holds a run"):
        bl.fit(mlp(), X, Y, epochs=1, checkpoint=folder, **OPTIONS)
    with pytest.raises(InputError, match=r"no complete run: network\.json missing"):
        resume(folder)


def test_overwriting_waits_until_the_new_run_is_first_written(folder):
    before = contents(folder)

    def look(end):
        ours = {name: content for name, content in contents(folder).items() if not name.startswith(".")}
        assert (ours == before) == (end.epoch <= 2)

    bl.fit(mlp(), X, Y, epochs=4, checkpoint=folder, checkpoint_every=2, overwrite=True, callbacks=look, **OPTIONS)
    assert contents(folder) != before


def test_a_run_saved_again_can_still_be_resumed(folder, tmp_path):
    """As the command does it, which adds the scores at the end."""
    run = bl.load(folder)
    run.judgement = {"scores": {}}
    run.save(folder, overwrite=True)
    straight = bl.fit(mlp(), X, Y, epochs=3, **OPTIONS)
    assert (weights(resume(folder)) == weights(straight)).all()


def test_the_state_of_another_run_is_not_kept(folder):
    """Else resuming would bring back the run that was replaced."""
    other = bl.fit(mlp(), X, Y, epochs=1, seed=5, **OPTIONS)
    other.save(folder, overwrite=True)
    assert not (folder / "state.safetensors").exists()
    with pytest.raises(InputError, match="holds no state to resume from"):
        resume(folder)
    assert (weights(bl.load(folder)) == weights(other)).all()


def test_a_full_disk_during_training_leaves_the_last_checkpoint(folder, monkeypatch):
    real = Path.write_bytes

    def full(end):
        if end.epoch == 4:
            monkeypatch.setattr(Path, "write_bytes", lambda path, content: no_space(path, content, real))

    with pytest.raises(InputError, match=r"can't be written: .*No space left.*what was there is as it was"):
        bl.fit(mlp(), X, Y, epochs=8, checkpoint=folder, checkpoint_every=3, overwrite=True, callbacks=full, **OPTIONS)
    monkeypatch.undo()
    assert len(bl.load(folder).history) == 3
    resumed = bl.fit(mlp(), X, Y, epochs=8, checkpoint=folder, resume=True, **OPTIONS)
    assert (weights(resumed) == weights(bl.fit(mlp(), X, Y, epochs=8, **OPTIONS))).all()


def no_space(path, content, real):
    real(path, content[: len(content) // 2])
    raise OSError(28, "No space left on device")


def test_a_state_of_format_1_is_resumed(folder):
    """It had no checksums, numbers as Python writes them, and knew no ensembles."""

    def older(_, metadata):
        saved = json.loads(metadata["settings"])
        del saved["ensemble"], saved["data"], metadata["stopped"]
        metadata.update(settings=json.dumps(saved), best_value=repr(float(metadata["best_value"])))

    changed(folder, older)
    path = folder / "network.json"
    description = json.loads(path.read_text()) | {"format": 1}
    del description["files"], description["sha256"]
    path.write_text(json.dumps(description))
    assert (weights(resume(folder)) == weights(bl.fit(mlp(), X, Y, epochs=3, **OPTIONS))).all()


@pytest.mark.parametrize(
    ("share", "every", "epochs"),
    [(float("inf"), None, [0, 10, 20, 30, 35]), (-1.0, None, [0, 35]), (-1.0, 15, [0, 15, 30, 35])],
)
def test_quick_epochs_are_not_written_each_ten(tmp_path, monkeypatch, share, every, epochs):
    """Where nobody says how often: after ten epochs, if that is but a share of the time; and always at the end."""
    written, write = [], FolderKeeper.write

    def told(keeper, loop, result):
        written.append(loop.state.epoch)
        write(keeper, loop, result)

    monkeypatch.setattr(FolderKeeper, "write", told)
    monkeypatch.setattr(Saving, "SHARE", share)
    checkpoint = bl.Checkpoint(tmp_path / "run", every)
    bl.fit(mlp(), X, Y, epochs=35, checkpoint=checkpoint, callbacks=lambda end: None, **OPTIONS)
    assert written == epochs


def test_the_first_writing_is_timed_too(tmp_path, monkeypatch):
    """By a clock of its own: an epoch takes a second, a writing three, which is a twentieth of sixty."""
    clock, written, write = [0.0], [], FolderKeeper.write

    def slow(keeper, loop, result):
        written.append(loop.state.epoch)
        clock[0] += 3
        write(keeper, loop, result)

    def epoch(end):
        clock[0] += 1

    monkeypatch.setattr(FolderKeeper, "write", slow)
    monkeypatch.setattr(
        "backlit.train.loop.time", SimpleNamespace(monotonic=lambda: clock[0], perf_counter=lambda: 0.0)
    )
    bl.fit(mlp(), X, Y, epochs=70, checkpoint=tmp_path / "run", callbacks=epoch, **OPTIONS)
    assert written == [0, 60, 70]


def test_a_precision_that_an_older_version_did_not_have_was_none(folder):
    def older(_, metadata):
        saved = json.loads(metadata["settings"])
        del saved["precision"]
        metadata["settings"] = json.dumps(saved)

    changed(folder, older)
    with pytest.raises(bl.InputError, match="precision: then None, now 'bfloat16'"):
        resume(folder, precision="bfloat16", engine="xla")
    assert (weights(resume(folder)) == weights(bl.fit(mlp(), X, Y, epochs=3, **OPTIONS))).all()


def test_a_fault_before_the_first_writing_leaves_no_folder(tmp_path):
    def fail(end):
        if end.epoch == 3:
            raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        bl.fit(mlp(), X, Y, epochs=9, checkpoint=tmp_path / "run", callbacks=fail, **OPTIONS)
    assert not (tmp_path / "run").exists()
