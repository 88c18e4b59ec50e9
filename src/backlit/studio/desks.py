"""Who sits where: a session for all who come, or one for each pupil of a class, which rests while nobody is at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from backlit.studio.guard import Guard
from backlit.studio.session import Session
from backlit.studio.worker import Client, Worker

SEAT_SECONDS = 1800.0  # after which an empty seat of a class is free again
ARRIVAL_SECONDS = 60.0  # after which one is free again whose page never came
REST_SECONDS = 300.0  # without a page, after which a session of a class rests
IDLE_SECONDS = 3600.0  # without anything asked for, after which its pages are let go, and it rests
END_SECONDS = 0.5  # that the thread of a session that rests is waited for; what takes longer is looked for again
CLOSE_SECONDS = 2.0  # that all sessions together have to end
FULL = (
    "All {seats} seats of this class are taken. One is free again when someone has been away for {minutes} minutes; or "
    "ask your teacher to start the studio with more --pupils.\n"
    "이 수업의 자리 {seats}개가 모두 찼습니다. 누군가 {minutes}분 동안 자리를 비우면 그 자리가 다시 납니다. "
    "또는 선생님께 --pupils를 늘려 스튜디오를 다시 시작해 달라고 하세요.\n"
)


class Resting:
    """A session whose worker was told to end: called, it makes the session anew, once that thread has ended.

    Parameters
    ----------
    worker : Worker
    fresh : callable
        ``fresh()`` makes a session, where the worker never made one.
    """

    def __init__(self, worker: Worker, fresh: Callable[[], Session]) -> None:
        self.since, self._fresh = worker.last_seen, fresh
        self._worker: Worker | None = worker
        self._again: Callable[[], Session] | None = None
        self._lock = threading.Lock()
        worker.stop(0.0)

    def shrink(self, wait: float | None) -> None:
        """Hold what can't be computed again alone, if the thread ends within so many seconds; None: once it does."""
        with self._lock:
            if self._worker is not None and self._worker.stop(wait):
                session, self._worker = self._worker.session, None
                self._again = self._fresh if session is None else session.rested()

    def __call__(self) -> Session:
        """The session; called in the thread of its next worker, so that nobody else waits."""
        self.shrink(None)
        return (self._again or self._fresh)()


class Desks:
    """The workers by key: one for all, or one for each pupil.

    Parameters
    ----------
    guard : Guard
    session : callable
        ``session()`` makes one.
    """

    def __init__(self, guard: Guard, session: Callable[[], Session]) -> None:
        self.guard, self._session = guard, session
        self._workers: dict[str, Worker] = {}
        self._resting: dict[str, Resting] = {}
        self._lock = threading.RLock()  # held for moments only: the server's loop takes it, too

    def of(self, key: str, client: Client | None = None) -> Worker:
        """The worker of a key, made when it is first asked for; or woken, where its session rests.

        A page that joins does so here, so that its worker isn't sent to rest before.
        """
        with self._lock:
            if key not in self._workers:
                self._workers[key] = Worker(self._resting.pop(key, self._session))
            worker = self._workers[key]
            if client is not None:
                worker.join(client)
            return worker

    def full(self) -> str:
        """What someone is told for whom there is no seat."""
        return FULL.format(seats=self.guard.seats, minutes=round(SEAT_SECONDS / 60))

    def let_rest(self) -> None:
        """Of sessions that nobody uses keep what can be computed again: no thread, no states, no maps."""
        now = time.monotonic()
        with self._lock:
            for key, worker in list(self._workers.items()):
                clients = worker.clients
                if clients and now - worker.last_asked > IDLE_SECONDS:
                    for client in clients:
                        client.let_go()
                elif not clients and now - worker.last_seen > REST_SECONDS:
                    del self._workers[key]
                    self._resting[key] = Resting(worker, self._session)
            resting = list(self._resting.values())
        for rests in resting:  # without the lock: a thread ends after what it is doing
            rests.shrink(END_SECONDS)

    def free_seats(self) -> None:
        """Let those go who haven't been here for long."""
        if not self.guard.seats:
            return
        now = time.monotonic()
        with self._lock:
            for key, rests in list(self._resting.items()):
                if now - rests.since > SEAT_SECONDS:
                    del self._resting[key]
                    self.guard.let_go(key)
            for key, worker in list(self._workers.items()):
                if not worker.clients and now - worker.last_seen > SEAT_SECONDS:
                    worker.stop(0.0)
                    del self._workers[key]
                    self.guard.let_go(key)
            for key, issued in list(self.guard.keys.items()):
                here = key in self._workers or key in self._resting
                if not here and now - issued > ARRIVAL_SECONDS:
                    self.guard.let_go(key)

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for worker in self._workers.values():  # all are told before any is waited for
                worker.stop(0.0)
            until = time.monotonic() + CLOSE_SECONDS
            for worker in self._workers.values():
                worker.stop(max(0.0, until - time.monotonic()))
            self._workers.clear()
