"""The thread of a session that trains only while a page watches, and rests when none is there: in a notebook's kernel.

There nobody tells for sure that a page has gone, and a cell that runs keeps all answers of pages waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from backlit.errors import InputError
from backlit.nn.layer import Network
from backlit.studio.session import Session
from backlit.studio.worker import Client, Worker

ANSWER_SECONDS = 1.0  # that playing goes on while no page has taken its last frame
GONE_SECONDS = 600.0  # after which a page that doesn't take its frame is taken to be gone
IDLE_SECONDS = 3600.0  # without anything asked for, after which all of them are
REST_SECONDS = 60.0  # without a page, after which the session rests
START_SECONDS = 60.0  # that a session is waited for


class Watched(Worker):
    """A session's thread, which ends by itself; `again` makes the session anew then.

    Parameters
    ----------
    session : callable
        ``session()`` makes it; called in the thread.
    """

    def __init__(self, session: Callable[[], Session]) -> None:
        self.again: Callable[[], Session] | None = None  # of one that rests
        self._left: Network | None = None  # its network
        super().__init__(session)

    def join(self, client: Client) -> bool:
        """A page has come; whether it can: not where the session is at rest."""
        with self._lock:
            if self.again is None:
                self._clients.append(client)
                self.last_seen = self.last_asked = time.monotonic()
        return self.again is None

    @property
    def network(self) -> Network:
        """The first network as it is.

        Raises
        ------
        InputError
            If the session that was asked for couldn't be made, or isn't yet.
        """
        if not self.made.wait(START_SECONDS):
            raise InputError("the studio is still starting; ask again in a moment")
        if self.failure is not None:
            raise InputError(f"the studio couldn't begin with what was asked for: {self.failure}")
        session = self.session
        found = self._left if session is None else session.first.timeline.network
        if found is None:
            raise InputError("the studio was closed before it began; make another")
        return found

    def _held(self, session: Session) -> bool:
        if not session.playing:
            return False
        now = time.monotonic()
        late = {client: now - client.sent for client in self.clients if not client.ready}
        for client in [client for client, seconds in late.items() if seconds > GONE_SECONDS]:
            self.leave(client)
        return not any(late.get(client, 0.0) <= ANSWER_SECONDS for client in self.clients)

    def _ended(self, session: Session) -> bool:
        if super()._ended(session):
            return True
        now = time.monotonic()
        if not session.busy and now - self.last_asked > IDLE_SECONDS:
            for client in self.clients:
                self.leave(client)
        with self._lock:
            if self._clients or now - self.last_seen <= REST_SECONDS:
                return False
            self._left, self.again, self.session = session.first.timeline.network, session.rested(), None
        return True
