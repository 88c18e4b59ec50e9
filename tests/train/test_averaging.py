"""Devices that train alone and take their mean every K updates, held to the algorithm in NumPy."""

import json
import os
import subprocess
import sys
import tempfile
from functools import partial

import numpy as np
import pytest

import backlit as bl
from backlit.engine.numpy import NumpyEngine
from backlit.graph import tree
from backlit.train.averaging import epoch_apart
from backlit.train.batches import Batches
from tests.train.several import net, rows

COUNT, SIZE, ROWS, EPOCHS = 4, 16, 90, 3  # 6 updates an epoch, the last of 10 rows
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(ROWS, 5)), RNG.integers(0, 3, ROWS)
WEIGHTS = RNG.random(ROWS)


def reference(weight, bias, every, momentum, sample_weight=None):
    """Local SGD of softmax regression as the papers have it: W copies, K updates each, their mean."""
    batches = Batches(np.arange(ROWS), SIZE, weights=sample_weight, seed=1)
    theta, speed = np.concatenate([weight, bias[:, None]], axis=1), np.zeros((3, 6))
    inputs, targets = np.concatenate([X, np.ones((ROWS, 1))], axis=1), np.eye(3)[Y]
    for epoch in range(EPOCHS):
        drawn = batches.epoch(epoch)
        updates = [*zip(drawn["rows"][:, 0].astype(int), drawn["weights"][:, 0].astype(float), strict=True)]
        for first in range(0, len(updates), every):
            copies, speeds = [], []
            for worker in range(COUNT):
                own, own_speed = theta.copy(), speed.copy()
                for taken, weights in updates[first : first + every]:
                    mine = slice(worker * SIZE // COUNT, (worker + 1) * SIZE // COUNT)
                    a, t, w = inputs[taken[mine]], targets[taken[mine]], weights[mine]
                    scores = np.exp(a @ own.T)
                    gradient = ((scores / scores.sum(axis=1, keepdims=True) - t) * w[:, None]).T @ a
                    own_speed = momentum * own_speed + gradient * COUNT / weights.sum()
                    own = own - 0.1 * own_speed
                copies.append(own)
                speeds.append(own_speed)
            theta, speed = np.mean(copies, axis=0), np.mean(speeds, axis=0)
    return theta[:, :-1], theta[:, -1]


def _fit(layer=None, x=X, y=Y, **options):
    chosen = {"epochs": EPOCHS, "batch_size": SIZE, "optimizer": bl.SGD(0.1), "seed": 1, "devices": COUNT} | options
    return bl.fit(layer or bl.Linear(3), x, y, dtype="float64", probes=None, **chosen)


def _numbers(run):
    leaves = tree.leaves([run.network.params, run.network.state])
    told = [[value for name, value in line.items() if name not in ("epoch", "seconds")] for line in run.history]
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in (*leaves, *told)])


def _apart(one, other):
    a, b = _numbers(one), _numbers(other)
    return float(np.abs(a - b).max() / np.abs(a).max())


def _against_numpy():
    start = bl.Linear(3).build((5,), seed=1, dtype="float64").params
    for every in (1, 2, 4, 100):
        for momentum, weights in ((0.0, None), (0.9, WEIGHTS)):
            run = _fit(optimizer=bl.SGD(0.1, momentum=momentum), average_every=every, sample_weight=weights)
            weight, bias = reference(start["weight"], start["bias"], every, momentum, weights)
            found = max(
                np.abs(run.network.params["weight"] - weight).max(), np.abs(run.network.params["bias"] - bias).max()
            )
            yield f"every {every}, momentum {momentum:g}", float(found)


def _synchronous():
    """With a mean after every update, plain SGD is the synchronous kind, whatever else there is."""
    for name, options in {
        "validation": {"validation": 0.2},
        "accumulated, a sum, a penalty": {"accumulate": 2, "reduction": "sum", "penalty": bl.L2(0.01)},
        "all rows at once": {"batch_size": None},
    }.items():
        options |= {"optimizer": bl.SGD(0.001)} if "reduction" in options else {}
        yield name, _apart(_fit(**options), _fit(**options, average_every=1))
    x, y = rows(90)
    heads = {"sample_weight": {"price": WEIGHTS}, "loss_weights": {"price": 0.3}, "clip": None}
    yield "several", _apart(_fit(net(), x, y, **heads), _fit(net(), x, y, **heads, average_every=1))


def _bits():
    """However it is run, the same bits; what no device changes, too."""
    layers = bl.Sequential(bl.Linear(8), bl.BatchNorm(), bl.ReLU(), bl.Dropout(0.3), bl.Linear(3))
    options = {"average_every": 4, "optimizer": bl.Adam(0.01), "epochs": 4}
    whole = _fit(layers, **options)
    yield "chunks", _apart(whole, _fit(layers, chunk=1, **options))
    with tempfile.TemporaryDirectory() as folder:
        kept = {"checkpoint": f"{folder}/run"}
        _fit(layers, **{**options, "epochs": 2}, **kept)
        yield "resumed", _apart(whole, _fit(layers, resume=True, **options, **kept))
    best = _fit(layers, early_stopping=bl.EarlyStopping(1, min_delta=9.0), **options)
    yield (
        "best epoch",
        float(not tree.same_numbers(best.network.params, _fit(layers, **options | {"epochs": 1}).network.params)),
    )
    start = layers.build((5,), seed=1, dtype="float64").params
    frozen = _fit(layers, devices=3, batch_size=15, freeze="0", **options)
    yield "frozen", float(not tree.same_numbers(frozen.network.params["0"], start["0"]))
    yield "running statistics", float(np.isfinite(tree.leaves(whole.network.state)).all()) - 1.0


def _sent():
    """All-reduces in an epoch of 64 updates, and in the loop of what a device does alone."""
    from benchmarks.scaling.averaging import collectives_of

    x, y = np.ones((64 * SIZE, 5)), np.zeros(64 * SIZE, int)
    for every in (None, 1, 4, 16, 64):
        yield f"sent every {every}", collectives_of(partial(_fit, x=x, y=y, epochs=1, average_every=every))


def _diverged():
    """One row of the third device, in the sixth update, is beyond what float64 can square."""
    x, taken = X.copy(), Batches(np.arange(ROWS), SIZE, seed=1).epoch(0)["rows"][5, 0]
    x[taken[2 * SIZE // COUNT]] = 1e200
    layers = bl.Sequential(bl.Linear(4), bl.Linear(1))
    for every in (2, 4):
        run = _fit(layers, x, Y.astype(float), average_every=every, loss="mean_squared_error")
        yield f"diverged, every {every}", run.diverged and [run.diverged.layer, run.diverged.epoch, run.diverged.step]


@pytest.fixture(scope="module")
def found():
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(COUNT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.test_averaging"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 2, 4, 100])
@pytest.mark.parametrize("momentum", ["0", "0.9"])
def test_the_algorithm_in_numpy(found, every, momentum):
    assert found[f"every {every}, momentum {momentum}"] <= 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("case", ["validation", "accumulated, a sum, a penalty", "all rows at once", "several"])
def test_a_mean_after_every_update_is_synchronous(found, case):
    assert found[case] <= 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("case", ["chunks", "resumed", "best epoch", "frozen", "running statistics"])
def test_the_same_bits_however_it_is_run(found, case):
    assert found[case] == 0


@pytest.mark.slow
def test_what_is_sent_grows_with_the_means_alone(found):
    sent = {every: found[f"sent every {every}"] for every in (None, 1, 4, 16, 64)}
    told = {every: sent[every] - 64 // every for every in (1, 4, 16, 64)}  # besides the means: what an epoch tells
    assert all(1 <= count <= 2 for count in told.values()), told
    assert 64 <= sent[None] <= 66


@pytest.mark.slow
@pytest.mark.parametrize("every", [2, 4])
def test_where_one_device_turned_bad_is_named(found, every):
    assert found[f"diverged, every {every}"] == ["the loss MeanSquaredError()", 1, 6]


def test_each_worker_drops_units_of_its_own():
    def step(state, batch):
        return {**state, "step": state["step"] + 1}, {"loss": np.float64(state["seed"]), "weight": np.float64(1)}

    begun = {"params": np.ones(2), "seed": np.uint32(7), "step": np.int32(0)}
    batches = {"rows": np.zeros((5, 1, 4), int), "weights": np.ones((5, 1, 4)), "total": np.ones(5)}
    seen = []

    class Watched(NumpyEngine):
        def map(self, f, mapped):
            seen.append(mapped[0]["seed"])
            return super().map(f, mapped)

    ended, record = epoch_apart(Watched(), step, begun, batches, every=2, workers=4)
    assert [len(set(seeds.tolist())) for seeds in seen] == [4, 4, 4]  # two rounds of two updates, and one of one
    assert seen[0][0] == ended["seed"] == 7
    assert ended["step"] == 5
    assert record["weight"].tolist() == [4.0] * 5


def test_what_cant_be_is_refused():
    x, y = np.ones((40, 2)), np.zeros(40)
    for options, message in {
        (("shard", "parameters"),): r"shard='parameters' \(each device needs the whole network\): leave",
        (("ensemble", 3),): r"ensemble=3 \(train its members one by one\)",
        (("mixup", 0.2),): r"mixup=0.2 \(rows are mixed with those of other devices\)",
        (("optimizer", "least_squares"),): r"the optimizer .*\(it computes the minimum\)",
        (("optimizer", "lbfgs"), ("batch_size", "full")): r"the optimizer .*\(every update needs all rows\)",
    }.items():
        with pytest.raises(bl.InputError, match=r"average_every=4 can't be combined with " + message):
            bl.fit(bl.Linear(1), x, y, average_every=4, **dict(options))
    stateful = bl.Sequential(bl.RNN(3, stateful=4, return_sequences=True), bl.Linear(1))
    with pytest.raises(bl.InputError, match=r"average_every=4 can't be combined with a stateful network"):
        bl.fit(stateful, np.ones((8, 4, 2)), np.ones((8, 4, 1)), average_every=4, batch_size=4)
    with pytest.raises(bl.InputError, match=r"average_every=4: the numpy engine computes on one device; use"):
        bl.fit(bl.Linear(1), x, y, average_every=4, engine="numpy")
    for every in (0, 1.5, "4", True):
        with pytest.raises(bl.InputError, match=r"average_every must be a whole number of at least 1, got"):
            bl.fit(bl.Linear(1), x, y, average_every=every)


def test_with_one_device_there_is_nothing_to_average_and_it_says_so():
    x, y = np.ones((40, 2)), np.zeros(40)
    with pytest.warns(bl.BacklitWarning, match=r"average_every=4 changes nothing on one device: give devices=2"):
        bl.fit(bl.Linear(1), x, y, average_every=4, epochs=1, probes=None)


if __name__ == "__main__":
    told = {name: number for part in (_against_numpy, _synchronous, _bits, _sent, _diverged) for name, number in part()}
    sys.stdout.write(json.dumps(told))
