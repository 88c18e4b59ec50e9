"""What data tells by itself, in trainings: splits that don't fit, columns, rows and their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import roc_auc_score

import backlit as bl
from backlit.doctor import held
from backlit.doctor.held import told_apart
from backlit.train.probes.columns import batches_of, coded, far_away, leaking, naming, order_of, tokens_of
from backlit.train.probes.inputs import twins_of
from backlit.train.probes.padding import real_steps
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
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    rows = X[:300][order], Y[:300][order]
    assert [found.name for found in bl.check(net, *rows, shuffle=False).alarms] == ["sorted rows"]
    assert not bl.check(net, *rows)
    sick = bl.fit(net, *rows, epochs=2, shuffle=False, optimizer=bl.SGD(2.0), engine="numpy", validation=0.2)
    assert "sorted rows" in [found.name for found in sick.diagnose()]


def test_order_is_judged_by_what_a_batch_holds() -> None:
    def alike(y: np.ndarray, kind: str, size: int) -> float:
        return order_of(y[batches_of(len(y), size)], kind)["alike"]

    for y, kind in ((Y, "class"), (X[:, 0], "number")):
        assert alike(np.sort(y), kind, 32) > 0.9 > 0.2 > abs(alike(y, kind, 32))
    season = np.sin(np.arange(4096) / 8)  # neighbours are alike, but a batch holds a whole period
    assert np.corrcoef(season[1:], season[:-1])[0, 1] > 0.99
    assert alike(season, "number", 64) < 0.1 < 0.9 < alike(season, "number", 4)
    assert batches_of(10**8, 32).size <= 4096
    # the part of the variance that is between batches, as an analysis of variance has it
    y = np.repeat([0.0, 1.0, 5.0], 20) + X[:60, 0]
    groups = y.reshape(6, 10)
    assert alike(y, "number", 10) == pytest.approx(1 - groups.var(axis=1, ddof=1).mean() / y.var(ddof=1))


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


def test_honest_columns_of_classes_far_apart_are_no_leak() -> None:
    table = load_iris()
    x, y = table.data[table.target != 1], (table.target[table.target != 1] > 0).astype(int)
    assert leaking(x, y, "class") == {}  # petal lengths: 1.5 ± 0.17 and 5.6 ± 0.55
    for seed in range(50):
        rows = np.random.default_rng(seed).permutation(100)[:80]
        assert leaking(x[rows], y[rows], "class") == {}
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(200, 4))
    labels = np.arange(200) % 3
    assert leaking(np.column_stack([honest, labels + 0.11 * rng.normal(size=200)]), labels, "class")["column"] == 4


def test_a_column_that_tells_the_common_class_alone_is_no_leak() -> None:
    y = (np.arange(400) < 8).astype(int)
    flag = np.where(y == 1, np.arange(400) % 2, 0)  # 99 % agree, but of the rare class half
    assert leaking(np.column_stack([X[:400], flag]), y, "class") == {}
    assert leaking(np.column_stack([X[:400], np.where(np.arange(400) == 300, 1, y)]), y, "class") == {}  # of 9, one
    assert leaking(np.column_stack([X[:400], y]), y, "class")["column"] == 4
    wide = np.where(y == 1, 20 + 10 * X[:400, 0], 0)  # the common class is always 0, the rare one spread out
    assert leaking(np.column_stack([X[:400], wide]), y, "class") == {}


def test_a_column_that_is_nearly_the_target_is_one_in_spite_of_a_few_rows() -> None:
    days = 90 * Y + 3 * RNG.normal(size=len(Y))
    wrong = np.flatnonzero(Y == 1)[:3]
    days[wrong] -= 90
    assert leaking(np.column_stack([X, days]), Y, "class")["column"] == 4
    days[np.flatnonzero(Y == 1)[3:30]] -= 90  # one in seven: that is no column of the target
    assert leaking(np.column_stack([X, days]), Y, "class") == {}


def test_a_token_that_names_the_class() -> None:
    tokens = RNG.integers(0, 30, (600, 5))
    assert naming(tokens, tokens[:, 2] + 7, "class") == {"column": 2, "agreement": 1.0}
    assert naming(tokens, RNG.permutation(tokens[:, 2]), "class") == {}
    assert naming(tokens, (tokens[:, 2] > 15).astype(int), "class") == {}  # many tokens to a class


def test_rows_that_repeat_by_nature_and_copies() -> None:
    words = RNG.integers(0, 6, (400, 3))  # of 216 that can be
    labels = RNG.integers(0, 2, 400)
    assert twins_of(words, labels, "class")["natural"]
    once = RNG.integers(0, 6, (200, 9))
    assert not twins_of(np.concatenate([once, once]), labels, "class")["natural"]  # each twice
    thrice = np.concatenate([X[:100]] * 3)
    assert not twins_of(thrice, labels[:300], "class")["natural"]  # numbers of which none comes again by itself


def test_blank_rows_are_no_twins() -> None:
    blank = np.zeros((40, 3))
    assert twins_of(blank, np.arange(40) % 2, "class")["contrary"] == 0
    assert twins_of(blank, np.arange(40) % 2, "class", blank=True)["contrary"] == 1


def test_steps_behind_a_mask_are_no_codes_and_rows_are_examples() -> None:
    x = np.abs(RNG.normal(size=(40, 10, 2)))
    x[:, 6:] = -999
    x[3, 0, 1] = x[3, 1, 1] = 1e6
    assert coded(x)["code"] == -999
    real = real_steps(x, bl.Masked(bl.LSTM(3), value=-999.0))
    assert coded(x, real) == {}
    assert (far_away(x, real)["rows"], far_away(x, real)["share"]) == (1, 1 / 40)
    net = bl.Sequential(bl.Masked(bl.LSTM(3), value=-999.0), bl.Linear(1))
    x[3, :2, 1] = 1
    told = [found.name for found in bl.check(net, x.astype("float32"), x[:, 0, :1].astype("float32"))]
    assert "codes for missing values" not in told
    assert "unscaled inputs" not in told


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


def test_rare_rows_of_a_part_that_is_stored_by_class_are_drawn_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST_ROWS", 100)
    x = np.random.default_rng(0).normal(size=(400, 3)).astype("float32")
    y = np.sort(x[:, 0] > 1.2).astype(int)
    net = bl.Sequential(bl.Linear(2))
    run = bl.fit(net, x, y, epochs=1, engine="numpy", validation=(x, y), progress=False)
    told = held.held_out(run).rare
    assert 2 <= told["rows"] <= 25
    monkeypatch.setattr(held, "told_apart", None)  # isn't worked out again
    assert held.held_out(run).rare == told
