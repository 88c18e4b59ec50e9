"""Training on a stream is training on the same rows, in the same order, in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.train.streamed import blocks, loop, prepare
from tests.train.streamed.common import Blocks, furthest, same_history

RNG = np.random.default_rng(0)
ROWS, HELD = 210, 45
X, HELD_X = RNG.normal(size=(ROWS, 4)), RNG.normal(size=(HELD, 4))
LINE = RNG.normal(size=4)
NUMBERS, HELD_NUMBERS = 50 + 3 * (X @ LINE), 50 + 3 * (HELD_X @ LINE)
CODES, HELD_CODES = (np.digitize(part @ LINE, [-0.5, 0.5]) for part in (X, HELD_X))
NAMES = np.array(["cat", "dog", "eel"])
CLASSES, HELD_CLASSES = NAMES[CODES], NAMES[HELD_CODES]
STEPS, HELD_STEPS = RNG.normal(size=(ROWS, 5, 2)), RNG.normal(size=(HELD, 5, 2))
WEIGHTS = RNG.uniform(0.1, 2.0, ROWS)
OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 16, "shuffle": False, "dtype": "float64", "seed": 5}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three updates or so, so that there are many."""
    monkeypatch.setattr(blocks, "ROWS", 50)


def mlp(outputs: int, *more: Any) -> bl.Sequential:
    return bl.Sequential(bl.Linear(6), *more, bl.Tanh(), bl.Linear(outputs))


TWO = bl.Wired(
    {"body": bl.Linear(6), "act": bl.Tanh(), "size": bl.Linear(1), "kind": bl.Linear(3)},
    [("input", "body"), ("body", "act"), ("act", "size"), ("act", "kind")],
    outputs=("size", "kind"),
)
CASES: dict[str, tuple[Any, Any, Any, Any, dict[str, Any]]] = {
    "numbers": (mlp(1), X, NUMBERS, (HELD_X, HELD_NUMBERS), {"standardize_targets": True, "metrics": ["r2", "mae"]}),
    "classes": (mlp(3), X, CLASSES, (HELD_X, HELD_CLASSES), {"metrics": ["accuracy", "f1", "log_loss"]}),
    "ensemble": (mlp(3), X, CLASSES, (HELD_X, HELD_CLASSES), {"ensemble": 3}),
    "dropout": (mlp(3, bl.Dropout(0.3)), X, CLASSES, None, {}),
    "batch norm": (mlp(3, bl.BatchNorm()), X, CLASSES, (HELD_X, HELD_CLASSES), {}),
    "balanced classes": (mlp(3), X, CLASSES, None, {"class_weight": "balanced"}),
    "accumulation, penalty, sum": (mlp(1), X, NUMBERS, None, {
        "accumulate": 3, "penalty": bl.L2(0.01), "reduction": "sum", "optimizer": bl.Momentum(1e-5),
    }),
    "schedule": (mlp(1), X, NUMBERS / 50, (HELD_X, HELD_NUMBERS / 50), {"schedule": "warmup:1 cosine"}),
    "plateau": (mlp(1), X, NUMBERS / 50, (HELD_X, HELD_NUMBERS / 50), {"schedule": "plateau:1,0.5", "epochs": 5}),
    "early stopping": (mlp(3), X, CLASSES, (HELD_X, HELD_CLASSES[::-1]), {
        "early_stopping": 1, "epochs": 9, "optimizer": bl.Adam(0.05),
    }),
    "updates that make an epoch": (mlp(3), X, CLASSES, (HELD_X, HELD_CLASSES), {"steps_per_epoch": 5, "epochs": 7}),
    "sequences": (bl.Sequential(bl.LSTM(4), bl.Linear(3)), STEPS, CLASSES, (HELD_STEPS, HELD_CLASSES), {}),
    "classes of steps": (
        bl.Sequential(bl.GRU(4, return_sequences=True), bl.Linear(3)), STEPS,
        np.where(STEPS.sum(axis=2) > 2, -1, (STEPS.sum(axis=2) > 0) + 0), None,
        {"metrics": ["accuracy", "sequence_accuracy"]},
    ),
    "a carried state": (bl.Sequential(bl.LSTM(4, stateful=16), bl.Linear(1)), STEPS, NUMBERS, None, {}),
    "several outputs": (
        TWO, X, {"size": NUMBERS, "kind": CLASSES}, (HELD_X, {"size": HELD_NUMBERS, "kind": HELD_CLASSES}),
        {"standardize_targets": True, "class_weight": {"kind": "balanced"}},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_stream_trains_as_the_same_rows_in_memory_do(case: str) -> None:
    network, x, y, held, more = CASES[case]
    options = {**OPTIONS, **more}
    in_memory = bl.fit(network, x, y, validation=held, **options)
    stream = None if held is None else Blocks(*held, size=11)
    streamed = bl.fit(network, Blocks(x, y), validation=stream, **options)
    same_history(in_memory.history, streamed.history)
    assert furthest(in_memory, streamed) < 1e-12
    assert (in_memory.stopped, in_memory.best_epoch) == (streamed.stopped, streamed.best_epoch)
    if case == "classes":
        np.testing.assert_array_equal(in_memory.predict(x), streamed.predict(x))


def test_validation_in_memory_is_prepared_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "SLICE", 7)
    in_memory = bl.fit(mlp(3), X, CLASSES, validation=(HELD_X, HELD_CLASSES), **OPTIONS)
    for y in (HELD_CLASSES, HELD_CLASSES.tolist()):
        streamed = bl.fit(mlp(3), Blocks(X, CLASSES), validation=(HELD_X, y), **OPTIONS)
        same_history(in_memory.history, streamed.history)
    broken = HELD_CLASSES.copy()
    broken[40] = "fox"
    with pytest.raises(bl.StreamError, match=r"block 6 of pass 1: .*row 5 has class .fox"):
        bl.fit(mlp(3), Blocks(X, CLASSES), validation=(HELD_X, broken), **OPTIONS)


def test_validation_is_read_once_an_epoch_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CACHED", 0)
    held = Blocks(HELD_X, HELD_CLASSES)
    bl.fit(mlp(3), Blocks(X, CLASSES), validation=held, **OPTIONS)
    assert held.passes == [(0, 0, 1)] * (1 + OPTIONS["epochs"])


def test_weights_of_rows_come_with_them() -> None:
    in_memory = bl.fit(mlp(3), X, CLASSES, sample_weight=WEIGHTS, **OPTIONS)
    streamed = bl.fit(mlp(3), Blocks(X, CLASSES, WEIGHTS), **OPTIONS)
    same_history(in_memory.history, streamed.history)
    assert furthest(in_memory, streamed) < 1e-12


def test_both_engines_train_alike() -> None:
    compiled, at_once = (bl.fit(mlp(3), Blocks(X, CLASSES), **OPTIONS, engine=engine) for engine in ("xla", "numpy"))
    same_history(compiled.history, at_once.history, 1e-9)


def test_what_the_stream_says_saves_the_first_pass() -> None:
    told = Blocks(X, CLASSES, rows=ROWS, classes=["cat", "dog", "eel"], class_counts=np.bincount(CODES).tolist())
    untold = Blocks(X, CLASSES)
    options = {**OPTIONS, "class_weight": "balanced"}
    assert furthest(bl.fit(mlp(3), told, **options), bl.fit(mlp(3), untold, **options)) == 0
    assert len(untold.passes) == len(told.passes)  # a first look, and one begun ahead, are part of both
    moments = Blocks(X, NUMBERS, rows=ROWS, target_moments=([NUMBERS.mean()], [NUMBERS.std()]))
    options = {**OPTIONS, "standardize_targets": True}
    assert furthest(bl.fit(mlp(1), moments, **options), bl.fit(mlp(1), X, NUMBERS, **options)) < 1e-12


def test_the_size_of_blocks_changes_nothing_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    small = bl.fit(mlp(3), Blocks(X, CLASSES), **OPTIONS)
    monkeypatch.setattr(blocks, "ROWS", 10_000)
    assert furthest(small, bl.fit(mlp(3), Blocks(X, CLASSES, size=1000), **OPTIONS)) == 0


def test_rows_of_a_block_are_shuffled_by_the_seed_and_the_pass() -> None:
    options = {**OPTIONS, "shuffle": True, "optimizer": bl.Adam(0.05)}
    one, same = (bl.fit(mlp(3), Blocks(X, CLASSES), **options) for _ in range(2))
    assert furthest(one, same) == 0
    assert furthest(one, bl.fit(mlp(3), Blocks(X, CLASSES), **{**options, "shuffle": False})) > 1e-6
    assert one.history[-1]["accuracy"] > 0.9


def test_members_of_an_ensemble_see_rows_in_orders_of_their_own() -> None:
    run = bl.fit(mlp(3), Blocks(X, CLASSES), ensemble=2, **{**OPTIONS, "shuffle": True})
    alone = bl.fit(mlp(3), Blocks(X, CLASSES), **{**OPTIONS, "shuffle": True})
    from backlit.train.ensemble import members

    first, second = members(run.network)
    assert np.abs(first.params["0"]["weight"] - alone.network.params["0"]["weight"]).max() < 1e-12
    assert np.abs(first.params["0"]["weight"] - second.params["0"]["weight"]).max() > 1e-3
