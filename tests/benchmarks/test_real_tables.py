"""The scoring of the real tables, by hand."""

import numpy as np
import polars as pl
import pytest

from benchmarks.real_tables import STRANGERS, TABLES, difference, report, skill
from benchmarks.tables import Table


def test_skill_is_what_the_best_constant_leaves_open():
    table = Table(pl.DataFrame({"y": ["a"] * 3 + ["b"]}), "y", "accuracy")
    constant = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert skill(table, {"log_loss": constant}) == pytest.approx(0)
    assert skill(table, {"log_loss": constant / 4}) == pytest.approx(0.75)
    assert skill(Table(pl.DataFrame({"y": [1.0, 2.0]}), "y", "r2"), {"r2": 0.5}) == 0.5


def test_the_difference_is_to_the_best_of_the_others_split_by_split():
    best, mean, error = difference({"backlit": [0.5, 0.7], "linear": [0.4, 0.4], "boosting": [0.6, 0.6]})
    assert (best, mean, error) == ("boosting", pytest.approx(0), pytest.approx(0.1))


def test_the_report_counts_who_is_level():
    def of(*skills):
        return [{"skill": value, "cpu": 1.0, "accuracy": 0.5} for value in skills]

    behind = {"backlit": of(0.1, 0.1), "MLP": of(0.2, 0.2), "linear": of(0.0, 0.0), "boosting": of(0.1, 0.0)}
    ahead = {**behind, "backlit": of(0.3, 0.4)}
    text = report({"churn": behind, "OJ": ahead}, 2)
    assert "| churn * | 0.100 (0.500) | 0.200 (0.500) |" in text
    assert "Level on 0 of 1 that strangers tried (*), on 1 of all 2." in text


def test_seven_that_strangers_tried_and_ten_others():
    assert set(STRANGERS) < set(TABLES)
    assert (len(STRANGERS), len(TABLES)) == (7, 17)
