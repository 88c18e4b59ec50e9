"""Conformal intervals: coverage measured, the finite-sample rule, bad levels."""

import json

import numpy as np
import pytest

from backlit.errors import InputError
from backlit.train.intervals import Intervals


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("noise", ["normal", "cauchy"])
def test_coverage_is_at_least_what_was_asked(level, noise):
    rng = np.random.default_rng(0)
    draw = rng.standard_normal if noise == "normal" else rng.standard_cauchy
    held, new, rounds = 60, 40, 400
    inside = []
    for _ in range(rounds):
        q = Intervals.learn(np.zeros(held), draw(held)).half_width(level)[0]
        inside.append(np.mean(np.abs(draw(new)) <= q))
    # Exactly ⌈61·level⌉/61 in the mean for continuous residuals.
    expected = np.ceil((held + 1) * level) / (held + 1)
    assert np.mean(inside) == pytest.approx(expected, abs=4 * np.std(inside) / np.sqrt(rounds))
    assert expected >= level


def test_too_few_rows_for_a_level():
    few = Intervals.learn(np.zeros(8), np.arange(8.0))
    assert few.half_width(0.9) == (float("inf"),)
    assert few.half_width(0.8) == (7.0,)


def test_many_rows_are_thinned_to_the_safe_side():
    errors = np.random.default_rng(0).exponential(size=50_000)
    thinned = Intervals.learn(np.zeros(50_000), errors)
    assert len(thinned.residuals[0]) == 1000
    assert np.quantile(errors, 0.9) <= thinned.half_width(0.9)[0] < np.quantile(errors, 0.905)


def test_each_output_has_its_own():
    y = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    intervals = Intervals.learn(np.zeros((3, 2)), y)
    assert intervals.half_width(0.7) == (3.0, 30.0)
    assert Intervals.from_dict(json.loads(json.dumps(intervals.to_dict()))) == intervals


@pytest.mark.parametrize("level", [0, 1, -0.5, "0.9", float("nan")])
def test_levels_that_are_none(level):
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        Intervals.learn(np.zeros(3), np.ones(3)).half_width(level)
