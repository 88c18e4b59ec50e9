"""Metrics had part by part: the figure of all rows from sums of parts of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backlit.nn.metrics import METRICS, RMSE, classification, get
from backlit.nn.metrics.base import Metric

RNG = np.random.default_rng(0)
ROWS = 400
WEIGHTS = np.concatenate([RNG.uniform(0.5, 2.0, ROWS - 50), np.zeros(50)])
CLASSES = RNG.integers(0, 4, ROWS)
CASES = {
    "class": (RNG.normal(size=(ROWS, 4)) + np.eye(4)[CLASSES], CLASSES),
    "two classes": (RNG.normal(size=(ROWS, 2)), RNG.integers(0, 2, ROWS)),
    "binary": (RNG.normal(size=(ROWS, 1)), RNG.integers(0, 2, (ROWS, 1)).astype(float)),
    "multi_label": (RNG.normal(size=(ROWS, 3)), RNG.integers(0, 2, (ROWS, 3)).astype(float)),
    "probability": (RNG.normal(size=(ROWS, 3)), RNG.dirichlet(np.ones(3), ROWS)),
    "sequence": (RNG.normal(size=(ROWS, 5, 3)), RNG.integers(-1, 3, (ROWS, 5))),
    "number": (RNG.normal(size=(ROWS, 2)), RNG.normal(size=(ROWS, 2)) + 1e6),
}
KINDS = {"two classes": "class", "sequence": "class"}


def in_parts(metric: Metric, outputs: Any, targets: Any, weights: Any) -> float:
    whole = None
    for rows in np.array_split(np.arange(len(outputs)), [1, 30, 31, 200]):
        sums = metric.sums(metric.read(outputs[rows], targets[rows], weights[rows]))
        whole = sums if whole is None else metric.added(whole, sums)
    assert whole is not None
    return metric.of_sums(whole)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", METRICS)
def test_the_figure_of_parts_is_that_of_all_rows(name: str, case: str) -> None:
    kind = KINDS.get(case, case)
    if kind not in METRICS[name].kinds:
        pytest.skip("not of this kind")
    metric = METRICS[name](kind=kind)
    assert metric.summed
    outputs, targets = CASES[case]
    assert in_parts(metric, outputs, targets, WEIGHTS) == pytest.approx(metric(outputs, targets, WEIGHTS), rel=1e-9)


def test_what_isnt_off_is_exact_to_rounding() -> None:
    assert {name for name, kind in METRICS.items() if kind.rounded} == {"auc"}


def test_the_spread_about_a_far_mean_keeps_its_digits() -> None:
    targets = RNG.normal(size=(ROWS, 1)) + 1e9
    outputs = targets + 0.5 * RNG.normal(size=(ROWS, 1))
    r2 = get("r2")
    from sklearn.metrics import r2_score

    assert in_parts(r2, outputs, targets, np.ones(ROWS)) == pytest.approx(r2_score(targets, outputs), rel=1e-5)


def test_auc_by_places_has_ties_as_half_and_orders_negative_scores() -> None:
    auc = get("auc")
    scores = np.array([[-3.0], [-2.0], [0.0], [-0.0], [1.0], [5.0]])
    targets = np.array([[0.0], [1.0], [1.0], [0.0], [0.0], [1.0]])
    from sklearn.metrics import roc_auc_score

    assert in_parts(auc, scores, targets, np.ones(6)) == roc_auc_score(targets, scores)


@pytest.mark.parametrize("scale", [1e-7, 0.02, 1.0, 50.0])
@pytest.mark.parametrize("share", [0.002, 0.3])
def test_auc_of_many_rows_is_near_however_the_scores_crowd(scale: float, share: float) -> None:
    rng = np.random.default_rng(3)
    targets = (rng.random((300_000, 1)) < share) + 0.0
    outputs = scale * (rng.normal(size=targets.shape) + targets) - 7
    weights = rng.uniform(0.5, 2.0, len(targets))
    auc = get("auc")
    whole: Any = None
    for rows in np.array_split(np.argsort(targets[:, 0] + rng.random(len(targets))), 7):  # almost sorted
        sums = auc.sums(auc.read(outputs[rows], targets[rows], weights[rows]))
        whole = sums if whole is None else auc.added(whole, sums)
    assert auc.of_sums(whole) == pytest.approx(auc(outputs, targets, weights), abs=2e-4)
    assert sum(part.nbytes for part in whole.values()) < 2e6


def test_auc_of_many_classes_takes_fewer_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "PLACES", 1 << 8)
    monkeypatch.setattr(classification, "FEWEST", 1 << 6)
    rng = np.random.default_rng(4)
    targets = rng.integers(0, 8, 5000)
    outputs = rng.normal(size=(5000, 8)) + np.eye(8)[targets] - 30
    auc = METRICS["auc"](kind="class")
    assert in_parts(auc, outputs, targets, np.ones(5000)) == pytest.approx(auc(outputs, targets), abs=2e-3)
    sums = auc.sums(auc.read(outputs, targets, np.ones(5000)))
    assert sums["scores"].shape == (8, 64)


def test_a_metric_of_ones_own_may_be_one_of_sums_or_not() -> None:
    class Largest(Metric):
        name = "largest_here"

        def measure(self, rows: Any) -> float:
            return float(rows.outputs.max())

    assert not Largest().summed
    assert RMSE().summed
    with pytest.raises(NotImplementedError, match="Largest is no metric of sums"):
        Largest().sums(None)
