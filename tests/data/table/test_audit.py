"""Leaks and shifts are planted, and seen; clean tables stay silent."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from backlit.data import TablePreparation, split
from backlit.data.table.audit import homogeneity, kolmogorov_smirnov, suspicions


@pytest.fixture
def clean(rng):
    n = 1200
    a, b = rng.normal(size=(2, n))
    return pl.DataFrame(
        {
            "a": a,
            "b": b,
            "colour": rng.choice(["red", "green", "blue"], n),
            "y": np.where(a + b + rng.normal(size=n) > 0, "yes", "no"),
            "price": 3 * a - b + rng.normal(size=n),
        }
    )


def told(frame, target="y", test=None):
    y = frame[target].to_numpy()
    frame = frame.drop([name for name in ("y", "price") if name != target and name in frame.columns])
    y = y.astype(str) if y.dtype.kind == "O" else y
    train, _, rows = split(frame.height, seed=3)
    preparation = TablePreparation.learn(frame, target, train)
    if test is not None:
        return suspicions(frame, preparation, y, train, np.arange(test.height), test)
    return suspicions(frame, preparation, y, train, rows)


def test_a_clean_table_stays_silent(clean):
    assert told(clean) == []
    assert told(clean, "price") == []


@pytest.mark.parametrize("seed", range(10))
def test_random_splits_stay_silent(seed):
    rng = np.random.default_rng(seed)
    columns = {f"c{i}": rng.standard_cauchy(400) for i in range(30)}
    frame = pl.DataFrame(columns | {"k": rng.choice(list("abcde"), 400), "y": rng.choice(["u", "v"], 400)})
    assert told(frame) == []


def test_duplicated_rows(clean):
    copied = pl.concat([clean, clean[:300]])
    (sentence,) = told(copied)
    assert "test rows (" in sentence
    assert "also stand in the training rows, target and all" in sentence


def test_a_column_that_is_the_target(clean):
    (sentence,) = told(clean.with_columns(won=pl.col("y").replace_strict({"yes": "1", "no": "0"})))
    assert sentence.startswith("column 'won' alone tells the target in each of 840 training rows")
    (sentence,) = told(clean.with_columns(cents=100 * pl.col("price") + 7), "price")
    assert sentence.startswith("column 'cents' is the target in another unit")
    above = clean.with_columns(score=pl.when(pl.col("y") == "yes").then(pl.col("a").abs() + 1).otherwise(0.5))
    assert "'score' alone tells the target" in told(above)[0]


def test_an_identifier_that_predicts(clean):
    ordered = clean.sort("y").with_row_index("Id")
    (sentence,) = told(ordered)
    assert sentence.startswith(
        "column 'Id' only names the rows, and is left out; yet it goes with the target (|r| = 0.8"
    )
    assert told(clean.with_row_index("Id")) == []


def test_a_test_file_from_elsewhere(clean, rng):
    other = clean[:300].with_columns(a=pl.col("a") + 1, colour=pl.lit("red")).with_columns(b=pl.lit(0.1) * pl.col("b"))
    other = other.with_columns(y=pl.Series(rng.choice(["yes", "no"], 300)))
    found = told(clean, test=other.drop("price"))
    assert any("'a' is distributed otherwise in the test rows: median" in s for s in found)
    assert any("'colour' has other shares of its levels" in s for s in found)


def test_tests_of_distributions_equal_scipys(rng):
    first, second = rng.normal(size=300).round(1), rng.normal(0.3, 1, 170).round(1)
    theirs = ks_2samp(first, second, method="asymp")
    distance, chance = kolmogorov_smirnov(first, second)
    assert distance == pytest.approx(theirs.statistic)
    assert chance == pytest.approx(theirs.pvalue, rel=0.3)  # theirs corrects for the sample's size
    table = np.array([[30, 50, 12], [22, 19, 31]])
    assert homogeneity(table) == pytest.approx(chi2_contingency(table).pvalue)
