"""The thread in which a session lives: it takes messages in their order, trains, and sends frames to who is ready.

A page that is slow, asleep or gone costs its frames alone; the run doesn't wait for anyone.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import BacklitError
from backlit.languages import Template
from backlit.studio.answers import answer, failed
from backlit.studio.replies import Reply
from backlit.studio.seen import FRAME_SECONDS, Seen, kind_of, overtakes
from backlit.studio.session import Session
from backlit.studio.timeline import Timeline
from backlit.studio.words import both

WAITING, WAITING_BYTES = 256, 32 * 2**20  # messages and what they take, at most
ANEW = ("configure", "reset")  # after these, what was asked before doesn't matter
MOVES = (*ANEW, "pause", "seek")  # these end a way that is long
ALONE_SECONDS = 30.0  # that a run goes on without a page
IDLE_SECONDS = 0.25
OF_A_PERSON = (  # what someone has asked for; a page that is left open asks for all else by itself, too
    "configure", "upload", "step", "play", "pause", "seek", "reset", "rate", "edit", "freeze", "pull", "walk",
    "surface", "compare", "keep", "discard", "try", "break", "guess", "assign", "help", "share", "draw", "say",
)  # fmt: skip
UNATTENDED = Template(
    "it has played for {minutes:.0f} minutes without anyone at it, so it was paused; press Play to go on",
    "{minutes:.0f}분 동안 아무 조작 없이 재생되어 멈췄습니다. 계속하려면 재생을 누르세요.",
)

Arrays = dict[str, np.ndarray]
Item = tuple["Client", Any, Arrays, int]  # who sent it, the message, its arrays, its bytes


class Client(Seen):
    """A page that is connected.

    Parameters
    ----------
    send : callable
        ``send(reply)``, from any thread; it doesn't wait.
    let_go : callable, optional
        ``let_go()`` ends the connection, from any thread, once what was sent has gone out.

    Attributes
    ----------
    sent : float
        When its last frame was sent.
    """

    def __init__(self, send: Callable[[Reply], None], let_go: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.send, self.let_go = send, let_go
        self.sent = 0.0


class Worker:
    """A session's thread.

    Parameters
    ----------
    session : callable
        ``session()`` makes it; called in the thread.

    Attributes
    ----------
    session : Session or None
        Once it is `made`.
    failure : Exception or None
        Why it isn't the one that was asked for.
    """

    def __init__(self, session: Callable[[], Session] = Session) -> None:
        self._make = session
        self.made = threading.Event()
        self.failure: Exception | None = None
        self._inbox: queue.Queue[Item | None] = queue.Queue(WAITING)
        self._pending: list[Item] = []  # messages that were taken, and not done yet
        self._bytes = 0  # of the messages that wait
        self._clients: list[Client] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.last_seen = self.last_asked = time.monotonic()  # when a page was there; when a person asked for something
        self.session: Session | None = None
        self._last = 0.0  # when frames were sent
        self._thread = threading.Thread(target=self._run, name="backlit-studio", daemon=True)
        self._thread.start()

    # -------------------------------------------------------------------------------------------- from other threads

    def join(self, client: Client) -> bool:
        """A page has come; whether it can."""
        with self._lock:
            self._clients.append(client)
            self.last_seen = self.last_asked = time.monotonic()
        return True

    def leave(self, client: Client) -> None:
        """A page has gone."""
        with self._lock:
            if client in self._clients:
                self._clients.remove(client)
            self.last_seen = time.monotonic()

    @property
    def clients(self) -> list[Client]:
        """The pages that are connected."""
        with self._lock:
            return list(self._clients)

    def post(self, client: Client, message: Any, arrays: Arrays, size: int = 0) -> bool:
        """Hand over a message of so many bytes; whether there was room."""
        with self._lock:
            if self._bytes and self._bytes + size > WAITING_BYTES:
                return False
            try:
                self._inbox.put_nowait((client, message, arrays, size))
            except queue.Full:
                return False
            self._bytes += size
        return True

    def stop(self, wait: float | None = 2.0) -> bool:
        """End the thread, which leaves what it trains, and wait for it; None: however long. Whether it has ended."""
        self._stopped.set()
        with contextlib.suppress(queue.Full):
            self._inbox.put_nowait(None)
        self._thread.join(wait)
        return not self._thread.is_alive()

    # -------------------------------------------------------------------------------------------- in the thread

    def _run(self) -> None:
        try:
            session = self._make()
        except Exception as error:  # noqa: BLE001, the pages get one that can be made, and why
            session, self.failure = Session(), error
        session.interrupted = self._interrupted
        self.session = session
        self.made.set()
        while not self._ended(session):
            try:
                self._turn(session)
            except Exception as error:  # noqa: BLE001, whatever it was, the session stays, and says so
                session.playing, session.aim = False, None
                told = failed(error)
                for client in self.clients:
                    client.version = session.version
                    client.send(told)

    def _ended(self, session: Session) -> bool:
        """Whether there is nothing more to do."""
        return self._stopped.is_set()

    def _held(self, session: Session) -> bool:
        """Whether what plays waits for something."""
        return False

    def _interrupted(self, anew: bool) -> bool:
        """Whether to leave a long way: the studio ends, or a message waits that goes elsewhere."""
        if self._stopped.is_set():
            return True
        kinds = ANEW if anew else MOVES
        with self._inbox.mutex:
            waiting = (*self._pending, *self._inbox.queue)
        return any(item is not None and kind_of(item[1]) in kinds for item in waiting)

    def _turn(self, session: Session) -> None:
        """Messages, updates, frames."""
        self._pending = self._taken(0.0 if session.busy and not self._held(session) else IDLE_SECONDS)
        while self._pending and not self._stopped.is_set():
            client, message, arrays, size = self._pending.pop(0)
            with self._lock:
                self._bytes -= size
            self._handle(session, client, message, arrays)
        if session.playing and not self.clients and time.monotonic() - self.last_seen > ALONE_SECONDS:
            session.playing = False
        self._pause_unattended(session)
        if session.busy and not self._held(session):
            session.tick()
        rest = self._last + FRAME_SECONDS - time.monotonic()
        if rest > 0 and session.playing and session.speed:
            time.sleep(rest)  # so many updates a frame, and no more
            rest = 0.0
        if rest <= 0 or not session.busy:
            sent = self._send_frames(session)
            if sent or session.busy:
                self._last = time.monotonic()
            if not sent and not session.busy and self.clients and self._inbox.empty():
                _warm_up(session.to_warm_up())

    def _pause_unattended(self, session: Session) -> None:
        """Stop what has played for long without anyone at it, where a machine is shared."""
        most = session.quota.unattended
        if most is None or not session.playing or time.monotonic() - self.last_asked <= most:
            return
        session.playing = False
        session.version += 1
        for client in self.clients:
            client.send(Reply({"type": "note", "what": both(UNATTENDED.of(minutes=most / 60))}))

    def _taken(self, seconds: float) -> list[Item]:
        """Messages that wait, without those that a later one of the same kind makes needless."""
        taken: list[Item] = []
        try:
            item = self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait()
            while True:
                if item is not None:
                    if taken and taken[-1][0] is item[0] and overtakes(item[1], taken[-1][1]):
                        taken[-1][0].send(
                            Reply({"type": "done", "asked": kind_of(item[1]), "id": taken[-1][1].get("id")})
                        )
                        with self._lock:
                            self._bytes -= taken.pop()[3]
                    taken.append(item)
                item = self._inbox.get_nowait()
        except queue.Empty:
            return taken

    def _handle(self, session: Session, client: Client, message: Any, arrays: Arrays) -> None:
        kind = kind_of(message)
        if kind == "seen":
            client.ready = True
            return
        if kind in OF_A_PERSON or (
            kind == "explain" and not session.playing
        ):  # while it plays, the page asks by itself
            self.last_asked = time.monotonic()
        if kind == "hello":
            client.greet()
        for reply in answer(session, message, arrays):
            for other in self.clients if reply.to_all else [client]:
                if other is client or other.greeted:
                    other.send(reply if other is client else _without_id(reply))
        if session.cut is not None:
            for other in self.clients:
                other.forget(session.cut)
            session.cut = None
        if kind == "hello" and self.failure is not None:
            client.send(failed(self.failure))

    def _send_frames(self, session: Session) -> bool:
        """A frame to each page that is ready and hasn't seen what there is."""
        frames: dict[int, Reply] = {}
        for client in self.clients:
            if not client.waits_for(session):
                continue
            start = client.curves_from
            if start not in frames:
                frames[start] = session.frame(start)
            client.took(session)
            client.sent = time.monotonic()
            client.send(frames[start])
        return bool(frames)


def _warm_up(timeline: Timeline | None) -> None:
    """Import JAX and compile while the person looks around; the first update then needn't wait for it."""
    if timeline is None or timeline.engine == "numpy":
        return

    def work() -> None:
        with contextlib.suppress(BacklitError):  # whoever wants an update is told
            timeline.warm_up()

    # Python waits for it before it ends: a thread that is cut off inside XLA's C++ takes the process down with a noise.
    threading.Thread(target=work, name="backlit-studio-compile", daemon=False).start()


def _without_id(reply: Reply) -> Reply:
    return reply._replace(message={key: part for key, part in reply.message.items() if key != "id"})
