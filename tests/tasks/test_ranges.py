"""Ranges of scores: the textbook's for shares, and the share of draws that they hold."""

import numpy as np
import pytest
from scipy.stats import binomtest

import backlit as bl
from backlit.tasks.judge import ranges


@pytest.mark.parametrize(("hits", "rows"), [(0, 1), (1, 1), (9, 10), (267, 269), (269, 269), (50, 1000)])
def test_shares_have_wilsons_interval(hits, rows):
    found = binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    assert ranges.of_share(hits, rows) == pytest.approx((found.low, found.high), abs=1e-6)


@pytest.mark.parametrize(
    ("bounds", "truth"),
    [
        (lambda errors: ranges.of_root(errors**2), 1.0),  # the RMSE of standard normal errors
        (lambda errors: ranges.of_mean(np.abs(errors)), (2 / np.pi) ** 0.5),  # and their MAE
    ],
)
def test_a_range_holds_the_true_score_in_about_95_of_100_draws(bounds, truth):
    rng = np.random.default_rng(0)
    drawn = [bounds(rng.normal(size=200)) for _ in range(1000)]
    held = np.mean([low <= truth <= high for low, high in drawn])
    assert 0.92 < held < 0.98


def test_what_cannot_be_told_is_left_out():
    assert ranges.of_mean(np.array([1.0])) is None
    assert ranges.known(rmse=None, mae=(1.0, 2.0)) == {"mae": (1.0, 2.0)}
    assert ranges.known(rmse=None) is None


@pytest.mark.slow
def test_a_judgement_has_the_ranges_of_its_scores():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "kind": np.where(x[:, 0] + rng.normal(size=300) > 0, "yes", "no")}
    judgement = bl.fit_table(table, target="kind", network="linear", epochs=10, ensemble=1).judgement
    rows, hits = judgement.rows, round(judgement.scores["accuracy"] * judgement.rows)
    assert judgement.ranges["accuracy"] == pytest.approx(ranges.of_share(hits, rows))
    low, high = judgement.ranges["log_loss"]
    assert low < judgement.scores["log_loss"] < high
    judgement = bl.fit_table({"a": x[:, 0], "y": x[:, 0] + x[:, 1]}, target="y", epochs=10, ensemble=1).judgement
    for score in ("rmse", "mae"):
        low, high = judgement.ranges[score]
        assert low < judgement.scores[score] < high
