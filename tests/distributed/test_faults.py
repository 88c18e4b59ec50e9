"""A process that is killed or stopped in the middle of a training: all end, the run is whole, and goes on."""

from pathlib import Path

import pytest

import backlit as bl
from tests.distributed.killed import EPOCHS, launch, result, tried


@pytest.mark.slow
def test_a_killed_worker_and_the_same_run_bit_for_bit(tmp_path: Path):
    """Killed while it trains, gone on with by as many processes."""
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    assert launch(whole, 2)[:2] == (0, "")
    assert tried(torn, 2, victim=1, delay=0.3, begun=True) is None
    assert (torn / "killed").exists()
    assert len(bl.load(torn / "run").history) < EPOCHS
    assert launch(torn, 2)[:2] == (0, "")
    assert result(torn) == result(whole)
    assert len(bl.load(torn / "run").history) == EPOCHS
