"""What is said after a training: what is wrong, what comes next, and a few pictures."""

import json
import shlex

import numpy as np
import pytest

import backlit as bl
from backlit.cli import pictures
from backlit.train.judgement import Mistake

QUICK = ("--ensemble", 1, "--no-report", "-q")


def test_after_a_sick_training_the_finding_is_told_and_diagnose_comes_next(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, said, _ = command(
        "train", "iris", "--network", "mlp:8", "--lr", 30, "--epochs", 30, "--patience", 0, *QUICK, "--out", "sick"
    )
    assert status == 0
    wrong = said[said.index("something is wrong:") :]
    first = bl.load("sick").diagnose().alarms[0]
    assert f"  {first.name}: {first.where}\n    {first.cause}\n    remedy: backlit train iris" in wrong
    (remedy,) = [line for line in wrong.splitlines() if line.startswith("    remedy: ")][:1]
    assert remedy.endswith(f" {first.command}")
    assert "--lr 30" not in remedy
    status, said, _ = command(*shlex.split(remedy.removeprefix("    remedy: backlit ")), *QUICK[2:], "--out", "mended")
    assert status == 0
    assert "learning rate too high" not in said
    assert first.name == "learning rate too high"
    assert "next: backlit diagnose sick    backlit predict sick new.csv" in wrong
    status, said, _ = command("diagnose", "sick", "--no-prove", "-q")
    assert status == 0
    assert f"\n             {remedy.removeprefix('    remedy: ')}\n" in said  # the whole command there, too


@pytest.mark.slow
def test_after_a_healthy_one_nothing_is_wrong(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, said, _ = command("train", "iris", *QUICK, "--out", "well")
    assert "wrong" not in said
    assert "next: backlit show well" in said


def test_json_names_what_is_wrong(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("--network", "mlp:8", "--lr", 30, "--epochs", 30, "--patience", 0, *QUICK, "--json")
    _, said, _ = command("train", "iris", *arguments, "--out", "sick")
    assert json.loads(said)["findings"][0] == "learning rate too high"


def test_digits_that_were_read_right_and_wrong_are_shown(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    _, said, _ = command("train", "digits", "--network", "linear", "--epochs", 3, *QUICK, "--out", "run")
    mistakes = bl.load("run").judgement.mistakes
    assert all(row.called == row.truth for row in mistakes.right)
    assert len({row.truth for row in mistakes.right}) == len(mistakes.right) == 4
    block = said[said.index("  2 read right, and the 2 most confidently wrong:") :].split("\n\n")[1].splitlines()
    assert len(block) == 8 + 1
    assert max(map(len, block)) <= 80
    captions = block[-1].split("  ")
    for row in (*mistakes.right[:2], *mistakes.rows[:2]):
        called = f"{row.called}" if row.called == row.truth else f"{row.called}, is {row.truth}"
        assert any(caption.strip() == f"{called} ({row.probability:.0%})" for caption in captions)


def test_shades_go_from_the_least_to_the_greatest_value():
    assert pictures.shaded(np.array([[0.0, 4.0], [8.0, 16.0]])) == ["  ░░", "▒▒██"]
    assert pictures.shaded(np.full((2, 2), 7.0)) == ["    ", "    "]


def test_large_pictures_shrink_by_the_mean_of_their_blocks():
    pixels = np.zeros((28, 28))
    pixels[:2, :2] = 1.0
    pixels[:2, 2:4] = [[1.0, 0.0], [0.0, 1.0]]
    lines = pictures.shaded(pixels)
    assert (len(lines), {len(line) for line in lines}) == (14, {28})
    assert lines[0].startswith("██▒▒  ")


@pytest.mark.parametrize(("columns", "count"), [(80, 4), (40, 2), (5, 1)])
def test_as_many_pictures_as_there_is_room_for(monkeypatch, columns, count):
    monkeypatch.setenv("COLUMNS", str(columns))
    row = Mistake.from_dict({"truth": "3", "called": "3", "pixels": np.eye(8).tolist()})
    lines = pictures.strip([row] * 4).splitlines()
    assert lines[-1].split() == ["3"] * count
