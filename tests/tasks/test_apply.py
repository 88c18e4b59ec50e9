"""A run on a file with targets: what it is judged by there, and what is said of rows that can't be."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

import backlit as bl
from backlit.errors import InputError
from backlit.tasks import apply
from backlit.train.judgement import Judgement

QUICK = {"epochs": 2, "engine": "numpy", "ensemble": 1, "progress": False}
RNG = np.random.default_rng(3)


@pytest.fixture
def table(tmp_path):
    frame = pl.DataFrame({"size": RNG.normal(size=60), "town": ["x", "y", "z"] * 20})
    frame = frame.with_columns(price=2 * pl.col("size") + (pl.col("town") == "y"))
    frame.write_csv(tmp_path / "cars.csv")
    return frame, tmp_path / "cars.csv"


def test_numbers_are_judged_with_the_runs_own_intervals_and_guess(table):
    frame, path = table
    run = bl.fit(frame, target="price", **QUICK)
    judgement, notes = apply.judgement_on(run, path)
    assert isinstance(judgement, Judgement)
    assert judgement.rows == 60
    assert notes == []
    assert judgement.scores["rmse"] == pytest.approx(run.evaluate(frame, frame["price"].to_numpy())["rmse"], rel=1e-5)
    low, high = run.predict_interval(frame, 0.9)
    inside = (low <= frame["price"].to_numpy()) & (frame["price"].to_numpy() <= high)
    assert judgement.intervals.coverage == (pytest.approx(inside.mean()),)
    assert judgement.baseline["mae"] == pytest.approx(
        np.abs(frame["price"].to_numpy() - run.judgement.guess.mean[0]).mean()
    )


def test_a_run_without_a_judgement_is_judged_beside_the_files_own_mean(table):
    frame, path = table
    run = bl.fit(frame, target="price", **QUICK)
    run.judgement = None
    judgement, _ = apply.judgement_on(run, path)
    assert judgement.intervals is None
    assert judgement.baseline["rmse"] == pytest.approx(frame["price"].std(ddof=0))


def test_rows_without_a_target_are_left_out_and_told(table, tmp_path):
    frame, _ = table
    run = bl.fit(frame, target="price", **QUICK)
    some = frame.with_columns(price=pl.when(pl.col("town") == "x").then(None).otherwise(pl.col("price")))
    some.rename({"price": "cost"}).write_csv(tmp_path / "more.csv")
    judgement, notes = apply.judgement_on(run, tmp_path / "more.csv", ["cost"])
    assert judgement.rows == 40
    assert notes == ["20 rows have no target and aren't judged"]
    with pytest.raises(InputError, match="has no column 'price' to judge by; name it with --target"):
        apply.judgement_on(run, tmp_path / "more.csv")
    with pytest.raises(InputError, match=r"the run predicts 1 columns \(price\); name as many"):
        apply.judgement_on(run, tmp_path / "more.csv", ["cost", "town"])
    frame.with_columns(price=pl.lit(None, pl.Float64)).write_csv(tmp_path / "none.csv")
    with pytest.raises(InputError, match="no row has a target"):
        apply.judgement_on(run, tmp_path / "none.csv")


def test_a_forecaster_is_judged_on_windows(tmp_path):
    frame = pl.DataFrame({"t": range(80), "y": [float(i % 5) + i / 40 for i in range(80)]})
    frame.write_csv(tmp_path / "series.csv")
    run = bl.fit(frame, target="y", time="t", horizon=2, window=5, **QUICK)
    judgement, _ = apply.judgement_on(run, tmp_path / "series.csv")
    assert judgement.what == "windows"
    assert len(judgement.steps) == 2
    assert judgement.intervals.level == 0.9
    with pytest.raises(InputError, match="is judged by the column it predicts, 'y'"):
        apply.judgement_on(run, tmp_path / "series.csv", ["t"])


def test_pictures_are_judged_by_their_folders(tmp_path):
    for name, grey in (("dark", 20), ("light", 220)):
        (tmp_path / "sky" / name).mkdir(parents=True)
        for i in range(12):
            Image.fromarray(np.full((6, 6), grey + i, np.uint8)).save(tmp_path / "sky" / name / f"{i}.png")
    run = bl.fit_pictures(tmp_path / "sky", network="linear", cache=False, **QUICK | {"epochs": 1})
    judgement, notes = apply.judgement_on(run, tmp_path / "sky")
    assert judgement.rows == 24
    assert notes == []
    assert judgement.mistakes.named
    assert len(judgement.mistakes.rows) == min(10, round(24 * (1 - judgement.scores["accuracy"])))
    (tmp_path / "sky" / "strange").mkdir()
    Image.new("L", (6, 6)).save(tmp_path / "sky" / "strange" / "0.png")
    judgement, notes = apply.judgement_on(run, tmp_path / "sky")
    assert notes[-1] == "1 pictures of classes that training didn't have (strange) aren't judged"
    with pytest.raises(InputError, match="--target is for tables"):
        apply.judgement_on(run, tmp_path / "sky", ["a"])
    with pytest.raises(InputError, match="the run takes pictures"):
        apply.known_rows(run, tmp_path / "sky", None)
