"""What a session does with messages: each as a page sends it, its answers checked against what they are of."""

import contextlib
import io
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.graph import tree
from backlit.studio import faults
from backlit.studio.answers import ANSWERS, answer
from backlit.studio.checking import check
from backlit.studio.messages import MESSAGES
from backlit.studio.opening import beginning
from backlit.studio.session import Session
from backlit.studio.sharing import link_of, state_of
from backlit.studio.side import Side
from backlit.studio.state import State
from backlit.studio.telling import curves_until
from backlit.studio.wire import packed, unpacked

TRAINING = {"batch": 16, "rate": 0.05, "engine": "numpy"}
SMALL = {"data": {"rows": 60}, "network": {"layers": [{"units": 3}]}, "training": TRAINING}
CSV = b"size,colour,weight,kind\n" + b"".join(
    f"{i % 7},{'red' if i % 3 else 'blue'},{i * 0.5},{'a' if i % 7 > 3 else 'b'}\n".encode() for i in range(40)
)


@pytest.fixture
def session() -> Session:
    return Session(State.from_dict(SMALL))


def ask(
    session: Session, asked: str, arrays: dict[str, np.ndarray] | None = None, /, **parts: object
) -> dict[str, object]:
    """The first answer, once all that was said is found to keep to the protocol."""
    replies = answer(session, {"type": asked, **parts}, arrays)
    for reply in replies:
        check(reply.message, "tell")
        message, back = unpacked(packed(reply.message, reply.arrays or {}))
        assert message["type"] == reply.message["type"]
        assert set(back) == set(reply.arrays or {})
    return replies[0].message | (replies[0].arrays or {})


def refused(session: Session, asked: str, /, **parts: object) -> str:
    before = bits(session), session.at()
    message = ask(session, asked, **parts)
    assert message["type"] == "error"
    assert (bits(session), session.at()) == before
    return message["what"]["en"]


def bits(session: Session) -> list[bytes]:
    return bits_of(session.first)


def bits_of(side: Side | None) -> list[bytes]:
    assert side is not None
    return [np.asarray(leaf).tobytes() for leaf in tree.leaves(side.timeline.network.params)]


def test_every_message_that_is_declared_is_answered() -> None:
    assert set(ANSWERS) == set(MESSAGES["ask"])


def test_a_page_is_told_all_that_it_needs(session: Session) -> None:
    replies = answer(session, {"type": "hello", "version": 1, "id": 3})
    assert [reply.message["type"] for reply in replies] == ["welcome", "state", "data"]
    assert {reply.message["id"] for reply in replies} == {3}
    catalog = replies[0].message["catalog"]
    assert {"moons", "circles", "xor", "spiral", "gaussians", "digits", "points"} <= {
        d["name"] for d in catalog["data"]
    }
    for part in (*catalog["data"], *catalog["faults"], *catalog["examples"], *catalog["words"]):
        assert set(part["title"]) == {"en", "ko"}
    layers = replies[1].message["layers"]
    assert [(each["path"], each["units"], each["activation"]) for each in layers] == [
        ("input", 2, ""),
        ("0", 3, "tanh"),
        ("2", 2, "softmax"),
    ]
    data = replies[2]
    assert data.arrays["plane"].shape == (60, 2)
    assert data.arrays["held"].sum() == 12
    assert "load the page anew" in refused(session, "hello", version=99)


def test_a_frame_holds_what_was_looked_for(session: Session) -> None:
    panels = ["boundary", "units", "weights", "curves", "histograms", "flow", "doctor"]
    ask(session, "look", panels=panels, grid=10)
    ask(session, "step", updates=7)
    frame = session.frame(2)
    check(frame.message, "tell")
    assert frame.arrays["curves"].shape == (5, 2)
    assert frame.message["curves_from"] == 2
    network, plane = session.first.timeline.network, session.first.timeline.rows.plane
    logits = np.asarray(network(plane.grid(10).astype("float32")), np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(frame.arrays["boundary"].ravel(), shares[:, 1], atol=1e-6)
    hidden = np.tanh(plane.grid(10) @ network.params["0"]["weight"].T + network.params["0"]["bias"])
    np.testing.assert_allclose(frame.arrays["units/0"].reshape(3, 100).T, hidden, atol=1e-6)
    np.testing.assert_array_equal(frame.arrays["param/2/weight"], network.params["2"]["weight"])
    assert [each["layer"] for each in frame.message["flow"]] == ["0", "2"]
    assert sum(frame.message["histograms"][1]["counts"]) > 0
    ask(session, "look", panels=["curves"])
    assert set(session.frame(0).arrays) == {"curves"}
    assert "panels are boundary" in refused(session, "look", panels=["walls"])


def test_time(session: Session) -> None:
    ask(session, "step", updates=5)
    five = bits(session)
    at = ask(session, "step", epochs=1)["at"]
    assert (at["update"], at["epoch"]) == (6, 2.0)  # three updates an epoch: the end of the next one
    ask(session, "play", speed=4)
    session.tick()
    assert (session.at()["update"], session.playing) == (10, True)
    ask(session, "pause")
    session.tick()
    assert session.at()["update"] == 10
    ask(session, "seek", update=5)
    assert bits(session) == five
    assert session.at()["furthest"] == 10
    ask(session, "reset")
    assert (session.at()["update"], session.at()["furthest"]) == (0, 0)


def test_what_is_changed_by_hand_is_kept_in_the_state_and_starts_the_future_anew(session: Session) -> None:
    ask(session, "step", updates=8)
    ask(session, "seek", update=4)
    message = ask(session, "rate", value=0.5)
    assert message["state"]["history"] == [{"at": 4, "do": "rate", "value": 0.5}]
    assert (session.at()["update"], session.at()["furthest"], session.cut) == (4, 4, 4)
    ask(session, "rate", value=0.2)  # at once: in its place
    message = ask(session, "edit", place="0/weight[1,0]", value=-2.0)
    assert message["state"]["history"][0]["value"] == 0.2
    assert session.first.timeline.network.params["0"]["weight"][1, 0] == pytest.approx(-2.0, abs=1e-6)
    message = ask(session, "freeze", layer="0", unit=2, on=True)
    assert message["layers"][1]["frozen"] == [2]
    before = np.array(session.first.timeline.network.params["0"]["weight"])
    ask(session, "step", updates=3)
    after = session.first.timeline.network.params["0"]["weight"]
    assert np.array_equal(before[2], after[2])
    assert not np.array_equal(before[1], after[1])


@pytest.mark.parametrize(
    ("kind", "parts", "text"),
    [
        (
            "edit",
            {"place": "0/weight[9,9]", "value": 1},
            "0/weight has shape (3, 2), so there is no '0/weight[9,9]'",
        ),
        ("edit", {"place": "0/wait[0]", "value": 1}, "there is no weight '0/wait[0]'; name one by path and index"),
        ("freeze", {"layer": "1", "unit": 0, "on": True}, "there is no unit 0 with weights of its own in layer '1'"),
        ("explain", {"layer": "0", "unit": 7}, "there is no unit 7 to look at in layer '0'"),
        ("explain", {}, "explain: name a weight, or a layer and a unit"),
        ("explain", {"weight": "0/bias[0]", "row": 60}, "there is no row 60: the data has 60"),
        ("explain", {"weight": "0/bias[0]", "side": "b"}, "there is no second network; begin with compare"),
        ("pull", {"inputs": [1]}, "pull: the network takes 2 inputs, got 1"),
        ("pull", {"inputs": ["a", "b"]}, "pull: inputs must be numbers"),
        ("keep", {}, "there is no second network; begin with compare"),
        ("discard", {}, "there is no second network; begin with compare"),
        ("compare", {"change": {"data": {"name": "xor"}}}, "compare: both networks learn from the same data"),
        ("compare", {"change": {"training": TRAINING}}, "compare: this is the network that is there already"),
        ("guess", {"key": "rate too high"}, "no fault is planted; begin with break"),
        ("try", {"key": "rain"}, "the doctor doesn't say 'rain' at this update"),
        ("say", {"start": "h"}, "this network learned no text"),
        (
            "configure",
            {"state": {"data": {"name": "moon"}}},
            "unknown data set of the studio 'moon'; did you mean",
        ),
        ("configure", {"state": {"data": {"rows": 1e9}}}, "data: rows must be a whole number"),
        (
            "configure",
            {"state": {"data": {"name": "points"}}},
            "data: draw at least 2 points, of two classes",
        ),
        (
            "configure",
            {"state": {"data": {"name": "points", "points": [[0, 0, 1], [1, 1, 1]]}}},
            "data: all points are of one class; draw some of another",
        ),
        (
            "configure",
            {"state": {"data": {"name": "points", "points": [[0, 0, 9]]}}},
            "data: point 0 must be x, y and a class from 0 to 7, got [0, 0, 9]",
        ),
        (
            "configure",
            {"state": {"data": {"name": "file", "file": "x"}}},
            "data: this file isn't here any more",
        ),
        ("configure", {"state": {"network": {"layers": [{"units": 0}]}}}, "layer: units must be a whole number"),
        ("configure", {"state": {"network": {"layers": [{}] * 13}}}, "network: at most 12 hidden layers, got 13"),
        ("configure", {"state": {"network": {"word": "mlp:999999"}}}, "weights are too many for the studio"),
        ("configure", {"state": {"network": {"word": "cat"}}}, "unknown network 'cat'"),
        (
            "configure",
            {"state": {"network": {"weights": {"0/weight": [[1]]}}}},
            "weights of '0/weight' with shape (1, 1) don't fit the network",
        ),
        ("configure", {"state": {"network": {"weights": {"0/weight": "x"}}}}, "must be lists of numbers"),
        ("configure", {"state": {"training": {"optimizer": "lbfgs"}}}, "unknown optimizer of the studio 'lbfgs'"),
        ("configure", {"state": {"training": {"speed": 1}}}, "unknown option of TrainingState 'speed'"),
        ("configure", {"state": {"weather": {}}}, "unknown part of the state 'weather'"),
        (
            "configure",
            {"state": {"history": [{"at": 1, "do": "rate", "value": -1}]}},
            "a learning rate must be 0",
        ),
        (
            "configure",
            {"state": {"history": [{"do": "rain"}]}},
            "history: do must be 'rate' or 'edit' or 'freeze'",
        ),
        ("upload", {"name": "a.txt", "kind": "text"}, "upload: the file's bytes are missing"),
        ("upload", {"name": "a.csv", "kind": "table"}, "upload: the file's bytes are missing"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    session: Session, kind: str, parts: dict[str, object], text: str
) -> None:
    assert text in refused(session, kind, **parts)


def test_a_weights_next_step_is_that_of_a_sum_by_hand(session: Session) -> None:
    ask(session, "configure", state={"training": {**TRAINING, "optimizer": "sgd"}})
    ask(session, "step", updates=4)
    weight = ask(session, "explain", weight="0/weight[1,0]", row=5)["weight"]
    assert weight["upstream"] * weight["local"] == pytest.approx(weight["gradient"], rel=1e-12)
    assert weight["new"] == pytest.approx(weight["value"] - 0.05 * weight["gradient"], rel=1e-12)
    timeline = session.first.timeline
    network = timeline.network.astype("float64")
    x, y = timeline.rows.x[5:6].astype("float64"), timeline.rows.y[5]

    def loss(value: float) -> float:
        network.params["0"]["weight"][1, 0] = value
        logits = np.asarray(network(x))[0]
        return float(np.log(np.exp(logits).sum()) - logits[y])

    step = 1e-6
    slope = (loss(weight["value"] + step) - loss(weight["value"] - step)) / (2 * step)
    assert weight["gradient"] == pytest.approx(slope, rel=1e-6)
    assert weight["local"] == pytest.approx(float(x[0, 0]), rel=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "rmsprop"])
def test_the_explained_step_is_the_one_that_is_made(session: Session, optimizer: str) -> None:
    ask(session, "configure", state={"training": {**TRAINING, "optimizer": optimizer, "dtype": "float64"}})
    ask(session, "step", updates=6)
    told = [ask(session, "explain", weight=place)["weight"]["new"] for place in ("0/weight[2,1]", "2/bias[0]")]
    ask(session, "step", updates=1)
    params = session.first.timeline.network.params
    np.testing.assert_allclose(told, [params["0"]["weight"][2, 1], params["2"]["bias"][0]], rtol=1e-9)


def test_a_unit_and_inputs_that_someone_pulls_at(session: Session) -> None:
    ask(session, "step", updates=3)
    network = session.first.timeline.network
    x = session.first.timeline.rows.x[4].astype("float64")
    message = ask(session, "explain", layer="0", unit=1, row=4)
    unit = message["unit"]
    value = np.tanh(network.params["0"]["weight"][1] @ x + network.params["0"]["bias"][1])
    assert unit["value"] == pytest.approx(float(value), rel=1e-5)
    assert [each["name"] for each in unit["weights"]] == ["x1", "x2"]
    assert message["map"].shape == (40, 40)
    frame = session.frame()
    assert frame.arrays["values/0"][1] == pytest.approx(float(value), rel=1e-5)
    pulled = ask(session, "pull", inputs=[0.5, -1.0])
    shares = np.asarray(pulled["output"]["probabilities"])
    logits = np.asarray(network(np.array([[0.5, -1.0]], "float32")))[0]
    np.testing.assert_allclose(shares, np.exp(logits) / np.exp(logits).sum(), rtol=1e-5)
    assert pulled["output"]["class"] == str(int(logits.argmax()))


def test_the_worked_examples_of_the_notes(session: Session) -> None:
    steps = ask(session, "walk", example="W1")["steps"]
    assert [step["value"] for step in steps] == [3.0, -12.0, 1.0, 3.0, -4.0, -4.0, -4.0]
    walked = ask(session, "walk", example="W2")
    forward = [step["value"] for step in walked["steps"] if step["phase"] == "forward"]
    expected = [0.51998934, 0.52747230, 0.60944600, 0.66384491, 0.02397190]
    np.testing.assert_allclose(forward, expected, rtol=0, atol=5e-9)
    new = {step["place"]: step["value"] for step in walked["steps"] if step["phase"] == "update"}
    assert new["0/weight[0,1]"] == pytest.approx(0.24919112, abs=5e-9)
    assert new["2/weight[1,1]"] == pytest.approx(0.59624247, abs=5e-9)
    assert [step["edge"] for step in walked["steps"] if step["place"] == "0/weight[0,1]"] == [[2, 3]]
    own = ask(session, "walk", row=3)
    assert {step["phase"] for step in own["steps"]} == {"forward", "backward", "update"}
    ask(session, "configure", state={"network": {"layers": [{"units": 60}]}})
    assert "step by step at most 48 are shown" in refused(session, "walk", row=3)


def test_the_notes_example_as_a_network_to_train(session: Session) -> None:
    welcome = answer(session, {"type": "hello", "version": 1})[0].message
    state = next(each["state"] for each in welcome["catalog"]["examples"] if each["name"] == "W2")
    ask(session, "configure", state=state)
    ask(session, "step", updates=1)
    params = session.first.timeline.network.params
    after = [[0.29959556, 0.24919112], [0.39964496, 0.34928991]]
    np.testing.assert_allclose(params["0"]["weight"], after, rtol=0, atol=5e-9)


def test_the_loss_along_the_path(session: Session) -> None:
    before = ask(session, "surface", grid=5)
    assert (before["kind"], before["path"].shape) == ("random", (1, 2))
    for _ in range(6):
        ask(session, "step", updates=4)
    surface = ask(session, "surface", grid=9)
    assert surface["kind"] == "pca"
    assert surface["updates"].tolist()[-1] == 24
    np.testing.assert_allclose(surface["path"][-1], 0.0, atol=1e-12)
    assert surface["loss"].shape == (9, 9)
    assert np.isfinite(surface["loss"]).all()


def test_two_networks_side_by_side(session: Session) -> None:
    ask(session, "step", updates=6)
    message = ask(session, "compare", change={"training": {**TRAINING, "rate": 0.5}})
    assert message["compare"]["note"] == {"en": "learning rate: 0.05 → 0.5", "ko": "학습률: 0.05 → 0.5"}
    assert message["compare"]["state"]["at"] == 6
    ask(session, "play", speed=3)
    session.tick()
    assert session.second is not None
    assert session.second.timeline.at == session.first.timeline.at == 9
    frame = session.frame()
    assert {"b:boundary", "b:param/0/weight", "b:curves"} <= set(frame.arrays)
    assert frame.message["compare"]["loss"] != frame.message["loss"]
    ask(session, "pause")
    other = [np.asarray(leaf).tobytes() for leaf in tree.leaves(session.second.timeline.network.params)]
    ask(session, "keep")
    assert bits(session) == other
    assert session.state.training.rate == 0.5
    ask(session, "compare", change={"training": TRAINING})
    ask(session, "discard")
    assert (session.second, session.state.training.rate) == (None, 0.5)


def test_the_doctor_and_the_inside_are_of_the_network_that_is_meant(session: Session) -> None:
    ask(session, "compare", change={"training": {**TRAINING, "rate": 20.0}})
    ask(session, "step", epochs=6)
    found = {side: {each["key"] for each in ask(session, "doctor", side=side)["findings"]} for side in "ab"}
    assert "learning rate too high" in found["b"] - found["a"]
    assert session.second is not None
    for side, looks in (("a", session.first.looks), ("b", session.second.looks)):
        ask(session, "look", panels=["flow", "doctor"], side=side)
        frame = session.frame().message
        assert frame["flow"] == looks.flow()
        assert {each["key"] for each in frame["findings"]} == found[side]
    session.playing = True  # where what was seen a moment ago will do, but not of the other network
    session.inside_of = "a"
    assert session.frame().message["flow"] == session.first.looks.flow()
    session.inside_of = "b"
    ask(session, "discard")
    assert session.frame().message["flow"] == session.first.looks.flow()
    assert refused(session, "doctor", side="b")


def test_a_change_by_hand_goes_to_the_network_that_is_meant_and_is_told(session: Session) -> None:
    ask(session, "step", updates=6)
    ask(session, "compare", change={"training": {**TRAINING, "rate": 0.5}})
    first = bits(session)
    told = ask(session, "edit", place="0/weight[0,1]", value=2.0, side="b")
    assert bits(session) == first
    assert session.state.history == ()
    assert "the second alone: 0/weight[0,1] = 2 after update 6" in told["compare"]["note"]["en"]
    assert "두 번째만: 6번째 갱신 뒤 0/weight[0,1] = 2" in told["compare"]["note"]["ko"]
    assert session.second is not None
    assert session.second.timeline.network.params["0"]["weight"][0, 1] == pytest.approx(2.0, abs=1e-6)
    told = ask(session, "freeze", layer="0", unit=1, on=True, side="a")
    assert "the first alone: unit 1 of layer 0 held from update 6" in told["compare"]["note"]["en"]
    assert [column["frozen"] for column in told["layers"]][1] != [
        column["frozen"] for column in told["compare"]["layers"]
    ][1]
    told = ask(session, "rate", value=0.1)  # in both
    assert "0.1" not in told["compare"]["note"]["en"]
    assert [side.timeline.state.history[-1].value for side in session.sides.values()] == [0.1, 0.1]
    ask(session, "step", updates=3)
    assert [side.timeline.at for side in session.sides.values()] == [9, 9]
    alone = Session(session.second.timeline.state.replace(at=0))
    alone.seek(9)
    assert bits(alone) == bits_of(session.second)
    ask(session, "discard")
    assert refused(session, "rate", value=0.1, side="b") == "there is no second network; begin with compare"


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_after_an_edit_at_the_very_start_other_things_are_changed_there_too(engine: str) -> None:
    session = Session(State.from_dict({**SMALL, "training": {**TRAINING, "engine": engine}}))
    ask(session, "edit", place="0/weight[0,1]", value=2.0)
    assert ask(session, "rate", value=0.1)["type"] == "state"
    assert ask(session, "freeze", layer="0", unit=0, on=True)["type"] == "state"
    ask(session, "step", updates=3)
    assert session.first.timeline.network.params["0"]["weight"][0, 1] == 2.0
    other = Session(session.state.replace(at=0))
    other.seek(3)
    assert bits(other) == bits(session)


def test_a_rate_that_is_the_difference_stays_one_though_it_was_changed_before(session: Session) -> None:
    ask(session, "step", updates=4)
    ask(session, "rate", value=0.01)
    ask(session, "step", updates=4)
    told = ask(session, "compare", change={"training": {**TRAINING, "rate": 0.5}})
    assert told["compare"]["state"]["history"] == []
    assert "the first alone: learning rate 0.01 from update 4" in told["compare"]["note"]["en"]
    ask(session, "edit", place="2/weight[1,2]", value=1.0)
    ask(session, "compare", change={"network": {"layers": [{"units": 2}]}})  # where there is no such weight
    assert session.second is not None
    assert [change.do for change in session.second.timeline.state.history] == ["rate"]


WILD = {
    "data": {"name": "diabetes"},
    "network": {"layers": [{"units": 4, "activation": "relu"}] * 3},
    "training": {**TRAINING, "optimizer": "sgd", "rate": 1000.0},
}


def test_a_run_that_diverges_stands_before_it_says_where_and_goes_on_with_another_rate(session: Session) -> None:
    ask(session, "configure", state=WILD)
    ask(session, "step", updates=50)
    at = session.at()["update"]
    said = session.frame().message["diverged"]
    assert said["en"].startswith(f"update {at + 1} would leave no numbers (")
    assert "lower learning rate" in said["en"]
    assert said["ko"].startswith(f"{at + 1}번째 갱신을 하면 수가 아닌 값이 됩니다(")
    assert np.isfinite(
        np.concatenate([leaf.ravel() for leaf in tree.leaves(session.first.timeline.network.params)])
    ).all()
    ask(session, "play")
    session.tick()
    assert (session.playing, session.at()["update"]) == (False, at)
    ask(session, "seek", update=max(0, at - 2))
    assert session.frame().message["diverged"] is None
    ask(session, "reset")
    ask(session, "rate", value=0.001)
    ask(session, "step", updates=at + 3)
    assert session.at()["update"] == at + 3
    assert session.frame().message["diverged"] is None


def test_beside_a_network_that_has_diverged_the_other_one_goes_on(session: Session) -> None:
    ask(session, "configure", state=WILD)
    ask(session, "step", updates=50)
    stuck = session.at()["update"]
    ask(session, "compare", change={"training": {**WILD["training"], "rate": 0.001}})  # type: ignore[dict-item]
    ask(session, "step", updates=20)
    assert [side.timeline.at for side in session.sides.values()] == [stuck, stuck + 20]
    frame = session.frame()
    assert (frame.message["update"], session.at()["furthest"]) == (stuck + 20, stuck + 20)
    assert frame.message["diverged"] is not None
    assert frame.message["compare"]["diverged"] is None
    assert len(frame.arrays["b:curves"]) == len(frame.arrays["curves"]) + 20
    ask(session, "play", speed=5)
    session.tick()
    assert session.at()["update"] == stuck + 25
    ask(session, "pause")
    ask(session, "seek", update=1)
    ask(session, "rate", value=0.001, side="a")
    assert [side.timeline.at for side in session.sides.values()] == [1, 1]
    ask(session, "step", updates=stuck + 2)
    assert [side.timeline.at for side in session.sides.values()] == [stuck + 3, stuck + 3]


def test_the_doctors_remedy_is_tried_beside_the_network(session: Session) -> None:
    ask(session, "configure", state={"training": {**TRAINING, "rate": 20.0}})
    ask(session, "step", epochs=6)
    found = {each["key"]: each for each in ask(session, "doctor")["findings"]}
    high = found["learning rate too high"]
    assert high["change"]["training"]["rate"] < 20.0
    assert set(high["title"]) == set(high["text"]) == set(high["where"]) == {"en", "ko"}
    message = ask(session, "try", key="learning rate too high")
    assert message["compare"]["state"]["training"]["rate"] == high["change"]["training"]["rate"]


@pytest.mark.parametrize("key", list(faults.FAULTS))
def test_a_planted_fault_does_harm_and_is_found_by_its_name_alone(
    session: Session, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "chosen", lambda seed, state: key)
    ask(session, "configure", state={"data": {"name": "xor", "rows": 80}})
    ask(session, "step", updates=150)
    honest = session.first.looks.history()[-1]["loss"]
    message = ask(session, "break")
    assert message["planted"]
    assert message["state"]["training"] == session.honest.training.to_dict()  # nothing in it tells
    assert message["state"]["network"] == session.honest.network.to_dict()
    ask(session, "step", updates=150)
    timeline = session.first.timeline
    worse = timeline.diverged is not None or session.first.looks.history()[-1]["loss"] > honest + 0.05
    assert worse
    assert ask(session, "doctor")["findings"], key  # the doctor sees that something is wrong
    assert "a fault is planted: find it first" in ask(session, "code")["what"]["en"]
    other = next(name for name in faults.FAULTS if name != key)
    assert not ask(session, "guess", key=other)["right"]
    judged = ask(session, "guess", key=key)
    assert judged["right"]
    assert faults.FAULTS[key].title.ko in judged["what"]["ko"]
    assert (session.planted, session.at()["update"]) == (None, 0)


# ------------------------------------------------------------------------------------------------ own data


def test_a_table_that_is_dropped(session: Session) -> None:
    told = ask(session, "upload", {"file": np.frombuffer(CSV, np.uint8)}, name="C:\\me\\things.csv", kind="table")
    assert (told["rows"], told["target"]) == (40, "kind")
    kinds = {each["name"]: each["kind"] for each in told["columns"]}
    assert kinds == {"size": "whole number", "colour": "yes/no", "weight": "number", "kind": "target"}
    data = {"name": "file", "file": told["file"], "target": "kind", "inputs": ["size", "weight"]}
    state = ask(session, "configure", state={"data": data})
    assert state["type"] == "state"
    told = session.data().message
    assert (told["columns"], told["classes"], told["shown"]["projected"]) == (["size", "weight"], ["a", "b"], False)
    ask(session, "configure", state={"data": {**data, "inputs": []}})
    told = session.data().message
    assert told["shown"]["projected"]
    assert "a projection of" in told["shown"]["note"]["en"]
    ask(session, "configure", state={"data": {**data, "target": "weight", "inputs": ["size", "colour"]}})
    assert session.data().message["task"] == "regression"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.exe", b"MZ", "a file that ends in .csv, .tsv"),
        ("a.csv", b"", "a.csv"),
        ("a.csv", b"a,b\n1,2\n", "a.csv: at least 4 rows and 2 columns are needed, got 1 and 2"),
        ("a.csv", b"x" * (8 * 2**20 + 1), "a.csv: 8,388,609 bytes are too many; at most 8 MiB"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 20_001, "a.csv: 20,001 rows and 2 columns are too many for the studio"),
        ("a.parquet", b"PAR1....PAR1", "a.parquet"),
        ("a.json", b"{", "a.json"),
        ("a.json", b"3", "a.json"),
        ("a.csv", b"\x00\x01\x02" * 30, "a.csv"),
        ("a.csv", b"\xff\xfe\x00\xd8" * 9, "a.csv"),
        ("a.csv", b"a,b\n" + b"1,2,3,4\n" * 9, "a.csv"),
        ("a.xlsx", b"PK\x03\x04 no zip", "a.xlsx"),
        ("a.tsv", b"a\tb\n", "a.tsv"),
        ("a", b"a,b\n1,2\n", "a file that ends in .csv, .tsv"),
        ("", b"a,b\n1,2\n", "a file that ends in .csv, .tsv"),
    ],
)
def test_broken_and_large_files_are_refused_without_a_path_of_this_machine(
    session: Session, name: str, data: bytes, text: str
) -> None:
    message = ask(session, "upload", {"file": np.frombuffer(data, np.uint8)}, name=name, kind="table")
    assert message["type"] == "error"
    assert text in message["what"]["en"]
    assert "/tmp" not in message["what"]["en"]  # noqa: S108
    assert "backlit-studio-" not in message["what"]["en"]


def test_names_of_data_are_data_alone(session: Session) -> None:
    """Nothing that a file says reaches code or markup: it comes out as it went in, quoted in the program."""
    evil = "<img src=x onerror=alert(1)>'\"\\nimport os"
    text = f'"{evil.replace(chr(34), chr(34) * 2)}",b,c\n' + "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(20))
    told = ask(session, "upload", {"file": np.frombuffer(text.encode(), np.uint8)}, name=f"{evil}.csv", kind="table")
    name = told["columns"][0]["name"]
    ask(
        session,
        "configure",
        state={"data": {"name": "file", "file": told["file"], "target": "c", "inputs": [name, "b"]}},
    )
    python = ask(session, "code")["python"]
    compile(python, "studio", "exec")
    assert repr(name) in python
    assert "\nimport os" not in python


# ------------------------------------------------------------------------------------------------ sharing

COPIED = [
    {"training": {**TRAINING, "optimizer": "adam"}},
    {"data": {"name": "spiral", "rows": 90, "groups": 3}, "training": {**TRAINING, "penalty": "l2", "batch": 0}},
    {"data": {"name": "points", "points": [[0, 0, 0], [1, 1.5, 3], [1, 0, 3], [0.1, 0.3, 0]]}, "training": TRAINING},
    {"data": {"name": "iris"}, "network": {"word": "residual:4,4", "activation": "relu"}, "training": TRAINING},
    {"training": {**TRAINING, "engine": "xla"}, "history": [{"at": 3, "do": "rate", "value": 0.01}]},
    {
        "network": {"layers": [{"units": 3, "dropout": 0.5}], "initializer": "normal:0.5"},
        "training": TRAINING,
        "history": [
            {"at": 0, "do": "edit", "place": "0/weight[0,0]", "value": 3},
            {"at": 4, "do": "freeze", "layer": "0", "unit": 1, "on": True},
            {"at": 6, "do": "edit", "place": "3/weight[1,2]", "value": -1},
        ],
    },
]


@pytest.mark.parametrize("parts", COPIED)
def test_the_copied_program_gives_the_same_bits(session: Session, parts: dict[str, object]) -> None:
    assert ask(session, "configure", state={**parts, "at": 11})["type"] == "state"
    message = ask(session, "code")
    space: dict[str, object] = {}
    with contextlib.redirect_stderr(io.StringIO()):
        exec(compile(message["python"], "studio", "exec"), space)  # noqa: S102
    network = space["network"]
    assert isinstance(network, bl.Network)
    assert [np.asarray(leaf).tobytes() for leaf in tree.leaves(network.params)] == bits(session)
    history, curves = space["run"].history, session.first.timeline.curves  # type: ignore[attr-defined]
    assert history["loss"] == curves.loss.tolist()  # the curve that is seen, to the last digit
    if session.first.timeline.held_rows.any():
        assert history["val_loss"] == curves.held_loss.tolist()
    link = state_of(message["link"])
    assert link == session.state
    assert message["link"] in message["command"]
    words = shlex.split(message["command"])
    assert words[:3] == ["backlit", "studio", "--state"]
    other = beginning(None, words[3])()
    while other.busy:
        other.tick()
    assert bits(other) == bits(session)
    assert other.first.timeline.curves.loss.tolist() == curves.loss.tolist()


def test_the_copied_program_of_a_file_reads_that_file(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ask(session, "upload", {"file": np.frombuffer(CSV, np.uint8)}, name="things.csv", kind="table")
    data = {"name": "file", "file": told["file"], "target": "kind", "inputs": ["size", "weight"]}
    ask(session, "configure", state={"data": data, "at": 9})
    (tmp_path / "things.csv").write_bytes(CSV)
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    with contextlib.redirect_stderr(io.StringIO()):
        exec(compile(ask(session, "code")["python"], "studio", "exec"), space)  # noqa: S102
    assert [np.asarray(leaf).tobytes() for leaf in tree.leaves(space["network"].params)] == bits(session)  # type: ignore[attr-defined]


def test_the_code_is_of_the_network_that_is_shown(session: Session) -> None:
    ask(session, "step", updates=4)
    ask(session, "compare", change={"training": {**TRAINING, "rate": 0.5}})
    first, second = ask(session, "code"), ask(session, "code", side="b")
    assert state_of(first["link"]).training.rate == 0.05
    assert state_of(second["link"]).training.rate == 0.5
    other = Session(state_of(second["link"]).replace(at=0))
    other.seek(4)
    assert bits(other) == bits_of(session.second)


def test_a_link_holds_no_data_of_a_file(session: Session) -> None:
    told = ask(session, "upload", {"file": np.frombuffer(CSV, np.uint8)}, name="things.csv", kind="table")
    ask(session, "configure", state={"data": {"name": "file", "file": told["file"], "target": "kind"}})
    message = ask(session, "code")
    assert "red" not in message["link"]
    assert any("drops the same file" in note["en"] for note in message["notes"])
    with pytest.raises(bl.InputError, match="a state must be an object"):
        state_of("[]")


def test_what_fails_inside_is_said_without_a_trace(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("/home/me/secret")

    monkeypatch.setitem(ANSWERS, "pause", broken)
    text = refused(session, "pause")
    assert text == "something went wrong in the studio (ValueError); nothing was changed"
    assert link_of(session.state)


def test_a_session_needs_no_jax_no_threads_and_no_server() -> None:
    """So that it runs in a browser's worker, too."""
    code = """
import sys, threading
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("jax", "jaxlib", "starlette", "uvicorn", "websockets"):
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Without())
from importlib import util
find = util.find_spec
util.find_spec = lambda name: None if name == "jax" else find(name)
from backlit.studio.answers import answer
from backlit.studio.opening import beginning
from backlit.studio.session import Session
from backlit.studio.side import Side
session = Session()
explain = {"type": "explain", "weight": "0/bias[0]"}
for message in ({"type": "hello", "version": 1}, {"type": "step", "updates": 3}, explain):
    assert all(reply.message["type"] != "error" for reply in answer(session, message)), message
session.frame()
print(session.first.timeline.engine, threading.active_count())
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("numpy 1\n", "")


def test_a_network_that_is_too_large_is_refused_before_its_weights_are_drawn(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(bl.Layer, "build", drawn)
    text = refused(session, "configure", state={"network": {"word": "mlp:4000,4000"}})
    assert text == "network: 16,024,002 weights are too many for the studio, which takes 500,000"


@pytest.mark.slow
def test_a_change_by_hand_is_not_left_on_the_way_but_for_what_is_built_anew() -> None:
    session = Session(State.from_dict(SMALL | {"training": TRAINING | {"engine": "xla"}}))
    ask(session, "seek", update=200)
    session.interrupted = lambda anew: not anew  # pause is pressed
    assert ask(session, "rate", value=0.5)["at"]["update"] == 200
    assert ask(session, "step", updates=500)["at"]["update"] < 300
    session.interrupted = lambda anew: True  # reset is
    assert ask(session, "rate", value=0.1)["at"]["update"] < 200


def test_curves_of_a_long_run_are_bounded_and_stand_for_all_of_it(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backlit.studio.telling.MOST_CURVES", 10)
    ask(session, "step", updates=47)
    curves = session.first.timeline.curves
    frame = session.frame(5)
    assert (frame.message["curves_from"], frame.message["curves_apart"]) == (5, 4)
    np.testing.assert_allclose(
        frame.arrays["curves"][:, 0], np.array(curves.loss[5:45]).reshape(10, 4).mean(axis=1), rtol=1e-6
    )
    np.testing.assert_allclose(frame.arrays["curves"][:, 1], np.array(curves.held_loss[5:45])[3::4], rtol=1e-6)
    assert curves_until(session, 5) == 45
    rest = session.frame(45)
    assert (rest.message["curves_apart"], len(rest.arrays["curves"]), curves_until(session, 45)) == (1, 2, 47)


def test_the_history_of_a_long_run_is_bounded(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    length = session.first.timeline.updates_per_epoch
    ask(session, "step", epochs=9)
    looks, curves = session.first.looks, session.first.timeline.curves
    lines = looks.history()
    assert [line["epoch"] for line in lines] == list(range(1, 10))
    assert lines[2]["loss"] == pytest.approx(float(np.mean(curves.loss[2 * length : 3 * length])))
    assert lines[2]["val_loss"] == curves.held_loss[3 * length - 1]
    monkeypatch.setattr("backlit.studio.looks.MOST_EPOCHS", 4)
    thin = looks.history()
    assert [line["epoch"] for line in thin] == [3, 6, 9]
    assert thin[1]["loss"] == pytest.approx(float(np.mean(curves.loss[3 * length : 6 * length])))


def test_whole_numbers_may_be_written_with_a_point(session: Session) -> None:
    assert ask(session, "look", grid=40.0)["type"] == "done"
    assert ask(session, "seek", update=3.0)["at"]["update"] == 3
    assert ask(session, "play", speed=2.0)["type"] == "done"
    assert type(session.grid) is int
    assert type(session.speed) is int
    session.tick()
    assert session.frame().arrays is not None
    assert session.at()["update"] == 5


def test_a_look_that_is_refused_changes_nothing_of_what_is_seen(session: Session) -> None:
    before = session.panels, session.grid, session.row
    for wrong in ({"row": 10_000}, {"panels": ["curves", "everything"]}, {"panels": [["curves"]]}):
        assert refused(session, "look", **{"grid": 20, "panels": ["curves"]} | wrong)
        assert (session.panels, session.grid, session.row) == before


def test_what_nobody_has_thought_of_is_told_and_logged(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise AttributeError("/home/me")

    monkeypatch.setitem(ANSWERS, "code", broken)
    text = refused(session, "code")
    assert text == "something went wrong in the studio (AttributeError); nothing was changed"
    assert "the studio failed at 'code'" in caplog.text
    assert "AttributeError: /home/me" in caplog.text


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_the_explained_step_has_the_penalty_and_what_is_held_or_set(
    session: Session, optimizer: str, penalty: str
) -> None:
    training = {**TRAINING, "optimizer": optimizer, "penalty": penalty, "strength": 0.3, "dtype": "float64"}
    ask(session, "configure", state={"training": training})
    ask(session, "step", updates=4)
    ask(session, "edit", place="0/weight[0,0]", value=0.75)
    ask(session, "freeze", layer="0", unit=1, on=True)
    ask(session, "seek", update=3)
    places = ("0/weight[0,0]", "0/weight[2,1]", "0/bias[2]", "0/weight[1,0]", "0/bias[1]")
    for update in (4, 5):  # the first of them ends with the edit
        told = {place: ask(session, "explain", weight=place)["weight"] for place in places}
        ask(session, "step", updates=1)
        weight, bias = (session.first.timeline.network.params["0"][name] for name in ("weight", "bias"))
        made = weight[0, 0], weight[2, 1], bias[2], weight[1, 0], bias[1]
        np.testing.assert_allclose([each["new"] for each in told.values()], made, rtol=1e-9)
        set_, free, of_bias, *held = told.values()
        assert ("set by hand to 0.75" in set_["note"]["en"]) == (update == 4)
        assert free["note"]["en"] == of_bias["note"]["en"] == ""
        pulled = [line for line in free["step"] if "λ" in line]
        assert len(pulled) == 1
        assert ("sign(w)" in pulled[0]) == (penalty == "l1")
        assert not any("λ" in line for line in of_bias["step"])  # penalties leave biases alone
        if update == 5:
            assert [each["new"] for each in held] == [each["value"] for each in held]
            assert held[0]["note"]["en"] == "the unit is held: its weights stay as they are"
            assert held[0]["note"]["ko"].startswith("유닛을 고정해")
            assert held[0]["step"][-2] == "u ← 0"
