"""Scores of classes, labels and numbers, held against scikit-learn's and counting by hand."""

import numpy as np
import pytest
from sklearn import metrics

import backlit as bl
from backlit.tasks.judge.scores import best_guess, judge
from backlit.tasks.judge.worst import mistakes
from backlit.train.intervals import Intervals
from backlit.train.judgement import Judgement

RNG = np.random.default_rng(4)
X = RNG.normal(size=(300, 4))
QUICK = {"epochs": 3, "engine": "numpy", "progress": False, "probes": None}


@pytest.fixture(scope="module")
def classified():
    names = np.array(["ant", "bee", "cat", "never"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)]
    return bl.fit(bl.Linear(3), X, names, **QUICK), names


def test_classes_are_counted_as_scikit_learn_does(classified):
    run, y = classified
    outputs = run.outputs(X)
    judgement = judge(run, "classification", best_guess(run, "classification", y), outputs, y)
    called, chances = run.predict(X), run.predict_proba(X)
    assert isinstance(judgement, Judgement)
    assert judgement.confusion == metrics.confusion_matrix(y, called).tolist()
    recall = metrics.recall_score(y, called, average=None)
    precision = metrics.precision_score(y, called, average=None, zero_division=np.nan)
    assert [each.recall for each in judgement.classes] == pytest.approx(recall.tolist())
    assert [np.nan if each.precision is None else each.precision for each in judgement.classes] == pytest.approx(
        precision.tolist(), nan_ok=True
    )
    assert judgement.scores["accuracy"] == pytest.approx(metrics.accuracy_score(y, called))
    assert judgement.scores["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, called))
    assert judgement.scores["log_loss"] == pytest.approx(metrics.log_loss(y, chances))
    assert judgement.rows == 300


def test_a_class_without_rows_has_no_recall(classified):
    run, y = classified
    rows = y != "cat"
    judgement = judge(run, "classification", best_guess(run, "classification", y), run.outputs(X[rows]), y[rows])
    assert [each.name for each in judgement.classes if each.recall is None] == ["cat"]
    assert judgement.baseline["balanced_accuracy"] == 1 / 2


def test_rivals_are_scored_alike(classified):
    run, y = classified
    chances = run.predict_proba(X)
    guess = best_guess(run, "classification", y)
    judgement = judge(run, "classification", guess, run.outputs(X), y, rivals={"itself": chances})
    for name, score in judgement.rivals["itself"].items():
        assert score == pytest.approx(judgement.scores[name], rel=1e-5)
    surely = np.eye(3)[run.targets.labels.encode(y)]
    better = judge(run, "classification", guess, run.outputs(X), y, rivals={"an oracle": surely})
    assert any(warning.startswith("an oracle does better on these rows") for warning in better.warnings)


def test_labels_are_counted_as_scikit_learn_does():
    y = (np.stack([X[:, 0], X[:, 1] + X[:, 2]], axis=1) > 0.3).astype(int)
    run = bl.fit(bl.Linear(2), X, y, loss="multi_label_cross_entropy", **QUICK)
    judgement = judge(run, "multi_label", best_guess(run, "multi_label", y), run.outputs(X), y)
    called = run.predict(X)
    assert [each.recall for each in judgement.labels] == pytest.approx(metrics.recall_score(y, called, average=None))
    assert [each.name for each in judgement.labels] == ["0", "1"]
    assert judgement.baseline["accuracy"] == pytest.approx(1 - y.mean())


def test_intervals_are_an_argument_and_their_coverage_is_counted():
    y = X @ np.array([1.0, 2.0, 0.0, -1.0])
    run = bl.fit(bl.Linear(1), X, y, **QUICK)
    outputs, guess = run.outputs(X), best_guess(run, "regression", y)
    assert run.judgement is None
    assert judge(run, "regression", guess, outputs, y).intervals is None
    intervals = Intervals.learn(run.predict(X), y)
    judgement = judge(run, "regression", guess, outputs, y, intervals=intervals)
    errors = np.abs(run.predict(X) - y)
    half = intervals.half_width(0.9)[0]
    assert judgement.intervals.half_width == (half,)
    assert judgement.intervals.coverage == (pytest.approx((errors <= half).mean()),)
    assert judgement.scores["mae"] == pytest.approx(metrics.mean_absolute_error(y, run.predict(X)))
    assert judgement.baseline["rmse"] == pytest.approx(y.std())


def test_the_worst_are_named_or_shown(classified):
    run, y = classified
    outputs = run.outputs(X)
    wrong = run.predict(X) != y
    named = mistakes(run, outputs, y, names=np.arange(300))
    assert named.named
    assert len(named.rows) == min(10, wrong.sum())
    assert [row.probability for row in named.rows] == sorted(
        run.predict_proba(X).max(axis=1)[wrong].tolist(), reverse=True
    )[:10]
    assert all(y[int(row.name)] == row.truth != row.called for row in named.rows)
    seen = mistakes(run, outputs, y, raw=X, seen_as=(2, 2))
    assert np.shape(seen.rows[0].pixels) == (2, 2)
    assert mistakes(run, outputs, np.stack([y, y], axis=1)) is None


def test_numbers_that_are_farthest_off_come_first():
    run = bl.fit(bl.Linear(1), X, X[:, 0], **QUICK)
    rows = mistakes(run, run.outputs(X), X[:, 0]).rows
    errors = np.abs(run.predict(X) - X[:, 0])
    assert [row.off for row in rows] == sorted(errors.tolist(), reverse=True)[:10]


def test_a_loss_without_probabilities_names_no_mistakes():
    y = np.where(X[:, 0] > 0, "a", "b")
    run = bl.fit(bl.Linear(2), X, y, loss="hinge", **QUICK)
    assert mistakes(run, run.outputs(X), y) is None
    assert "calibration" not in judge(run, "classification", best_guess(run, "classification", y), run.outputs(X), y)
