"""Probes as part of training: when, of what, kept where."""

import json

import numpy as np
import pytest

import backlit as bl
from backlit.train.probes.schedule import spaced
from tests.train.common import blobs, mlp, weights


def epochs(run):
    return [record["epoch"] for record in run.probes]


def test_off_leaves_the_training_program_as_it_is():
    from backlit.train.program import program_for

    x, y = blobs()
    options = {"epochs": 6, "chunk": 6, "optimizer": bl.Adam(0.0123)}
    off = bl.fit(mlp(), x, y, probes=None, **options)
    before = program_for.kept.cache_info()
    on = bl.fit(mlp(), x, y, probes=bl.Probes(every=2), **options)
    after = program_for.kept.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 1)  # the very same program
    assert off.probes == []
    assert epochs(on) == [2, 4, 6]
    assert (weights(on) == weights(off)).all()
    assert [{**line, "seconds": 0} for line in on.history] == [{**line, "seconds": 0} for line in off.history]


@pytest.mark.parametrize("engine", ["numpy", pytest.param("xla", marks=pytest.mark.slow)])
def test_results_dont_depend_on_the_chunk(engine):
    x, y = blobs()
    found = [
        bl.fit(mlp(), x, y, epochs=7, chunk=chunk, engine=engine, probes=bl.Probes(every=3)).probes
        for chunk in (1, 4, 7)
    ]
    assert [record["epoch"] for record in found[0]] == [3, 6, 7]
    assert found[0] == found[1] == found[2]


@pytest.mark.slow
def test_compiled_probes_agree_with_those_at_once(monkeypatch):
    x, y = blobs()
    at_once = bl.fit(mlp(), x, y, epochs=2).probes[-1]
    monkeypatch.setattr("backlit.train.probes.schedule.COMPILING", 0.0)
    compiled = bl.fit(mlp(), x, y, epochs=2, probes=bl.Probes(rows=at_once["rows"])).probes[-1]
    for path, own in at_once["params"].items():
        assert compiled["params"][path]["update_ratio"] == pytest.approx(own["update_ratio"], rel=1e-3)


def test_a_second_run_compiles_no_probe(monkeypatch):
    from backlit.train.probes import look

    monkeypatch.setattr("backlit.train.probes.schedule.COMPILING", 0.0)
    x, y = blobs()
    assert bl.fit(mlp(), x, y, epochs=2).probes
    misses = look.look_for.kept.cache_info().misses
    assert bl.fit(mlp(), x, y, epochs=2, seed=1).probes
    assert look.look_for.kept.cache_info().misses == misses


def test_the_last_look_is_taken_when_it_is_asked_for(monkeypatch, tmp_path):
    from backlit.train.probes.prober import Prober

    looked, look = [], Prober.__call__
    monkeypatch.setattr(Prober, "__call__", lambda self, carry, epoch: looked.append(epoch) or look(self, carry, epoch))
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=4, probes=bl.Probes(every=2))
    assert looked == [2]
    assert epochs(run) == [2, 4]
    assert run.probes is run.probes  # it is taken once
    assert looked == [2, 4]
    eager = bl.probe(run.network, x, y, probes=bl.Probes(rows=run.probes[-1]["rows"]))[0]
    assert run.probes[-1]["params"]["0/weight"]["norm"] == pytest.approx(eager["params"]["0/weight"]["norm"], rel=1e-5)
    looked.clear()
    bl.fit(mlp(), x, y, epochs=4, probes=bl.Probes(every=2), checkpoint=tmp_path / "run")
    assert [epoch for epoch in looked if epoch] == [2, 4]  # saved with the run, as is the start before the first epoch
    assert epochs(bl.load(tmp_path / "run")) == [2, 4]


def test_a_node_to_watch_that_isnt_there_is_told_before_training():
    x, y = blobs()
    with pytest.raises(bl.UnknownNameError, match=r"node to watch '0/linaer'"):
        bl.fit(mlp(), x, y, epochs=100_000, probes=bl.Probes(watch=("0/linaer",)))


def test_layers_and_contents_can_be_chosen():
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=1, probes=bl.Probes(layers=("1",), histograms=False))
    assert list(run.probes[-1]["layers"]) == ["1"]
    assert "histogram" not in run.probes[-1]["layers"]["1"]
    sequences = np.zeros((8, 5, 2), "float32")
    run = bl.fit(bl.RNN(1), sequences, np.zeros(8), epochs=1, probes=bl.Probes(time_steps=False))
    assert "steps" not in run.probes[-1]["layers"]["network"]


@pytest.mark.slow
def test_early_stopping_and_callbacks_end_with_a_probe():
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=40, callbacks=lambda end: end.epoch == 3, probes=bl.Probes(every=10))
    assert epochs(run) == [3]
    run = bl.fit(
        mlp(), x, y, epochs=60, validation=0.3, early_stopping=bl.EarlyStopping(1, min_delta=9.0),
        probes=bl.Probes(every=50),
    )  # fmt: skip
    assert epochs(run) == [len(run.history)]


def test_a_diverged_run_is_probed_where_it_was_still_finite():
    x, y = blobs()
    options = {"optimizer": bl.SGD(1e6), "epochs": 9, "metrics": [], "probes": bl.Probes(every=1)}
    run = bl.fit(bl.Linear(1), x, y.astype(float), **options)
    assert run.diverged
    assert epochs(run) == list(range(1, len(run.history) + 1))


def test_ctrl_c_keeps_probes_of_finished_epochs():
    def interrupt(end):
        if end.epoch == 3:
            raise KeyboardInterrupt

    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=9, callbacks=interrupt, probes=bl.Probes(every=1))
    assert run.stopped == "interrupted"
    assert epochs(run) == [1, 2]
    assert len(run.history) == 2


def test_the_first_member_of_an_ensemble_is_probed():
    x, y = blobs()
    options = {"epochs": 3, "probes": bl.Probes(every=1, rows=64), "optimizer": bl.SGD(0.1)}
    alone, several = bl.fit(mlp(), x, y, **options), bl.fit(mlp(), x, y, ensemble=3, **options)
    for one, other in zip(alone.probes, several.probes, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        assert one["layers"].keys() == other["layers"].keys()


def test_a_run_is_saved_and_loaded_with_its_probes(tmp_path):
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=4, probes=bl.Probes(every=2))
    folder = run.save(tmp_path / "run")
    lines = (folder / "probes.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [run.start, *run.probes]
    assert bl.load(folder).probes == run.probes
    (folder / "probes.jsonl").write_text("{}\n")
    with pytest.raises(bl.InputError, match=r"probes.jsonl has changed"):
        bl.load(folder)
    bl.fit(mlp(), x, y, epochs=1, probes=None).save(folder, overwrite=True)
    assert not (folder / "probes.jsonl").exists()


def test_resuming_goes_on_with_the_probes(tmp_path):
    x, y = blobs()
    options = {"checkpoint_every": 2, "probes": bl.Probes(every=2)}
    whole = bl.fit(mlp(), x, y, epochs=8, checkpoint=tmp_path / "whole", **options)
    bl.fit(mlp(), x, y, epochs=4, checkpoint=tmp_path / "part", **options)
    rest = bl.fit(mlp(), x, y, epochs=8, checkpoint=tmp_path / "part", resume=True, **options)
    assert epochs(whole) == [2, 4, 6, 8]
    assert rest.probes == whole.probes
    assert bl.load(tmp_path / "part").probes == whole.probes


@pytest.mark.parametrize(
    ("network", "x"),
    [
        (bl.Linear(2), np.ones((4, 3))),
        (bl.Sequential(bl.Embedding(9, 4), bl.LSTM(3, stateful=4), bl.Linear(2)), np.ones((8, 5), int)),
        (bl.Sequential(bl.Bidirectional(bl.GRU(3)), bl.Linear(2)), np.ones((6, 5, 2))),
        (bl.Sequential(bl.Flatten(), bl.BatchNorm(), bl.PReLU(), bl.Linear(2)), np.ones((5, 2, 2))),
        (bl.Wired({"a": bl.Linear(2), "b": bl.ReLU()}, [("a", "b"), ("b", "output")]), np.ones((1, 3))),
    ],
    ids=["one layer", "stateful", "both directions", "layers without parameters first", "wired, one row"],
)  # fmt: skip
def test_networks_of_all_kinds(network, x):
    y = np.ones((len(x), 2))
    run = bl.fit(network, x, y, epochs=2, batch_size=4, shuffle=False, probes=bl.Probes(every=1))
    record = run.probes[-1]
    assert epochs(run) == [1, 2]
    assert all(own["bad"] == 0 for own in record["layers"].values())
    named = [own["gradient_norm"] for path, own in record["layers"].items() if path != "input"]
    assert named
    json.dumps(list(run.probes), allow_nan=False)


def test_weighted_rows_count_by_their_weight():
    x, y = blobs()
    heavy = np.where(np.arange(len(y)) < 60, 1.0, 0.0)
    half = bl.fit(mlp(), x, y, epochs=1, sample_weight=heavy, probes=bl.Probes(rows=120), batch_size=None)
    assert half.probes[-1]["loss"] == pytest.approx(half.evaluate(x[:60], y[:60])["loss"], rel=1e-4)


def test_bad_settings_are_refused():
    x, y = blobs()
    with pytest.raises(bl.InputError, match=r"probes must be 'standard', None or bl.Probes"):
        bl.fit(mlp(), x, y, probes="all")
    with pytest.raises(bl.InputError, match=r"Probes: every must be a whole number of at least 1, or None, got 0"):
        bl.Probes(every=0)
    with pytest.raises(bl.InputError, match=r"Probes: rows must be .* got True"):
        bl.Probes(rows=True)
    with pytest.raises(bl.InputError, match=r"Probes: layers must hold paths such as '0' or '2/\*', got 3"):
        bl.Probes(layers=3)


def test_a_run_without_probes_says_how_to_get_them():
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=2, probes=None)
    for picture in (run.flow, run.activations):
        with pytest.raises(
            bl.InputError, match=r"this run has no probes.*probes='standard'.*bl.probe\(network, x, y\)"
        ):
            picture()


def test_records_can_be_read_by_name():
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=3, probes=bl.Probes(every=1))
    assert len(run.probes.of("0/weight", "norm")) == 3
    frame = run.probes.frame()
    assert {"epoch", "kind", "path", "std", "gradient_norm", "update_ratio"} <= set(frame.columns)
    assert len(frame) == 3 * (4 + 4)
    with pytest.raises(bl.UnknownNameError, match=r"layer or parameter '0/weihgt'"):
        run.probes.of("0/weihgt", "norm")
    with pytest.raises(bl.UnknownNameError, match=r"number of 0/weight 'nrm'"):
        run.probes.of("0/weight", "nrm")
    with pytest.raises(bl.InputError, match=r"epoch 9 wasn't probed; there are 1, 2, 3"):
        run.activations(9)


@pytest.mark.parametrize(("total", "count"), [(1, 1), (20, 3), (20, 9), (2000, 7), (2000, 30), (50, 50), (50, 200)])
def test_spacing(total, count):
    chosen = sorted(spaced(total, count))
    assert chosen[-1] == total
    assert len(chosen) <= count
    assert all(1 <= epoch <= total for epoch in chosen)
    assert count == 1 or chosen[0] == 1


def test_tables_are_probed_too():
    table = {"a": [i / 40 for i in range(40)], "b": [float(i % 2) for i in range(40)]}
    run = bl.fit(table, target="b", epochs=2, seed=1)
    assert "input" in run.probes[-1]["layers"]
    assert bl.fit(table, target="b", epochs=2, seed=1, probes=None).probes == []
