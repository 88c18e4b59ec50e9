"""Sketches against NumPy's numbers, and within the bounds that they state."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.data.streams.hashing import of_column, of_places, of_rows
from backlit.data.streams.sketches import Counts, Distinct, Moments, Quantiles


def cut(values: np.ndarray, seed: int) -> list[np.ndarray]:
    """Blocks of random length."""
    rng = np.random.default_rng(seed)
    return np.split(values, np.sort(rng.integers(0, len(values) + 1, 7)))


@given(st.integers(0, 10**6), st.integers(1, 3000), st.floats(-1e9, 1e9), st.floats(1e-3, 1e6))
@settings(max_examples=60, deadline=None)
def test_moments_are_those_of_the_whole(seed: int, rows: int, center: float, scale: float) -> None:
    values = np.random.default_rng(seed).normal(center, scale, rows)
    seen = Moments()
    for block in cut(values, seed):
        seen.add(block)
    exact = values.astype(np.longdouble)
    assert seen.count == rows
    assert (seen.low, seen.high) == (values.min(), values.max())
    assert seen.mean == pytest.approx(float(exact.mean()), rel=1e-12, abs=1e-12 * (abs(center) + scale))
    assert seen.deviation == pytest.approx(float(exact.std()), rel=1e-9, abs=1e-12 * (abs(center) + scale))


def test_moments_do_not_cancel_far_from_zero() -> None:
    """The sum of squares minus the square of the sum would give 0 or worse here."""
    values = np.random.default_rng(0).normal(1e9, 1e-3, 100_000)
    seen = Moments()
    for block in np.array_split(values, 50):
        seen.add(block)
    assert seen.deviation == pytest.approx(values.std(), rel=1e-6)
    assert seen.filled(100_000, 1e9)[0] == pytest.approx(np.append(values, np.full(100_000, 1e9)).mean(), rel=1e-15)
    assert seen.filled(100_000, 1e9)[1] == pytest.approx(np.append(values, np.full(100_000, 1e9)).std(), rel=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 20_000), st.sampled_from(["normal", "sorted", "levels", "reverse"]))
@settings(max_examples=60, deadline=None)
def test_quantiles_keep_their_bound(seed: int, rows: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, rows).astype(float) if kind == "levels" else rng.normal(size=rows)
    values = {"sorted": np.sort(values), "reverse": np.sort(values)[::-1]}.get(kind, values)
    seen = Quantiles(size=200)
    for block in cut(values, seed):
        seen.add(block)
    shares = np.linspace(0, 1, 21)
    found = seen.at(shares)
    ordered = np.sort(values)
    slack = seen.error + 2 / rows
    low = np.searchsorted(ordered, found, side="left") / rows
    high = np.searchsorted(ordered, found, side="right") / rows
    assert (low - slack <= shares).all(), (shares, low, slack)
    assert (high + slack >= shares).all(), (shares, high, slack)
    assert (np.diff(found) >= 0).all()


def test_quantiles_of_few_values_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=400)
    seen = Quantiles(size=200)
    seen.add(values)
    assert seen.error == 0
    assert (seen.at([0.01, 0.3, 1.0]) == np.quantile(values, [0.01, 0.3, 1.0])).all()
    assert np.isnan(Quantiles().at([0.5])).all()


def test_quantiles_take_little_memory() -> None:
    seen = Quantiles(size=500)
    for _ in range(200):
        seen.add(np.random.default_rng(0).normal(size=5000))
    kept = sum(len(run) for run in seen._runs if run is not None) + seen._few
    assert seen.count == 1_000_000
    assert kept < 500 * 14


@pytest.mark.parametrize("different", [10, 5000, 80_000])
def test_distinct_counts_within_its_error(different: int) -> None:
    values = np.random.default_rng(different).integers(0, different, 20 * different)
    seen = Distinct(size=1024)
    for block in np.array_split(values, 13):
        seen.add(of_places(1, 0, 0, different)[block])
    assert seen.estimate == pytest.approx(len(np.unique(values)), rel=0 if different < 1024 else 4 / np.sqrt(1022))


@given(st.integers(0, 10**6), st.integers(1, 4000), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_counts_are_never_too_high_and_keep_their_bound(seed: int, rows: int, most: int) -> None:
    values = np.random.default_rng(seed).zipf(1.5, rows).clip(max=300)
    seen = Counts(most)
    for block in cut(values, seed):
        seen.add(dict(zip(*(part.tolist() for part in np.unique(block, return_counts=True)), strict=True)))
    true = dict(zip(*(part.tolist() for part in np.unique(values, return_counts=True)), strict=True))
    assert len(seen.counts) <= most
    assert seen.error <= rows / (most + 1)
    for value, count in true.items():
        assert count - seen.error <= seen.counts.get(value, 0) <= count
    assert seen.is_exact == (len(true) <= most)


def test_counts_hold_to_their_room() -> None:
    seen = Counts(room=100_000)
    seen.add({"x" * 50 + str(place): 1 for place in range(10_000)} | {"often": 7})
    assert sum(map(len, seen.counts)) <= 100_000
    assert not seen.is_exact


def test_hashes_are_the_same_whatever_the_type() -> None:
    import polars as pl

    whole = pl.Series("a", [1, 2, None, -3])
    same = [whole, whole.cast(pl.Float64), whole.cast(pl.Int8), pl.Series([1.0, 2.0, float("nan"), -3.0])]
    assert all((of_column(column) == of_column(whole)).all() for column in same)
    assert of_column(pl.Series([0.0]))[0] == of_column(pl.Series([-0.0]))[0]
    texts = pl.Series(["ab", "ba", "", "a", "b", None, "뉴욕"])
    assert len(np.unique(of_column(texts))) == 7
    assert (of_column(texts) == of_column(texts.cast(pl.Categorical))).all()


def test_hashes_stay_what_they_are() -> None:
    """A run that goes on with a newer version has to find each row in the part where it was."""
    import polars as pl

    frame = pl.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]})
    assert of_rows(frame, 3).tolist() == HASHES
    assert of_places(3, 1, 5, 2).tolist() == PLACES


HASHES = [17532438847207336662, 4670417749647926553]
PLACES = [13487161545400312576, 11569494332464614758]
