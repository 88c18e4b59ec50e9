"""What is taken for a stream, and what comes of metrics, samples and reading ahead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

import backlit as bl
from backlit.train.ensemble import Folds
from backlit.train.program import Program
from backlit.train.streamed import blocks, prepare, tallies
from backlit.train.streamed.ahead import Ahead
from backlit.train.streamed.blocks import Cutter
from backlit.train.streamed.reader import Rows
from backlit.train.streamed.tallies import Sample
from tests.train.common import blobs, mlp, weights
from tests.train.streamed.common import Blocks, furthest

X, Y = blobs(300, classes=2)
OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 16}


def pairs() -> Iterator[Any]:
    for start in range(0, 300, 70):
        yield X[start : start + 70], Y[start : start + 70]


@pytest.mark.slow
def test_a_function_that_yields_blocks_is_a_stream() -> None:
    options = {**OPTIONS, "shuffle": False}
    assert furthest(bl.fit(mlp(), pairs, **options), bl.fit(mlp(), X, Y, **options)) == 0
    run = bl.fit(mlp(), pairs, validation=pairs, **OPTIONS)
    assert run.history[-1]["val_accuracy"] > 0


def test_mapped_arrays_are_streamed_where_it_is_asked_for_or_they_are_large(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped: Any = np.load(tmp_path / "x.npy", mmap_mode="r")
    asked = bl.fit(mlp(), mapped, Y, stream=True, **OPTIONS)
    assert asked.settings["streamed_rows"] == 300
    with bl.limits(memory=1000):
        large = bl.fit(mlp(), mapped, Y, **OPTIONS)
        held = bl.fit(mlp(), mapped, Y, stream=False, **OPTIONS)
    assert furthest(asked, large) == 0
    assert "streamed_rows" not in held.settings
    assert "streamed_rows" not in bl.fit(mlp(), mapped, Y, **OPTIONS).settings
    order = {**OPTIONS, "shuffle": False}
    assert np.array_equal(
        weights(bl.fit(mlp(), mapped, Y, stream=True, **order)), weights(bl.fit(mlp(), X, Y, **order))
    )


def test_a_share_of_a_stream_is_held_back() -> None:
    run = bl.fit(mlp(), Blocks(X, Y), validation=0.2, epochs=30, batch_size=16)
    assert 200 < run.settings["streamed_rows"] < 280
    assert run.history[-1]["val_accuracy"] > 0.8


HELD_WHOLE: dict[str, dict[str, Any]] = {
    "all rows at once": {"batch_size": "full"},
    "L-BFGS": {"optimizer": "lbfgs", "batch_size": "full"},
    "folds": {"validation": Folds.draw(300, 2), "ensemble": 2},
}


@pytest.mark.parametrize("case", HELD_WHOLE)
def test_large_mapped_arrays_are_held_where_an_option_needs_all_rows(tmp_path: Path, case: str) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped: Any = np.load(tmp_path / "x.npy", mmap_mode="r")
    options = {**OPTIONS, **HELD_WHOLE[case]}
    with bl.limits(memory=1000):
        run = bl.fit(mlp(2), mapped, Y, **options)
    assert "streamed_rows" not in run.settings
    assert furthest(run, bl.fit(mlp(2), X, Y, **options)) == 0


def test_large_mapped_arrays_have_the_weights_of_their_rows(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped: Any = np.load(tmp_path / "x.npy", mmap_mode="r")
    options = {**OPTIONS, "shuffle": False, "sample_weight": np.random.default_rng(1).uniform(0.1, 2, 300)}
    with bl.limits(memory=1000):
        run = bl.fit(mlp(2), mapped, Y, **options)
        with pytest.raises(bl.ShapeError, match="need as many rows each, got x 300, y 300, weights 7"):
            bl.fit(mlp(2), mapped, Y, **{**options, "sample_weight": np.ones(7)})
    assert run.settings["streamed_rows"] == 300
    whole = bl.fit(mlp(2), X, Y, **options)
    assert furthest(run, whole) < 1e-6
    assert run.settings["sample_weight"] == whole.settings["sample_weight"]


class Drawn:
    """Other rows in each pass."""

    def __init__(self, blocks: float = 6, **known: Any) -> None:
        self.blocks = blocks
        self.given = 0
        for key, value in known.items():
            setattr(self, key, value)

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        random, given = np.random.default_rng([epoch, shard]), 0
        while given < self.blocks:
            x = random.normal(size=(100, 4))
            yield x, (x[:, 0] > 0) + 0
            given, self.given = given + 1, self.given + 1

    def state(self) -> dict[str, Any]:
        return {"rows": "drawn"}


def test_a_share_is_held_back_of_a_stream_whose_rows_are_others_in_each_pass(tmp_path: Path) -> None:
    options = {"batch_size": 16, "validation": 0.2, "optimizer": bl.Adam(0.05)}
    run = bl.fit(mlp(2), Drawn(rows=600), epochs=6, **options)
    assert run.history[-1]["val_accuracy"] > 0.9
    options |= {"steps_per_epoch": 13, "checkpoint": tmp_path / "run"}
    bl.fit(mlp(2), Drawn(rows=600), epochs=4, **options)
    rest = bl.fit(mlp(2), Drawn(rows=600), epochs=6, resume=True, **options)
    whole = bl.fit(mlp(2), Drawn(rows=600), epochs=6, **{**options, "checkpoint": None})
    assert np.array_equal(weights(rest), weights(whole))


def test_a_stream_without_an_end_is_looked_at_for_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "SURVEYED", 1000)
    options = {"epochs": 3, "batch_size": 16, "validation": (X, (X[:, 0] > 0) + 0), "optimizer": bl.Adam(0.05)}
    stream = Drawn(2000)  # as good as none
    run = bl.fit(mlp(2), stream, steps_per_epoch=80, **options)
    assert run.history[-1]["val_accuracy"] > 0.9
    assert run.settings["streamed_rows"] == 0
    assert stream.given < 80  # 13 for the look at an epoch, the first, 39 to train on, and some that are read ahead
    balanced = bl.fit(mlp(2), Drawn(2000), steps_per_epoch=5, **{**options, "class_weight": "balanced"})
    assert len(balanced.history) == 3


def test_metrics_that_are_no_sums_come_from_a_sample_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def median_error(outputs: Any, targets: Any, weights: Any) -> float:
        return float(np.median(np.abs(outputs - targets)))

    y = X @ [1.0, 2.0, 3.0, 4.0]
    options = {**OPTIONS, "shuffle": False, "metrics": ["rmse", median_error]}
    in_memory, streamed = bl.fit(mlp(1), X, y, **options), bl.fit(mlp(1), Blocks(X, y), **options)
    assert streamed.history["median_error"] == pytest.approx(in_memory.history["median_error"])  # all in the sample
    assert streamed.settings["by_sample"] == ("median_error",)
    assert "by_histogram" not in streamed.settings
    monkeypatch.setattr(tallies, "SAMPLE", 50)
    fewer = bl.fit(mlp(1), Blocks(X, y), **options)
    assert fewer.history["median_error"] != streamed.history["median_error"]
    assert fewer.history["median_error"] == pytest.approx(streamed.history["median_error"], rel=0.5)
    assert fewer.history["rmse"] == pytest.approx(streamed.history["rmse"])


def test_auc_of_a_stream_is_near_that_of_all_rows_and_told() -> None:
    run = bl.fit(mlp(2), Blocks(X, Y), validation=Blocks(X, Y), metrics=["auc"], **OPTIONS)
    outputs = run.outputs(X)
    assert run.history[-1]["val_auc"] == pytest.approx(roc_auc_score(Y, outputs[:, 1] - outputs[:, 0]))
    assert run.settings["by_histogram"] == ("auc",)


def test_a_transformer_must_have_learned_before() -> None:
    with pytest.raises(bl.InputError, match="preparation: StandardScaler hasn't learned yet"):
        bl.fit(mlp(2), Blocks(X, Y), preparation=StandardScaler(), **OPTIONS)
    run = bl.fit(mlp(2), Blocks(X, Y), preparation=StandardScaler().fit(X), shuffle=False, **OPTIONS)
    whole = bl.fit(mlp(2), X, Y, preparation=StandardScaler().fit(X), shuffle=False, **OPTIONS)
    assert furthest(run, whole) == 0


def test_a_streamed_run_isnt_repaired_but_is_saved_and_used(tmp_path: Path) -> None:
    run = bl.fit(mlp(2), Blocks(X, Y), **OPTIONS)
    run.save(tmp_path / "run")
    again = bl.load(tmp_path / "run")
    assert np.array_equal(again.predict(X), run.predict(X))
    for one in (run, again):
        with pytest.raises(bl.InputError, match="this run was trained on a stream"):
            one.fix(X, Y)


def test_a_stream_without_end_needs_to_be_told_what_an_epoch_is() -> None:
    def endless() -> Iterator[Any]:
        rng = np.random.default_rng(1)
        while True:
            x = rng.normal(size=(64, 4))
            yield x, x.sum(axis=1)

    run = bl.fit(mlp(1), endless, steps_per_epoch=20, epochs=15, batch_size=16, optimizer=bl.Adam(0.01))
    assert run.history[-1]["loss"] < 0.1 * run.history[0]["loss"]
    assert run.settings["streamed_rows"] == 0


def test_one_program_is_compiled_for_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROWS", 64)
    made = []

    def program_for(**parts: Any) -> Program:
        made.append(Program(**parts))
        return made[-1]

    monkeypatch.setattr(prepare, "program_for", program_for)
    bl.fit(mlp(2), Blocks(X, Y), validation=Blocks(X[:99], Y[:99]), **OPTIONS)
    assert [(program.train.traces, program.evaluate.traces) for program in made] == [(1, 1)]


def test_the_next_thing_is_made_while_the_last_is_used() -> None:
    made = []

    def slowly() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number

    with Ahead(slowly()) as things:
        assert next(things) == 0
        for _ in range(200):
            if made == [0, 1, 2]:  # one waits, and one is made
                break
            time.sleep(0.01)
        assert made == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name == "backlit-reads-ahead"]


def test_an_error_comes_where_its_thing_would_come() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with Ahead(failing()) as things:
        assert next(things) == 1
        with pytest.raises(OSError, match="gone"):
            next(things)
        with pytest.raises(StopIteration):
            next(things)


def test_rows_are_cut_to_any_size() -> None:
    cutter = Cutter()
    for start in range(0, 10, 4):
        places = np.arange(start, min(10, start + 4))
        cutter.push(Rows(places, places, None, None))
    assert [cutter.take(3).x.tolist() for _ in range(4)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert cutter.waiting == 0


def test_each_row_is_as_likely_in_a_sample_as_any_other() -> None:
    counts = np.zeros(100)
    for seed in range(400):
        sample = Sample(10, (seed,))
        for start in range(0, 100, 7):
            sample.add({"x": np.arange(start, min(100, start + 7))})
        counts[sample.rows()["x"]] += 1
    assert counts.sum() == 4000
    assert abs(counts[:50].sum() - 2000) < 5 * np.sqrt(1000)
    assert (np.abs(counts - 40) < 5 * 6).all()
