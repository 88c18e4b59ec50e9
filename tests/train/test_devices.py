"""Training on several devices gives what one gives: looked at in a process with four parts of the processor."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import backlit as bl
from backlit.graph import tree
from tests.train.several import net, rows

COUNT = 4


def _net(name):
    if name == "several":
        return net()
    tail = (bl.Dropout(0.3), bl.Linear(3))
    if name == "dense":
        return bl.Sequential(bl.Linear(16, bias=False), bl.BatchNorm(), bl.ReLU(), *tail)
    if name == "conv":
        return bl.Sequential(bl.Conv2d(4, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), *tail)
    return bl.Sequential(bl.LSTM(8, return_sequences=True), bl.GRU(5), *tail)


SHAPES = {"dense": (8,), "conv": (8, 8, 1), "recurrent": (6, 3)}
WEIGHTS = np.random.default_rng(1).random(150)
CASES = {  # 150 rows, of which 30 are held back; the last batch isn't full
    "dense": ("dense", {}),
    "dense, all rows at once": ("dense", {"batch_size": None}),  # 150 rows, filled up to 152
    "dense, accumulated, mixed, weighted, an ensemble": (
        "dense", {"accumulate": 2, "mixup": 0.3, "sample_weight": WEIGHTS, "ensemble": 2, "penalty": bl.L2(0.01)},
    ),
    "conv": ("conv", {}),
    "recurrent": ("recurrent", {"steps_per_epoch": 3}),
    "several": ("several", {"accumulate": 2, "sample_weight": {"price": WEIGHTS}, "loss_weights": {"price": 0.3}}),
}  # fmt: skip
TOLERANCES = {"float64": 1e-12, "float32": 1e-6}
PAIRS = [*((name, "float64") for name in CASES), *((name, "float32") for name in SHAPES)]


def _fit(network, devices, dtype="float64", **options):
    rng = np.random.default_rng(0)
    if network == "several":
        x, y = rows(150)
    else:
        x, y = rng.normal(size=(150, *SHAPES[network])), rng.integers(0, 3, 150)
    chosen = {"epochs": 4, "batch_size": 24, "validation": 0.2, "optimizer": bl.SGD(0.05), "seed": 1} | options
    if chosen["batch_size"] is None:
        chosen["validation"] = (x[:50], y[:50])
    return bl.fit(_net(network), x, y, devices=devices, dtype=dtype, **chosen)


def _numbers(run):
    leaves = tree.leaves([run.network.params, run.network.state])
    told = [[value for name, value in line.items() if name not in ("epoch", "seconds")] for line in run.history[:1]]
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in (*leaves, told)])


def _apart(one, other):
    a, b = _numbers(one), _numbers(other)
    return float(np.abs(a - b).max() / np.abs(a).max())


def _compare():
    for name, dtype in PAIRS:
        network, options = CASES[name]
        yield f"{name} {dtype}", _apart(_fit(network, 1, dtype, **options), _fit(network, COUNT, dtype, **options))


def _bits():
    """Chunks, early stopping and resuming on several devices: the same bits."""
    whole = _fit("dense", COUNT, optimizer=bl.Adam(0.01), probes=bl.Probes(every=2))
    single = _fit("dense", COUNT, optimizer=bl.Adam(0.01), probes=bl.Probes(every=2), chunk=1)
    yield "chunks", _apart(whole, single) + (whole.probes != single.probes)
    stopping = {"early_stopping": bl.EarlyStopping(1, min_delta=9.0), "epochs": 9}
    best = _fit("dense", COUNT, **stopping)
    yield "early stopping", _apart(_fit("dense", COUNT, epochs=1), best) if best.best_epoch == 1 else 9.0
    with tempfile.TemporaryDirectory() as folder:
        kept = {"optimizer": bl.Adam(0.01), "probes": bl.Probes(every=2), "checkpoint": f"{folder}/run"}
        _fit("dense", COUNT, epochs=2, **kept)
        resumed = _fit("dense", COUNT, resume=True, **kept)
        yield "resumed", _apart(whole, resumed) + (whole.probes != resumed.probes)
    with tempfile.TemporaryDirectory() as folder:
        kept = {"checkpoint": f"{folder}/run"}
        _fit("dense", COUNT, epochs=2, **kept)
        yield "resumed on one", _apart(_fit("dense", 1), _fit("dense", 1, resume=True, **kept))


def _shared():
    """Whether each device computes on its rows alone: the shapes of hidden outputs in the compiled program."""
    import jax

    from backlit.engine.compiled import Compiled

    texts, compiled = [], Compiled.__call__

    def call(self, *args):
        if self.name == "_train":
            jitted = self._jitted
            self._jitted = lambda *own: texts.append(jitted.lower(*own).compile().as_text()) or jitted(*own)
            try:
                return compiled(self, *args)
            finally:
                self._jitted = jitted
        return compiled(self, *args)

    Compiled.__call__ = call
    _fit("dense", COUNT, epochs=1, validation=None)
    Compiled.__call__ = compiled
    text = texts[0]
    yield "rows of one in the program", text.count("f64[6,16]")
    yield "rows of all in the program", text.count("f64[24,16]")
    yield "sums over all", text.count("all-reduce")
    yield "devices", len(jax.devices())


def _refused():
    try:
        _fit("dense", COUNT + 1, batch_size=25)
    except bl.InputError as error:
        yield "too many", str(error)


@pytest.fixture(scope="module")
def found():
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(COUNT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.test_devices"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dtype"), PAIRS)
def test_several_devices_give_what_one_gives(found, case, dtype):
    assert found[f"{case} {dtype}"] <= TOLERANCES[dtype]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["chunks", "early stopping", "resumed"])
def test_the_same_bits_however_it_is_run(found, what):
    assert found[what] == 0


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_devices(found):
    assert found["resumed on one"] <= 1e-12


@pytest.mark.slow
def test_each_device_computes_on_its_rows_alone(found):
    assert found["devices"] == COUNT
    assert found["rows of one in the program"] > 0
    assert found["rows of all in the program"] == 0
    assert found["sums over all"] > 0


@pytest.mark.slow
def test_more_devices_than_there_are(found):
    assert found["too many"].startswith("devices=5: this process has 4 (processor), and JAX can't divide it into more")
    assert "JAX_NUM_CPU_DEVICES" in found["too many"]


@pytest.mark.slow
def test_a_fresh_process_gets_as_many_as_it_asks_for():
    code = (
        "import numpy as np, backlit as bl; x = np.ones((4, 2)); bl.fit(bl.Linear(2), x, x, epochs=1, devices=2); "
        "import jax; print(len(jax.devices()))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "JAX_NUM_CPU_DEVICES"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["2"], done.stderr


@pytest.mark.slow
def test_the_command_takes_them(tmp_path):
    words = ["train", "moons", "--devices", "3", "--epochs", "2", "--no-report", "-q", "--out", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-m", "backlit", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = bl.load(tmp_path / "run")
    assert run.settings["devices"] == run.config["devices"] == 3
    assert run.settings["batch_size"] % 3 == 0  # chosen by the data, and by them


def test_what_cant_be_is_refused():
    x, y = np.ones((40, 2)), np.zeros(40)
    for devices in (0, -1, 1.5, True, "2"):
        with pytest.raises(bl.InputError, match=r"devices must be a whole number of at least 1, got"):
            bl.fit(bl.Linear(1), x, y, devices=devices)
    with pytest.raises(bl.InputError, match=r"devices=2: the numpy engine computes on one; use engine='xla'"):
        bl.fit(bl.Linear(1), x, y, devices=2, engine="numpy")
    message = r"batches of 32 rows can't be shared equally by 3 devices: choose batch_size 30 or 33, or another number"
    with pytest.raises(bl.InputError, match=message):
        bl.fit(bl.Linear(1), x, y, devices=3)
    with pytest.raises(
        bl.InputError, match=r"batches of 2 rows can't be shared .* by 3 devices: choose batch_size 3, or"
    ):
        bl.fit(bl.Linear(1), x, y, devices=3, batch_size=2)


if __name__ == "__main__":
    told = {name: number for part in (_compare, _bits, _shared, _refused) for name, number in part()}
    sys.stdout.write(json.dumps(told))
