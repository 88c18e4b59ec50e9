"""What a session may take of the machine, and what is there again after it has rested."""

import numpy as np
import pytest

from backlit.graph import tree
from backlit.studio.answers import answer
from backlit.studio.quota import Quota
from backlit.studio.session import Session
from backlit.studio.state import State
from backlit.studio.texts import text_file
from backlit.studio.timeline import RECENT

SMALL = {"data": {"rows": 40}, "network": {"layers": [{"units": 2}]}, "training": {"batch": 8, "engine": "numpy"}}
TEXT = b"a small text that is said again and again. " * 4


def ask(session: Session, asked: str, /, arrays: dict[str, np.ndarray] | None = None, **parts: object) -> dict:
    message = answer(session, {"type": asked, **parts}, arrays)[0].message
    assert message["type"] != "error", message
    return message


def drop(session: Session, name: str = "a.txt") -> str:
    return ask(session, "upload", {"file": np.frombuffer(TEXT, np.uint8)}, name=name, kind="text")["file"]


def learn_from(session: Session, file: str) -> None:
    network = {"layers": [{"units": 2, "kind": "rnn"}]}
    ask(session, "configure", state={"data": {"name": "file", "file": file, "steps": 8}, "network": network})


def bits(session: Session, side: str = "a") -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in tree.leaves(session.side(side).timeline.network.params)]


def arrived(session: Session) -> Session:
    """A session that rested, once it is where it was."""
    again = session.rested()()
    while again.busy:
        again.tick()
    return again


def test_the_file_that_is_learned_from_stays_whatever_is_dropped() -> None:
    session = Session(State.from_dict(SMALL), quota=Quota(files=1))
    first = drop(session)
    learn_from(session, first)
    ask(session, "step", updates=3)
    later = [drop(session) for _ in range(3)]
    assert list(session.files) == [first, later[-1]]
    assert len({first, *later}) == 4  # a name is never another file's
    again = arrived(session)
    assert (again.state, bits(again)) == (session.state, bits(session))
    learn_from(session, later[-1])
    ask(session, "compare", change={"training": {"rate": 0.5}})
    last = drop(session)
    assert list(session.files) == [later[-1], last]


def test_what_the_studio_was_opened_with_stays_and_does_not_count() -> None:
    run = text_file("run.txt", TEXT)
    session = Session(State.from_dict(SMALL), {"run": run}, Quota(files=1))
    assert [drop(session), drop(session)] == ["file1", "file2"]
    assert list(session.files) == ["run", "file2"]
    learn_from(session, "run")


def test_a_comparison_and_a_planted_fault_are_there_again_after_a_rest() -> None:
    session = Session(State.from_dict(SMALL))
    ask(session, "step", updates=30)
    ask(session, "compare", change={"training": {**SMALL["training"], "rate": 0.5}})
    ask(session, "step", updates=9)
    again = arrived(session)
    assert again.told().message["compare"] == session.told().message["compare"]
    assert (bits(again), bits(again, "b")) == (bits(session), bits(session, "b"))

    ask(session, "discard")
    ask(session, "break", seed=1)
    ask(session, "step", updates=5)
    again = arrived(session)
    assert (again.planted, again.state, again.at()) == (session.planted, session.state, session.at())
    assert bits(again) == bits(session)
    assert ask(again, "guess", key=session.planted)["right"]


@pytest.mark.slow
def test_one_that_rests_on_its_way_still_comes_to_where_it_was() -> None:
    session = Session(State.from_dict(SMALL))
    ask(session, "step", updates=2000)
    under_way = session.rested()()
    under_way.tick()
    assert under_way.at()["update"] < 2000
    assert arrived(under_way).at()["update"] == 2000


def test_states_that_were_just_there_are_counted_too() -> None:
    parts = {**SMALL, "network": {"layers": [{"units": 100}, {"units": 100}]}}
    size = sum(leaf.nbytes for leaf in tree.leaves(Session(State.from_dict(parts)).first.timeline.train_state))
    timeline = Session(State.from_dict(parts), quota=Quota(kept_bytes=12 * size)).first.timeline
    for _ in range(40):
        timeline.advance(1)
    timeline.advance(64 * 12)
    kept = {id(state) for state in (*timeline._kept.values(), *timeline._recent.values())}
    assert 4 <= len(kept) <= 12 < RECENT
    for update in (700, 699, 3):
        timeline.seek(update)
        assert timeline.at == update


@pytest.mark.slow
def test_a_second_network_that_is_behind_comes_after_before_both_go_on() -> None:
    session = Session(State.from_dict(SMALL))
    ask(session, "step", updates=500)
    session.interrupted = lambda anew: not anew
    ask(session, "compare", change={"training": {**SMALL["training"], "rate": 0.5}})
    session.interrupted = lambda anew: False
    assert session.behind > 0
    session.speed, session.playing = 10, True
    behind = session.behind
    session.tick()
    assert (session.behind, session.at()["update"]) == (behind - 10, 500)
    session.aim = 510
    while session.busy:
        session.tick()
    assert [side.timeline.at for side in session.sides.values()] == [510, 510]
    whole = Session(State.from_dict(SMALL))
    ask(whole, "compare", change={"training": {**SMALL["training"], "rate": 0.5}})
    ask(whole, "step", updates=510)
    assert bits(whole, "b") == bits(session, "b")
