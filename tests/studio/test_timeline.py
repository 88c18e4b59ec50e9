"""Time in the studio: back and forth along a run, changes by hand on the way, all of it one call of `fit`."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import backlit as bl
from backlit.graph import tree
from backlit.studio.building import network_of, training_of
from backlit.studio.sets import rows_of
from backlit.studio.state import State
from backlit.studio.timeline import Timeline
from backlit.train.prepare import prepare

CHANGES = [
    {"at": 9, "do": "rate", "value": 0.2},
    {"at": 14, "do": "edit", "place": "0/weight[1,0]", "value": 0.75},
    {"at": 20, "do": "freeze", "layer": "0", "unit": 2, "on": True},
    {"at": 30, "do": "freeze", "layer": "0", "unit": 2, "on": False},
    {"at": 33, "do": "rate", "value": 0.05},
]


def state_of(**parts: object) -> State:
    given = {
        "data": {"rows": 60},
        "network": {"layers": [{"units": 4, "dropout": 0.2}]},
        "training": {"batch": 16, "rate": 0.05, "engine": "numpy"},
    }
    return State.from_dict(given | parts)


def timeline_of(state: State) -> Timeline:
    return Timeline(state, rows_of(state.data, {}))


def bits(params: object) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in tree.leaves(params)]


def fitted(state: State, updates: int) -> object:
    """What `fit` makes of the same state in a single call."""
    rows = rows_of(state.data, {})
    network = network_of(state, rows)
    training = training_of(state, network, rows, updates, state.training.engine)
    options = {name: getattr(training, name) for name in ("optimizer", "batch_size", "validation", "seed", "engine")}
    return bl.fit(network, rows.x, rows.y, epochs=updates, steps_per_epoch=1, progress=False, **options)


def test_going_back_gives_the_same_bits() -> None:
    timeline = timeline_of(state_of())
    seen = {}
    for update in range(0, 201, 5):
        timeline.seek(update)
        seen[update] = bits(timeline.train_state)
    for update in (195, 190, 70, 65, 200, 5, 0, 130):
        timeline.seek(update)
        assert timeline.at == update
        assert bits(timeline.train_state) == seen[update]
    assert timeline.furthest == 200


def test_states_are_computed_again_where_most_were_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backlit.studio.timeline.KEPT", 3)
    timeline = timeline_of(state_of())
    timeline.advance(700)
    assert len(timeline._kept) <= 3
    timeline.seek(333)
    other = timeline_of(state_of())
    other.advance(333)
    assert bits(timeline.train_state) == bits(other.train_state)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_a_run_with_changes_by_hand_is_one_call_of_fit(engine: str) -> None:
    training = {"batch": 16, "rate": 0.05, "engine": engine}
    state = state_of(training=training)
    timeline = timeline_of(state)
    for change in CHANGES:  # one after the other, as a person would
        timeline.advance(change["at"] - timeline.at)
        timeline.forget_what_follows()
        history = [*(one.to_dict() for one in timeline.state.history), change]
        state = state_of(training=training, history=history)
        timeline = Timeline(state, timeline.rows, timeline)
    timeline.advance(45 - timeline.at)
    run = fitted(state, 45)
    assert bits(timeline.network.params) == bits(run.network.params)
    np.testing.assert_array_equal(timeline.curves.loss, run.history["loss"])
    np.testing.assert_array_equal(timeline.curves.held_loss, run.history["val_loss"])
    np.testing.assert_allclose(timeline.curves.held_right, run.history["val_accuracy"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(timeline.curves.right, run.history["accuracy"], rtol=0, atol=1e-12)


@pytest.mark.slow
def test_nothing_waits_for_jax_before_the_first_update_and_the_run_is_the_compiled_engines_from_there() -> None:
    code = """
import sys
from backlit.studio.answers import answer
from backlit.studio.session import Session
from backlit.studio.state import State

session = Session(State.from_dict({"data": {"rows": 60}, "training": {"engine": "xla"}}))
panels = ["boundary", "units", "weights", "curves", "histograms", "flow", "doctor"]
weight = {"type": "explain", "weight": "0/bias[0]"}
for message in ({"type": "hello", "version": 1}, {"type": "look", "panels": panels}, weight):
    assert answer(session, message)[0].message["type"] != "error"
session.frame()
print("jax" in sys.modules, session.first.timeline.training.engine)
answer(session, {"type": "step", "updates": 2})
answer(session, {"type": "seek", "update": 0})
answer(session, {"type": "step"})
print("jax" in sys.modules, "engine='xla'" in answer(session, {"type": "code"})[0].message["python"])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("False xla\nTrue True\n", "")


def test_who_compiles_ahead_and_who_wants_updates_share_one_job(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(
        "backlit.studio.timeline.prepare", lambda *given: made.append(given[-1].engine) or prepare(*given)
    )
    timeline = timeline_of(state_of(training={"batch": 16, "rate": 0.05, "engine": "xla"}))
    ahead = threading.Thread(target=timeline.warm_up)
    ahead.start()
    timeline.advance(3)
    ahead.join()
    assert made == ["numpy", "xla"]
    assert bits(timeline.network.params) == bits(fitted(timeline.state, 3).network.params)


def test_changes_do_what_they_say() -> None:
    state = state_of(history=CHANGES)
    timeline = timeline_of(state)
    rows = []
    for update in range(13, 33):
        timeline.seek(update)
        rows.append(np.array(timeline.network.params["0"]["weight"]))
    assert rows[1][1, 0] == pytest.approx(0.75, abs=1e-7)  # at 14
    held = [weights[2] for weights in rows[20 - 13 : 31 - 13]]
    assert all(np.array_equal(each, held[0]) for each in held)
    assert not np.array_equal(rows[31 - 13][2], held[0])
    assert not np.array_equal(rows[7][1], rows[8][1])  # others learn on


def test_a_rate_of_the_future_changes_nothing_before() -> None:
    plain, later = timeline_of(state_of()), timeline_of(state_of(history=CHANGES[:1]))
    for update, same in ((9, True), (10, False)):
        plain.seek(update)
        later.seek(update)
        assert (bits(plain.network.params) == bits(later.network.params)) == same


def test_a_run_that_diverges_stops_before_it_and_says_where() -> None:
    state = state_of(
        training={"optimizer": "sgd", "rate": 1000.0, "batch": 16, "engine": "numpy"},
        network={"layers": [{"units": 4, "activation": "relu"}] * 3},
        data={"name": "diabetes"},
    )
    timeline = timeline_of(state)
    made = timeline.advance(500)
    assert timeline.diverged is not None
    assert made == timeline.at == timeline.furthest < 500
    assert np.isfinite(timeline.curves.loss).all()
    assert timeline.diverged.epoch == timeline.at + 1
    timeline.seek(0)
    assert timeline.diverged is None


def test_what_was_thinned_is_computed_again_where_time_goes_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backlit.studio.curves.EXACT", 8)
    timeline, fresh = timeline_of(state_of()), timeline_of(state_of())
    timeline.advance(700)
    assert len(timeline.curves.ends) < 100
    middle = int(timeline.curves.ends[5]) - 1  # in a line of several updates
    assert not timeline.curves.parts_at(middle)
    timeline.seek(middle)
    fresh.advance(middle)
    assert timeline.scores == fresh.scores  # of this update alone, to the last digit
    timeline._kept, timeline._recent = {0: timeline._kept[0]}, {}  # as far apart as in a run of millions
    timeline.forget_what_follows(lambda: True)  # something else was asked for: the way isn't gone to its end
    assert timeline.at <= timeline.furthest < middle
    timeline.seek(middle)
    timeline.forget_what_follows()
    assert timeline.furthest == timeline.at == middle
    assert bits(timeline.train_state) == bits(fresh.train_state)
    assert timeline.curves.loss[-1] == fresh.curves.loss[-1]

    history = [{"at": middle, "do": "rate", "value": 0.2}]
    changed = Timeline(state_of(history=history), timeline.rows, timeline)
    assert changed.at == changed.furthest == middle
    assert bits(changed.train_state) == bits(fresh.train_state)
