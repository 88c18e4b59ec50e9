"""The generated tables are what their docstrings say."""

import polars as pl
import pytest

from benchmarks.generated_tables import GENERATED, bicycles, churn, houses, loans, machines

MISSING = {
    houses: {"준공년도": 0.1, "한강 조망": 0.15},
    bicycles: {"temperature": 0.08, "sky": 0.12},
    churn: {"months": 0.05, "use": 0.1, "payment": 0.1},
    loans: {"income": 0.2, "years": 0.1},
    machines: {"sensor 1": 0.1, "sensor 2": 0.1, "sensor 3": 0.1, "maker": 0.06},
}
NOISE = {houses: ("기타", 5), bicycles: ("noise", 4), churn: ("noise", 6), loans: ("noise", 15), machines: ("noise", 6)}
SHARES = {
    churn: {"yes": 0.05, "no": 0.95},
    loans: {"lost": 0.3, "paid": 0.7},
    machines: {"none": 0.4, "bearing": 0.25, "belt": 0.18, "motor": 0.12, "sensor": 0.05},
}


@pytest.fixture(params=[make for make, _ in GENERATED.values()], ids=list(GENERATED))
def make(request):
    return request.param


def test_a_seed_gives_one_table(make):
    assert make(200, 3).equals(make(200, 3))
    assert not make(200, 3).equals(make(200, 4))


def test_missing_values_are_where_they_are_said_to_be(make):
    frame = make()
    assert 1000 <= frame.height <= 4000
    for column, count in zip(frame.columns, frame.null_count().row(0), strict=True):
        expected = MISSING[make].get(column, 0)
        assert count / frame.height == pytest.approx(expected, abs=0.025 if expected else 0), column


@pytest.mark.parametrize("make", SHARES)
def test_classes_have_their_shares(make):
    frame = make()
    counts = dict(frame.to_series(-1).value_counts().iter_rows())
    assert {name: count / frame.height for name, count in counts.items()} == pytest.approx(SHARES[make], abs=1e-3)


def test_stations_are_many_and_some_are_rare():
    counts = bicycles()["station"].value_counts()["count"]
    assert 90 <= len(counts) <= 100
    assert counts.min() < 12
    assert counts.max() > 500


def test_tails_are_long():
    skew = {name: frame[name].drop_nulls().skew() for frame, name in ((houses(), "역까지 거리"), (churn(), "use"))}
    assert min(skew.values()) > 2, skew
    history = loans()["history"]
    assert history.abs().max() > 50 * history.abs().quantile(0.75)  # a bell's largest of 3,000 is 5 times


def test_noise_says_nothing_of_the_target(make):
    name, count = NOISE[make]
    frame = make()
    noise = [column for column in frame.columns if column.startswith(name)]
    assert len(noise) == count
    target = frame.columns[-1]
    numbers = frame.with_columns(pl.col(target).rank("dense") if frame[target].dtype == pl.String else pl.col(target))
    for column in noise:  # four standard errors of a rank correlation
        correlation = numbers.select(pl.corr(column, target, method="spearman")).item()
        assert abs(correlation) < 4 / frame.height**0.5, column
