"""The table of what watching costs."""

import pytest

import backlit as bl
from benchmarks.probes import Cost, measure
from tests.train.common import blobs, mlp


def test_medians_and_quartiles_are_of_the_ratios_round_by_round():
    seconds = {"without": [1.0, 2.0, 4.0], "with": [1.1, 2.4, 4.0]}
    assert Cost.added(seconds) == "+10.0% (+0.0% to +20.0%)"
    assert Cost.added({"without": [2.0], "with": [3.0]}) == "+50.0% (+50.0% to +50.0%)"


@pytest.mark.parametrize(("epochs", "looks"), [(1, 0), (3, 2)])
def test_looks_are_counted_and_both_clocks_read(epochs, looks):
    x, y = blobs()

    def training(probes):
        own = bl.Probes(every=1) if probes else None
        return lambda: bl.fit(mlp(), x, y, epochs=epochs, probes=own)

    cost = measure(training, 3)
    assert cost.looks == looks
    for seconds in (*cost.wall.values(), *cost.cpu.values(), cost.last):
        assert len(seconds) == 3
        assert min(seconds) > 0
