"""Epochs that are shares of a pass, or several; the start of a pass, for carried states."""

import numpy as np
import pytest

import backlit as bl
from backlit.train.batches import Batches

N, SIZE = 23, 4


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("updates", [1, 2, 4, 6, 7, 13])
def test_epochs_of_any_length_are_the_same_batches(seed, updates):
    whole = Batches(np.arange(N), SIZE, seed=seed)
    passes = {key: np.concatenate([whole.epoch(i)[key] for i in range(updates)]) for key in ("rows", "weights")}
    parts = Batches(np.arange(N), SIZE, seed=seed, updates=updates)
    assert parts.steps == updates
    found = {key: np.concatenate([parts.epoch(i)[key] for i in range(whole.steps)]) for key in passes}
    for key, expected in passes.items():
        np.testing.assert_array_equal(found[key], expected)


def test_a_pass_uses_every_row_once():
    parts = Batches(np.arange(N), SIZE, seed=1, updates=2)
    rows = [parts.epoch(i) for i in range(3)]
    used = np.concatenate([part["rows"][part["weights"] > 0] for part in rows])
    assert sorted(used.tolist()) == list(range(N))


def test_carried_states_start_anew_with_each_pass():
    parts = Batches(np.arange(N), SIZE, accumulate=2, updates=2, carried=True)
    fresh = np.concatenate([parts.epoch(i)["fresh"] for i in range(6)])
    assert fresh.shape == (12, 2)
    assert np.flatnonzero(fresh.reshape(-1)).tolist() == [0, 6, 12, 18]
    assert not Batches(np.arange(4), 4, carried=True).full  # a start is told, though all rows are in one batch


def test_several_epochs_are_stacked():
    parts = Batches(np.arange(N), SIZE, seed=3, updates=4, carried=True)
    stacked = parts.epochs(2, 3, length=5)
    for i in range(3):
        for key, part in parts.epoch(2 + i).items():
            np.testing.assert_array_equal(stacked[key][i], part)
    assert stacked["fresh"].shape == (5, 4, 1)


def test_each_epoch_is_drawn_once_and_held_out_batches_once_a_run(monkeypatch):
    """What the program takes and what the history's metrics are scored by are the same batches."""
    drawn, epoch = [], Batches.epoch

    def told(batches, number):
        drawn.append((len(batches.rows), number))
        return epoch(batches, number)

    monkeypatch.setattr(Batches, "epoch", told)
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    run = bl.fit(
        bl.Linear(2), x, y, epochs=4, batch_size=8, validation=(x[:10], y[:10]), metrics=["accuracy"], probes=None,
        engine="numpy", chunk=2, seed=0, progress=False,
    )  # fmt: skip
    assert "val_accuracy" in run.history[-1]
    assert sorted(drawn) == [(10, 0), (40, 0), (40, 1), (40, 2), (40, 3)]
