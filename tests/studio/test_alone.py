"""The session without threads, as it runs in a browser's worker: what is heard and told, turn by turn."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from backlit.studio import alone as alone_
from backlit.studio import session as session_
from backlit.studio.alone import Alone
from backlit.studio.answers import answer
from backlit.studio.session import Session
from backlit.studio.state import State
from backlit.studio.wire import packed, unpacked

SMALL = {"data": {"rows": 40}, "network": {"layers": [{"units": 2}]}, "training": {"engine": "numpy", "batch": 10}}
STATE = State.from_dict(SMALL)


class Page:
    """Whom a session talks to: what it was told, and how it asks."""

    def __init__(self, state=STATE):
        self.told, self.turns = [], 0
        self.alone = Alone(self._hear, lambda: Session(state))
        self.session = self.alone.session

    def _hear(self, data):
        message, arrays = (json.loads(data), {}) if isinstance(data, str) else unpacked(data)
        self.told.append({**message, "arrays": arrays})

    def ask(self, asked, arrays=None, **parts):
        message = {"type": asked, **parts}
        self.alone.hear(json.dumps(message) if arrays is None else packed(message, arrays))

    def turn(self):
        """One turn; what it told."""
        del self.told[:]
        self.turns += 1
        self.rest = self.alone.turn()
        return self.told

    def frames(self):
        return [message for message in self.told if message["type"] == "frame"]

    def settle(self, turns=400):
        """Turns until there is nothing to do, each frame seen at once; the last frame."""
        last = None
        for _ in range(turns):
            for frame in self.frames():
                last = frame
                self.ask("seen", frame=frame["frame"])
            if not self.turn() and self.rest is None:
                return last
        raise AssertionError("it doesn't come to rest")


@pytest.fixture
def page():
    page = Page()
    page.ask("hello", version=1, id=1)
    page.settle()
    return page


def kinds(told):
    return [message["type"] for message in told]


def test_a_page_is_greeted_and_sees_a_frame():
    page = Page()
    assert page.turn() == []  # nobody is there yet
    page.ask("hello", version=1, id=7)
    assert kinds(page.turn()) == ["welcome", "state", "data", "frame"]
    assert page.told[0]["id"] == 7
    assert page.told[3]["arrays"]["boundary"].shape[:2] == (40, 40)
    assert page.rest is None


def test_a_frame_waits_until_the_last_one_was_seen(page):
    page.ask("step", updates=1)
    assert kinds(page.turn()) == ["done", "frame"]
    page.ask("step", updates=1)
    assert kinds(page.turn()) == ["done"]
    page.ask("seen", frame=1)
    assert kinds(page.turn()) == ["frame"]
    assert page.told[0]["update"] == 2


def test_playing_goes_on_from_turn_to_turn_so_many_updates_a_frame(page, monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(alone_, "time", SimpleNamespace(monotonic=lambda: clock.now))
    page.ask("play", speed=3)
    page.turn()
    assert page.frames()[0]["update"] == 3
    assert page.rest == pytest.approx(alone_.FRAME_SECONDS)
    page.ask("seen", frame=page.frames()[0]["frame"])
    clock.now += page.rest / 2
    page.turn()
    assert page.session.first.timeline.at == 3  # not yet
    clock.now += page.rest + 1e-9
    page.turn()
    assert page.frames()[0]["update"] == 6
    page.ask("pause")
    page.turn()
    assert page.rest is None
    assert page.session.first.timeline.at == 6


def test_without_a_speed_updates_come_as_fast_as_they_can(page, monkeypatch):
    monkeypatch.setattr(session_, "FRAME_SECONDS", 0.5)
    page.ask("play", speed=0)
    page.turn()
    assert page.rest == 0.0
    assert page.session.first.timeline.at > 3


def test_messages_are_heard_on_a_long_way_which_then_goes_on_to_its_end(page, monkeypatch):
    monkeypatch.setattr(alone_, "TURN_SECONDS", 0.0)
    page.ask("seek", update=150)
    page.turn()
    assert 0 < page.session.first.timeline.at < 150
    assert page.settle()["update"] == 150

    page.ask("step", epochs=50)
    page.turn()
    assert page.session.first.timeline.at < 150 + 50 * 4
    page.ask("pause")
    page.settle()
    there = page.session.first.timeline.at
    assert there < 150 + 50 * 4

    page.ask("configure", state={"at": there + 70})
    assert page.settle()["update"] == there + 70
    page.ask("seek", update=3)
    assert page.settle()["update"] == 3
    other = Page()
    other.session.seek(3)
    answered = [answer(one.session, {"type": "code"})[0].message["python"] for one in (page, other)]
    assert answered[0] == answered[1]


def test_two_networks_and_late_tasks_are_interrupted_as_well(page, monkeypatch):
    monkeypatch.setattr(alone_, "TURN_SECONDS", 0.0)
    page.ask("seek", update=300)
    page.settle()
    page.ask("compare", change={"training": {**SMALL["training"], "rate": 0.5}})
    page.turn()
    assert page.session.second.timeline.at < 300
    page.settle()
    assert page.session.second.timeline.at == 300
    page.ask("step", updates=300)
    page.turn()
    assert page.session.first.timeline.at < 600
    page.settle()
    assert [side.timeline.at for side in page.session.sides.values()] == [600, 600]
    page.ask("assign", task={"goals": [{"of": "weights", "most": 99}]}, state={**SMALL, "at": 400})
    page.turn()
    assert 0 < page.session.first.timeline.at < 400
    assert page.settle()["update"] == 400


def test_a_task_keeps_its_most_updates_wherever_one_aims(page, monkeypatch):
    monkeypatch.setattr(alone_, "TURN_SECONDS", 0.0)
    page.ask("assign", task={"goals": [{"of": "weights", "most": 99}], "most_updates": 200}, state=SMALL)
    page.settle()
    for asked in ({"asked": "step", "updates": 900}, {"asked": "seek", "update": 900}):
        page.ask(**asked)
        assert page.settle()["update"] == 200
        page.ask("seek", update=3)
        page.settle()
    page.session.aim = 900
    while page.session.busy:
        page.session.tick()
    assert page.session.first.timeline.at == 200


def test_of_several_seeks_only_the_last_is_made(page):
    for update in (5, 9, 2):
        page.ask("seek", update=update, id=update)
    page.turn()
    assert [message["id"] for message in page.told if message["type"] == "done"] == [5, 9, 2]
    assert page.session.first.timeline.furthest == 2


def test_curves_are_sent_on_from_where_they_were(page):
    page.ask("step", updates=4)
    assert page.settle()["arrays"]["curves"].shape == (4, 2)
    page.ask("step", updates=2)
    frame = page.settle()
    assert frame["curves_from"] == 4
    page.ask("seek", update=3)
    page.settle()
    page.ask("rate", value=0.5)
    assert page.settle()["curves_from"] == 3  # what came after doesn't hold any more


def test_a_frame_of_the_pages_is_read_as_the_servers_is(page):
    page.ask("upload", {"file": np.frombuffer(b"a,b\n1,2\n2,3\n3,5\n4,6\n", np.uint8)}, name="t.csv", kind="table")
    assert kinds(page.turn()) == ["uploaded"]

    class JavaScripts:  # what Pyodide hands over of an ArrayBuffer
        def to_bytes(self):
            return packed({"type": "step", "updates": 1}, {})

    page.alone.hear(JavaScripts())
    assert kinds(page.turn())[0] == "done"


def test_what_is_no_message_is_refused_and_changes_nothing(page):
    for wrong in ("{", b"\xff\xff\xff\xff\x00", '{"type": "fly"}'):
        page.alone.hear(wrong)
    assert kinds(page.told) == ["error", "error"]
    assert kinds(page.turn()) == ["error"]  # who reads it sees that it isn't of the protocol
    assert page.session.first.timeline.at == 0


def test_a_failure_stops_the_run_and_is_told(page, monkeypatch):
    page.ask("play", speed=0)
    page.turn()
    monkeypatch.setattr(page.session, "tick", lambda: None.a)
    page.turn()
    assert page.told[-1]["what"]["en"] == "something went wrong in the studio (AttributeError); nothing was changed"
    assert not page.session.playing
    assert page.rest is None


def test_a_state_that_cannot_be_made_gives_the_usual_one_and_says_why():
    def made():
        raise AttributeError("secret")

    told = []
    alone = Alone(told.append, made)
    alone.hear('{"type": "hello", "version": 1}')
    alone.turn()
    assert '"what":{"en":"something went wrong in the studio (AttributeError)' in "".join(
        data for data in told if isinstance(data, str)
    )


def test_an_edit_and_a_freeze_before_the_first_update_go_together(page):
    page.ask("edit", place="0/weight[0,0]", value=2.0)
    page.ask("freeze", layer="0", unit=1, on=True)
    page.turn()
    assert "error" not in kinds(page.told)
    page.settle()
    page.ask("step", updates=3)
    page.settle()
    start, now = page.session.first.timeline.job.start["params"], page.session.first.timeline.network.params
    assert start["0"]["weight"][0, 0] == 2.0
    assert np.array_equal(now["0"]["weight"][1], start["0"]["weight"][1])
    assert not np.array_equal(now["0"]["weight"][0], start["0"]["weight"][0])
