"""Remedies for updates, weights and values, by construction: what each changes, and that it's never offered twice."""

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.repair import rows, settings, updates
from backlit.nn.losses import Huber
from backlit.train.probes.columns import coded, codes_in, far_away

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
SUM = X.sum(axis=1)
FIT = {"validation": 0.25, "engine": "numpy", "epochs": 4}


def ways(remedy, network=None, x=X, y=Y, **options):
    run = bl.fit(network or bl.Linear(2), x, y, **(FIT | options))
    recipe = run.recipe.with_validation()
    found = remedy(recipe, run)
    for way in found:
        way.recipe.fit(epochs=1)  # each can be trained
        assert not [own for own in remedy(way.recipe, run) if own.words == way.words]  # and isn't offered again
    return found


def test_clipping() -> None:
    milder, none = ways(updates.unclipped, clip=1e-4)
    assert milder.words == "gradients clipped at 0.0001 → 1"
    assert (milder.recipe.training.clip, none.recipe.training.clip) == (1.0, None)
    chained = bl.chain(bl.ClipGlobalNorm(1e-3), bl.Adam(0.01))
    milder, none = ways(updates.unclipped, optimizer=chained)
    assert milder.recipe.training.optimizer == bl.chain(bl.ClipGlobalNorm(1.0), bl.Adam(0.01))
    assert none.recipe.training.optimizer == bl.Adam(0.01)
    assert ways(updates.unclipped, clip=1.0) == []


def test_momentum() -> None:
    same, larger, smaller = ways(updates.milder_momentum, optimizer=bl.SGD(0.01, momentum=0.999, nesterov=True))
    assert same.recipe.training.optimizer == bl.SGD(0.01, momentum=0.9, nesterov=True)
    assert larger.words == "momentum 0.999 → 0.9, learning rate 0.01 → 0.1"
    assert smaller.recipe.training.optimizer.learning_rate == 0.001
    (one,) = ways(updates.milder_momentum, optimizer=bl.Adam(0.01, beta1=0.999))
    assert one.recipe.training.optimizer == bl.Adam(0.01)
    assert ways(updates.milder_momentum, optimizer=bl.SGD(0.1, momentum=0.9)) == []


def test_schedules() -> None:
    steady, slow = ways(updates.unscheduled, optimizer=bl.Adam(0.01), schedule="exponential:0.1")
    assert (steady.recipe.training.schedule, slow.recipe.training.schedule) == (None, "cosine")
    steady, _ = ways(updates.unscheduled, optimizer=bl.SGD(bl.optim.Exponential(0.3, 0.5)))
    assert steady.words == "learning rate 0.3 throughout, without a schedule"
    assert steady.recipe.training.optimizer == bl.SGD(0.3)
    assert ways(updates.unscheduled) == []


def test_a_rate_that_settles() -> None:
    cosine, third, tenth = ways(updates.settled, optimizer=bl.chain(bl.ClipGlobalNorm(1.0), bl.SGD(0.5, momentum=0.9)))
    assert cosine.recipe.training.schedule == "cosine"
    assert third.recipe.training.optimizer == bl.chain(bl.ClipGlobalNorm(1.0), bl.SGD(0.15, momentum=0.9))
    assert tenth.words == "learning rate 0.5 → 0.05"
    assert ways(updates.settled, schedule="cosine") == []


def test_delta() -> None:
    wider, scaled = ways(updates.wider_delta, bl.Linear(1), y=100 * SUM, loss=Huber(0.01))
    assert wider.recipe.training.loss.delta == pytest.approx(1.345 * 100 * SUM.std(), rel=1e-2)
    assert scaled.recipe.training.standardize_targets
    assert ways(updates.wider_delta, bl.Linear(1), y=SUM) == []


def test_weights() -> None:
    rare, balanced = ways(updates.weighed_alike, class_weight={0: 1.0, 1: 99.0})
    assert rare.recipe.training.class_weight is None
    assert balanced.recipe.training.class_weight == "balanced"
    (alike,) = ways(updates.weighed_alike, sample_weight=np.arange(120.0))
    assert alike.recipe.training.sample_weight is None
    assert ways(updates.weighed_alike) == []


def test_order_of_rows() -> None:
    (one,) = ways(updates.shuffled, shuffle=False)
    assert one.recipe.training.shuffle
    assert ways(updates.shuffled) == []


def test_all_that_hinders_updates_at_once() -> None:
    (one,) = ways(updates.unhindered, clip=1e-4, schedule="exponential:0.1", optimizer=bl.SGD(0.1, momentum=0.999))
    assert one.words.count(";") == 2
    assert ways(updates.unhindered) == []


def test_codes_for_missing_values() -> None:
    coded = X.copy()
    coded[::9, 1] = -999
    (one,) = ways(rows.filled, x=coded)
    assert one.words == "-999 taken for missing, and filled by each column's median (FillGaps)"
    known = np.delete(coded, one.recipe.training.validation.rows[0], axis=0)[:, 1]
    assert one.recipe.training.preparation.fills[1] == pytest.approx(np.median(known[known > -999]))
    (scaled,) = ways(rows.filled, x=coded, preparation=bl.data.Standardize().fit(coded))
    assert isinstance(scaled.recipe.architecture.layers[0], bl.Rescale)
    assert scaled.recipe.architecture.layers[0].scale[1] < 2  # not that of the codes
    assert ways(rows.filled) == []
    assert codes_in(np.repeat([[0.0], [1.0]], 40, axis=0)) == []  # two values are no code and the rest


@pytest.mark.parametrize("code", [-99.5, -7.0, 1e6])
def test_the_repair_finds_the_codes_and_far_rows_that_the_rule_does(code: float) -> None:
    x = 0.1 * X
    x[::40, 1] = code
    assert coded(x)["code"] == code
    assert ways(rows.filled, x=x)[0].words.startswith(f"{code:g} taken for missing")
    wild = X.copy()
    wild[[3, 8], 2] = 120.0 * np.subtract(*np.quantile(X[:, 2], [0.95, 0.05])) + np.median(X[:, 2]) + 1
    assert far_away(wild)["rows"] == 2
    assert ways(rows.without_outlying, x=wild)


def test_padding_is_no_code() -> None:
    steps = RNG.normal(size=(120, 5, 1)).astype("float32")
    steps[::2, 3:] = -50.0
    net = bl.Sequential(bl.Masked(bl.RNN(3), value=-50.0), bl.Linear(1))
    run = bl.fit(net, steps, SUM, **FIT)
    assert rows.filled(run.recipe.with_validation(), run) == []
    assert run.start["data"]["coded"] == {}
    assert coded(steps)["code"] == -50.0


def test_outlying_rows() -> None:
    wild = X.copy()
    wild[[3, 8]] *= 1e5
    scaled, left_out = ways(rows.without_outlying, x=wild)
    learned = np.setdiff1d([3, 8], left_out.recipe.training.validation.rows[0])
    assert left_out.words == f"{len(learned)} outlying rows left out of training"
    assert (np.flatnonzero(left_out.recipe.training.sample_weight == 0) == [3, 8]).all()
    assert max(scaled.recipe.architecture.layers[0].scale) < 2
    numbers = SUM.copy()
    numbers[[8, 30]] = 1e6
    assert ways(rows.without_outlying, bl.Linear(1), y=numbers)
    assert ways(rows.without_outlying) == []


def test_tiny_targets() -> None:
    (one,) = ways(settings.scaled_targets, bl.Linear(1), y=SUM * 1e-4)
    assert one.recipe.training.standardize_targets


def test_penalties_are_read_from_what_a_folder_tells() -> None:
    from backlit.nn.penalties import penalty_of

    for penalty in (bl.L2(1e-5), bl.L1(0.1, only="0/*") + bl.L2(0.5, biases=True), bl.Elastic(0.1, 0.2)):
        assert penalty_of(repr(penalty)) == penalty
    for text in ("os.system('x')", "L2(-1)", "Penalty()", "L2(", "open('x')", "L2(x)", "L2(0.1) * 3", "globals()"):
        assert penalty_of(text) is None
