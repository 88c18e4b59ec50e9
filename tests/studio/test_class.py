"""A class at once: thirty sessions train side by side, none starves, and together they stay within their share."""

import time

import numpy as np
import pytest

from backlit.graph import tree
from backlit.studio.quota import CLASS_KEPT_BYTES, Quota
from backlit.studio.replies import Reply
from backlit.studio.session import Session
from backlit.studio.state import State
from backlit.studio.worker import Client, Worker

PUPILS, UPDATES = 30, 300
SMALL = State.from_dict({"data": {"rows": 60}, "network": {"layers": [{"units": 4}]}, "training": {"batch": 16}})


class Pupil:
    """A page that asks, and has seen each frame as soon as it comes."""

    def __init__(self, quota: Quota) -> None:
        self.worker = Worker(lambda: Session(SMALL, quota=quota))
        self.frames, self.errors, self.update = 0, [], 0
        self.client = Client(self.hear)
        self.worker.join(self.client)
        self.ask("hello", version=1)
        self.ask("play", speed=0)

    def ask(self, kind: str, **parts: object) -> None:
        self.worker.post(self.client, {"type": kind, **parts}, {})

    def hear(self, reply: Reply) -> None:
        kind = reply.message["type"]
        if kind == "error":
            self.errors.append(reply.message)
        if kind == "frame":
            self.frames, self.update = self.frames + 1, reply.message["update"]
            self.ask("seen", frame=reply.message["frame"])


@pytest.mark.slow
def test_thirty_pupils_train_at_once() -> None:
    quota = Quota.of_a_class(PUPILS)
    pupils = [Pupil(quota) for _ in range(PUPILS)]
    try:
        end = time.monotonic() + 300
        while min(pupil.update for pupil in pupils) < UPDATES:
            assert time.monotonic() < end, sorted(pupil.update for pupil in pupils)
            time.sleep(0.05)
        slow, fast = (np.quantile([pupil.update for pupil in pupils], share) for share in (0.0, 0.5))
        assert slow > fast / 20  # all have begun at different times; none was left behind
        for pupil in pupils:
            pupil.ask("pause")
        assert [pupil.errors for pupil in pupils] == [[]] * PUPILS
        assert min(pupil.frames for pupil in pupils) > 3  # and each was seen to learn
        lines = [pupil.worker.session.first.timeline for pupil in pupils]  # type: ignore[union-attr]
        assert {line.engine for line in lines} == {"numpy"}
        states = [moment.state for line in lines for moment in {**line._recent, **line._kept}.values()]
        size = sum(np.asarray(leaf).nbytes for state in states for leaf in tree.leaves(state))
        assert size <= CLASS_KEPT_BYTES
        assert max(line.curves.nbytes for line in lines) < 3_000_000
    finally:
        for pupil in pupils:
            pupil.worker.stop(0.0)
        ended = [pupil.worker.stop(10.0) for pupil in pupils]
    assert all(ended)


def test_a_share_is_held_to_where_states_are_large() -> None:
    """What thirty may keep is bounded by bytes, whatever the networks: fewer states of large ones."""
    quota = Quota.of_a_class(PUPILS)
    state = State.from_dict({
        "data": {"rows": 60}, "network": {"layers": [{"units": 200}, {"units": 200}]},
        "training": {"batch": 16, "engine": "numpy"},
    })  # fmt: skip
    session = Session(state, quota=quota)
    line = session.first.timeline
    size = sum(np.asarray(leaf).nbytes for leaf in tree.leaves(line._now.state))
    session.seek(150)
    held = len({**line._recent, **line._kept})
    assert held * size <= CLASS_KEPT_BYTES // PUPILS
    assert held < 64  # of a small network there would be more
