"""The studio's server: who may talk to it, what pages and sessions say to each other, and what a slow page costs."""

import contextlib
import itertools
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect

from backlit import extras
from backlit.errors import InputError
from backlit.studio import desks, server
from backlit.studio import first as firsts
from backlit.studio.answers import answer
from backlit.studio.guard import Guard
from backlit.studio.opening import beginning
from backlit.studio.protocol import VERSION
from backlit.studio.quota import Quota
from backlit.studio.replies import Reply
from backlit.studio.server import application, listening
from backlit.studio.session import Session
from backlit.studio.sharing import link_of, linked
from backlit.studio.state import State
from backlit.studio.talking import IDLE_CODE
from backlit.studio.wire import from_json, packed, to_json, unpacked
from backlit.studio.worker import Client, Worker

PORT, TOKEN = 8321, "a-token-of-the-tests"
HERE = f"http://127.0.0.1:{PORT}"
SMALL = {"data": {"rows": 40}, "network": {"layers": [{"units": 2}]}, "training": {"batch": 8, "engine": "numpy"}}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<!doctype html><title>studio</title>")
    (folder / "parts").mkdir()
    (folder / "parts" / "a.js").write_text("export const a = 1;")
    (folder / "secret.py").write_text("token = 1")
    return folder


def make_session() -> Session:
    return Session(State.from_dict(SMALL))


@pytest.fixture
def guard() -> Guard:
    return Guard(PORT, token=TOKEN)


@pytest.fixture
def client(guard: Guard, page: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(server, "PAGE", page)
    with TestClient(application(guard, make_session), base_url=HERE) as client:
        yield client


def enter(client: TestClient) -> None:
    assert client.get("/", params={"token": TOKEN}).status_code == 200


@contextlib.contextmanager
def talking(client: TestClient, **headers: str) -> Iterator["Page"]:
    own = {"origin": HERE, "host": f"127.0.0.1:{PORT}", "cookie": cookies(client)}
    with client.websocket_connect("/ws", headers={**own, **headers}) as websocket:
        yield Page(websocket)


def cookies(client: TestClient) -> str:
    """What a browser would send; the test client's websockets are of another host, and have none by themselves."""
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


class Page:
    """A page at the other end of the websocket."""

    def __init__(self, websocket: object) -> None:
        self.websocket = websocket
        self.frames: list[tuple[dict, dict]] = []

    def send(self, kind: str, **parts: object) -> None:
        self.websocket.send_text(to_json({"type": kind, **parts}))

    def receive(self) -> dict:
        event = self.websocket.receive()
        if event["type"] == "websocket.close":
            raise WebSocketDisconnect(event["code"])
        if event.get("text") is not None:
            return from_json(event["text"])
        message, arrays = unpacked(event["bytes"])
        if message["type"] == "frame":
            self.frames.append((message, arrays))
        return message

    def until(self, kind: str, **parts: object) -> dict:
        for _ in range(200):
            message = self.receive()
            if message["type"] == kind and all(message.get(name) == part for name, part in parts.items()):
                return message
        raise AssertionError(kind)

    def ask(self, kind: str, answer: str, **parts: object) -> dict:
        self.send(kind, id=7, **parts)
        return self.until(answer, id=7)

    def greet(self) -> dict:
        self.send("hello", version=1)
        self.until("welcome")
        return self.until("state")


# ------------------------------------------------------------------------------------------------ who may talk to it


def test_the_token_is_changed_for_a_cookie(client: TestClient, guard: Guard) -> None:
    assert client.get("/").status_code == 403
    assert client.get("/", params={"token": TOKEN[:-1]}).status_code == 403
    assert client.get("/parts/a.js", params={"token": TOKEN}).status_code == 403  # the address is that of the page
    answer = client.get("/", params={"token": TOKEN})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie  # a link in a mail finds the session that is there
    assert TOKEN not in cookie
    assert client.get("/").status_code == 200
    assert client.get("/parts/a.js").headers["content-type"].startswith("text/javascript")
    own = cookies(client)
    client.cookies.clear()
    for other in ('a={"x":1}', "x=a b", "x=é", "flag", f"{guard.cookie}=old"):  # of other servers on this machine
        for header in (f"{other}; {own}", f"{own};{other}"):
            assert client.get("/", headers={"cookie": header.encode()}).status_code == 200, header
    assert client.get("/", headers={"cookie": f"{guard.cookie}={'x' * 32}; {guard.cookie}-2=1"}).status_code == 403


def test_what_is_refused_says_nothing_but_how_to_come_in(client: TestClient) -> None:
    text = client.get("/").text
    assert "Open the address that `backlit studio` has printed" in text
    assert "주소를 여세요" in text


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", f"10.0.0.1:{PORT}", "",
     f"localhost.evil.example:{PORT}", f"x@localhost:{PORT}", f"localhost:{PORT}/x", "[::1", f"localhost:{PORT}x"],
)  # fmt: skip
def test_a_name_that_was_made_to_mean_this_machine_is_refused(client: TestClient, host: str) -> None:
    enter(client)
    assert client.get("/", headers={"host": host}).status_code == 403
    with pytest.raises(WebSocketDisconnect), talking(client, host=host):
        pass


@pytest.mark.parametrize("host", [f"localhost:{PORT}", f"127.0.0.1:{PORT}", f"[::1]:{PORT}"])
def test_the_names_of_loopback_are_its_own(guard: Guard, host: str) -> None:
    assert guard.names(host)
    assert guard.comes_from_here(f"http://{host}", host, needed=True)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", f"http://127.0.0.1:{PORT + 1}", f"http://localhost:{PORT}", f"{HERE}.evil"],
)
def test_a_page_of_another_site_is_refused(client: TestClient, origin: str) -> None:
    enter(client)
    assert client.get("/", headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), talking(client, origin=origin):
        pass


def test_a_websocket_without_origin_or_cookie_is_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), talking(client):
        pass
    enter(client)
    known = {"host": f"127.0.0.1:{PORT}", "cookie": cookies(client)}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers=known):
        pass
    with talking(client) as page:
        page.greet()


def test_nothing_but_the_pages_files_is_handed_out(client: TestClient) -> None:
    enter(client)
    paths = [
        "/secret.py",
        "/../server.py",
        "/%2e%2e/server.py",
        "/..%2fserver.py",
        "/parts/",
        "/etc/passwd",
        "//etc/passwd",
    ]
    assert [client.get(path).status_code for path in paths] == [404] * len(paths)
    assert client.post("/").status_code == 405


def test_every_answer_has_the_headers_of_a_strict_page(client: TestClient) -> None:
    for response in (client.get("/"), client.get("/", params={"token": TOKEN}), client.get("/nothing")):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"


def test_a_class_has_seats_each_with_a_session_of_its_own(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAGE", page)
    guard = Guard(PORT, "0.0.0.0", TOKEN, seats=2)  # noqa: S104
    assert guard.names(f"192.168.7.7:{PORT}")
    assert guard.names(f"{socket.gethostname()}:{PORT}")
    assert not guard.names(f"evil.example:{PORT}")
    app = application(guard, make_session)
    with TestClient(app, base_url=HERE) as one:
        two, three = (TestClient(app, base_url=HERE) for _ in range(2))
        enter(one)
        enter(two)
        assert three.get("/", params={"token": TOKEN}).status_code == 503
        enter(one)  # who has a seat keeps it
        with talking(one) as first, talking(two) as second:
            first.greet()
            second.greet()
            first.ask("step", "done", updates=3)
            at = second.ask("step", "done", updates=1)["at"]
            assert at["update"] == 1


def test_a_seat_whose_page_never_came_is_free_again(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAGE", page)
    guard = Guard(PORT, token=TOKEN, seats=1)
    app = application(guard, make_session)
    with TestClient(app, base_url=HERE) as one:
        two, three = (TestClient(app, base_url=HERE) for _ in range(2))
        enter(one)
        assert two.get("/", params={"token": TOKEN}).status_code == 503  # it may be on its way
        monkeypatch.setattr(desks, "ARRIVAL_SECONDS", 0.0)
        enter(two)
        assert one.get("/").status_code == 403
        with talking(two) as second:
            second.greet()
            assert three.get("/", params={"token": TOKEN}).status_code == 503
        assert three.get("/", params={"token": TOKEN}).status_code == 503  # who was there may come back


def test_whoever_finds_no_seat_is_told_and_the_teacher_has_one_besides(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PAGE", page)
    guard = Guard(PORT, token=TOKEN, seats=1)
    app = application(guard, make_session)
    with TestClient(app, base_url=HERE) as pupil:
        enter(pupil)
        late, teacher = (TestClient(app, base_url=HERE) for _ in range(2))
        answer = late.get("/", params={"token": TOKEN})
        assert answer.status_code == 503
        assert "All 1 seats of this class are taken. One is free again when someone has been away for 30" in answer.text
        assert "이 수업의 자리 1개가 모두 찼습니다." in answer.text
        assert teacher.get("/", params={"token": guard.own}).status_code == 200
        with talking(teacher) as own, talking(pupil) as other:
            own.greet()
            other.greet()
            own.ask("step", "done", updates=2)
            assert other.ask("step", "done", updates=1)["at"]["update"] == 1


@pytest.fixture
def quick_sweeps(monkeypatch: pytest.MonkeyPatch, page: Path) -> None:
    monkeypatch.setattr(server, "PAGE", page)
    monkeypatch.setattr(server, "SWEEP_SECONDS", 0.02)


@pytest.mark.usefixtures("quick_sweeps")
def test_a_session_of_a_class_rests_while_nobody_is_there_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make() -> Session:
        made.append(make_session())
        return made[-1]

    with TestClient(application(Guard(PORT, token=TOKEN, seats=2), make), base_url=HERE) as pupil:
        enter(pupil)
        with talking(pupil) as page:
            page.greet()
            page.ask("step", "done", updates=7)
            page.ask("rate", "state", value=0.5)
        monkeypatch.setattr(desks, "REST_SECONDS", 0.0)  # now that the page has left
        deadline = time.monotonic() + 10
        while any(thread.name == "backlit-studio" for thread in threading.enumerate()):
            assert time.monotonic() < deadline  # its thread ends
            time.sleep(0.02)
        monkeypatch.setattr(desks, "REST_SECONDS", 300.0)
        with talking(pupil) as page:
            state = page.greet()
            assert state["state"]["history"][0]["value"] == 0.5
            while state["at"]["update"] < 7:  # it is computed again
                page.send("hello", version=1)
                state = page.until("state")
        assert len(made) == 1  # the session that came back isn't a fresh one


class Stubborn(Session):
    """A session that makes its worker's thread wait when it is asked for anything."""

    inside, until = threading.Event(), threading.Event()

    def told(self) -> Reply:
        self.inside.set()
        self.until.wait(20)
        return super().told()


def test_a_session_that_does_not_end_at_once_holds_nobody_up_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    places = desks.Desks(Guard(PORT, token=TOKEN, seats=2), lambda: Stubborn(State.from_dict(SMALL)))
    box = Box(places.of("a pupil"))
    Stubborn.until.set()
    box.send("hello", version=1)
    box.until("state")
    box.send("step", updates=7, id=1)
    box.until("done", id=1)
    Stubborn.until.clear()
    Stubborn.inside.clear()
    box.send("hello", version=1)
    assert Stubborn.inside.wait(20)  # its thread is in the middle of this for long
    box.worker.leave(box.client)
    monkeypatch.setattr(desks, "REST_SECONDS", -1.0)
    monkeypatch.setattr(desks, "END_SECONDS", 20.0)
    sweeping = threading.Thread(target=places.let_rest)
    sweeping.start()
    while "a pupil" in places._workers:
        time.sleep(0.01)
    started = time.monotonic()
    other = places.of("another", Client(lambda reply: None))
    again = Box(places.of("a pupil"))  # it doesn't wait either
    assert time.monotonic() - started < 5
    assert sweeping.is_alive()
    Stubborn.until.set()
    sweeping.join(10)
    again.send("hello", version=1)
    while again.until("state")["at"]["update"] < 7:  # its own session, not a fresh one
        again.send("hello", version=1)
    assert again.worker is not box.worker
    for worker in (other, again.worker):
        worker.stop()


def test_a_page_that_joins_is_there_before_any_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    places = desks.Desks(Guard(PORT, token=TOKEN, seats=2), make_session)
    monkeypatch.setattr(desks, "REST_SECONDS", -1.0)
    client = Client(lambda reply: None)
    worker = places.of("a pupil", client)
    places.let_rest()
    assert places.of("a pupil") is worker
    worker.leave(client)
    places.let_rest()
    assert "a pupil" not in places._workers
    assert not worker._thread.is_alive()


def test_what_a_page_asks_by_itself_is_not_taken_for_a_person() -> None:
    box = Box(Worker(lambda: Session(State.from_dict(SMALL), quota=Quota(unattended=1.0))))
    box.send("hello", version=1)
    box.send("play", speed=1)
    box.until("done")
    until = time.monotonic() + 10
    while box.worker.session.playing:
        assert time.monotonic() < until
        box.send("explain", layer="0", unit=0, id=5)  # as an open page does, whether anyone is there or not
        box.until("explained", id=5)
    box.worker.stop()


@pytest.mark.usefixtures("quick_sweeps")
def test_pages_at_which_nobody_does_anything_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(application(Guard(PORT, token=TOKEN, seats=2), make_session), base_url=HERE) as pupil:
        enter(pupil)
        with talking(pupil) as page:
            page.greet()
            page.ask("step", "done", updates=3)
            monkeypatch.setattr(desks, "IDLE_SECONDS", 0.0)
            with pytest.raises(WebSocketDisconnect) as closed:
                page.until("never")
            assert closed.value.code == IDLE_CODE
            monkeypatch.undo()
        monkeypatch.setattr(desks, "IDLE_SECONDS", 3600.0)
        with talking(pupil) as page:
            assert page.greet()["at"]["update"] == 3


def test_a_training_that_nobody_watches_over_is_paused_and_said() -> None:
    quota = Quota(unattended=0.2)
    box = Box(Worker(lambda: Session(State.from_dict(SMALL), quota=quota)))
    box.send("hello", version=1)
    box.send("play", speed=1)
    said = box.until("note")["what"]
    assert said["en"].startswith("it has played for 0 minutes without anyone at it, so it was paused")
    assert "멈췄습니다" in said["ko"]
    box.send("look", grid=8, id=3)
    assert not box.until("done", id=3)["at"]["playing"]
    box.worker.stop()


def test_a_pupil_has_a_share_of_the_machine() -> None:
    quota = Quota.of_a_class(30)
    small = Session(State.from_dict(SMALL), quota=quota)
    assert (small.first.timeline.quota.kept_bytes, small.files.most) == (2**30 // 30, 1)
    state = {"network": {"layers": [{"units": 400}, {"units": 400}]}}
    message = answer(small, {"type": "configure", "state": state})[0].message
    assert message["what"]["en"] == "this network has 162,402 weights; here 50,000 are the most"
    named = Session(State.from_dict({"training": {"engine": "xla"}}), quota=quota)  # a state can't ask for more
    assert named.first.timeline.engine == "numpy"
    begun = Session(quota=quota)  # nothing is compiled, and the state says so: copied, it gives the same bits
    assert (begun.state.training.engine, begun.first.timeline.engine) == ("numpy", "numpy")
    tiny = Session(State.from_dict(SMALL), quota=Quota(updates=5))
    answer(tiny, {"type": "step", "updates": 50})
    assert tiny.at()["update"] == 5
    assert answer(tiny, {"type": "play"})[0].message["what"]["en"].startswith("update 5 is the last one here")


def test_a_token_that_others_would_guess_is_refused() -> None:
    with pytest.raises(InputError, match="a token must have at least 12 characters, or others would guess it"):
        Guard(PORT, token="1234")  # noqa: S106


# ------------------------------------------------------------------------------------------------ talking


def test_a_page_trains_and_sees_frames(client: TestClient) -> None:
    enter(client)
    with talking(client) as page:
        state = page.greet()
        assert state["at"]["update"] == 0
        page.ask("look", "done", panels=["boundary", "weights", "curves"], grid=12)
        page.ask("step", "done", updates=4)
        frame = page.until("frame") if not page.frames else page.frames[-1][0]
        while page.frames[-1][0]["update"] < 4:
            page.send("seen", frame=frame["frame"])
            frame = page.until("frame")
        assert page.frames[-1][1]["boundary"].shape == (12, 12)
        curves = [arrays["curves"] for _, arrays in page.frames if "curves" in arrays]
        assert sum(map(len, curves)) == 4  # each update once


def test_a_slow_page_loses_frames_not_the_run(client: TestClient) -> None:
    enter(client)
    with talking(client) as page:
        page.greet()
        page.ask("look", "done", panels=["curves"])
        page.send("play", speed=5)
        deadline = time.monotonic() + 20
        at = page.ask("look", "done", grid=10)["at"]
        while at["update"] < 200 and time.monotonic() < deadline:
            at = page.ask("look", "done", grid=10)["at"]  # no frame is acknowledged in all that time
        assert at["update"] >= 200
        assert len(page.frames) <= 1
        page.ask("pause", "done")
        page.send("seen", frame=1)
        page.until("frame")
        assert page.frames[-1][0]["update"] >= 200
        assert (
            sum(len(arrays["curves"]) for _, arrays in page.frames if "curves" in arrays) >= 200
        )  # nothing is missing


def test_a_page_that_is_loaded_again_and_a_second_tab_come_to_where_it_is(client: TestClient) -> None:
    enter(client)
    with talking(client) as page:
        page.greet()
        page.ask("step", "done", updates=6)
        page.ask("rate", "state", value=0.5)
    with talking(client) as page, talking(client) as tab:
        state = page.greet()
        assert (state["at"]["update"], state["state"]["history"][0]["value"]) == (6, 0.5)
        tab.greet()
        page.ask("configure", "state", state={"data": {"name": "xor", "rows": 40}})
        assert tab.until("state")["state"]["data"]["name"] == "xor"  # the other tab is told
        tab.ask("step", "done", updates=1)


def test_of_many_moves_of_a_slider_the_last_one_counts(client: TestClient) -> None:
    enter(client)
    with talking(client) as page:
        page.greet()
        for update in range(1, 60):
            page.send("seek", update=update, id=update)
        assert page.until("done", id=59)["at"]["update"] == 59


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("{", "a message must be JSON in UTF-8"),
        ("[1]", "a message must be an object with a type"),
        ('{"type":"' + "x" * 100 + '"}', "unknown message"),
        ("[" * 100_000, "a message must be JSON in UTF-8"),
        (b"\x00", "a frame must have 4 bytes"),
        (b"\xff\xff\xff\xff", "a frame's header must fit"),
    ],
)
def test_what_is_no_message_is_answered_and_the_session_goes_on(
    client: TestClient, sent: str | bytes, text: str
) -> None:
    enter(client)
    with talking(client) as page:
        page.greet()
        page.websocket.send_text(sent) if isinstance(sent, str) else page.websocket.send_bytes(sent)
        assert text in page.until("error")["what"]["en"]
        page.ask("step", "done", updates=1)


def test_a_file_travels_as_a_frame(client: TestClient) -> None:
    enter(client)
    text = b"a,b,kind\n" + b"".join(f"{i},{i % 5},{'xy'[i % 2]}\n".encode() for i in range(30))
    with talking(client) as page:
        page.greet()
        header = {"type": "upload", "name": "mine.csv", "kind": "table", "id": 5}
        page.websocket.send_bytes(packed(header, {"file": np.frombuffer(text, np.uint8)}))
        told = page.until("uploaded", id=5)
        assert [each["name"] for each in told["columns"]] == ["a", "b", "kind"]


def test_what_fails_between_messages_is_said_and_the_session_goes_on(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    enter(client)
    with talking(client) as page:
        page.greet()
        page.ask("step", "done", updates=2)

        def broken(session: Session) -> None:
            raise AttributeError("/home/me")

        with monkeypatch.context() as patched:
            patched.setattr(Session, "tick", broken)
            page.send("play")
            text = page.until("error")["what"]
            assert text["en"] == "something went wrong in the studio (AttributeError); nothing was changed"
        assert page.ask("step", "done", updates=1)["at"]["update"] == 3
        assert "AttributeError: /home/me" in caplog.text  # for whoever runs it


class Box:
    """A page without a server."""

    def __init__(self, worker: Worker) -> None:
        self.replies: queue.Queue[Reply] = queue.Queue()
        self.client, self.worker = Client(self.replies.put), worker
        worker.join(self.client)

    def send(self, kind: str, **parts: object) -> None:
        assert self.worker.post(self.client, {"type": kind, **parts}, {})

    def until(self, kind: str, **parts: object) -> dict:
        while True:
            message = self.replies.get(timeout=20).message
            if message["type"] == kind and all(message.get(name) == part for name, part in parts.items()):
                return message


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box(Worker(make_session))
    yield box
    box.worker.stop()


def test_a_long_way_ends_where_something_else_is_asked(box: Box) -> None:
    box.send("step", updates=100_000, id=1)
    box.send("pause", id=2)
    assert 0 < box.until("done", id=1)["at"]["update"] < 100_000
    at = box.until("done", id=2)["at"]
    box.send("seek", update=10_000_000, id=3)
    box.send("seen", frame=1)
    box.send("seek", update=7, id=4)
    assert at["update"] < box.until("done", id=3)["at"]["update"] < 100_000
    assert box.until("done", id=4)["at"]["update"] == 7
    box.send("configure", state={**SMALL, "at": 10_000_000}, id=5)
    box.send("pause", id=6)
    assert 0 < box.until("state", id=5)["at"]["update"] < 100_000


def test_a_long_way_does_not_keep_a_session_from_ending(box: Box) -> None:
    box.send("seek", update=10_000_000, id=1)
    box.worker.stop(20.0)
    assert not box.worker._thread.is_alive()


def test_a_state_far_ahead_is_gone_to_in_sight_and_left_when_asked() -> None:
    box = Box(Worker(beginning(None, link_of(State.from_dict({**SMALL, "at": 10_000_000})))))
    box.send("hello", version=1)
    assert box.until("state")["state"]["at"] < 10_000_000
    first = box.until("frame")
    box.send("seen", frame=first["frame"])
    assert box.until("frame")["update"] > first["update"]
    box.send("pause", id=1)
    at = box.until("done", id=1)["at"]["update"]
    box.send("step", updates=1, id=2)
    assert box.until("done", id=2)["at"]["update"] == at + 1
    box.worker.stop()


def test_curves_come_in_parts_to_a_page_that_is_new(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backlit.studio.telling.MOST_CURVES", 40)
    box.send("seek", update=100)
    box.send("hello", version=1)
    parts, come = [], 0
    while come < 100:
        reply = box.replies.get(timeout=20)
        if reply.message["type"] == "frame":
            assert reply.message["curves_from"] == come
            parts.append((reply.message["curves_apart"], reply.arrays["curves"]))
            come += parts[-1][0] * len(parts[-1][1])
            box.send("seen", frame=reply.message["frame"])
    assert [(apart, len(part)) for apart, part in parts] == [(2, 40), (1, 20)]


def test_a_session_that_cannot_be_made_is_told_and_there_is_another() -> None:
    def missing() -> Session:
        raise InputError("data: this file isn't here any more: drop it again")

    box = Box(Worker(missing))
    box.send("hello", version=1)
    assert box.until("error")["what"]["en"] == "data: this file isn't here any more: drop it again"
    box.send("step", updates=1, id=1)
    assert box.until("done", id=1)["at"]["update"] == 1
    box.worker.stop()


def test_what_waits_is_held_to_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    def slow() -> Session:
        held.wait(20)
        return make_session()

    worker = Worker(slow)
    client = Client(lambda reply: None)
    assert worker.post(client, {"type": "pause"}, {}, 20 * 2**20)
    assert not worker.post(client, {"type": "pause"}, {}, 20 * 2**20)
    assert worker.post(client, {"type": "pause"}, {}, 2**20)
    held.set()
    until = time.monotonic() + 20
    while not worker.post(client, {"type": "pause"}, {}, 20 * 2**20):
        assert time.monotonic() < until
        time.sleep(0.01)
    worker.stop()


def test_a_page_comes_before_what_sessions_need_and_its_program_is_one_file() -> None:
    code = """
import sys
import backlit.cli.studio, backlit.studio.server
print(*[name for name in ("numpy", "backlit.nn", "backlit.studio.session") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
    with TestClient(application(Guard(PORT, token=TOKEN), make_session), base_url=HERE) as client:
        page = client.get("/", params={"token": TOKEN}).text
        assert re.findall(r'(?:src|rel="stylesheet" href)="([^"]+)"', page) == ["page.css", "page.js"]
        program, sheet = client.get("/page.js"), client.get("/page.css")
        assert program.headers["content-type"].startswith("text/javascript")
        assert "class SocketTransport" in program.text
        assert "uPlot" in program.text
        assert ".u-legend" in sheet.text
        assert ".head select" in sheet.text


def test_a_page_is_told_what_is_known_before_the_session_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BACKLIT_CACHE", str(tmp_path))
    assert firsts.known() == []
    firsts.keep()
    known = firsts.known()
    assert [json.loads(part)["type"] for part in known if isinstance(part, str)] == ["welcome", "state", "done"]
    frame, arrays = unpacked(known[-1])
    assert (frame["type"], arrays["boundary"].shape) == ("frame", (60, 60))
    may_begin = threading.Event()

    def session() -> Session:
        may_begin.wait(20)
        return Session()

    app = application(Guard(PORT, token=TOKEN), session, known)
    with TestClient(app, base_url=HERE) as client:
        client.get("/", params={"token": TOKEN})
        own = {"origin": HERE, "host": f"127.0.0.1:{PORT}", "cookie": cookies(client)}
        with client.websocket_connect("/ws", headers=own) as page:
            page.send_json({"type": "hello", "version": VERSION, "id": 7})
            for part in known:
                assert (page.receive_text() if isinstance(part, str) else page.receive_bytes()) == part
            assert not may_begin.is_set()
            page.send_json({"type": "seen", "frame": 1})
            page.send_json(firsts.ASKED[1])
            may_begin.set()
            welcome, state = page.receive_json(), page.receive_json()
            assert (welcome["type"], welcome["id"]) == ("welcome", 7)
            assert state == {**json.loads(known[1]), "id": 7}
            page.receive_bytes()  # data
            frames = iter(lambda: unpacked_bytes(page), None)
            again, drawn = next(found for found in frames if len(found[1].get("boundary", ())) == 60)
            assert again["update"] == frame["update"] == 0
            for name, array in arrays.items():
                np.testing.assert_array_equal(drawn[name], array)


def unpacked_bytes(page: Any) -> Any:
    """The next message with arrays; those without are passed over, and what was seen is told."""
    while True:
        event = page.receive()
        if event.get("bytes"):
            message, arrays = unpacked(event["bytes"])
            page.send_json({"type": "seen", "frame": message["frame"]})
            return message, arrays


@pytest.mark.parametrize("text", ["", "{", "[1]", '[["no base64 "]]', "\\xff"])
def test_what_is_known_can_be_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    monkeypatch.setenv("BACKLIT_CACHE", str(tmp_path))
    place = firsts.place()
    assert place is not None
    place.write_text(text)
    assert firsts.known() == []
    monkeypatch.setenv("BACKLIT_CACHE", "off")
    firsts.keep()
    assert firsts.known() == []


def test_what_is_known_is_asked_anew_only_where_it_is_older_than_the_code_or_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BACKLIT_CACHE", str(tmp_path))
    asked = []

    class Counted:
        def __init__(self, send: Any) -> None:
            asked.append(self)
            send("{}")

        def hear(self, text: str) -> None:
            pass

        def turn(self) -> None:
            pass

    monkeypatch.setattr("backlit.studio.alone.Alone", Counted)
    place = firsts.place()
    assert place is not None
    firsts.keep()
    firsts.keep()
    assert (firsts.known(), len(asked)) == (["{}"], 1)
    os.utime(place, (0, 0))
    firsts.keep()
    firsts.keep()
    assert len(asked) == 2  # and is written anew, so that it's the younger one again
    place.write_text("{")
    firsts.keep()
    assert (firsts.known(), len(asked)) == (["{}"], 3)


def test_who_plays_goes_on_however_slow_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    session = make_session()
    session.playing = True
    late = itertools.count(step=10.0)
    monkeypatch.setattr("backlit.studio.session.time.monotonic", lambda: next(late))
    session.tick()
    assert (session.playing, session.at()["update"]) == (True, 1)


def test_what_fails_while_compiling_ahead_is_told_to_who_wants_an_update() -> None:
    code = """
from backlit.studio import worker
from backlit.studio.answers import answer
from backlit.studio.session import Session
import threading
session = Session()
worker._warm_up(session.first.timeline)
for thread in threading.enumerate():
    if thread.name == "backlit-studio-compile":
        thread.join()
print(answer(session, {"type": "step"})[0].message["what"]["en"])
"""
    environment = {**os.environ, "JAX_PLATFORMS": "bogus"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert result.stdout.startswith("JAX_PLATFORMS=bogus: JAX has no such device here")
    assert result.stderr == ""


# ------------------------------------------------------------------------------------------------ the command


def test_a_port_that_is_taken_is_passed_over() -> None:
    first, port = listening("127.0.0.1", 0)
    with first:
        second, other = listening("127.0.0.1", port)
        second.close()
        assert port < other <= port + server.PORTS


def test_a_host_that_isnt_this_machines_is_told() -> None:
    with pytest.raises(InputError, match=r"no port from 8321 to 8340 can be had on 192\.0\.2\.1 "):
        listening("192.0.2.1", 8321)


def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"the studio needs another package: pip install 'backlit\[studio\]'"):
        application(Guard(PORT), make_session)


def test_the_command_serves_says_where_and_stops_at_ctrl_c() -> None:
    taken, port = listening("127.0.0.1", 0)
    words = [sys.executable, "-m", "backlit", "studio", "--no-browser", "--port", str(port), "--token", TOKEN]
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with taken, subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:  # fmt: skip
        lines = [process.stdout.readline() for _ in range(3)]
        other = int(lines[0].split()[-1])
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert lines == [
        f"port {port} is taken; this is {other}\n",
        f"The studio is at http://127.0.0.1:{other}/?token={TOKEN}\n",
        "Ctrl-C stops it\n",
    ]
    assert (process.returncode, rest, errors) == (130, "the studio was stopped\n", "")


@contextlib.contextmanager
def started(*words: str, lines: int) -> Iterator[tuple[list[str], subprocess.Popen[str]]]:
    """The command, until it has said so many lines."""
    command = [sys.executable, "-m", "backlit", "studio", "--no-browser", "--port", "0", "--token", TOKEN, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield [process.stdout.readline().strip() for _ in range(lines)], process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def test_on_the_loopback_of_ipv6_it_answers_by_that_address() -> None:
    if not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    with started("--host", "::1", lines=1) as (lines, _):
        address = lines[0].removeprefix("The studio is at ")
        assert address.startswith("http://[::1]:")
        with urllib.request.urlopen(address) as response:  # noqa: S310
            assert response.status == 200
        port = address.split("]:")[1].split("/")[0]
        cookie = response.headers["set-cookie"].split(";")[0]
        own = f"http://[::1]:{port}"
        with connect(f"ws://[::1]:{port}/ws", origin=own, additional_headers={"Cookie": cookie}) as page:
            page.send('{"type": "hello", "version": 1}')
            assert from_json(page.recv())["type"] == "welcome"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://[::1]:{port}/")


@pytest.mark.parametrize("display", ["DISPLAY", "WAYLAND_DISPLAY", None])
def test_a_browser_is_opened_where_there_is_a_display(monkeypatch: pytest.MonkeyPatch, display: str | None) -> None:
    from backlit.cli.studio import open_browser

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display is not None:
        monkeypatch.setenv(display, ":0")
    open_browser("http://127.0.0.1:1/")
    assert opened == ([] if display is None else ["http://127.0.0.1:1/"])


def test_for_a_class_the_command_says_what_to_tell_pupils() -> None:
    with started("--host", "0.0.0.0", "--pupils", "3", "--exercise", "xor", lines=4) as (lines, _):  # noqa: S104
        own, others, seats, stop = lines
        assert own.startswith("The studio is at http://127.0.0.1:")
        assert TOKEN not in own  # the teacher's seat is another
        port = own.split(":")[-1].split("/")[0]
        assert others.startswith("Tell your pupils: open http://")
        assert others.endswith(f":{port}/?token={TOKEN}")
        assert seats == "3 can come, each with a session of their own; you have one besides"
        assert stop == "Ctrl-C stops it"


def test_a_tasks_link_is_printed_without_a_server() -> None:
    from typer.testing import CliRunner

    from backlit.cli.main import app

    words = ["--goal", "held accuracy >= 95%", "--may", "layers, units", "--text", "Find it.", "--link"]
    result = CliRunner().invoke(app, ["studio", *words])
    assert result.exit_code == 0
    _, task = linked(result.output.strip())
    assert task is not None
    assert (task.text["ko"], task.may, task.goals[0].least) == ("Find it.", ("layers", "units"), 0.95)


def test_without_the_extra_the_command_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from backlit.cli.main import app

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    result = CliRunner().invoke(app, ["studio", "--no-browser"])
    assert result.exit_code == 2
    assert "pip install 'backlit[studio]'" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--token", "short"], "a token must have at least 12 characters"),
        (["--state", "%7B"], "a message must be JSON in UTF-8"),
        (["nowhere"], "nowhere"),
        (
            ["nowhere", "--state", "{}"],
            "begin with a run, with a --state or with an --exercise, not with several of them",
        ),
        (["--exercise", "fame"], "unknown exercise of the studio 'fame'"),
        (["--exercise", "xor", "--goal", "loss <= 1"], "an --exercise has its own goals; leave out --goal"),
        (["--goal", "loss"], 'a goal is written as "held accuracy >= 95%" or "weights <= 12", got \'loss\''),
        (["--goal", "loss <= 1", "--may", "all"], "unknown part that may be changed 'all'"),
        (["--may", "units"], "--may and --text are of a task: say its --goal, too"),
        (["--link"], "--link prints a task's link: say --goal, --exercise or --state"),
    ],
)
def test_what_is_wrong_with_the_command_is_told(words: list[str], text: str) -> None:
    from typer.testing import CliRunner

    from backlit.cli.main import app

    result = CliRunner().invoke(app, ["studio", "--no-browser", "--port", "0", *words])
    assert result.exit_code == 2
    assert text in result.output
