"""Parameters and optimizer state divided over eight parts of the processor: one's result in an eighth of the memory."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import backlit as bl
from backlit import engine as engines
from backlit.graph import tree
from backlit.train.loop import Loop
from backlit.train.prepare import prepare
from backlit.train.program import PARTED
from backlit.train.training import Training

COUNT = 8
RNG = np.random.default_rng(0)
NUMBERS, PICTURES, SERIES = RNG.normal(size=(144, 8)), RNG.normal(size=(144, 8, 8, 1)), RNG.normal(size=(144, 6, 3))
WORDS = RNG.integers(0, 40, (144, 5))
CLASSES = RNG.integers(0, 3, 144)
TAIL = (bl.Dropout(0.3), bl.Linear(3))
NETWORKS = {  # 16 units are shared by eight devices, 12 and 3 aren't
    "dense": (NUMBERS, lambda: bl.Sequential(bl.Linear(16), bl.ReLU(), bl.Linear(12), bl.Tanh(), bl.Linear(3))),
    "batch norm": (NUMBERS, lambda: bl.Sequential(bl.Linear(16, bias=False), bl.BatchNorm(), bl.ReLU(), *TAIL)),
    "conv": (PICTURES, lambda: bl.Sequential(bl.Conv2d(8, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), *TAIL)),
    "recurrent": (SERIES, lambda: bl.Sequential(bl.LSTM(8, return_sequences=True), bl.GRU(5), *TAIL)),
    "embedding": (WORDS, lambda: bl.Sequential(bl.Embedding(40, 8), bl.Flatten(), bl.Linear(16), bl.ReLU(), *TAIL)),
}
CASES = {
    "clipped as a whole": ("dense", {"optimizer": bl.chain(bl.ClipGlobalNorm(0.5), bl.Adam(0.01))}),
    "clipped by array": ("batch norm", {"optimizer": bl.chain(bl.ClipNorm(0.5), bl.AdamW(0.01))}),
    "conv": ("conv", {"optimizer": bl.Nesterov(0.05)}),
    "recurrent": ("recurrent", {}),
    "embedding": ("embedding", {"optimizer": bl.AdaGrad(0.05), "freeze": "embeddings"}),
    "LBFGS": ("dense", {"optimizer": bl.optim.LBFGS(), "batch_size": None, "validation": None, "epochs": 20}),
    "ensemble": ("batch norm", {"ensemble": 2, "penalty": bl.L2(0.01), "accumulate": 2}),
    "plateau": ("dense", {"schedule": "plateau:1,0.5", "epochs": 6, "optimizer": bl.RMSprop(0.01, momentum=0.5)}),
}


def _fit(network, devices=COUNT, **options):
    x, make = NETWORKS[network]
    chosen = {"epochs": 40, "batch_size": 24, "validation": 0.2, "optimizer": bl.Momentum(0.05), "seed": 1} | options
    return bl.fit(make(), x, CLASSES, devices=devices, dtype="float64", probes=None, **chosen)


def _numbers(run):
    leaves = tree.leaves([run.network.params, run.network.state])
    told = [[value for name, value in line.items() if name not in ("epoch", "seconds")] for line in run.history]
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in (*leaves, *told)])


def _apart(one, other):
    a, b = _numbers(one), _numbers(other)
    return float(np.abs(a - b).max() / np.abs(a).max())


def _compare():
    """200 updates by one device, and by eight with everything divided that can be."""
    for name, (network, options) in CASES.items():
        yield name, _apart(_fit(network, 1, **options), _fit(network, shard="parameters", **options))
    yield "optimizer alone", _apart(_fit("dense"), _fit("dense", shard="optimizer"))


def _go_on():
    """Stopped and gone on with in another sharding; the best epoch; predictions; what changes no bit."""
    whole = _fit("dense", epochs=6, shard="parameters", optimizer=bl.Adam(0.01))
    for name, (first, then) in {
        "whole, then divided": ({}, {"shard": "parameters"}),
        "divided, then whole": ({"shard": "parameters"}, {"shard": None}),
        "on eight, then on two": ({"shard": "parameters"}, {"shard": "optimizer", "devices": 2}),
        "resumed": ({"shard": "parameters"}, {"shard": "parameters"}),
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            kept = {"optimizer": bl.Adam(0.01), "checkpoint": f"{folder}/run"}
            _fit("dense", epochs=3, **first, **kept)
            yield name, _apart(whole, _fit("dense", **{"epochs": 6, "resume": True, **then, **kept}))
    stopping = {"early_stopping": bl.EarlyStopping(3, min_delta=9.0), "shard": "parameters", "epochs": 9}
    best = _fit("dense", **stopping)
    one = _fit("dense", epochs=1, shard="parameters")
    same = tree.same_numbers(one.network.params, best.network.params)
    yield "best epoch", [best.best_epoch, len(best.history), same]
    yield (
        "predictions",
        float(np.abs(one.predict_proba(NUMBERS) - _fit("dense", 1, epochs=1).predict_proba(NUMBERS)).max()),
    )


def _held(shard):
    """Bytes of the train state on each device before and after training, and how often the program was compiled."""
    network = bl.Sequential(bl.Linear(256), bl.ReLU(), bl.Linear(100), bl.ReLU(), bl.Linear(3))
    training = Training(optimizer=bl.Adam(0.01), devices=COUNT, shard=shard, batch_size=24, epochs=3, chunk=1)
    job = prepare(network, NUMBERS, CLASSES, training)
    loop = Loop(job)
    loop.run()

    def sizes(train_state, device):
        return sum(
            part.data.nbytes
            for leaf in tree.leaves({name: train_state[name] for name in PARTED["parameters"]})
            for part in leaf.addressable_shards
            if part.device.id == device
        )

    held = [[sizes(state, device) for device in (0, COUNT - 1)] for state in (job.start, loop.state.train_state)]
    return [*held, job.program.train._jitted._cache_size()]


def _divided():
    for shard in (None, "optimizer", "parameters"):
        yield f"held by {shard}", _held(shard)
    engine = engines.get("xla", COUNT)
    value = np.arange(2 * 1600).reshape(2, 100, 16)
    put = engine.put_divided(value, ahead=1)
    yield "a part", list(put.addressable_shards[0].data.shape)
    yield "fetched", bool((engine.fetch({"a": put})["a"] == value).all())


@pytest.fixture(scope="module")
def found():
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(COUNT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.test_shard"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("case", [*CASES, "optimizer alone"])
def test_the_result_is_that_of_one_device(found, case):
    assert found[case] <= 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("case", ["whole, then divided", "divided, then whole", "on eight, then on two"])
def test_a_run_goes_on_in_another_sharding(found, case):
    assert found[case] <= 1e-12


@pytest.mark.slow
def test_the_same_bits_when_gone_on_with_and_the_best_epoch(found):
    assert found["resumed"] == 0
    assert found["best epoch"] == [1, 4, True]
    assert found["predictions"] <= 1e-12


@pytest.mark.slow
def test_each_device_holds_an_eighth(found):
    params = 4 * (8 * 256 + 256 + 256 * 100 + 100 + 100 * 3 + 3)
    divided = 4 * (8 * 256 + 256 * 100)  # the two weights that eight divide; the others have fewer than 1024 numbers
    small = params - divided
    for shard, parts in {"None": 0, "optimizer": 2, "parameters": 3}.items():
        before, after, compilations = found[f"held by {shard}"]
        expected = (3 - parts) * params + parts * (divided // COUNT + small)
        assert before == after == [expected] * 2
        assert compilations == 1  # what a call returns is placed as what it takes
    assert found["a part"] == [2, 100, 2]
    assert found["fetched"]


def test_what_cant_be_is_refused():
    x, y = np.ones((40, 2)), np.zeros(40)
    with pytest.raises(bl.InputError, match=r"unknown shard 'parameter'; did you mean 'parameters'\? Known: opt"):
        bl.fit(bl.Linear(1), x, y, shard="parameter")
    with pytest.raises(bl.InputError, match=r"shard='parameters': the numpy engine computes on one device; use"):
        bl.fit(bl.Linear(1), x, y, shard="parameters", engine="numpy")
    with pytest.raises(bl.InputError, match=r"unknown shard 3; Known: optimizer, parameters"):
        bl.fit(bl.Linear(1), x, y, shard=3)
    with pytest.raises(bl.InputError, match=r"unknown shard 'state'"):
        bl.fit_table({"a": [1, 2], "b": [1, 2]}, "b", shard="state")


def test_with_one_device_nothing_is_divided_and_it_says_so():
    x, y = np.ones((40, 2)), np.zeros(40)
    with pytest.warns(bl.BacklitWarning, match=r"shard='optimizer' changes nothing on one device: give devices=2 "):
        bl.fit(bl.Linear(1), x, y, shard="optimizer", epochs=1, probes=None)


if __name__ == "__main__":
    told = dict(_divided())  # with arrays divided as they are for users
    from backlit.engine import devices

    devices.LEAST_DIVIDED = 1  # and then every one that can be
    told |= {name: number for part in (_compare, _go_on) for name, number in part()}
    sys.stdout.write(json.dumps(told))
