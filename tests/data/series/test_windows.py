"""Windows, and their split in time: nothing of the future is in the past."""

import itertools

import numpy as np
import polars as pl
import pytest

from backlit.data.series import Grid, Windows
from backlit.data.series.windows import split_in_time
from backlit.errors import InputError


def grid_of(values, times=None):
    return Grid.of(pl.DataFrame({"t": range(len(values)) if times is None else times, "y": values}), "y", "t")


def test_windows_are_those_of_numpy(rng):
    values = rng.normal(size=40)
    windows = Windows.all(grid_of(values), 5, 3)
    expected = np.lib.stride_tricks.sliding_window_view(values, 8)
    assert np.array_equal(np.concatenate([windows.past, windows.future], axis=1), expected)
    assert windows.places.tolist() == list(range(5, 38))


def test_no_window_spans_a_gap_or_looks_through_a_filled_one(rng):
    values = rng.normal(size=60)
    times = np.delete(np.arange(60), [10, 11, 30, 31, 32, 33, 34])
    windows = Windows.all(grid_of(values[times], times), 4, 2)
    for place, past, future in zip(windows.places, windows.past, windows.future, strict=True):
        assert np.array_equal(future, values[place : place + 2])  # true values only
        assert past[-1] == values[place - 1]
        span = set(range(place - 4, place + 2))
        assert not span & {30, 31, 32, 33, 34}
    assert 13 in windows.places  # a window may look back on filled steps, once what came after is known
    assert not {10, 11, 12} & set(windows.places.tolist())


def test_the_past_doesnt_depend_on_what_comes(rng):
    values = rng.normal(size=80)
    times = np.delete(np.arange(80), [20, 41, 42, 43, 60])
    other = np.where(np.arange(80) >= 44, values + 100, values)
    one, two = (Windows.all(grid_of(v[times], times), 6, 3) for v in (values, other))
    early = one.places <= 44
    assert early.sum() > 20
    assert np.array_equal(one.past[early], two.past[early])


def test_last_season_is_what_was_there(rng):
    values = rng.normal(size=40)
    windows = Windows.all(grid_of(values), 7, 3)
    assert np.array_equal(windows.again(7), np.stack([values[p - 7 : p - 4] for p in windows.places]))
    again = windows.again(2)  # shorter than the horizon: it comes again
    assert np.array_equal(again, np.stack([values[[p - 2, p - 1, p - 2]] for p in windows.places]))
    assert windows.again(8) is None


def test_parts_share_no_target(rng):
    n = 120
    frame = pl.DataFrame(
        {"t": [*range(n), *range(40, n)], "s": ["a"] * n + ["b"] * (n - 40), "y": rng.normal(size=2 * n - 40)}
    )
    windows = Windows.all(Grid.of(frame, "y", "t", "s"), 8, 5)
    parts, between = split_in_time(windows, (0.7, 0.15, 0.15))
    targets = [{int(p) + i for p in windows.places[part] for i in range(5)} for part in parts]
    for early, late in itertools.pairwise(targets):
        assert max(early) < min(late)
    assert between == len(windows) - sum(map(len, parts)) > 0
    assert 0.6 < len(parts[0]) / len(windows) < 0.75
    assert set(windows.series[parts[2]]) == {0, 1}


@pytest.mark.parametrize("steps", [24, 25, 30, 50])
def test_few_steps_still_give_each_part_a_window(steps):
    windows = Windows.all(grid_of(np.arange(steps) % 7 * 1.0), 10, 5)
    parts, _ = split_in_time(windows, (0.7, 0.15, 0.15)) if steps > 24 else ([], 0)
    assert all(len(part) for part in parts)


def test_too_few_steps_are_told():
    windows = Windows.all(grid_of(np.arange(24.0)), 10, 5)
    with pytest.raises(InputError, match=r"at least 25 steps without a long gap are needed"):
        split_in_time(windows, (0.7, 0.15, 0.15))


def test_the_last_windows_end_where_each_series_ends():
    frame = pl.DataFrame({"t": [0, 1, 2, 3, 0, 1, 2], "s": list("aaaabbb"), "y": [1.0, 2, 3, 4, 5, 6, 7]})
    grid = Grid.of(frame, "y", "t", "s")
    latest = Windows.latest(grid, 3, 2)
    assert latest.past.tolist() == [[2, 3, 4], [5, 6, 7]]
    assert latest.places.tolist() == [4, 3]
    with pytest.raises(InputError, match="series 'b' has 3 steps without a long gap at its end; the window needs 4"):
        Windows.latest(grid, 4, 2)
