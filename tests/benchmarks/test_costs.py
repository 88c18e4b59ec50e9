"""What training steps cost, counted: the representative programs against `benchmarks/costs.toml`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import backlit as bl
from benchmarks import costs


@pytest.fixture(scope="module", autouse=True)
def _programs_go_at_the_end() -> Iterator[None]:
    yield
    costs.program_of.cache_clear()


@pytest.mark.parametrize("name", costs.WORK)
def test_no_program_costs_more_or_less_than_the_table_says(name: str) -> None:
    other = jax.__version__ != costs.jax_then()
    changed = costs.count(name).differences(costs.recorded()[name], other)
    assert not changed, (
        f"{name}: {'; '.join(changed)}. If that is meant, `python -m benchmarks costs --renew` writes the table anew"
    )
    if other:
        pytest.skip(f"JAX {jax.__version__} lowers programs otherwise than {costs.jax_then()}, of which the table is")


def test_the_table_has_the_programs_that_are_counted() -> None:
    assert list(costs.recorded()) == list(costs.WORK)


@pytest.mark.parametrize("name", costs.WORK)
def test_float32_means_float32(name: str) -> None:
    """Rates and the like are single numbers of twice the width, one for each network; no array is."""
    members = 64 if name == "64 networks" else 1
    assert costs.largest_double(costs.program_of(name)[2]) == members


@pytest.mark.parametrize("name", costs.WORK)
def test_no_program_waits_for_the_host(name: str) -> None:
    assert costs.host_calls(costs.program_of(name)[2]) == []


def test_the_guard_sees_what_it_is_to_see() -> None:
    """A planted callback and a planted double; a figure that is another is told."""
    x = np.ones((3, 2), np.float32)
    with jax.enable_x64(True):
        asks = jax.jit(lambda x: jax.pure_callback(np.sin, x, x)).lower(x).as_text()
        doubled = jax.jit(lambda x: (x.astype(jnp.float64) * 2).sum()).lower(x).as_text()
    assert costs.host_calls(asks) == ["callback"]
    assert costs.largest_double(doubled) == 6
    cheap = costs.count("w4")
    twice = dataclasses.replace(cheap, gigaflop=2 * cheap.gigaflop, numpy_made=None, kernels=None)
    assert twice.differences(cheap) == [f"gigaflop {cheap.gigaflop:g} → {twice.gigaflop:g}"]
    less = dataclasses.replace(cheap, conversions=0)
    assert less.differences(cheap) == [f"conversions {cheap.conversions} → 0"]


def test_what_numpy_does_is_counted_by_hand() -> None:
    """y = 2 x + 1 twice over: the first makes two arrays, the second writes into what is there."""
    x = np.ones(5, np.float32).view(costs.Counting)
    costs.Counting.passes = costs.Counting.made = 0
    y = 2 * x + 1
    assert (costs.Counting.passes, costs.Counting.made) == (2, 10)
    y *= 2
    np.add(y, 1, out=y)
    assert (costs.Counting.passes, costs.Counting.made) == (4, 10)
    assert y.tolist() == [7.0] * 5
    assert y.sum() == 35.0
    assert costs.Counting.made == 11


def test_functions_of_numpy_that_are_no_ufuncs_are_counted() -> None:
    x = np.ones((5, 2), np.float32).view(costs.Counting)
    costs.Counting.passes = costs.Counting.made = 0
    found = [np.where(x > 0, x, 0.0), np.concatenate([x, x]), np.stack([x, x]), np.take(x, [0, 1, 0], axis=0)]
    assert (costs.Counting.passes, costs.Counting.made) == (5, 10 + 10 + 20 + 20 + 6)
    assert {type(each) for each in found} == {costs.Counting}  # what follows from these is counted, too
    product = np.einsum("ij,kj->ik", x, x)
    assert (costs.Counting.passes, costs.Counting.made) == (6, 66 + 25)
    assert product.tolist() == [[2.0] * 5] * 5
    parts = np.split(np.reshape(x, (10,)), 2)  # views make nothing
    assert (costs.Counting.passes, costs.Counting.made) == (8, 91)
    assert [type(part) for part in parts] == [costs.Counting] * 2


def test_figures_of_another_jax_are_not_compared() -> None:
    then = costs.recorded()["w4"]
    now = dataclasses.replace(then, equations=2 * then.equations, numpy_made=2 * (then.numpy_made or 1))
    assert [each.split()[0] for each in now.differences(then)] == ["equations", "numpy_made"]
    assert [each.split()[0] for each in now.differences(then, other=True)] == ["numpy_made"]
    assert f'jax = "{jax.__version__}"' in costs.written({"w4": then})


def test_another_network_is_another_figure() -> None:
    wider = dataclasses.replace(costs.WORK["w4"], network=lambda: bl.Sequential(bl.Linear(200), bl.Linear(10)))
    figures = costs.lowered(wider.job())[1].cost_analysis()
    assert figures["flops"] / 1e9 > 1.5 * costs.recorded()["w4"].gigaflop
