"""What a studio begins with: nothing, a state, or a run's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backlit.studio.session import Session
from backlit.studio.sharing import state_of


def beginning(run: Path | None, link: str | None) -> Callable[[], Session]:
    """What makes a session; what is wrong with a run or a state is told at once.

    Raises
    ------
    InputError
        If it can't be read.
    """
    if link is None:
        return Session
    state = state_of(link)

    def made() -> Session:
        session = Session(state.replace(at=0))
        session.seek(state.at)
        return session

    return made
