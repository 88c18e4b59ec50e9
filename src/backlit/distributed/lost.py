"""Whether an error says that another process is gone: Gloo's and the coordinator's, as they reach Python."""

from __future__ import annotations

from backlit.errors import ProcessError

SIGNS = ("Gloo ", "gloo/", "coordination service", "CoordinationService")


def is_loss(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is of a process that is gone.

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
