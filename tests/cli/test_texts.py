"""Texts at the command line: train, show, evaluate, predict, and what is told of mistakes."""

import json

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    label = rng.choice(["나쁨", "good"], 120)
    told = {"good": ["great", "lovely"], "나쁨": ["awful", "boring"]}
    texts = [" ".join([*rng.choice(["film", "the", "plot, "], 3), rng.choice(told[one])]) for one in label]
    path = tmp_path / "reviews.csv"
    pl.DataFrame({"review": texts, "label": label, "stars": np.where(label == "good", 5, 1)}).write_csv(path)
    return path


@pytest.mark.slow
def test_from_a_file_to_predictions(table, tmp_path, command):
    run = tmp_path / "run"
    status, out, err = command(
        "train", table, "--text", "review", "--target", "label", "--epochs", 12, "--ensemble", 1, "--out", run
    )
    assert status == 0, err
    assert "words, the first" in out
    assert "naive Bayes, words" in out
    assert "not used: stars" in err
    status, out, _ = command("show", run)
    assert status == 0
    assert "GlobalAvgPool" in out
    assert "naive Bayes, words" in out
    status, out, _ = command("evaluate", run, table, "--json")
    assert status == 0
    assert json.loads(out)["accuracy"] > 0.95
    new = tmp_path / "new.csv"
    pl.DataFrame({"id": [1, 2, 3], "review": ["a GREAT film", "boring", "xyzzy"]}).write_csv(new)
    status, out, err = command("predict", run, new)
    assert status == 0
    assert [line.split(",")[2] for line in out.splitlines()[1:3]] == ["good", "나쁨"]
    assert "column 'review': 1 rows have nothing but tokens that training didn't have" in err


@pytest.mark.slow
def test_a_run_is_repeated_from_its_config(table, tmp_path, command):
    arguments = ["train", table, "--text", "review", "--target", "label", "--tokens", "characters"]
    assert command(*arguments, "--epochs", 2, "--out", tmp_path / "a", "-q")[0] == 0
    assert command("train", "--config", tmp_path / "a" / "config.toml", "--out", tmp_path / "b", "-q")[0] == 0
    first, second = ((tmp_path / name / "weights.safetensors").read_bytes() for name in "ab")
    assert first == second


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--text", "reviews"], "did you mean 'review'"),
        (["--tokens", "words"], "say which column holds them"),
        (["--text", "review", "--tokens", "letter"], "unknown unit of text 'letter'"),
        (["--text", "review", "--network", "resnet"], "unknown network for texts 'resnet'"),
    ],
)
def test_wrong_input_is_status_2(table, tmp_path, command, options, message):
    status, out, err = command("train", table, "--target", "label", *options, "--out", tmp_path / "run")
    assert status == 2
    assert message in err.replace("\n", " ")
    assert not out
    assert not (tmp_path / "run").exists()


def test_text_is_for_tables(command):
    status, _, err = command("train", "iris", "--text", "review")
    assert status == 2
    assert "--text is for tables" in err
