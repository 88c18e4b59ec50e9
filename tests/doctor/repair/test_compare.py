"""Two runs compared: how often noise passes for a gain, and the error that the formula has."""

import numpy as np
import pytest

from backlit.doctor.repair.compare import compare


def test_noise_is_rarely_taken_for_a_gain() -> None:
    """Of changes that change nothing, about one in twenty looks better; here also by at least a hundredth."""
    rng = np.random.default_rng(1)
    kept = 0
    for _ in range(400):
        before = 1 + 0.3 * rng.normal(size=60) + 0.1 * rng.normal(size=(3, 1)) + 0.2 * rng.normal(size=(3, 60))
        after = before + 0.1 * rng.normal(size=(3, 1)) + 0.3 * rng.normal(size=60) + 0.2 * rng.normal(size=(3, 60))
        kept += compare(before, after, np.zeros(60, int)).better
    assert kept / 400 < 0.07


def test_the_standard_error_is_that_of_the_formula() -> None:
    before, after = np.array([[3.0, 2.0, 4.0, 5.0], [3.0, 3.0, 5.0, 4.0]]), np.ones((2, 4))
    found = compare(before, after, np.array([0, 0, 1, 1]))
    difference = before - after
    rows = difference.mean(axis=0)
    seeds = difference.mean(axis=1).var(ddof=1) / 2
    expected = seeds + sum((2 / 4) ** 2 * rows[part].var(ddof=1) / 2 for part in (slice(0, 2), slice(2, 4)))
    assert found.error == pytest.approx(np.sqrt(expected))
    assert found.gain == pytest.approx(difference.mean())
