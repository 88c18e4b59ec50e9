"""Ensembles: members as if trained alone, averaged as promised, and all that holds for single runs."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit, logit, softmax

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.train.ensemble import Folds, member_seeds, members

NET = bl.Sequential(bl.Linear(6), bl.Tanh(), bl.Dropout(0.2), bl.Linear(3))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4)).astype("float32").astype("float64")  # as runs take it, whatever their type
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)


def options(**more):
    return {"epochs": 4, "batch_size": 16, "seed": 3, "dtype": "float64", "progress": False, **more}


def leaves(network):
    return dict(tree.items(network.params))


@pytest.mark.parametrize("engine", [pytest.param("xla", marks=pytest.mark.slow), "numpy"])
@pytest.mark.parametrize("validation", [None, 0.2])
def test_each_member_is_the_network_that_its_seed_gives_alone(data, engine, validation):
    x, y = data
    together = bl.fit(NET, x, y, ensemble=3, engine=engine, validation=validation, **options())
    assert validation is None or "val_loss" in together.history[-1]
    for member, seed in zip(members(together.network), member_seeds(3, 3), strict=True):
        held = None
        rest, own = x, y
        if validation is not None:  # the run's seed draws the validation rows of all members
            kept, back = bl.data.split(len(y), (0.8, 0.2), seed=3, stratify=y)
            rest, own, held = x[kept], y[kept], (x[back], y[back])
        alone = bl.fit(NET, rest, own, engine=engine, validation=held, **options(seed=seed))
        for path, value in leaves(alone.network).items():
            np.testing.assert_allclose(leaves(member)[path], value, rtol=1e-9, atol=1e-12, err_msg=path)


def test_an_ensemble_of_one_is_a_plain_run(data):
    one, plain = (bl.fit(NET, *data, **options(**more)) for more in ({"ensemble": 1}, {}))
    assert one.network.architecture == NET
    np.testing.assert_array_equal(one.predict_proba(data[0]), plain.predict_proba(data[0]))


def test_probabilities_are_averaged(data):
    x, y = data
    run = bl.fit(NET, x, y, ensemble=4, **options())
    alone = [softmax(member(x), axis=1) for member in members(run.network)]
    np.testing.assert_allclose(run.predict_proba(x), np.mean(alone, axis=0), rtol=1e-12)


def test_probabilities_of_two_classes_and_of_labels_are_averaged(data):
    x, y = data
    net = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1))
    run = bl.fit(net, x, y > 0, loss="binary_cross_entropy", ensemble=3, **options())
    alone = [expit(member(x)) for member in members(run.network)]
    np.testing.assert_allclose(run.outputs(x), logit(np.mean(alone, axis=0)), rtol=1e-9)
    np.testing.assert_allclose(run.predict_proba(x)[:, 1:], np.mean(alone, axis=0), rtol=1e-12)


def test_far_logits_stay_finite():
    ways = {"mean_softmax": (1, 2), "mean_sigmoid": (1, 1)}
    for way, shape in ways.items():
        net = bl.Parallel(
            *[bl.Linear(shape[1], bias=False, weight_init="constant:1") for _ in range(2)], combine=way
        ).build((1,))
        params = {"0": {"weight": np.full(shape[::-1], 1e4)}, "1": {"weight": np.full(shape[::-1], -1e4)}}
        outputs = net.replace(params=params)(np.array([[1.0], [-1.0]]))
        assert np.isfinite(outputs).all()
        np.testing.assert_allclose(outputs, np.log(0.5) if way == "mean_softmax" else 0, atol=1e-9)


def test_numbers_are_averaged_in_their_own_unit(data):
    x, _ = data
    y = 100 + 10 * x[:, 0]
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(1))
    run = bl.fit(net, x, y, ensemble=3, standardize_targets=True, **options(epochs=60))
    alone = [member(x)[:, 0] for member in members(run.network)]
    shift, scale = run.targets.shift[0], run.targets.scale[0]
    np.testing.assert_allclose(run.predict(x), np.mean(alone, axis=0) * scale + shift)
    assert run.evaluate(x, y)["r2"] > 0.8


@pytest.mark.slow
def test_folds_hold_back_every_row_once(data):
    x, y = data
    folds = Folds.draw(90, 4, seed=1, stratify=y)
    held = np.concatenate(folds.rows)
    assert len(set(held.tolist())) == len(held) == 88
    run = bl.fit(NET, x, y, ensemble=4, validation=folds, **options())
    for member, rows, seed in zip(members(run.network), folds.rows, member_seeds(3, 4), strict=True):
        kept = np.setdiff1d(np.arange(90), rows)
        # Its own seed draws the start; classes must all occur, as they do here.
        alone = bl.fit(NET, x[kept], y[kept], validation=(x[rows], y[rows]), **options(seed=seed))
        for path, value in leaves(alone.network).items():
            np.testing.assert_allclose(leaves(member)[path], value, rtol=1e-9, atol=1e-12, err_msg=path)


@pytest.mark.parametrize("engine", [pytest.param("xla", marks=pytest.mark.slow), "numpy"])
def test_chunks_change_nothing_and_the_best_epoch_is_kept(data, engine):
    x, y = data
    runs = [
        bl.fit(NET, x, y, ensemble=2, validation=0.3, early_stopping=3, engine=engine, chunk=chunk,
               optimizer=bl.Adam(0.1), **options(epochs=30))
        for chunk in (1, 7, None)
    ]  # fmt: skip
    for run in runs[1:]:
        assert [r["val_loss"] for r in run.history] == [r["val_loss"] for r in runs[0].history]
        np.testing.assert_array_equal(run.predict_proba(x), runs[0].predict_proba(x))
    best = min(range(len(runs[0].history)), key=lambda i: runs[0].history[i]["val_loss"])
    assert runs[0].best_epoch == best + 1


def test_the_history_has_the_members_means(data):
    x, y = data
    run = bl.fit(NET, x, y, ensemble=3, **options())
    alone = [bl.fit(NET, x, y, **options(seed=seed)) for seed in member_seeds(3, 3)]
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(run.history[name], np.mean([r.history[name] for r in alone], axis=0), rtol=1e-9)


def test_batch_statistics_belong_to_each_member(data, tmp_path):
    x, y = data
    net = bl.Sequential(bl.Linear(5), bl.BatchNorm(), bl.ReLU(), bl.Linear(3))
    run = bl.fit(net, x, y, ensemble=2, **options())
    assert set(run.network.state) == {"0/1/mean", "0/1/variance", "1/1/mean", "1/1/variance"}
    again = bl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.predict_proba(x), run.predict_proba(x))
    assert again.network.architecture == run.network.architecture


@pytest.mark.slow
def test_resume_is_as_if_there_had_been_no_stop(data, tmp_path):
    straight = bl.fit(NET, *data, ensemble=2, **options(epochs=6))
    bl.fit(NET, *data, ensemble=2, checkpoint=tmp_path / "run", **options(epochs=3))
    resumed = bl.fit(NET, *data, ensemble=2, checkpoint=tmp_path / "run", resume=True, **options(epochs=6))
    np.testing.assert_array_equal(resumed.predict_proba(data[0]), straight.predict_proba(data[0]))
    with pytest.raises(InputError, match="ensemble: then 2, now 3"):
        bl.fit(NET, *data, ensemble=3, checkpoint=tmp_path / "run", resume=True, **options())


def test_a_member_that_diverges_is_named(data):
    net = bl.Sequential(bl.Linear(6), bl.ReLU(), bl.Linear(3))
    run = bl.fit(net, *data, ensemble=2, optimizer=bl.SGD(1e200), **options(epochs=5))
    assert run.stopped == "diverged"
    assert run.diverged.member in (1, 2)
    assert np.isfinite(run.network(data[0])).all()


@pytest.mark.parametrize("engine", ["xla", "numpy"])
def test_reduce_on_plateau_hands_all_members_one_rate(data, engine):
    x, y = data
    # No epoch improves by tenfold, so each after the first lowers the rate to 0, and nothing moves any more.
    stuck = bl.SGD(bl.ReduceOnPlateau(0.5, factor=1e-6, patience=0, threshold=0.9))
    run = bl.fit(NET, x, y, ensemble=2, engine=engine, optimizer=stuck, **options(epochs=6))
    early = bl.fit(NET, x, y, ensemble=2, engine=engine, optimizer=stuck, **options(epochs=3))
    assert run.stopped == "epochs done"
    start = [NET.build((4,), seed=seed, dtype="float64") for seed in member_seeds(3, 2)]
    for late, then, first in zip(members(run.network), members(early.network), start, strict=True):
        for path, value in leaves(late).items():
            np.testing.assert_allclose(value, leaves(then)[path], atol=1e-5, err_msg=path)
        assert not np.allclose(leaves(late)["0/weight"], leaves(first)["0/weight"], atol=1e-2)


@pytest.mark.parametrize("engine", [pytest.param("xla", marks=pytest.mark.slow), "numpy"])
@pytest.mark.parametrize(
    "extra",
    [{"batch_size": None}, {"accumulate": 2}, {"shuffle": False}, {"reduction": "sum", "penalty": bl.L2(1e-2)}],
    ids=["full batch", "accumulate", "in order", "sum and penalty"],
)
def test_every_way_of_making_batches_serves_members_as_it_serves_one(data, engine, extra):
    together = bl.fit(NET, *data, ensemble=2, engine=engine, **options(**extra))
    for member, seed in zip(members(together.network), member_seeds(3, 2), strict=True):
        alone = bl.fit(NET, *data, engine=engine, **options(seed=seed, **extra))
        for path, value in leaves(alone.network).items():
            np.testing.assert_allclose(leaves(member)[path], value, rtol=1e-9, atol=1e-12, err_msg=path)


def test_both_engines_take_the_same_path(data):
    compiled, plain = (bl.fit(NET, *data, ensemble=2, engine=engine, **options()) for engine in ("xla", "numpy"))
    np.testing.assert_allclose(compiled.outputs(data[0]), plain.outputs(data[0]), rtol=1e-9)


def test_callbacks_see_the_ensemble_and_ctrl_c_keeps_it(data):
    seen = []

    def watch(end):
        seen.append(np.asarray(end.network(data[0])))
        if end.epoch == 3:
            raise KeyboardInterrupt

    run = bl.fit(NET, *data, ensemble=2, callbacks=watch, **options(epochs=9))
    assert (run.stopped, len(run.history)) == ("interrupted", 2)
    np.testing.assert_array_equal(run.outputs(data[0]), seen[1])


def test_mistakes(data):
    x, y = data
    with pytest.raises(InputError, match="ensemble must be a whole number of at least 1, got 0"):
        bl.fit(NET, x, y, ensemble=0, **options())
    with pytest.raises(InputError, match="3 folds for an ensemble of 2"):
        bl.fit(NET, x, y, ensemble=2, validation=Folds.draw(90, 3), **options())
    with pytest.raises(InputError, match="hold back equally many rows"):
        bl.fit(NET, x, y, ensemble=2, validation=Folds((np.arange(3), np.arange(4))), **options())
    with pytest.raises(InputError, match="expected an ensemble"):
        members(bl.Linear(2).build((3,)))


# Time limits


class Clock:
    """Seconds that pass whenever somebody looks."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def test_a_time_limit_ends_training_and_keeps_the_best(data, monkeypatch):
    clock = Clock(1.0)
    ticking = SimpleNamespace(monotonic=clock, perf_counter=time.perf_counter)
    monkeypatch.setattr("backlit.train.fit.time", ticking)  # not `time` itself: other threads look at that, too
    monkeypatch.setattr("backlit.train.loop.time", ticking)
    run = bl.fit(NET, *data, validation=0.2, early_stopping=50, time_limit=5.5, chunk=1, **options(epochs=1000))
    assert run.stopped == "time limit"
    assert 2 <= len(run.history) <= 6
    assert run.best_epoch == 1 + int(np.argmin(run.history["val_loss"]))


def test_at_least_one_epoch_is_done(data):
    run = bl.fit(NET, *data, time_limit=1e-9, **options(epochs=1000))
    assert (run.stopped, len(run.history)) == ("time limit", 1)
    done = bl.fit(NET, *data, time_limit=1e-9, **options(epochs=1))
    assert done.stopped == "epochs done"


def test_slow_metrics_count_too(data, monkeypatch):
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], perf_counter=lambda: now[0])
    monkeypatch.setattr("backlit.train.fit.time", clock)
    monkeypatch.setattr("backlit.train.loop.time", clock)

    def slow(outputs, targets, weights):
        now[0] += 1.0  # all the time goes into this: the program itself takes none
        return 0.0

    run = bl.fit(NET, *data, metrics=[slow], time_limit=5, **options(epochs=500))
    assert (run.stopped, len(run.history)) == ("time limit", 5)


def test_a_run_goes_on_after_its_time_limit(data, tmp_path):
    straight = bl.fit(NET, *data, ensemble=2, **options(epochs=6))
    where = {"ensemble": 2, "checkpoint": tmp_path / "run", **options(epochs=6)}
    assert bl.fit(NET, *data, time_limit=1e-9, **where).stopped == "time limit"
    resumed = bl.fit(NET, *data, resume=True, time_limit=1e6, **where)
    assert (resumed.stopped, len(resumed.history)) == ("epochs done", 6)
    np.testing.assert_array_equal(resumed.outputs(data[0]), straight.outputs(data[0]))


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "5m", True])
def test_limits_that_are_none(data, limit):
    with pytest.raises(InputError, match="time_limit must be a number of seconds above 0"):
        bl.fit(NET, *data, time_limit=limit, **options())
