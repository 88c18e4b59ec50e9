"""Costs of many hosts: a simulation held against Young's and Daly's formulas, a model against what it is fitted to."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.scaling import hosts
from benchmarks.scaling.averaging import executed
from benchmarks.scaling.collectives import fitted
from benchmarks.scaling.hosts import Link, Network, best_interval, daly, expected, simulated, straggling, young


@pytest.mark.parametrize(("checkpoint", "between"), [(30.0, 30_000.0), (60.0, 2_000.0), (5.0, 100_000.0)])
def test_the_simulation_takes_the_time_that_daly_expects(checkpoint, between):
    for share in (0.5, 1.0, 3.0):
        interval = share * young(checkpoint, between)
        lost, by_formula = (
            simulated(interval, checkpoint, 120.0, between) - 1,
            expected(interval, checkpoint, 120.0, between) - 1,
        )
        assert lost == pytest.approx(by_formula, rel=0.05)


@pytest.mark.parametrize("between", [2_000.0, 30_000.0])
def test_the_interval_that_loses_least_is_youngs_and_dalys(between):
    best = best_interval(30.0, 120.0, between)
    assert best == pytest.approx(young(30.0, between), rel=0.25)
    least = simulated(best, 30.0, 120.0, between)
    for formula in (young, daly):
        assert simulated(formula(30.0, between), 30.0, 120.0, between) <= least + 0.006
    assert simulated(0.2 * young(30.0, between), 30.0, 120.0, between) > least + 0.01
    assert simulated(5.0 * young(30.0, between), 30.0, 120.0, between) > least + 0.01


def test_the_formulas():
    assert young(30.0, 30_000.0) == pytest.approx(np.sqrt(1.8e6))
    exact = np.geomspace(300, 5000, 200_001)  # where Daly's expectation is least
    assert daly(30.0, 30_000.0) == pytest.approx(exact[np.argmin(expected(exact, 30.0, 0.0, 30_000.0))], rel=1e-3)
    assert daly(100.0, 10.0) == 10.0


def test_all_wait_for_the_slowest_and_less_when_they_meet_less_often():
    assert straggling(1, 1) == pytest.approx(1.02, abs=0.03)  # one update in a hundred takes three times as long
    waits = [straggling(hosts, 1) for hosts in (2, 16, 128, 1024)]
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(3 * np.exp(0.1 * 1.6), rel=0.05)  # of 1024 hosts ten are slow in each update
    rarer = [straggling(1024, every) for every in (1, 4, 16, 64)]
    assert rarer == sorted(rarer, reverse=True)
    assert straggling(16, 4, seed=1) == straggling(16, 4, seed=1)


def test_costs_of_an_update():
    link, network = Link(1e-4, 1e9), Network("a", 250_000, 1e-3, 1e-5)
    assert link.all_reduce(1e6, 1) == 0
    assert link.all_reduce(1e6, 2) == pytest.approx(1e-4 + 1e-3)
    assert link.all_reduce(1e6, 1024) == pytest.approx(1e-3 + 2e-3 * 1023 / 1024)
    rows = network.crossover(link, 32)
    assert network.compute(rows) == pytest.approx(link.all_reduce(1e6, 32))
    assert network.speedup(link, 1, 4096) == 1
    assert network.speedup(link, 1024, 4096) < network.speedup(link, 1024, 4096, every=16, moments=1)
    sizes = np.array([1, 10_000, 1_000_000])
    assert fitted(sizes, 1e-4 + sizes * 4 / 1e9) == pytest.approx((1e-4, 1e9))


def test_what_a_program_sends_is_counted_through_its_loops():
    text = """
%inner (p: f32[]) -> f32[] {
  %a = f32[] all-reduce(%p), to_apply=%sum
}
%outer (p: f32[]) -> f32[] {
  %b = f32[] while(%p), condition=%c, body=%inner, backend_config={"known_trip_count":{"n":"4"}}
  %d = f32[] all-reduce(%b), to_apply=%sum
}
%sum (a: f32[]) -> f32[] {
  %e = f32[] add(%a, %a)
}
ENTRY %main (p: f32[]) -> f32[] {
  %f = f32[] while(%p), condition=%c, body=%outer, backend_config={"known_trip_count":{"n":"3"}}
  %g = f32[] while(%f), condition=%c, body=%inner
}
"""
    assert executed(text) == 3 * (4 + 1) + 1


@pytest.mark.parametrize("page", ["scale.md", "scale.ko.md"])
def test_the_page_has_the_numbers_that_the_formulas_give(page):
    text = (Path(__file__).resolve().parents[2] / "docs" / page).read_text(encoding="utf-8")
    by_constants = [made(hosts.LINK, hosts.MEASURED) for made in (hosts.costs, hosts.speedups)]
    for table in (*by_constants, hosts.waits(), hosts.failures()):
        for row in table.splitlines()[2:]:
            assert row in text
