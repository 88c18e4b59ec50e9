"""Splits by group and by time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.data import split
from backlit.errors import InputError


@given(st.lists(st.integers(0, 12), min_size=3, max_size=80), st.integers(0, 9))
def test_groups_stay_together_and_every_part_has_some(groups, seed):
    if len(set(groups)) < 3:
        with pytest.raises(InputError, match="groups can't be split into 3 parts"):
            split(len(groups), groups=groups, seed=seed)
        return
    parts = split(len(groups), groups=groups, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    own = [{groups[i] for i in part} for part in parts]
    assert all(own)
    assert sum(map(len, own)) == len(set(groups))


def test_groups_come_near_the_shares():
    groups = np.repeat(np.arange(200), 5)
    sizes = [len(part) / 1000 for part in split(1000, groups=groups)]
    np.testing.assert_allclose(sizes, [0.7, 0.15, 0.15], atol=0.01)
    first, second = (split(1000, groups=groups, seed=seed)[2].tolist() for seed in (0, 1))
    assert first != second


@given(st.lists(st.integers(0, 30), min_size=3, max_size=80))
def test_times_follow_each_other(times):
    if len(set(times)) < 3:
        with pytest.raises(InputError, match="different times can't be split into 3 parts"):
            split(len(times), order=times)
        return
    parts = split(len(times), order=times)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(times)))
    past, between, future = ([times[i] for i in part] for part in parts)
    assert max(past) < min(between)
    assert max(between) < min(future)


def test_times_come_near_the_shares():
    times = np.random.default_rng(0).permutation(1000)
    past, _, future = split(1000, order=times)
    assert sorted(times[past].tolist()) == list(range(700))
    assert sorted(times[future].tolist()) == list(range(850, 1000))


def test_one_way_at_a_time():
    with pytest.raises(InputError, match="by one of stratify, groups and order"):
        split(9, groups=range(9), order=range(9))
    with pytest.raises(InputError, match=r"groups must have shape \(9,\)"):
        split(9, groups=[1, 2])
