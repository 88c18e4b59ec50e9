"""Losses of a run of any length take little memory, and still tell of all of it."""

import numpy as np
import pytest

from backlit.studio import curves as module
from backlit.studio.building import CHUNK
from backlit.studio.curves import EXACT, Curves
from backlit.studio.quota import CLASS_UPDATES


def filled(updates: int, part: int) -> tuple[Curves, np.ndarray]:
    """Curves of so many updates, added in parts; and what each of them was told."""
    told = np.random.default_rng(0).uniform(0.1, 2.0, (4, updates))
    curves = Curves()
    for begin in range(0, updates, part):
        curves.add(*told[:, begin : begin + part])
    return curves, told


@pytest.mark.slow
def test_a_run_of_ten_million_updates_takes_few_lines() -> None:
    part, most = np.ones((4, 50_000)), 0
    curves = Curves()
    for begin in range(0, 10_000_000, 50_000):
        curves.add(*part)
        octaves = 3 + np.log2(max(1, (begin + 50_000) / EXACT))
        assert len(curves.ends) <= EXACT * octaves + 50_000  # what has just come isn't thinned yet
        most = max(most, curves.nbytes)
    assert len(curves) == 10_000_000
    assert most < 8 * 2**20  # of 381 MiB that they would take one by one
    assert (curves.loss == 1).all()


def test_a_network_of_a_class_takes_three_megabytes_at_most() -> None:
    part, curves, most = np.ones((4, 4 * CHUNK)), Curves(), 0
    for _ in range(0, CLASS_UPDATES, 4 * CHUNK):
        curves.add(*part)
        most = max(most, curves.nbytes)
    assert 2e6 < most < 3e6  # as docs/studio.md says


def test_every_octave_of_the_past_has_as_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT", 8)
    curves, told = filled(1000, 7)
    sizes = np.diff(curves.ends, prepend=0)
    ages = 1000 - curves.ends
    assert sizes.sum() == len(curves) == 1000
    assert (sizes * 8 <= np.maximum(ages, 8)).all()  # none stands for more than an eighth of its age
    recent = ages < 8
    assert (sizes[recent] == 1).all()
    assert (curves.loss[recent] == told[0, -8:]).all()
    assert len(curves.ends) <= 8 * (3 + np.log2(1000 / 8))
    begins = curves.ends - sizes
    for line, begin, end in zip(range(len(begins)), begins, curves.ends, strict=True):
        assert curves.loss[line] == pytest.approx(told[0, begin:end].mean())
        assert curves.right[line] == pytest.approx(told[2, begin:end].mean())
        assert (curves.held_loss[line], curves.held_right[line]) == (told[1, end - 1], told[3, end - 1])


def test_rows_of_a_curve_are_means_over_their_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT", 8)
    curves, told = filled(1000, 7)
    each = curves.told(992, 1, 8)
    np.testing.assert_array_equal(each, told[:, 992:].T)
    np.testing.assert_allclose(curves.told(0, 1000, 1)[0, ::2], told[::2].mean(axis=1))
    coarse = curves.told(0, 128, 7)
    np.testing.assert_allclose(coarse[:, 0], told[0, : 7 * 128].reshape(7, 128).mean(axis=1))
    np.testing.assert_array_equal(coarse[:, 1], told[1, 127 : 7 * 128 : 128])
    assert curves.told(3, 5, 0).shape == (0, 4)


def test_a_cut_in_the_middle_of_a_line_leaves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT", 8)
    curves, _ = filled(1000, 7)
    middle = int(curves.ends[3]) - 1
    assert not curves.parts_at(middle)
    assert curves.parts_at(int(curves.ends[2]))
    short = curves.until(middle)
    assert len(short) == curves.ends[2]
    assert len(curves) == 1000
    short.add(*np.zeros((4, 2)))
    assert len(short) == curves.ends[2] + 2
