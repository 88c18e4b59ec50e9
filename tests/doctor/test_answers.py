"""What a network's own answers say of held-out labels: that they are moved or renamed, and not where chance does it."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.doctor import held
from backlit.doctor.finding import Finding
from backlit.doctor.findings import parts
from tests.doctor.common import evidence

KNOWN, SCATTERED = [0.1] * 20, [1.1] * 20


def judged(answers: dict[str, float], kind: str, known: float = 1.0) -> list[Finding]:
    """What is found of an overfitted network's answers."""
    scores = {"accuracy": known, "r2": known}
    return parts.wrong_labels(evidence(KNOWN, SCATTERED, data={"kind": kind}, answers=answers, scores=scores))


@pytest.mark.parametrize(
    ("classes", "rows"), [(2, 20), (10, 40), (20, 20), (26, 52), (30, 60), (50, 100), (50, 200), (100, 200), (100, 500)]
)
def test_chance_renames_and_moves_no_classes(classes: int, rows: int) -> None:
    gained = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.arange(rows) % classes)
        told = held.answers(np.eye(classes)[rng.integers(0, classes, rows)], labels, "class", own=labels)
        gained.append(told["recoded"] - 1 / classes)
        assert judged(told, "class") == []
    assert np.mean(gained) < 0.03 + 0.5 / np.sqrt(rows)  # of two classes the better naming is taken, by one half


@pytest.mark.parametrize(("classes", "rows"), [(4, 60), (26, 104), (40, 80)])
def test_renamed_classes_are_found_from_few_rows_each(classes: int, rows: int) -> None:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(rows) % classes)
    said = np.where(rng.random(rows) < 0.9, labels, rng.integers(0, classes, rows))
    told = held.answers(np.eye(classes)[(said + 1) % classes], labels, "class")
    (found,) = judged(told, "class")
    assert found.sign is parts.ANSWERS_RENAMED


def learned(seed: int, rho: float, rows: int, noise: int, yesterday: bool) -> tuple[np.ndarray, ...]:
    """Answers of least squares for 1,000 rows, their numbers, those learned from, and R² there.

    Inputs are yesterday's number (or another that tells rows' own one), and columns of noise.
    """
    rng = np.random.default_rng(seed)
    y = np.zeros(rows + 1001)
    for day in range(1, len(y)):
        y[day] = (rho if yesterday else 0.0) * y[day - 1] + rng.normal()
    tells = y[:-1] if yesterday else y[1:] + 0.4 * rng.normal(size=len(y) - 1)
    y = y[1:]
    x = np.column_stack([tells, rng.normal(size=(len(y), noise))])
    slope = np.linalg.lstsq(x[:rows], y[:rows], rcond=None)[0]
    return x[rows:] @ slope, y[rows:], y[:rows], 1 - np.var(y[:rows] - x[:rows] @ slope) / np.var(y[:rows])


@pytest.mark.parametrize("rho", [0.3, 0.4, 0.5, 0.8, 0.95])
@pytest.mark.parametrize(("rows", "noise"), [(400, 79), (200, 39), (120, 100)])
def test_a_forecaster_that_overfits_has_no_wrong_labels(rho: float, rows: int, noise: int) -> None:
    for seed in range(10):
        made, y, own, known = learned(seed, rho, rows, noise, yesterday=True)
        assert judged(held.answers(made[:, None], y, "number", own=own), "number", known) == []


def test_numbers_moved_by_a_row_are_found_where_rows_dont_resemble_their_neighbours() -> None:
    made, y, own, known = learned(0, 0.0, 400, 79, yesterday=False)
    assert judged(held.answers(made[:, None], y, "number", own=own), "number", known) == []
    (found,) = judged(held.answers(made[:, None], np.roll(y, 1), "number", own=own), "number", known)
    assert found.sign is parts.ANSWERS_MOVED


@pytest.mark.parametrize("stays", [0.5, 0.6, 0.7, 0.9])
def test_classes_that_stay_as_they_were_yesterday_arent_moved(stays: float) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        labels = np.zeros(1401, int)
        for day in range(1, len(labels)):
            labels[day] = labels[day - 1] if rng.random() < stays else 1 - labels[day - 1]
        said = np.where(rng.random(1400) < 0.15, 1 - labels[:-1], labels[:-1])  # what a forecaster can tell, and noise
        if stays == 0.5:
            said = rng.permutation(said)  # nothing to be learned
        told = held.answers(np.eye(2)[said[400:]], labels[401:], "class", own=labels[1:401])
        assert judged(told, "class") == []
    free = rng.permutation(labels[1:])  # no likeness: then it is a sign
    told = held.answers(np.eye(2)[free[400:]], np.roll(free[400:], 1), "class", own=free[:400])
    assert [each.sign for each in judged(told, "class")] == [parts.ANSWERS_MOVED]


@pytest.fixture(scope="module")
def by_heart() -> bl.Run:
    """A class at each of five steps, learned by heart."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5, 3)).astype("float32"), rng.integers(0, 4, (40, 5))
    net = bl.Sequential(bl.GRU(16, return_sequences=True), bl.Linear(4))
    return bl.fit(net, x, y, epochs=30, optimizer=bl.Adam(0.05), engine="numpy", seed=0, validation=0.5)


def test_of_a_class_at_each_step_nothing_is_worked_out(by_heart: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_heart.history[-1]["val_loss"] > by_heart.history[-1]["loss"] + 0.5
    monkeypatch.setattr(type(by_heart), "forward", None)
    monkeypatch.setattr(type(by_heart.recipe), "prepared", None)
    assert held.held_out(by_heart) == held.Held()


def test_what_is_kept_is_asked_again_when_the_question_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 8)).astype("float32"), rng.integers(0, 2, 60)
    net = bl.Sequential(bl.Linear(32), bl.ReLU(), bl.Linear(2))
    run = bl.fit(net, x, y, epochs=40, optimizer=bl.Adam(0.05), engine="numpy", seed=0, validation=0.5)
    monkeypatch.setattr(held, "_behind", lambda *_: False)
    assert held.held_out(run).answers == {}
    monkeypatch.setattr(held, "_behind", lambda *_: True)
    told: dict[str, Any] = held.held_out(run).answers
    assert 0.2 < told["across"] < 0.8


def test_a_single_output_may_be_a_probability() -> None:
    labels = np.arange(40) % 2
    sure = held._scores(np.where(labels, 0.9, 0.1)[:, None], sure=True)
    assert held.answers(sure, labels, "binary")["across"] == 1.0
    assert held.told_apart(sure, labels, 0)["recall"] == 1.0
    assert held.told_apart(held._scores(np.where(labels, 2.0, -2.0)[:, None]), labels, 0)["recall"] == 1.0


def test_what_simple_models_still_know_contradicts_renamed_labels() -> None:
    fits = {"held": 125, "across": -1.8, "recoded": 0.57, "levelled": 0.38, "next": -2.3, "guess": 0.0, "usual": 1.0}
    told = {
        "rows": 256, "held": 125, "apart": 0.5, "inner": 0.3, "guess_inner": 0.0, "within": 0.3, "across": 0.28,
        "recoded": 0.3, "levelled": 0.3, "guess": 0.0, "next": 0.0,
    }  # fmt: skip
    for across, names in ((0.28, []), (0.1, ["labels wrong in one part"])):
        e = evidence(
            KNOWN, SCATTERED, data={"kind": "number", "parts": told | {"across": across}}, answers=fits,
            scores={"r2": 0.65},
        )  # fmt: skip
        assert [each.name for each in parts.wrong_labels(e)] == names
