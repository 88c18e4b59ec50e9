"""Run folders of the version before this one: they load, predict, go on, and are diagnosed and shown as they were.

`old/make.py` made them with that version, and wrote down what it predicted.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import backlit as bl
from backlit.cli.main import app
from backlit.errors import InputError
from tests.store.old.make import TABLE, TARGET, TEXT, weighted

OLD = Path(__file__).resolve().parent / "old"
EXPECTED = json.loads((OLD / "expected.json").read_text(encoding="utf-8"))
MOST_BYTES = 200_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of it all, in which a command may write."""
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return tmp_path / "old"


def inputs(name):
    """What the run is used on."""
    files = {"table": "homes.csv", "series": "sales.csv"}
    return pl.read_csv(OLD / files[name]) if name in files else np.load(OLD / "rows.npz")["x"]


def near(actual, expected):
    """Equal to single precision: kernels may change between versions."""
    np.testing.assert_allclose(np.asarray(actual, float), np.asarray(expected, float), rtol=2e-4, atol=1e-6)


def same_history(actual, expected):
    """All columns of all epochs, but how long they took."""
    assert len(actual) == len(expected)
    for record, then in zip(actual, expected, strict=True):
        assert set(record) == set(then)
        names = sorted(set(then) - {"seconds"})
        near([record[name] for name in names], [then[name] for name in names])


@pytest.mark.parametrize("name", EXPECTED)
def test_loads_with_all_that_was_kept(name):
    run = bl.load(OLD / name)
    assert list(run.history) == EXPECTED[name]["history"]
    assert run.optimizer.to_dict() == json.loads((OLD / name / "network.json").read_text("utf-8"))["optimizer"]
    assert len(run.probes) + 1 == len((OLD / name / "probes.jsonl").read_text("utf-8").splitlines())
    assert run.start is not None
    if "judgement" in EXPECTED[name]:
        kept = json.loads((OLD / name / "judgement.json").read_text("utf-8"))
        assert run.judgement["scores"] == EXPECTED[name]["judgement"] == kept["scores"]
        for key in ("notes", "plan", "judged_on", "parts"):
            assert run.judgement[key] == kept[key]
    assert sum(path.stat().st_size for path in (OLD / name).iterdir()) < MOST_BYTES


@pytest.mark.parametrize("name", [name for name in EXPECTED if "predictions" in EXPECTED[name]])
def test_predicts_what_it_predicted(name):
    run, expected = bl.load(OLD / name), EXPECTED[name]
    predicted = np.asarray(run.predict(inputs(name)))
    if predicted.dtype.kind == "f":
        near(predicted, expected["predictions"])
    else:
        assert predicted.tolist() == expected["predictions"]
    if "probabilities" in expected:
        near(run.predict_proba(inputs(name)), expected["probabilities"])


def test_writes_what_it_wrote():
    assert bl.load(OLD / "text").generate("the small", length=40, temperature=0) == EXPECTED["text"]["written"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "words"), [("table", ("homes.csv", *TARGET, *TABLE)), ("text", ("text.txt", *TEXT))])
@pytest.mark.parametrize("typed", [True, False], ids=["typed", "config"])
def test_the_command_goes_on_with_it(folder, name, words, typed):
    later = EXPECTED[name]["resumed"]
    options = (*words, "--patience", "0") if typed else ()
    options += ("--epochs", str(later["epochs"]), "--out", name, "--resume", "--no-report", "--quiet")
    done = CliRunner().invoke(app, ["train", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    run = bl.load(folder / name)
    same_history(run.history, later["history"])
    near(list(run.judgement["scores"].values()), list(later["judgement"].values()))


@pytest.mark.slow
def test_fit_goes_on_with_it(folder):
    later = EXPECTED["weighted"]["resumed"]
    run = weighted(bl, folder / "weighted", later["epochs"], resume=True)
    same_history(run.history, later["history"])
    near(run.predict_proba(inputs("weighted")), later["probabilities"])


def test_other_settings_do_not_go_on_with_it(folder):
    with pytest.raises(InputError, match="was trained with other settings"):
        weighted(bl, folder / "weighted", 12, resume=True, mixup=0.2)


def test_its_config_trains_it_again(folder):
    """From the start, to the same end."""
    words = ("train", "--config", "table/config.toml", "--out", "again", "--no-report", "--quiet")
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    same_history(bl.load(folder / "again").history, EXPECTED["table"]["history"])


def test_how_it_diverged_is_known():
    run, then = bl.load(OLD / "diverged"), EXPECTED["diverged"]["diverged"]
    assert run.stopped == "diverged"
    assert (run.diverged.epoch, run.diverged.step) == (then["epoch"], then["step"])


@pytest.mark.parametrize("name", EXPECTED)
def test_the_doctor_finds_what_it_found(name):
    found = bl.load(OLD / name).diagnose()
    assert [finding.name for finding in found] == EXPECTED[name]["findings"]


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("name", EXPECTED)
def test_the_report_shows_it(name, lang):
    page = bl.load(OLD / name).report(lang)
    assert f'<html lang="{lang}"' in page
    for finding in EXPECTED[name]["findings"]:
        assert finding in page
