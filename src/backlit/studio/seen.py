"""What a page has asked for and seen: the same for pages of a server and for the one in whose browser Python runs."""

from __future__ import annotations

from typing import Any

from backlit.studio.session import Session
from backlit.studio.telling import curves_until

LATEST_COUNTS = ("seek", "pull", "look")  # of several in a row only the last one is done
FRAME_SECONDS = 1 / 60  # from one frame to the next, at least


class Seen:
    """How far a page is.

    Attributes
    ----------
    greeted, ready : bool
        Whether it has said hello, and has drawn the last frame.
    version : int
        Of the session, that its last frame showed.
    curves_from : int
        The first update whose losses it doesn't have yet.
    """

    def __init__(self) -> None:
        self.ready, self.greeted = True, False
        self.version, self.curves_from = -1, 0

    def greet(self) -> None:
        """It begins, or begins anew: it has seen nothing."""
        self.greeted, self.ready = True, True
        self.version, self.curves_from = -1, 0

    def waits_for(self, session: Session) -> bool:
        """Whether there is something that it could be shown now."""
        return self.greeted and self.ready and self.version != session.version

    def took(self, session: Session) -> None:
        """It is sent a frame of the session as it is."""
        self.ready, self.version = False, session.version
        if "curves" in session.panels:
            self.curves_from = curves_until(session, self.curves_from)
            if self.curves_from < session.furthest:
                self.version = -1  # the next frame brings more of them

    def forget(self, cut: int) -> None:
        """Curves from that update on don't hold any more."""
        self.curves_from = min(self.curves_from, cut)


def kind_of(message: Any) -> Any:
    """A message's type; None of what is no message."""
    return message.get("type") if isinstance(message, dict) else None


def overtakes(later: Any, earlier: Any) -> bool:
    """Whether an earlier message needn't be done, since the page has asked for something else in its place."""
    return kind_of(later) in LATEST_COUNTS and kind_of(later) == kind_of(earlier)
