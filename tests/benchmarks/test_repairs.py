"""The benchmark of mending: what counts as better, and what random search and `bl.tune` do with their time."""

import numpy as np

import backlit as bl
from benchmarks.doctor.repairs import Outcome, search, table, tune
from benchmarks.doctor.runner import Case


def outcome(before: float, mended: float, drawn: float, mendable: bool = True) -> Outcome:
    case = Case("sick", "moons", ["Linear 2"], ["softmax twice"])
    return Outcome(case, 0, mendable, ("a",), 7, before, mended, drawn, 0.9, (0.5, 0.9, 0.7, 0.6), 1.0)


def test_the_sums() -> None:
    told = table([outcome(1.0, 0.5, 0.995), outcome(1.0, 1.2, 0.2), outcome(1.0, 1.0, 1.0, mendable=False)])
    assert "with a remedy  run.fix        better 1 of 2, worse 1, mean gain of the score +0.400" in told
    assert "with a remedy  random search  better 1 of 2, worse 0, mean gain of the score +0.200" in told
    assert "all sick       run.fix        better 1 of 3, worse 1" in told
    assert "with a remedy  bl.tune        better 2 of 2, worse 0, mean gain of the score +0.100" in told
    assert "with a remedy  run.fix ahead of random search: score +0.200 ± 0.000" in told
    assert "run.fix below random search's cost in 1, above in 1 of 3" in told
    assert "run.fix below bl.tune's cost in 1, above in 2 of 3" in told


def test_random_search_keeps_the_best_on_held_out_rows() -> None:
    x = np.random.default_rng(0).normal(size=(120, 3))
    net = bl.Sequential(bl.Linear(2), bl.Softmax())
    run = bl.fit(net, x, (x[:, 0] > 0).astype(int), epochs=3, validation=0.25, engine="numpy")
    assert search(run, 0.0, np.random.default_rng(0)) is run
    found = search(run, 0.5, np.random.default_rng(0))
    assert found.history["val_loss"][-1] < run.history["val_loss"][-1]
    assert tune(run, 0.5).history["val_loss"][-1] <= run.history["val_loss"][-1]
