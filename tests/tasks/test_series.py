"""bl.fit(table, horizon=...): what is learned, how it is judged, what comes next, and what is refused."""

import json

import numpy as np
import pandas
import polars as pl
import pytest

import backlit as bl
from backlit.data.series import Grid
from backlit.errors import InputError
from backlit.tasks.judge.forecast import judge_windows, rivals
from backlit.tasks.options import Options
from backlit.tasks.plan import Ends
from backlit.tasks.series import SeriesTask, windows_of

QUICK = {"epochs": 20, "ensemble": 1, "progress": False}


@pytest.fixture(scope="module")
def sales():
    """Two shops of different size, with a week; the size of the weekend depends on the season's state, not linearly."""
    rng = np.random.default_rng(0)
    n = 400
    frames = []
    for shop, size in (("small", 10.0), ("large", 1000.0)):
        t = np.arange(n)
        busy = np.cumsum(rng.normal(size=n)) * 0.02
        sold = size * (2 + 0.5 * np.sin(2 * np.pi * t / 7) * (1 + np.tanh(4 * busy)) + 0.05 * rng.normal(size=n))
        day = pl.date_range(pl.date(2023, 1, 1), pl.date(2023, 1, 1) + pl.duration(days=n - 1), eager=True)
        frames.append(pl.DataFrame({"day": day, "shop": [shop] * n, "sold": sold}))
    return pl.concat(frames)


@pytest.fixture(scope="module")
def run(sales):
    return bl.fit(sales, target="sold", time="day", horizon=7, window=14, series="shop", seed=1, **QUICK)


def test_the_judgement_holds_what_numpy_and_pandas_say(run, sales):
    judgement = run.judgement
    task = SeriesTask(target="sold", time="day", horizon=7, window=14, series="shop")
    windows = task.read(sales)
    test = windows.raw[task.split(windows, (0.7, 0.15, 0.15), 0)[0].test]
    errors = run.predict(test) - test.future
    assert judgement["scores"]["mae"] == pytest.approx(np.abs(errors).mean())
    assert judgement["scores"]["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert [step["network"]["mae"] for step in judgement["steps"]] == pytest.approx(np.abs(errors).mean(axis=0))
    frame = sales.to_pandas()
    week = (frame["sold"] - frame.groupby("shop")["sold"].shift(7)).abs()
    place = test.grid.spacing.places(sales["day"])
    for i, step in enumerate(judgement["steps"]):
        here = (place >= test.places.min() + i) & (place <= test.places.max() + i)
        assert step["same as last week"]["mae"] == pytest.approx(week[here].mean())


def test_what_the_network_finds_beyond_the_rivals(run):
    scores, others = run.judgement["scores"], run.judgement["rivals"]
    assert set(others) == {
        "same as last week", "same as the last value", "exponential smoothing", "linear (ridge)",
        "simple forecasts, weighed",
    }  # fmt: skip
    assert scores["scaled_mae"] < 0.6 * others["same as the last value"]["scaled_mae"]
    assert run.judgement["baseline"]["mae"] == min(other["mae"] for other in others.values())
    parts = run.judgement["parts"]
    assert parts["training"] > 4 * parts["test"] > 0
    assert any("reach from one part into the next" in note for note in run.judgement["notes"])


def test_noise_is_no_better_than_its_rivals_and_the_report_says_so():
    walk = np.cumsum(np.random.default_rng(3).normal(size=3000))
    run = bl.fit({"t": np.arange(3000), "y": walk}, target="y", time="t", horizon=3, window=6, **QUICK)
    assert any("no better than 'same as the last value'" in warning for warning in run.judgement["warnings"])


def test_a_network_that_learned_nothing_is_the_linear_forecast(sales):
    """The last layer starts at zero, so before training the network adds the mean that is left over, which is zero."""
    task = SeriesTask(target="sold", time="day", horizon=7, window=14, series="shop")
    material = task.read(sales)
    parts, _ = task.split(material, (0.7, 0.15, 0.15), 0)
    preparation = task.prepare(material, parts.train)
    ends = Ends((14, len(preparation.names)), 7, "silu", 0.0)
    network = task.network("mlp:8", ends, preparation, Options()).build(ends.shape, seed=0)
    windows = material.raw[parts.test]
    outputs = np.asarray(network(preparation.apply(windows)))
    assert np.array_equal(
        preparation.absolute(windows, outputs), rivals(preparation, windows)["simple forecasts, weighed"]
    )


def test_what_comes_next(run, sales):
    found = bl.forecast(run, sales, level=0.8)
    assert found.columns == ["shop", "day", "prediction", "lower", "upper"]
    assert found["shop"].to_list() == ["large"] * 7 + ["small"] * 7
    end = sales["day"].max()
    assert found["day"].to_list()[:7] == pandas.date_range(end, periods=8)[1:].date.tolist()
    assert np.array_equal(found["prediction"].to_numpy().reshape(2, 7), run.predict(sales))
    assert ((found["lower"] < found["prediction"]) & (found["prediction"] < found["upper"])).all()
    width = (found["upper"] - found["lower"]).to_numpy().reshape(2, 7)
    assert np.allclose(width[0] / width[1], run.preparation.scales["large"] / run.preparation.scales["small"])


def test_only_the_last_window_counts(run, sales):
    late = sales.filter(pl.col("day") > sales["day"].max() - pl.duration(days=14))
    assert np.allclose(run.predict(late), run.predict(sales))
    unfinished = sales.filter((pl.col("shop") != "small") | (pl.col("day") < sales["day"].max()))
    found = bl.forecast(run, unfinished)
    assert found.filter(shop="small")["day"][0] == sales["day"].max()


def test_saved_and_loaded_it_says_the_same(run, sales, tmp_path):
    run.save(tmp_path / "run")
    again = bl.load(tmp_path / "run")
    assert bl.forecast(again, sales).equals(bl.forecast(run, sales))
    assert judge_windows(again, windows_of(again, sales)) == judge_windows(run, windows_of(run, sales))


def test_intervals_hold_what_they_promise():
    values = np.random.default_rng(5).normal(size=9000)
    run = bl.fit({"t": np.arange(9000), "y": values}, target="y", time="t", horizon=2, window=4, **QUICK)
    assert np.abs(np.array(run.judgement["intervals"]["coverage"]) - 0.9).max() < 0.03
    # Of normal noise: seen from its last value, the best forecast is the mean of the window's four.
    assert run.judgement["intervals"]["half_width"] == pytest.approx([1.645 * np.sqrt(1 + 1 / 4)] * 2, rel=0.05)


def test_too_few_windows_for_an_interval_give_none():
    table = {"t": range(24), "y": [float(i % 5) for i in range(24)]}
    run = bl.fit(table, target="y", time="t", horizon=2, window=6, **QUICK)
    found = bl.forecast(run, table)
    assert found["prediction"].null_count() == 0
    assert found["lower"].null_count() == found["upper"].null_count() == 2
    assert run.judgement["intervals"]["half_width"] == [None, None]


def test_gaps_missing_values_and_order_are_told(sales):
    holes = sales.with_columns(
        pl.when(pl.arange(pl.len()) % 41 == 3).then(None).otherwise(pl.col("sold")).alias("sold")
    )
    holes = holes.filter(~pl.col("day").is_between(pl.date(2023, 5, 1), pl.date(2023, 5, 9)))
    told = []
    run = bl.fit(
        holes.sample(fraction=1, shuffle=True, seed=0),
        target="sold", time="day", horizon=7, window=14, series="shop", say=told.append, **QUICK,
    )  # fmt: skip
    text = "\n".join(told)
    assert "2 series, 782 steps, one each day; a season is 7 steps (a week)" in text
    assert "rows are put in order of time" in text
    assert "steps without a value (2." in text
    assert "2 longer gaps cut the 2 series into 4 pieces" in text
    assert run.judgement["notes"][:-1] == told  # how much the network counts is known afterwards
    assert "correction of simple forecasts counts" in run.judgement["notes"][-1]


@pytest.mark.slow
@pytest.mark.parametrize("words", ["linear", "mlp:8,8", "gru:4", "lstm:4", bl.Sequential(bl.GRU(3), bl.Linear(7))])
def test_networks_by_words_and_as_layers(sales, words):
    few = sales.filter(pl.col("day") < pl.date(2023, 5, 1))
    options = {**QUICK, "epochs": 2}
    run = bl.fit(few, target="sold", time="day", horizon=7, window=14, series="shop", network=words, **options)
    assert run.predict(few).shape == (2, 7)


def test_a_test_table_and_one_step(sales):
    early, late = (
        sales.filter(pl.col("day") < pl.date(2023, 11, 1)),
        sales.filter(pl.col("day") >= pl.date(2023, 11, 1)),
    )
    run = bl.fit(early, target="sold", time="day", horizon=1, window=7, series="shop", test=late, **QUICK)
    assert run.judgement["rows"] == 2 * (96 - 7)
    assert run.predict(late).shape == (2, 1)


def test_the_window_is_chosen(sales):
    chosen = lambda table: SeriesTask(target="sold", time="day", horizon=3, series="shop").read(table).raw.window
    assert chosen(sales) == 24
    assert chosen(sales[:100]) == 14  # two seasons
    assert (
        "window 14 (chosen)"
        in SeriesTask(target="sold", time="day", horizon=3, series="shop").read(sales[:100]).notes[0]
    )


def test_same_seed_same_run(run, sales):
    again = bl.fit(sales, target="sold", time="day", horizon=7, window=14, series="shop", seed=1, **QUICK)
    assert np.array_equal(again.predict(sales), run.predict(sales))


def test_the_judgement_is_plain_data(run):
    assert json.loads(json.dumps(run.judgement, allow_nan=False)) == run.judgement


def line(n=60, **more):
    return {"t": list(range(n)), "y": [float(i % 7) for i in range(n)], **more}


@pytest.mark.parametrize(
    ("table", "options", "told"),
    [
        (line(), {"time": None}, "horizon needs the column of times"),
        (line(), {"horizon": 0}, "horizon must be a whole number of at least 1, got 0"),
        (line(), {"window": 2.5}, "window must be a whole number of at least 1"),
        (line(), {"horizon": None, "window": 7}, "window is for time series: give a horizon"),
        (line(), {"horizon": 100}, "a window of 10 and a horizon of 100 need 110 for a single example"),
        (line(), {"window": 100}, "the table has 60 steps without a long gap at most; a window of 100"),
        (line(20), {"horizon": 5}, "at least 25 steps without a long gap are needed"),
        (line(), {"target": ["y", "t"]}, "a series has one target"),
        (line(), {"series": "y"}, "must be different columns"),
        (line(), {"task": "classification"}, "leave out the task"),
        (line(g=[0] * 60), {"group": "g"}, "split in time, not by a group"),
        (line(), {"balance": True}, "balance weighs classes"),
        (line() | {"y": [3.0] * 60}, {}, "is 3 at every step: there is nothing to learn"),
        (line() | {"y": ["a"] * 60}, {}, "expected a number, got 'a'"),
        (line() | {"t": [i // 2 for i in range(60)]}, {}, "30 times have several rows"),
        (line(), {"time": "when"}, "when"),
        (line(), {"network": "gru:0"}, "expected the number of units"),
    ],
)
def test_refused(table, options, told):
    with pytest.raises(InputError, match=told):
        bl.fit(table, **{"target": "y", "time": "t", "horizon": 2, "window": 10, **QUICK, **options})


def test_holes_everywhere_are_told():
    values = [None if i % 3 == 1 else float(i % 7) for i in range(90)]
    with pytest.raises(InputError, match="or every window ends in steps without a value"):
        bl.fit({"t": range(90), "y": values}, target="y", time="t", horizon=4, window=6, **QUICK)


def test_forecast_is_for_series(sales):
    run = bl.fit(sales[:60], target="sold", columns={"day": "date"}, **QUICK)
    with pytest.raises(InputError, match="wasn't trained on a time series"):
        bl.forecast(run, sales)


def test_a_series_shorter_than_the_window_is_named(run, sales):
    short = sales.filter((pl.col("shop") == "large") | (pl.col("day") > pl.date(2024, 1, 30)))
    with pytest.raises(InputError, match=r"series 'small' has 5 steps .* needs 14: give more of the past"):
        bl.forecast(run, short)


def test_the_grid_of_training_is_kept(run, sales):
    every_other = sales.filter(pl.arange(pl.len()) % 2 == 0)
    with pytest.raises(InputError, match="every window ends in steps without a value"):
        windows_of(run, every_other)
    assert Grid.of(every_other, "sold", "day", "shop").spacing.every == "2 days"
