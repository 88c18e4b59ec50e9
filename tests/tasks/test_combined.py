"""The forecast that a network goes on from: weighed on the past, never on what it is judged by."""

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.tasks.combined import CUTS, combine
from backlit.tasks.series import SeriesTask, _share

QUICK = {"epochs": 4, "ensemble": 1, "progress": False, "engine": "numpy"}


def windowed(values, window, horizon):
    rows = np.arange(window, len(values) - horizon + 1)
    past, future = (values[rows[:, None] + np.arange(*span)] for span in ((-window, 0), (0, horizon)))
    return past - past[:, -1:], future - past[:, -1:], rows


def test_what_suits_a_series_weighs_most(rng):
    walk = np.cumsum(rng.normal(size=600))
    cycle = np.tile(rng.normal(size=7), 100) + 0.01 * rng.normal(size=700)
    noise = rng.normal(size=600)
    for values, season, name in ((walk, None, "last value"), (cycle, 7, "season"), (noise, None, "mean")):
        found = combine(*windowed(values, 14, 3), 14, season)
        assert sum(found.weights.values()) == pytest.approx(1)
        assert min(found.weights.values()) >= 0
        inputs, targets, _ = windowed(values, 14, 3)
        best = {"last value": 0 * targets, "season": None, "mean": inputs.mean(axis=1, keepdims=True)}[name]
        error = np.abs(found.lines["combined"](inputs) - targets).mean()
        if best is not None:
            assert error < 1.03 * np.abs(best - targets).mean()
        else:
            assert error < 0.02


def test_errors_are_of_windows_forecast_from_what_came_before(rng):
    inputs, targets, places = windowed(np.cumsum(rng.normal(size=300)), 8, 2)
    found = combine(inputs, targets, places, 8, None)
    assert found.rows.min() == int(CUTS[0] * len(places))
    changed = targets.copy()
    changed[-30:] += 100  # the last windows' truth doesn't change how earlier ones are forecast
    early = found.rows < len(places) * CUTS[-1] - 2
    size = np.abs(found.errors[early]).mean()
    again = combine(inputs, changed, places, 8, None)
    assert np.abs(again.errors[early]).mean() == pytest.approx(size, rel=0.5)  # but for the weights
    assert np.abs(again.errors[~early]).mean() > 10 * size


def test_few_windows_and_constants_have_a_forecast():
    inputs, targets, places = windowed(np.arange(9.0), 4, 2)
    assert np.isfinite(combine(inputs, targets, places, 4, None).lines["combined"](inputs)).all()
    flat = windowed(np.ones(80), 4, 2)
    assert np.abs(combine(*flat, 4, None).lines["combined"](flat[0])).max() < 1e-9


@pytest.fixture(scope="module")
def growing():
    rng = np.random.default_rng(0)
    months = pl.date_range(pl.date(1980, 1, 1), pl.date(2019, 12, 1), "1mo", eager=True)
    t = np.arange(len(months))
    level = np.exp(0.01 * t + 0.2 * np.sin(2 * np.pi * t / 12) + 0.05 * rng.normal(size=len(t)))
    return pl.DataFrame({"t": months, "y": 100 * level})


def test_growth_is_learned_by_logarithms_and_intervals_grow_with_it(growing, tmp_path):
    run = bl.fit(growing, target="y", time="t", horizon=6, seed=0, **QUICK)
    assert run.preparation.floor > 0
    assert any("logarithms are learned" in note for note in run.judgement["notes"])
    assert 0.85 <= np.mean(run.judgement["intervals"]["coverage"]) <= 0.97
    early, late = (bl.forecast(run, growing[:end]) for end in (100, 480))
    assert ((early["lower"] < early["prediction"]) & (early["prediction"] < early["upper"])).all()
    wide = [((ahead["upper"] - ahead["lower"]) / ahead["prediction"]).mean() for ahead in (early, late)]
    assert wide[0] == pytest.approx(wide[1], rel=0.15)
    assert run.judgement["scores"]["mae"] < 1.05 * min(other["mae"] for other in run.judgement["rivals"].values())
    run.save(tmp_path / "run")
    assert bl.forecast(bl.load(tmp_path / "run"), growing).equals(bl.forecast(run, growing))


def test_values_that_have_no_logarithm_later_are_still_forecast(growing):
    run = bl.fit(growing, target="y", time="t", horizon=2, seed=0, **QUICK)
    fallen = growing.with_columns(y=pl.when(pl.arange(pl.len()) < 475).then("y").otherwise(-1.0))
    assert np.isfinite(bl.forecast(run, fallen)["prediction"].to_numpy()).all()


def test_series_that_cross_zero_are_learned_as_they_are(rng):
    table = pl.DataFrame({"t": range(200), "y": np.cumsum(rng.normal(size=200))})
    task = SeriesTask(target="y", time="t", horizon=2)
    material = task.read(table)
    assert task.prepare(material, np.arange(120)).floor is None


def test_a_correction_counts_by_how_surely_it_helps(rng):
    truth = rng.normal(size=(400, 2))
    assert _share(truth, 0.5 * truth, 2) > 0.9
    assert _share(truth, -truth, 2) == 0
    assert _share(truth, rng.normal(size=truth.shape), 2) == 0
    assert _share(truth[:1], truth[:1], 2) == 0
    assert 0 <= _share(truth[:6], 0.5 * truth[:6] + 0.5 * rng.normal(size=(6, 2)), 2) < 1
