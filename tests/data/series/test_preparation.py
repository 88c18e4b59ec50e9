"""Windows as inputs and targets: nothing is learned from the future, and all comes back from plain data."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import Ridge

from backlit.data.series import Grid, SeriesPreparation, Windows
from backlit.errors import InputError
from backlit.tasks.combined import ALPHAS
from backlit.tasks.series import SeriesTask


@pytest.fixture
def sales(rng):
    """Two shops of different size over four months, with a promotion and a weather that has gaps."""
    n = 120
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 29), eager=True)
    level = np.concatenate([10 + 0.02 * np.arange(n), 1000 + np.arange(n)])
    week = 1 + 0.3 * np.sin(2 * np.pi * np.arange(n) / 7)
    return pl.DataFrame(
        {
            "day": pl.concat([days, days]),
            "shop": ["small"] * n + ["large"] * n,
            "promotion": rng.random(2 * n) < 0.2,
            "weather": [None if i % 13 == 5 else float(i % 5) for i in range(2 * n)],
            "note": [f"note {i}" for i in range(2 * n)],
            "sold": level * np.tile(week, 2) * rng.lognormal(0, 0.05, 2 * n),
        }
    )


def made(table, **options):
    task = SeriesTask(target="sold", time="day", horizon=3, window=14, series="shop", **options)
    material = task.read(table)
    parts, _ = task.split(material, (0.7, 0.15, 0.15), 0)
    return material, (parts.train, parts.validation, parts.test), task.prepare(material, parts.train)


def test_features_and_what_they_hold(sales):
    material, rows, preparation = made(sales)
    windows = material.raw[rows[0]]
    inputs = preparation.apply(windows)
    names = ["sold", "promotion=true", "weather", "weather missing", "day weekday sin", "day weekday cos"]
    assert preparation.names == names
    assert inputs.shape == (len(windows), 14, 6)
    assert not inputs[:, -1, 0].any()  # the last value is what the others are measured from
    for shop in (0, 1):  # each of a size of its own
        assert np.sqrt(np.mean(inputs[windows.series == shop, :, 0] ** 2)) == pytest.approx(1, rel=1e-5)
    day = windows.grid.frame["day"].dt.weekday().to_numpy()[windows.rows]
    assert np.allclose(inputs[:, :, 4], np.sin(2 * np.pi * day / 7), atol=1e-6)
    kinds = {row["column"]: row["kind"] for row in preparation.rows()}
    assert kinds["shop"] == "series"
    assert kinds["note"] in ("identifier", "text")


def test_cycles_are_taken_only_if_training_saw_them_twice(sales):
    _, _, preparation = made(sales)
    assert preparation.cycles.parts == ("weekday",)  # of the year, training saw a quarter


def test_the_linear_forecast_is_scikit_learns_ridge(sales):
    material, rows, preparation = made(sales)
    train, test = material.raw[rows[0]], material.raw[rows[2]]
    see = lambda windows: preparation.linear_inputs(preparation.apply(windows))
    scale = preparation.scale(train)
    assert preparation.floor is None
    found = preparation.rival(test, "ridge")
    peers = [Ridge(alpha=alpha).fit(see(train), (train.future - train.past[:, -1:]) / scale) for alpha in ALPHAS]
    expected = [peer.predict(see(test)) * preparation.scale(test) + test.past[:, -1:] for peer in peers]
    assert sum(np.allclose(found, one, rtol=1e-8) for one in expected) == 1


def test_absolute_undoes_relative(sales):
    material, _, preparation = made(sales)
    there = preparation.relative(material.raw, material.y)
    assert np.allclose(preparation.absolute(material.raw, there), material.y, rtol=1e-12)


def test_nothing_is_learned_from_the_future(sales):
    """What follows the last training window may be anything: preparation, inputs and targets stay the same."""
    material, rows, preparation = made(sales)
    train = material.raw[rows[0]]
    end = train.grid.spacing.column("day", np.array([train.places.max() + 2]))[0]
    after = pl.col("day") > end
    other = sales.with_columns(
        pl.when(after).then(pl.col("sold") * 50 + 7).otherwise(pl.col("sold")).alias("sold"),
        pl.when(after).then(99.0).otherwise(pl.col("weather")).alias("weather"),
        pl.when(after).then(~pl.col("promotion")).otherwise(pl.col("promotion")).alias("promotion"),
    )
    others, other_rows, learned = made(other)
    assert np.array_equal(rows[0], other_rows[0])
    assert json.dumps(learned.to_dict()) == json.dumps(preparation.to_dict())
    same = others.raw[rows[0]]
    assert np.array_equal(learned.apply(same), preparation.apply(train))
    assert np.array_equal(learned.relative(same, same.future), preparation.relative(train, train.future))
    changed = sales.with_columns(pl.when(pl.col("day") == end).then(1e6).otherwise(pl.col("sold")).alias("sold"))
    assert made(changed)[2].to_dict() != preparation.to_dict()  # the test can fail


def test_plain_data_and_back(sales):
    material, _, preparation = made(sales)
    again = SeriesPreparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again.to_dict() == preparation.to_dict()
    assert np.array_equal(again.apply(material.raw), preparation.apply(material.raw))
    assert np.array_equal(again.absolute(material.raw, material.y), preparation.absolute(material.raw, material.y))


def test_a_table_stands_for_the_last_window_of_each_series(sales, tmp_path):
    _, _, preparation = made(sales)
    inputs = preparation.apply(sales)
    assert inputs.shape == (2, 14, 6)
    path = tmp_path / "sales.csv"
    sales.write_csv(path)
    assert np.allclose(preparation.apply(path), inputs, atol=1e-6)


def test_a_new_series_has_the_scale_of_its_window(sales):
    _, _, preparation = made(sales)
    new = sales.filter(shop="large").with_columns(shop=pl.lit("new"), sold=pl.col("sold") * 1000)
    windows = preparation.windows(new)
    past = windows.past
    assert preparation.scale(windows)[0, 0] == pytest.approx(np.sqrt(np.mean((past - past[:, -1:]) ** 2)))
    assert preparation.unseen(new) == {"shop": 120}


@pytest.mark.parametrize(("values", "scale"), [([5.0] * 30, 0.05), ([0.0] * 30, 1.0)])
def test_a_series_that_doesnt_vary_has_a_scale(values, scale):
    grid = Grid.of(pl.DataFrame({"t": range(30), "y": values}), "y", "t")
    windows = Windows.all(grid, 5, 2)
    preparation = SeriesPreparation.learn(windows, "y", "t")
    assert preparation.scales == {"series": pytest.approx(scale)}
    assert np.isfinite(preparation.apply(windows)).all()


def test_too_many_levels_are_left_out(rng):
    n = 400
    frame = pl.DataFrame({"t": range(n), "y": rng.normal(size=n), "who": [f"p{i}" for i in rng.integers(0, 60, n)]})
    preparation = SeriesPreparation.learn(Windows.all(Grid.of(frame, "y", "t"), 4, 2), "y", "t")
    assert preparation.names == ["y"]
    assert "too many" in preparation.rows()[-1]["done"]


def test_refused(sales):
    material, _, preparation = made(sales)
    with pytest.raises(InputError, match="column 'weather' is missing; to continue a series, give the past of"):
        preparation.apply(sales.drop("weather"))
    with pytest.raises(InputError, match="takes windows of 14 steps and predicts 3, got 5 and 1"):
        preparation.apply(Windows.all(material.raw.grid, 5, 1))
    with pytest.raises(InputError, match="column 'shop' is the target, time or series"):
        made(sales, columns={"shop": "category"})
    with pytest.raises(InputError, match="wether"):
        made(sales, columns={"wether": "number"})
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 3), "5h", eager=True)
    with pytest.raises(InputError, match="unevenly spaced"):
        preparation.apply(sales[: len(hours)].with_columns(hours.alias("day")))
