"""Arrays in `fit`: what would be learned wrongly without a word is refused, with what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.settings import build
from backlit.train.examples import examples_of
from backlit.train.training import Training

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X @ [1.0, 2.0, 3.0]
LINE = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1))
CLASSES = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(2))
WORDS = RNG.integers(0, 10, size=(60, 3))
TABLE = bl.Sequential(bl.Embedding(10, 2), bl.Flatten(), bl.Linear(1))


def changed(array: np.ndarray, place: tuple[int, ...], value: Any) -> np.ndarray:
    other = array.copy()
    other[place] = value
    return other


def checked(network: Any, x: Any, y: Any, **options: Any) -> Any:
    """What `fit` does before anything slow."""
    return examples_of(network, x, y, build(Training, options, "bl.fit"))


@pytest.mark.parametrize("wrong", [-1, 10, 99])
@pytest.mark.parametrize(
    "network", [TABLE, bl.Sequential(bl.OneHot(10), bl.Flatten(), bl.Linear(1)), bl.Sequential(TABLE)]
)
def test_numbers_without_a_row_in_the_table_are_refused_before_training(network: Any, wrong: int) -> None:
    bad = changed(WORDS, (47, 1), wrong)
    with pytest.raises(bl.InputError, match=rf"must be from 0 to 9, got {wrong} in row 47, place 1"):
        checked(network, bad, Y)
    with pytest.raises(bl.InputError, match=rf"validation data: .*got {wrong} in row 47, place 1"):
        checked(network, WORDS, Y, validation=(bad, Y))


def test_codes_of_categories_are_looked_at_too() -> None:
    network = bl.Sequential(bl.EmbedColumns((5,)), bl.Linear(1))
    x = np.column_stack([X[:, :2], RNG.integers(0, 5, 60)])
    checked(network, x, Y)
    with pytest.raises(bl.InputError, match="codes of column 2 must be from 0 to 4, got 5 in row 9"):
        checked(network, changed(x, (9, 2), 5), Y)


@pytest.mark.parametrize(
    ("value", "told"), [(np.nan, "is missing"), (np.inf, "is infinite"), (1e39, "is 1e.39, too large for float32")]
)
def test_a_target_that_is_no_number_is_named_by_row(value: float, told: str) -> None:
    bad = changed(Y, (3,), value)
    with pytest.raises(bl.InputError, match=f"targets: row 3 {told}"):
        checked(LINE, X, bad)
    with pytest.raises(bl.InputError, match=f"targets: row 3 {told}"):
        checked(LINE, X, Y, validation=(X, bad))
    with pytest.raises(bl.InputError, match=f"targets: row 3 {told}"):
        bl.check(LINE, X, bad)


def test_large_targets_are_learned_in_float64() -> None:
    assert checked(LINE, X, changed(Y, (3,), 1e39), dtype="float64").encoded[3, 0] == 1e39


@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
def test_one_hot_targets_are_refused_unless_a_loss_is_named(dtype: str) -> None:
    y = np.eye(2)[(Y > 0).astype(int)].astype(dtype)
    with pytest.raises(bl.InputError, match=r"one-hot.*y\.argmax\(axis=1\).*mean_squared_error"):
        checked(CLASSES, X, y)
    if dtype == "float64":
        assert checked(CLASSES, X, y, loss="mean_squared_error").encoded.tolist() == y.tolist()
    both = checked(CLASSES, X, y.astype("float64") * 2)  # numbers, if not ones and zeros
    assert both.loss == bl.losses.get("mean_squared_error")


def test_amounts_in_whole_numbers_are_told_how_to_be_learned_as_such() -> None:
    with pytest.raises(bl.ShapeError, match=r"If they are amounts.*y\.astype\(float\).*mean_squared_error"):
        checked(LINE, X, RNG.integers(0, 1000, 60))


def test_weights_keep_their_precision() -> None:
    """Two weights that are one number in float32 give different sums in float64."""
    weights = np.ones(60)
    weights[0] = 1 + 1e-9
    examples = checked(LINE, X, Y, dtype="float64", sample_weight=weights)
    assert examples.weights is not None
    assert examples.weights.dtype == np.float64
    assert examples.weights[0] == weights[0]
    run = bl.fit(LINE, X, Y, dtype="float64", sample_weight=weights, epochs=1, batch_size=None, engine="numpy")
    start = LINE.build((3,), dtype="float64")
    errors = (np.asarray(start(X))[:, 0] - Y) ** 2
    assert run.history[0]["loss"] == pytest.approx((errors * weights).sum() / weights.sum(), rel=1e-14)


@pytest.mark.parametrize("around", [lambda a, b: (a, bl.Tanh(), b), lambda a, b: (a, bl.Sequential(bl.Tanh(), b))])
def test_one_layer_at_two_places_is_refused(around: Any) -> None:
    layer = bl.Linear(3)
    with pytest.raises(bl.InputError, match=r"is the same object as layer 0 \(Linear\(3\)\).*one of its own"):
        bl.Sequential(*around(layer, layer)).build((3,))
    assert bl.Sequential(*around(bl.Linear(3), bl.Linear(3))).build((3,)).size == 24
    tanh = bl.Tanh()
    assert bl.Sequential(tanh, bl.Linear(3), tanh).build((3,)).size == 12  # nothing is learned in it


def test_whole_numbers_beyond_64_bits_stay_apart_as_classes() -> None:
    y = [10**30, 10**30 + 1] * 30
    assert checked(CLASSES, X, y).targets.labels.classes == (str(10**30), str(10**30 + 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: checked(LINE, X[0], Y[:3]), "takes rows of shape|x has 3 rows|needs inputs"),
        (lambda: LINE.build((3,))(X[0]), r"that is one row: pass x\[None\]"),
        (lambda: checked(LINE, X[:2], [[1.0], [2.0, 3.0]]), "y has rows of different lengths"),
        (lambda: checked(LINE, X, Y, early_stopping=1.5), "early_stopping must be .*EarlyStopping"),
        (lambda: checked(LINE, X, Y, penalty=0.1), r"penalty must be bl\.L2.*, got 0\.1"),
        (lambda: checked(LINE, X, Y, callbacks=[3]), "callbacks must be a function"),
        (lambda: checked(LINE, X, Y, callbacks="print"), "callbacks must be a function"),
        (lambda: checked(LINE, X, Y, metrics=3), "metrics must be"),
        (lambda: checked(LINE, X, Y, preparation=3), "preparation must have a method apply"),
        (lambda: checked(LINE, X, Y, checkpoint=3), "checkpoint must be a folder"),
        (lambda: checked(LINE, X, Y, sample_weight="x"), "sample_weight must hold a number"),
        (lambda: checked(CLASSES, X, Y > 0, class_weight=3), "class_weight must be"),
        (lambda: checked(CLASSES, X, Y > 0, class_weight={True: "x"}), "a number for each class"),
        (lambda: checked(LINE, X, None), "y is None"),
        (lambda: checked(bl.Tanh(), X, X), "nothing to train"),
        (lambda: LINE.build(None), "whole numbers of at least 1"),
        (lambda: LINE.build((3,), seed=-1), "seed must be"),
        (lambda: LINE.build((3,), dtype="int32"), "dtype must be"),
        (lambda: bl.fit(LINE, X, Y, probes=X[0], epochs=1), "probes must be"),
        (lambda: bl.Parallel(layers=bl.Linear(1)), "layers must be a tuple"),
        (lambda: bl.Wired(bl.Linear(2), 0.5), "edges must be pairs"),
        (lambda: bl.MaxPool1d(2, padding=X), "padding must be"),
        (lambda: bl.dot_attention(1e300, 3, 3), "dot_attention needs"),
        (lambda: bl.with_vectors(LINE, "0", None, None), "a network that was built"),
        (lambda: checked(LINE, X, np.inf), "row 0 is infinite"),
        (lambda: checked(LINE, X, Y, ensemble=10**30), "the ensemble has .* weights, the limit is"),
        (lambda: bl.draw(LINE.build((3,)), depth=X), "unknown depth"),
        (lambda: bl.lr_find(LINE, X, Y, start=X), "lr_find needs 0 < start < stop"),
        (lambda: bl.load(None), "folder of a run"),
        (lambda: bl.Sequential(bl.LSTM(4), bl.LSTM(4)).build((5, 2)), "return_sequences=True"),
    ],
)
def test_misuse_is_an_input_error(call: Any, message: str) -> None:
    with pytest.raises((bl.InputError, bl.ShapeError), match=message):
        call()


def test_no_callbacks_may_be_written_as_none() -> None:
    assert build(Training, {"callbacks": None}, "bl.fit").listeners == ()


def test_numbers_in_an_array_of_objects_are_numbers() -> None:
    y = np.array([*Y[:59], 3], dtype=object)
    assert checked(LINE, X, y).encoded[:, 0].tolist() == np.array(y, dtype="float32").tolist()
