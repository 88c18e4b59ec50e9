"""What data tells by itself, in trainings: splits that don't fit, columns, rows and their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import backlit as bl
from backlit.doctor.rare import told_apart
from backlit.train.probes.columns import coded, far_away, leaking, order_of, tokens_of
from backlit.train.probes.parts import parts_of

RNG = np.random.default_rng(5)
X = RNG.normal(size=(420, 4)).astype("float32")
Y = (X[:, 0] * 2 + X[:, 1] > 0).astype(int)
HELD = slice(300, 420)


def alarms(x: np.ndarray, y: np.ndarray, held: tuple, *layers: bl.Layer, **options) -> list[str]:
    net = bl.Sequential(*(layers or (bl.Linear(8), bl.Tanh(), bl.Linear(2))))
    options = {"epochs": 10, "optimizer": bl.Adam(0.02), "engine": "numpy", "validation": held} | options
    return [found.name for found in bl.fit(net, x, y, **options).diagnose().alarms]


def test_held_out_rows_that_fit_raise_nothing() -> None:
    assert alarms(X[:300], Y[:300], (X[HELD], Y[HELD])) == []


def test_held_out_rows_from_elsewhere() -> None:
    assert alarms(X[:300], Y[:300], (X[HELD] + 3, Y[HELD])) == ["shifted split"]


@pytest.mark.parametrize("how", ["shuffled", "moved", "inverted"])
def test_labels_that_are_wrong_in_one_part(how: str) -> None:
    held = {"shuffled": RNG.permutation(Y[HELD]), "moved": np.roll(Y[HELD], 1), "inverted": 1 - Y[HELD]}[how]
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    told = {"epochs": 10, "optimizer": bl.Adam(0.02), "engine": "numpy", "validation": (X[HELD], held)}
    (found,) = bl.fit(net, X[:300], Y[:300], **told).diagnose().alarms
    assert found.name == "labels wrong in one part"
    words = {"shuffled": "within training rows", "moved": "moved by one row", "inverted": "renamed or rescaled"}[how]
    assert words in found.where


def test_rows_in_the_order_of_their_target() -> None:
    order = np.argsort(Y[:300], kind="stable")
    sick = alarms(X[:300][order], Y[:300][order], (X[HELD], Y[HELD]), shuffle=False, optimizer=bl.SGD(0.5), epochs=3)
    assert sick in ([], ["sorted rows"])  # a remark where it learned all the same
    assert order_of(Y[order], "class")["alike"] > 0.9 > 0.2 > abs(order_of(Y, "class")["alike"])
    assert order_of(np.sort(X[:, 0]), "number")["alike"] > 0.9 > 0.2 > abs(order_of(X[:, 0], "number")["alike"])


def test_outputs_that_depend_on_the_batch() -> None:
    @dataclass(frozen=True)
    class AcrossRows(bl.Layer):
        def __call__(self, params, x, ctx=None):
            return bl.ops.softmax(x, axis=0)

    layers = bl.Linear(8), AcrossRows(), bl.Linear(2)
    assert alarms(X[:300], Y[:300], (X[HELD], Y[HELD]), *layers)[0] == "batch-dependent outputs"
    norm = bl.Linear(8), bl.BatchNorm(), bl.ReLU(), bl.Linear(2)
    assert alarms(X[:300], Y[:300], (X[HELD], Y[HELD]), *norm) == []


def test_a_column_that_is_the_target() -> None:
    with_target = np.column_stack([X, Y * 3 - 1])
    assert leaking(with_target, Y, "class")["column"] == 4
    assert leaking(np.column_stack([X, -2 * X[:, 1] + 5]), X[:, 1], "number")["column"] in (1, 4)
    assert leaking(X, Y, "class") == {}  # one column tells most of it, but not in two groups
    lag = X[:300].reshape(300, 4, 1)
    assert leaking(lag, lag[:, -1, 0], "number")["column"] == 3


def test_numbers_that_stand_for_no_value() -> None:
    x = np.abs(X).astype(float)
    x[::9, 2] = -999
    told = coded(x)
    assert (told["code"], told["column"], round(told["share"], 2)) == (-999.0, 2, 0.11)
    assert coded(np.abs(X)) == {} == coded(np.where(RNG.random(X.shape) < 0.5, 0.0, 1000 + X))  # zeros are counts


def test_rows_far_from_all_others() -> None:
    x = X.astype(float)
    x[7, 3] = 1e5
    assert (far_away(x)["rows"], far_away(x)["column"]) == (1, 3)
    assert far_away(X) == {} == far_away(np.exp(X))


def test_tokens() -> None:
    assert tokens_of(np.array([[1, 1, 0], [1, 1, 0]])) == {"distinct": 1.0, "most": 1.0, "commonest": 1.0}
    assert tokens_of(np.zeros((2, 2), int))["distinct"] == 1


def test_parts_that_are_alike_arent_told_apart() -> None:
    aucs = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x, held = rng.normal(size=(200, 20)), rng.normal(size=(80, 20))
        aucs.append(parts_of(x, x[:, 0], held, held[:, 0], "number")["apart"])
    assert abs(np.mean(aucs) - 0.5) < 0.03
    assert max(aucs) < 0.65


def test_the_area_under_the_curve_is_scikit_learns() -> None:
    labels, score = RNG.integers(0, 2, 80), RNG.normal(size=(80, 1)).round(1)
    assert told_apart(score, labels, 0)["auc"] == pytest.approx(roc_auc_score(labels, score[:, 0]), abs=1e-12)


def test_a_rare_class_that_is_found_raises_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(800, 3)).astype("float32")
    y = (x[:, 0] > 1.5).astype(int)
    options = {"epochs": 25, "optimizer": bl.Adam(0.02), "class_weight": "balanced", "validation": 0.3}
    run = bl.fit(bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(2)), x, y, engine="numpy", seed=0, **options)
    assert run.diagnose().alarms == ()
