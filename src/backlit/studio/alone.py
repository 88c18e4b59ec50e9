"""A session without threads, for one page: where Python runs in the browser's worker, and everything takes turns.

Whoever carries the messages calls `hear` for each that comes, then `turn`, and again whenever that said.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.languages import Template
from backlit.studio.answers import answer, failed, refusal
from backlit.studio.replies import Reply
from backlit.studio.seen import FRAME_SECONDS, Seen, kind_of, overtakes
from backlit.studio.session import Session
from backlit.studio.wire import from_json, packed, to_json, unpacked

TURN_SECONDS = 0.1  # after which a long way goes on in the next turn, so that messages are heard
WAYS = ("configure", "seek", "step", "assign", "compare", "try")  # these go to an update that may be far

NOT_HERE = Template(
    "this needs {module}, which Python in the browser doesn't have here; start `backlit studio` for it",
    "여기에는 {module}{이/가} 필요한데, 이 브라우저의 파이썬에는 없습니다. `backlit studio`를 실행하면 쓸 수 있습니다.",
)

Arrays = dict[str, np.ndarray]


class Alone:
    """The session of one page.

    Parameters
    ----------
    send : callable
        ``send(data)``: JSON as a str, a frame as bytes.
    session : callable
        ``session()`` makes the session.

    Examples
    --------
    >>> told = []
    >>> alone = Alone(told.append)
    >>> alone.hear('{"type": "hello", "version": 1, "id": 1}')
    >>> alone.turn()
    >>> [data[:18] if isinstance(data, str) else type(data).__name__ for data in told]
    ['{"type":"welcome",', '{"type":"state","s', 'bytes', 'bytes']
    """

    def __init__(self, send: Callable[[Any], None], session: Callable[[], Session] = Session) -> None:
        self._send = send
        self._waiting: list[tuple[Any, Arrays]] = []
        self._page = Seen()
        self._until, self._last = float("inf"), 0.0
        self._refused: Reply | None = None
        try:
            self.session = session()
        except Exception as error:  # noqa: BLE001, the page gets one that can be made, and why
            self.session, self._refused = Session(), failed(error)
        self.session.interrupted = self._interrupted

    def hear(self, data: Any) -> None:
        """A message, for the next turn: JSON as a str, a frame as bytes, or as JavaScript's array of them."""
        try:
            if isinstance(data, str):
                arrays: Arrays = {}
                message = from_json(data)
            else:
                message, arrays = unpacked(data.to_bytes() if hasattr(data, "to_bytes") else bytes(data))
        except InputError as error:
            self._tell(refusal(None, str(error)))
            return
        if kind_of(message) == "seen":  # nothing to wait for, and the next frame depends on it
            self._page.ready = True
        else:
            self._waiting.append((message, arrays))

    def turn(self) -> float | None:
        """Answer what was heard, make updates for a moment, and send a frame if the page has seen the last one.

        Returns
        -------
        float or None
            Seconds until there is more to do; None if there is nothing before another message comes.
        """
        session = self.session
        try:
            waiting, self._waiting = self._waiting, []
            for number, (message, arrays) in enumerate(waiting):
                if any(overtakes(later, message) for later, _ in waiting[number + 1 : number + 2]):
                    self._tell(Reply({"type": "done", "asked": kind_of(message), "id": message.get("id")}))
                else:
                    self._do(message, arrays)
            if session.busy and self._rest() == 0.0:
                self._last = time.monotonic()
                session.tick()
            self._show()
        except Exception as error:  # noqa: BLE001, whatever it was, the session stays, and says so
            session.playing, session.aim = False, None
            self._page.version = session.version
            self._tell(failed(error))
        return self._rest() if session.busy else 0.0 if self._page.waits_for(session) else None

    # -------------------------------------------------------------------------------------------- within a turn

    def _rest(self) -> float:
        """Seconds until the next updates: where so many a frame are wanted, no more of them are made."""
        paced = self.session.playing and self.session.speed and self.session.aim is None
        return max(0.0, self._last + FRAME_SECONDS - time.monotonic()) if paced else 0.0

    def _interrupted(self, anew: bool) -> bool:
        """Whether to leave a long way: after a moment, since no message can be heard on it."""
        return not anew and time.monotonic() > self._until

    def _do(self, message: Any, arrays: Arrays) -> None:
        session, kind = self.session, kind_of(message)
        if kind == "hello":
            self._page.greet()
        far, before = kind in WAYS, session.lead.at
        self._until = time.monotonic() + TURN_SECONDS if far else float("inf")
        try:
            replies = answer(session, message, arrays)
        except ModuleNotFoundError as error:
            replies = [refusal(kind, NOT_HERE.of(module=error.name))]
        self._until = float("inf")
        if far and replies[0].message["type"] != "error":
            self._go_on(message, before)
        for reply in replies:
            self._tell(reply)
        if session.cut is not None:
            self._page.forget(session.cut)
            session.cut = None
        if kind == "hello" and self._refused is not None:
            self._tell(self._refused)

    def _go_on(self, message: dict[str, Any], before: int) -> None:
        """Where a way was left, aim at its end."""
        session, lead = self.session, self.session.lead
        goal = _goal(session, message, before)
        if session.behind or (lead.at < goal and lead.diverged is None):
            session.aim = max(goal, lead.at)

    def _show(self) -> None:
        """A frame, if the page is ready and hasn't seen what there is."""
        session = self.session
        if not self._page.waits_for(session):
            return
        frame = session.frame(self._page.curves_from)
        self._page.took(session)
        self._tell(frame)

    def _tell(self, reply: Reply) -> None:
        self._send(to_json(reply.message) if reply.arrays is None else packed(reply.message, reply.arrays))


def _goal(session: Session, message: dict[str, Any], before: int) -> int:
    """The update that a message goes to."""
    kind, length = message["type"], session.first.timeline.updates_per_epoch
    goal: Any = before
    if kind == "seek":
        goal = message["update"]
    elif kind == "step":
        epochs = message.get("epochs")
        goal = before + (message.get("updates") or 1) if epochs is None else (before // length + epochs) * length
    elif message.get("state") is not None:
        goal = message["state"].get("at", 0)
    elif kind == "assign" and message.get("task") is not None and session.assignment is not None:
        goal = session.assignment.start.at
    return min(int(goal), session.most_updates)  # 40.0 is a whole number, too
