"""Tables on a grid: order, gaps, missing values, copies; and what is refused."""

import numpy as np
import polars as pl
import pytest

from backlit.data.series import Grid
from backlit.errors import InputError


def table(times, values, **more):
    return pl.DataFrame({"t": times, "y": values, **more}, strict=False)


def test_small_gaps_are_filled_as_numpy_interpolates_and_other_columns_stay():
    grid = Grid.of(table([0, 1, 2, 5, 6, 7], [1.0, 2.0, None, 8.0, 9.0, 11.0], kind=list("abcdef")), "y", "t")
    known = [0, 1, 5, 6, 7]
    assert np.allclose(grid.values, np.interp(range(8), known, [1, 2, 8, 9, 11]))
    assert np.flatnonzero(grid.filled).tolist() == [2, 3, 4]
    assert grid.frame["kind"].to_list() == ["a", "b", "c", "c", "c", "d", "e", "f"]
    assert "3 steps without a value (37.5%)" in grid.notes[0]


def test_large_gaps_cut():
    grid = Grid.of(table([0, 1, 2, 7, 8, 9], [1.0, 2, 3, 4, 5, 6], kind=list("abcdef")), "y", "t")
    assert grid.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert grid.first.tolist() == [0, 0, 0, 3, 3, 3]
    assert grid.last.tolist() == [2, 2, 2, 5, 5, 5]
    assert grid.places.tolist() == [0, 1, 2, 7, 8, 9]
    assert grid.frame["kind"].to_list() == list("abcdef")
    assert grid.notes == ["'y': 1 longer gaps cut the series into 2 pieces; no window spans a gap"]


def test_any_order_of_rows_gives_one_grid(rng):
    n = 60
    frame = pl.DataFrame({"t": [*range(n), *range(n)], "s": ["b"] * n + ["a"] * n, "y": rng.normal(size=2 * n)})
    frame = frame.filter(pl.Series(rng.random(2 * n) > 0.1))
    straight = Grid.of(frame, "y", "t", "s")
    mixed = Grid.of(frame.sample(fraction=1, shuffle=True, seed=1), "y", "t", "s")
    interleaved = Grid.of(frame.sort("t"), "y", "t", "s")
    for grid in (mixed, interleaved):
        assert np.array_equal(grid.values, straight.values)
        assert grid.frame.equals(straight.frame)
    assert "rows are put in order of time" in mixed.notes
    assert "rows are put in order of time" not in interleaved.notes
    assert straight.names == ["a", "b"]


def test_what_is_missing_at_the_ends_is_cut_off_and_told():
    grid = Grid.of(table(list(range(6)), [None, 1.0, 2.0, 3.0, None, None]), "y", "t")
    assert grid.values.tolist() == [1, 2, 3]
    assert grid.notes == ["2 rows at the end have no 'y' yet: what is known ends before them"]


def test_copies_are_dropped_and_different_rows_at_one_time_refused():
    grid = Grid.of(table([0, 1, 1, 1, 2], [1.0, 2.0, 2.0, 2.0, 3.0]), "y", "t")
    assert grid.values.tolist() == [1, 2, 3]
    assert "2 rows are copies of others and are dropped" in grid.notes
    with pytest.raises(InputError, match=r"1 times have several rows, first 1 \(rows 2 and 3\); give the column that"):
        Grid.of(table([0, 1, 1, 2], [1.0, 2.0, 2.5, 3.0]), "y", "t")


def test_the_column_that_tells_series_apart_is_named():
    frame = table([0, 0, 1, 1, 2, 2], [1.0, 9, 2, 8, 3, 7], shop=["a", "b"] * 3)
    with pytest.raises(InputError, match="if 'shop' says which series a row belongs to, give it: --series shop"):
        Grid.of(frame, "y", "t")
    assert Grid.of(frame, "y", "t", "shop").values.tolist() == [1, 2, 3, 9, 8, 7]
    with pytest.raises(InputError, match=r"first 0 of series 'a' \(rows 1 and 7\)"):
        Grid.of(pl.concat([frame, table([0], [5.0], shop=["a"])]), "y", "t", "shop")


@pytest.mark.parametrize(
    ("frame", "series", "told"),
    [
        (table([0, 1, 2], ["1", "two", "3"]), None, "column 'y', row 2: expected a number, got 'two'"),
        (table([0, 1, 2], [1.0, float("inf"), 3]), None, "row 2 is infinite"),
        (table([0, 1, 2], [None, None, None]), None, "every value is missing"),
        (table([0, 1, 2], [1.0, 2, 3], s=["a", None, "a"]), "s", "series 's': row 2 is missing"),
        (table([0, 1, 2], [1.0, 2, 3]), "shop", "shop"),
    ],
)
def test_refused(frame, series, told):
    with pytest.raises(InputError, match=told):
        Grid.of(frame, "y", "t", series)


def test_a_series_without_values_takes_no_part():
    grid = Grid.of(table([0, 1, 2] * 2, [1.0, 2, 3, None, None, None], s=list("aaabbb")), "y", "t", "s")
    assert grid.values.tolist() == [1, 2, 3]
    assert set(grid.series) == {0}
