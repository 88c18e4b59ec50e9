"""Linear algebra on one thread."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import backlit as bl
from backlit import threads


def used() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_it_holds_for_as_long_as_it_lasts() -> None:
    with threadpool_limits(2, user_api="blas"):
        with threads.one_thread():
            assert used() == {1}
        assert used() == {2}


def test_orthogonal_weights_are_drawn_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def qr(matrix: np.ndarray, really=np.linalg.qr):
        seen.append(used())
        return really(matrix)

    monkeypatch.setattr(np.linalg, "qr", qr)
    with threadpool_limits(2, user_api="blas"):
        bl.LSTM(8).build((3, 2))
    assert seen == [{1}] * 4  # of each gate's recurrent weight


def test_a_browser_has_no_threads_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IN_A_BROWSER", True)
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with threads.one_thread():
        pass
