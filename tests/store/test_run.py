"""Runs on disk: the same when they come back, and refused when damaged."""

import json

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.store import files
from backlit.store import run as storage
from tests.store.common import contents, copied, sign, trained
from tests.train.common import blobs

NAMES = {"network.json", "weights.safetensors", "data.json", "history.jsonl", "probes.jsonl"}


@pytest.fixture
def run():
    return trained()


@pytest.fixture
def folder(tmp_path_factory, tmp_path):
    return copied(tmp_path_factory, tmp_path / "run")


def test_comes_back_the_same(run, tmp_path):
    x, y = blobs()
    folder = run.save(tmp_path / "run")
    same = bl.load(folder)
    assert (same.predict_proba(x) == run.predict_proba(x)).all()
    assert same.predict(x).tolist() == run.predict(x).tolist()
    assert list(same.history) == list(run.history)
    assert same.network.architecture == run.network.architecture
    assert same.optimizer == run.optimizer
    assert (same.judgement, same.config, same.settings) == (run.judgement, run.config, run.settings)
    assert same.evaluate(x, np.array(["a", "b", "c"])[y]) == run.evaluate(x, np.array(["a", "b", "c"])[y])
    assert {path.name for path in folder.iterdir()} == NAMES | {"judgement.json", "config.toml"}


def test_what_was_loaded_is_saved_as_it_was(folder, tmp_path):
    again = bl.load(folder).save(tmp_path / "again")
    assert contents(again) == contents(folder)


def test_checksums_are_those_of_other_tools(folder):
    """Against Python's hashlib on the bytes on disk, over the names of network.json."""
    import hashlib

    sums = json.loads((folder / "network.json").read_text(encoding="utf-8"))["files"]
    assert set(sums) == {path.name for path in folder.iterdir()} - {"network.json"}
    assert sums == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sums}


def test_loading_draws_no_weights(folder, monkeypatch):
    monkeypatch.setattr(bl.Key, "generator", lambda self: pytest.fail(f"{self} was drawn from"))
    assert bl.load(folder).network.params["0"]["weight"].any()


def test_weights_can_be_changed(folder):
    bl.load(folder).network.params["0"]["weight"][:] = 0


def test_an_existing_run_is_not_overwritten(run, tmp_path):
    run.save(tmp_path / "run")
    with pytest.raises(InputError, match="already holds a run"):
        run.save(tmp_path / "run")
    run.judgement = run.config = None
    run.save(tmp_path / "run", overwrite=True)
    assert {path.name for path in (tmp_path / "run").iterdir()} == NAMES
    assert bl.load(tmp_path / "run").judgement is None


def test_a_file_is_no_folder(run, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file; expected a folder"):
        run.save(tmp_path / "file")
    with pytest.raises(InputError, match="is no folder"):
        bl.load(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "value", "file"),
    [
        ("settings", {"a": object()}, "network.json"),
        ("settings", {"a": "\ud800"}, "network.json"),
        ("optimizer", lambda: None, "network.json"),
        ("judgement", {"a": np.float32(1)}, "judgement.json"),
        ("config", {"a": None}, "config.toml"),
        ("config", ["a"], "config.toml"),
        ("history", [{"loss": np.float32(1)}], "history.jsonl"),
    ],
)
def test_what_is_no_plain_data_leaves_the_old_run(run, folder, tmp_path, name, value, file):
    before = contents(folder)
    setattr(run, name, value)
    with pytest.raises(InputError, match=rf"{file} can't be written: .*plain data"):
        run.save(folder, overwrite=True)
    with pytest.raises(InputError, match=rf"{file} can't be written: .*plain data"):
        run.save(tmp_path / "new")
    assert contents(folder) == before
    assert not (tmp_path / "new").exists()


def test_preparations_that_are_not_known_are_not_saved_or_imported(run, folder, tmp_path):
    run.preparation = Foreign()
    with pytest.raises(InputError, match="prepared by Foreign can't be saved; known preparations: TablePreparation"):
        run.save(tmp_path / "new")
    path = folder / "data.json"
    for kind in ("Foreign", "os.system", "backlit.data.scaling", ["Standardize"], None):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"preparation": {"kind": kind}}))
        sign(folder)
        with pytest.raises(InputError, match=r"data\.json: .*kind of preparation.*restore it, or train again"):
            bl.load(folder)


class Foreign:
    """Not of ours."""


def test_an_optimizer_of_ones_own_is_kept_as_text_where_it_is_not_known(folder):
    sign(folder, lambda d: d.update(optimizer={"transform": "MyOwn", "rate": 0.1}))
    run = bl.load(folder)
    assert run.optimizer == {"transform": "MyOwn", "rate": 0.1}
    run.save(folder, overwrite=True)
    assert bl.load(folder).optimizer == run.optimizer


def as_format_1(folder):
    """As the first version wrote it: without checksums, and with one shift and scale for all outputs."""
    path = folder / "network.json"
    description = json.loads(path.read_text(encoding="utf-8")) | {"format": 1}
    del description["files"], description["sha256"]
    path.write_text(json.dumps(description), encoding="utf-8")
    data = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    shift = data["targets"]["shift"] or [0.0]
    scale = data["targets"]["scale"] or [1.0]
    data["targets"] |= {"shift": shift[0], "scale": scale[0]}
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize("standardize", [False, True])
def test_runs_of_format_1_still_load(tmp_path, standardize):
    x = np.eye(4, dtype="float32")
    run = bl.fit(bl.Linear(1), x, [5.0, 7.0, 9.0, 30.0], epochs=2, engine="numpy", standardize_targets=standardize)
    folder = run.save(tmp_path / "run")
    as_format_1(folder)
    same = bl.load(folder)
    assert same.predict(x).tolist() == run.predict(x).tolist()
    same.save(folder, overwrite=True)
    assert bl.load(folder).predict(x).tolist() == run.predict(x).tolist()
    assert json.loads((folder / "network.json").read_text())["format"] == 2


def test_what_is_no_longer_understood_of_format_1_is_told(folder):
    as_format_1(folder)
    data = json.loads((folder / "data.json").read_text())
    data["preparation"] = {"kind": "TablePreparation", "columns": [{"name": "a"}], "target": "y"}
    (folder / "data.json").write_text(json.dumps(data))
    with pytest.raises(
        InputError, match=r"data\.json: columns/0: the kind of column must be a text, got None; train again"
    ):
        bl.load(folder)


# ------------------------------------------------------------------------------------------------- damaged folders


def cut(name, length):
    def damage(folder):
        (folder / name).write_bytes((folder / name).read_bytes()[:length])

    return damage


def missing(name):
    return lambda folder: (folder / name).unlink()


def noise(name):
    return lambda folder: (folder / name).write_bytes(b"\x00" * 100)


def as_folder(name):
    def damage(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def signed(damage):
    """Damage that the checksums don't show."""

    def both(folder):
        damage(folder)
        sign(folder)

    return both


def described(**changes):
    return lambda folder: sign(folder, lambda description: description.update(changes))


def unsigned(**changes):
    def damage(folder):
        path = folder / "network.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")

    return damage


def without(key):
    return lambda folder: sign(folder, lambda description: description.pop(key))


def other_weights(folder):
    net = bl.Linear(2).build((3,))
    (folder / "weights.safetensors").write_bytes(storage.to_tensors(net.params, {}))
    sign(folder)


def reshaped(value):
    def damage(folder):
        path = folder / "weights.safetensors"
        tensors, _ = storage.from_tensors(path, path.read_bytes())
        tensors["0/bias"] = value
        path.write_bytes(storage.to_tensors(tensors, {}))
        sign(folder)

    return damage


def misspelt_layer(folder):
    sign(folder, lambda description: description["architecture"]["layers"][0].update(layer="Liner"))


def history_of(text):
    return signed(lambda folder: (folder / "history.jsonl").write_text(text))


REMEDY = "restore it, or train again"
CHANGED = rf"has changed since it was saved: checksum \w{{12}}…, expected \w{{12}}…; {REMEDY}"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut("network.json", 50), rf"network\.json can't be read: .*it is damaged: {REMEDY}"),
        (cut("network.json", 0), r"network\.json can't be read"),
        (noise("network.json"), r"network\.json can't be read"),
        (
            lambda f: (f / "network.json").write_text("[" * 100_000),
            r"network\.json can't be read: lists and tables are nested too deep",
        ),
        (as_folder("network.json"), r"network\.json can't be read"),
        (missing("network.json"), rf"no complete run: network\.json missing; {REMEDY}"),
        (missing("weights.safetensors"), rf"no complete run: weights\.safetensors missing; {REMEDY}"),
        (missing("judgement.json"), r"no complete run: judgement\.json missing"),
        (as_folder("weights.safetensors"), r"weights\.safetensors can't be read"),
        (noise("weights.safetensors"), rf"weights\.safetensors {CHANGED}"),
        (cut("history.jsonl", 30), rf"history\.jsonl {CHANGED}"),
        (cut("data.json", 30), rf"data\.json {CHANGED}"),
        (cut("judgement.json", 3), rf"judgement\.json {CHANGED}"),
        (cut("config.toml", 3), rf"config\.toml {CHANGED}"),
        (unsigned(dtype="float64"), rf"network\.json {CHANGED}"),
        (unsigned(sha256=None), r"network\.json has changed .*expected None"),
        (unsigned(sha256=[1]), r"network\.json has changed"),
        (unsigned(format=99), r"written by a newer version \(format 99, this one reads 2\): pip install --upgrade"),
        (unsigned(format="2"), "doesn't describe a network"),
        (unsigned(format=True), "doesn't describe a network"),
        (unsigned(format=0), "doesn't describe a network"),
        (lambda f: (f / "network.json").write_text("[2]"), "doesn't describe a network"),
        (described(files={"../../secret": "0"}), "doesn't list the run's files"),
        (described(files=None), "doesn't list the run's files"),
        (signed(noise("weights.safetensors")), rf"weights\.safetensors can't be read: .*: {REMEDY}"),
        (signed(cut("weights.safetensors", 99)), r"weights\.safetensors can't be read"),
        (other_weights, rf"the network needs more than the 8 numbers that are there for it; {REMEDY}"),
        (reshaped(np.zeros(5, "float32")), rf"0/bias has shape \(5,\) of float32, .* \(8,\) of float32; {REMEDY}"),
        (reshaped(np.zeros(8)), r"0/bias has shape \(8,\) of float64, the network needs \(8,\) of float32"),
        (misspelt_layer, r"network\.json: layers/0: unknown layer 'Liner'; did you mean 'Linear'"),
        (without("loss"), rf"network\.json: it has no loss; {REMEDY}"),
        (described(best_epoch="x"), r"network\.json: best_epoch must be a whole number or null, got 'x'"),
        (described(settings=[]), r"network\.json: settings must be a table, got \[\]"),
        (described(stopped=None), r"network\.json: stopped must be a text, got None"),
        (described(diverged={"epoch": 1}), r"network\.json is damaged"),
        (described(input_shape=[10**30]), r"network\.json"),
        (history_of("{nonsense\n"), r"history\.jsonl can't be read"),
        (history_of("[1]\n"), rf"history\.jsonl: it must be a table, got \[1\]; {REMEDY}"),
        (signed(lambda f: (f / "data.json").write_text("[]")), r"data\.json is damaged"),
        (signed(lambda f: (f / "judgement.json").write_text("[]")), r"judgement\.json: it must be a table, got \[\]"),
        (signed(lambda f: (f / "config.toml").write_text("a =")), r"config\.toml is damaged"),
        (signed(lambda f: (f / "config.toml").write_bytes(b"\xff\xfe")), r"config\.toml is damaged"),
    ],
)
def test_damaged_runs_are_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(InputError, match=message) as caught:
        bl.load(folder)
    assert str(folder) in str(caught.value)


def test_no_run_at_all(tmp_path):
    with pytest.raises(InputError, match="is no folder: expected the folder of a run"):
        bl.load(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"no complete run: network\.json missing"):
        bl.load(tmp_path)
    with pytest.raises(InputError, match=r"File name too long|is no folder"):
        bl.load("a" * 5000)


def test_files_that_are_not_the_runs_do_no_harm(run, folder):
    """A lock that was left, and files of others, are neither read nor removed."""
    for name in (".lock", ".writer", "notes.txt", ".notes.txt.new"):
        (folder / name).write_text("x")
    bl.load(folder)
    run.save(folder, overwrite=True)
    assert (folder / "notes.txt").exists()
    assert (folder / ".notes.txt.new").exists()
    assert not (folder / ".lock").exists()
    assert set(files.FILES) <= {path.name for path in folder.iterdir()}
