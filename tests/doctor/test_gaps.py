"""Equal rows, heavy tails and layers that are constant, in trainings: each beside a healthy twin."""

from __future__ import annotations

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.findings import sequences
from backlit.doctor.proof import experiments
from backlit.doctor.repair import networks
from backlit.train.probes.inputs import twins_of
from backlit.train.probes.targets import fences, numbers_of
from backlit.train.recipe import Recipe
from backlit.train.targets import Targets
from backlit.train.training import Training
from tests.doctor.common import evidence, names
from tests.doctor.making import RAGGED

RNG = np.random.default_rng(3)
QUICK = {"engine": "numpy", "progress": False, "seed": 0}


def test_how_often_twins_agree_is_counted_over_all_pairs() -> None:
    x, y = RNG.integers(0, 3, (60, 2)), RNG.integers(0, 3, 60)
    told = twins_of(x, y, "class")
    equal = (x[:, None] == x[None]).all(axis=2) & ~np.eye(60, dtype=bool)
    some = equal.any(axis=1) & x.any(axis=1)  # rows of nothing but zeros tell nothing
    alike = y[:, None] == y[None]
    shares = [alike[row, equal[row]].mean() for row in np.flatnonzero(some)]
    assert told["agree"] == pytest.approx(np.mean(shares))
    among = alike[np.ix_(some, some)]
    assert told["any"] == pytest.approx((among.sum() - some.sum()) / (some.sum() * (some.sum() - 1)))


def test_twins_tell_numbers_as_far_as_they_vary_less_than_all() -> None:
    x = np.repeat(np.arange(1, 201), 4)[:, None]
    level = RNG.normal(size=200)
    y = np.repeat(level, 4) + RNG.normal(size=800)  # half of the variance is told
    assert twins_of(x, y, "number")["agree"] == pytest.approx(0.5, abs=0.08)
    assert twins_of(x, RNG.permutation(y), "number")["agree"] == pytest.approx(0.0, abs=0.08)


def test_tails_are_what_lies_beyond_tukeys_fences() -> None:
    y = np.concatenate([np.linspace(-1, 1, 99), [40.0]])
    low, high = fences(y[:, None])
    assert low[0] < -1 < 1 < high[0] < 40
    inside = y[y < 2] - np.median(y)
    told = numbers_of("number", y[:, None], Targets("number", (1,)))
    share = (40 - np.median(y)) ** 2 / ((40 - np.median(y)) ** 2 + np.square(inside).sum())
    assert told["tails"] == pytest.approx(share)
    assert told["middle"] == pytest.approx(np.subtract(*np.quantile(y, [0.75, 0.25])))
    normal = numbers_of("number", RNG.normal(size=(500, 1)), Targets("number", (1,)))
    assert normal["tails"] < 0.05
    assert "tails" not in numbers_of("number", np.zeros((9, 1)), Targets("number", (1,)))


def diagnosis(net: bl.Layer, x: np.ndarray, y: np.ndarray, **options):
    return bl.fit(net, x, y, **{"epochs": 15, "validation": 0.25, **QUICK, **options}).diagnose()


def test_a_norm_of_one_number_is_named_and_left_out() -> None:
    x = RNG.normal(size=(200, 4)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1), bl.LayerNorm(), bl.Linear(8), bl.ReLU(), bl.Linear(2))
    for found in (bl.check(net, x, y), diagnosis(net, x, y)):
        assert names(found.alarms) == ["unconnected layer"]
        assert "LayerNorm" in found[0].where
        assert "LayerNorm" not in found[0].remedy.partition("  # ")[0]
        assert found[0].remedy.within("ko") != found[0].remedy
    twin = bl.Sequential(bl.Linear(8), bl.LayerNorm(), bl.ReLU(), bl.Linear(2))
    assert not bl.check(twin, x, y).alarms
    around = bl.Sequential(bl.Linear(1), bl.Residual(bl.LayerNorm()), bl.Linear(2))
    assert not bl.check(around, x, y).alarms  # what comes before is seen past it


def test_the_mask_sees_tokens_and_not_what_they_are_embedded_as() -> None:
    words = bl.Sequential(bl.Embedding(9, 4), bl.LSTM(3), bl.Linear(2))
    e = evidence(net=words.build((40,)), loss="cross_entropy", data={"sequences": RAGGED})
    (change,) = networks.masked(Recipe(words, None, None, Training()), e)
    assert change.recipe.architecture == bl.Sequential(bl.Masked(bl.Embedding(9, 4), bl.LSTM(3)), bl.Linear(2))
    masked = change.recipe.architecture
    padded, bare = np.array([[3, 4, 0, 0, 0]]), np.array([[3, 4]])
    assert np.array_equal(masked.build((5,))(padded), masked.build((2,))(bare))
    assert not np.array_equal(words.build((5,))(padded), words.build((2,))(bare))


def test_padding_is_masked_by_its_own_value() -> None:
    lstm = bl.Sequential(bl.LSTM(3), bl.Linear(1))
    e = evidence(net=lstm.build((40, 2)), data={"sequences": RAGGED | {"padding": -9.0}})
    (change,) = networks.masked(Recipe(lstm, None, None, Training()), e)
    assert change.recipe.architecture == bl.Sequential(bl.Masked(bl.LSTM(3), value=-9.0), bl.Linear(1))
    assert networks.masked(change.recipe, e) == []


def test_that_padding_harms_is_tried_though_it_is_but_a_remark() -> None:
    e = evidence(net=bl.Sequential(bl.LSTM(3), bl.Linear(1)).build((40, 2)), data={"sequences": RAGGED})
    (found,) = sequences.padding(e)
    remark = bl.Diagnosis([found.kind.found(found.sign, 0.5, 0.25, severity="remark", **found.values)])
    assert experiments.competing(remark) == [sequences.UNMASKED_PADDING]


def test_heavy_tails_beside_shuffled_ones_and_a_loss_that_stands_them() -> None:
    x = RNG.normal(size=(600, 3)).astype("float32")
    y = x @ np.array([1.0, -0.7, 0.4]) + 0.2 * RNG.standard_cauchy(600).clip(-200, 200)
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1))
    rate = {"optimizer": bl.Adam(0.01)}
    (found,) = diagnosis(net, x, y, epochs=20, **rate).alarms
    assert found.name == "outlying rows"
    assert "loss=bl.Huber(" in found.remedy
    assert names(diagnosis(net, x, RNG.permutation(y), epochs=20, **rate).alarms) == ["unrelated labels"]
    assert not diagnosis(net, x, y, epochs=20, loss=bl.Huber(1.0), **rate).alarms
