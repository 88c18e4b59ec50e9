"""Trainings side by side: the same as alone, going on where they were, told apart by data, and ended when asked."""

import itertools

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.repair.compare import costs, validate
from backlit.doctor.trials import Trials, Yardstick, side_by_side

X = np.random.default_rng(0).normal(size=(80, 3)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0.7).astype(int)


@pytest.fixture(scope="module")
def run() -> bl.Run:
    net = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(2))
    return bl.fit(net, X, Y, epochs=6, optimizer=bl.Adam(0.03), validation=0.25, engine="numpy", seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_a_candidate_ends_as_it_would_alone(run: bl.Run, engine: str) -> None:
    base = run.recipe.with_validation().replace(engine=engine)
    wider = base.replace(bl.Sequential(bl.Linear(9), bl.Tanh(), bl.Linear(2)))
    weighed = base.replace(class_weight="balanced")  # the same program on other weights
    recipes = [base, base.replace(optimizer=bl.Adam(0.1)), wider, weighed]
    trials = Trials(recipes, range(2))
    trials.train(2)
    found = trials.train(6)
    assert trials.updates == 4 * 2 * 6 * 2  # candidates, seeds, epochs, updates an epoch: none twice
    for place, k in itertools.product(range(4), range(2)):
        alone = recipes[place].fit(seed=3 + k, probes=None)
        expected = costs(validate(alone, recipes[place]), "loss", run)
        outcome = found[place][k]
        np.testing.assert_array_equal(costs(outcome.validation, "loss", run), expected)
        assert [row["val_loss"] for row in outcome.history] == [*alone.history["val_loss"]]


def test_compared_with_paired_seeds(run: bl.Run) -> None:
    base = run.recipe.with_validation()
    still, same, quick, wild = side_by_side(
        [base.replace(optimizer=bl.SGD(1e-6)), base, base.replace(optimizer=bl.Adam(0.2)),
         base.replace(optimizer=bl.SGD(3e38))], 6, seeds=3,
    )  # fmt: skip
    yardstick = Yardstick(run, base)
    assert yardstick.compare(still, quick).better
    assert not yardstick.compare(same, same).better
    assert [outcome.validation for outcome in wild] == [None] * 3  # it diverged, and costs most
    assert yardstick.rows(None) == pytest.approx(np.full(20, yardstick.most))
    assert yardstick.cost(still[0]) == pytest.approx(still[0].history[-1]["val_loss"], rel=1e-5)


def test_what_grows_without_bounds_is_worth_its_best_epoch_and_no_more(run: bl.Run) -> None:
    base = run.recipe.with_validation()
    (grown,), (gone,) = side_by_side(
        [base.replace(optimizer=bl.SGD(1e4)), base.replace(optimizer=bl.SGD(3e38))], 6, seeds=1
    )
    yardstick = Yardstick(run, base)
    best = min(row["val_loss"] for row in grown.history)
    assert yardstick.cost(grown) == pytest.approx(min(best, yardstick.rows(grown.validation).mean()), rel=1e-5)
    assert yardstick.cost(gone) == pytest.approx(yardstick.most)


def test_the_best_epoch_is_what_a_candidate_is_worth(run: bl.Run) -> None:
    base = run.recipe.with_validation().replace(optimizer=bl.Adam(0.3))
    ((outcome,),) = side_by_side([base], 12, seeds=1)
    losses = [row["val_loss"] for row in outcome.history]
    assert outcome.best_epoch == 1 + int(np.argmin(losses))
    assert Yardstick(run, base).cost(outcome) == pytest.approx(min(losses), rel=1e-5)


def test_what_cannot_be_trained_and_what_is_stopped(run: bl.Run) -> None:
    base = run.recipe.with_validation()
    trials = Trials([base, base.replace(bl.GRU(2)), base])
    assert list(trials.left_out) == [1]
    assert "GRU" in trials.left_out[1]
    assert list(trials.train(1)) == [0, 2]
    asked = iter([False, False, *[True] * 99])
    assert list(trials.train(6, asked=lambda: next(asked))) == []  # none came so far
    assert trials.train(1, [2])[2][0].epochs >= 1
