"""Uniform numbers from a key: the same bits in both engines, and no patterns."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest

from backlit.graph.ops.random import _mix, uniform

N = 1 << 18


def standardised(u: np.ndarray) -> np.ndarray:
    """Mean 0, variance 1, if u is uniform."""
    return (u.astype("float64") - 0.5) * math.sqrt(12)


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (0,), (2, 0, 3)])
@pytest.mark.parametrize("key", [(0, 0), (1, 2), (2**40 + 7, 3), (-1, 2**33 + 5), (5, -3)])
def test_both_engines_draw_the_same_bits(shape: tuple[int, ...], key: tuple[int, int]) -> None:
    ours = uniform(key, shape)
    assert ours.shape == shape
    assert ours.dtype == np.float32
    with jax.enable_x64(True):
        traced = jax.jit(lambda second: uniform((key[0], second), shape))(np.int64(key[1]))
    assert traced.dtype == np.float32
    np.testing.assert_array_equal(ours, traced)
    np.testing.assert_array_equal(ours, uniform((key[0], np.uint32(key[1] % 2**32)), shape))
    np.testing.assert_array_equal(ours, uniform((key[0], np.array(key[1])), shape))


def test_the_first_numbers_never_change() -> None:
    """Runs are repeated from their seeds years later."""
    np.testing.assert_array_equal((uniform((1, 2), (4,)) * 2**24).astype(int), [10733253, 1632858, 15326707, 3402352])


def test_the_mixer_is_a_permutation_that_changes_half_of_the_bits() -> None:
    x = np.arange(1 << 16, dtype=np.uint32) << np.uint32(8)
    assert len(np.unique(_mix(x))) == x.size
    for bit in range(32):
        flipped = _mix(x) ^ _mix(x ^ np.uint32(1 << bit))
        shares = [(flipped >> np.uint32(out) & np.uint32(1)).mean() for out in range(32)]
        assert min(shares) > 0.45
        assert max(shares) < 0.55


def test_numbers_are_multiples_of_2_to_minus_24_in_the_half_open_interval() -> None:
    u = uniform((3, 4), (N,))
    assert u.min() >= 0.0
    assert u.max() < 1.0
    scaled = u.astype("float64") * 2**24
    np.testing.assert_array_equal(scaled, np.round(scaled))


@pytest.mark.parametrize("first", [0, 1, 0xFFFFFFFF, 123456789])
def test_moments_histogram_and_serial_correlation(first: int) -> None:
    """Each statistic is within 4.5 of its own standard deviations; the keys are fixed, so chance plays no part."""
    for second in range(8):
        u = uniform((first, second), (N,))
        z = standardised(u)
        assert abs(z.mean()) * math.sqrt(N) < 4.5
        assert abs((z * z).mean() - 1.0) * math.sqrt(N / 0.8) < 4.5
        for lag in (1, 2, 3, 64, 1024):
            assert abs((z[lag:] * z[:-lag]).mean()) * math.sqrt(N) < 4.5
        counts = np.bincount((u * 256).astype(int), minlength=256)
        chi = ((counts - N / 256) ** 2).sum() / (N / 256)
        assert abs(chi - 255) / math.sqrt(2 * 255) < 4.5


@pytest.mark.parametrize("which", [0, 1])
def test_keys_that_differ_by_little_give_unrelated_numbers(which: int) -> None:
    base = (77, 1000)
    z = standardised(uniform(base, (N,)))
    for change in [1, 2, 3, 256, 1 << 16, 1 << 31]:
        key = (base[0] + change, base[1]) if which == 0 else (base[0], base[1] + change)
        other = standardised(uniform(key, (N,)))
        for lag in (0, 1, change % N):
            shifted = np.roll(other, lag)
            assert abs((z * shifted).mean()) * math.sqrt(N) < 4.5


def test_the_two_halves_of_a_key_are_told_apart() -> None:
    assert not np.array_equal(uniform((1, 2), (8,)), uniform((2, 1), (8,)))
    assert not np.array_equal(uniform((0, 0), (8,)), uniform((1, 1), (8,)))


def test_one_place_over_the_steps_is_as_random_as_one_step_over_the_places() -> None:
    z = standardised(np.stack([uniform((9, step), (64,)) for step in range(4096)]))
    assert (np.abs(z.mean(axis=0)) * 64 < 4.5).all()
    assert (np.abs((z[1:] * z[:-1]).mean(axis=0)) * 64 < 4.5).all()
    correlation = np.abs(np.corrcoef(z.T) - np.eye(64)) * 64
    assert correlation.max() < 5.5
