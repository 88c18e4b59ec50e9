"""One description of a judgement, shown as text and as HTML: the same numbers in both."""

import re

import pytest

import backlit as bl
from backlit.cli import printing
from backlit.report.description import Table, described, where
from backlit.report.numerals import NO_BREAK, percent, short
from backlit.report.texts import Text
from backlit.train.judgement import Judgement

SCORES = {"loss": 1.0, "accuracy": 0.98765, "log_loss": 0.0123456}
GUESS = {"what": "always 'a', the most frequent class", "accuracy": 0.5, "log_loss": 0.69}
CLASSES = [{"class": name, "rows": 40, "recall": 0.125, "precision": None} for name in ("a", "b")]
BINS = [{"confidence": 0.95, "accuracy": 0.912, "rows": 33}]
JUDGEMENTS = {
    "classes": {
        "task": "classification",
        "rows": 80,
        "scores": SCORES,
        "baseline": GUESS,
        "classes": CLASSES,
        "confusion": [[37, 3], [0, 40]],
        "calibration": {"error": 0.041, "bins": BINS},
        "rivals": {"naive Bayes, words": {"accuracy": 0.77}},
        "warnings": ["naive Bayes, words does better on these rows (accuracy 0.99, the network's 0.98)"],
    },
    "labels": {
        "task": "multi_label",
        "scores": {"accuracy": 0.875},
        "baseline": {"what": "always the more frequent value", "accuracy": 0.75},
        "labels": [{"label": "x", "rows": 3, "accuracy": 0.9375, "baseline": 0.7, "recall": None, "precision": 0.5}],
    },
    "numbers": {
        "task": "regression",
        "rows": 12345,
        "scores": {"rmse": 12345.678, "r2": 0.5},
        "baseline": {"what": "always the mean", "rmse": 23456.7, "r2": 0.0},
        "targets": [{"target": "y", "rmse": 1.2345678, "baseline": 2.5, "mae": 1.25}],
        "intervals": {"level": 0.9, "half_width": [3.14159], "coverage": [0.9123]},
    },
    "forecast": {
        "task": "regression",
        "scores": {"mae": 1.0},
        "baseline": {"what": "linear (ridge)", "mae": 2.0},
        "rivals": {"linear (ridge)": {"mae": 2.0}},
        "steps": [
            {"step": i + 1, "network": {"mae": 1.0 + i / 7}, "linear (ridge)": {"mae": 2.0 + i / 7}} for i in range(30)
        ],
        "intervals": {"level": 0.9, "half_width": [2.0 + i for i in range(29)] + [None], "coverage": [0.915] * 30},
    },
    "text": {"task": "text", "unit": "characters", "scores": {"bits": 1.5}, "baseline": {}, "sample": "once upon"},
}


def english(value):
    return value.within("en").unescape() if isinstance(value, Text) else str(value)


def words(text):
    return re.sub(r"\s+", " ", text.replace(NO_BREAK + "%", "%").replace("\u00a0", " "))


@pytest.fixture(scope="module")
def run():
    return bl.fit(bl.Linear(1), [[1.0], [2.0]], [1.0, 2.0], epochs=1, engine="numpy", progress=False)


@pytest.mark.parametrize("kind", JUDGEMENTS)
def test_text_and_page_tell_the_same_numbers(kind, run):
    judgement = Judgement.from_dict(JUDGEMENTS[kind])
    run.judgement = judgement
    page, text = words(run.report()), words(printing.scores(judgement))
    description = described(judgement)
    shown = 0
    for part in ("scores", "classes", "labels", "targets", "steps"):
        table = getattr(description, part)
        for row in table.rows if isinstance(table, Table) else ():
            for cell in row[1:]:
                told = words(english(cell))
                assert told in text, (part, told)
                assert told in page, (part, told)
                shown += any(character.isdigit() for character in told)
    assert shown
    if description.intervals is not None:
        assert words(english(description.intervals)) in text
        assert words(english(description.intervals)) in page
    if description.sample is not None:
        assert description.sample in page
        assert description.sample in text


@pytest.mark.parametrize("kind", JUDGEMENTS)
def test_a_run_may_hold_a_dict_as_well(kind):
    assert printing.scores(JUDGEMENTS[kind]) == printing.scores(Judgement.from_dict(JUDGEMENTS[kind]))


def test_numbers_are_written_by_one_function():
    text = words(printing.scores(JUDGEMENTS["numbers"]))
    for number in (12345.678, 23456.7, 1.2345678):
        assert short(number) in text
    assert f"± {short(3.14159)}" in text
    assert words(percent(0.9123)) in text


@pytest.mark.parametrize(
    ("error", "rows", "key"),
    [
        (0.01, 27, "calibration.few"),  # honest probabilities of 0.95 are off by 0.042 in 27 rows
        (0.2, 27, "calibration.bad"),
        (0.06, 27, "calibration.few"),
        (0.03, 2700, "calibration.good"),
        (0.049, 2700, "calibration.few"),
        (0.05, 2700, "calibration.bad"),
    ],
)
def test_confidence_is_honest_as_far_as_the_rows_can_tell(error, rows, key):
    bins = [{"confidence": 0.95, "accuracy": 0.9, "rows": rows}]
    judgement = Judgement.from_dict({"calibration": {"error": error, "bins": bins}})
    assert judgement.calibration.noise == pytest.approx((0.95 * 0.05 / rows) ** 0.5)
    assert judgement.calibration.honest == {"good": True, "bad": False, "few": None}[key.partition(".")[2]]
    assert described(judgement).calibration.advice.key == key


def test_the_confusion_matrix_marks_what_is_right_and_has_a_limit():
    judgement = Judgement.from_dict(JUDGEMENTS["classes"])
    table = described(judgement).confusion
    assert [[(cell.rows, cell.percent, cell.right) for cell in row[1:]] for row in table.rows] == [
        [(37, 92, True), (3, 8, False)],
        [(0, 0, False), (40, 100, True)],
    ]
    assert described(judgement, most_classes=1).confusion is None
    assert "3" in printing.scores(judgement)


def test_of_many_steps_some_are_shown_the_first_and_the_last_among_them():
    steps = [row[0] for row in described(Judgement.from_dict(JUDGEMENTS["forecast"])).steps.rows]
    assert (steps[0], steps[-1], len(steps)) == (1, 30, 12)
    text = printing.scores(JUDGEMENTS["forecast"])
    assert "steps ahead  mae: network" in text
    assert "not enough rows" in text


def test_what_it_was_judged_on():
    for judged_on, told in ((None, "test rows"), ("validation", "validation rows"), ("training", "training rows")):
        assert english(where(Judgement(judged_on=judged_on))) == told
    assert english(where(Judgement.from_dict(JUDGEMENTS["forecast"]))) == "test windows"
