"""Streamed runs that stop and go on: checkpoints, Ctrl-C, time limits, streams that fail."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import StreamError
from backlit.train.streamed import ahead, blocks, loop
from backlit.train.streamed.blocks import Cuts, Layout
from backlit.train.streamed.passes import Passes
from backlit.train.streamed.reader import Rows
from tests.train.common import blobs, mlp, weights
from tests.train.streamed.common import Blocks

X, Y = blobs(200)
OPTIONS: dict[str, Any] = {"batch_size": 16, "metrics": []}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROWS", 50)


@pytest.mark.parametrize("steps", [None, 5])
def test_resume_goes_on_bit_for_bit(tmp_path: Path, steps: int | None) -> None:
    options = {**OPTIONS, "steps_per_epoch": steps, "early_stopping": 3}
    whole = bl.fit(mlp(), Blocks(X, Y), epochs=7, **options)
    bl.fit(mlp(), Blocks(X, Y), epochs=4, checkpoint=tmp_path / "run", **options)
    rest = bl.fit(mlp(), Blocks(X, Y), epochs=7, checkpoint=tmp_path / "run", resume=True, **options)
    assert [line["loss"] for line in rest.history] == [line["loss"] for line in whole.history]
    assert np.array_equal(weights(whole), weights(rest))


@pytest.mark.parametrize(("rows", "size", "steps"), [(200, 16, 7), (205, 16, 11), (130, 10, 4), (61, 16, 7)])
@pytest.mark.parametrize("told", [True, False])
def test_what_is_skipped_is_cut_into_the_blocks_that_were_trained_on(
    rows: int, size: int, steps: int, told: bool
) -> None:
    def read(number: int) -> Iterator[Any]:
        for start in range(0, rows, 37):
            places = np.arange(start, min(rows, start + 37)) + number * rows
            yield f"from {start}", Rows(places, places, None, None)

    def epochs(first: int, count: int) -> list[list[Any]]:
        cuts = Cuts(read, Layout(size, 1, 3, steps), Passes(rows if told else None)).since(first)
        return [
            [(cut.number, cut.count, cut.rows.x.tolist()) for cut in iter(lambda: next(cuts), None)]
            for _ in range(count)
        ]

    whole = epochs(0, 9)
    assert sum(-(-len(places) // size) for *_, places in whole[0]) == steps
    for first in range(9):
        assert epochs(first, 9 - first) == whole[first:]


def test_resume_refuses_another_stream(tmp_path: Path) -> None:
    bl.fit(mlp(), Blocks(X, Y), epochs=1, checkpoint=tmp_path / "run", **OPTIONS)
    with pytest.raises(bl.InputError, match="other training rows or targets"):
        bl.fit(mlp(), Blocks(X, Y, name="other"), epochs=2, checkpoint=tmp_path / "run", resume=True, **OPTIONS)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "backlit-reads-ahead"]


class Failing(Blocks):
    """Raises in block 3 of the pass."""

    fails_in = 2

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        for number, block in enumerate(super().batches(epoch, shard, shards)):
            if epoch == self.fails_in and number == 2:
                raise OSError("the disk is gone")
            yield block


def test_what_was_trained_before_a_stream_failed_is_kept(tmp_path: Path) -> None:
    stream = Failing(X, Y, rows=200, classes=[0, 1, 2])
    with pytest.raises(StreamError) as caught:
        bl.fit(mlp(), stream, epochs=5, checkpoint=tmp_path / "run", **OPTIONS)
    assert str(caught.value) == "the stream, block 3 of pass 3: the stream raised OSError: the disk is gone"
    kept: Any = caught.value.run
    two = bl.fit(mlp(), Blocks(X, Y), epochs=2, **OPTIONS)
    assert len(kept.history) == 2
    assert np.array_equal(weights(kept), weights(two))
    assert len(bl.load(tmp_path / "run").history) == 2
    stream.fails_in = -1
    rest = bl.fit(mlp(), stream, epochs=5, checkpoint=tmp_path / "run", resume=True, **OPTIONS)
    assert np.array_equal(weights(rest), weights(bl.fit(mlp(), Blocks(X, Y), epochs=5, **OPTIONS)))
    assert not threads()


def test_a_stream_that_fails_at_once_leaves_nothing(tmp_path: Path) -> None:
    stream = Failing(X, Y, rows=200, classes=[0, 1, 2])
    stream.fails_in = 0
    with pytest.raises(StreamError, match="block 3 of pass 1: the stream raised OSError") as caught:
        bl.fit(mlp(), stream, epochs=5, checkpoint=tmp_path / "run", **OPTIONS)
    assert caught.value.run is None
    assert not (tmp_path / "run").exists()


class Pressing(Blocks):
    """Presses Ctrl-C in the middle of the third pass of training."""

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        for number, block in enumerate(super().batches(epoch, shard, shards)):
            if epoch == 2 and number == 2:
                signal.raise_signal(signal.SIGINT)
            yield block


def test_ctrl_c_ends_the_epoch_with_the_block_and_keeps_its_updates() -> None:
    run = bl.fit(mlp(), Pressing(X, Y, rows=200, classes=[0, 1, 2]), epochs=50, **OPTIONS)
    assert run.stopped == "interrupted"
    assert len(run.history) in (2, 3)  # the thread is a block or two ahead
    assert np.isfinite(run.history[-1]["loss"])
    assert not threads()


class Blocking(Blocks):
    """Gives nothing more, as a socket may, when the thread has read so many passes and blocks; may press Ctrl-C."""

    def __init__(self, passes: int, block: int, press: bool) -> None:
        super().__init__(X, Y, rows=200, classes=[0, 1, 2])
        self.at, self.press = (passes, block), press
        self.read = -1
        self.let_go = threading.Event()
        self.waited_for = False

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        self.read += threading.current_thread().name == "backlit-reads-ahead"
        for number, block in enumerate(super().batches(epoch, shard, shards)):
            if (self.read, number) == self.at and not self.let_go.is_set():
                if self.press:
                    signal.raise_signal(signal.SIGINT)
                self.waited_for = not self.let_go.wait(10)
            yield block


@pytest.mark.parametrize(("at", "epochs"), [((2, 0), 2), ((2, 3), 3), ((0, 0), 0)])
def test_a_stream_that_blocks_is_waited_for_no_more(
    monkeypatch: pytest.MonkeyPatch, at: tuple[int, int], epochs: int
) -> None:
    monkeypatch.setattr(ahead, "GRACE", 0.3)
    stream = Blocking(*at, press=epochs > 0)
    run = bl.fit(mlp(), stream, epochs=50, time_limit=None if epochs else 1e-3, **OPTIONS)
    assert not stream.waited_for
    stream.let_go.set()
    assert run.stopped == ("interrupted" if epochs else "time limit")
    assert len(run.history) == epochs
    if epochs == 2:
        assert np.array_equal(weights(run), weights(bl.fit(mlp(), Blocks(X, Y), epochs=2, **OPTIONS)))


def test_of_validation_that_blocks_the_epoch_before_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "GRACE", 0.3)
    monkeypatch.setattr(loop, "CACHED", 0)
    held = Blocking(2, 1, press=True)
    run = bl.fit(mlp(), Blocks(X, Y), validation=held, epochs=50, early_stopping=9, **OPTIONS)
    assert not held.waited_for
    held.let_go.set()
    assert run.stopped == "interrupted"
    assert len(run.history) == 2


def test_a_time_limit_ends_within_an_epoch() -> None:
    run = bl.fit(mlp(), Blocks(X, Y), epochs=50, time_limit=1e-3, **OPTIONS)
    assert run.stopped == "time limit"
    assert len(run.history) == 1


def test_a_callback_has_the_network_of_its_epoch_and_may_end_the_training() -> None:
    seen = []

    def look(end: Any) -> bool:
        seen.append(end.network)
        return end.epoch == 2

    run = bl.fit(mlp(), Blocks(X, Y), epochs=9, callbacks=look, **OPTIONS)
    assert run.stopped == "callback"
    assert seen[1] == run.network
    assert seen[0] != run.network


def test_probes_look_at_rows_kept_aside_and_the_doctor_at_them() -> None:
    run = bl.fit(mlp(), Blocks(X, Y), validation=Blocks(X[:40], Y[:40]), epochs=6, **OPTIONS)
    assert run.probes[-1]["epoch"] == 6
    assert run.start["data"]["reference"]
    assert isinstance(str(run.diagnose()), str)


def test_a_nan_is_found_in_its_block() -> None:
    network = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1))
    options = {**OPTIONS, "epochs": 9, "optimizer": bl.SGD(1e6), "dtype": "float64", "shuffle": False}
    run = bl.fit(network, Blocks(X, X.sum(axis=1)), **options)
    in_memory = bl.fit(network, X, X.sum(axis=1), **options)
    assert run.stopped == in_memory.stopped == "diverged"
    here, there = run.diverged, in_memory.diverged
    assert here is not None
    assert there is not None
    assert (here.kind, here.path, here.epoch) == (there.kind, there.path, there.epoch)
    assert here.block.startswith("the stream, block")
    assert len(run.history) == len(in_memory.history)
