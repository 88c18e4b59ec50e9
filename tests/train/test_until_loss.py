"""A target loss ends training at the first epoch that reaches it; what isn't reached is told."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.train.result import ending

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=80)
OPTIONS = {"engine": "numpy", "probes": None, "optimizer": bl.SGD(0.02), "validation": (X[:20], -Y[:20])}


@pytest.fixture(scope="module")
def free():
    return bl.fit(bl.Linear(1), X, Y, epochs=30, **OPTIONS)


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_it_ends_at_the_first_epoch_below(free, chunk):
    target = 0.5
    first = next(i for i, loss in enumerate(free.history["loss"], 1) if loss <= target)
    run = bl.fit(bl.Linear(1), X, Y, epochs=30, until_loss=target, chunk=chunk, **OPTIONS)
    assert (run.stopped, len(run.history)) == ("loss reached", first)
    assert run.history["loss"] == free.history["loss"][:first]
    reached = f"loss {run.history['loss'][-1]:.6g} reached after epoch {first}"
    assert ending(run) == f"{reached}: at most 0.5 was asked for; its weights are kept"


def test_the_weights_that_reached_it_are_kept_though_validation_liked_others_better(free):
    # Validation targets have the opposite sign: the first epoch is the best by them.
    run = bl.fit(bl.Linear(1), X, Y, epochs=30, until_loss=0.5, early_stopping=30, **OPTIONS)
    assert run.best_epoch == len(run.history) > 1
    last = bl.fit(bl.Linear(1), X, Y, epochs=len(run.history), **OPTIONS)
    np.testing.assert_array_equal(run.network.params["weight"], last.network.params["weight"])


def test_early_stopping_comes_first_where_it_does_and_what_was_missed_is_told():
    run = bl.fit(bl.Linear(1), X, Y, epochs=30, until_loss=1e-6, early_stopping=2, **OPTIONS)
    assert run.stopped == "early stopping"
    assert "no improvement since epoch" in ending(run)
    assert "the loss never came down to 1e-06" in ending(run)
    run = bl.fit(bl.Linear(1), X, Y, epochs=2, until_loss=1e-6, **OPTIONS)
    assert run.stopped == "epochs done"
    assert ending(run).startswith("the loss never came down to 1e-06: its lowest was")


def test_going_on_with_another_target(free, tmp_path):
    folder = tmp_path / "run"
    first = bl.fit(bl.Linear(1), X, Y, epochs=30, until_loss=1.0, checkpoint=folder, **OPTIONS)
    same = bl.fit(bl.Linear(1), X, Y, epochs=30, until_loss=1.0, checkpoint=folder, resume=True, **OPTIONS)
    assert (same.stopped, len(same.history)) == ("loss reached", len(first.history))
    lower = bl.fit(bl.Linear(1), X, Y, epochs=30, until_loss=0.5, checkpoint=folder, resume=True, **OPTIONS)
    assert lower.stopped == "loss reached"
    assert len(lower.history) > len(first.history)
    assert lower.history["loss"] == free.history["loss"][: len(lower.history)]
    assert bl.load(folder).stopped == "loss reached"


@pytest.mark.parametrize("value", ["small", float("nan"), True])
def test_it_must_be_a_number(value):
    with pytest.raises(InputError, match="until_loss must be a finite number"):
        bl.fit(bl.Linear(1), X, Y, until_loss=value)
