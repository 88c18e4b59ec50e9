"""Whose data it is: a run is gone on with, and repaired, on what it was trained on, and on nothing else."""

import time

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.train import fingerprint as module
from backlit.train.examples import examples_of
from backlit.train.fingerprint import fingerprint, same_data
from backlit.train.recipe import recipe_of
from backlit.train.training import Training
from tests.train.common import blobs, mlp


def of(x, y, network=None, **options):
    return fingerprint(examples_of(network or bl.Linear(1), x, y, Training(**options)))


def numbers(rows=40):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 3)).astype("float32"), rng.normal(size=rows).astype("float32")


X, Y = numbers()


def nudged(x):
    x = x.copy()
    x[17, 1] = np.nextafter(x[17, 1], np.float32(9))
    return x


def without(array, row):
    return np.delete(array, row, axis=0)


OTHERS = {
    "inputs": lambda: of(X * 1000 + 5, Y),
    "one number, by its last bit": lambda: of(nudged(X), Y),
    "rows in another order": lambda: of(X[::-1], Y[::-1]),
    "a row less": lambda: of(without(X, 3), without(Y, 3)),
    "targets": lambda: of(X, Y + 1),
    "weights": lambda: of(X, Y, sample_weight=np.arange(1.0, 41.0)),
    "held-out rows": lambda: of(X, Y, validation=0.25),
    "held-out rows by another seed": lambda: of(X, Y, validation=0.25, seed=1),
    "held-out data": lambda: of(X, Y, validation=(X[:9], Y[:9])),
    "other held-out data": lambda: of(X, Y, validation=(X[:9] * 2, Y[:9])),
    "other held-out targets": lambda: of(X, Y, validation=(X[:9], Y[:9] * 2)),
}


def test_everything_that_is_learned_from_counts():
    found = {name: make() for name, make in OTHERS.items()} | {"the data itself": of(X, Y)}
    assert len(set(found.values())) == len(found), found
    assert of(X.copy(), Y.tolist()) == of(X, Y)
    assert of(X, Y, epochs=3, engine="numpy", batch_size=7) == of(X, Y)  # how it is trained doesn't count


@pytest.mark.parametrize("other", [X * 1000 + 5, nudged(X)], ids=["scaled", "nudged"])
def test_other_inputs_are_refused(tmp_path, other):
    options = {"epochs": 2, "checkpoint": tmp_path / "run"}
    run = bl.fit(bl.Linear(1), X, Y, **options)
    with pytest.raises(InputError, match=r"other training rows or targets \(inputs, weights and held-out rows count"):
        bl.fit(bl.Linear(1), other, Y, **options, resume=True)
    with pytest.raises(InputError, match="isn't the data that the run was trained on"):
        bl.load(tmp_path / "run").fix(other, Y)
    with pytest.raises(InputError, match="isn't the data that the run was trained on"):
        run.fix(other, Y)
    assert len(bl.fit(bl.Linear(1), X, Y, **options | {"epochs": 3}, resume=True).history) == 3


def test_other_weights_are_refused(tmp_path):
    options = {"epochs": 2, "checkpoint": tmp_path / "run", "sample_weight": np.ones(40)}
    bl.fit(bl.Linear(1), X, Y, **options)
    with pytest.raises(InputError, match="other training rows"):
        bl.fit(bl.Linear(1), X, Y, **options | {"sample_weight": np.arange(1.0, 41.0)}, resume=True)


def test_runs_of_the_first_form_are_known_by_it():
    x, y = blobs()
    examples = examples_of(mlp(), x, y, Training(validation=0.2))
    saved = module._first_form(examples)
    assert ":" not in saved
    assert same_data(saved, examples)
    assert same_data(None, examples)  # older still
    assert same_data(fingerprint(examples), examples)
    assert not same_data(saved, examples_of(mlp(), x, (y + 1) % 3, Training(validation=0.2)))
    assert not same_data(fingerprint(examples), examples_of(mlp(), x + 1, y, Training(validation=0.2)))
    assert not same_data(float("inf"), examples)  # what a forged state may hold


def test_nothing_goes_to_a_device_for_a_recipe(monkeypatch, tmp_path):
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=1, ensemble=2, validation=0.2)
    loaded = bl.load(run.save(tmp_path / "run"))

    def refused(*args):
        raise AssertionError("an engine was asked for")

    monkeypatch.setattr("backlit.engine.get", refused)
    assert run.recipe.trained == run.network.architecture
    assert len(run.recipe.with_validation().training.validation.rows) == 2
    assert recipe_of(loaded, x, y).training.ensemble == 2
    with pytest.raises(InputError, match="isn't the data"):
        recipe_of(loaded, x + 1, y)


@pytest.fixture
def large(monkeypatch):
    """An array that counts as large: three squares of words, and some more."""
    monkeypatch.setattr(module, "WHOLE", 64)
    return np.random.default_rng(0).normal(size=3 * 64 * 64 * 2 + 100).astype("float32")


@pytest.mark.parametrize("place", [0, 1, 8191, 8192, 20_000, -101, -100, -1])
def test_of_large_arrays_every_number_counts(large, place):
    other = large.copy()
    other[place] = np.nextafter(other[place], np.float32(2000))
    assert module._digest(large) == module._digest(large.copy())
    assert module._digest(large) != module._digest(other)


@pytest.mark.parametrize("apart", [1, 2, 128, 129, 8192, 3 * 8192])
@pytest.mark.parametrize("width", [1, 2, 4, 100])
def test_of_large_arrays_order_counts(large, apart, width):
    other = large.copy()
    here, there = slice(0, width), slice(apart * width % 16_000, apart * width % 16_000 + width)
    other[here], other[there] = large[there], large[here]
    assert not np.array_equal(large, other)
    assert module._digest(large) != module._digest(other)


def test_of_large_arrays_type_and_shape_count(large):
    arrays = (large, large[::-1], large.reshape(4, -1), large.view("int32"), large[:-1])
    assert len({module._digest(each) for each in arrays}) == len(arrays)


def test_large_data_takes_little_time():
    large = np.zeros((16, 2**20), dtype=np.float32)  # 64 MB
    begin = time.process_time()
    module._digest(large)
    assert time.process_time() - begin < 0.5
