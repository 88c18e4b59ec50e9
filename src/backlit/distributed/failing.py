"""When a process fails: what the others are told, and how they know that one is gone."""

from __future__ import annotations

import time

from backlit.distributed.telling import failure, tell_failure
from backlit.distributed.world import count, index
from backlit.errors import ProcessError

SIGNS = ("Gloo ", "gloo/", "coordination service", "CoordinationService")  # in errors as they reach Python
FAREWELL = 3.0  # seconds in which the others can ask the first process why it ends


def is_loss(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that another process is gone.

    Examples
    --------
    >>> is_loss(ValueError("UNKNOWN: Gloo all-reduce failed: Connection reset by peer")), is_loss(ValueError("no"))
    (True, False)
    """
    while error is not None:
        if isinstance(error, ProcessError) or any(sign in str(error) for sign in SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_news(message: str, wait: float = FAREWELL) -> bool:
    """Tell the others why this process ends; whether none of them has told the same already.

    Examples
    --------
    >>> is_news("there is no such file")
    True
    """
    if count() == 1:
        return True
    tell_failure(message)
    told = failure()
    if index() == 0:  # with which what it knows is gone
        time.sleep(wait)
    return told is None or told["process"] == index() or told["text"] != message
