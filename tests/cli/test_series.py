"""Time series as users type them: train, predict what comes next, evaluate, show, repeat; and what is refused."""

import json
import tomllib

import numpy as np
import polars as pl
import pytest

from tests.cli.calling import backlit


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Daily sales of two shops, with a day missing."""
    folder = tmp_path_factory.mktemp("series")
    rng = np.random.default_rng(0)
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 6, 28), eager=True)
    n = len(days)
    frames = [
        pl.DataFrame({"date": days, "shop": [shop] * n, "sold": size * (2 + np.sin(2 * np.pi * np.arange(n) / 7))})
        for shop, size in (("Mapo", 20), ("Jongno", 300))
    ]
    table = pl.concat(frames).with_columns(sold=(pl.col("sold") * rng.lognormal(0, 0.05, 2 * n)).round(1))
    table.filter(pl.arange(pl.len()) != 50).write_csv(folder / "sales.csv")
    return folder


@pytest.fixture
def command(folder):
    return lambda *arguments: backlit(*arguments, folder=folder)


TRAIN = ("train", "sales.csv", "--target", "sold", "--time", "date", "--horizon", 7, "--window", 14, "--series", "shop")


@pytest.fixture
def run(command, folder):
    """A run, trained once."""
    if not (folder / "run").exists():
        status, out, err = command(*TRAIN, "--epochs", 15, "--no-report", "--out", "run", "-q")
        assert status == 0, err
        (folder / "report.txt").write_text(out + err, encoding="utf-8")
    return folder / "run"


def test_the_report(run, folder):
    report = (folder / "report.txt").read_text(encoding="utf-8")
    for words in (
        "2 series, 360 steps, one each day; a season is 7 steps (a week)",
        "'sold': 1 steps without a value (0.3%)",
        "test windows, 14 × 3 inputs",
        "same as last week  same as the last value  exponential smoothing  linear (ridge)  simple forecasts, weighed",
        "steps ahead  mae: network",
        "90% interval",
        "date    time        0 %  one row each day; day of week as cycles",
        "shop    series      0 %  2 series, each with its own scale",
    ):
        assert words in report, report


def test_what_comes_next(command, run, folder):
    status, out, err = command("predict", "run", "sales.csv", "--out", "next.csv")
    assert (status, out) == (0, "")
    assert "14 predictions written to next.csv" in err
    found = pl.read_csv(folder / "next.csv", try_parse_dates=True)
    assert found.columns == ["shop", "date", "prediction", "lower", "upper"]
    assert found["shop"].to_list() == ["Jongno"] * 7 + ["Mapo"] * 7
    assert (str(found["date"][0]), str(found["date"][6])) == ("2024-06-29", "2024-07-05")
    week = 2 + np.sin(2 * np.pi * np.arange(180, 187) / 7)
    assert np.allclose(found["prediction"].to_numpy(), np.concatenate([300 * week, 20 * week]), rtol=0.2)
    _, out, _ = command("predict", "run", "sales.csv", "--json", "--level", 0.5)
    data = json.loads(out)
    assert data["rows"] == 14
    assert data["date"][:2] == ["2024-06-29", "2024-06-30"]
    assert data["prediction"] == found["prediction"].to_list()
    assert data["lower"][0] > found["lower"][0]


def test_a_new_series_is_continued_and_counted(command, run, folder):
    table = pl.read_csv(folder / "sales.csv").filter(shop="Mapo").with_columns(shop=pl.lit("Busan"))
    table.write_csv(folder / "busan.csv")
    status, out, err = command("predict", "run", "busan.csv")
    assert status == 0
    assert out.splitlines()[1].startswith("Busan,2024-06-29,")
    assert "180 rows are of a series that training didn't have" in err


def test_evaluate_and_show(command, run):
    status, out, _ = command("evaluate", "run", "sales.csv")
    assert status == 0
    assert "same as last week" in out
    _, out, _ = command("evaluate", "run", "sales.csv", "--json")
    data = json.loads(out)
    assert data["mae"] == data["judgement"]["scores"]["mae"]
    assert data["windows"] > 300
    assert "steps ahead" in command("show", "run")[1]
    assert "mlp:64" in command("compare", "run", "run")[1]


def test_config_trains_the_same_again(command, run, folder):
    kept = tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))
    assert (kept["horizon"], kept["window"], kept["series"], kept["network"]) == (7, 14, "shop", "mlp:64")
    status, _, err = command("train", "--no-report", "--config", "run/config.toml", "--out", "again", "-q")
    assert status == 0, err
    first, second = (command("predict", name, "sales.csv")[1] for name in ("run", "again"))
    assert first == second


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*TRAIN[:4], "--horizon", 7), "horizon needs the column of times"),
        ((*TRAIN[:6], "--series", "shop"), "series is for time series: give a horizon"),
        (TRAIN[:8], "if 'shop' says which series a row belongs to, give it: --series shop"),
        ((*TRAIN[:8], "--series", "shop", "--window", 500), "a window of 500 and a horizon of 7 need 507"),
        ((*TRAIN[:6], "--horizon", 200, "--series", "shop"), "shorter horizon"),
        ((*TRAIN[:6], "--horizon", 0, "--series", "shop"), "horizon must be a whole number of at least 1"),
        ((*TRAIN, "--group", "shop"), "split in time, not by a group"),
        (("train", "digits", "--horizon", 7), "--horizon is for tables"),
    ],
)
def test_wrong_input_ends_with_2(command, words, told):
    status, out, err = command(*words, "-q", "--out", "never")
    assert (status, out) == (2, "")
    assert told in err


@pytest.mark.slow
def test_resume_goes_on(command, folder):
    words = ("--out", "long", "-q", "--patience", 0)
    assert command(*TRAIN, *words, "--epochs", 6)[0] == 0
    assert command(*TRAIN, "--out", "part", "-q", "--patience", 0, "--epochs", 3)[0] == 0
    status, _, err = command(*TRAIN, "--out", "part", "-q", "--patience", 0, "--epochs", 6, "--resume")
    assert status == 0, err
    assert command("predict", "part", "sales.csv")[1] == command("predict", "long", "sales.csv")[1]


def test_wrong_files_end_with_2(command, run, folder):
    table = pl.read_csv(folder / "sales.csv")
    table.drop("sold").write_csv(folder / "no-past.csv")
    table.filter(pl.col("date") > "2024-06-20").write_csv(folder / "short.csv")
    for file, told in (
        ("no-past.csv", "column 'sold' is missing; to continue a series, give the past of date, sold, shop"),
        ("short.csv", "has 8 steps without a long gap at its end; the window needs 14"),
    ):
        status, out, err = command("predict", "run", file)
        assert (status, out) == (2, "")
        assert told in err
    status, _, err = command("importance", "run", "sales.csv")
    assert status == 2
    assert "importance is for columns of rows that stand alone" in err
    status, _, err = command("evaluate", "run", "sales.csv", "--target", "shop")
    assert status == 2
    assert "judged by the column it predicts, 'sold'" in err
